//! Numbers and names of transport protocols (IANA protocol numbers).

/// Internet Control Message Protocol.
pub const ICMP: u8 = 1;
/// Transmission Control Protocol.
pub const TCP: u8 = 6;
/// User Datagram Protocol.
pub const UDP: u8 = 17;
/// Datagram Congestion Control Protocol.
pub const DCCP: u8 = 33;
/// Encapsulating Security Payload.
pub const ESP: u8 = 50;
/// Authentication Header.
pub const AH: u8 = 51;
/// ICMP for IPv6.
pub const ICMPV6: u8 = 58;
/// IP Payload Compression.
pub const IPCOMP: u8 = 108;
/// Stream Control Transmission Protocol.
pub const SCTP: u8 = 132;
/// Mobility Header of IPv6.
pub const MOBILITY_HEADER: u8 = 135;
/// Lightweight UDP.
pub const UDPLITE: u8 = 136;

/// The protocols that are known by name on every system, in the order in which names are looked up.
const NAMES: [(&str, u8); 12] = [
    ("tcp", TCP),
    ("sctp", SCTP),
    ("udp", UDP),
    ("udplite", UDPLITE),
    ("icmp", ICMP),
    ("ipv6-icmp", ICMPV6),
    ("icmpv6", ICMPV6),
    ("esp", ESP),
    ("ah", AH),
    ("mobility-header", MOBILITY_HEADER),
    ("dccp", DCCP),
    ("ipcomp", IPCOMP),
];

/// How a protocol is written in a saved rule: its name if it is one that every system knows, else its number.
#[must_use]
pub fn name(number: u8) -> String {
    known_name(number).map_or_else(|| number.to_string(), str::to_owned)
}

/// The name of a protocol that is known by name on every system.
#[must_use]
pub fn known_name(number: u8) -> Option<&'static str> {
    NAMES.iter().find(|(_, known)| *known == number).map(|(name, _)| *name)
}

/// The number of a protocol that is known by name on every system.
#[must_use]
pub fn known_number(name: &str) -> Option<u8> {
    NAMES.iter().find(|(known, _)| *known == name).map(|(_, number)| *number)
}
