//! What a process that reads one rule pays for the registry: each sample is a process of its own.

mod cpu_time;

use cpu_time::CpuTime;
use criterion::Criterion;
use pkttables::model::Family;
use pkttables::registry::Registry;
use pkttables::text::{Parser, Words};
use std::process::Command;
use std::time::Duration;

const CHILD: &str = "PKTTABLES_BENCH_CHILD";
const RULE: &str = "-A INPUT -s 192.0.2.0/24 -p tcp -m conntrack --ctstate NEW -m tcp --dport 22 -j ACCEPT";

/// Nanoseconds from nothing to a parsed rule.
fn child() {
    let start = benches::cpu_time();
    let mut words = Words::new();
    words.read_line(RULE, 0).expect("words");
    let mut parser = Parser::new(Family::Ipv4, Registry::builtin());
    let parsed = parser.command_line(&words).expect("a command");
    let took = benches::cpu_time().saturating_sub(start);
    drop(parsed);
    println!("{}", took.as_nanos());
}

fn in_a_fresh_process() -> Duration {
    let program = std::env::current_exe().expect("this program");
    let output = Command::new(program).env(CHILD, "1").output().expect("a run");
    let told = String::from_utf8_lossy(&output.stdout);
    Duration::from_nanos(told.trim().parse().expect("a number of nanoseconds"))
}

fn startup(criterion: &mut Criterion<CpuTime>) {
    let mut group = criterion.benchmark_group("startup");
    group.sample_size(50);
    group.bench_function("registry and one rule in a fresh process (at most 100 µs)", |b| {
        b.iter_custom(|times| (0..times).map(|_| in_a_fresh_process()).sum());
    });
    group.finish();
}

fn main() {
    if std::env::var_os(CHILD).is_some() {
        return child();
    }
    let mut criterion = cpu_time::criterion();
    startup(&mut criterion);
    criterion.final_summary();
}
