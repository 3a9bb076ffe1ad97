use crate::evaluator::LOOPBACK;
use crate::ipset::Sets;
use pkttables::matches::addrtype::AddressType;
use pkttables::model::AddressMask;
use pkttables::packet::{InterfaceName, Packet};
use pkttables::registry::{Edit, Environment, Route, Socket, address_type_of_number};
use pkttables::{matches, targets};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A host or router: its routes, its own addresses, its sets.
#[derive(Clone, Debug, Default)]
pub struct Host {
    routes: Vec<(AddressMask, Route)>,
    locals: Vec<Local>,
    sets: Sets,
    sender: Option<Socket>,
    random: u64,
    draws: u64,
}

/// An address of the host's own.
#[derive(Clone, Copy, Debug)]
struct Local {
    address: IpAddr,
    /// Where it belongs; if that was not told, to the interface whose route it lies in.
    interface: Option<InterfaceName>,
}

impl Host {
    /// A host without routes and addresses.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a route.
    pub fn add_route(&mut self, prefix: AddressMask, route: Route) {
        self.routes.push((prefix, route));
    }

    /// Adds an address of the host's own. It belongs to the interface whose route it lies in.
    pub fn add_local(&mut self, address: IpAddr) {
        self.locals.push(Local { address, interface: None });
    }

    /// Adds an address of the host's own on an interface, as each has its own of the local network of IPv6.
    pub fn add_local_on(&mut self, interface: InterfaceName, address: IpAddr) {
        self.locals.push(Local { address, interface: Some(interface) });
    }

    /// Gives the host these sets, and takes away those that it had.
    pub fn set_sets(&mut self, sets: Sets) {
        self.sets = sets;
    }

    /// Lets what the host itself sends be of this socket.
    pub const fn set_sender(&mut self, socket: Socket) {
        self.sender = Some(socket);
    }

    /// The host's sets.
    #[must_use]
    pub const fn sets(&self) -> &Sets {
        &self.sets
    }

    /// How many random numbers were drawn: whether what became of a packet hung on chance.
    #[must_use]
    pub const fn draws(&self) -> u64 {
        self.draws
    }

    fn lookup(&self, address: IpAddr) -> Option<&(AddressMask, Route)> {
        let matching = self.routes.iter().filter(|(prefix, _)| prefix.contains(address));
        matching.max_by_key(|(prefix, _)| prefix.prefix_len())
    }

    fn addresses(&self) -> impl Iterator<Item = IpAddr> {
        self.locals.iter().map(|local| local.address)
    }

    /// The interface that an address of the host belongs to.
    fn interface_of(&self, local: &Local) -> Option<InterfaceName> {
        local.interface.or_else(|| Some(self.lookup(local.address)?.1.interface))
    }

    /// Whether an address of the host belongs to an interface.
    fn belongs(&self, address: IpAddr, interface: InterfaceName) -> bool {
        match self.locals.iter().find(|local| local.address == address) {
            Some(local) => self.interface_of(local) == Some(interface),
            None => self.lookup(address).is_some_and(|(_, route)| route.interface == interface),
        }
    }

    fn is_local(&self, address: IpAddr) -> bool {
        address.is_loopback() || self.addresses().any(|local| local == address)
    }

    /// Whether this is the first or last address, as `last` tells, of a network that the host is in.
    fn ends_local_network(&self, address: IpAddr, last: bool) -> bool {
        self.lookup(address).is_some_and(|(prefix, _)| {
            let end = match (prefix, last) {
                (AddressMask::V4 { address, mask }, true) => IpAddr::V4(*address | !*mask),
                (AddressMask::V6 { address, mask }, true) => IpAddr::V6(*address | !*mask),
                _ => prefix.address(),
            };
            end == address && self.addresses().any(|local| prefix.contains(local))
        })
    }

    /// Whether packets to this group come to the host.
    pub(crate) fn is_member(&self, group: IpAddr) -> bool {
        match group {
            IpAddr::V4(group) => group == Ipv4Addr::new(224, 0, 0, 1),
            IpAddr::V6(group) => {
                let all = [
                    Ipv6Addr::new(0xff01, 0, 0, 0, 0, 0, 0, 1),
                    Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1),
                    Ipv6Addr::new(0xff01, 0, 0, 0, 0, 0, 0, 2),
                    Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 2),
                    Ipv6Addr::new(0xff05, 0, 0, 0, 0, 0, 0, 2),
                ];
                let solicited = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 1, 0xff00, 0).to_bits();
                let of = |local: IpAddr| match local {
                    IpAddr::V6(local) => group.to_bits() == solicited | (local.to_bits() & 0xff_ffff),
                    IpAddr::V4(_) => false,
                };
                all.contains(&group) || self.addresses().any(of)
            }
        }
    }
}

impl Environment for Host {
    /// Numbers of a fixed sequence, so that runs can be repeated.
    fn random(&mut self) -> u32 {
        self.draws += 1;
        // SplitMix64.
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.random ^ self.random >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ mixed >> 31) >> 32) as u32
    }

    fn interface_address(&mut self, interface: InterfaceName, destination: IpAddr) -> Option<IpAddr> {
        let of_interface = self.locals.iter().filter(|local| {
            local.address.is_ipv4() == destination.is_ipv4() && self.interface_of(local) == Some(interface)
        });
        // What is meant for one link has its source there, what goes further has not.
        let on_link = is_of_link(destination);
        of_interface.map(|local| local.address).min_by_key(|address| is_of_link(*address) != on_link)
    }

    fn address_type(&mut self, address: IpAddr, interface: Option<InterfaceName>) -> AddressType {
        let belongs = |host: &Self| interface.is_none_or(|interface| host.belongs(address, interface));
        let elsewhere = |interface: InterfaceName| Some(interface) != InterfaceName::new(LOOPBACK);
        match address_type_of_number(address) {
            AddressType::Local if interface.is_some_and(elsewhere) => AddressType::Unicast,
            AddressType::Unicast if self.is_local(address) && belongs(self) => AddressType::Local,
            AddressType::Unicast if address.is_ipv4() => {
                if self.ends_local_network(address, true) && belongs(self) {
                    AddressType::Broadcast
                } else {
                    AddressType::Unicast
                }
            }
            AddressType::Unicast if self.ends_local_network(address, false) => AddressType::Anycast,
            AddressType::Unicast if self.lookup(address).is_none() => AddressType::Unreachable,
            of_number => of_number,
        }
    }

    fn route(&mut self, destination: IpAddr, _mark: u32) -> Option<Route> {
        self.lookup(destination).map(|(_, route)| *route)
    }

    fn socket(&mut self, packet: &Packet<'_>) -> Option<Socket> {
        self.sender.filter(|_| packet.meta.input.is_none())
    }

    fn is_member(&mut self, group: IpAddr) -> bool {
        Self::is_member(self, group)
    }

    fn set_test(&mut self, query: &matches::set::Set, packet: &Packet<'_>) -> Option<bool> {
        self.sets.test(query, packet)
    }

    fn set_change(
        &mut self,
        change: &targets::set::Set,
        packet: &Packet<'_>,
        edits: &mut Vec<Edit>,
    ) -> Option<()> {
        self.sets.change(change, packet, edits)
    }
}

/// Whether an address means something on one link only.
fn is_of_link(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(_) => false,
        IpAddr::V6(address) if address.is_multicast() => address.octets()[1] & 0xf == 2,
        IpAddr::V6(address) => address.is_unicast_link_local(),
    }
}
