use pkttables::domain::PortRange;
use pkttables::matches::{tcp::Tcp, udp::Udp};
use pkttables::model::{AddressMask, Match, Negatable, Rule, protocol};
use pkttables::packet::Packet;
use std::any::Any;
use std::net::IpAddr;

/// The part of a rule that excludes most packets at little cost: 5-tuple and interfaces.
///
/// A packet that does not pass it does not match the rule; one that passes may still not match.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Quick<A> {
    source: A,
    source_mask: A,
    destination: A,
    destination_mask: A,
    source_ports: (u16, u16),
    destination_ports: (u16, u16),
    protocol: u8,
    tests: u8,
}

/// What [`Quick`] compares with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Key<A> {
    source: A,
    destination: A,
    /// `None` if they cannot be read without further ado.
    ports: Option<(u16, u16)>,
    protocol: Option<u8>,
}

const NOT_SOURCE: u8 = 1;
const NOT_DESTINATION: u8 = 2;
const PROTOCOL: u8 = 4;
const PORTS: u8 = 8;

/// The bits of an address.
pub(crate) trait Bits:
    Copy + Default + PartialEq + std::ops::BitXor<Output = Self> + std::ops::BitAnd<Output = Self>
{
    /// The bits of an address of this family, 0 for others.
    fn of(address: IpAddr) -> Self;
}

impl Bits for u32 {
    fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => address.to_bits(),
            IpAddr::V6(_) => 0,
        }
    }
}

impl Bits for u128 {
    fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(_) => 0,
            IpAddr::V6(address) => address.to_bits(),
        }
    }
}

impl<A: Bits> Key<A> {
    pub(crate) fn new(packet: &Packet<'_>) -> Self {
        // Of a header that is cut off the exact test decides, which may drop the packet.
        let whole = match packet.layout.protocol {
            Some(protocol::TCP) => packet.transport::<20>(0).is_ok(),
            Some(_) => packet.transport::<8>(0).is_ok(),
            None => false,
        };
        let ports = packet.transport(0).ok().filter(|_| whole);
        Self {
            source: A::of(packet.layout.source),
            destination: A::of(packet.layout.destination),
            ports: ports.map(|[s1, s2, d1, d2]| (u16::from_be_bytes([s1, s2]), u16::from_be_bytes([d1, d2]))),
            protocol: packet.layout.protocol,
        }
    }
}

impl<A: Bits> Quick<A> {
    pub(crate) fn new(rule: &Rule) -> Self {
        let header = &rule.header;
        let mut tests = 0;
        let mut address = |wanted: Option<Negatable<AddressMask>>, not| {
            let Some(wanted) = wanted else { return (A::default(), A::default()) };
            if wanted.not {
                tests |= not;
            }
            (A::of(wanted.value.address()), A::of(wanted.value.mask()))
        };
        let (source, source_mask) = address(header.source, NOT_SOURCE);
        let (destination, destination_mask) = address(header.destination, NOT_DESTINATION);
        let mut number = 0;
        let (mut source_ports, mut destination_ports) = ((0, u16::MAX), (0, u16::MAX));
        if let Some(Negatable { value, not: false }) = header.protocol {
            number = value;
            tests |= PROTOCOL;
            if let Some((source, destination)) = ports(rule) {
                (source_ports, destination_ports) = (ends(source), ends(destination));
                tests |= PORTS;
            }
        }
        Self {
            source,
            source_mask,
            destination,
            destination_mask,
            source_ports,
            destination_ports,
            protocol: number,
            tests,
        }
    }

    /// Whether the packet may match.
    #[inline]
    pub(crate) fn passes(&self, key: &Key<A>) -> bool {
        let source = (self.source ^ key.source) & self.source_mask == A::default();
        let destination = (self.destination ^ key.destination) & self.destination_mask == A::default();
        if source == (self.tests & NOT_SOURCE != 0) || destination == (self.tests & NOT_DESTINATION != 0) {
            return false;
        }
        if self.tests & PROTOCOL != 0 && key.protocol.is_some_and(|protocol| protocol != self.protocol) {
            return false;
        }
        match key.ports {
            Some((source, destination)) if self.tests & PORTS != 0 => {
                within(self.source_ports, source) && within(self.destination_ports, destination)
            }
            _ => true,
        }
    }
}

/// The ports that the first match asks for, if it is `tcp` or `udp`.
fn ports(rule: &Rule) -> Option<(Negatable<PortRange>, Negatable<PortRange>)> {
    let Match::Known(first) = rule.matches.first()? else { return None };
    let first: &dyn Any = &**first;
    let tcp = first.downcast_ref::<Tcp>().map(|tcp| (tcp.source, tcp.destination));
    tcp.or_else(|| first.downcast_ref::<Udp>().map(|udp| (udp.source, udp.destination)))
}

fn ends(ports: Negatable<PortRange>) -> (u16, u16) {
    if ports.not { (0, u16::MAX) } else { (ports.value.min(), ports.value.max()) }
}

fn within((min, max): (u16, u16), port: u16) -> bool {
    (min..=max).contains(&port)
}

/// The first rule from `start` on, before `end`, that the packet may match.
pub(crate) fn next<A: Bits>(rules: &[Quick<A>], start: usize, end: usize, key: &Key<A>) -> Option<usize> {
    let found = rules.get(start..end)?.iter().position(|rule| rule.passes(key))?;
    Some(start + found)
}
