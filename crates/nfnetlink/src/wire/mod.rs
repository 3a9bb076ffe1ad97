//! Bytes on the wire: a checked [`Reader`], a one-pass [`Writer`], attributes and message headers.
//!
//! Netlink headers and attribute headers are in host byte order; the netfilter attributes hold their
//! integers in network byte order (`linux/netlink.h`, `linux/netfilter/nfnetlink.h`).

mod attr;
mod error;
mod header;
mod reader;
mod writer;

pub use attr::{Attribute, Attributes};
pub use error::{DecodeError, EncodeError, Problem};
pub use header::{
    Flags, Header, Message, Messages, NETFILTER_HEADER_LEN, NETLINK_HEADER_LEN, NetfilterHeader, kind,
};
pub use reader::Reader;
pub use writer::{Mark, Writer};

/// Rounds a length up to the four-byte alignment of netlink messages and attributes.
#[must_use]
pub const fn align(len: usize) -> usize {
    len.wrapping_add(3) & !3
}
