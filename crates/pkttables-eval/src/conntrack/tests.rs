//! Connection tracking as a whole, with packets put together by hand.

use std::time::Duration;

use pkttables::model::protocol;
use pkttables::packet::{Data, Direction, Status, TrackState};
use proptest::prelude::*;

use super::*;

const CLIENT: [u8; 4] = [10, 1, 0, 2];
const SERVER: [u8; 4] = [10, 2, 0, 2];
const ROUTER: [u8; 4] = [10, 9, 0, 1];

const FIN: u8 = 1;
const SYN: u8 = 2;
const RST: u8 = 4;
const PSH: u8 = 8;
const ACK: u8 = 16;

pub(in crate::conntrack) fn ipv4(
    number: u8,
    source: [u8; 4],
    destination: [u8; 4],
    payload: &[u8],
) -> Vec<u8> {
    let mut packet = vec![0x45, 0, 0, 0, 0, 1, 0, 0, 64, number, 0, 0];
    packet.extend(source);
    packet.extend(destination);
    packet.extend(payload);
    let len = packet.len() as u16;
    packet[2..4].copy_from_slice(&len.to_be_bytes());
    let sum = !Data::new(&packet).sum(0, 20, 0) as u16;
    packet[10..12].copy_from_slice(&sum.to_be_bytes());
    packet
}

/// Fills in the checksum of the transport header, which stands at a distance from its start.
fn checksummed(mut packet: Vec<u8>, at: usize) -> Vec<u8> {
    let pseudo = u32::from(packet[9]) + packet.len() as u32 - 20;
    let data = Data::new(&packet);
    let start = if packet[9] == protocol::ICMP { 0 } else { data.sum(12, 20, pseudo) };
    let sum = !data.sum(20, packet.len(), start) as u16;
    packet[20 + at..22 + at].copy_from_slice(&sum.to_be_bytes());
    packet
}

pub(in crate::conntrack) fn tcp(
    way: Direction,
    flags: u8,
    sequence: u32,
    acknowledged: u32,
    payload: &[u8],
) -> Vec<u8> {
    let (from, to, sport, dport) = match way {
        Original => (CLIENT, SERVER, 40_000_u16, 80_u16),
        Reply => (SERVER, CLIENT, 80, 40_000),
    };
    let mut header = [sport.to_be_bytes(), dport.to_be_bytes()].concat();
    header.extend(sequence.to_be_bytes());
    header.extend(acknowledged.to_be_bytes());
    header.extend([0x50, flags, 0xfa, 0xf0, 0, 0, 0, 0]);
    header.extend(payload);
    checksummed(ipv4(protocol::TCP, from, to, &header), 16)
}

pub(in crate::conntrack) fn udp(from: ([u8; 4], u16), to: ([u8; 4], u16), payload: &[u8]) -> Vec<u8> {
    let mut header = [from.1.to_be_bytes(), to.1.to_be_bytes()].concat();
    header.extend((8 + payload.len() as u16).to_be_bytes());
    header.extend([0, 0]);
    header.extend(payload);
    checksummed(ipv4(protocol::UDP, from.0, to.0, &header), 6)
}

pub(in crate::conntrack) fn icmp(from: [u8; 4], to: [u8; 4], kind: u8, rest: &[u8]) -> Vec<u8> {
    let mut message = vec![kind, 0, 0, 0];
    message.extend(rest);
    checksummed(ipv4(protocol::ICMP, from, to, &message), 2)
}

struct Router {
    conntrack: Conntrack,
    seconds: u64,
}

impl Router {
    fn new() -> Self {
        Self {
            conntrack: Conntrack::new(Settings { acct: 1, ..Settings::default() }),
            seconds: 1_700_000_000,
        }
    }

    fn after(&mut self, seconds: u64) -> &mut Self {
        self.seconds += seconds;
        self
    }

    fn track(&mut self, packet: &[u8]) -> Tracking {
        self.conntrack.advance(Duration::from_secs(self.seconds));
        let entry = Entry { received: true, ..Entry::default() };
        let (tracking, pass) = self.conntrack.incoming(Data::new(packet), &entry, &mut || 0);
        assert_eq!(pass, Pass::Accept);
        tracking
    }

    /// Lets a packet through.
    fn forward(&mut self, packet: &[u8]) -> TrackState {
        let tracking = self.track(packet);
        self.conntrack.help(&mut packet.to_vec(), &tracking, &mut || 0).unwrap();
        assert_eq!(self.conntrack.confirm(&tracking), Pass::Accept);
        self.conntrack.release(&tracking);
        tracking.state
    }

