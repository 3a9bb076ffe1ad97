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
//!
//! ```
//! use nfnetlink::{Header, Messages, Writer};
//! use pkttnetlink::nft::expr::{Cmp, CmpOp, Immediate, Meta, MetaKey};
//! use pkttnetlink::nft::{Body, Data, Family, Message, Register, Rule, Verdict, VerdictCode};
//!
//! // iifname "lo" accept
//! let rule = Rule {
//!     table: Some("filter".into()),
//!     chain: Some("INPUT".into()),
//!     expressions: vec![
//!         Meta { key: Some(MetaKey::IIFNAME), dreg: Some(Register::R1), ..Meta::default() }.into(),
//!         Cmp {
//!             sreg: Some(Register::R1),
//!             op: Some(CmpOp::EQ),
//!             data: Some(Data::value(b"lo\0")),
//!             ..Cmp::default()
//!         }
//!         .into(),
//!         Immediate::verdict(Verdict::new(VerdictCode::ACCEPT)).into(),
//!     ],
//!     ..Rule::default()
//! };
//! let message = Message::new(Family::IPV4, Body::NewRule(rule));
//!
//! let mut writer = Writer::new();
//! message.encode(&Header::default(), &mut writer)?;
//! for received in Messages::new(writer.as_bytes()) {
//!     assert_eq!(Message::decode(&received?)?, message);
//! }
//! println!("{message}");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    warn(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::unreachable,
        clippy::indexing_slicing,
        clippy::string_slice,
        clippy::cast_possible_truncation
    )
)]

mod codec;
mod interop;
pub mod nft;
mod readable;

pub use codec::{Bytes, HostOrder, RawAttribute, Text};
pub use readable::Readable;

/// The examples of the README are tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
