use super::put;
use crate::checksum::fold;
use crate::conntrack::crc32c::crc32c;
use pkttables::model::protocol;
use pkttables::packet::Data;

/// A transport header; checksums and lengths are filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Transport {
    /// TCP.
    Tcp(Tcp),
    /// UDP.
    Udp {
        /// The source port.
        source: u16,
        /// The destination port.
        destination: u16,
    },
    /// UDP-Lite, whose checksum covers all.
    UdpLite {
        /// The source port.
        source: u16,
        /// The destination port.
        destination: u16,
    },
    /// ICMP, or ICMPv6 between IPv6 addresses.
    Icmp {
        /// The type.
        kind: u8,
        /// The code.
        code: u8,
        /// The identifier of queries.
        id: u16,
        /// The sequence number of queries.
        sequence: u16,
    },
    /// SCTP with one chunk, which the payload belongs to.
    Sctp {
        /// The source port.
        source: u16,
        /// The destination port.
        destination: u16,
        /// The verification tag.
        tag: u32,
        /// The type of the chunk.
        chunk: u8,
    },
    /// DCCP with long sequence numbers.
    Dccp {
        /// The source port.
        source: u16,
        /// The destination port.
        destination: u16,
        /// The type of the packet, 0 is a request.
        kind: u8,
    },
    /// GRE.
    Gre {
        /// The key.
        key: Option<u32>,
    },
    /// ESP.
    Esp {
        /// The security parameter index.
        spi: u32,
    },
    /// AH before a packet of no protocol.
    Ah {
        /// The security parameter index.
        spi: u32,
    },
    /// Nothing but payload.
    Raw(u8),
}

/// A TCP header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tcp {
    /// The source port.
    pub source: u16,
    /// The destination port.
    pub destination: u16,
    /// The sequence number.
    pub sequence: u32,
    /// The number of the next byte that is expected.
    pub acknowledgement: u32,
    /// The flags: FIN 1, SYN 2, RST 4, PSH 8, ACK 16, URG 32, ECE 64, CWR 128.
    pub flags: u8,
    /// The window.
    pub window: u16,
    /// The options, filled with zeros to a multiple of four bytes; at most 40.
    pub options: Vec<u8>,
}

impl Tcp {
    /// The first segment of a connection, from port 0 to port 0.
    pub const SYN: Self = Self {
        source: 0,
        destination: 0,
        sequence: 0,
        acknowledgement: 0,
        flags: 2,
        window: 64_240,
        options: Vec::new(),
    };
}

const GRE: u8 = 47;

impl Transport {
    /// The number of the protocol.
    #[must_use]
    pub const fn number(&self, v6: bool) -> u8 {
        match self {
            Self::Tcp(_) => protocol::TCP,
            Self::Udp { .. } => protocol::UDP,
            Self::UdpLite { .. } => protocol::UDPLITE,
            Self::Icmp { .. } if v6 => protocol::ICMPV6,
            Self::Icmp { .. } => protocol::ICMP,
            Self::Sctp { .. } => protocol::SCTP,
            Self::Dccp { .. } => protocol::DCCP,
            Self::Gre { .. } => GRE,
            Self::Esp { .. } => protocol::ESP,
            Self::Ah { .. } => protocol::AH,
            Self::Raw(number) => *number,
        }
    }

