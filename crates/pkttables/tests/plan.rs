//! Plans carried out on the embedded kernel, and on the real one.

use nfnetlink::Transport;
use pkttables::cache::Cache;
use pkttables::kernel::{ChainKind, Kernel, KernelError};
use pkttables::model::{Chain, Family, Policy, Rule, Ruleset, Table, TableName};
use pkttables::nft::RuleBody;
use pkttables::plan::{Plan, PlanError, PlanText, Scope, Step, apply, apply_undoable};
use pkttables::registry::Registry;
use pkttables::text::{Parser, ReadOptions, Reader, read_ruleset};
use pkttables_embedded::EmbeddedKernel;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use std::collections::BTreeMap;
use testkit::in_namespace;

const V4: Family = Family::Ipv4;
const FILTER: TableName = TableName::Filter;

/// Policy, and the rules with their handles.
type Held = BTreeMap<Box<str>, (Option<Policy>, Vec<(u64, Option<Rule>)>)>;

fn parse(text: &str) -> Ruleset {
    let parser = Parser::new(V4, Registry::builtin());
    let options = ReadOptions { counters: true, table: None };
    read_ruleset(&mut Reader::new(text.as_bytes(), parser, options)).expect("a save file")
}

fn held<T: Transport>(kernel: &mut Kernel<T>) -> Held {
    kernel
        .read(|snapshot| {
            let mut held = Held::new();
            for chain in snapshot.chains(V4, FILTER)?.iter() {
                let policy = match chain.kind {
                    ChainKind::Builtin { policy, .. } => Some(policy),
                    _ => None,
                };
                let rules = snapshot.rules(V4, FILTER, &chain.name)?;
                let rules = rules.into_iter().map(|entry| match entry.body {
                    RuleBody::Known(rule) => (entry.handle, Some(rule)),
                    RuleBody::Foreign(_) => (entry.handle, None),
                });
                held.insert(chain.name.clone(), (policy, rules.collect()));
            }
            Ok::<_, KernelError>(held)
        })
        .expect("what the kernel holds")
}

fn bring<T: Transport>(
    kernel: &mut Kernel<T>,
    cache: &mut Cache,
    wanted: &Ruleset,
    scope: &Scope,
) -> Result<Vec<Plan>, PlanError> {
    apply(kernel, cache, wanted, scope, |_| Ok(()))
}

fn is_as_wanted(held: &Held, wanted: &Table) -> bool {
    held.len() == wanted.chains.len()
        && wanted.chains.iter().all(|chain| {
            held.get(&chain.name).is_some_and(|(policy, rules)| {
                *policy == chain.policy && rules.len() == chain.rules.len() && same_rules(rules, chain)
            })
        })
}

fn same_rules(rules: &[(u64, Option<Rule>)], chain: &Chain) -> bool {
    rules
        .iter()
        .zip(&chain.rules)
        .all(|((_, held), wanted)| held.as_ref().is_some_and(|held| held.does_the_same(wanted)))
}

/// How many rules of a chain can stay.
fn most_kept(old: &[(u64, Option<Rule>)], new: &[Rule]) -> usize {
    let mut row = vec![0; new.len() + 1];
    for (_, old) in old {
        let mut diagonal = 0;
        for (place, new) in new.iter().enumerate() {
            let above = row[place + 1];
            let same = old.as_ref().is_some_and(|old| old.does_the_same(new));
            row[place + 1] = if same { diagonal + 1 } else { above.max(row[place]) };
            diagonal = above;
        }
    }
    row[new.len()]
}

