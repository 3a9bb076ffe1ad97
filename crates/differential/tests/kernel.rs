//! A fixed number of trials against the real kernel from a known seed, or from `PKTTABLES_SEED`.
//!
//! `.ci/run` runs some from a fresh seed besides. `cargo run -p differential -- --seed SEED --family 4 --backend nft` runs on
//! from the seed that a failure names, and makes it small.

use differential::{Outcome, program, random, repeats};
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
            Outcome::Failed(failure) if !repeats(&failure) => {}
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
