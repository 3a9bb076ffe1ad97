//! NETLINK_NETFILTER as a library: framing, attributes, batches, dumps, events and sockets.
//!
//! This layer knows no table and no rule. It is for whoever speaks to nf_tables, ipset, conntrack or another
//! subsystem of the kernel's netfilter and wants the exchange to be right: every length checked, every failure of a
//! batch told with the message and the attribute it is about, nothing waited for without end, nothing lost in silence.
//!
//! - [`Writer`] and [`Reader`], [`Attributes`], [`Messages`]: bytes, in one pass and without copies;
//! - [`BatchBuilder`] and [`Batch`]: messages that are applied all or not at all, each with a tag of the caller's;
//! - [`Connection`]: requests, dumps and commits over a [`Transport`], which is the kernel's [`Socket`] or an
//!   in-process stand-in that takes the same bytes; a [`Tap`] shows them on their way;
//! - [`Events`]: what others change, and when some of it was missed;
//! - [`Error`]: what went wrong, with the kernel's number, words and place.
//!
//! The feature `tokio` adds the awaited forms `AsyncSocket`, `AsyncConnection` and `AsyncEvents`.
//!
//! ```no_run
//! use nfnetlink::{BatchBuilder, Connection, Error, Flags, NetfilterHeader, Socket, Writer, kind};
//!
//! const NF_TABLES: u8 = 10;
//! const NEW_TABLE: u16 = kind::netfilter(NF_TABLES, 0);
//! const NEW_CHAIN: u16 = kind::netfilter(NF_TABLES, 3);
//!
//! let ipv4 = |writer: &mut Writer| writer.netfilter_header(&NetfilterHeader::new(2, 0));
//! let mut batch = BatchBuilder::new(NF_TABLES);
//! batch.push(1, NEW_TABLE, Flags::CREATE, |writer| {
//!     ipv4(writer);
//!     writer.put_string(1, b"filter");
//! })?;
//! batch.push(2, NEW_CHAIN, Flags::CREATE, |writer| {
//!     ipv4(writer);
//!     writer.put_string(1, b"filter");
//!     writer.put_string(3, b"INPUT");
//! })?;
//!
//! match Connection::new(Socket::open()?).commit(&batch.end()) {
//!     Ok(()) => println!("applied"),
//!     Err(Error::PermissionDenied) => println!("only root may do this"),
//!     Err(Error::BatchRefused(refusal)) => {
//!         for failure in &refusal.failures {
//!             println!("line {:?}: {}", failure.tag, failure.refusal);
//!         }
//!     }
//!     Err(error) => return Err(error),
//! }
//! # Ok::<(), Error>(())
//! ```
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
// Registering the async socket with its runtime takes one unsafe call.
#![cfg_attr(not(feature = "tokio"), forbid(unsafe_code))]

#[cfg(feature = "tokio")]
mod async_connection;
#[cfg(feature = "tokio")]
mod async_socket;
mod batch;
mod connection;
mod errno;
mod error;
mod events;
mod exchange;
mod extack;
mod requests;
mod socket;
mod tap;
mod transport;
pub mod wire;

#[cfg(feature = "tokio")]
pub use async_connection::AsyncConnection;
#[cfg(feature = "tokio")]
pub use async_socket::{AsyncEvents, AsyncSocket};
pub use batch::{Batch, BatchBuilder};
pub use connection::Connection;
pub use errno::Errno;
pub use error::{BatchFailure, BatchRefusal, Error, Refusal};
pub use events::{Events, Group};
pub use extack::ExtendedAck;
pub use socket::Socket;
pub use tap::{Direction, Tap};
pub use transport::Transport;
pub use wire::{
    Attribute, Attributes, DecodeError, EncodeError, Flags, Header, Message, Messages, NetfilterHeader,
    Reader, Writer, kind,
};

/// The examples of the README are tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