/// A table with some of the built-in chains and of the chains a to f; chains call those further on in the alphabet.
fn save_file() -> impl Strategy<Value = String> {
    let rule = (0..6u8, 0..9u8);
    let chain = (any::<bool>(), any::<bool>(), prop::collection::vec(rule, 0..12));
    prop::collection::vec(chain, 9).prop_map(|chains| {
        let names = ["INPUT", "FORWARD", "OUTPUT", "a", "b", "c", "d", "e", "f"];
        let there: Vec<usize> = (0..9).filter(|&number| chains[number].0).collect();
        let mut text = String::from("*filter\n");
        for &number in &there {
            let policy = if number > 2 {
                "-"
            } else if chains[number].1 {
                "DROP"
            } else {
                "ACCEPT"
            };
            text += &format!(":{} {policy} [0:0]\n", names[number]);
        }
        for &number in &there {
            for (source, target) in &chains[number].2 {
                let callees: Vec<usize> =
                    there.iter().copied().filter(|&other| other > number.max(2)).collect();
                let target = match callees.get(usize::from(*target)) {
                    Some(&callee) => names[callee],
                    None if target % 2 == 0 => "ACCEPT",
                    None => "DROP",
                };
                text += &format!("-A {} -s 10.0.0.{source} -j {target}\n", names[number]);
            }
        }
        text + "COMMIT\n"
    })
}

