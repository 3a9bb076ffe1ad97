//! What the sender of a rejected packet is told (net/ipv4/netfilter/nf_reject_ipv4.c, net/ipv4/icmp.c and for IPv6
//! likewise).

use crate::checksum::fold;
use crate::conntrack::skip_extensions;
use crate::ip_options::{Echo, Options};
use pkttables::matches::addrtype::AddressType;
use pkttables::model::{Family, Hook, protocol};
use pkttables::packet::{Data, Packet, PacketKind};
use pkttables::registry::{Answer, Environment, Handshake};
use std::net::IpAddr;

/// Writes the answer into `out`; `false` if there is none to such a packet.
pub(crate) fn answer(
    out: &mut Vec<u8>,
    answer: Answer,
    hook: Hook,
    packet: &Packet<'_>,
    options: &Options,
    environment: &mut dyn Environment,
) -> bool {
    out.clear();
    if packet.layout.fragment.offset != 0 || !checksum_is_right(packet, hook) {
        return false;
    }
    let written = match answer {
        Answer::Reset => reset(out, packet, environment),
        Answer::Icmp(kind, code) => error(out, kind, code, packet, options, environment),
    };
    if written.is_none() {
        out.clear();
    }
    written.is_some()
}

/// Whether the transport checksum is right, as far as the kernel looks at it (`nf_reject_verify_csum`).
fn checksum_is_right(packet: &Packet<'_>, hook: Hook) -> bool {
    const GRE: u8 = 47;
    let v6 = packet.family() == Family::Ipv6;
    let Some((number, start)) = upper_header(packet) else { return false };
    let end = packet.data.len();
    // What sockets of this host send has its checksum filled in later.
    let own = matches!(hook, Hook::Output | Hook::Postrouting);
    let looked_at = match number {
        protocol::TCP | protocol::UDP if own => false,
        protocol::UDP => packet.data.be16(start + 6) != Some(0),
        GRE => packet.data.u8(start).is_some_and(|flags| flags & 0x80 != 0),
        protocol::AH | protocol::ESP | protocol::SCTP | protocol::UDPLITE => false,
        _ => true,
    };
    if v6 && start >= end {
        return false;
    }
    // Of IPv4 packets the kernel sums the IP header too, which adds a zero.
    let header = if v6 { 0 } else { packet.data.sum(0, start, 0) };
    let pseudo = v6 || matches!(number, protocol::TCP | protocol::UDP);
    let covered = header + if pseudo { pseudo_sum(packet, number, end.saturating_sub(start)) } else { 0 };
    !looked_at || fold(packet.data.sum(start, end, covered)) == 0
}

/// The number of the transport header and where it starts. Unlike rules, answers look behind an authentication header.
fn upper_header(packet: &Packet<'_>) -> Option<(u8, usize)> {
    match packet.family() {
        Family::Ipv4 => packet.layout.protocol.map(|number| (number, packet.layout.transport)),
        Family::Ipv6 => skip_extensions(&packet.data, 0),
    }
}

/// The sum of addresses, length and protocol that transport checksums cover (RFC 9293, RFC 8200).
fn pseudo_sum(packet: &Packet<'_>, number: u8, len: usize) -> u32 {
    let addresses = match packet.family() {
        Family::Ipv4 => packet.data.sum(12, 20, 0),
        Family::Ipv6 => packet.data.sum(8, 40, 0),
    };
    addresses + u32::from(number) + u32::try_from(len).unwrap_or_default()
}

/// Whether an answer can go back to the packet's sender.
fn may_answer(packet: &Packet<'_>, environment: &mut dyn Environment) -> bool {
    let (source, destination) = (packet.layout.source, packet.layout.destination);
    let to_many =
        destination.is_multicast() || environment.address_type(destination, None) == AddressType::Broadcast;
    packet.meta.kind == PacketKind::Host && !to_many && !source.is_multicast() && !source.is_unspecified()
}

/// Whether there is a way back to the packet's sender.
fn leads_back(packet: &Packet<'_>, environment: &mut dyn Environment) -> bool {
    let sender = packet.layout.source;
    environment.address_type(sender, None) == AddressType::Local || environment.route(sender, 0).is_some()
}

