//! What a packet has, in words: what parameters of matches are compared with.

use crate::model::protocol;
use crate::packet::{Connection, HeaderError, Missing, Packet, PacketKind, Status, TrackState, Tuple};

/// The bytes at a place of the transport header, or why there are none.
fn transport<const N: usize>(packet: &Packet<'_>, offset: usize) -> Result<[u8; N], String> {
    packet.transport(offset).map_err(|missing| match missing {
        Missing::LaterFragment(_) => "a later fragment has no transport header".into(),
        Missing::Truncated => "the transport header is cut off".into(),
    })
}

/// What `say` says of the first bytes of an extension header of IPv6.
pub(crate) fn extension_header<const N: usize>(
    packet: &Packet<'_>,
    number: u8,
    name: &str,
    say: impl Fn([u8; N]) -> String,
) -> Option<String> {
    let header = packet.layout.find_header(&packet.data, number, false);
    Some(match header.map(|header| packet.data.array(header.offset)) {
        Ok(Some(bytes)) => say(bytes),
        Ok(None) | Err(HeaderError::Broken) => "the headers are cut off".into(),
        Err(HeaderError::Absent) => format!("there is no {name} header"),
    })
}

/// What `say` says of bytes of the transport header.
pub(crate) fn field<const N: usize>(
    packet: &Packet<'_>,
    offset: usize,
    say: impl Fn([u8; N]) -> String,
) -> Option<String> {
    Some(transport(packet, offset).map_or_else(|missing| missing, say))
}

/// The source port.
#[must_use]
pub fn source_port(packet: &Packet<'_>) -> Option<String> {
    field(packet, 0, |port| format!("the source port is {}", u16::from_be_bytes(port)))
}

/// The destination port.
#[must_use]
pub fn destination_port(packet: &Packet<'_>) -> Option<String> {
    field(packet, 2, |port| format!("the destination port is {}", u16::from_be_bytes(port)))
}

/// Both ports.
#[must_use]
pub fn ports(packet: &Packet<'_>) -> Option<String> {
    field(packet, 0, |[s1, s2, d1, d2]| {
        let [source, destination] = [[s1, s2], [d1, d2]].map(u16::from_be_bytes);
        format!("the ports are {source} and {destination}")
    })
}

/// The flags of TCP.
#[must_use]
pub fn tcp_flags(packet: &Packet<'_>) -> Option<String> {
    const NAMES: [&str; 8] = ["FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR"];
    field(packet, 13, |[flags]| {
        let set = NAMES.iter().enumerate().filter(|(bit, _)| flags >> bit & 1 != 0).map(|(_, name)| *name);
        match set.collect::<Vec<_>>() {
            none if none.is_empty() => "no TCP flag is set".into(),
            set => format!("the TCP flags are {}", set.join(",")),
        }
    })
}

/// The kinds of the TCP options.
#[must_use]
pub fn tcp_options(packet: &Packet<'_>) -> Option<String> {
    let end = match transport(packet, 12) {
        Ok([offset]) => usize::from(offset >> 4) * 4,
        Err(missing) => return Some(missing),
    };
    let (mut kinds, mut at) = (Vec::new(), 20);
    while at < end {
        let Ok([kind]) = packet.transport(at) else { break };
        kinds.push(kind.to_string());
        at += match (kind, packet.transport(at + 1)) {
            (0, _) => break,
            (1, _) => 1,
            (_, Ok([length])) => usize::from(length.max(1_u8)),
            _ => break,
        };
    }
    Some(match kinds.is_empty() {
        true => "there are no TCP options".into(),
        false => format!("the TCP options are of the kinds {}", kinds.join(",")),
    })
}

/// The types of the chunks of SCTP.
#[must_use]
pub fn sctp_chunks(packet: &Packet<'_>) -> Option<String> {
    let (mut kinds, mut at) = (Vec::new(), 12);
    while let Ok([kind, _, high, low]) = packet.transport(at) {
        kinds.push(kind.to_string());
        // Chunks are padded to four bytes.
        at += usize::from(u16::from_be_bytes([high, low])).next_multiple_of(4).max(4);
    }
    Some(match kinds.is_empty() {
        true => "there are no chunks".into(),
        false => format!("the chunks are of the types {}", kinds.join(",")),
    })
}

