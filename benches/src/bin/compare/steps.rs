//! What each step between text and kernel costs a rule, with few rules and with many.

use crate::floor::Floor;
use crate::progress;
use crate::report::{Section, Table};
use crate::rounds::{Rounds, child as process, in_namespace, told};
use benches::Result;
use clap::ValueEnum;
use pkttables::cache::{CachedRule, CachedTable, ChainRules};
use pkttables::kernel::{ChainEntry, ChainKind, Kernel, NewRule, RuleRef, Transaction};
use pkttables::model::{Chain, Family, Ruleset, Target, Verdict};
use pkttables::nft::RuleBody;
use pkttables::plan::{self, Scope};
use pkttables::text::read_ruleset;
use pkttables_embedded::{EmbeddedKernel, EmbeddedSocket};
use serde_json::{Map, Value};
use std::fmt::Write as _;
use std::hint::black_box;
use std::process::{Command, Stdio};
use std::sync::Arc;

/// Time per rule may grow by so much from the smallest to the largest ruleset.
const GROWTH: f64 = 1.3;
/// What the memory alone takes for deleting and inserting, which is no promise.
const MEMORY: &str = "cache: delete, insert: memory alone";
/// One rule in so many is changed before the difference is looked for.
const ONE_IN: usize = 100;

/// How rules are spread over chains.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Shape {
    /// Ten in each chain.
    Tens,
    /// All in one.
    One,
    /// All in one, and each jumps to one of 10,000 chains.
    Jumps,
}

impl Shape {
    const fn words(self) -> &'static str {
        match self {
            Self::Tens => "10 a chain",
            Self::One => "one chain",
            Self::Jumps => "jumps",
        }
    }

    fn text(self, rules: usize) -> String {
        match self {
            Self::Tens => testkit::ruleset(rules, rules.div_ceil(10)),
            Self::One => testkit::ruleset(rules, 1),
            Self::Jumps => testkit::jumps(rules, rules.min(10_000)),
        }
    }
}

/// Measures rulesets of 1000 rules and more; so many of each size that there are `most` rules in all, so that the
/// processor's caches are of as little help to a small one as to a large one.
pub(crate) fn steps(rounds: &Rounds, most: usize) -> Result<Section> {
    let sizes: Vec<usize> =
        std::iter::successors(Some(1000), |size| Some(size * 10)).take_while(|size| *size <= most).collect();
    let mut section = Section::new("Steps, nanoseconds of CPU time a rule");
    let mut rows: Vec<(String, Vec<f64>)> = Vec::new();
    for shape in Shape::value_variants() {
        let mut columns = Vec::new();
        for size in &sizes {
            progress::say(&format!("steps: {}, {size} rules", shape.words()));
            let mut least = Map::<String, Value>::new();
            for _ in 0..rounds.number {
                let name =
                    shape.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default();
                let told = told(process()?.args(["steps", &name, &size.to_string(), &most.to_string()]))?;
                for (step, ns) in told.as_object().into_iter().flatten() {
                    let ns = ns.as_f64().unwrap_or_default();
                    let before = least.get(step).and_then(Value::as_f64).unwrap_or(f64::INFINITY);
                    least.insert(step.clone(), ns.min(before).into());
                }
            }
            columns.push(least);
        }
        let steps: Vec<String> =
            columns.first().map(|first| first.keys().cloned().collect()).unwrap_or_default();
        for step in steps {
            let numbers: Vec<f64> =
                columns.iter().filter_map(|column| column.get(&step).and_then(Value::as_f64)).collect();
            let growth = numbers.first().zip(numbers.last()).map(|(small, large)| large / small);
            let what = format!("{}: {step}", shape.words());
            if step != MEMORY {
                section.at_most(format!("{what}, largest / smallest"), growth, GROWTH);
            }
            rows.push((what, numbers));
        }
    }
    progress::end();
    let columns = sizes.iter().map(|size| format!("{size} rules")).collect();
    section.at_most("batches sent of chains that call one another too deep", Some(ladder(rounds)?), 0.0);
    section.table = Some(Table { what: "step", columns, rows });
    Ok(section)
}

