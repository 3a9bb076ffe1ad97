//! A fixed number of trials against the real kernel from a known seed, or from `PKTTABLES_SEED`.
//!
//! Fresh seeds still find a difference in some hundred trials: `.ci/run` runs them apart, and tells what they find.
//! `cargo run -p differential -- --seed SEED --family 4 --backend nft` runs on from the seed that a failure names, and makes
//! it small.

use differential::{Outcome, program, random};
use pkttables::model::Family;
use pkttables::registry::Backend;

const KNOWN: u64 = 1;
const TRIALS: u64 = 8;
const PACKETS: usize = 120;

fn agree(family: Family, backend: Backend) {
    let Some(_) = testkit::program(&program(family, backend, "restore")) else { return };
    let first = std::env::var("PKTTABLES_SEED").map_or(KNOWN, |seed| seed.parse().expect("a number"));
    println!("{family:?} {backend:?}: from seed {first}");
    for seed in first..first + TRIALS {
        let Some(outcome) = testkit::in_namespace(|| random(seed, family, backend, PACKETS)) else { return };
        match outcome.unwrap_or_else(|error| panic!("seed {seed}: {error}")) {
            Outcome::Agreed(_) => {}
            Outcome::Failed(failure) => panic!("seed {seed}, {family:?} {backend:?}:\n{failure}"),
        }
    }
}

#[test]
fn nf_tables_and_the_evaluator_agree_on_ipv4() {
    agree(Family::Ipv4, Backend::Nft);
}

#[test]
fn nf_tables_and_the_evaluator_agree_on_ipv6() {
    agree(Family::Ipv6, Backend::Nft);
}

#[test]
fn ip_tables_and_the_evaluator_agree() {
    agree(Family::Ipv4, Backend::Legacy);
}

#[test]
fn ip6_tables_and_the_evaluator_agree() {
    agree(Family::Ipv6, Backend::Legacy);
}
