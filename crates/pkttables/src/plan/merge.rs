//! What a table is when one change of it is taken back and those of others are not.

use super::numbers::Numbers;
use super::sequence::common;
use crate::cache::{Difference, Differences, callee};
use crate::model::{Chain, Family, Policy, Rule, Table};
use crate::nft::RuleBody;
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

/// Takes the change from `before` to `after` back from `current`.
///
/// What is in `current` and not in `after` is what others have changed. It stays, and is told where it is in chains
/// that the change was about.
pub(super) fn merge(family: Family, before: &Table, after: &Table, current: &Table) -> (Table, Differences) {
    let mut merging = Merging { family, kept: Vec::new(), emptied: Vec::new() };
    let mut chains: Vec<Chain> = Vec::new();
    for now in &current.chains {
        let (before, after) = (find(before, &now.name), find(after, &now.name));
        chains.extend(merging.chain(before, after, now));
    }
    for was in before.chains.iter().filter(|was| find(current, &was.name).is_none()) {
        match find(after, &was.name) {
            Some(_) => merging.kept.push(Difference::ChainDeleted { chain: was.name.clone() }),
            None => chains.push(was.clone()),
        }
    }
    let called: HashSet<Box<str>> =
        chains.iter().flat_map(|chain| &chain.rules).filter_map(callee).map(Into::into).collect();
    chains.extend(merging.emptied.into_iter().filter(|chain| called.contains(&chain.name)));
    let kept = Differences { family, table: current.name, list: merging.kept };
    (Table { name: current.name, chains }, kept)
}

fn find<'t>(table: &'t Table, name: &str) -> Option<&'t Chain> {
    table.chains.iter().find(|chain| *chain.name == *name)
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
        let rules = self.rules(was, made, now);
        let chain = Chain { name: name.clone(), policy, counters: was.counters, rules };
        if before.is_none() && self.kept.len() == told {
            self.emptied.push(chain);
            return None;
        }
        Some(chain)
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

    fn rules(&mut self, was: &Chain, made: &Chain, now: &Chain) -> Vec<Rule> {
        let mut numbers = Numbers::new(self.family);
        let [before, after, current] = [was, made, now].map(|chain| {
            chain.rules.iter().map(|rule| numbers.of(Cow::Borrowed(rule))).collect::<Vec<u32>>()
        });
        if before == after {
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