    /// Drops a packet after looking at it.
    fn drop(&mut self, packet: &[u8]) -> TrackState {
        let tracking = self.track(packet);
        self.conntrack.release(&tracking);
        tracking.state
    }

    fn only(&self) -> &Connection {
        assert_eq!(self.conntrack.len(), 1);
        self.conntrack.connections().next().unwrap().1
    }

    fn open(&mut self) {
        use Direction::{Original, Reply};
        assert_eq!(self.forward(&tcp(Original, SYN, 1000, 0, b"")), New);
        assert_eq!(self.forward(&tcp(Reply, SYN | ACK, 5000, 1001, b"")), Established);
        assert_eq!(self.forward(&tcp(Original, ACK, 1001, 5001, b"")), Established);
    }
}

use Direction::{Original, Reply};
use TrackState::{Established, Invalid, New, Related, Untracked};

#[test]
fn a_tcp_connection_opens_carries_data_and_closes() {
    let mut router = Router::new();
    router.open();
    assert_eq!(router.only().state_name(), Some("ESTABLISHED"));
    assert!(router.only().status.contains(Status::ASSURED | Status::SEEN_REPLY | Status::CONFIRMED));
    assert_eq!(router.forward(&tcp(Original, PSH | ACK, 1001, 5001, b"hello")), Established);
    assert_eq!(router.forward(&tcp(Reply, ACK, 5001, 1006, b"")), Established);
    assert_eq!(router.forward(&tcp(Original, FIN | ACK, 1006, 5001, b"")), Established);
    assert_eq!(router.forward(&tcp(Reply, FIN | ACK, 5001, 1007, b"")), Established);
    assert_eq!(router.only().state_name(), Some("LAST_ACK"));
    assert_eq!(router.forward(&tcp(Original, ACK, 1007, 5002, b"")), Established);
    assert_eq!(router.only().state_name(), Some("TIME_WAIT"));
    assert_eq!(router.forward(&tcp(Original, SYN, 9000, 0, b"")), New);
    assert_eq!(router.only().state_name(), Some("SYN_SENT"));
}

#[test]
fn what_lies_beyond_the_window_is_invalid_and_old_data_is_not() {
    let mut router = Router::new();
    router.open();
    assert_eq!(router.forward(&tcp(Original, ACK, 1001 + 1_000_000, 5001, b"far")), Invalid);
    assert_eq!(router.forward(&tcp(Reply, ACK, 5001, 1001 + 1_000_000, b"")), Invalid);
    assert_eq!(router.forward(&tcp(Reply, ACK, 5001_u32.wrapping_sub(500_000), 1001, b"old")), Established);
    assert_eq!(router.forward(&tcp(Reply, RST, 4000, 0, b"")), Invalid);
    router.conntrack.settings.tcp_be_liberal = 1;
    assert_eq!(router.forward(&tcp(Original, ACK, 1001 + 1_000_000, 5001, b"far")), Established);
}

#[test]
fn only_a_syn_or_an_acknowledgement_may_come_first() {
    let wanted = [
        (SYN, New),
        (SYN | PSH, New),
        (SYN | 0xc0, New),
        (ACK, New),
        (PSH | ACK, New),
        (SYN | ACK, Invalid),
        (RST, Invalid),
        (FIN, Invalid),
        (FIN | ACK, Invalid),
        (0, Invalid),
        (SYN | FIN, Invalid),
        (SYN | RST, Invalid),
    ];
    for (flags, state) in wanted {
        assert_eq!(Router::new().forward(&tcp(Original, flags, 1000, 5000, b"")), state, "{flags:#x}");
    }
    let mut strict = Router::new();
    strict.conntrack.settings.tcp_loose = 0;
    assert_eq!(strict.forward(&tcp(Original, ACK, 1000, 5000, b"")), Invalid);
}

#[test]
fn a_reset_ends_an_unanswered_connection_at_once() {
    let mut router = Router::new();
    router.forward(&tcp(Original, SYN, 1000, 0, b""));
    assert_eq!(router.forward(&tcp(Reply, RST | ACK, 0, 1001, b"")), Established);
    assert!(router.conntrack.is_empty());
}

#[test]
fn a_dropped_first_packet_leaves_nothing_behind() {
    let mut router = Router::new();
    assert_eq!(router.drop(&tcp(Original, SYN, 1000, 0, b"")), New);
    assert!(router.conntrack.is_empty());
    assert_eq!(router.drop(&tcp(Original, SYN, 1000, 0, b"")), New);
}

