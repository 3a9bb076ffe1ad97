//! What the steps cost for rulesets of one size.
//!
//! There are as many rules in all whatever the size, and what is done with many rulesets is done with all of them side by
//! side, so that the processor's caches are of as little help to small ones as to a large one.

use crate::floor::Floor;
use crate::steps::Shape;
use benches::Result;
use pkttables::cache::{CachedRule, CachedTable, ChainRules};
use pkttables::kernel::{ChainEntry, ChainKind, Kernel, NewRule, RuleRef, Transaction};
use pkttables::model::{Chain, Family, Ruleset, Target, Verdict};
use pkttables::nft::RuleBody;
use pkttables::plan::{self, Scope};
use pkttables::text::read_ruleset;
use pkttables_embedded::{EmbeddedKernel, EmbeddedSocket};
use serde_json::{Map, Value};
use std::hint::black_box;
use std::sync::Arc;

/// One rule in so many is changed before the difference is looked for.
const ONE_IN: usize = 100;
/// Deleting and inserting one ruleset after another, which the processor's caches help where it is small; and what the
/// memory alone takes for that. Neither is promised to stay as it is.
pub(crate) const HELPED: [&str; 2] = [EDIT_EACH, MEMORY];
const EDIT_EACH: &str = "cache: delete, insert, each ruleset for itself";
const MEMORY: &str = "cache: delete, insert, each ruleset for itself: memory alone";
/// Rules are visited in steps so long, which has no divisor in common with their number.
const STRIDE: usize = 7919;

/// Measures one size, and prints what each step takes a rule.
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
    let dumped: Vec<Dump> = rulesets.iter().map(dumped).collect();
    let mut tables = clock.time("cache: fill", || fill(dumped));
    rulesets.iter_mut().for_each(change);
    let planned = clock.time("diff", || {
        let pairs = rulesets.iter().zip(&mut tables);
        pairs.map(|(ruleset, table)| steps_of(ruleset, table)).sum::<Result<usize>>()
    })?;
    if planned == 0 {
        return Err("no difference was found".into());
    }
    let found = clock.time("cache: find", || {
        tables.iter_mut().zip(&rulesets).map(|(table, ruleset)| find_all(table, ruleset)).sum::<usize>()
    });
    let places = anywhere(&rulesets);
    clock.time("cache: delete, insert, anywhere", || {
        for place in &places {
            let Some((table, chain)) = place.of(&mut tables, &rulesets) else { continue };
            edit(table, chain, place.rule);
        }
    });
    let found_again = clock.time("cache: find, anywhere", || {
        let found = places.iter().map(|place| {
            let Some((table, chain)) = place.of(&mut tables, &rulesets) else { return 0 };
            usize::from(find(table, chain, place.rule))
        });
        found.sum::<usize>()
    });
    if [found, found_again] != [places.len(); 2] {
        return Err("a rule was not found".into());
    }
    clock.time(EDIT_EACH, || {
        tables.iter_mut().zip(&rulesets).for_each(|(table, ruleset)| edit_all(table, ruleset));
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

/// Chains, and the rules of each.
type Dump = (Vec<ChainEntry>, Vec<Vec<CachedRule>>);

/// The first table as a dump gives it.
fn dumped(ruleset: &Ruleset) -> Dump {
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

/// Fills the caches as a dump of all chains and then of their rules does.
fn fill(dumped: Vec<Dump>) -> Vec<CachedTable> {
    let mut tables: Vec<CachedTable> = dumped.iter().map(|(chains, _)| CachedTable::new(chains)).collect();
    for (table, (chains, rules)) in tables.iter_mut().zip(dumped) {
        for (chain, rules) in chains.iter().zip(rules) {
            let mut known = ChainRules::new(Family::Ipv4);
            rules.into_iter().for_each(|rule| known.push(rule));
            table.know(&chain.name, known);
        }
    }
    tables
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

/// A rule of one of several rulesets.
struct Place {
    ruleset: u32,
    chain: u32,
    rule: usize,
}

impl Place {
    fn of<'t, 'r>(
        &self,
        tables: &'t mut [CachedTable],
        rulesets: &'r [Ruleset],
    ) -> Option<(&'t mut CachedTable, &'r Chain)> {
        let ruleset = self.ruleset as usize;
        let chain = rulesets.get(ruleset)?.tables.first()?.chains.get(self.chain as usize)?;
        Some((tables.get_mut(ruleset)?, chain))
    }
}

/// All rules of all rulesets, far from those before and behind them.
fn anywhere(rulesets: &[Ruleset]) -> Vec<Place> {
    let mut places = Vec::new();
    for (ruleset, number) in rulesets.iter().zip(0..) {
        for (chain, chain_number) in chains(ruleset).zip(0..) {
            let rules = 0..chain.rules.len();
            places.extend(rules.map(|rule| Place { ruleset: number, chain: chain_number, rule }));
        }
    }
    let len = places.len();
    for place in 0..len {
        places.swap(place, STRIDE.wrapping_mul(place) % len);
    }
    places
}

/// Finds the chain by its name, and the rule by its number and by its handle.
fn find(table: &mut CachedTable, chain: &Chain, index: usize) -> bool {
    let rule = table.chain(&chain.name).and_then(|chain| chain.rules()?.get(index));
    let handle = rule.and_then(CachedRule::handle);
    handle.is_some_and(|handle| table.index_of_handle(&chain.name, handle) == Some(index))
}

/// Finds all rules in order.
fn find_all(table: &mut CachedTable, ruleset: &Ruleset) -> usize {
    let found = |chain: &Chain| (0..chain.rules.len()).filter(|&index| find(table, chain, index)).count();
    chains(ruleset).map(found).sum()
}

/// Takes a rule out and puts it back.
fn edit(table: &mut CachedTable, chain: &Chain, index: usize) {
    if let Some(rule) = table.remove(&chain.name, index) {
        table.insert(&chain.name, index, rule);
    }
}

/// Takes rules out and puts them back, all over each chain.
fn edit_all(table: &mut CachedTable, ruleset: &Ruleset) {
    for chain in chains(ruleset) {
        let len = chain.rules.len();
        (0..len).for_each(|number| edit(table, chain, number * STRIDE % len));
    }
}

fn chains(ruleset: &Ruleset) -> impl Iterator<Item = &Chain> {
    ruleset.tables.first().into_iter().flat_map(|table| &table.chains).map(|chain| &**chain)
}
