use super::calls::Calls;
use super::rules::{CachedRule, ChainRules};
use crate::kernel::{ChainEntry, ChainKind, KernelError, Snapshot};
use crate::model::{Chain, Family, Rule, TableName, Target};
use nfnetlink::Transport;
use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Weak};

/// What the kernel holds of some tables, as far as it was asked for, at one generation.
///
/// ```no_run
/// use pkttables::cache::Cache;
/// use pkttables::kernel::{Kernel, KernelError};
/// use pkttables::model::{Family, TableName};
///
/// let mut kernel = Kernel::open()?;
/// let mut cache = Cache::new();
/// let rules = kernel.read(|snapshot| {
///     cache.renew(snapshot.generation());
///     let table = cache.table(snapshot, Family::Ipv4, TableName::Filter)?;
///     Ok::<_, KernelError>(table.chain("INPUT").and_then(|chain| Some(chain.rules()?.len())))
/// })?;
/// # let _ = rules;
/// # Ok::<(), KernelError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Cache {
    generation: Option<u32>,
    tables: HashMap<(Family, TableName), CachedTable>,
}

/// A table, as far as it is known.
#[derive(Clone, Debug, Default)]
pub struct CachedTable {
    /// In the kernel's order, unless chains have been deleted since.
    chains: Vec<CachedChain>,
    /// The chains whose rules are not known, by their places.
    unread: BTreeSet<usize>,
    /// For each chain the one that it was found to be as, which lives as long as nobody has changed it.
    found_as: Vec<Weak<Chain>>,
    /// Of the chains whose rules are known; each chain's number in it is its place.
    calls: Calls,
    /// Whether there may be other chains by now.
    outdated: bool,
    /// The highest handle of a chain, and the names of those that were made since.
    newest: u64,
    made_since: HashMap<u64, Box<str>>,
}

/// A chain, and its rules where they are known.
#[derive(Clone, Debug)]
pub struct CachedChain {
    /// What the kernel says of the chain itself.
    pub entry: ChainEntry,
    rules: Option<ChainRules>,
}

impl Cache {
    /// A cache that knows nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The generation that it holds.
    #[must_use]
    pub const fn generation(&self) -> Option<u32> {
        self.generation
    }

    /// Forgets everything, unless it is of this generation.
    pub fn renew(&mut self, generation: u32) {
        if self.generation != Some(generation) {
            self.tables.clear();
            self.generation = Some(generation);
        }
    }

    /// Takes what it holds for this generation. What the change to it has touched is to be forgotten before.
    pub const fn advance(&mut self, generation: u32) {
        self.generation = Some(generation);
    }

    /// A table, if anything is known of it.
    pub(super) fn known_mut(&mut self, family: Family, table: TableName) -> Option<&mut CachedTable> {
        self.tables.get_mut(&(family, table))
    }

    /// Forgets the rules of a chain.
    pub fn forget_rules(&mut self, family: Family, table: TableName, chain: &str) {
        if let Some(table) = self.tables.get_mut(&(family, table)) {
            table.forget(chain);
        }
    }

    /// Forgets which chains a table has. Of those that are found to be still there the rules stay known.
    pub fn forget_chains(&mut self, family: Family, table: TableName) {
        if let Some(table) = self.tables.get_mut(&(family, table)) {
            table.outdated = true;
        }
    }

    /// Forgets a table.
    pub fn forget(&mut self, family: Family, table: TableName) {
        self.tables.remove(&(family, table));
    }

    /// A table's chains without their rules, apart from those known already.
    pub fn chains<T: Transport>(
        &mut self,
        snapshot: &mut Snapshot<'_, T>,
        family: Family,
        table: TableName,
    ) -> Result<&mut CachedTable, KernelError> {
        self.renew(snapshot.generation());
        let known = self.tables.remove(&(family, table));
        let current = match known {
            Some(known) if !known.outdated => known,
            known => {
                let mut table = CachedTable::new(&snapshot.chains(family, table)?);
                if let Some(known) = known {
                    table.take_rules(known);
                }
                table
            }
        };
        Ok(self.tables.entry((family, table)).or_insert(current))
    }

    /// A table with the rules of all chains.
    pub fn table<T: Transport>(
        &mut self,
        snapshot: &mut Snapshot<'_, T>,
        family: Family,
        table: TableName,
    ) -> Result<&mut CachedTable, KernelError> {
        self.table_where(snapshot, family, table, |_| true)
    }