fn check_way(kernel: &mut Kernel<impl Transport>, files: &[String]) {
    let mut cache = Cache::new();
    for file in files {
        let wanted = parse(file);
        let before = held(kernel);
        let plans = bring(kernel, &mut cache, &wanted, &Scope::Table).expect("a plan that the kernel takes");
        let after = held(kernel);
        assert!(is_as_wanted(&after, &wanted.tables[0]), "{file}\n{after:?}\n{plans:?}");

        let renamed = plans[0].steps.iter().filter_map(|step| match step {
            Step::RenameChain { old, new, .. } => Some((new.clone(), old.clone())),
            _ => None,
        });
        let renamed: BTreeMap<Box<str>, Box<str>> = renamed.collect();
        for chain in &wanted.tables[0].chains {
            let old = before.get(renamed.get(&chain.name).unwrap_or(&chain.name));
            let old: &[_] = old.map_or(&[], |(_, rules)| rules);
            // A rule that comes into another one's place may have its handle.
            let stays = |(handle, rule): &&(u64, Option<Rule>)| {
                old.iter().any(|(own, was)| {
                    own == handle
                        && was.as_ref().zip(rule.as_ref()).is_some_and(|(was, is)| was.does_the_same(is))
                })
            };
            let kept = after[&chain.name].1.iter().filter(stays);
            if renamed.is_empty() {
                assert_eq!(kept.count(), most_kept(old, &chain.rules), "{chain:?}\n{plans:?}");
                let about_rules = plans[0].steps.iter().filter(|step| {
                    step.chain() == &*chain.name
                        && matches!(step, Step::Insert { .. } | Step::Replace { .. } | Step::Delete { .. })
                });
                let needed = old.len() + chain.rules.len() - 2 * most_kept(old, &chain.rules);
                assert!(about_rules.count() <= needed, "{plans:?}");
            }
        }
        let generation = kernel.generation().unwrap();
        for cache in [&mut cache, &mut Cache::new()] {
            let again = bring(kernel, cache, &wanted, &Scope::Table).expect("an empty plan");
            assert!(again.iter().all(Plan::is_empty), "{again:?}");
        }
        assert_eq!(kernel.generation().unwrap(), generation, "nothing is sent the second time");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn plans_make_what_is_wanted_and_keep_what_stays(files in prop::collection::vec(save_file(), 1..5)) {
        check_way(&mut Kernel::new(EmbeddedKernel::new().connect()), &files);
    }
}

fn check_back(kernel: &mut Kernel<impl Transport>, files: &[String]) {
    let approve = |_: &[Plan]| Ok::<_, PlanError>(());
    for file in files {
        let before = kernel.read(|snapshot| snapshot.tables(V4)).expect("the tables");
        let (held_before, mut cache) = (held(kernel), Cache::new());
        let wanted = parse(file);
        let (plans, undo) =
            apply_undoable(kernel, &mut cache, &wanted, &Scope::Table, approve).expect("a plan");
        assert_eq!(undo.is_empty(), plans.iter().all(Plan::is_empty));
        let undone = undo.run(kernel).expect("a way back");
        assert!(undone.kept.is_empty(), "{undone:?}");
        let without_handles = |held: Held| -> Vec<_> {
            let rules = |rules: Vec<(u64, Option<Rule>)>| rules.into_iter().map(|(_, rule)| rule).collect();
            let chains = held.into_iter();
            chains.map(|(name, (policy, own))| (name, policy, rules(own))).collect::<Vec<(_, _, Vec<_>)>>()
        };
        assert_eq!(without_handles(held(kernel)), without_handles(held_before), "{plans:?}\n{undone:?}");
        assert_eq!(kernel.read(|snapshot| snapshot.tables(V4)).expect("the tables"), before);
        bring(kernel, &mut cache, &wanted, &Scope::Table).expect("a plan");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn changes_are_taken_back(files in prop::collection::vec(save_file(), 1..4)) {
        check_back(&mut Kernel::new(EmbeddedKernel::new().connect()), &files);
    }
}

#[test]
fn the_running_kernel_takes_plans() {
    let _ = in_namespace(|| {
        let mut runner = proptest::test_runner::TestRunner::deterministic();
        for _ in 0..20 {
            let files = prop::collection::vec(save_file(), 3).new_tree(&mut runner).unwrap().current();
            check_way(&mut Kernel::open().expect("a socket"), &files);
            check_back(&mut Kernel::open().expect("a socket"), &files);
        }
    });
}

#[test]
fn what_other_programs_made_stays() {
    let Some(mut nft) = testkit::program("nft") else { return };
    let _ = in_namespace(|| {
        let made = "table ip filter {\n chain theirs { type filter hook input priority 5; }\n \
            chain a { ip saddr 10.0.0.1 counter accept\n ip saddr { 10.0.0.7, 10.0.0.8 } drop\n \
            ip saddr 10.0.0.2 counter accept\n }\n chain b { ip daddr 10.0.0.1 counter accept\n \
            ip daddr { 10.0.0.7, 10.0.0.8 } drop\n }\n}\n";
        let _ = testkit::run(nft.args(["-f", "-"]), made);
        let mut kernel = Kernel::open().expect("a socket");
        let before = held(&mut kernel);
        assert!(before["a"].1[1].1.is_none(), "{before:?}");
        let wanted = "*filter\n:a - [0:0]\n-A a -s 10.0.0.3 -j ACCEPT\n-A a -s 10.0.0.2 -j ACCEPT\nCOMMIT\n";
        let wanted = parse(wanted);
        bring(&mut kernel, &mut Cache::new(), &wanted, &Scope::Table).expect("a plan that the kernel takes");
        let after = held(&mut kernel);
        assert_eq!(after["a"].1[1..], before["a"].1[1..]);
        let replaced = after["a"].1[0].1.as_ref().expect("a rule");
        assert!(replaced.does_the_same(&wanted.tables[0].chains[0].rules[0]));
        assert_eq!(after["b"].1, before["b"].1[1..]);
        assert!(after.contains_key("theirs"));
    });
}

#[test]
fn chains_are_renamed_with_their_rules() {
    let mut kernel = Kernel::new(EmbeddedKernel::new().connect());
    let mut cache = Cache::new();
    let old = "*filter\n:INPUT ACCEPT [0:0]\n:old - [0:0]\n-A INPUT -j old\n-A old -s 10.0.0.1\nCOMMIT\n";
    bring(&mut kernel, &mut cache, &parse(old), &Scope::Table).unwrap();
    let before = held(&mut kernel);
    let new = old.replace("old", "new").replace("-A INPUT", "-A INPUT -s 10.0.0.2 -g new\n-A INPUT");
    let plans = bring(&mut kernel, &mut cache, &parse(&new), &Scope::Table).unwrap();
    let text = PlanText { plan: &plans[0], coloured: false }.to_string();
    assert_eq!(text, "*filter\n@@ INPUT @@\n+-A INPUT -s 10.0.0.2/32 -g new\n@@ old @@\n-:old -\n+:new -\n");
    let after = held(&mut kernel);
    assert!(is_as_wanted(&after, &parse(&new).tables[0]));
    assert_eq!(after["new"], before["old"]);
    assert_eq!(after["INPUT"].1[1].0, before["INPUT"].1[0].0);
}

#[test]
fn a_chain_of_the_users_does_not_become_a_built_in_one() {
    let old = "*filter\n:e - [0:0]\n-A e -s 10.0.0.1 -j ACCEPT\nCOMMIT\n";
    let files = [old.to_owned(), old.replace(":e -", ":INPUT DROP").replace("-A e", "-A INPUT")];
    check_way(&mut Kernel::new(EmbeddedKernel::new().connect()), &files);
}

#[test]
fn chains_out_of_scope_are_not_touched() {
    let mut kernel = Kernel::new(EmbeddedKernel::new().connect());
    let mut cache = Cache::new();
    let first = "*filter\n:FORWARD DROP [0:0]\n:my-1 - [0:0]\n:my-2 - [0:0]\n:other - [0:0]\n\
        -A FORWARD -j other\n-A my-1 -j other\n-A my-1 -j my-2\n-A other -p tcp\nCOMMIT\n";
    bring(&mut kernel, &mut cache, &parse(first), &Scope::Table).unwrap();
    let before = held(&mut kernel);

    let mine = "*filter\n:other - [0:0]\n:my-1 - [0:0]\n:my-3 - [0:0]\n\
        -A my-1 -j other\n-A my-1 -j my-3\n-A other -p udp\nCOMMIT\n";
    let scope = Scope::Prefix("my-".into());
    bring(&mut kernel, &mut cache, &parse(mine), &scope).unwrap();
    let after = held(&mut kernel);
    assert_eq!(after.keys().map(|name| &**name).collect::<Vec<_>>(), ["FORWARD", "my-1", "my-3", "other"]);
    assert_eq!((&after["FORWARD"], &after["other"]), (&before["FORWARD"], &before["other"]));
    assert_eq!(after["my-1"].1[0], before["my-1"].1[0]);

    let scope = Scope::Chains(["my-1".into()].into());
    let error = bring(&mut kernel, &mut cache, &parse(&mine.replace("my-3", "my-4")), &scope).unwrap_err();
    assert_eq!(error.to_string(), "a rule of chain my-1 calls my-4, which does not exist");
    assert_eq!(held(&mut kernel), after);
}

#[test]
fn what_the_kernel_would_refuse_is_not_sent() {
    let mut ladder = String::from("*filter\n:INPUT ACCEPT [0:0]\n");
    (1..=16).for_each(|step| ladder += &format!(":c{step} - [0:0]\n"));
    ladder += "-A INPUT -j c1\n";
    (1..16).for_each(|step| ladder += &format!("-A c{step} -j c{}\n", step + 1));
    let too_deep = ladder + "COMMIT\n";
    let last_call = "-A c15 -j c16\n";
    let mut kernel = Kernel::new(EmbeddedKernel::new().connect());
    let mut apply_file = |text: &str| bring(&mut kernel, &mut Cache::new(), &parse(text), &Scope::Table);

    let error = apply_file(&too_deep).unwrap_err();
    let told = error.to_string();
    assert!(
        told.starts_with("17 chains call one another, and the kernel allows 16: INPUT -> c1 -> "),
        "{told}"
    );
    let error = apply_file(&too_deep.replace(last_call, "-A c15 -j c14\n")).unwrap_err();
    assert!(error.to_string().ends_with(": c14 -> c15 -> c14"), "{error}");
    apply_file(&too_deep.replace(last_call, "")).expect("as deep as is allowed");
}
