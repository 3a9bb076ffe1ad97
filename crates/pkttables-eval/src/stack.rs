//! What the IP layer around netfilter does to a packet: which packets it lets in, and where it sends them.

use crate::network::Network;
use pkttables::matches::addrtype::AddressType;
use pkttables::model::{Family, protocol};
use pkttables::packet::{Layout, Malformed, Packet, PacketKind};
use pkttables::registry::{Environment, Route};
use std::net::IpAddr;

/// Where a packet goes after PREROUTING.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Routing {
    /// To this host.
    Local,
    /// Through this host.
    Forward(Route),
    /// Nowhere.
    Refused,
}

/// Whether the IP layer lets a packet in, before any rule sees it.
pub(crate) fn admits(packet: &Packet<'_>) -> Result<bool, Malformed> {
    let Packet { layout, meta, .. } = packet;
    if meta.kind == PacketKind::Other {
        return Ok(false);
    }
    if !layout.check_ipv4_checksum(&packet.data) {
        return Err(Malformed::Checksum);
    }
    let (IpAddr::V6(source), IpAddr::V6(destination)) = (layout.source, layout.destination) else {
        return Ok(true);
    };
    let scope = destination.octets()[1] & 0xf;
    let wrong_group = destination.is_multicast() && scope <= 1;
    let refused = source.is_multicast() || source.is_loopback() || destination.is_loopback() || wrong_group;
    Ok(!refused && hop_by_hop_is_sound(packet))
}

/// Whether the options of the hop-by-hop header, which come first of all, can be read and are allowed.
fn hop_by_hop_is_sound(packet: &Packet<'_>) -> bool {
    if packet.data.u8(6) != Some(0) {
        return true;
    }
    let Some([_, length]) = packet.data.array(40) else { return false };
    let end = 40 + (usize::from(length) + 1) * 8;
    if packet.data.len() < end {
        return false;
    }
    let (mut at, mut padding) = (42, 0);
    while at < end {
        let Some(kind) = packet.data.u8(at) else { return false };
        if kind == 0 {
            at += 1;
            padding += 1;
            if padding > 7 {
                return false;
            }
            continue;
        }
        let Some(length) = packet.data.u8(at + 1).map(usize::from) else { return false };
        if at + 2 + length > end {
            return false;
        }
        match kind {
            1 => {
                padding += length + 2;
                let zeros = packet.data.chunks(at + 2, at + 2 + length).flatten().all(|byte| *byte == 0);
                if padding > 7 || !zeros {
                    return false;
                }
            }
            // Router alert.
            5 if length != 2 => return false,
            // CALIPSO, of which no domain is known, and jumbo payload, whose length is never right here.
            7 | 0xc2 => return false,
            // IOAM, which is not read but has to be where it can be.
            0x31 if !at.is_multiple_of(4) => return false,
            _ if kind >> 6 != 0 => return false,
            _ => padding = 0,
        }
        at += 2 + length;
    }
    at == end
}

/// Whether the IP layer looks for a TCP socket before it routes the packet, for which it reads the TCP header.
pub(crate) fn asks_for_socket(packet: &Packet<'_>) -> bool {
    let first = match packet.family() {
        Family::Ipv4 => packet.layout.protocol,
        Family::Ipv6 => packet.data.u8(6),
    };
    packet.meta.kind == PacketKind::Host && first == Some(protocol::TCP)
}

/// Where a packet that came in goes; `largest` is the largest fragment that it came in, if it came so.
pub(crate) fn route(
    packet: &Packet<'_>,
    largest: Option<usize>,
    environment: &mut dyn Environment,
    network: &Network,
) -> Routing {
    let Layout { source, destination, .. } = packet.layout;
    match (source, destination) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => {
            if source.is_multicast()
                || source.is_broadcast()
                || (!network.routes_loopback(packet) && (source.is_loopback() || destination.is_loopback()))
            {
                return Routing::Refused;
            }
            if source.is_unspecified() && (destination.is_unspecified() || destination.is_broadcast()) {
                return Routing::Local;
            }
            let own_source = environment.address_type(source.into(), None) == AddressType::Local;
            if own_source && !network.accepts_local(packet) {
                return Routing::Refused;
            }
            if destination.is_broadcast() {
                return Routing::Local;
            }
            if source.is_unspecified() || destination.is_unspecified() {
                return Routing::Refused;
            }
        }
        (IpAddr::V6(_), IpAddr::V6(destination)) if destination.is_unspecified() => return Routing::Refused,
        _ => {}
    }
    if destination.is_multicast() {
        return if environment.is_member(destination) { Routing::Local } else { Routing::Refused };
    }
    if !network.admits_source(packet, environment) {
        return Routing::Refused;
    }
    match environment.address_type(destination, None) {
        AddressType::Local | AddressType::Broadcast | AddressType::Anycast => return Routing::Local,
        _ => {}
    }
    if packet.meta.kind != PacketKind::Host || !network.forwards(packet) {
        return Routing::Refused;
    }
    let route = match (destination, packet.meta.input) {
        // Each link has the same local network; the one meant is that by which the packet came.
        (IpAddr::V6(destination), Some(interface)) if destination.is_unicast_link_local() => {
            Some(Route { interface, gateway: None, mtu: environment.mtu(interface) })
        }
        _ => environment.route(destination, packet.meta.mark),
    };
    match route {
        Some(route) if leaves_scope(source) && packet.meta.input != Some(route.interface) => Routing::Refused,
        Some(route) if fits(packet, largest, route.mtu as usize) => Routing::Forward(route),
        _ => Routing::Refused,
    }
}

/// Whether an IPv6 source means nothing behind a router.
fn leaves_scope(source: IpAddr) -> bool {
    matches!(source, IpAddr::V6(source) if source.is_unspecified() || source.is_unicast_link_local())
}

/// Whether a packet can leave by a link, cut into pieces if need be: those that came in pieces in such as came.
fn fits(packet: &Packet<'_>, largest: Option<usize>, mtu: usize) -> bool {
    let may_be_cut = packet.family() == Family::Ipv4 && packet.data.be16(6).unwrap_or_default() & 0x4000 == 0;
    packet.layout.len <= mtu || may_be_cut || largest.is_some_and(|largest| largest <= mtu)
}
