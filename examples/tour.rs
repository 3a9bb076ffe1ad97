//! The main job from one end to the other: a ruleset is read, loaded into a kernel, read back and edited.
//!
//! It works on the real kernel, in a network namespace of its own, where it may make one, and otherwise on the
//! embedded kernel, for which no privileges are needed. `tour RULES CHAINS` takes a ruleset of another size.

use nfnetlink::{Socket, Transport};
use pkttables::edit::{EditError, Editor};
use pkttables::kernel::{ChainKind, Kernel, KernelError, Snapshot};
use pkttables::model::{Chain, Family, Rule, Ruleset, Table, TableName, Target, Verdict};
use pkttables::nft::RuleBody;
use pkttables::registry::{Kind, Registry};
use pkttables::text::save::{CounterStyle, write_append, write_ruleset};
use pkttables::text::{Parser, ReadOptions, Reader, read_ruleset};
use pkttables_embedded::EmbeddedKernel;
use std::sync::Arc;
use std::time::{Duration, Instant};

const V4: Family = Family::Ipv4;
const FILTER: TableName = TableName::Filter;

type AnyKernel = Kernel<Box<dyn Transport>>;
type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// The times that the steps took.
#[derive(Default)]
struct Times(Vec<(&'static str, Duration)>);

impl Times {
    fn step<R>(&mut self, name: &'static str, work: impl FnOnce() -> R) -> R {
        let start = Instant::now();
        let result = work();
        self.0.push((name, start.elapsed()));
        result
    }

    fn print(&self) {
        println!("\n{:32} {:>10}", "step", "time");
        for (name, time) in &self.0 {
            println!("{name:32} {:7.2} ms", time.as_secs_f64() * 1e3);
        }
    }
}

fn main() -> Result<()> {
    let number = |place, default| std::env::args().nth(place).map_or(Ok(default), |text| text.parse());
    let (rules, chains) = (number(1, 10_000)?, number(2, 1_000)?);
    let mut times = Times::default();

    let text = times.step("generate the file", || testkit::ruleset(rules, chains));
    let ruleset = times.step("read the file", || read(&text))?;
    describe(&text, &ruleset);

    times.step("ask the registry", ask_registry)?;

    let mut kernel = times.step("connect", open);
    times.step("load", || load(&mut kernel, &ruleset))?;
    let back = times.step("read back", || kernel.read(read_back))?;
    let mut printed = String::new();
    times.step("print", || write_ruleset(&mut printed, &back, CounterStyle::Hidden));
    if printed == text {
        println!("Loaded and read back: not a byte of the file has changed.");
    } else {
        return Err("what was read back is not what was loaded".into());
    }

    times.step("edit two rules", || edit(&mut kernel))?;
    times.step("look at the edited chain", || show(&mut kernel, "host-1"))?;
    times.print();
    Ok(())
}

fn read(text: &str) -> Result<Ruleset> {
    let parser = Parser::new(V4, Registry::builtin());
    let mut reader = Reader::new(text.as_bytes(), parser, ReadOptions::default());
    read_ruleset(&mut reader).map_err(|errors| format!("{errors:?}").into())
}

fn describe(text: &str, ruleset: &Ruleset) {
    for Table { name, chains } in &ruleset.tables {
        let rules = || chains.iter().flat_map(|chain| &chain.rules);
        let jumps = rules().filter(|rule| matches!(rule.target, Target::Jump(_))).count();
        let drops = rules().filter(|rule| rule.target == Target::Verdict(Verdict::Drop)).count();
        println!(
            "The file has {} KB. Table {}: {} rules in {} chains; {jumps} call a chain, {drops} drop.",
            text.len() / 1000,
            name.name(),
            rules().count(),
            chains.len(),
        );
    }
}

fn ask_registry() -> Result<()> {
    let registry = Registry::builtin();
    let of = |kind| registry.all().iter().filter(move |extension| extension.kind == kind).count();
    println!("What is there? {} matches and {} targets.", of(Kind::Match), of(Kind::Target));
    let conntrack = registry.find(Kind::Match, "conntrack", V4).ok_or("no match conntrack")?;
    let state = conntrack.param("ctstate", V4).ok_or("no parameter --ctstate")?;
    println!("What does `-m conntrack --ctstate' take? {}.", state.domain.describe());
    Ok(())
}

fn open() -> AnyKernel {
    let own = testkit::enter_namespace().ok().and_then(|()| Socket::open().ok());
    let real = own.map(|socket| Kernel::new(Box::new(socket) as Box<dyn Transport>));
    // A kernel without nf_tables, or that keeps it from user namespaces, does not answer.
    match real.map(|mut kernel| kernel.generation().map(|_| kernel)) {
        Some(Ok(kernel)) => {
            println!("The kernel is the real one, in a network namespace of its own.");
            kernel
        }
        None | Some(Err(_)) => {
            println!("The kernel is the embedded one: no network namespace may be made here.");
            Kernel::new(Box::new(EmbeddedKernel::new().connect()))
        }
    }
}

/// Makes the tables what `ruleset` says, in one transaction.
fn load(kernel: &mut AnyKernel, ruleset: &Ruleset) -> std::result::Result<(), EditError> {
    kernel.update(|snapshot, transaction| {
        let mut editor = Editor::new(snapshot, transaction, ruleset.family, false);
        for Table { name, chains } in &ruleset.tables {
            editor.clear(*name)?;
            for chain in chains {
                editor.declare_chain(*name, &chain.name, (chain.policy, chain.counters))?;
            }
            for chain in chains {
                chain.rules.iter().try_for_each(|rule| editor.append(*name, &chain.name, rule))?;
            }
        }
        Ok(())
    })
}

fn read_back<T: Transport>(snapshot: &mut Snapshot<'_, T>) -> std::result::Result<Ruleset, KernelError> {
    let entries = snapshot.chains(V4, FILTER)?;
    let mut chains: Vec<Chain> = Vec::with_capacity(entries.len());
    for entry in entries.iter() {
        let (policy, counters) = match entry.kind {
            ChainKind::Builtin { policy, counters, .. } => (Some(policy), counters),
            ChainKind::User | ChainKind::Foreign(_) => (None, None),
        };
        chains.push(Chain { name: entry.name.clone(), policy, counters, rules: Vec::new() });
    }
    let names: Vec<&str> = entries.iter().map(|entry| &*entry.name).collect();
    snapshot.for_each_rule(V4, FILTER, &names, |place, rule| {
        if let (Some(chain), RuleBody::Known(rule)) = (chains.get_mut(place), rule.body) {
            chain.rules.push(rule);
        }
        Ok::<_, KernelError>(())
    })?;
    let chains = chains.into_iter().map(Arc::new).collect();
    Ok(Ruleset { family: V4, tables: vec![Table { name: FILTER, chains }] })
}

/// Only what changes is sent; all other rules keep their handles and counters.
fn edit(kernel: &mut AnyKernel) -> std::result::Result<(), EditError> {
    let rule = Rule { target: Target::Verdict(Verdict::Return), ..Rule::default() };
    let messages = kernel.update(|snapshot, transaction| {
        let mut editor = Editor::new(snapshot, transaction, V4, true);
        editor.insert(FILTER, "host-1", 2, &rule)?;
        editor.delete_number(FILTER, "host-1", 4)?;
        Ok::<_, EditError>(transaction.len())
    })?;
    println!(
        "Edited with {messages} messages: a rule inserted at place 2 of host-1, the one at place 4 deleted."
    );
    Ok(())
}

fn show(kernel: &mut AnyKernel, chain: &str) -> std::result::Result<(), KernelError> {
    let rules = kernel.read(|snapshot| snapshot.rules(V4, FILTER, chain))?;
    println!("{chain} now has {} rules; the first four:", rules.len());
    for entry in rules.iter().take(4) {
        if let RuleBody::Known(rule) = &entry.body {
            let mut text = String::new();
            write_append(&mut text, V4, chain, rule, CounterStyle::Before);
            println!("    handle {:5}  {text}", entry.handle);
        }
    }
    Ok(())
}
