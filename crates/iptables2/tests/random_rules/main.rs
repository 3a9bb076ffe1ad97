//! The same random rules through iptables2 and iptables-nft: both have to take the same ones, for the same exit code,
//! and to save and list them alike, their own and each other's.
//!
//! Rules come from the registry's descriptions and are then spoilt in all kinds of ways. `PKTTABLES_RANDOM_RULES` says how
//! many, `PKTTABLES_SEED` which, `PKTTABLES_REFERENCE` names another `xtables-nft-multi` than the installed one,
//! and `PKTTABLES_EXTENSION` tries a single extension. Without a seed they are the same every time; CI takes a fresh one besides.
//! Among some hundred thousand rules there may still be one with a difference that says little, such as a typing error
//! that iptables overlooks: it then gets its place among the exceptions.

#[path = "../../../pkttables/tests/common/mod.rs"]
mod common;
mod compare;
mod exceptions;
mod generate;
mod spoil;

use compare::Programs;
use std::collections::BTreeMap;

#[test]
fn random_rules_are_taken_and_shown_alike() {
    let Some(programs) = Programs::find() else { return };
    let seed = number("PKTTABLES_SEED").unwrap_or(1);
    let count = number("PKTTABLES_RANDOM_RULES").unwrap_or(300);
    println!("PKTTABLES_SEED={seed} PKTTABLES_RANDOM_RULES={count}");
    let version = programs.version();
    let mut pick = common::draws(seed);
    let (mut done, mut taken) = (0, 0);
    let mut excused: BTreeMap<&str, u64> = BTreeMap::new();
    let mut different = Vec::new();
    while done < count {
        let rules: Vec<_> = (0..100.min(count - done)).map(|_| generate::rule(&mut pick)).collect();
        let Some(outcomes) = programs.compare(&rules) else { return };
        for (rule, outcome) in rules.iter().zip(outcomes) {
            taken += u64::from(outcome.is_taken());
            if outcome.is_alike() {
                continue;
            }
            match exceptions::find(version, rule, &outcome) {
                Some(name) => *excused.entry(name).or_default() += 1,
                None => different.push(format!("{rule}\n{outcome}")),
            }
        }
        done += rules.len() as u64;
    }
    println!("{taken} of {count} rules are taken; differences that are known: {excused:?}");
    let found = different.len();
    assert!(different.is_empty(), "PKTTABLES_SEED={seed}: {found} differ\n{}", different.join("\n"));
    assert!(taken * 4 > count, "only {taken} of {count} rules are taken");
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|value| value.parse().ok())
}
