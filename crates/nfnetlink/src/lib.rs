//! NETLINK_NETFILTER as a library: framing, attributes, batches, dumps, events and sockets.
//!
//! This layer knows no table and no rule. Everything above it works on a [`Transport`], so a program can
//! talk to the running kernel or to an in-process stand-in with the same bytes.
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
pub use transport::Transport;
pub use wire::{
    Attribute, Attributes, DecodeError, EncodeError, Flags, Header, Message, Messages, NetfilterHeader,
    Reader, Writer, kind,
};
