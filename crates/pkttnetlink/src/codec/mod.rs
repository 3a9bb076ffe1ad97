//! How attribute values become Rust values and back: the value types, the two traits that know how to read,
//! write and show them, and the macros that turn a table of attributes or names into types.

#[macro_use]
mod attributes;
#[macro_use]
mod named;
mod field;
mod show;
mod value;

#[cfg(test)]
mod sample;

pub(crate) use attributes::{attributes, list_element};
pub(crate) use field::{
    Depth, Element, Field, Inside, LIST_ELEMENT, Names, Nest, Value, expect_list_element,
};
pub(crate) use named::{flags, named};
#[cfg(test)]
pub(crate) use sample::{Sample, sample_unknown};
pub(crate) use show::Printer;
pub use value::{Bytes, HostOrder, RawAttribute, Text};