#[test]
fn udp_lasts_thirty_seconds_and_becomes_a_stream() {
    let (there, back) = (udp((CLIENT, 1000), (SERVER, 53), b"q"), udp((SERVER, 53), (CLIENT, 1000), b"a"));
    let mut router = Router::new();
    assert_eq!(router.forward(&there), New);
    assert_eq!(router.after(29).forward(&there), New);
    assert_eq!(router.after(30).forward(&there), New);
    assert_eq!(router.after(1).forward(&back), Established);
    assert!(!router.only().status.contains(Status::ASSURED));
    assert_eq!(router.after(5).forward(&there), Established);
    assert!(router.only().status.contains(Status::ASSURED));
    assert_eq!(router.after(119).forward(&back), Established);
    assert_eq!(router.after(120).forward(&back), New);
}

#[test]
fn counters_stand_for_both_directions() {
    let mut router = Router::new();
    router.forward(&udp((CLIENT, 1000), (SERVER, 53), b"query"));
    router.forward(&udp((SERVER, 53), (CLIENT, 1000), b"answer"));
    let tracking = router.track(&udp((CLIENT, 1000), (SERVER, 53), b"q"));
    let seen = router.conntrack.describe(&tracking).unwrap();
    assert_eq!(seen.counters.map(|counter| (counter.packets, counter.bytes)), [(2, 33 + 29), (1, 34)]);
    assert_eq!((seen.original.source_port, seen.reply.source_port), (1000, 53));
}

#[test]
fn wrong_checksums_and_lengths_are_invalid() {
    let good = udp((CLIENT, 1000), (SERVER, 53), b"query");
    let mut bad = good.clone();
    bad[30] ^= 1;
    assert_eq!(Router::new().forward(&bad), Invalid);
    let mut no_checksum = bad.clone();
    no_checksum[26..28].fill(0);
    assert_eq!(Router::new().forward(&no_checksum), New);
    let mut too_long = no_checksum;
    too_long[25] = 200;
    assert_eq!(Router::new().forward(&too_long), Invalid);
    let mut unchecked = Router::new();
    unchecked.conntrack.settings.checksum = 0;
    assert_eq!(unchecked.forward(&bad), New);
}

#[test]
fn echo_requests_begin_connections_and_replies_do_not() {
    let mut router = Router::new();
    assert_eq!(router.forward(&icmp(SERVER, CLIENT, 0, &[0, 7, 0, 1])), Invalid);
    assert_eq!(router.forward(&icmp(CLIENT, SERVER, 8, &[0, 7, 0, 1])), New);
    assert_eq!(router.forward(&icmp(SERVER, CLIENT, 0, &[0, 7, 0, 1])), Established);
    assert_eq!(router.forward(&icmp(SERVER, CLIENT, 0, &[0, 8, 0, 1])), Invalid);
    assert_eq!(router.forward(&icmp(CLIENT, SERVER, 40, &[0, 7, 0, 1])), Invalid);
}

#[test]
fn errors_are_related_to_the_connection_they_quote() {
    let mut router = Router::new();
    let there = udp((CLIENT, 1000), (SERVER, 53), b"query");
    router.forward(&there);
    let error = |to, quote: &[u8]| icmp(ROUTER, to, 3, &[&[0; 4], quote].concat());
    assert_eq!(router.forward(&error(CLIENT, &there[..28])), Related);
    assert_eq!(router.forward(&error(CLIENT, &there[..24])), Related);
    assert_eq!(router.forward(&error(CLIENT, &there[..23])), Invalid);
    assert_eq!(router.forward(&error(SERVER, &there[..28])), Invalid);
    assert_eq!(router.forward(&error(CLIENT, &udp((CLIENT, 1), (SERVER, 53), b"x"))), Invalid);
    let tracking = router.track(&error(CLIENT, &there));
    assert_eq!(tracking.direction, Reply);
}

#[test]
fn neighbour_discovery_is_left_alone() {
    let mut packet = vec![0x60, 0, 0, 0, 0, 8, 58, 255];
    packet.extend([0xfe; 16]);
    packet.extend([0xff; 16]);
    packet.extend([135, 0, 0, 0, 0, 0, 0, 0]);
    let pseudo = 58 + 8;
    let sum = !Data::new(&packet).sum(8, 48, pseudo) as u16;
    packet[42..44].copy_from_slice(&sum.to_be_bytes());
    assert_eq!(Router::new().forward(&packet), Untracked);
}

