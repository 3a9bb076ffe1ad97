//! NETLINK_NETFILTER as a library: framing, attributes, batches, dumps, events and sockets.
//!
//! This layer knows no table and no rule. Everything above it works on a [`Transport`], so a program can
//! talk to the running kernel or to an in-process stand-in with the same bytes.
#![forbid(unsafe_code)]

mod errno;
mod error;
mod extack;
mod transport;
pub mod wire;

pub use errno::Errno;
pub use error::{BatchFailure, BatchRefusal, Error, Refusal};
pub use extack::ExtendedAck;
pub use transport::Transport;
