//! Random and mutated packets: none makes the evaluator panic or hang.
//!
//! `PKTTABLES_MALFORMED=10000000 cargo test --release -p pkttables-eval --test malformed` runs as many as wanted.

mod common;

use pkttables::packet::{Data, InterfaceName, Meta};
use pkttables_eval::Origin;
use proptest::prelude::Rng as _;
use proptest::test_runner::{RngAlgorithm, TestRng};

#[test]
fn no_packet_makes_the_evaluator_panic_or_hang() {
    let count: u64 = std::env::var("PKTTABLES_MALFORMED").map_or(20_000, |count| count.parse().unwrap());
    let mut random = TestRng::deterministic_rng(RngAlgorithm::XorShift);
    let mut evaluators = common::evaluators();
    let mut judged = 0_u64;
    for number in 0..count {
        let (family, evaluator) = &mut evaluators[(number % 2) as usize];
        let mut bytes = common::packet(&mut random, *family);
        for _ in 0..random.next_u32() % 4 {
            let at = random.next_u32() as usize % bytes.len();
            // The version stays, as the other family's packets are refused.
            bytes[at] ^= if at == 0 { (random.next_u32() & 0xf) as u8 } else { random.next_u32() as u8 };
        }
        bytes.truncate(1 + random.next_u32() as usize % (bytes.len() * 4));
        let time = 1_700_000_000_000_000_000 + number * 1_000_000;
        let meta = Meta { input: InterfaceName::new(b"eth0"), time, ..Meta::default() };
        let fate = evaluator.process(Data::new(&bytes), &meta, Origin::Received, &mut ()).unwrap();
        judged += u64::from(fate.hook.is_some());
    }
    // Most of them get to the rules at all.
    assert!(judged > count / 8, "{judged} of {count}");
}
