use pkttables::model::{Family, protocol};
use pkttables::packet;

use super::headers::{View, address, octets};

/// Generic routing encapsulation (RFC 2784).
pub(crate) const GRE: u8 = 47;

/// What identifies one direction of a connection: addresses, protocol and the protocol's own keys.
///
/// The keys are ports (TCP, UDP, UDP-Lite, SCTP, DCCP), identifier and type with code (ICMP), the call identifier
/// (GRE version 1) or nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Tuple {
    pub(crate) source: [u8; 16],
    pub(crate) destination: [u8; 16],
    pub(crate) source_key: u16,
    pub(crate) destination_key: u16,
    pub(crate) protocol: u8,
    pub(crate) family: Family,
}

impl Tuple {
    /// The tuple as rules see it.
    pub(crate) fn public(&self) -> packet::Tuple {
        packet::Tuple {
            source: address(self.family, self.source),
            destination: address(self.family, self.destination),
            protocol: self.protocol,
            source_port: self.source_key,
            destination_port: self.destination_key,
        }
    }

    /// The tuple that rules see as this one.
    pub(crate) fn from_public(tuple: &packet::Tuple) -> Self {
        let ((family, source), (_, destination)) = (octets(tuple.source), octets(tuple.destination));
        Self {
            source,
            destination,
            source_key: tuple.source_port,
            destination_key: tuple.destination_port,
            protocol: tuple.protocol,
            family,
        }
    }

    /// The tuple of the answers; none where the protocol has no answer to it.
    pub(crate) fn inverse(&self) -> Option<Self> {
        let turned = Self { source: self.destination, destination: self.source, ..*self };
        let answer = match self.protocol {
            protocol::ICMP => icmp_answer((self.destination_key >> 8) as u8)?,
            protocol::ICMPV6 => icmpv6_answer((self.destination_key >> 8) as u8)?,
            _ => {
                return Some(Self {
                    source_key: self.destination_key,
                    destination_key: self.source_key,
                    ..turned
                });
            }
        };
        Some(Self { destination_key: u16::from(answer) << 8 | self.destination_key & 0xff, ..turned })
    }

    /// Reads the tuple of a packet; none where its header is cut off before the keys.
    pub(crate) fn of(view: &View<'_>) -> Option<Self> {
        let (source_key, destination_key) = match view.protocol {
            protocol::TCP | protocol::UDP | protocol::UDPLITE | protocol::SCTP => {
                (view.be16(0)?, view.be16(2)?)
            }
            protocol::ICMP | protocol::ICMPV6 => {
                let [kind, code, _, _, id, id2, ..] = view.array::<8>(0)?;
                (u16::from_be_bytes([id, id2]), u16::from_be_bytes([kind, code]))
            }
            GRE => gre_keys(view)?,
            _ => (0, 0),
        };
        Some(Self {
            source: view.source,
            destination: view.destination,
            source_key,
            destination_key,
            protocol: view.protocol,
            family: view.family,
        })
    }

    /// A well-mixed 32-bit hash of the tuple in a zone.
    pub(crate) fn hash(&self, zone: u16, seed: u64) -> u32 {
        let ports = u64::from(self.source_key)
            | u64::from(self.destination_key) << 16
            | u64::from(self.protocol) << 32
            | u64::from(zone) << 40;
        let (a, b) = halves(self.source);
        let (c, d) = halves(self.destination);
        mix(mix(mix(seed ^ a, b ^ 0x9e37_79b9_7f4a_7c15), mix(c ^ seed, d ^ 0xc2b2_ae3d_27d4_eb4f)), ports)
            as u32
    }

    /// As [`hash`](Self::hash), of the source alone.
    pub(crate) fn source_hash(&self, zone: u16, seed: u64) -> u32 {
        let (a, b) = halves(self.source);
        let rest = u64::from(self.source_key) | u64::from(self.protocol) << 16 | u64::from(zone) << 24;
        mix(mix(seed ^ a, b ^ 0x9e37_79b9_7f4a_7c15), rest) as u32
    }
}