    /// Appends the header, with zeros where checksums and lengths go.
    pub(super) fn header(&self, out: &mut Vec<u8>) {
        match self {
            Self::Tcp(tcp) => tcp.header(out),
            Self::Udp { source, destination } | Self::UdpLite { source, destination } => {
                ports(out, *source, *destination);
                out.extend([0; 4]);
            }
            Self::Icmp { kind, code, id, sequence } => {
                out.extend([*kind, *code, 0, 0]);
                ports(out, *id, *sequence);
            }
            Self::Sctp { source, destination, tag, chunk } => {
                ports(out, *source, *destination);
                out.extend(tag.to_be_bytes());
                out.extend([0, 0, 0, 0, *chunk, 0, 0, 0]);
                if matches!(chunk, 1 | 2) {
                    // INIT and INIT ACK: the sender's tag, window, streams, first sequence number.
                    out.extend([0, 0, 0, 1, 0, 1, 0, 0, 0, 1, 0, 1, 0, 0, 0, 1]);
                }
            }
            Self::Dccp { source, destination, kind } => {
                ports(out, *source, *destination);
                // Requests and responses have a service code, all but requests and data an acknowledgement.
                let more = match kind {
                    0 => 4,
                    2 => 0,
                    1 | 7 => 12,
                    _ => 8,
                };
                out.extend([(16 + more) / 4, 0, 0, 0, kind << 1 | 1, 0, 0, 0, 0, 0, 0, 1]);
                out.resize(out.len() + usize::from(more), 0);
            }
            Self::Gre { key } => {
                out.extend([if key.is_some() { 0x20 } else { 0 }, 0, 8, 0]);
                out.extend(key.iter().flat_map(|key| key.to_be_bytes()));
            }
            Self::Esp { spi } => {
                out.extend(spi.to_be_bytes());
                out.extend([0, 0, 0, 1]);
            }
            Self::Ah { spi } => {
                out.extend([59, 4, 0, 0]);
                out.extend(spi.to_be_bytes());
                out.extend([0, 0, 0, 1]);
                out.extend([0; 12]);
            }
            Self::Raw(_) => {}
        }
    }

    /// Writes lengths and checksum into the header that begins at `start`.
    pub(super) fn finish(&self, bytes: &mut [u8], start: usize, pseudo: u32, wrong: bool) {
        let end = bytes.len();
        let length = ((end - start) & 0xffff) as u16;
        let (place, pseudo) = match self {
            Self::Tcp(_) => (16, pseudo),
            Self::Udp { .. } => {
                put(bytes, start + 4, length);
                (6, pseudo)
            }
            Self::UdpLite { .. } | Self::Dccp { .. } => (6, pseudo),
            Self::Icmp { .. } => {
                (2, if bytes.first().is_some_and(|first| first >> 4 == 6) { pseudo } else { 0 })
            }
            Self::Sctp { .. } => {
                put(bytes, start + 14, length.wrapping_sub(12));
                let Some(covered) = bytes.get(start..) else { return };
                let sum = crc32c(covered.iter()) ^ u32::from(wrong);
                if let Some(place) = bytes.get_mut(start + 8..start + 12) {
                    place.copy_from_slice(&sum.to_le_bytes());
                }
                return;
            }
            Self::Gre { .. } | Self::Esp { .. } | Self::Ah { .. } | Self::Raw(_) => return,
        };
        let sum = match fold(Data::new(bytes).sum(start, end, pseudo)) {
            // Zero would say that there is none.
            0 if matches!(self, Self::Udp { .. } | Self::UdpLite { .. }) => 0xffff,
            sum => sum,
        };
        put(bytes, start + place, sum ^ u16::from(wrong));
    }
}

impl Tcp {
    fn header(&self, out: &mut Vec<u8>) {
        let options = self.options.get(..self.options.len().min(40)).unwrap_or_default();
        let words = options.len().div_ceil(4);
        ports(out, self.source, self.destination);
        out.extend(self.sequence.to_be_bytes());
        out.extend(self.acknowledgement.to_be_bytes());
        out.extend([((5 + words) << 4 & 0xff) as u8, self.flags]);
        out.extend(self.window.to_be_bytes());
        out.extend([0; 4]);
        out.extend_from_slice(options);
        out.resize(out.len() + words * 4 - options.len(), 0);
    }
}

fn ports(out: &mut Vec<u8>, first: u16, second: u16) {
    out.extend(first.to_be_bytes());
    out.extend(second.to_be_bytes());
}
