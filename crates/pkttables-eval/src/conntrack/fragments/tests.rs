use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::conntrack::tests::{ipv4, udp};

const FROM: ([u8; 4], u16) = ([10, 1, 0, 2], 1000);
const TO: ([u8; 4], u16) = ([10, 2, 0, 2], 53);

/// A fragment of an IPv4 packet without options.
fn part(packet: &[u8], from: usize, to: usize, flags: u16) -> Vec<u8> {
    let mut part = packet[..20].to_vec();
    part.extend(&packet[20 + from..20 + to]);
    part[2..4].copy_from_slice(&(20 + (to - from) as u16).to_be_bytes());
    let more = if 20 + to < packet.len() { 0x2000 } else { 0 };
    part[6..8].copy_from_slice(&((from / 8) as u16 | more | flags).to_be_bytes());
    part[10..12].fill(0);
    let sum = !Data::new(&part).sum(0, 20, 0) as u16;
    part[10..12].copy_from_slice(&sum.to_be_bytes());
    part
}

fn push(reassembly: &mut Reassembly, packet: &[u8], second: u64) -> Reassembled {
    reassembly.push(Data::new(packet), Place::Incoming, &Settings::default(), Duration::from_secs(second))
}

fn complete(reassembled: Reassembled) -> (Vec<u8>, Cuts) {
    match reassembled {
        Reassembled::Complete { packet, cuts } => (packet, cuts),
        other => panic!("{other:?}"),
    }
}

#[test]
fn fragments_in_any_order_make_the_packet() {
    let whole = udp(FROM, TO, &[7; 100]);
    for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
        let parts = [part(&whole, 0, 40, 0), part(&whole, 40, 80, 0), part(&whole, 80, 108, 0)];
        let mut reassembly = Reassembly::default();
        assert_eq!(push(&mut reassembly, &parts[order[0]], 0), Reassembled::Held);
        assert_eq!(push(&mut reassembly, &parts[order[1]], 0), Reassembled::Held);
        let (packet, cuts) = complete(push(&mut reassembly, &parts[order[2]], 0));
        assert_eq!(packet, whole);
        assert_eq!(cuts.apply(&packet, 1500, 0).unwrap(), parts);
        assert!(reassembly.is_empty());
    }
}

#[test]
fn what_overlaps_spoils_the_packet_and_what_comes_twice_does_not() {
    let whole = udp(FROM, TO, &[7; 100]);
    let mut reassembly = Reassembly::default();
    push(&mut reassembly, &part(&whole, 0, 40, 0), 0);
    push(&mut reassembly, &part(&whole, 0, 40, 0), 0);
    push(&mut reassembly, &part(&whole, 8, 32, 0), 0);
    complete(push(&mut reassembly, &part(&whole, 40, 108, 0), 0));
    push(&mut reassembly, &part(&whole, 0, 40, 0), 0);
    assert_eq!(push(&mut reassembly, &part(&whole, 32, 108, 0), 0), Reassembled::Held);
    assert!(reassembly.is_empty());
}

#[test]
fn fragments_are_waited_for_thirty_seconds() {
    let whole = udp(FROM, TO, &[7; 100]);
    let mut reassembly = Reassembly::default();
    push(&mut reassembly, &part(&whole, 0, 40, 0), 0);
    push(&mut reassembly, &udp(FROM, TO, b""), 30);
    assert!(reassembly.is_empty());
    push(&mut reassembly, &part(&whole, 0, 40, 0), 40);
    complete(push(&mut reassembly, &part(&whole, 40, 108, 0), 69));
}

#[test]
fn the_largest_fragment_decides_on_the_flag_and_bounds_what_leaves() {
    let whole = udp(FROM, TO, &[7; 100]);
    let mut reassembly = Reassembly::default();
    push(&mut reassembly, &part(&whole, 0, 64, 0x4000), 0);
    let (packet, cuts) = complete(push(&mut reassembly, &part(&whole, 64, 108, 0), 0));
    assert_eq!(packet[6..8], [0x40, 0]);
    assert_eq!((cuts.largest(), cuts.apply(&packet, 60, 0)), (84, None));
    push(&mut reassembly, &part(&whole, 0, 64, 0), 0);
    let (packet, cuts) = complete(push(&mut reassembly, &part(&whole, 64, 108, 0x4000), 0));
    assert_eq!(packet[6..8], [0, 0]);
    let lengths: Vec<usize> = cuts.apply(&packet, 60, 0).unwrap().iter().map(Vec::len).collect();
    assert_eq!(lengths, [60, 60, 48]);
}

#[test]
fn congestion_marks_go_over_to_the_whole() {
    let mut whole = udp(FROM, TO, &[7; 100]);
    let mut with = |mark: u8, other: u8| {
        whole[1] = mark;
        let first = part(&whole, 0, 40, 0);
        whole[1] = other;
        let mut reassembly = Reassembly::default();
        push(&mut reassembly, &first, 0);
        push(&mut reassembly, &part(&whole, 40, 108, 0), 0)
    };
    assert_eq!(complete(with(2, 3)).0[1], 3);
    assert_eq!(complete(with(2, 1)).0[1], 2);
    assert_eq!(with(0, 3), Reassembled::Held);
}

