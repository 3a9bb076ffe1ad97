use super::error::PlanError;
use super::scope::Scope;
use super::sequence::common;
use super::step::{Plan, Step};
use crate::cache::{CachedChain, CachedRule, CachedTable, Calls, ChainRules, Fingerprints, callee};
use crate::kernel::ChainKind;
use crate::model::{Chain, Family, Hook, Policy, Rule, Table, TableName, Target};
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

/// Plans how the chains in `scope` of the table that the kernel holds become those of `wanted`.
///
/// The rules of all chains in the scope are to be known. Chains in the scope that are not wanted are deleted. Rules
/// and chains of other programs stay, and so does a chain that has such rules. If the scope is the whole table, calls
/// that the kernel would refuse are found.
pub fn plan(family: Family, current: &CachedTable, wanted: &Table, scope: &Scope) -> Result<Plan, PlanError> {
    check(current, wanted, scope)?;
    let mut comparison = Comparison {
        family,
        table: wanted.name,
        renamed: HashMap::new(),
        fingerprints: Fingerprints::default(),
        made: Vec::new(),
        rules: Vec::new(),
    };
    let wanted_chains: Vec<&Chain> = wanted.chains.iter().filter(|chain| scope.has(&chain.name)).collect();
    let names: HashSet<&str> = wanted_chains.iter().map(|chain| &*chain.name).collect();
    let surplus = current.all().iter().map(|chain| (&*chain.entry.name, chain));
    let mut surplus: Vec<(&str, &CachedChain)> =
        surplus.filter(|(name, _)| scope.has(name) && !names.contains(name)).collect();
    surplus.retain(|(_, chain)| !chain.entry.is_foreign());

    let missing = wanted_chains.iter().copied().filter(|chain| current.chain(&chain.name).is_none());
    let renamed = comparison.find_renamed(missing, &surplus);
    surplus.retain(|(name, _)| !renamed.iter().any(|(old, _)| &*old.entry.name == *name));
    comparison.renamed =
        renamed.iter().map(|(old, new)| (old.entry.name.clone(), new.name.clone())).collect();

    for chain in &wanted_chains {
        if !renamed.iter().any(|(_, new)| new.name == chain.name) {
            comparison.chain(current.chain(&chain.name), chain)?;
        }
    }
    let Comparison { made, rules, .. } = comparison;
    let mut steps = made;
    if current.all().is_empty() && !steps.is_empty() {
        // There may be a table without chains, or none.
        steps.insert(0, Step::CreateTable);
    }
    steps.extend(rules);
    let is_foreign = |rule: &CachedRule| rule.known().is_none();
    let (shared, surplus): (Vec<_>, Vec<_>) = surplus
        .into_iter()
        .partition(|(_, chain)| chain.rules().is_some_and(|rules| rules.iter().any(is_foreign)));
    for (name, chain) in shared {
        let own = chain.rules().into_iter().flat_map(ChainRules::iter).filter(|rule| !is_foreign(rule));
        steps.extend(own.map(|old| Step::Delete { chain: name.into(), old: old.clone() }));
    }
    steps.extend(surplus.iter().filter_map(|(name, chain)| {
        let old: Vec<CachedRule> = chain.rules()?.iter().cloned().collect();
        (!old.is_empty()).then(|| Step::Flush { chain: (*name).into(), old })
    }));
    steps.extend(
        surplus
            .iter()
            .map(|(name, chain)| Step::DeleteChain { chain: (*name).into(), handle: chain.entry.handle }),
    );
    steps.extend(renamed.iter().map(|(old, new)| Step::RenameChain {
        old: old.entry.name.clone(),
        new: new.name.clone(),
        handle: old.entry.handle,
    }));
    Ok(Plan { family, table: wanted.name, steps })
}

