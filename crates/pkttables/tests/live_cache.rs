//! A cache that follows events, beside one that has just been read.

use nfnetlink::{Direction, Error, Events, Group, Messages, Tap, Transport};
use pkttables::cache::{Cache, LiveCache};
use pkttables::kernel::{Kernel, KernelError, RuleRef};
use pkttables::model::{Family, Ruleset, TableName};
use pkttables::nft::RuleBody;
use pkttables::plan::{Plan, PlanError, Scope, apply};
use pkttables::registry::Registry;
use pkttables::text::{Parser, ReadOptions, Reader, read_ruleset};
use pkttables_embedded::EmbeddedKernel;
use pkttnetlink::nft::kind;
use proptest::prelude::*;
use std::cell::Cell;
use std::process::Command;
use testkit::{in_namespace, program, run};

const V4: Family = Family::Ipv4;
const FILTER: TableName = TableName::Filter;

/// Chains with their handles, policies and rules, and how often each is called.
type Seen = Vec<(Box<str>, u64, String, usize, Vec<(RuleRef, String)>)>;

fn seen<T: Transport>(kernel: &mut Kernel<T>, cache: &mut Cache) -> Seen {
    let read = kernel.read(|snapshot| {
        let table = cache.table(snapshot, V4, FILTER)?;
        let chains = table.all().iter().map(|chain| {
            let rules = chain.rules().expect("known rules").iter().map(|rule| {
                let body = match rule.body() {
                    // What they have counted is told at different times.
                    RuleBody::Known(rule) => {
                        format!("{:?}", pkttables::model::Rule { counters: None, ..rule.clone() })
                    }
                    RuleBody::Foreign(_) => "foreign".into(),
                };
                (rule.at, body)
            });
            let entry = &chain.entry;
            let kind = format!("{:?}", entry.kind).split("counters").next().map(str::to_owned);
            let calls = table.calls().references(&entry.name);
            (entry.name.clone(), entry.handle, kind.unwrap_or_default(), calls, rules.collect())
        });
        let mut chains: Seen = chains.collect();
        chains.sort_by(|one, other| one.0.cmp(&other.0));
        Ok::<_, KernelError>(chains)
    });
    read.expect("what the kernel holds")
}

fn check<T: Transport, E: Transport>(kernel: &mut Kernel<T>, live: &mut LiveCache<E>, after: &str) {
    live.follow(kernel).expect("events");
    assert_eq!(seen(kernel, live.cache_mut()), seen(kernel, &mut Cache::new()), "after {after}");
}

fn parse(text: &str) -> Ruleset {
    let parser = Parser::new(V4, Registry::builtin());
    read_ruleset(&mut Reader::new(text.as_bytes(), parser, ReadOptions::default())).expect("a save file")
}

fn wanted(chains: &[Vec<u8>]) -> String {
    let names = ["INPUT", "a", "b", "c"];
    let mut text = String::from("*filter\n");
    let there = || names.iter().zip(chains).filter(|(_, rules)| !rules.is_empty());
    there().for_each(|(name, _)| {
        text += &format!(":{name} {}\n", if *name == "INPUT" { "ACCEPT" } else { "-" })
    });
    for (name, rules) in there() {
        rules.iter().for_each(|rule| text += &format!("-A {name} -s 10.0.0.{rule} -j ACCEPT\n"));
    }
    text + "COMMIT\n"
}

fn bring<T: Transport>(kernel: &mut Kernel<T>, text: &str) -> Vec<Plan> {
    let approve = |_: &[Plan]| Ok::<_, PlanError>(());
    apply(kernel, &mut Cache::new(), &parse(text), &Scope::Table, approve).expect("a plan")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn events_lead_to_what_is_there(
        states in prop::collection::vec(prop::collection::vec(prop::collection::vec(0..9u8, 0..6), 4), 1..6)
    ) {
        let embedded = EmbeddedKernel::new();
        let mut events = embedded.connect();
        events.listen();
        let (mut kernel, mut live) = (Kernel::new(embedded.connect()), LiveCache::new(events));
        for state in states {
            let text = wanted(&state);
            bring(&mut kernel, &text);
            check(&mut kernel, &mut live, &text);
        }
    }
}

