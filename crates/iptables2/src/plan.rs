//! What brings the tables of a kernel to those of a file.

use nfnetlink::Transport;
use pkttables::edit::EditError;
use pkttables::kernel::{ChainEntry, ChainKind, NewRule, Place, RuleEntry, RuleRef, Snapshot, Transaction};
use pkttables::model::{Chain, Counters, Family, Policy, Rule, Ruleset, Table, TableName};
use pkttables::nft::RuleBody;
use pkttables::text::save::{self, CounterStyle};
use std::collections::{HashMap, HashSet};

/// The changes that a plan has put into a transaction.
///
/// Tables that the file does not have stay as they are. So do rules and chains of other programs, and of each chain
/// the rules at its beginning and its end that are the same in the file.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    pub(crate) changes: Vec<Change>,
    pub(crate) added: usize,
    pub(crate) deleted: usize,
    pub(crate) kept: usize,
    /// Rules of other programs.
    pub(crate) foreign: usize,
}

/// A line of the saved form that comes or goes.
#[derive(Debug)]
pub(crate) struct Change {
    /// Whether it comes.
    pub(crate) made: bool,
    pub(crate) text: String,
}

/// A table that is planned.
#[derive(Clone, Copy)]
struct Wanted<'r> {
    family: Family,
    table: &'r Table,
}

type Planned<T> = Result<T, EditError>;

impl Plan {
    pub(crate) fn new<T: Transport>(
        ruleset: &Ruleset,
        snapshot: &mut Snapshot<'_, T>,
        transaction: &mut Transaction,
    ) -> Planned<Self> {
        let mut plan = Self::default();
        for table in &ruleset.tables {
            plan.table(Wanted { family: ruleset.family, table }, snapshot, transaction)?;
        }
        Ok(plan)
    }

    fn table<T: Transport>(
        &mut self,
        at: Wanted<'_>,
        snapshot: &mut Snapshot<'_, T>,
        transaction: &mut Transaction,
    ) -> Planned<()> {
        let (family, name) = (at.family, at.table.name);
        let present = snapshot.chains(family, name)?;
        let by_name: HashMap<&str, &ChainEntry> = present.iter().map(|entry| (&*entry.name, entry)).collect();
        if present.is_empty() && !snapshot.tables(family)?.contains(&name) {
            transaction.table(family, name).create(0)?;
        }
        for chain in &at.table.chains {
            self.chain(at, chain, by_name.get(&*chain.name).copied(), transaction)?;
        }
        let wanted: HashSet<&str> = at.table.chains.iter().map(|chain| &*chain.name).collect();
        // Only chains that an iptables has a place for.
        let ours = present.iter().filter(|entry| !entry.is_foreign());
        let gone: Vec<&ChainEntry> = ours.filter(|entry| !wanted.contains(&*entry.name)).collect();
        self.rules(at, &by_name, &gone, snapshot, transaction)?;
        for entry in gone {
            if entry.is_builtin() {
                continue;
            }
            transaction.table(family, name).delete_chain(0, &entry.name)?;
            self.note(name, false, format!("-N {}", entry.name));
        }
        Ok(())
    }

    /// Makes a chain, or sets its policy.
    fn chain(
        &mut self,
        at: Wanted<'_>,
        chain: &Chain,
        present: Option<&ChainEntry>,
        transaction: &mut Transaction,
    ) -> Planned<()> {
        let name = at.table.name;
        let mut edit = transaction.table(at.family, name);
        let Some(hook) = name.hook(&chain.name) else {
            if present.is_none() {
                edit.create_chain(0, &chain.name)?;
                self.note(name, true, format!("-N {}", chain.name));
            }
            return Ok(());
        };
        let wanted = chain.policy.unwrap_or(Policy::Accept);
        let own = match present.map(|entry| &entry.kind) {
            Some(ChainKind::Builtin { policy, .. }) => Some(*policy),
            _ => None,
        };
        if own != Some(wanted) {
            let counters = present.is_none().then(Counters::default);
            edit.set_builtin(0, hook, Some(wanted), counters)?;
            if let Some(own) = own {
                self.note(name, false, format!("-P {} {}", chain.name, own.name()));
            }
            self.note(name, true, format!("-P {} {}", chain.name, wanted.name()));
        }
        Ok(())
    }

