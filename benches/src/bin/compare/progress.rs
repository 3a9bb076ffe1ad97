use std::io::{IsTerminal as _, Write as _};

/// Says on a terminal what is going on, in one line that is written over.
pub(crate) fn say(text: &str) {
    let mut out = std::io::stderr();
    if out.is_terminal() {
        let _ = write!(out, "\r\x1b[K{text}");
        let _ = out.flush();
    }
}

/// Takes the line away.
pub(crate) fn end() {
    say("");
}
