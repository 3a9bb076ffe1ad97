use crate::model::Counters;
use bitflags::bitflags;
use std::net::IpAddr;

/// What a rule can ask about a connection: a copy of what connection tracking holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Connection {
    /// Which side sent the packet.
    pub direction: Direction,
    /// Addresses and ports of packets of the side that began it.
    pub original: Tuple,
    /// Addresses and ports of packets of the side that answers, as they arrive.
    pub reply: Tuple,
    /// Its properties.
    pub status: Status,
    /// The mark.
    pub mark: u32,
    /// The mark for mandatory access control.
    pub secmark: u32,
    /// The labels, one a bit.
    pub labels: u128,
    /// Seconds until it is forgotten.
    pub expires: u32,
    /// The zone.
    pub zone: u16,
    /// The helper that follows it.
    pub helper: Option<&'static str>,
    /// The helper that follows the connection which announced this one.
    pub master_helper: Option<&'static str>,
    /// Where the connection which announced this one comes from.
    pub master_source: Option<IpAddr>,
    /// What was counted of either direction, the original first, this packet included.
    pub counters: [Counters; 2],
}

impl Connection {
    /// Whether it only tells how a connection is to be tracked: what the target `CT` leaves before that is done.
    #[must_use]
    pub const fn is_template(&self) -> bool {
        self.original.protocol == 0
            && self.original.source.is_unspecified()
            && self.original.destination.is_unspecified()
    }
}

/// One direction's addresses and ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Tuple {
    /// The source address.
    pub source: IpAddr,
    /// The destination address.
    pub destination: IpAddr,
    /// The transport protocol.
    pub protocol: u8,
    /// The source port; for ICMP the identifier, for GRE the key; 0 if the protocol has none.
    pub source_port: u16,
    /// The destination port; for ICMP type and code; 0 if the protocol has none.
    pub destination_port: u16,
}

/// Which side of a connection sends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Direction {
    /// The one that began it.
    #[default]
    Original,
    /// The one that answers.
    Reply,
}

bitflags! {
    /// Properties of a connection (`IPS_*` of linux/netfilter/nf_conntrack_common.h).
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    pub struct Status: u32 {
        /// Another connection announced it.
        const EXPECTED = 1;
        /// Packets have been seen in both directions.
        const SEEN_REPLY = 1 << 1;
        /// It is not forgotten early when the table is full.
        const ASSURED = 1 << 2;
        /// The first packet has left the host.
        const CONFIRMED = 1 << 3;
        /// The source address is translated.
        const SRC_NAT = 1 << 4;
        /// The destination address is translated.
        const DST_NAT = 1 << 5;
        /// TCP sequence numbers are shifted.
        const SEQ_ADJUST = 1 << 6;
        /// It was decided whether the source is translated.
        const SRC_NAT_DONE = 1 << 7;
        /// It was decided whether the destination is translated.
        const DST_NAT_DONE = 1 << 8;
        /// It is being forgotten.
        const DYING = 1 << 9;
        /// Its timeout does not change.
        const FIXED_TIMEOUT = 1 << 10;
        /// It was made for the CT target.
        const TEMPLATE = 1 << 11;
        /// Its helper was given by the CT target.
        const HELPER = 1 << 13;
    }
}

impl Direction {
    /// The other side.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Original => Self::Reply,
            Self::Reply => Self::Original,
        }
    }
}

impl Tuple {
    /// What the answer to a packet of this tuple looks like; ICMP's type is left as it is.
    #[must_use]
    pub const fn swapped(self) -> Self {
        Self {
            source: self.destination,
            destination: self.source,
            protocol: self.protocol,
            source_port: self.destination_port,
            destination_port: self.source_port,
        }
    }
}
