//! What is printed. A reader that goes away, as `head` does, ends the program quietly.

use std::fmt::Arguments;
use std::io::{ErrorKind, Write as _};

/// Prints to standard output, without colours where that is no terminal.
pub(crate) fn print(text: Arguments<'_>) {
    if let Err(error) = anstream::stdout().write_fmt(text) {
        if error.kind() != ErrorKind::BrokenPipe {
            eprintln!("cannot print: {error}");
        }
        std::process::exit(if error.kind() == ErrorKind::BrokenPipe { 0 } else { 1 });
    }
}

/// As in the standard library, but for a reader that goes away.
macro_rules! print {
    ($($text:tt)*) => { $crate::output::print(format_args!($($text)*)) };
}

/// As in the standard library, but for a reader that goes away.
macro_rules! println {
    () => { $crate::output::print(format_args!("\n")) };
    ($format:literal $($rest:tt)*) => { $crate::output::print(format_args!("{}\n", format_args!($format $($rest)*))) };
}
