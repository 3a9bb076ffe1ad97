use std::net::IpAddr;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::conntrack::tests::{icmp, ipv4, udp};
use crate::conntrack::{Entry, Settings};

const CLIENT: [u8; 4] = [10, 1, 0, 2];
const SERVER: [u8; 4] = [10, 2, 0, 2];
const OUTSIDE: [u8; 4] = [192, 0, 2, 9];

/// Counts up from a start.
struct Counting(u16);

impl Random for Counting {
    fn u16(&mut self) -> u16 {
        self.0 = self.0.wrapping_add(1);
        self.0
    }
}

struct Router {
    conntrack: Conntrack,
    source: Option<NatRange>,
    destination: Option<NatRange>,
    random: Counting,
}

impl Router {
    fn new(source: Option<NatRange>, destination: Option<NatRange>) -> Self {
        Self { conntrack: Conntrack::new(Settings::default()), source, destination, random: Counting(99) }
    }

    /// Forwards a packet with translation; none if it is dropped.
    fn forward(&mut self, packet: &[u8]) -> Option<Vec<u8>> {
        self.conntrack.advance(Duration::from_secs(1));
        let mut packet = packet.to_vec();
        let entry = Entry { received: true, ..Entry::default() };
        let (tracking, pass) = self.conntrack.incoming(Data::new(&packet), &entry, &mut self.random);
        assert_eq!(pass, Pass::Accept);
        for (manipulation, range) in
            [(Manipulation::Destination, self.destination), (Manipulation::Source, self.source)]
        {
            if self.conntrack.wants_nat_rules(&tracking, manipulation) {
                let id = tracking.connection.unwrap();
                match range {
                    Some(range) => self.conntrack.set_up_nat(id, &range, manipulation, &mut self.random),
                    None => self.conntrack.set_up_nat_to_nothing(id, manipulation, &mut self.random),
                }
            }
            if self.conntrack.translate(&mut packet, &tracking, manipulation) == Pass::Drop {
                self.conntrack.release(&tracking);
                return None;
            }
        }
        let pass = self.conntrack.confirm(&tracking);
        self.conntrack.release(&tracking);
        (pass == Pass::Accept).then_some(packet)
    }
}

fn to(address: [u8; 4]) -> Option<NatRange> {
    Some(NatRange::address(IpAddr::from(address)))
}

fn with_ports(address: [u8; 4], first: u16, last: u16) -> Option<NatRange> {
    Some(NatRange { ports: Some((first, last)), ..NatRange::address(IpAddr::from(address)) })
}

#[test]
fn source_translation_is_undone_for_answers() {
    let mut router = Router::new(to(OUTSIDE), None);
    let out = router.forward(&udp((CLIENT, 5000), (SERVER, 53), b"query")).unwrap();
    assert_eq!(out, udp((OUTSIDE, 5000), (SERVER, 53), b"query"));
    let back = router.forward(&udp((SERVER, 53), (OUTSIDE, 5000), b"answer")).unwrap();
    assert_eq!(back, udp((SERVER, 53), (CLIENT, 5000), b"answer"));
}

#[test]
fn destination_translation_changes_the_port_too() {
    let mut router = Router::new(None, with_ports([10, 2, 0, 9], 5353, 5353));
    let out = router.forward(&udp((CLIENT, 5000), (SERVER, 53), b"query")).unwrap();
    assert_eq!(out, udp((CLIENT, 5000), ([10, 2, 0, 9], 5353), b"query"));
    let back = router.forward(&udp(([10, 2, 0, 9], 5353), (CLIENT, 5000), b"answer")).unwrap();
    assert_eq!(back, udp((SERVER, 53), (CLIENT, 5000), b"answer"));
}

#[test]
fn a_port_in_use_is_replaced_by_one_of_the_same_class() {
    let mut router = Router::new(to(OUTSIDE), None);
    for (port, others, wanted) in [(5000, 1024..=65535, 5000), (700, 600..=1023, 700), (400, 1..=511, 400)] {
        let first = router.forward(&udp((CLIENT, port), (SERVER, 53), b"")).unwrap();
        assert_eq!(first, udp((OUTSIDE, wanted), (SERVER, 53), b""));
        let second = router.forward(&udp(([10, 1, 0, 3], port), (SERVER, 53), b"")).unwrap();
        let chosen = u16::from_be_bytes([second[20], second[21]]);
        assert!(chosen != port && others.contains(&chosen));
    }
}

