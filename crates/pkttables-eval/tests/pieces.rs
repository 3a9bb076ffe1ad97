//! A packet in several pieces is judged as the same packet in one.

mod common;

use pkttables::packet::{Data, InterfaceName, Meta};
use pkttables_eval::Origin;
use proptest::prelude::Rng as _;
use proptest::test_runner::{RngAlgorithm, TestRng};

/// Where the packet is cut: anywhere, also several times at one place.
fn cuts(random: &mut TestRng, len: usize) -> Vec<usize> {
    let mut cuts: Vec<usize> =
        (0..1 + random.next_u32() % 6).map(|_| random.next_u32() as usize % (len + 1)).collect();
    cuts.sort_unstable();
    cuts
}

fn pieces<'a>(bytes: &'a [u8], cuts: &[usize]) -> Vec<&'a [u8]> {
    let starts = [0].into_iter().chain(cuts.iter().copied());
    let ends = cuts.iter().copied().chain([bytes.len()]);
    starts.zip(ends).map(|(start, end)| &bytes[start..end]).collect()
}

#[test]
fn wherever_a_packet_is_cut_it_is_judged_alike() {
    let mut random = TestRng::deterministic_rng(RngAlgorithm::XorShift);
    let (mut whole, mut cut) = (common::evaluators(), common::evaluators());
    let mut passed = 0;
    for number in 0..4_000_u64 {
        let at = (number % 2) as usize;
        let bytes = common::packet(&mut random, whole[at].0);
        let cuts = cuts(&mut random, bytes.len());
        let time = 1_700_000_000_000_000_000 + number * 1_000_000;
        let meta = Meta { input: InterfaceName::new(b"eth0"), time, ..Meta::default() };
        let one = whole[at].1.process(Data::new(&bytes), &meta, Origin::Received, &mut ()).unwrap();
        let pieces = pieces(&bytes, &cuts);
        let other = cut[at].1.process(Data::from_pieces(&pieces), &meta, Origin::Received, &mut ()).unwrap();
        assert_eq!(format!("{one:?}"), format!("{other:?}"), "{bytes:x?} cut at {cuts:?}");
        passed += u32::from(one.out.is_some());
    }
    assert!(passed > 100, "{passed} passed");
}