/// The maximum segment size in the TCP options.
#[must_use]
pub fn segment_size(packet: &Packet<'_>) -> Option<String> {
    let end = usize::from(packet.transport::<1>(12).ok()?[0] >> 4) * 4;
    let mut at = 20;
    while at + 4 <= end {
        let Ok([kind, length, high, low]) = packet.transport::<4>(at) else { break };
        match (kind, length) {
            (2, 4) => return Some(format!("the MSS is {}", u16::from_be_bytes([high, low]))),
            (0, _) => break,
            (1, _) | (_, 0) => at += 1,
            (_, length) => at += usize::from(length),
        }
    }
    Some("there is no MSS option".into())
}

/// Type and code of an ICMP or ICMPv6 message.
#[must_use]
pub fn icmp_type(packet: &Packet<'_>) -> Option<String> {
    field(packet, 0, |[kind, code]| format!("the type is {kind}/{code}"))
}

/// The type of a DCCP packet.
#[must_use]
pub fn dccp_type(packet: &Packet<'_>) -> Option<String> {
    field(packet, 8, |[kind]| format!("the DCCP type is {}", kind >> 1 & 0xf))
}

/// The security parameter index of ESP, or of AH in IPv4.
#[must_use]
pub fn spi(packet: &Packet<'_>) -> Option<String> {
    let offset = if packet.is(protocol::AH) { 4 } else { 0 };
    field(packet, offset, |spi| format!("the SPI is {}", u32::from_be_bytes(spi)))
}

/// The source address.
#[must_use]
pub fn source(packet: &Packet<'_>) -> Option<String> {
    Some(format!("the source address is {}", packet.layout.source))
}

/// The destination address.
#[must_use]
pub fn destination(packet: &Packet<'_>) -> Option<String> {
    Some(format!("the destination address is {}", packet.layout.destination))
}

/// How long the packet is.
#[must_use]
pub fn length(packet: &Packet<'_>) -> Option<String> {
    Some(format!("the length is {}", packet.layout.len))
}

/// IPv4's time to live, IPv6's hop limit.
#[must_use]
pub fn hops(packet: &Packet<'_>) -> Option<String> {
    Some(format!("it may take {} more hops", packet.hops()))
}

/// IPv4's type of service, IPv6's traffic class.
#[must_use]
pub fn tos(packet: &Packet<'_>) -> Option<String> {
    Some(format!("the TOS is {:#04x}", packet.tos()))
}

/// The differentiated services code point.
#[must_use]
pub fn dscp(packet: &Packet<'_>) -> Option<String> {
    Some(format!("the DSCP is {:#04x}", packet.tos() >> 2))
}

/// The two bits of ECN.
#[must_use]
pub fn ecn(packet: &Packet<'_>) -> Option<String> {
    Some(format!("the ECN bits are {}", packet.tos() & 3))
}

/// The mark.
#[must_use]
pub fn mark(packet: &Packet<'_>) -> Option<String> {
    Some(format!("the mark is {:#x}", packet.meta.mark))
}

/// The routing realm.
#[must_use]
pub fn realm(packet: &Packet<'_>) -> Option<String> {
    Some(format!("the realm is {:#x}", packet.meta.realm))
}

/// The source MAC address.
#[must_use]
pub fn mac(packet: &Packet<'_>) -> Option<String> {
    Some(match packet.meta.link {
        Some(link) => {
            let [a, b, c, d, e, f] = link.source;
            format!("the source MAC address is {a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{f:02x}")
        }
        None => "there is no MAC address".into(),
    })
}

/// To whom the link layer addressed the packet.
#[must_use]
pub fn kind(packet: &Packet<'_>) -> Option<String> {
    Some(match packet.meta.kind {
        PacketKind::Host => "it was sent to this host".into(),
        PacketKind::Broadcast => "it was sent to all".into(),
        PacketKind::Multicast => "it was sent to a group".into(),
        PacketKind::Other => "it was sent to another host".into(),
        PacketKind::Outgoing => "it goes out".into(),
    })
}

