use super::Edit;
use crate::matches::addrtype::AddressType;
use crate::matches::cgroup::Cgroup;
use crate::packet::{InterfaceName, Packet, jhash};
use crate::targets::tproxy::Tproxy;
use crate::{matches, targets};
use std::fmt;
use std::net::IpAddr;

/// What evaluation needs to know of the world and cannot tell from rules and packets.
///
/// Each question has a default answer, that of a host with nothing but the loopback interface and no sockets.
pub trait Environment: fmt::Debug {
    /// A random number, of all values the same probability. By default always 2³¹.
    fn random(&mut self) -> u32 {
        1 << 31
    }

    /// The number of the processor that handles the packet. By default 0.
    fn cpu(&mut self) -> u32 {
        0
    }

    /// The group of an interface. By default 0, as in the kernel.
    fn interface_group(&mut self, _interface: InterfaceName) -> u32 {
        0
    }

    /// The largest packet that an interface carries. By default 1500.
    fn mtu(&mut self, _interface: InterfaceName) -> u32 {
        1500
    }

    /// The address of an interface that packets to `destination` get as their source. By default there is none.
    fn interface_address(&mut self, _interface: InterfaceName, _destination: IpAddr) -> Option<IpAddr> {
        None
    }

    /// What kind of address this is, by the routing table; with an interface, asked for that one alone. By default
    /// what can be told from the number.
    fn address_type(&mut self, address: IpAddr, _interface: Option<InterfaceName>) -> AddressType {
        address_type_of_number(address)
    }

    /// Whether packets to a multicast group come to this host. By default none do.
    fn is_member(&mut self, _group: IpAddr) -> bool {
        false
    }

    /// How packets to `destination` leave. By default they do not.
    fn route(&mut self, _destination: IpAddr, _mark: u32) -> Option<Route> {
        None
    }

    /// The socket on this host that made the packet or will get it. By default there is none.
    fn socket(&mut self, _packet: &Packet<'_>) -> Option<Socket> {
        None
    }

    /// Whether the socket that the packet belongs to is in the control group of a `cgroup` match, whether or not that is
    /// negated; `None` if there is no such socket, as by default.
    fn in_cgroup(&mut self, _query: &Cgroup, _packet: &Packet<'_>) -> Option<bool> {
        None
    }

    /// The socket to which a `TPROXY` target hands the packet: that of the connection, or one that listens where the
    /// target says. By default there is none.
    fn proxy(&mut self, _query: &Tproxy, _packet: &Packet<'_>) -> Option<Socket> {
        None
    }

    /// The sequence number by which `SYNPROXY` answers a SYN. The kernel mixes in a secret and the time; by default it is a
    /// hash of addresses and ports alone.
    fn syn_cookie(&mut self, packet: &Packet<'_>) -> u32 {
        let fold = |address: IpAddr| match address {
            IpAddr::V4(address) => address.to_bits(),
            IpAddr::V6(address) => {
                let [a, b, c, d] = [96, 64, 32, 0].map(|shift| (address.to_bits() >> shift) as u32);
                jhash::words(&[a, b, c, d], 0)
            }
        };
        let [source, destination] = packet.ports_or_zero().unwrap_or_default();
        let ports = u32::from(source) << 16 | u32::from(destination);
        jhash::words(&[fold(packet.layout.source), fold(packet.layout.destination), ports], 0)
    }

    /// Whether the acknowledgement in a TCP packet is of a sequence number that `SYNPROXY` chose. By default if it is that
    /// of [`syn_cookie`](Self::syn_cookie).
    fn is_syn_cookie(&mut self, packet: &Packet<'_>) -> bool {
        let acknowledged = packet.transport(8).map(u32::from_be_bytes);
        acknowledged == Ok(self.syn_cookie(packet).wrapping_add(1))
    }

    /// The number that stands for a security context; 0 for none. By default 1.
    fn security_id(&mut self, _context: &str) -> u32 {
        1
    }

    /// By how many minutes the kernel's time zone is behind UTC. By default 0.
    fn minutes_west(&mut self) -> i32 {
        0
    }

    /// Whether a `set` match holds for the packet, but for its negation; `None` if there is no such set.
    ///
    /// By default no set exists.
    fn set_test(&mut self, _query: &matches::set::Set, _packet: &Packet<'_>) -> Option<bool> {
        None
    }

    /// Does what a `SET` target asks; `None` if there is no such set. By default no set exists.
    fn set_change(
        &mut self,
        _change: &targets::set::Set,
        _packet: &Packet<'_>,
        _edits: &mut Vec<Edit>,
    ) -> Option<()> {
        None
    }
}

/// How packets leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    /// By which interface.
    pub interface: InterfaceName,
    /// To which router, if not to the destination itself.
    pub gateway: Option<IpAddr>,
    /// The largest packet that gets through.
    pub mtu: u32,
}

/// A socket on this host.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Socket {
    /// The user that it belongs to.
    pub user: u32,
    /// The group that it belongs to.
    pub group: u32,
    /// Whether it may have addresses that are not this host's (`IP_TRANSPARENT`).
    pub transparent: bool,
    /// Whether it listens on all addresses.
    pub wildcard: bool,
    /// The mark of packets that it sends.
    pub mark: u32,
}

/// The kind that can be told from an address without a routing table.
#[must_use]
pub fn address_type_of_number(address: IpAddr) -> AddressType {
    match address {
        IpAddr::V4(v4) if v4.is_broadcast() || v4.octets()[0] == 0 => AddressType::Broadcast,
        IpAddr::V4(v4) if v4.is_multicast() => AddressType::Multicast,
        IpAddr::V6(v6) if v6.is_unspecified() => AddressType::Unspec,
        IpAddr::V6(v6) if v6.is_multicast() => AddressType::Multicast,
        _ if address.is_loopback() => AddressType::Local,
        _ => AddressType::Unicast,
    }
}