fn reset(out: &mut Vec<u8>, packet: &Packet<'_>, environment: &mut dyn Environment) -> Option<()> {
    const RST: u8 = 4;
    const ACK: u8 = 0x10;
    let (number, start) = upper_header(packet)?;
    if number != protocol::TCP || !may_answer(packet, environment) || !leads_back(packet, environment) {
        return None;
    }
    let [s1, s2, d1, d2, a, b, c, d, e, f, g, h, offset, flags, ..] = packet.data.array::<20>(start)?;
    if flags & RST != 0 {
        return None;
    }
    let payload = packet.data.len().checked_sub(start)?;
    let (sequence, acknowledgement, answer_flags) = if flags & ACK != 0 {
        (u32::from_be_bytes([e, f, g, h]), 0, RST)
    } else {
        // What is acknowledged is the segment's end; SYN and FIN count as a byte each.
        let len = (payload as u32).wrapping_sub(u32::from(offset >> 4) * 4);
        let ends = u32::from(flags >> 1 & 1) + u32::from(flags & 1);
        (0, u32::from_be_bytes([a, b, c, d]).wrapping_add(ends).wrapping_add(len), RST | ACK)
    };
    network_header(out, packet.layout.destination, packet.layout.source, protocol::TCP, 20, 0, 0x40)?;
    let start = out.len();
    out.extend([d1, d2, s1, s2]);
    out.extend(sequence.to_be_bytes());
    out.extend(acknowledgement.to_be_bytes());
    out.extend([5 << 4, answer_flags, 0, 0, 0, 0, 0, 0]);
    write_checksum(out, start, 16, protocol::TCP)
}

/// Writes the answer to a SYN.
pub(crate) fn handshake(
    out: &mut Vec<u8>,
    answer: &Handshake,
    packet: &Packet<'_>,
    environment: &mut dyn Environment,
) -> Option<()> {
    const NOP: u8 = 1;
    const SYN_ACK: u8 = 0x12;
    const ECE: u8 = 0x40;
    out.clear();
    if !leads_back(packet, environment) {
        return None;
    }
    let [s1, s2, d1, d2, sequence @ ..] = packet.transport::<8>(0).ok()?;
    let size = answer.segment_size.map(|size| [2, 4, (size >> 8) as u8, size as u8]);
    let timestamps = answer.timestamps.map(|(own, echoed)| {
        let head = if answer.selective { [4, 2, 8, 10] } else { [NOP, NOP, 8, 10] };
        [head, own.to_be_bytes(), echoed.to_be_bytes()]
    });
    let selective = (answer.selective && timestamps.is_none()).then_some([NOP, NOP, 4, 2]);
    let scale = answer.scale.map(|scale| [NOP, 3, 3, scale]);
    let words = || {
        let timestamps = timestamps.into_iter().flatten();
        size.into_iter().chain(timestamps).chain(selective).chain(scale)
    };
    let len = 20 + 4 * words().count();
    network_header(out, packet.layout.destination, packet.layout.source, protocol::TCP, len, 0, 0x40)?;
    let start = out.len();
    out.extend([d1, d2, s1, s2]);
    out.extend(answer.sequence.to_be_bytes());
    out.extend(u32::from_be_bytes(sequence).wrapping_add(1).to_be_bytes());
    let flags = SYN_ACK | if answer.congestion { ECE } else { 0 };
    out.extend([(len * 4) as u8, flags, 0, 0, 0, 0, 0, 0]);
    out.extend(words().flatten());
    write_checksum(out, start, 16, protocol::TCP)
}

