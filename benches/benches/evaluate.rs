//! Packets without a kernel: a linear pass over rules that do not match, and the table of connections.

mod cpu_time;

use cpu_time::CpuTime;
use criterion::{BatchSize, Criterion, Throughput};
use pkttables::model::{AddressMask, Family};
use pkttables::packet::{Data, InterfaceName, Meta};
use pkttables::registry::{Backend, Registry, Route, Scope, Value as _};
use pkttables::text::{Parser, ReadOptions, Reader, read_ruleset};
use pkttables_eval::conntrack::{Conntrack, Entry, Settings};
use pkttables_eval::{Evaluator, Host, Origin};
use std::fmt::Write as _;
use std::time::Duration;

const RULES: u64 = 10_000;

/// An evaluator whose FORWARD chain has `RULES` 5-tuple rules, none of which matches [`udp`]'s packets.
fn evaluator() -> Evaluator {
    let mut text = String::from("*filter\n:INPUT ACCEPT\n:FORWARD ACCEPT\n:OUTPUT ACCEPT\n");
    for number in 0..RULES {
        let (high, low) = (number >> 8, number & 0xff);
        let _ = writeln!(
            text,
            "-A FORWARD -s 10.7.{high}.{low} -d 10.2.0.9 -p udp -m udp --sport 1024 --dport 53 -j ACCEPT"
        );
    }
    text.push_str("COMMIT\n");
    let parser = Parser::new(Family::Ipv4, Registry::builtin());
    let ruleset =
        read_ruleset(&mut Reader::new(text.as_bytes(), parser, ReadOptions::default())).expect("rules");
    let mut host = Host::new();
    for (network, name) in [("10.1.0.0/16", "in0"), ("10.2.0.0/16", "out0")] {
        let prefix =
            AddressMask::parse(network, &Scope { family: Family::Ipv4, protocol: None }).expect("a network");
        let interface = InterfaceName::new(name.as_bytes()).expect("a name");
        host.add_route(prefix, Route { interface, gateway: None, mtu: 1500 });
    }
    Evaluator::new(ruleset, host, Backend::Nft).expect("an evaluator")
}

/// A datagram without checksum from a host and port that the number tells.
fn udp(number: u32) -> [u8; 28] {
    let [_, high, low, port] = number.to_be_bytes();
    let mut packet =
        [0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0, 10, 1, high, low, 10, 2, 0, 9, 4, port, 0, 53, 0, 8, 0, 0];
    let sum = !(Data::new(&packet).sum(0, 20, 0) as u16);
    packet[10..12].copy_from_slice(&sum.to_be_bytes());
    packet
}

fn linear_pass(criterion: &mut Criterion<CpuTime>) {
    let mut group = criterion.benchmark_group("evaluate");
    group.throughput(Throughput::Elements(RULES));
    let mut evaluator = evaluator();
    let packet = udp(1);
    let meta = Meta { input: InterfaceName::new(b"in0"), ..Meta::default() };
    group.bench_function(
        "a packet past 10,000 rules (at most 5 ns a rule: 200 million rules a second)",
        |b| {
            b.iter(|| {
                let fate =
                    evaluator.process(Data::new(&packet), &meta, Origin::Received, &mut ()).expect("a fate");
                assert!(fate.out.is_some());
            });
        },
    );
    group.finish();
}

/// Connections that have been begun at one time.
fn connections(count: u32) -> Conntrack {
    let mut conntrack = Conntrack::new(Settings { max: count + 1, ..Settings::default() });
    (0..count).for_each(|number| begin(&mut conntrack, number));
    conntrack
}

fn begin(conntrack: &mut Conntrack, number: u32) {
    let (tracking, _) = conntrack.incoming(Data::new(&udp(number)), &Entry::default(), &mut || 0);
    conntrack.confirm(&tracking);
}

/// Each step is given per connection; between the two sizes it is to differ by caches alone.
fn connection_table(criterion: &mut Criterion<CpuTime>) {
    let mut group = criterion.benchmark_group("connections");
    group.sample_size(10);
    for count in [10_000_u32, 1_000_000] {
        group.throughput(Throughput::Elements(count.into()));
        group.bench_function(format!("insert {count}"), |b| b.iter(|| connections(count)));
        let mut full = connections(count);
        group.bench_function(format!("look up {count}"), |b| {
            b.iter(|| (0..count).for_each(|number| begin(&mut full, number)));
        });
        group.bench_function(format!("expire {count}"), |b| {
            b.iter_batched(
                || connections(count),
                |mut conntrack| {
                    conntrack.advance(Duration::from_secs(100_000));
                    assert_eq!(conntrack.connections().count(), 0);
                    conntrack
                },
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

fn main() {
    let mut criterion = cpu_time::criterion();
    linear_pass(&mut criterion);
    connection_table(&mut criterion);
    criterion.final_summary();
}