/// Finds calls of what is not there, and calls that the kernel refuses.
fn check(current: &CachedTable, wanted: &Table, scope: &Scope) -> Result<(), PlanError> {
    let names: HashSet<&str> = wanted.chains.iter().map(|chain| &*chain.name).collect();
    let stays = |name: &str| !scope.has(name) && current.chain(name).is_some();
    let mut calls = Calls::new();
    for chain in wanted.chains.iter().filter(|chain| scope.has(&chain.name)) {
        if wanted.name.hook(&chain.name).is_some() {
            calls.add_base(&chain.name);
        }
        for callee in chain.rules.iter().filter_map(callee) {
            let comes = scope.has(callee) && names.contains(callee);
            if !comes && !stays(callee) {
                let (chain, callee) = (chain.name.clone(), callee.into());
                return Err(PlanError::NoTarget { chain, callee });
            }
            calls.add(&chain.name, callee);
        }
    }
    Ok(calls.check()?)
}

struct Comparison {
    family: Family,
    table: TableName,
    /// New names by old ones.
    renamed: HashMap<Box<str>, Box<str>>,
    fingerprints: Fingerprints,
    /// Steps that make chains and set policies.
    made: Vec<Step>,
    /// Steps that change rules.
    rules: Vec<Step>,
}

impl Comparison {
    /// Pairs chains that have the same rules and different names. Each one's rules have to be different from
    /// all others', so that there is no doubt.
    fn find_renamed<'c, 'w>(
        &mut self,
        missing: impl Iterator<Item = &'w Chain>,
        surplus: &[(&str, &'c CachedChain)],
    ) -> Vec<(&'c CachedChain, &'w Chain)> {
        let users = surplus.iter().filter_map(|(_, chain)| Some((*chain, chain.rules()?)));
        let users = users.filter(|(chain, rules)| chain.entry.kind == ChainKind::User && !rules.is_empty());
        let mut by_rules = HashMap::<Vec<u64>, Vec<(&CachedChain, &ChainRules)>>::new();
        for (chain, rules) in users {
            let key: Option<Vec<u64>> =
                rules.iter().map(|rule| Some(self.fingerprints.of(self.family, rule.known()?))).collect();
            if let Some(key) = key {
                by_rules.entry(key).or_default().push((chain, rules));
            }
        }
        if by_rules.is_empty() {
            return Vec::new();
        }
        let mut pairs: Vec<(&CachedChain, &Chain)> = Vec::new();
        // A chain that is renamed does not become a built-in one.
        let table = self.table;
        for chain in missing.filter(|chain| table.hook(&chain.name).is_none()) {
            let key: Vec<u64> =
                chain.rules.iter().map(|rule| self.fingerprints.of(self.family, rule)).collect();
            if let Some([(old, rules)]) = by_rules.get(&key).map(Vec::as_slice)
                && rules.iter().zip(&chain.rules).all(|(old, new)| old.does(new))
            {
                pairs.push((old, chain));
                by_rules.remove(&key);
            }
        }
        pairs
    }

    fn chain(&mut self, current: Option<&CachedChain>, wanted: &Chain) -> Result<(), PlanError> {
        let hook = self.table.hook(&wanted.name);
        match (current.map(|chain| &chain.entry.kind), hook) {
            (None, None) => self.made.push(Step::CreateChain(wanted.name.clone())),
            (None, Some(hook)) => self.set_policy(hook, None, wanted),
            (Some(ChainKind::User), None) => {}
            (Some(&ChainKind::Builtin { hook, policy, .. }), Some(_)) => {
                if wanted.policy.is_some_and(|wanted| wanted != policy) {
                    self.set_policy(hook, Some(policy), wanted);
                }
            }
            _ => return Err(PlanError::ForeignChain(wanted.name.clone())),
        }
        match current.and_then(CachedChain::rules) {
            None => self.rules.extend(wanted.rules.iter().map(|rule| insertion(&wanted.name, None, rule))),
            Some(rules) => self.compare(&wanted.name, rules, &wanted.rules),
        }
        Ok(())
    }

    fn set_policy(&mut self, hook: Hook, old: Option<Policy>, wanted: &Chain) {
        let counters = if old.is_none() { Some(wanted.counters.unwrap_or_default()) } else { None };
        let new = wanted.policy.unwrap_or(Policy::Accept);
        self.made.push(Step::SetPolicy { hook, old, new, counters });
    }

    /// Keeps what both have in common, replaces in the gaps between, and inserts or deletes what is over there.
    ///
    /// Foreign rules stay where they are: no file can say them, so that none of them is missing from it.
    fn compare(&mut self, chain: &str, old: &ChainRules, new: &[Rule]) {
        let known = || old.iter().filter(|rule| rule.known().is_some());
        let same = |(old, new): &(&CachedRule, &Rule)| self.does(old, new);
        let before = known().zip(new).take_while(same).count();
        let old: Vec<&CachedRule> = known().skip(before).collect();
        if old.is_empty() && before == new.len() {
            return;
        }
        let new = new.get(before..).unwrap_or_default();
        let most_behind = old.len().min(new.len());
        let behind = (1..=most_behind)
            .take_while(|back| {
                let pair = old.get(old.len() - back).zip(new.get(new.len() - back));
                pair.is_some_and(|(old, new)| self.does(old, new))
            })
            .count();
        let old_middle = old.get(..old.len() - behind).unwrap_or_default();
        let new_middle = new.get(..new.len() - behind).unwrap_or_default();
        let after = old.get(old.len() - behind).and_then(|rule| rule.handle());
        let kept = self.common(old_middle, new_middle);

        let (mut old_at, mut new_at) = (0, 0);
        let end = (old_middle.len(), new_middle.len());
        for (old_stop, new_stop) in kept.into_iter().chain([end]) {
            let anchor = old_middle.get(old_stop).map_or(after, |rule| rule.handle());
            let gone = old_middle.get(old_at..old_stop).unwrap_or_default();
            let come = new_middle.get(new_at..new_stop).unwrap_or_default();
            let pairs = gone.len().min(come.len());
            self.rules.extend(gone.iter().zip(come).map(|(old, rule)| Step::Replace {
                chain: chain.into(),
                old: (*old).clone(),
                rule: rule.clone(),
            }));
            self.rules.extend(come.iter().skip(pairs).map(|rule| insertion(chain, anchor, rule)));
            let deleted = gone.iter().skip(pairs);
            self.rules.extend(deleted.map(|old| Step::Delete { chain: chain.into(), old: (*old).clone() }));
            (old_at, new_at) = (old_stop + 1, new_stop + 1);
        }
    }

    fn common(&mut self, old: &[&CachedRule], new: &[Rule]) -> Vec<(usize, usize)> {
        if old.is_empty() || new.is_empty() {
            return Vec::new();
        }
        // Rules that do the same get the same number.
        let mut numbers = HashMap::<u64, Vec<(Cow<'_, Rule>, u32)>>::new();
        let mut next = 0;
        let family = self.family;
        let mut number = |fingerprints: &mut Fingerprints, rule: Option<Cow<'_, Rule>>| {
            next += 1;
            let Some(rule) = rule else { return next };
            let same = numbers.entry(fingerprints.of(family, &rule)).or_default();
            if let Some((_, number)) = same.iter().find(|(other, _)| other.does_the_same(&rule)) {
                return *number;
            }
            same.push((Cow::Owned(rule.into_owned()), next));
            next
        };
        let mut fingerprints = std::mem::take(&mut self.fingerprints);
        let old: Vec<u32> = old
            .iter()
            .map(|rule| number(&mut fingerprints, rule.known().map(|rule| self.now(rule))))
            .collect();
        let new: Vec<u32> =
            new.iter().map(|rule| number(&mut fingerprints, Some(Cow::Borrowed(rule)))).collect();
        self.fingerprints = fingerprints;
        common(&old, &new)
    }

    fn does(&self, old: &CachedRule, new: &Rule) -> bool {
        old.known().is_some_and(|old| self.now(old).does_the_same(new))
    }

    /// What a rule does when chains have been renamed.
    fn now<'r>(&self, rule: &'r Rule) -> Cow<'r, Rule> {
        let Some(new) = callee(rule).and_then(|callee| self.renamed.get(callee)) else {
            return Cow::Borrowed(rule);
        };
        let mut rule = rule.clone();
        if let Target::Jump(name) | Target::Goto(name) = &mut rule.target {
            name.clone_from(new);
        }
        Cow::Owned(rule)
    }
}

fn insertion(chain: &str, before: Option<u64>, rule: &Rule) -> Step {
    Step::Insert { chain: chain.into(), before, rule: rule.clone() }
}