#[test]
fn a_port_range_is_searched_until_it_is_used_up() {
    let mut router = Router::new(with_ports(OUTSIDE, 6000, 6003), None);
    let mut seen: Vec<u16> = (0..4)
        .map(|host| router.forward(&udp(([10, 1, 1, host], 5000), (SERVER, 53), b"")).unwrap())
        .map(|packet| u16::from_be_bytes([packet[20], packet[21]]))
        .collect();
    seen.sort_unstable();
    assert_eq!(seen, [6000, 6001, 6002, 6003]);
    assert_eq!(router.forward(&udp(([10, 1, 1, 9], 5000), (SERVER, 53), b"")), None);
}

#[test]
fn the_same_source_keeps_its_mapping_for_other_destinations() {
    let mut router = Router::new(with_ports(OUTSIDE, 6000, 6999), None);
    let first = router.forward(&udp((CLIENT, 5000), (SERVER, 53), b"")).unwrap();
    let second = router.forward(&udp((CLIENT, 5000), ([10, 2, 0, 7], 53), b"")).unwrap();
    assert_eq!((&first[12..16], &first[20..22]), (&second[12..16], &second[20..22]));
}

#[test]
fn an_address_range_gives_a_client_the_same_address_again() {
    let range = NatRange {
        addresses: Some((IpAddr::from([192, 0, 2, 1]), IpAddr::from([192, 0, 2, 8]))),
        persistent: true,
        ..NatRange::default()
    };
    let mut router = Router::new(Some(range), None);
    let mut source = |host, port| {
        let packet = router.forward(&udp(([10, 1, 0, host], port), (SERVER, port), b"")).unwrap();
        assert!((1..=8).contains(&packet[15]));
        packet[15]
    };
    assert!((2000..2020).all(|port| source(2, port) == source(2, 3000)));
    let distinct: std::collections::BTreeSet<u8> = (1..100).map(|host| source(host, 1999)).collect();
    assert_eq!(distinct.len(), 8);
}

#[test]
fn addresses_of_a_range_are_those_that_linux_6_18_chose() {
    let chosen = [(4, 41, 27), (2, 23, 163), (3, 166, 173), (4, 162, 110), (2, 59, 46), (3, 156, 86)];
    for (client, (server, usual, persistent)) in (2..).zip(chosen) {
        for (persistent, wanted) in [(false, usual), (true, persistent)] {
            let addresses = Some((IpAddr::from([192, 0, 2, 1]), IpAddr::from([192, 0, 2, 200])));
            let range = NatRange { addresses, persistent, ..NatRange::default() };
            let packet = udp(([10, 1, 0, client], 2000), ([10, 2, 0, server], 53), b"");
            let out = Router::new(Some(range), None).forward(&packet).unwrap();
            assert_eq!(out[12..16], [192, 0, 2, wanted]);
        }
    }
}

#[test]
fn no_translation_still_keeps_answers_apart() {
    let mut router = Router::new(None, None);
    router.forward(&udp((CLIENT, 5000), (SERVER, 53), b"")).unwrap();
    router.destination = to(SERVER);
    let other = router.forward(&udp((CLIENT, 5000), ([10, 2, 0, 7], 53), b"")).unwrap();
    assert_eq!(other[12..20], [10, 1, 0, 2, 10, 2, 0, 2]);
    assert_ne!(other[20..22], 5000_u16.to_be_bytes());
}

#[test]
fn echo_identifiers_are_translated() {
    let mut router = Router::new(to(OUTSIDE), None);
    router.forward(&icmp(CLIENT, SERVER, 8, &[0, 7, 0, 1])).unwrap();
    let out = router.forward(&icmp([10, 1, 0, 3], SERVER, 8, &[0, 7, 0, 1])).unwrap();
    let id = [out[24], out[25]];
    assert_ne!(id, [0, 7]);
    assert_eq!(out, icmp(OUTSIDE, SERVER, 8, &[id[0], id[1], 0, 1]));
    let back = router.forward(&icmp(SERVER, OUTSIDE, 0, &[id[0], id[1], 0, 1])).unwrap();
    assert_eq!(back, icmp(SERVER, [10, 1, 0, 3], 0, &[0, 7, 0, 1]));
}

#[test]
fn errors_are_translated_with_what_they_quote() {
    let mut router = Router::new(with_ports(OUTSIDE, 6000, 6000), None);
    let there = udp((CLIENT, 5000), (SERVER, 53), b"query");
    let out = router.forward(&there).unwrap();
    let error = |to, quote: &[u8]| icmp([10, 9, 0, 1], to, 3, &[&[0; 4], quote].concat());
    let back = router.forward(&error(OUTSIDE, &out)).unwrap();
    assert_eq!(back, error(CLIENT, &there));
    let short = router.forward(&error(OUTSIDE, &out[..28])).unwrap();
    assert_eq!(short[48..54], there[20..26]);
    assert_eq!(router.forward(&error(OUTSIDE, &out[..24])), None);
    let redirect = icmp([10, 9, 0, 1], OUTSIDE, 5, &[&[0; 4], &out[..]].concat());
    assert_eq!(router.forward(&redirect), None);
}