#[test]
fn ipv6_fragments_lose_their_header_and_get_it_again() {
    let fragment = |offset: u16, more: u16, body: &[u8]| {
        let mut packet = vec![0x60, 0, 0, 0, 0, 8 + body.len() as u8, 44, 64];
        packet.extend([0xfd; 32]);
        packet.extend([17, 0]);
        packet.extend((offset | more).to_be_bytes());
        packet.extend([0, 0, 0, 9]);
        packet.extend(body);
        packet
    };
    let mut reassembly = Reassembly::default();
    let parts = [fragment(0, 1, &[1; 16]), fragment(16, 0, &[2; 5])];
    assert_eq!(push(&mut reassembly, &parts[0], 0), Reassembled::Held);
    let (packet, cuts) = complete(push(&mut reassembly, &parts[1], 0));
    assert_eq!((packet.len(), packet[6], packet[5]), (61, 17, 21));
    assert_eq!(cuts.apply(&packet, 1500, 0).unwrap(), parts);
    let (packet, _) = complete(push(&mut reassembly, &fragment(0, 0, &[1; 16]), 0));
    assert_eq!((packet.len(), packet[6]), (56, 17));
}

#[test]
fn ipv6_fragments_that_cannot_be_right_are_left_alone_or_dropped() {
    let fragment = |offset: u16, more: u16, body: &[u8]| {
        let mut packet = vec![0x60, 0, 0, 0, 0, 8 + body.len() as u8, 44, 64];
        packet.extend([0xfd; 32]);
        packet.extend([6, 0]);
        packet.extend((offset | more).to_be_bytes());
        packet.extend([0, 0, 0, 9]);
        packet.extend(body);
        packet
    };
    let mut reassembly = Reassembly::default();
    // One that is not the last and ends unevenly takes what came before with it.
    assert_eq!(push(&mut reassembly, &fragment(24, 0, &[1; 16]), 0), Reassembled::Held);
    assert_eq!(push(&mut reassembly, &fragment(0, 1, &[2; 21]), 0), Reassembled::Whole);
    assert!(reassembly.is_empty());
    // A first one that does not hold the TCP header.
    assert_eq!(push(&mut reassembly, &fragment(0, 1, &[2; 16]), 0), Reassembled::Whole);
    // The fragment header itself is cut off.
    let mut cut = fragment(8, 0, &[]);
    cut.truncate(45);
    cut[5] = 5;
    assert_eq!(push(&mut reassembly, &cut, 0), Reassembled::Dropped);
}

#[test]
fn what_had_to_be_in_one_piece_moves_the_seams() {
    let whole = udp(FROM, TO, &[7; 100]);
    let mut reassembly = Reassembly::default();
    push(&mut reassembly, &part(&whole, 0, 8, 0), 0);
    push(&mut reassembly, &part(&whole, 8, 56, 0), 0);
    let (packet, cuts) = complete(push(&mut reassembly, &part(&whole, 56, 108, 0), 0));
    let lengths = |contiguous| -> Vec<usize> {
        cuts.apply(&packet, 1500, contiguous).unwrap().iter().map(|piece| piece.len() - 20).collect()
    };
    assert_eq!(lengths(28), [8, 48, 52]);
    assert_eq!(lengths(36), [16, 40, 52]);
    // A seam that is no multiple of eight cannot stay.
    assert_eq!(lengths(40), [48, 48, 12]);
}

#[test]
fn options_without_the_copy_bit_stay_in_the_first_fragment() {
    let mut options = [7, 4, 0, 0, 0x94, 4, 0, 0];
    split::blank_options(&mut options);
    assert_eq!(options, [1, 1, 1, 1, 0x94, 4, 0, 0]);
}

proptest! {
    #[test]
    fn a_packet_cut_and_shuffled_comes_together(
        payload in prop::collection::vec(any::<u8>(), 0..400),
        cuts in prop::collection::btree_set(1_usize..50, 0..6),
        order in prop::collection::vec(any::<u16>(), 7),
    ) {
        let whole = udp(FROM, TO, &payload);
        let len = whole.len() - 20;
        let mut ends: Vec<usize> = cuts.into_iter().map(|cut| cut * 8).filter(|cut| *cut < len).collect();
        prop_assume!(!ends.is_empty());
        ends.push(len);
        let mut start = 0;
        let parts: Vec<Vec<u8>> = ends.iter().map(|end| part(&whole, std::mem::replace(&mut start, *end), *end, 0)).collect();
        let mut shuffled: Vec<(u16, &Vec<u8>)> = order.into_iter().zip(&parts).collect();
        shuffled.sort();
        let mut reassembly = Reassembly::default();
        let last = shuffled.iter().map(|(_, part)| push(&mut reassembly, part, 0)).last().unwrap();
        let (packet, cuts) = complete(last);
        prop_assert_eq!(&packet, &whole);
        prop_assert_eq!(cuts.apply(&packet, 1500, 0).unwrap(), parts);
    }

    #[test]
    fn any_fragments_are_taken_without_panic(
        packets in prop::collection::vec((any::<u16>(), prop::collection::vec(any::<u8>(), 0..60), any::<bool>()), 1..40),
    ) {
        let mut reassembly = Reassembly::default();
        for (word, body, v6) in packets {
            let mut packet = ipv4(17, FROM.0, TO.0, &body);
            packet[6..8].copy_from_slice(&(word & 0x3003).to_be_bytes());
            if v6 {
                packet = vec![0x60, 0, 0, 0, 0, 8 + body.len() as u8, 44, 64];
                packet.extend([0xfd; 32]);
                packet.extend([17, 0]);
                packet.extend((word & 0x19).to_be_bytes());
                packet.extend([0, 0, 0, 9]);
                packet.extend(&body);
            }
            if let Reassembled::Complete { packet, cuts } = push(&mut reassembly, &packet, 0) {
                for mtu in [0, 28, 68, 1500] {
                    let _ = cuts.apply(&packet, mtu, 0);
                }
            }
        }
    }
}
