use super::Connection;
use crate::model::InterfacePattern;

/// What is known of a packet besides its bytes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Meta {
    /// The interface by which it came.
    pub input: Option<InterfaceName>,
    /// The interface by which it leaves, once that is decided.
    pub output: Option<InterfaceName>,
    /// The bridge port by which it came.
    pub bridge_input: Option<InterfaceName>,
    /// The bridge port by which it leaves.
    pub bridge_output: Option<InterfaceName>,
    /// The mark.
    pub mark: u32,
    /// The queueing class (`skb->priority`).
    pub priority: u32,
    /// The routing realm.
    pub realm: u32,
    /// The mark for mandatory access control.
    pub secmark: u32,
    /// To whom the link layer addressed it.
    pub kind: PacketKind,
    /// The link header; `None` if there is none, as for packets made on this host.
    pub link: Option<Link>,
    /// When it came, in nanoseconds since 1970.
    pub time: u64,
    /// What connection tracking makes of it.
    pub state: TrackState,
    /// The connection that it belongs to; `None` unless the state is one of those with a connection.
    pub connection: Option<Connection>,
}

/// What connection tracking makes of a packet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum TrackState {
    /// It was not looked at, or fits no connection.
    #[default]
    Invalid,
    /// Tracking was told to leave it alone.
    Untracked,
    /// It begins a connection, or belongs to one that was seen in one direction only.
    New,
    /// It belongs to a connection that was seen in both directions.
    Established,
    /// It begins a connection that another one announced, or is an error about one.
    Related,
}

/// To whom the link layer addressed a packet (`PACKET_*` of linux/if_packet.h).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum PacketKind {
    /// To this host.
    #[default]
    Host,
    /// To all.
    Broadcast,
    /// To a group.
    Multicast,
    /// To another host.
    Other,
    /// It goes out, or came back by the loopback interface.
    Outgoing,
}

impl PacketKind {
    /// Of a frame that came with this destination, which if it is that of one host is this one.
    #[must_use]
    pub const fn of_destination(address: [u8; 6]) -> Self {
        match address {
            [0xff, 0xff, 0xff, 0xff, 0xff, 0xff] => Self::Broadcast,
            [first, ..] if first & 1 != 0 => Self::Multicast,
            _ => Self::Host,
        }
    }
}

/// The Ethernet header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// The destination.
    pub destination: [u8; 6],
    /// The source.
    pub source: [u8; 6],
    /// The protocol number.
    pub ethertype: u16,
}

/// The name of an interface, NUL-padded as in the kernel.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct InterfaceName([u8; 16]);

impl InterfaceName {
    /// The interface called `name`; `None` if no interface can have that name.
    #[must_use]
    pub fn new(name: &[u8]) -> Option<Self> {
        if name.is_empty() || name.contains(&0) || name.len() > InterfacePattern::MAX {
            return None;
        }
        let mut bytes = [0; 16];
        bytes.get_mut(..name.len())?.copy_from_slice(name);
        Some(Self(bytes))
    }

    /// The name without padding.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.0.split(|byte| *byte == 0).next().unwrap_or_default()
    }

    /// The name with NULs up to 16 bytes.
    #[must_use]
    pub const fn padded(&self) -> [u8; 16] {
        self.0
    }
}

impl std::fmt::Debug for InterfaceName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

impl std::fmt::Display for InterfaceName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.as_bytes().escape_ascii())
    }
}

impl InterfacePattern {
    /// Whether this interface is meant. The empty beginning means even a missing interface.
    #[must_use]
    pub fn fits(&self, interface: Option<InterfaceName>) -> bool {
        let name = interface.as_ref().map_or(&[][..], InterfaceName::as_bytes);
        if self.is_prefix() { name.starts_with(self.name()) } else { name == self.name() }
    }
}
