//! What a table is when one change of it is taken back and those of others are not.

use super::numbers::Numbers;
use super::sequence::common;
use crate::cache::{Difference, Differences, Fingerprints, callee};
use crate::model::{Chain, Family, Policy, Rule, Table};
use crate::nft::RuleBody;
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// Takes the change from `before` to `after` back from `current`.
///
/// What is in `current` and not in `after` is what others have changed. It stays, and is told where it is in chains
/// that the change was about.
pub(super) fn merge(family: Family, before: &Table, after: &Table, current: &Table) -> (Table, Differences) {
    let mut merging = Merging { family, kept: Vec::new(), emptied: Vec::new() };
    let mut chains: Vec<Arc<Chain>> = Vec::new();
    for now in &current.chains {
        let (before, after) = (find(before, &now.name), find(after, &now.name));
        chains.extend(merging.chain(before, after, now).map(Arc::new));
    }
    for was in before.chains.iter().filter(|was| find(current, &was.name).is_none()) {
        match find(after, &was.name) {
            Some(_) => merging.kept.push(Difference::ChainDeleted { chain: was.name.clone() }),
            None => chains.push(was.clone()),
        }
    }
    let called: HashSet<Box<str>> =
        chains.iter().flat_map(|chain| &chain.rules).filter_map(callee).map(Into::into).collect();
    chains.extend(merging.emptied.into_iter().map(Arc::new).filter(|chain| called.contains(&chain.name)));
    let kept = Differences { family, table: current.name, list: merging.kept };
    (Table { name: current.name, chains }, kept)
}

fn find<'t>(table: &'t Table, name: &str) -> Option<&'t Chain> {
    table.chains.iter().map(|chain| &**chain).find(|chain| *chain.name == *name)
}

struct Merging {
    family: Family,
    kept: Vec<Difference>,
    /// Chains that the change has made, and that go unless others call them.
    emptied: Vec<Chain>,
}

impl Merging {
    /// A chain that there is now.
    fn chain(&mut self, before: Option<&Chain>, after: Option<&Chain>, now: &Chain) -> Option<Chain> {
        let name = &now.name;
        let nothing = Chain { name: name.clone(), policy: None, counters: None, rules: Vec::new() };
        let (was, made) = match (before, after) {
            (None, None) => return Some(now.clone()),
            (Some(was), Some(made)) => (was, made),
            (None, Some(made)) => (&nothing, made),
            (Some(was), None) => {
                self.kept.push(Difference::ChainAdded { chain: name.clone() });
                (was, &nothing)
            }
        };
        let told = self.kept.len();
        let policy = self.policy(was.policy, made.policy, now);
        let has_other_policy = self.kept.len() > told;
        let changed = before.is_none() || after.is_none();
        let rules = self.rules(was, made, now, changed);
        let is_left = before.is_some() || has_other_policy || !rules.is_empty();
        let chain = Chain { name: name.clone(), policy, counters: was.counters, rules };
        if is_left {
            return Some(chain);
        }
        self.emptied.push(chain);
        None
    }

    fn policy(&mut self, was: Option<Policy>, made: Option<Policy>, now: &Chain) -> Option<Policy> {
        match (made.or(was), now.policy) {
            (Some(old), Some(new)) if old != new => {
                self.kept.push(Difference::PolicyChanged { chain: now.name.clone(), old, new });
                Some(new)
            }
            (_, now) => was.or(now),
        }
    }

