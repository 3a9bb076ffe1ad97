use super::align::{Run, align, left_over};
use super::changes::Changes;
use super::error::PlanError;
use super::numbers::Numbers;
use super::pairing::Pairing;
use super::rough::{Rough, key};
use super::scope::Scope;
use super::sequence::common;
use super::step::{Plan, Step};
use crate::cache::{CachedChain, CachedRule, CachedTable, ChainRules, Fingerprints, callee};
use crate::kernel::ChainKind;
use crate::model::{Chain, Family, Hook, Policy, Rule, Table, TableName, Target};
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

/// Plans how the chains in `scope` of the table that the kernel holds become those of `wanted`.
///
/// The rules of all chains in the scope are to be known. Chains in the scope that are not wanted are deleted. Rules
/// and chains of other programs stay, and so does a chain that has such rules. Calls that the kernel would refuse are
/// found, as far as the rules are known.
///
/// `current` keeps in mind which chains it has found to be as wanted: those that a later ruleset has in common with
/// this one ([`Table::chains`]) are not compared again.
pub fn plan(
    family: Family,
    current: &mut CachedTable,
    wanted: &Table,
    scope: &Scope,
) -> Result<Plan, PlanError> {
    let pairing = Pairing::new(current, wanted, scope);
    let mut comparison = Comparison {
        family,
        table: wanted.name,
        renamed: HashMap::new(),
        fingerprints: Fingerprints::default(),
        made: Vec::new(),
        rules: Vec::new(),
    };
    let at = |place: usize| current.all().get(place);
    let mut surplus: Vec<&CachedChain> = pairing.surplus.iter().filter_map(|&place| at(place)).collect();
    let renamed = comparison.find_renamed(pairing.missing().map(|chain| &**chain), &surplus);
    comparison.renamed =
        renamed.iter().map(|(old, new)| (old.entry.name.clone(), new.name.clone())).collect();
    surplus.retain(|chain| !comparison.renamed.contains_key(&chain.entry.name));
    let new_names: HashSet<&str> = renamed.iter().map(|(_, new)| &*new.name).collect();

    let mut same = Vec::new();
    for &(chain, place) in &pairing.compared {
        let is_renamed = new_names.contains(&*chain.name);
        let steps = comparison.steps();
        if !is_renamed {
            comparison.chain(place.and_then(at), chain)?;
        }
        // Rules that call chains by new names are found to be the same, too.
        if let Some(place) = place.filter(|_| steps == comparison.steps() && renamed.is_empty()) {
            same.push((chain, place));
        }
    }

    let mut steps = std::mem::take(&mut comparison.made);
    if current.all().is_empty() && !steps.is_empty() {
        // There may be a table without chains, or none.
        steps.insert(0, Step::CreateTable);
    }
    steps.append(&mut comparison.rules);
    steps.extend(deletions(&surplus));
    steps.extend(renamed.iter().map(|(old, new)| Step::RenameChain {
        old: old.entry.name.clone(),
        new: new.name.clone(),
        handle: old.entry.handle,
    }));
    let changes = match comparison.renamed.is_empty() {
        true => Changes::of_steps(&steps),
        false => Changes::of_chains(&pairing, current),
    };
    changes.check(current, wanted.name)?;
    same.into_iter().for_each(|(chain, place)| current.found_as(place, chain));
    Ok(Plan { family, table: wanted.name, steps })
}