/// What connection tracking makes of the packet.
#[must_use]
pub fn state(packet: &Packet<'_>) -> Option<String> {
    let name = match packet.meta.state {
        TrackState::Invalid => "INVALID",
        TrackState::Untracked => "UNTRACKED",
        TrackState::New => "NEW",
        TrackState::Established => "ESTABLISHED",
        TrackState::Related => "RELATED",
    };
    let status = packet.meta.connection.map(|connection| connection.status).unwrap_or_default();
    let translated = [(Status::SRC_NAT, ",SNAT"), (Status::DST_NAT, ",DNAT")];
    let translated = translated.map(|(bit, name)| if status.contains(bit) { name } else { "" });
    Some(format!("the state is {name}{}", translated.concat()))
}

/// What `say` says of the connection.
pub(crate) fn connection(packet: &Packet<'_>, say: impl Fn(&Connection) -> String) -> Option<String> {
    Some(packet.meta.connection.as_ref().map_or_else(|| "there is no connection".into(), say))
}

/// The properties of the connection that `--ctstatus` asks for.
#[must_use]
pub fn connection_status(packet: &Packet<'_>) -> Option<String> {
    let names = [
        (Status::EXPECTED, "EXPECTED"),
        (Status::SEEN_REPLY, "SEEN_REPLY"),
        (Status::ASSURED, "ASSURED"),
        (Status::CONFIRMED, "CONFIRMED"),
    ];
    connection(packet, |connection| {
        let set = names.iter().filter(|(bit, _)| connection.status.contains(*bit)).map(|(_, name)| *name);
        match set.collect::<Vec<_>>() {
            none if none.is_empty() => "the status is NONE".into(),
            names => format!("the status is {}", names.join(",")),
        }
    })
}

/// The connection's mark.
#[must_use]
pub fn connection_mark(packet: &Packet<'_>) -> Option<String> {
    connection(packet, |connection| format!("the connection's mark is {:#x}", connection.mark))
}

/// The connection's helper.
#[must_use]
pub fn helper(packet: &Packet<'_>) -> Option<String> {
    connection(packet, |connection| match connection.master_helper.or(connection.helper) {
        Some(name) => format!("the helper is {name}"),
        None => "the connection has no helper".into(),
    })
}

/// The connection's protocol.
#[must_use]
pub fn connection_protocol(packet: &Packet<'_>) -> Option<String> {
    connection(packet, |of| format!("the connection's protocol is {}", protocol::name(of.original.protocol)))
}

/// Addresses and ports of the connection's first direction.
#[must_use]
pub fn original_tuple(packet: &Packet<'_>) -> Option<String> {
    connection(packet, |connection| format!("the connection goes {}", tuple(&connection.original)))
}

/// Addresses and ports of the connection's answers.
#[must_use]
pub fn reply_tuple(packet: &Packet<'_>) -> Option<String> {
    connection(packet, |connection| format!("answers go {}", tuple(&connection.reply)))
}

fn tuple(of: &Tuple) -> String {
    format!("from {} port {} to {} port {}", of.source, of.source_port, of.destination, of.destination_port)
}

/// How long the connection lasts.
#[must_use]
pub fn connection_expiry(packet: &Packet<'_>) -> Option<String> {
    connection(packet, |connection| format!("the connection expires in {} s", connection.expires))
}

/// Which side of the connection sent the packet.
#[must_use]
pub fn direction(packet: &Packet<'_>) -> Option<String> {
    connection(packet, |connection| format!("the direction is {:?}", connection.direction).to_lowercase())
}

/// The bridge port by which the packet came.
#[must_use]
pub fn bridge_input(packet: &Packet<'_>) -> Option<String> {
    Some(match packet.meta.bridge_input {
        Some(port) => format!("it came in by the bridge port {port}"),
        None => "it came in by no bridge port".into(),
    })
}

/// The bridge port by which the packet leaves.
#[must_use]
pub fn bridge_output(packet: &Packet<'_>) -> Option<String> {
    Some(match packet.meta.bridge_output {
        Some(port) => format!("it goes out by the bridge port {port}"),
        None => "it goes out by no bridge port".into(),
    })
}

/// Both bridge ports.
#[must_use]
pub fn bridge_ports(packet: &Packet<'_>) -> Option<String> {
    Some(match (packet.meta.bridge_input, packet.meta.bridge_output) {
        (Some(input), Some(output)) => format!("it is bridged from {input} to {output}"),
        _ => "it is not bridged from port to port".into(),
    })
}
