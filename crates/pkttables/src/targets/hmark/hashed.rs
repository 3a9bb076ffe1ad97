//! What of a packet is hashed, and how (net/netfilter/xt_HMARK.c).

use super::Hmark;
use crate::model::{Family, protocol};
use crate::packet::{Authentication, Data, Layout, Packet, jhash, ports_offset};
use std::net::IpAddr;

/// What is hashed: addresses as far as they count, ports put in order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Hashed {
    source: u32,
    destination: u32,
    ports: u32,
    protocol: u8,
}

impl Hashed {
    /// `None` if the packet has no connection.
    pub(super) fn of_connection(rule: &Hmark, packet: &Packet<'_>) -> Option<Self> {
        let connection = packet.meta.connection.as_ref()?;
        let (original, reply) = (connection.original, connection.reply);
        let mut hashed = Self::addresses(rule, original.source, reply.source);
        hashed.protocol = original.protocol;
        if original.protocol != protocol::ICMP {
            hashed.ports = ordered(rule, original.source_port, reply.source_port);
        }
        Some(hashed)
    }

    /// `None` if the packet quotes another one that is cut off.
    pub(super) fn of_packet(rule: &Hmark, packet: &Packet<'_>) -> Option<Self> {
        match packet.family() {
            Family::Ipv4 => Self::of_ipv4(rule, packet),
            Family::Ipv6 => Self::of_ipv6(rule, packet),
        }
    }

    fn of_ipv4(rule: &Hmark, packet: &Packet<'_>) -> Option<Self> {
        let mut start = 0;
        if packet.is(protocol::ICMP) {
            let icmp = packet.layout.transport;
            let kind = packet.data.array::<8>(icmp).map(|[kind, ..]| kind);
            if kind.is_some_and(|kind| matches!(kind, 3 | 4 | 5 | 11 | 12)) {
                start = icmp + 8;
            }
        }
        let header: [u8; 20] = packet.data.array(start)?;
        let [first, _, _, _, _, _, flags, offset, _, number, _, _, s1, s2, s3, s4, d1, d2, d3, d4] = header;
        let mut hashed = Self::addresses(rule, [s1, s2, s3, s4].into(), [d1, d2, d3, d4].into());
        hashed.protocol = number;
        let is_fragment = flags & 0x3f != 0 || offset != 0;
        if number != protocol::ICMP && !is_fragment {
            hashed.ports = ports(rule, &packet.data, number, start + usize::from(first & 0xf) * 4);
        }
        Some(hashed)
    }

    fn of_ipv6(rule: &Hmark, packet: &Packet<'_>) -> Option<Self> {
        let whole = Layout::parse(&packet.data, Authentication::Stop).ok()?;
        let Some(number) = whole.protocol else { return Some(Self::default()) };
        let kind = packet.data.array::<8>(whole.transport).map(|[kind, ..]| kind);
        let quotes = whole.fragment.header.is_none()
            && number == protocol::ICMPV6
            && kind.is_some_and(|kind| (1..128).contains(&kind));
        let start = if quotes { whole.transport + 8 } else { 0 };
        let header: [u8; 40] = packet.data.array(start)?;
        let address = |at: usize| {
            let bytes: [u8; 16] =
                header.get(at..at + 16).and_then(|bytes| bytes.try_into().ok()).unwrap_or_default();
            IpAddr::from(bytes)
        };
        let mut hashed = Self::addresses(rule, address(8), address(24));
        let (number, transport, is_fragment) = match quotes {
            // What is quoted may be cut off, so its length does not count.
            true => Layout::quoted_transport(&packet.data, start)?,
            false => (number, whole.transport, whole.fragment.header.is_some()),
        };
        hashed.protocol = number;
        if number != protocol::ICMPV6 && !is_fragment {
            hashed.ports = ports(rule, &packet.data, number, transport);
        }
        Some(hashed)
    }

    fn addresses(rule: &Hmark, source: IpAddr, destination: IpAddr) -> Self {
        let (source, destination) =
            (masked(source, rule.src_mask.mask), masked(destination, rule.dst_mask.mask));
        Self { source, destination, ..Self::default() }
    }

    /// The mark, the same for both directions.
    pub(super) fn mark(self, rule: &Hmark) -> u32 {
        let (low, high) = (self.source.min(self.destination), self.source.max(self.destination));
        let hash = jhash::words(&[low, high, self.ports], rule.rnd);
        let hash = hash ^ (u32::from(self.protocol) & u32::from(rule.proto_mask));
        jhash::scaled(hash, rule.modulus).wrapping_add(rule.offset)
    }
}

/// The bits of an address that count; of IPv6 the four words of it together.
fn masked(address: IpAddr, mask: [u8; 16]) -> u32 {
    let mask = u128::from_be_bytes(mask);
    match address {
        IpAddr::V4(address) => address.to_bits() & (mask >> 96) as u32,
        IpAddr::V6(address) => {
            let bits = address.to_bits() & mask;
            [96, 64, 32, 0].iter().fold(0, |sum, shift| sum ^ (bits >> shift) as u32)
        }
    }
}

/// The ports of a transport header, or 0 if it has none.
fn ports(rule: &Hmark, data: &Data<'_>, number: u8, start: usize) -> u32 {
    let at = ports_offset(number).map(|offset| start + offset);
    let both = at.and_then(|at| Some((data.be16(at)?, data.be16(at + 2)?)));
    both.map_or(0, |(source, destination)| ordered(rule, source, destination))
}

/// The bits of two ports that count, the greater one first.
fn ordered(rule: &Hmark, source: u16, destination: u16) -> u32 {
    let ports = u32::from(source) << 16 | u32::from(destination);
    let ports = ports & u32::from_be_bytes(rule.port_mask) | u32::from_be_bytes(rule.port_set);
    let (source, destination) = (ports >> 16, ports & 0xffff);
    source.max(destination) << 16 | source.min(destination)
}