    /// `changed` if the change has made or deleted the chain.
    fn rules(&mut self, was: &Chain, made: &Chain, now: &Chain, changed: bool) -> Vec<Rule> {
        let mut numbers = Numbers::new(self.family, Fingerprints::default(), 0);
        let [before, after, current] = [was, made, now].map(|chain| {
            chain.rules.iter().map(|rule| numbers.of(Cow::Borrowed(rule))).collect::<Vec<usize>>()
        });
        if !changed && before == after {
            return now.rules.clone();
        }
        let stayed = common(&before, &after);
        let was_at: HashMap<usize, usize> = stayed.iter().map(|&(was, made)| (made, was)).collect();
        let left = common(&after, &current);
        let made_at: HashMap<usize, usize> = left.iter().map(|&(made, now)| (now, made)).collect();
        // Behind which rule of before, counted from 1, each of the others' rules stands.
        let mut behind = 0;
        let mut others: Vec<(usize, &Rule)> = Vec::new();
        for (place, rule) in now.rules.iter().enumerate() {
            match made_at.get(&place) {
                Some(made) => behind = was_at.get(made).map_or(behind, |was| was + 1),
                None => {
                    others.push((behind, rule));
                    let (chain, rule) = (now.name.clone(), RuleBody::Known(rule.clone()));
                    self.kept.push(Difference::RuleAdded { chain, rule });
                }
            }
        }
        let there: HashSet<usize> = left.iter().map(|&(made, _)| made).collect();
        let mut gone = HashSet::<usize>::new();
        for (place, rule) in made.rules.iter().enumerate().filter(|(place, _)| !there.contains(place)) {
            gone.extend(was_at.get(&place));
            let (chain, rule) = (now.name.clone(), RuleBody::Known(rule.clone()));
            self.kept.push(Difference::RuleDeleted { chain, rule });
        }
        let mut others = others.into_iter().peekable();
        let mut rules = Vec::new();
        for place in 0..=was.rules.len() {
            while let Some((_, rule)) = others.next_if(|(behind, _)| *behind == place) {
                rules.push(rule.clone());
            }
            rules.extend(was.rules.get(place).filter(|_| !gone.contains(&place)).cloned());
        }
        rules
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{TableName, Target};
    use proptest::prelude::*;

    fn rule(number: u8) -> Rule {
        Rule { target: Target::Jump(number.to_string().into()), ..Rule::default() }
    }

    fn table(rules: &[u8]) -> Table {
        let rules = rules.iter().copied().map(rule).collect();
        let chain = Chain { name: "x".into(), policy: None, counters: None, rules };
        Table { name: TableName::Filter, chains: vec![Arc::new(chain)] }
    }

    fn merged(before: &[u8], after: &[u8], current: &[u8]) -> (Table, Differences) {
        merge(Family::Ipv4, &table(before), &table(after), &table(current))
    }

    proptest! {
        #[test]
        fn nobody_else_or_only_others(
            one in prop::collection::vec(0..6u8, 0..12),
            other in prop::collection::vec(0..6u8, 0..12),
        ) {
            prop_assert_eq!(&merged(&one, &other, &other).0, &table(&one));
            prop_assert!(merged(&one, &other, &other).1.is_empty());
            prop_assert_eq!(&merged(&one, &one, &other).0, &table(&other));
        }

        #[test]
        fn what_others_added_is_kept_in_its_order(
            before in prop::collection::vec(0..6u8, 0..12),
            after in prop::collection::vec(0..6u8, 0..12),
            others in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
        ) {
            let mut current = after.clone();
            for (number, place) in (100..).zip(&others) {
                current.insert(place.index(current.len() + 1), number);
            }
            let (table, kept) = merged(&before, &after, &current);
            let rules = &table.chains[0].rules;
            let is_others = |rule: &&Rule| (100..110).any(|number| **rule == self::rule(number));
            let (theirs, ours): (Vec<_>, Vec<_>) = rules.iter().partition(is_others);
            let theirs_now: Vec<Rule> = current.iter().filter(|&&number| number >= 100).copied().map(rule).collect();
            let ours_before: Vec<Rule> = before.iter().copied().map(rule).collect();
            prop_assert!(theirs.into_iter().eq(&theirs_now));
            prop_assert!(ours.into_iter().eq(&ours_before));
            prop_assert_eq!(kept.list.len(), if before == after { 0 } else { others.len() });
        }
    }

    #[test]
    fn chains_that_others_use_stay() {
        let chain =
            |name: &str, rules: Vec<Rule>| Chain { name: name.into(), policy: None, counters: None, rules };
        let table = |chains: Vec<Chain>| Table {
            name: TableName::Filter,
            chains: chains.into_iter().map(Arc::new).collect(),
        };
        let nothing = table(Vec::new());
        let made = table(vec![chain("1", vec![rule(7)]), chain("2", Vec::new()), chain("3", Vec::new())]);
        let mut current = made.clone();
        Arc::make_mut(&mut current.chains[1]).rules.push(rule(8));
        current.chains.push(Arc::new(chain("9", vec![rule(1)])));
        let (back, kept) = merge(Family::Ipv4, &nothing, &made, &current);
        let expected = vec![chain("2", vec![rule(8)]), chain("9", vec![rule(1)]), chain("1", Vec::new())];
        assert_eq!(back, table(expected));
        assert_eq!(kept.to_string(), "filter: added: -A 2 -j 8");
        let gone = table(Vec::new());
        let (back, kept) = merge(Family::Ipv4, &made, &made, &gone);
        assert_eq!((back, kept.list.len()), (gone, 3));
    }
}