    /// A table with the rules of the chains that `wanted` picks, and of those known already.
    pub fn table_where<T: Transport>(
        &mut self,
        snapshot: &mut Snapshot<'_, T>,
        family: Family,
        table: TableName,
        wanted: impl Fn(&str) -> bool,
    ) -> Result<&mut CachedTable, KernelError> {
        let cached = self.chains(snapshot, family, table)?;
        let unread = cached.unread.iter().filter_map(|&place| Some(&cached.chains.get(place)?.entry.name));
        let names: Vec<Box<str>> = unread.filter(|name| wanted(name)).cloned().collect();
        let asked: Vec<&str> = names.iter().map(|name| &**name).collect();
        let mut read: Vec<ChainRules> = names.iter().map(|_| ChainRules::new(family)).collect();
        snapshot.for_each_rule(family, table, &asked, |place, rule| {
            if let Some(rules) = read.get_mut(place) {
                rules.push(rule.into());
            }
            Ok::<_, KernelError>(())
        })?;
        for (name, rules) in names.iter().zip(read) {
            cached.know(name, rules);
        }
        Ok(cached)
    }
}

impl CachedTable {
    /// A table with these chains, whose rules are not known.
    #[must_use]
    pub fn new(chains: &[ChainEntry]) -> Self {
        let mut table = Self { chains: Vec::with_capacity(chains.len()), ..Self::default() };
        table.calls.reserve(chains.len());
        for entry in chains {
            // There may be one of this name already.
            if table.calls.add_chain(&entry.name).is_none() {
                continue;
            }
            if matches!(&entry.kind, ChainKind::Builtin { .. })
                || matches!(&entry.kind, ChainKind::Foreign(chain) if chain.hook.is_some())
            {
                table.calls.add_base(&entry.name);
            }
            table.newest = table.newest.max(entry.handle);
            table.chains.push(CachedChain { entry: entry.clone(), rules: None });
        }
        table.unread = (0..table.chains.len()).collect();
        table.found_as.resize_with(table.chains.len(), Weak::new);
        table
    }

    /// The chains in the kernel's order.
    #[must_use]
    pub fn all(&self) -> &[CachedChain] {
        &self.chains
    }

    /// The chain of this name.
    #[must_use]
    pub fn chain(&self, name: &str) -> Option<&CachedChain> {
        self.chains.get(self.place(name)?)
    }

    /// Where the chain of this name is among [`CachedTable::all`].
    pub(crate) fn place(&self, name: &str) -> Option<usize> {
        self.calls.number_of(name).map(|number| number as usize).filter(|&place| place < self.chains.len())
    }

    /// Whether it is known that the chain at this place is as `wanted`.
    pub(crate) fn is_found_as(&self, place: usize, wanted: &Arc<Chain>) -> bool {
        self.found_as.get(place).is_some_and(|found| Weak::as_ptr(found) == Arc::as_ptr(wanted))
    }

    /// Notes that the chain at this place is as `wanted`.
    pub(crate) fn found_as(&mut self, place: usize, wanted: &Arc<Chain>) {
        if let Some(found) = self.found_as.get_mut(place) {
            *found = Arc::downgrade(wanted);
        }
    }

    /// Has `look` see the calls as they are without some and with others, given by caller and callee; then they are
    /// again as they were.
    pub(crate) fn with_calls<R>(
        &mut self,
        gone: &[(Cow<'_, str>, Cow<'_, str>)],
        come: &[(Cow<'_, str>, Cow<'_, str>)],
        look: impl FnOnce(&Calls) -> R,
    ) -> R {
        let calls = &mut self.calls;
        gone.iter().for_each(|(caller, callee)| calls.remove(caller, callee));
        come.iter().for_each(|(caller, callee)| calls.add(caller, callee));
        let seen = look(calls);
        come.iter().for_each(|(caller, callee)| calls.remove(caller, callee));
        gone.iter().for_each(|(caller, callee)| calls.add(caller, callee));
        seen
    }

    /// Notes that packets come into a chain that there is going to be.
    pub(crate) fn add_base(&mut self, chain: &str) {
        self.calls.add_base(chain);
    }

    /// Which of the chains whose rules are known call which.
    #[must_use]
    pub const fn calls(&self) -> &Calls {
        &self.calls
    }

    /// Notes that a chain is new or has changed; tells whether it has the name that it had.
    pub(super) fn note_chain(&mut self, name: Box<str>, handle: u64) -> bool {
        match self.chain(&name) {
            Some(chain) if chain.entry.handle == handle => true,
            _ if handle <= self.newest => false,
            _ => *self.made_since.entry(handle).or_insert_with(|| name.clone()) == name,
        }
    }