#[test]
fn a_rule_of_somebody_else_is_not_read() {
    let embedded = EmbeddedKernel::new();
    let mut events = embedded.connect();
    events.listen();
    let (dumps, mut live) = (Cell::new(0), LiveCache::new(events));
    let mut kernel = Kernel::new(Tap::new(embedded.connect(), |direction, datagram: &[u8]| {
        let asked = Messages::new(datagram).flatten().filter(|message| message.header.kind == kind::GET_RULE);
        dumps.set(dumps.get() + if direction == Direction::Sent { asked.count() } else { 0 });
    }));
    let mut other = Kernel::new(embedded.connect());
    bring(&mut other, &wanted(&[vec![1, 2, 3], vec![1], vec![2]]));
    live.follow(&mut kernel).expect("events");
    assert_eq!(seen(&mut kernel, live.cache_mut()).len(), 3);
    assert_eq!(dumps.take(), 3, "each chain once");
    for state in [[vec![1, 2, 3, 4], vec![1], vec![2]], [vec![1, 9, 2, 3, 4], vec![0, 1], vec![2]]] {
        bring(&mut other, &wanted(&state));
        live.follow(&mut kernel).expect("events");
        let own = seen(&mut kernel, live.cache_mut());
        assert_eq!(dumps.take(), 0, "events say it all");
        assert_eq!(own, seen(&mut other, &mut Cache::new()));
    }
}

/// Commands of iptables-nft and nft that change rules and chains in every way.
const COMMANDS: [&str; 24] = [
    "iptables-nft -A INPUT -s 10.0.0.1 -j ACCEPT",
    "iptables-nft -N a",
    "iptables-nft -A INPUT -j a",
    "iptables-nft -I INPUT -s 10.0.0.2",
    "iptables-nft -I INPUT 2 -s 10.0.0.3",
    "iptables-nft -A a -s 10.0.0.4 -j DROP",
    "nft add rule ip filter a ip saddr 10.0.0.5 counter accept",
    "nft insert rule ip filter a ip length 5 drop",
    "nft add rule ip filter INPUT index 0 ip saddr 10.0.0.6 counter accept",
    "nft insert rule ip filter INPUT index 3 ip saddr 10.0.0.7 counter accept",
    "iptables-nft -R INPUT 1 -s 10.0.0.8",
    "iptables-nft -R INPUT 3 -s 10.0.0.9",
    "iptables-nft -R INPUT 6 -s 10.0.0.10",
    "iptables-nft -D INPUT 2",
    "iptables-nft -P INPUT DROP",
    "iptables-nft -E a b",
    "iptables-nft -A b -s 10.0.0.11",
    "iptables-nft -N a",
    "iptables-nft -E a c",
    "iptables-nft -F b",
    "nft flush chain ip filter INPUT",
    "iptables-nft -X b",
    "nft add chain ip filter theirs { type filter hook input priority 5 ; }",
    "nft delete table ip filter",
];

#[test]
fn what_others_do_is_followed() {
    let (Some(_), Some(_)) = (program("iptables-nft"), program("nft")) else { return };
    let _ = in_namespace(|| {
        let mut kernel = Kernel::open().expect("a socket");
        let mut live = LiveCache::open().expect("events");
        for round in 0..2 {
            for command in COMMANDS {
                let mut words = command.split(' ');
                let name = words.next().unwrap_or_default();
                let _ = run(program(name).expect("a program").args(words), "");
                check(&mut kernel, &mut live, &format!("{command}, round {round}"));
            }
        }
    });
}

#[test]
fn many_changes_at_once_are_followed() {
    let _ = in_namespace(|| {
        let mut runner = proptest::test_runner::TestRunner::deterministic();
        let state = prop::collection::vec(prop::collection::vec(0..9u8, 0..6), 4);
        let mut kernel = Kernel::open().expect("a socket");
        let mut live = LiveCache::open().expect("events");
        for _ in 0..60 {
            use proptest::strategy::ValueTree as _;
            let text = wanted(&state.new_tree(&mut runner).expect("a state").current());
            bring(&mut kernel, &text);
            check(&mut kernel, &mut live, &text);
        }
    });
}

#[test]
fn lost_events_are_made_up_for() {
    let Some(restore) = program("iptables-nft-restore") else { return };
    let _ = in_namespace(|| {
        let mut kernel = Kernel::open().expect("a socket");
        let mut live = LiveCache::open().expect("events");
        let mut same = Events::subscribe(&[Group::NFTABLES]).expect("events");
        bring(&mut kernel, &wanted(&[vec![1], vec![2]]));
        check(&mut kernel, &mut live, "the first rules");
        let many = testkit::ruleset(20_000, 100);
        let _ = run(&mut Command::new(restore.get_program()), &many);
        let mut lost = false;
        while let Some(more) = same.try_receive().map(|messages| messages.map(drop)).transpose() {
            lost |= more == Err(Error::EventsLost);
        }
        assert!(lost, "so many events fit into no buffer");
        check(&mut kernel, &mut live, "too many events");
        bring(&mut kernel, &wanted(&[vec![3, 1], vec![2]]));
        check(&mut kernel, &mut live, "what comes after");
    });
}
