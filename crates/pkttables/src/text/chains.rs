use crate::cache::callee;
use crate::model::{Chain, Rule, Target};
use std::collections::{BTreeMap, HashMap};

/// The chains of a table that is being put together, in the order in which they came.
#[derive(Debug, Default)]
pub(super) struct Chains {
    /// What is deleted leaves its place empty.
    list: Vec<Option<Chain>>,
    places: HashMap<Box<str>, usize>,
    callers: Option<Callers>,
}

/// How many rules of which chains call a chain; kept from when it is first asked for.
type Callers = HashMap<Box<str>, BTreeMap<usize, usize>>;

impl Chains {
    /// Where the chain of this name is.
    pub(super) fn place(&self, name: &str) -> Option<usize> {
        self.places.get(name).copied()
    }

    pub(super) fn get(&self, place: usize) -> Option<&Chain> {
        self.list.get(place)?.as_ref()
    }

    /// For changes to all but name and calls.
    pub(super) fn get_mut(&mut self, place: usize) -> Option<&mut Chain> {
        self.list.get_mut(place)?.as_mut()
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.places.keys().map(|name| &**name)
    }

    /// For changes to all but names and calls.
    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Chain> {
        self.list.iter_mut().flatten()
    }

    /// Takes the chains out; their names are still known then.
    pub(super) fn take(&mut self) -> Vec<Chain> {
        std::mem::take(&mut self.list).into_iter().flatten().collect()
    }

    /// Adds a chain without rules, whose name no other has. Gives its place.
    pub(super) fn add(&mut self, chain: Chain) -> usize {
        let place = self.list.len();
        self.places.insert(chain.name.clone(), place);
        self.list.push(Some(chain));
        place
    }

    /// Puts a rule at an index of a chain; `false` if that is beyond the end.
    pub(super) fn insert(&mut self, place: usize, index: usize, rule: Rule) -> bool {
        let Some(Some(chain)) = self.list.get_mut(place) else { return false };
        if index > chain.rules.len() {
            return false;
        }
        note(&mut self.callers, place, &rule);
        chain.rules.insert(index, rule);
        true
    }

    /// Takes out the rule at an index of a chain; `false` if there is none.
    pub(super) fn remove(&mut self, place: usize, index: usize) -> bool {
        let Some(Some(chain)) = self.list.get_mut(place) else { return false };
        if index >= chain.rules.len() {
            return false;
        }
        forget(&mut self.callers, place, &chain.rules.remove(index));
        true
    }

    /// Takes out all rules of a chain.
    pub(super) fn clear(&mut self, place: usize) {
        let Some(Some(chain)) = self.list.get_mut(place) else { return };
        chain.rules.drain(..).for_each(|rule| forget(&mut self.callers, place, &rule));
    }

    /// Takes out all rules of all chains.
    pub(super) fn clear_all(&mut self) {
        self.callers = None;
        self.iter_mut().for_each(|chain| chain.rules.clear());
    }

    /// Whether a rule calls the chain of this name.
    pub(super) fn is_called(&mut self, name: &str) -> bool {
        self.callers().contains_key(name)
    }

    /// Deletes a chain with its rules.
    pub(super) fn delete(&mut self, place: usize) {
        self.clear(place);
        if let Some(chain) = self.list.get_mut(place).and_then(Option::take) {
            self.places.remove(&chain.name);
        }
    }

    /// Deletes the chains that are not to be kept: `keep` is told whether a rule calls the chain.
    pub(super) fn retain(&mut self, keep: impl Fn(&Chain, bool) -> bool) {
        self.callers();
        let Self { list, callers, .. } = &*self;
        let is_called = |name: &str| callers.as_ref().is_some_and(|callers| callers.contains_key(name));
        let chains = list.iter().enumerate().filter_map(|(place, chain)| Some((place, chain.as_ref()?)));
        let gone = chains.filter(|(_, chain)| !keep(chain, is_called(&chain.name)));
        let gone: Vec<usize> = gone.map(|(place, _)| place).collect();
        gone.into_iter().for_each(|place| self.delete(place));
    }