fn error(
    out: &mut Vec<u8>,
    kind: u8,
    code: u8,
    packet: &Packet<'_>,
    options: &Options,
    environment: &mut dyn Environment,
) -> Option<()> {
    if !may_answer(packet, environment) {
        return None;
    }
    let v6 = packet.family() == Family::Ipv6;
    if v6 && environment.address_type(packet.layout.source, None) == AddressType::Anycast {
        return None;
    }
    // Errors are not answered by errors.
    if packet.is(protocol::ICMP) && !v6 {
        let [kind] = packet.transport(0).ok()?;
        if matches!(kind, 3 | 4 | 5 | 11 | 12) || kind > 18 {
            return None;
        }
    }
    if let Some((protocol::ICMPV6, start)) = upper_header(packet).filter(|_| v6)
        && packet.data.u8(start)? & 0x80 == 0
    {
        return None;
    }
    let to_this_host = match environment.address_type(packet.layout.destination, None) {
        AddressType::Local => true,
        AddressType::Anycast => v6,
        _ => false,
    };
    let sender = packet.layout.source;
    let source = if to_this_host {
        packet.layout.destination
    } else if environment.address_type(sender, None) == AddressType::Local {
        sender
    } else {
        let route = environment.route(sender, 0)?;
        // IPv6 prefers the address of the interface by which the packet came.
        let interface = packet.meta.input.filter(|_| v6).unwrap_or(route.interface);
        environment.interface_address(interface, sender)?
    };
    let echo = match source {
        IpAddr::V4(source) => options.echo(packet, source, environment)?,
        IpAddr::V6(_) => Echo::default(),
    };
    let (room, tos, number) = match v6 {
        true => (1280 - 40 - 8, 0, protocol::ICMPV6),
        false => (576 - 20 - 8 - echo.bytes().len(), packet.tos() & 0x1e | 0xc0, protocol::ICMP),
    };
    let quoted = packet.data.truncated(room);
    network_header(out, source, packet.layout.source, number, 8 + quoted.len(), tos, 0)?;
    if !echo.bytes().is_empty() {
        lengthen(out, echo.bytes())?;
    }
    let start = out.len();
    out.extend([kind, code, 0, 0, 0, 0, 0, 0]);
    quoted.append_to(out);
    write_checksum(out, start, 2, number)
}

fn network_header(
    out: &mut Vec<u8>,
    source: IpAddr,
    destination: IpAddr,
    protocol: u8,
    len: usize,
    tos: u8,
    flags: u8,
) -> Option<()> {
    const HOPS: u8 = 64;
    match (source, destination) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => {
            let [high, low] = u16::try_from(20 + len).ok()?.to_be_bytes();
            out.extend([0x45, tos, high, low, 0, 0, flags, 0, HOPS, protocol, 0, 0]);
            out.extend(source.octets());
            out.extend(destination.octets());
            let sum = fold(Data::new(out).sum(0, 20, 0));
            out.get_mut(10..12)?.copy_from_slice(&sum.to_be_bytes());
        }
        (IpAddr::V6(source), IpAddr::V6(destination)) => {
            let [high, low] = u16::try_from(len).ok()?.to_be_bytes();
            out.extend([0x60 | tos >> 4, tos << 4, 0, 0, high, low, protocol, HOPS]);
            out.extend(source.octets());
            out.extend(destination.octets());
        }
        _ => return None,
    }
    Some(())
}

/// Appends options to an IPv4 header that has none.
fn lengthen(out: &mut Vec<u8>, options: &[u8]) -> Option<()> {
    out.extend(options);
    *out.first_mut()? += (options.len() / 4) as u8;
    let len = Data::new(out).be16(2)? + options.len() as u16;
    out.get_mut(2..4)?.copy_from_slice(&len.to_be_bytes());
    out.get_mut(10..12)?.fill(0);
    let sum = fold(Data::new(out).sum(0, out.len(), 0));
    out.get_mut(10..12)?.copy_from_slice(&sum.to_be_bytes());
    Some(())
}

fn write_checksum(out: &mut [u8], start: usize, place: usize, protocol: u8) -> Option<()> {
    let data = Data::new(out);
    let pseudo = match (protocol, start) {
        (protocol::ICMP, _) => 0,
        (_, 20) => data.sum(12, 20, 0) + u32::from(protocol) + u32::try_from(out.len() - start).ok()?,
        _ => data.sum(8, 40, 0) + u32::from(protocol) + u32::try_from(out.len() - start).ok()?,
    };
    let sum = fold(data.sum(start, out.len(), pseudo));
    out.get_mut(start + place..start + place + 2)?.copy_from_slice(&sum.to_be_bytes());
    Some(())
}