    /// The rules of the chains of the file; those of the chains that are gone all go.
    fn rules<T: Transport>(
        &mut self,
        at: Wanted<'_>,
        present: &HashMap<&str, &ChainEntry>,
        gone: &[&ChainEntry],
        snapshot: &mut Snapshot<'_, T>,
        transaction: &mut Transaction,
    ) -> Planned<()> {
        let empty = [];
        let kept = at.table.chains.iter().filter(|chain| present.contains_key(&*chain.name));
        let kept = kept.map(|chain| (&*chain.name, chain.rules.as_slice()));
        let chains: Vec<(&str, &[Rule])> =
            kept.chain(gone.iter().map(|entry| (&*entry.name, empty.as_slice()))).collect();
        let names: Vec<&str> = chains.iter().map(|(name, _)| *name).collect();
        let mut edits = Vec::new();
        let mut current: (usize, Vec<RuleEntry>) = (0, Vec::new());
        let mut finish = |(place, rules): (usize, Vec<RuleEntry>)| {
            let (name, wanted) = chains.get(place).copied().unwrap_or(("", &[]));
            let part = self.compare(&rules, wanted);
            if part.is_some() {
                edits.extend(part.map(|part| (name, wanted, part)));
            }
        };
        snapshot.for_each_rule(at.family, at.table.name, &names, |place, rule| {
            while current.0 < place {
                let next = (current.0 + 1, Vec::new());
                finish(std::mem::replace(&mut current, next));
            }
            current.1.push(rule);
            Ok::<_, EditError>(())
        })?;
        while current.0 < names.len() {
            let next = (current.0 + 1, Vec::new());
            finish(std::mem::replace(&mut current, next));
        }
        for (chain, wanted, part) in edits {
            self.edit(at, chain, wanted, part, snapshot, transaction)?;
        }
        for chain in at.table.chains.iter().filter(|chain| !present.contains_key(&*chain.name)) {
            let part = Part { from: 0, to: chain.rules.len(), deleted: Vec::new(), before: None };
            self.edit(at, &chain.name, &chain.rules, part, snapshot, transaction)?;
        }
        Ok(())
    }

    /// Which part of a chain differs, if one does.
    fn compare(&mut self, rules: &[RuleEntry], wanted: &[Rule]) -> Option<Part> {
        let own: Vec<(u64, &Rule)> = rules.iter().filter_map(known).collect();
        self.foreign += rules.len() - own.len();
        let same = |((_, one), other): &(&(u64, &Rule), &Rule)| one.does_the_same(other);
        let first = own.iter().zip(wanted).take_while(same).count();
        let most = own.len().min(wanted.len()) - first;
        let last = own.iter().rev().zip(wanted.iter().rev()).take(most).take_while(same).count();
        self.kept += first + last;
        let deleted = own.get(first..own.len() - last).unwrap_or_default();
        let (from, to) = (first, wanted.len() - last);
        let before = own.get(own.len() - last).map(|(handle, _)| *handle);
        let deleted: Vec<_> = deleted.iter().map(|(handle, rule)| (*handle, (*rule).clone())).collect();
        (from < to || !deleted.is_empty()).then_some(Part { from, to, deleted, before })
    }

    fn edit<T: Transport>(
        &mut self,
        at: Wanted<'_>,
        chain: &str,
        wanted: &[Rule],
        part: Part,
        snapshot: &mut Snapshot<'_, T>,
        transaction: &mut Transaction,
    ) -> Planned<()> {
        let name = at.table.name;
        for (handle, rule) in &part.deleted {
            transaction.table(at.family, name).delete_rule(0, chain, RuleRef::Handle(*handle))?;
            self.note_rule(at, false, chain, rule);
        }
        self.deleted += part.deleted.len();
        let place = part.before.map_or(Place::Last, |handle| Place::Before(RuleRef::Handle(handle)));
        for rule in wanted.get(part.from..part.to).unwrap_or_default() {
            let new = NewRule { chain, place, id: None, rule };
            transaction.table(at.family, name).add_rule(0, &new, snapshot.kernel())?;
            self.note_rule(at, true, chain, rule);
            self.added += 1;
        }
        Ok(())
    }

    fn note(&mut self, table: TableName, made: bool, text: String) {
        self.changes.push(Change { made, text: format!("-t {} {text}", table.name()) });
    }

    fn note_rule(&mut self, at: Wanted<'_>, made: bool, chain: &str, rule: &Rule) {
        let mut text = String::new();
        save::write_append(&mut text, at.family, chain, rule, CounterStyle::Hidden);
        self.note(at.table.name, made, text);
    }
}

/// The part of a chain that differs.
struct Part {
    /// Which of the wanted rules are to be added.
    from: usize,
    to: usize,
    deleted: Vec<(u64, Rule)>,
    /// The rule before which they come; at the end if there is none.
    before: Option<u64>,
}

fn known(entry: &RuleEntry) -> Option<(u64, &Rule)> {
    match &entry.body {
        RuleBody::Known(rule) => Some((entry.handle, rule)),
        RuleBody::Foreign(_) => None,
    }
}