    /// Gives a chain another name, which none has, also in the rules that call it.
    pub(super) fn rename(&mut self, place: usize, new: &str) {
        self.callers();
        let Some(Some(chain)) = self.list.get_mut(place) else { return };
        let old = std::mem::replace(&mut chain.name, new.into());
        self.places.remove(&old);
        self.places.insert(new.into(), place);
        let Some(callers) = self.callers.as_mut().and_then(|callers| callers.remove(&old)) else { return };
        for &place in callers.keys() {
            let rules = self.list.get_mut(place).into_iter().flatten().flat_map(|chain| &mut chain.rules);
            for rule in rules.filter(|rule| callee(rule) == Some(&*old)) {
                if let Target::Jump(to) | Target::Goto(to) = &mut rule.target {
                    *to = new.into();
                }
            }
        }
        let of_new = self.callers.get_or_insert_default().entry(new.into()).or_default();
        callers.into_iter().for_each(|(place, rules)| *of_new.entry(place).or_default() += rules);
    }

    fn callers(&mut self) -> &mut Callers {
        let Self { list, callers, .. } = self;
        callers.get_or_insert_with(|| {
            let mut callers = Callers::new();
            for (place, chain) in list.iter().enumerate() {
                let rules = chain.iter().flat_map(|chain| &chain.rules);
                rules.filter_map(callee).for_each(|name| count(&mut callers, place, name));
            }
            callers
        })
    }
}

fn count(callers: &mut Callers, place: usize, name: &str) {
    if let Some(rules) = callers.get_mut(name) {
        *rules.entry(place).or_default() += 1;
    } else {
        callers.insert(name.into(), BTreeMap::from([(place, 1)]));
    }
}

/// Notes the call of a rule that comes into the chain at a place.
fn note(callers: &mut Option<Callers>, place: usize, rule: &Rule) {
    if let Some((callers, name)) = callers.as_mut().zip(callee(rule)) {
        count(callers, place, name);
    }
}

/// Forgets the call of a rule that goes from the chain at a place.
fn forget(callers: &mut Option<Callers>, place: usize, rule: &Rule) {
    let Some((callers, name)) = callers.as_mut().zip(callee(rule)) else { return };
    let Some(of_name) = callers.get_mut(name) else { return };
    if let Some(rules) = of_name.get_mut(&place) {
        *rules -= 1;
        if *rules == 0 {
            of_name.remove(&place);
        }
    }
    if of_name.is_empty() {
        callers.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn jump(name: usize) -> Rule {
        Rule { target: Target::Jump(name.to_string().into()), ..Rule::default() }
    }

    proptest! {
        #[test]
        fn calls_are_those_of_the_rules(
            edits in prop::collection::vec((0..7_u8, 0..4_usize, 0..6_usize), 0..60)
        ) {
            let mut chains = Chains::default();
            for name in 0..4_usize {
                let name = name.to_string().into();
                chains.add(Chain { name, policy: None, counters: None, rules: Vec::new() });
            }
            for (what, place, other) in edits {
                match what {
                    0 => chains.clear(place),
                    1 => chains.delete(place),
                    2 if chains.get(place).is_some() && chains.place(&other.to_string()).is_none() => {
                        let name = chains.get(place).map(|chain| chain.name.clone()).unwrap_or_default();
                        chains.rename(place, &other.to_string());
                        prop_assert!(!chains.is_called(&name));
                    }
                    3 => drop(chains.remove(place, other)),
                    _ => drop(chains.insert(place, 0, jump(other))),
                }
                for name in 0..6_usize {
                    let name = name.to_string();
                    let is_called = (0..4).filter_map(|place| chains.get(place))
                        .any(|chain| chain.rules.iter().any(|rule| callee(rule) == Some(&*name)));
                    prop_assert_eq!(chains.is_called(&name), is_called, "{}", name);
                }
            }
        }
    }
}
