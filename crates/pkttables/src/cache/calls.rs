use super::callers::Callers;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::sync::Arc;

/// How many chains a packet can be in at once, the base chain among them (`NFT_JUMP_STACK_SIZE`).
pub const DEPTH: usize = 16;

/// Heights from here on are not told apart.
const HIGHEST: usize = DEPTH + 1;

/// Which chains of a table call which, and whether packets get out again.
///
/// Each edit costs what it changes, and [`Calls::check`] then no more than the number of base chains.
#[derive(Clone, Debug, Default)]
pub struct Calls {
    numbers: HashMap<Arc<str>, u32>,
    chains: Vec<Node>,
    /// The chain whose number was looked up last as that of a caller, as mostly many rules of one are noted.
    last_caller: u32,
    bases: Vec<u32>,
    changed: Vec<u32>,
}

#[derive(Clone, Debug)]
struct Node {
    name: Arc<str>,
    callers: Callers,
    references: u32,
    /// The longest way down from here, in calls; endless ones are as high as the highest.
    height: u8,
    /// How many chains of each height this one calls, if it has called any.
    below: Option<Box<[u32; HIGHEST + 1]>>,
}

/// Calls that the kernel does not allow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Endless {
    /// The chains call one another in this order, and the last one the first.
    Loop(Vec<Box<str>>),
    /// The chains call one another in this order, and are more than the kernel allows.
    Ladder(Vec<Box<str>>),
}

impl Calls {
    /// No chains and no calls.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Notes that packets come into a chain without being sent there by a rule.
    pub fn add_base(&mut self, chain: &str) {
        let number = self.number(chain);
        if !self.bases.contains(&number) {
            self.bases.push(number);
        }
    }

    /// Notes a rule of `caller` that jumps or goes to `callee`.
    pub fn add(&mut self, caller: &str, callee: &str) {
        let (caller, callee) = (self.caller_number(caller), self.number(callee));
        self.add_call(caller, callee);
    }

    /// Notes rules of `caller`, which mostly jump or go to one chain after the other.
    pub(super) fn add_all<'c>(&mut self, caller: &str, callees: impl Iterator<Item = &'c str>) {
        let mut next = 0;
        for callee in callees {
            let callee = match self.node(next) {
                Some(node) if *node.name == *callee => next,
                _ => self.number(callee),
            };
            next = callee + 1;
            let caller = self.caller_number(caller);
            self.add_call(caller, callee);
        }
    }

    fn add_call(&mut self, caller: u32, callee: u32) {
        let Some(node) = self.chains.get_mut(callee as usize) else { return };
        node.references += 1;
        let height = node.height;
        if node.callers.add(caller) {
            self.count_below(caller, None, Some(height));
            self.settle();
        }
    }

    /// Notes that one such rule is gone.
    pub fn remove(&mut self, caller: &str, callee: &str) {
        let Some(&callee) = self.numbers.get(callee) else { return };
        let caller = self.caller_number(caller);
        let Some(node) = self.chains.get_mut(callee as usize) else { return };
        let Some(is_last) = node.callers.remove(caller) else { return };
        node.references -= 1;
        if is_last {
            let height = node.height;
            self.count_below(caller, Some(height), None);
            self.settle();
        }
    }

    /// How many rules call a chain.
    #[must_use]
    pub fn references(&self, chain: &str) -> usize {
        let node = self.numbers.get(chain).and_then(|&number| self.chains.get(number as usize));
        node.map_or(0, |node| node.references as usize)
    }

    /// A chain that calls this one, if any does.
    #[must_use]
    pub fn caller(&self, chain: &str) -> Option<&str> {
        let node = self.node(*self.numbers.get(chain)?)?;
        Some(&self.node(node.callers.iter().next()?)?.name)
    }

    /// Whether the kernel lets packets into this; what no packet comes to may be endless.
    pub fn check(&self) -> Result<(), Endless> {
        let mut bases = self.bases.iter().filter_map(|&number| Some((number, self.node(number)?)));
        match bases.find(|(_, node)| usize::from(node.height) >= DEPTH) {
            None => Ok(()),
            Some((number, _)) => Err(self.explain(number)),
        }
    }

    fn node(&self, number: u32) -> Option<&Node> {
        self.chains.get(number as usize)
    }

    /// Makes room for so many more chains.
    pub(super) fn reserve(&mut self, chains: usize) {
        self.numbers.reserve(chains);
        self.chains.reserve(chains);
    }

    fn caller_number(&mut self, name: &str) -> u32 {
        if self.node(self.last_caller).is_none_or(|last| *last.name != *name) {
            self.last_caller = self.number(name);
        }
        self.last_caller
    }

    /// The number that a chain has.
    pub(super) fn number_of(&self, name: &str) -> Option<u32> {
        self.numbers.get(name).copied()
    }

    /// The number that a chain has, or now gets: they are counted up from 0.
    pub(super) fn number(&mut self, name: &str) -> u32 {
        if let Some(&number) = self.numbers.get(name) {
            return number;
        }
        self.add_chain(name).unwrap_or_default()
    }

    /// The number of a chain that is new; `None`, and nothing is done, if it is known.
    pub(super) fn add_chain(&mut self, name: &str) -> Option<u32> {
        let number = self.chains.len() as u32;
        let name: Arc<str> = name.into();
        match self.numbers.entry(name.clone()) {
            Entry::Occupied(_) => return None,
            Entry::Vacant(entry) => *entry.insert(number),
        };
        self.chains.push(Node { name, callers: Callers::default(), references: 0, height: 0, below: None });
        Some(number)
    }

    /// Notes that a chain that `caller` calls has another height.
    fn count_below(&mut self, caller: u32, old: Option<u8>, new: Option<u8>) {
        let Some(node) = self.chains.get_mut(caller as usize) else { return };
        let below = node.below.get_or_insert_with(|| Box::new([0; HIGHEST + 1]));
        if let Some(count) = old.and_then(|old| below.get_mut(usize::from(old))) {
            *count -= 1;
        }
        if let Some(count) = new.and_then(|new| below.get_mut(usize::from(new))) {
            *count += 1;
        }
        if node.height_from_below() != node.height {
            self.changed.push(caller);
        }
    }

    /// Carries changed heights up to the callers.
    fn settle(&mut self) {
        while let Some(number) = self.changed.pop() {
            let Some(node) = self.chains.get_mut(number as usize) else { continue };
            let (old, new) = (node.height, node.height_from_below());
            if old == new {
                continue;
            }
            node.height = new;
            let callers: Vec<u32> = node.callers.iter().collect();
            for caller in callers {
                self.count_below(caller, Some(old), Some(new));
            }
        }
    }

    /// Follows the longest way down from a base chain.
    fn explain(&self, base: u32) -> Endless {
        let mut called = HashMap::<u32, u32>::new();
        for (number, node) in self.chains.iter().enumerate() {
            for caller in node.callers.iter() {
                let best = called.entry(caller).or_insert(number as u32);
                if self.node(*best).is_some_and(|best| best.height < node.height) {
                    *best = number as u32;
                }
            }
        }
        let mut way = vec![base];
        while let Some(&next) = way.last().and_then(|last| called.get(last)) {
            if let Some(first) = way.iter().position(|&seen| seen == next) {
                return Endless::Loop(self.names(way.get(first..).unwrap_or_default()));
            }
            way.push(next);
        }
        Endless::Ladder(self.names(&way))
    }

    fn names(&self, numbers: &[u32]) -> Vec<Box<str>> {
        numbers.iter().filter_map(|&number| Some((*self.node(number)?.name).into())).collect()
    }
}