    /// Gives the rules of a chain that is here.
    pub fn know(&mut self, chain: &str, rules: ChainRules) {
        // Mostly one is told after the other.
        let next = self.unread.first().copied().filter(|&next| self.is_at(next, chain));
        let Some(place) = next.or_else(|| self.place(chain)) else { return };
        self.forget_at(place);
        let Some(known) = self.chains.get_mut(place) else { return };
        known.rules = Some(rules);
        self.calls.add_all(chain, known.callees());
        self.unread.remove(&place);
    }

    /// The place of the rule with this handle, from 0, in a chain whose rules are known.
    pub fn index_of_handle(&mut self, chain: &str, handle: u64) -> Option<usize> {
        self.rules_mut(chain)?.index_of_handle(handle)
    }

    /// The place of the first rule that does the same as this one, from 0, in a chain whose rules are known.
    pub fn find(&mut self, chain: &str, rule: &Rule) -> Option<usize> {
        self.rules_mut(chain)?.find(rule)
    }

    /// Puts a rule at a place, from 0, of a chain whose rules are known.
    pub fn insert(&mut self, chain: &str, index: usize, rule: CachedRule) {
        let Some(place) = self.place(chain) else { return };
        let rules = self.chains.get_mut(place).and_then(|chain| chain.rules.as_mut());
        let Some(rules) = rules.filter(|rules| index <= rules.len()) else { return };
        if let Some(callee) = rule.callee() {
            self.calls.add(chain, callee);
        }
        rules.insert(index, rule);
        self.touch(place);
    }

    /// Takes out the rule at a place, from 0, of a chain whose rules are known.
    pub fn remove(&mut self, chain: &str, index: usize) -> Option<CachedRule> {
        let place = self.place(chain)?;
        let rule = self.chains.get_mut(place)?.rules.as_mut()?.remove(index)?;
        if let Some(callee) = rule.callee() {
            self.calls.remove(chain, callee);
        }
        self.touch(place);
        Some(rule)
    }

    fn is_at(&self, place: usize, chain: &str) -> bool {
        self.chains.get(place).is_some_and(|there| *there.entry.name == *chain)
    }

    fn rules_mut(&mut self, chain: &str) -> Option<&mut ChainRules> {
        let place = self.place(chain)?;
        self.chains.get_mut(place)?.rules.as_mut()
    }

    /// Forgets the rules of a chain.
    pub fn forget(&mut self, chain: &str) {
        if let Some(place) = self.place(chain) {
            self.forget_at(place);
        }
    }

    fn forget_at(&mut self, place: usize) {
        self.touch(place);
        let Some(known) = self.chains.get_mut(place).filter(|known| known.rules.is_some()) else { return };
        known.callees().for_each(|callee| self.calls.remove(&known.entry.name, callee));
        known.rules = None;
        self.unread.insert(place);
    }

    /// Forgets what the chain at this place was found to be as.
    fn touch(&mut self, place: usize) {
        if let Some(found) = self.found_as.get_mut(place) {
            *found = Weak::new();
        }
    }

    /// Takes over the rules of those chains that are still there.
    fn take_rules(&mut self, known: Self) {
        for (chain, found_as) in known.chains.into_iter().zip(known.found_as) {
            let Some(place) = self.place(&chain.entry.name) else { continue };
            let Some(new) = self.chains.get(place).map(|new| &new.entry) else { continue };
            let (same, unchanged) = (new.handle == chain.entry.handle, new.kind == chain.entry.kind);
            let Some(rules) = chain.rules.filter(|_| same) else { continue };
            self.know(&chain.entry.name, rules);
            if let Some(found) = self.found_as.get_mut(place).filter(|_| unchanged) {
                *found = found_as;
            }
        }
    }
}

impl CachedChain {
    /// The rules, if they are known.
    #[must_use]
    pub const fn rules(&self) -> Option<&ChainRules> {
        self.rules.as_ref()
    }

    /// The chains that its rules call, as far as they are known; for each rule that does.
    pub(crate) fn callees(&self) -> impl Iterator<Item = &str> {
        let rules = self.rules.iter().flat_map(ChainRules::iter);
        rules.filter_map(CachedRule::callee)
    }
}

/// The chain that a rule jumps or goes to.
#[must_use]
pub fn callee(rule: &Rule) -> Option<&str> {
    match &rule.target {
        Target::Jump(name) | Target::Goto(name) => Some(name),
        _ => None,
    }
}