/// Restores chains that call one another deeper than the kernel allows, which is to be refused with their names;
/// tells how many batches were sent.
fn ladder(rounds: &Rounds) -> Result<f64> {
    const STEPS: usize = 20;
    let mut text = String::from("*filter\n:INPUT ACCEPT [0:0]\n");
    (0..STEPS).try_for_each(|step| writeln!(text, ":step-{step} - [0:0]"))?;
    text.push_str("-A INPUT -j step-0\n");
    (1..STEPS).try_for_each(|step| writeln!(text, "-A step-{} -j step-{step}", step - 1))?;
    text.push_str("COMMIT\n");
    let file = tempfile::NamedTempFile::new()?;
    std::fs::write(file.path(), text)?;
    let mut command = Command::new(&rounds.iptables2);
    command.args(["iptables-restore", "--debug=netlink"]).arg(file.path()).stdin(Stdio::null());
    let output = in_namespace(|| Ok(command.output()?))?;
    let said = String::from_utf8_lossy(&output.stderr);
    if output.status.success() || !said.contains("step-15") {
        return Err(format!("a ladder was not refused by name: {said}").into());
    }
    Ok(said.matches("NFNL_MSG_BATCH_BEGIN").count() as f64)
}

/// Measures one size.
pub(crate) fn child(shape: Shape, rules: usize, total: usize) -> Result<()> {
    let text = shape.text(rules);
    let copies = (total / rules).max(1);
    let mut clock = Clock { per: (rules * copies) as f64, steps: Map::new() };
    let mut rulesets = clock
        .time("parse", || {
            let read = (0..copies).map(|_| read_ruleset(&mut benches::reader(&text)));
            read.collect::<std::result::Result<Vec<_>, _>>()
        })
        .map_err(|errors| format!("{errors:?}"))?;
    let mut kernel = Kernel::new(EmbeddedKernel::new().connect());
    let batches = clock.time("encode", || {
        rulesets.iter().map(|ruleset| encode(ruleset, &mut kernel)).collect::<Result<Vec<_>>>()
    })?;
    drop(batches);
    let dumped: Vec<_> = rulesets.iter().map(dumped).collect();
    let mut tables: Vec<CachedTable> = clock
        .time("cache: fill", || dumped.into_iter().map(|(entries, rules)| fill(&entries, rules)).collect());
    rulesets.iter_mut().for_each(change);
    let planned = clock.time("diff", || {
        let pairs = rulesets.iter().zip(&mut tables);
        pairs.map(|(ruleset, table)| steps_of(ruleset, table)).sum::<Result<usize>>()
    })?;
    if planned == 0 {
        return Err("no difference was found".into());
    }
    let found = clock.time("cache: find", || {
        tables.iter_mut().zip(&rulesets).map(|(table, ruleset)| find(table, ruleset)).sum::<usize>()
    });
    black_box(found);
    clock.time("cache: delete, insert", || {
        tables.iter_mut().zip(&rulesets).for_each(|(table, ruleset)| edit(table, ruleset));
    });
    let mut floors: Vec<Floor> = tables.iter().map(Floor::of).collect();
    clock.time(MEMORY, || floors.iter_mut().for_each(Floor::edit));
    println!("{}", Value::from(clock.steps));
    // Taking it all apart is not measured.
    std::process::exit(0)
}

struct Clock {
    per: f64,
    steps: Map<String, Value>,
}

impl Clock {
    fn time<R>(&mut self, what: &str, work: impl FnOnce() -> R) -> R {
        let start = benches::cpu_time();
        let done = black_box(work());
        let took = benches::cpu_time().saturating_sub(start);
        self.steps.insert(what.into(), (took.as_nanos() as f64 / self.per).into());
        done
    }
}