impl Node {
    fn height_from_below(&self) -> u8 {
        let highest = self.below.as_ref().and_then(|below| below.iter().rposition(|&count| count > 0));
        highest.map_or(0, |highest| (highest + 1).min(HIGHEST) as u8)
    }
}

impl fmt::Display for Endless {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Loop(chains) => {
                let first = chains.first().map_or("", |name| name);
                write!(f, "chains call one another without end: {} -> {first}", chains.join(" -> "))
            }
            Self::Ladder(chains) => {
                let (len, names) = (chains.len(), chains.join(" -> "));
                write!(f, "{len} chains call one another, and the kernel allows {DEPTH}: {names}")
            }
        }
    }
}

impl std::error::Error for Endless {}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn names(numbers: impl IntoIterator<Item = u32>) -> Vec<Box<str>> {
        numbers.into_iter().map(|number| number.to_string().into()).collect()
    }

    fn of(base: u32, calls: &[(u32, u32)]) -> Calls {
        let mut graph = Calls::new();
        graph.add_base(&base.to_string());
        for (from, to) in calls {
            graph.add(&from.to_string(), &to.to_string());
        }
        graph
    }

    /// What the kernel does, on small graphs: it walks down from the base chain.
    fn too_deep(base: u32, calls: &[(u32, u32)]) -> bool {
        let mut level = vec![base];
        for _ in 1..DEPTH {
            let mut next: Vec<u32> =
                calls.iter().filter(|(from, _)| level.contains(from)).map(|&(_, to)| to).collect();
            next.sort_unstable();
            next.dedup();
            level = next;
        }
        calls.iter().any(|(from, _)| level.contains(from))
    }

    #[test]
    fn a_ladder_is_as_deep_as_the_kernel_allows() {
        let ladder: Vec<_> = (0..DEPTH as u32).map(|step| (step, step + 1)).collect();
        let mut calls = of(0, &ladder[..DEPTH - 1]);
        assert_eq!(calls.check(), Ok(()));
        calls.add("15", "16");
        assert_eq!(calls.check(), Err(Endless::Ladder(names(0..=16))));
        calls.remove("7", "8");
        assert_eq!(calls.check(), Ok(()));
    }

    #[test]
    fn a_loop_is_told_by_its_chains() {
        let mut calls = of(0, &[(0, 1), (1, 2), (2, 3), (3, 1), (3, 4)]);
        let endless = calls.check().unwrap_err();
        assert_eq!(endless, Endless::Loop(names([1, 2, 3])));
        assert_eq!(endless.to_string(), "chains call one another without end: 1 -> 2 -> 3 -> 1");
        calls.remove("0", "1");
        assert_eq!(calls.check(), Ok(()), "no packet comes there");
        assert_eq!((calls.references("1"), calls.references("0"), calls.references("?")), (1, 0, 0));
        assert_eq!((calls.caller("1"), calls.caller("0"), calls.caller("?")), (Some("3"), None, None));
    }

    proptest! {
        #[test]
        fn edits_give_what_the_kernel_would_find(
            edits in prop::collection::vec((any::<bool>(), 0..20u32, 0..20u32), 0..80)
        ) {
            let mut graph = of(0, &[]);
            let mut calls: Vec<(u32, u32)> = Vec::new();
            for (remove, from, to) in edits {
                match calls.iter().position(|call| remove && *call == (from, to)) {
                    Some(place) => {
                        calls.swap_remove(place);
                        graph.remove(&from.to_string(), &to.to_string());
                    }
                    None => {
                        calls.push((from, to));
                        graph.add(&from.to_string(), &to.to_string());
                    }
                }
                prop_assert_eq!(graph.check().is_err(), too_deep(0, &calls), "{:?}", calls);
            }
        }
    }
}