#[test]
fn sctp_gets_a_new_checksum() {
    let mut chunk = vec![0, 7, 0, 80, 0, 0, 0, 0, 0, 0, 0, 0];
    chunk.extend([1, 0, 0, 20, 0, 0, 0, 11, 0, 0, 3, 232, 0, 1, 0, 1, 0, 0, 0, 1]);
    let packet = |source: [u8; 4]| {
        let mut chunk = chunk.clone();
        let sum = crate::conntrack::crc32c::crc32c(chunk.iter());
        chunk[8..12].copy_from_slice(&sum.to_le_bytes());
        ipv4(protocol::SCTP, source, SERVER, &chunk)
    };
    let mut router = Router::new(to(OUTSIDE), None);
    assert_eq!(router.forward(&packet(CLIENT)), Some(packet(OUTSIDE)));
}

fn ipv6(number: u8, payload: &[u8], at: usize) -> Vec<u8> {
    let mut packet = vec![0x60, 0, 0, 0, 0, payload.len() as u8, number, 64];
    packet.extend([0xfd; 16]);
    packet.extend([0xfe; 16]);
    packet.extend(payload);
    let pseudo = u32::from(number) + payload.len() as u32;
    let sum = !Data::new(&packet).sum(8, packet.len(), pseudo) as u16;
    packet[40 + at..42 + at].copy_from_slice(&sum.to_be_bytes());
    packet
}

#[test]
fn ipv6_is_translated_with_the_checksum_of_the_pseudo_header() {
    let source = IpAddr::from([0x20; 16]);
    for packet in [
        ipv6(protocol::UDP, &[0x10, 0, 0, 53, 0, 12, 0, 0, 1, 2, 3, 4], 6),
        ipv6(protocol::ICMPV6, &[128, 0, 0, 0, 0, 7, 0, 1], 2),
    ] {
        let mut router = Router::new(Some(NatRange::address(source)), None);
        let out = router.forward(&packet).unwrap();
        assert_eq!(out[8..24], [0x20; 16]);
        let view = View::parse(Data::new(&out)).unwrap();
        assert_eq!(view.sum_with_pseudo_header(usize::MAX), 0xffff);
    }
}

proptest! {
    #[test]
    fn answers_to_any_translated_packet_come_back_untranslated(
        client: [u8; 4], port: u16, server: [u8; 4], to_port in 1_u16.., outside: [u8; 4], inside: [u8; 4],
        payload: Vec<u8>, (first, size) in (1024_u16..60_000, 0_u16..50), both: bool,
    ) {
        prop_assume!(client != server && outside != inside && outside != server && client != inside);
        let destination = if both { with_ports(inside, 7000, 7000) } else { None };
        let mut router = Router::new(with_ports(outside, first, first + size), destination);
        let there = udp((client, port), (server, to_port), &payload);
        let out = router.forward(&there).unwrap();
        let view = View::parse(Data::new(&out)).unwrap();
        let seen = Tuple::of(&view).unwrap();
        prop_assert!(view.sum_with_pseudo_header(usize::MAX) == 0xffff && Data::new(&out).sum(0, 20, 0) == 0xffff);
        prop_assert_eq!(&seen.source[..4], &outside);
        prop_assert!((first..=first + size).contains(&seen.source_key));
        let from: [u8; 4] = seen.destination[..4].try_into().unwrap();
        let back = router.forward(&udp((from, seen.destination_key), (outside, seen.source_key), &payload)).unwrap();
        prop_assert_eq!(back, udp((server, to_port), (client, port), &payload));
        let again = router.forward(&there).unwrap();
        prop_assert_eq!(again, out);
    }

    #[test]
    fn any_packets_are_translated_without_panic(
        packets in prop::collection::vec((0_usize..9, prop::collection::vec(any::<u8>(), 0..80)), 1..20),
    ) {
        let mut router = Router::new(with_ports(OUTSIDE, 1, 3), with_ports(SERVER, 9, 9));
        router.conntrack.settings.checksum = 0;
        for (number, payload) in packets {
            let number = [1, 6, 17, 47, 58, 132, 136, 33, 4][number];
            let _ = router.forward(&ipv4(number, [10, 0, 0, 1], OUTSIDE, &payload));
        }
    }
}