#[test]
fn zones_see_only_their_own() {
    let mut router = Router::new();
    let packet = udp((CLIENT, 1000), (SERVER, 53), b"query");
    router.forward(&packet);
    let entry = Entry { received: true, zone: Zone::new(5), helper: None };
    let (tracking, _) = router.conntrack.incoming(Data::new(&packet), &entry, &mut || 0);
    assert_eq!(tracking.state, New);
    router.conntrack.confirm(&tracking);
    assert_eq!(router.conntrack.len(), 2);
    assert_eq!(router.conntrack.describe(&tracking).unwrap().zone, 5);
}

#[test]
fn tftp_answers_from_another_port_are_related() {
    let mut router = Router::new();
    let request = udp((CLIENT, 2000), (SERVER, 69), b"\0\x01file\0octet\0");
    router.conntrack.advance(Duration::from_secs(router.seconds));
    let entry = Entry { received: true, helper: Some(Helper::Tftp), ..Entry::default() };
    let (tracking, _) = router.conntrack.incoming(Data::new(&request), &entry, &mut || 0);
    router.conntrack.connection_mut(tracking.connection.unwrap()).unwrap().mark = 9;
    router.conntrack.help(&mut request.clone(), &tracking, &mut || 0).unwrap();
    router.conntrack.confirm(&tracking);
    let answer = udp((SERVER, 3333), (CLIENT, 2000), b"\0\x03\0\x01data");
    let tracking = router.track(&answer);
    assert_eq!(tracking.state, Related);
    let seen = router.conntrack.describe(&tracking).unwrap();
    assert_eq!((seen.mark, seen.master_helper, seen.helper), (9, Some("tftp"), None));
    assert_eq!(seen.master_source, Some(seen.reply.source));
    assert!(seen.status.contains(Status::EXPECTED));
    assert_eq!(router.drop(&udp((SERVER, 3334), (CLIENT, 2000), b"x")), New);
}

#[test]
fn ftp_data_connections_are_related() {
    let mut router = Router::new();
    router.open();
    let id = router.conntrack.connections().next().unwrap().0;
    router.conntrack.connection_mut(id).unwrap().set_helper(Some(Helper::Ftp));
    router.forward(&tcp(Reply, PSH | ACK, 5001, 1001, b"220 ready\r\n"));
    router.forward(&tcp(Original, PSH | ACK, 1001, 5012, b"USER x\r\n"));
    router.forward(&tcp(Original, PSH | ACK, 1009, 5012, b"PORT 10,1,0,2,4,1\r\n"));
    assert_eq!(router.conntrack.expected(), 1);
    let mut data = ipv4(protocol::TCP, SERVER, CLIENT, &[]);
    data.extend([0, 20, 4, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0x50, SYN, 1, 0, 0, 0, 0, 0]);
    data[3] = 40;
    let tracking = router.track(&checksummed(data, 16));
    assert_eq!((tracking.state, router.conntrack.expected()), (Related, 0));
}

#[test]
fn a_full_table_gives_up_what_is_not_assured_or_drops() {
    let mut router = Router::new();
    router.conntrack.settings.max = 1;
    router.open();
    router.conntrack.advance(Duration::from_secs(router.seconds));
    let packet = udp((CLIENT, 1), (SERVER, 2), b"");
    let entry = Entry { received: true, ..Entry::default() };
    assert_eq!(router.conntrack.incoming(Data::new(&packet), &entry, &mut || 0).1, Pass::Drop);
}

#[test]
fn the_clock_frees_what_is_over() {
    let mut router = Router::new();
    for port in 0..1000 {
        router.forward(&udp((CLIENT, port), (SERVER, 53), b""));
    }
    assert_eq!(router.conntrack.len(), 1000);
    router.conntrack.advance(Duration::from_secs(router.seconds + 31));
    assert!(router.conntrack.is_empty());
}

proptest! {
    #[test]
    fn any_packets_are_tracked_without_panic(
        packets in prop::collection::vec((0u8..8, prop::collection::vec(any::<u8>(), 0..80), any::<u16>()), 1..40),
    ) {
        let mut conntrack = Conntrack::new(Settings { checksum: 0, ..Settings::default() });
        let numbers = [1, 6, 17, 47, 58, 132, 136, 33];
        for (kind, payload, time) in packets {
            let packet = ipv4(numbers[usize::from(kind)], [10, 0, 0, 1], [10, 0, 0, 1], &payload);
            conntrack.advance(Duration::from_secs(u64::from(time)));
            let entry = Entry { helper: Some(Helper::Ftp), ..Entry::default() };
            let (tracking, _) = conntrack.incoming(Data::new(&packet), &entry, &mut || 0);
            conntrack.help(&mut packet.clone(), &tracking, &mut || 0).unwrap();
            conntrack.confirm(&tracking);
            conntrack.release(&tracking);
        }
    }
}
