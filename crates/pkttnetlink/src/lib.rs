//! Every message of the nf_tables and nft_compat subsystems as a Rust type.
//!
//! Bytes ↔ types, nothing else: no socket, no policy, no meaning of a rule. The types borrow from the
//! datagram they are decoded from and can be made independent of it with `into_owned`. What a newer kernel
//! adds is kept: unknown attributes stand in the `unknown` field of each type, unknown expressions are
//! [`nft::expr::Expression::Unknown`], unknown numbers survive in the named numbers.
//!
//! Attributes are written in the order in which the kernel dumps them and without `NLA_F_NESTED`, as the
//! kernel does, so that a dumped message encodes to its own bytes again. An empty list stands in `unknown` too.
//!
//! Each type's [`Display`](std::fmt::Display) is its readable form: one line per attribute, nests indented.
//! [`Readable`] shows whole datagrams, headers and acknowledgements included.
#![forbid(unsafe_code)]

mod codec;
mod interop;
pub mod nft;
mod readable;

pub use codec::{Bytes, HostOrder, RawAttribute, Text};
pub use readable::Readable;
