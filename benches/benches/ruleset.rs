//! The steps between a save file and a kernel, each alone, with two sizes of rulesets.

mod cpu_time;

use benches::{Result, SIZES};
use cpu_time::CpuTime;
use criterion::{BatchSize, BenchmarkGroup, BenchmarkId, Throughput};
use nfnetlink::wire::Writer;
use nfnetlink::{Batch, Connection};
use pkttables::edit::{EditError, Editor};
use pkttables::kernel::{Kernel, Transaction};
use pkttables::model::{Family, Rule, TableName, Target, Verdict};
use pkttables::nft::{Revisions, RuleBody, RuleEncoder, read_rule};
use pkttables::registry::{Kind, NoSets, Registry, RuleScope};
use pkttables::text::save::{CounterStyle, write_append};
use pkttables_embedded::{EmbeddedKernel, EmbeddedSocket};
use pkttnetlink::nft::{self, Body};
use std::convert::Infallible;
use std::hint::black_box;

/// A kernel that takes every revision of every extension.
struct All;

impl Revisions for All {
    type Error = Infallible;

    fn supports(&mut self, _: Kind, _: &str, _: Family, _: u8) -> std::result::Result<bool, Infallible> {
        Ok(true)
    }
}

/// One ruleset in the forms that the steps begin with.
struct Sample {
    text: String,
    rules: Vec<(TableName, String, Rule)>,
    batch: Batch,
}

impl Sample {
    fn new(rules: usize, chains: usize) -> Result<Self> {
        let text = testkit::ruleset(rules, chains);
        let batch = benches::batch(&text, &mut Kernel::new(EmbeddedKernel::new().connect()))?;
        Ok(Self { rules: benches::rules(&text)?, text, batch })
    }

    fn parse(&self, group: &mut BenchmarkGroup<'_, CpuTime>, id: &str) {
        group.bench_function(BenchmarkId::new("parse", id), |b| {
            b.iter(|| benches::parse(black_box(&self.text)).expect("rules"));
        });
    }

    fn encode(&self, group: &mut BenchmarkGroup<'_, CpuTime>, id: &str) {
        let mut encoder = RuleEncoder::default();
        let mut writer = Writer::new();
        group.bench_function(BenchmarkId::new("encode", id), |b| {
            b.iter(|| {
                writer.clear();
                for (table, chain, rule) in &self.rules {
                    let (table, chain) = (Some(*table), Some(&**chain));
                    let scope = RuleScope { family: Family::Ipv4, table, chain, header: &rule.header };
                    encoder.write(rule, &scope, &mut All, &NoSets, &mut writer).expect("a rule");
                }
                black_box(writer.as_bytes().len())
            });
        });
    }

    fn decode(&self, group: &mut BenchmarkGroup<'_, CpuTime>, id: &str) {
        group.bench_function(BenchmarkId::new("decode", id), |b| {
            b.iter(|| {
                let rules = self.batch.messages().filter_map(|(_, message)| {
                    (message.header.kind == nft::kind::NEW_RULE).then_some(message)
                });
                let known = rules.filter(|message| {
                    let message = nft::Message::decode(message).expect("a message");
                    let Body::NewRule(rule) = &message.body else { return false };
                    let table = Some(TableName::Filter);
                    let body = read_rule(rule, Family::Ipv4, table, Registry::builtin(), &NoSets);
                    matches!(body, RuleBody::Known(_))
                });
                assert_eq!(known.count(), self.rules.len());
            });
        });
    }

    fn print(&self, group: &mut BenchmarkGroup<'_, CpuTime>, id: &str) {
        let mut text = String::new();
        group.bench_function(BenchmarkId::new("print", id), |b| {
            b.iter(|| {
                text.clear();
                for (_, chain, rule) in &self.rules {
                    write_append(&mut text, Family::Ipv4, chain, rule, CounterStyle::Hidden);
                    text.push('\n');
                }
                black_box(text.len())
            });
        });
    }

    /// All that iptables-restore does before it sends: reading, editing and encoding.
    fn plan(&self, group: &mut BenchmarkGroup<'_, CpuTime>, id: &str) {
        let mut kernel = Kernel::new(EmbeddedKernel::new().connect());
        group.bench_function(BenchmarkId::new("plan", id), |b| {
            b.iter(|| benches::batch(black_box(&self.text), &mut kernel).expect("a batch"));
        });
    }

    fn commit(&self, group: &mut BenchmarkGroup<'_, CpuTime>, id: &str) {
        let empty = || Connection::new(EmbeddedKernel::new().connect());
        group.bench_function(BenchmarkId::new("commit, embedded kernel", id), |b| {
            b.iter_batched_ref(
                empty,
                |kernel| kernel.commit(&self.batch).expect("a commit"),
                BatchSize::PerIteration,
            );
        });
    }

    fn read_back(&self, group: &mut BenchmarkGroup<'_, CpuTime>, id: &str) {
        let mut kernel = self.loaded();
        group.bench_function(BenchmarkId::new("read back, embedded kernel", id), |b| {
            b.iter(|| {
                let read = kernel.read(|snapshot| {
                    let entries = snapshot.chains(Family::Ipv4, TableName::Filter)?;
                    let names: Vec<&str> = entries.iter().map(|entry| &*entry.name).collect();
                    let mut rules = 0;
                    snapshot.for_each_rule(Family::Ipv4, TableName::Filter, &names, |_, rule| {
                        black_box(rule);
                        rules += 1;
                        Ok::<_, EditError>(())
                    })?;
                    Ok::<_, EditError>(rules)
                });
                assert_eq!(read.expect("rules"), self.rules.len());
            });
        });
    }

    /// One rule more in a chain in the middle, and one less.
    fn edit(&self, group: &mut BenchmarkGroup<'_, CpuTime>, id: &str) {
        let mut kernel = self.loaded();
        let rule = Rule { target: Target::Verdict(Verdict::Accept), ..Rule::default() };
        group.throughput(Throughput::Elements(1));
        group.bench_function(BenchmarkId::new("insert and delete, embedded kernel", id), |b| {
            b.iter(|| {
                let edited = kernel.update(|snapshot, transaction| {
                    let mut editor = Editor::new(snapshot, transaction, Family::Ipv4, true);
                    editor.insert(TableName::Filter, "host-500", 3, &rule)?;
                    editor.delete_number(TableName::Filter, "host-500", 3)
                });
                edited.expect("an edit");
            });
        });
    }

    fn loaded(&self) -> Kernel<EmbeddedSocket> {
        let mut kernel = Kernel::new(EmbeddedKernel::new().connect());
        let loaded = kernel.update(|snapshot, transaction: &mut Transaction| {
            benches::plan(&self.text, snapshot, transaction).expect("a plan");
            Ok::<_, EditError>(())
        });
        loaded.expect("a loaded ruleset");
        kernel
    }
}

fn main() {
    let mut criterion = cpu_time::criterion();
    for (rules, chains) in SIZES {
        let sample = Sample::new(rules, chains).expect("a ruleset");
        let mut group = criterion.benchmark_group("ruleset");
        group.sample_size(10).throughput(Throughput::Elements(sample.rules.len() as u64));
        let id = format!("{rules}/{chains}");
        for step in [
            Sample::parse,
            Sample::encode,
            Sample::plan,
            Sample::commit,
            Sample::read_back,
            Sample::decode,
            Sample::print,
            Sample::edit,
        ] {
            step(&sample, &mut group, &id);
        }
        group.finish();
    }
    criterion.final_summary();
}
