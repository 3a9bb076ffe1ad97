//! An nf_tables in the process: what the kernel answers, without a kernel.
//!
//! [`EmbeddedKernel`] takes the very bytes that go to the kernel's netlink socket and gives the bytes that it would
//! answer: tables, chains, rules, sets, maps, objects and flowtables with their handles, batches that are applied whole or not at all, generation
//! ids, dumps in parts, errors with the kernel's numbers and the place of the attribute to blame. It needs no
//! privileges and touches no packet. [`EmbeddedSocket`] is an [`nfnetlink::Transport`]; several on one kernel are
//! like several programs on one host.
//!
//! What it does not have: chains that belong to a rule, hardware offload (`EOPNOTSUPP`), security marks and tunnels as
//! objects (`ENOENT`), and time: elements do not expire. Devices need not exist.
//!
//! ```
//! use nfnetlink::{BatchBuilder, Connection, Flags};
//! use pkttables_embedded::EmbeddedKernel;
//! use pkttnetlink::nft::{Body, Family, Message, Table};
//!
//! let kernel = EmbeddedKernel::new();
//! let mut connection = Connection::new(kernel.connect());
//! let table = Table { name: Some("filter".into()), ..Table::default() };
//! let message = Message::new(Family::IPV4, Body::NewTable(table));
//! let mut batch = BatchBuilder::with_generation(10, kernel.generation());
//! batch.push(0, message.body.kind(), Flags::CREATE, |writer| message.encode_payload(writer))?;
//! connection.commit(&batch.end())?;
//! assert_eq!(kernel.generation(), 2);
//! # Ok::<(), nfnetlink::Error>(())
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

mod batch;
mod change;
mod core;
mod dump;
mod expression;
mod extensions;
mod file;
mod kernel;
mod netlink;
mod refusal;
mod reply;
mod request;
mod socket;
mod state;
mod transaction;
mod validate;

pub use extensions::{Extension, Extensions};
pub use file::StateError;
pub use kernel::EmbeddedKernel;
pub use socket::EmbeddedSocket;

/// The examples of the README are tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