/// The steps that empty chains, all of them before the first is deleted, as they may call one another.
fn deletions(surplus: &[&CachedChain]) -> Vec<Step> {
    let is_foreign = |rule: &&CachedRule| rule.is_foreign();
    let rules = |chain: &'_ CachedChain| -> Vec<CachedRule> {
        chain.rules().into_iter().flat_map(ChainRules::iter).cloned().collect()
    };
    let (mut steps, mut deleted) = (Vec::new(), Vec::new());
    for chain in surplus {
        let (name, old) = (&chain.entry.name, rules(chain));
        if old.iter().any(|rule| is_foreign(&rule)) {
            let own = old.into_iter().filter(|rule| !is_foreign(&rule));
            steps.extend(own.map(|old| Step::Delete { chain: name.clone(), old }));
            continue;
        }
        if !old.is_empty() {
            steps.push(Step::Flush { chain: name.clone(), old });
        }
        deleted.push(Step::DeleteChain { chain: name.clone(), handle: chain.entry.handle });
    }
    steps.append(&mut deleted);
    steps
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
        surplus: &[&'c CachedChain],
    ) -> Vec<(&'c CachedChain, &'w Chain)> {
        let users = surplus.iter().filter_map(|chain| Some((*chain, chain.rules()?)));
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

    /// How many steps there are so far.
    const fn steps(&self) -> usize {
        self.made.len() + self.rules.len()
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
        let same = |(old, new): &(&CachedRule, &Rule)| self.does(old, new);
        let before = old.known().zip(new).take_while(same).count();
        let old: Vec<&CachedRule> = old.known().skip(before).collect();
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
        let (mut old_at, mut new_at) = (0, 0);
        let end = Run { old: old_middle.len(), new: new_middle.len(), len: 0 };
        for run in self.kept(old_middle, new_middle).into_iter().chain([end]) {
            let anchor = old_middle.get(run.old).map_or(after, |rule| rule.handle());
            let gone = old_middle.get(old_at..run.old).unwrap_or_default();
            let come = new_middle.get(new_at..run.new).unwrap_or_default();
            let pairs = gone.len().min(come.len());
            self.rules.extend(gone.iter().zip(come).map(|(old, rule)| Step::Replace {
                chain: chain.into(),
                old: (*old).clone(),
                rule: rule.clone(),
            }));
            self.rules.extend(come.iter().skip(pairs).map(|rule| insertion(chain, anchor, rule)));
            let deleted = gone.iter().skip(pairs);
            self.rules.extend(deleted.map(|old| Step::Delete { chain: chain.into(), old: (*old).clone() }));
            (old_at, new_at) = (run.old + run.len, run.new + run.len);
        }
    }

    /// What stays: as much as can.
    fn kept(&mut self, old: &[&CachedRule], new: &[Rule]) -> Vec<Run> {
        self.aligned(old, new).unwrap_or_else(|| self.weighed(old, new))
    }

    /// What stays, if that is certain without asking of each rule whether it is on the other side.
    fn aligned(&self, old: &[&CachedRule], new: &[Rule]) -> Option<Vec<Run>> {
        let same = |one: usize, other: usize| {
            old.get(one).zip(new.get(other)).is_some_and(|(old, new)| self.does(old, new))
        };
        let runs = align(old.len(), new.len(), same)?;
        let (gone, come) = left_over(old.len(), new.len(), &runs);
        let goners = Rough::of(gone.iter().map(|&place| old.get(place).map_or(0, |rule| self.key_of(rule))));
        let stays = |&place: &usize| {
            let is = |goner: usize| gone.get(goner).is_some_and(|&goner| same(goner, place));
            new.get(place).is_some_and(|rule| goners.may_have(key(rule), is))
        };
        (gone.is_empty() || !come.iter().any(stays)).then_some(runs)
    }

    /// What stays, whatever has been moved.
    ///
    /// As long as the next rules of both sides are the same, or one of them is certainly not on the other side, there is
    /// only one thing to do, and nothing has to be weighed.
    fn weighed(&mut self, old: &[&CachedRule], new: &[Rule]) -> Vec<Run> {
        let (mut kept, mut old_at, mut new_at) = (Vec::new(), 0, 0);
        if old.is_empty() || new.is_empty() {
            return kept;
        }
        let olds = Rough::of(old.iter().map(|rule| self.key_of(rule)));
        let news = Rough::of(new.iter().map(key));
        loop {
            let (old_rest, new_rest) = (old.get(old_at..), new.get(new_at..));
            let (old_rest, new_rest) = (old_rest.unwrap_or_default(), new_rest.unwrap_or_default());
            let len = old_rest.iter().zip(new_rest).take_while(|(old, new)| self.does(old, new)).count();
            kept.extend((len > 0).then_some(Run { old: old_at, new: new_at, len }));
            (old_at, new_at) = (old_at + len, new_at + len);
            let (Some(next_old), Some(next_new)) = (old_rest.get(len), new_rest.get(len)) else {
                return kept;
            };
            let stays =
                |place: usize| place >= new_at && new.get(place).is_some_and(|new| self.does(next_old, new));
            let was =
                |place: usize| place >= old_at && old.get(place).is_some_and(|old| self.does(old, next_new));
            let goes = !news.may_have(self.key_of(next_old), stays);
            let comes = !olds.may_have(key(next_new), was);
            if !goes && !comes {
                break;
            }
            (old_at, new_at) = (old_at + usize::from(goes), new_at + usize::from(comes));
        }
        let (old, new) = (old.get(old_at..).unwrap_or_default(), new.get(new_at..).unwrap_or_default());
        let pairs = self.common(old, new).into_iter();
        kept.extend(pairs.map(|(old, new)| Run { old: old_at + old, new: new_at + new, len: 1 }));
        kept
    }

    fn common(&mut self, old: &[&CachedRule], new: &[Rule]) -> Vec<(usize, usize)> {
        let fingerprints = std::mem::take(&mut self.fingerprints);
        let mut numbers = Numbers::new(self.family, fingerprints, old.len() + new.len());
        let old: Vec<usize> =
            old.iter().filter_map(|rule| Some(numbers.of(self.now(rule.known()?)))).collect();
        let new: Vec<usize> = new.iter().map(|rule| numbers.of(Cow::Borrowed(rule))).collect();
        self.fingerprints = numbers.fingerprints;
        common(&old, &new)
    }

    fn key_of(&self, rule: &CachedRule) -> u64 {
        rule.known().map_or(0, |rule| key(&self.now(rule)))
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
