//! Packets as rules see them: bytes in one or several pieces, the headers in them, and what is known besides.

mod connection;
mod data;
pub mod jhash;
mod jiffies;
mod layout;
mod meta;

pub use connection::{Connection, Direction, Status, Tuple};
pub use data::Data;
pub use jiffies::{HZ, jiffies, jiffies_of_millis};
pub use layout::{
    Authentication, FoundHeader, Fragment, HeaderError, Layout, Malformed, is_extension_header,
    skip_extension_headers,
};
pub use meta::{InterfaceName, Link, Meta, PacketKind, TrackState};

use crate::model::{Family, protocol};
use crate::registry::Outcome;

/// An IP packet and what is known of it.
#[derive(Clone, Copy, Debug)]
pub struct Packet<'a> {
    /// The bytes from the IP header on; none behind the packet's end.
    pub data: Data<'a>,
    /// Where the headers are.
    pub layout: Layout,
    /// What is known besides.
    pub meta: &'a Meta,
}

/// Why a field of the transport header cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// It is in the first fragment; this is a later one, whose payload starts at this many bytes.
    LaterFragment(u16),
    /// The packet ends before it.
    Truncated,
}

impl Missing {
    /// What most matches do then: they do not match later fragments and drop what is cut off.
    #[must_use]
    pub const fn outcome(self) -> Outcome {
        match self {
            Self::LaterFragment(_) => Outcome::NoMatch,
            Self::Truncated => Outcome::Drop,
        }
    }
}

impl<'a> Packet<'a> {
    /// A packet whose headers have been read. Bytes behind the packet's end are cut off.
    #[must_use]
    pub fn new(data: Data<'a>, layout: Layout, meta: &'a Meta) -> Self {
        Self { data: data.truncated(layout.len), layout, meta }
    }

    /// The IP version.
    #[must_use]
    pub const fn family(&self) -> Family {
        self.layout.family
    }

    /// The connection that the packet belongs to; a template, by which it is yet to be tracked, is none.
    #[must_use]
    pub fn connection(&self) -> Option<&Connection> {
        self.meta.connection.as_ref().filter(|connection| !connection.is_template())
    }

    /// `N` bytes of the transport header, from `offset` in it.
    pub fn transport<const N: usize>(&self, offset: usize) -> Result<[u8; N], Missing> {
        match self.layout.fragment.offset {
            0 => {
                let start = self.layout.transport.checked_add(offset);
                start.and_then(|start| self.data.array(start)).ok_or(Missing::Truncated)
            }
            offset => Err(Missing::LaterFragment(offset)),
        }
    }

    /// The four bytes in which the transport protocol has its ports, or what stands for them (`proto_ports_offset`);
    /// zeros for protocols without. `None` if they are cut off.
    ///
    /// Of later fragments of IPv4 it is what stands there; those of IPv6 have none.
    #[must_use]
    pub fn ports_or_zero(&self) -> Option<[u16; 2]> {
        let (number, start) = match self.family() {
            Family::Ipv4 => (self.layout.protocol?, self.layout.transport),
            Family::Ipv6 => skip_extension_headers(&self.data, self.data.u8(6)?, 40)?,
        };
        let Some(offset) = ports_offset(number) else { return Some([0, 0]) };
        let start = start + offset;
        Some([self.data.be16(start)?, self.data.be16(start + 2)?])
    }

    /// Whether the transport header is one of this protocol.
    #[must_use]
    pub fn is(&self, protocol: u8) -> bool {
        self.layout.protocol == Some(protocol)
    }

    /// IPv4's time to live, IPv6's hop limit.
    #[must_use]
    pub fn hops(&self) -> u8 {
        let offset = match self.family() {
            Family::Ipv4 => 8,
            Family::Ipv6 => 7,
        };
        self.data.u8(offset).unwrap_or_default()
    }

    /// IPv4's type of service, IPv6's traffic class.
    #[must_use]
    pub fn tos(&self) -> u8 {
        match self.family() {
            Family::Ipv4 => self.data.u8(1).unwrap_or_default(),
            Family::Ipv6 => {
                let [high, low] = self.data.array(0).unwrap_or_default();
                high << 4 | low >> 4
            }
        }
    }
}

/// Where in a transport header the ports are, or what stands for them (`proto_ports_offset`); `None` if it has none.
pub(crate) const fn ports_offset(number: u8) -> Option<usize> {
    match number {
        protocol::TCP
        | protocol::UDP
        | protocol::DCCP
        | protocol::ESP
        | protocol::SCTP
        | protocol::UDPLITE => Some(0),
        protocol::AH => Some(4),
        _ => None,
    }
}