fn encode(ruleset: &Ruleset, kernel: &mut Kernel<EmbeddedSocket>) -> Result<nfnetlink::Batch> {
    let mut transaction = Transaction::new();
    for table in &ruleset.tables {
        let mut edit = transaction.table(ruleset.family, table.name);
        edit.create(0)?;
        for chain in table.chains.iter().filter(|chain| chain.policy.is_none()) {
            edit.create_chain(0, &chain.name)?;
        }
        for chain in &table.chains {
            for rule in &chain.rules {
                edit.add_rule(0, &NewRule::append(&chain.name, rule), kernel)?;
            }
        }
    }
    Ok(transaction.into_batch())
}

/// The first table as a dump gives it.
fn dumped(ruleset: &Ruleset) -> (Vec<ChainEntry>, Vec<Vec<CachedRule>>) {
    let (mut entries, mut all) = (Vec::new(), Vec::new());
    let mut handle = 0;
    let mut next = || {
        handle += 1;
        handle
    };
    for chain in chains(ruleset) {
        let table = ruleset.tables.first().map(|table| table.name);
        let kind = match (table.and_then(|table| table.hook(&chain.name)), chain.policy) {
            (Some(hook), Some(policy)) => ChainKind::Builtin { hook, policy, counters: None },
            _ => ChainKind::User,
        };
        entries.push(ChainEntry { name: chain.name.clone(), handle: next(), uses: 0, kind });
        let rules = chain.rules.iter();
        all.push(
            rules
                .map(|rule| CachedRule::new(RuleRef::Handle(next()), RuleBody::Known(rule.clone())))
                .collect(),
        );
    }
    (entries, all)
}

fn fill(entries: &[ChainEntry], rules: Vec<Vec<CachedRule>>) -> CachedTable {
    let mut table = CachedTable::new(entries);
    for (entry, rules) in entries.iter().zip(rules) {
        let mut known = ChainRules::new(Family::Ipv4);
        rules.into_iter().for_each(|rule| known.push(rule));
        table.know(&entry.name, known);
    }
    table
}

fn change(ruleset: &mut Ruleset) {
    let chains = ruleset.tables.iter_mut().flat_map(|table| &mut table.chains).map(Arc::make_mut);
    for rule in chains.flat_map(|chain| &mut chain.rules).step_by(ONE_IN) {
        rule.target = Target::Verdict(Verdict::Return);
    }
}

fn steps_of(ruleset: &Ruleset, current: &mut CachedTable) -> Result<usize> {
    let table = ruleset.tables.first().ok_or("no table")?;
    Ok(plan::plan(ruleset.family, current, table, &Scope::Table)?.steps.len())
}

/// Finds each chain by its name, and each rule by its handle and by its number.
fn find(table: &mut CachedTable, ruleset: &Ruleset) -> usize {
    let mut found = 0;
    for chain in chains(ruleset) {
        for index in 0..chain.rules.len() {
            let rule = table.chain(&chain.name).and_then(|chain| chain.rules()?.get(index));
            let Some(handle) = rule.and_then(CachedRule::handle) else { continue };
            found += usize::from(table.index_of_handle(&chain.name, handle) == Some(index));
        }
    }
    found
}

/// Takes rules out and puts them back, all over the table.
fn edit(table: &mut CachedTable, ruleset: &Ruleset) {
    for chain in chains(ruleset) {
        let len = chain.rules.len();
        for number in 0..len {
            let index = number * 7919 % len;
            if let Some(rule) = table.remove(&chain.name, index) {
                table.insert(&chain.name, index, rule);
            }
        }
    }
}

fn chains(ruleset: &Ruleset) -> impl Iterator<Item = &Chain> {
    ruleset.tables.first().into_iter().flat_map(|table| &table.chains).map(|chain| &**chain)
}