fn halves(address: [u8; 16]) -> (u64, u64) {
    let whole = u128::from_ne_bytes(address);
    (whole as u64, (whole >> 64) as u64)
}

fn mix(a: u64, b: u64) -> u64 {
    let product = u128::from(a ^ 0xa076_1d64_78bd_642f) * u128::from(b ^ 0xe703_7ed1_a0b4_28db);
    (product >> 64) as u64 ^ product as u64
}

/// The answering type of an ICMP query (RFC 792, RFC 950).
const fn icmp_answer(kind: u8) -> Option<u8> {
    Some(match kind {
        8 => 0,
        0 => 8,
        13 => 14,
        14 => 13,
        15 => 16,
        16 => 15,
        17 => 18,
        18 => 17,
        _ => return None,
    })
}

/// The answering type of an ICMPv6 query (RFC 4443, RFC 4620).
const fn icmpv6_answer(kind: u8) -> Option<u8> {
    Some(match kind {
        128 => 129,
        129 => 128,
        139 => 140,
        140 => 139,
        _ => return None,
    })
}

/// Only version 1 (RFC 2637) has keys, and it must carry PPP.
fn gre_keys(view: &View<'_>) -> Option<(u16, u16)> {
    const VERSION_1: u8 = 1;
    const PPP: u16 = 0x880b;
    let Some([_, version, carried @ .., _, _, call, call2]) = view.array::<8>(0) else { return Some((0, 0)) };
    if version & 7 != VERSION_1 {
        return Some((0, 0));
    }
    (u16::from_be_bytes(carried) == PPP).then_some((0, u16::from_be_bytes([call, call2])))
}

#[cfg(test)]
mod tests {
    use super::*;
    use pkttables::packet::Data;

    fn tuple(protocol: u8, keys: (u16, u16)) -> Tuple {
        Tuple {
            source: [1; 16],
            destination: [2; 16],
            source_key: keys.0,
            destination_key: keys.1,
            protocol,
            family: Family::Ipv4,
        }
    }

    #[test]
    fn answers_swap_addresses_and_ports() {
        let there = tuple(6, (1000, 80));
        let back = there.inverse().unwrap();
        assert_eq!((back.source, back.source_key), (there.destination, 80));
        assert_eq!(back.inverse(), Some(there));
    }

    #[test]
    fn an_echo_request_is_answered_by_an_echo_reply_of_the_same_identifier() {
        let request = tuple(protocol::ICMP, (77, 0x0800));
        let reply = request.inverse().unwrap();
        assert_eq!((reply.source_key, reply.destination_key), (77, 0x0000));
        assert_eq!(tuple(protocol::ICMP, (77, 0x0300)).inverse(), None);
        assert_eq!(tuple(protocol::ICMPV6, (1, 0x8000)).inverse().unwrap().destination_key, 0x8100);
    }

    #[test]
    fn gre_has_keys_in_version_one_only() {
        let keys = |gre: [u8; 8]| {
            let mut packet = vec![0x45, 0, 0, 28, 0, 0, 0, 0, 64, 47, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];
            packet.extend(gre);
            gre_keys(&View::parse(Data::new(&packet)).unwrap())
        };
        assert_eq!(keys([0x20, 0, 8, 0, 1, 2, 3, 4]), Some((0, 0)));
        assert_eq!(keys([0x20, 1, 0x88, 0x0b, 0, 4, 0x12, 0x34]), Some((0, 0x1234)));
        assert_eq!(keys([0x20, 1, 0x08, 0x00, 0, 4, 0x12, 0x34]), None);
    }

    #[test]
    fn zones_and_single_bits_change_the_hash() {
        let one = tuple(6, (1000, 80));
        assert_ne!(one.hash(0, 1), one.hash(1, 1));
        assert_ne!(one.hash(0, 1), tuple(6, (1001, 80)).hash(0, 1));
        assert_ne!(one.hash(0, 1), tuple(17, (1000, 80)).hash(0, 1));
    }
}
