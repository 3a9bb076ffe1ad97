//! Expressions of rules as the kernel takes them: what is missing or wrong, and what it adds when it dumps them.

mod action;
mod fits;
mod load;
mod object;
mod parse;
mod refer;
mod registers;

use nfnetlink::Errno;

pub(crate) use object::{object_data, set_object_back};
pub(crate) use parse::{Context, parse, set_back, stateful, target, without_counts};
pub(crate) use refer::same_kinds;
use registers::Registers;

/// Checks an expression and brings it into the form in which it is dumped.
trait Normalise {
    fn normalise(&mut self, registers: &mut Registers) -> Result<(), Errno>;
}

/// Gives `EINVAL` where one of these attributes is missing.
macro_rules! require {
    ($($attribute:expr),*) => {
        $( if $attribute.is_none() {
            return Err(nfnetlink::Errno::EINVAL);
        } )*
    };
}

use require;
