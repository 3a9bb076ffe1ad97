//! The kinds of values that parameters take, one file each.

mod integer;

pub use integer::{parse_bounded, parse_unsigned};
