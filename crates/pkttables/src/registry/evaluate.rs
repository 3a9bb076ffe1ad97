use super::{Environment, Shared, Slot};
use crate::domain::NatRange;
use crate::model::{Hook, TableName};
use crate::packet::{InterfaceName, Packet, PacketKind, Tuple};
use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

/// What a match makes of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The condition holds.
    Match,
    /// The condition does not hold.
    NoMatch,
    /// The packet is so broken that it is dropped at once.
    Drop,
    /// The same, but by its negation the condition holds: ip_tables then counts the rule before it drops the packet.
    DropMatching,
    /// What the kernel would do cannot be told, because this extension cannot be evaluated.
    Unsupported,
}

/// How a packet goes on after a target.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// The next rule is looked at.
    Continue,
    /// The packet passes this table.
    Accept,
    /// The packet is thrown away.
    Drop,
    /// The packet is handed to a program.
    Queue {
        /// The number of the queue.
        number: u16,
        /// Whether the packet passes if no program listens.
        bypass: bool,
    },
    /// The packet is thrown away and its sender told so.
    Reject(Answer),
    /// The packet is kept by the target.
    Stolen,
    /// The packet, a SYN of TCP, is kept by the target, which answers it in place of its receiver.
    Answered(Handshake),
    /// Something is reported about the packet; then the next rule is looked at.
    Report,
    /// A copy of the packet is sent elsewhere; then the next rule is looked at.
    Copy {
        /// The host to which the copy is sent.
        gateway: IpAddr,
        /// The interface by which it is sent, if it was named.
        interface: Option<InterfaceName>,
    },
    /// The packet's connection is translated; the packet passes this table.
    Translate(Translation),
    /// What the kernel would do cannot be told, because this extension cannot be evaluated.
    Unsupported,
}

/// How the sender of a rejected packet is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// By an ICMP or ICMPv6 error of this type and code.
    Icmp(u8, u8),
    /// By a TCP segment with RST.
    Reset,
}

/// The SYN and ACK by which a SYN of TCP is answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Handshake {
    /// The sequence number.
    pub sequence: u32,
    /// Whether congestion is told (ECE).
    pub congestion: bool,
    /// The maximum segment size, as an option.
    pub segment_size: Option<u16>,
    /// The timestamp and the one that is echoed, as an option.
    pub timestamps: Option<(u32, u32)>,
    /// Whether selective acknowledgements are permitted, as an option.
    pub selective: bool,
    /// The window's scale, as an option.
    pub scale: Option<u8>,
}

/// A translation of a connection's addresses and ports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Translation {
    /// Whether the source is translated, and not the destination.
    pub source: bool,
    /// What it is translated to.
    pub range: NatRange,
}

/// A change that a target makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edit {
    /// The packet's mark.
    Mark(u32),
    /// The packet's queueing class.
    Priority(u32),
    /// For whom the packet is by its link address.
    Kind(PacketKind),
    /// The packet's mark for mandatory access control.
    SecMark(u32),
    /// The connection's mark.
    ConnectionMark(u32),
    /// The connection's mark for mandatory access control.
    ConnectionSecMark(u32),
    /// A label that the connection gets.
    ConnectionLabel(u8),
    /// IPv4's type of service or IPv6's traffic class, the bits of ECN included.
    Tos(u8),
    /// IPv4's time to live or IPv6's hop limit.
    Hops(u8),
    /// Of byte 13 of the TCP header, the bits of the first mask are set as in the second.
    TcpFlags(u8, u8),
    /// The maximum segment size of TCP; added as an option if there is none.
    SegmentSize(u16),
    /// The TCP options whose kinds' bits are set are overwritten by padding.
    StripTcpOptions([u64; 4]),
    /// An IPv6 address, in the packet's own header or in one that it quotes.
    Address {
        /// Where it is.
        at: usize,
        /// What it becomes; no checksum changes.
        address: Ipv6Addr,
    },
    /// The packet is not tracked.
    Untrack,
    /// How the packet is tracked.
    Track(Template),
    /// Every rule that the packet visits is reported from now on.
    Trace,
}

/// How a packet is to be tracked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Template {
    /// The zone of packets in the original direction.
    pub original_zone: u16,
    /// The zone of packets in the reply direction.
    pub reply_zone: u16,
    /// The helper.
    pub helper: Option<&'static str>,
}

/// Which kernel code judges packets, where they differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Backend {
    /// nf_tables with nft_compat, as iptables-nft uses it.
    #[default]
    Nft,
    /// ip_tables and ip6_tables.
    Legacy,
}

/// Where and with what means an extension is evaluated.
#[derive(Debug)]
pub struct Context<'a> {
    /// The table of the rule.
    pub table: TableName,
    /// The hook at which the packet is.
    pub hook: Hook,
    /// Which kernel code is followed.
    pub backend: Backend,
    /// The rest of the world.
    pub environment: &'a mut dyn Environment,
    /// What connection tracking knows of all connections.
    pub connections: &'a dyn Connections,
    /// What the extension remembers in this rule.
    pub own: &'a mut Slot,
    /// What extensions remember by name, over all rules.
    pub shared: &'a mut Shared,
    /// The changes that a target asks for, in order.
    pub edits: &'a mut Vec<Edit>,
}

/// What connection tracking knows besides the packet's own connection.
pub trait Connections: fmt::Debug {
    /// Whether the connection to which packets of this tuple belong is over but for waiting; `None` if there is none.
    fn is_closed(&self, tuple: &Tuple, zone: u16) -> Option<bool>;

    /// Whether there is a connection to which packets of this tuple belong that is not forgotten early.
    fn is_assured(&self, tuple: &Tuple, zone: u16) -> bool;

    /// The tuple of a packet that belongs to no connection; `None` if it cannot be read.
    fn tuple(&self, packet: &Packet<'_>) -> Option<Tuple>;
}

/// There are no connections.
impl Connections for () {
    fn is_closed(&self, _: &Tuple, _: u16) -> Option<bool> {
        None
    }

    fn is_assured(&self, _: &Tuple, _: u16) -> bool {
        false
    }

    fn tuple(&self, _: &Packet<'_>) -> Option<Tuple> {
        None
    }
}

impl Context<'_> {
    /// Asks for a change.
    pub fn edit(&mut self, edit: Edit) {
        self.edits.push(edit);
    }
}

impl From<bool> for Outcome {
    fn from(holds: bool) -> Self {
        if holds { Self::Match } else { Self::NoMatch }
    }
}
