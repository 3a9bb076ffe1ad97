use super::calls::Calls;
use super::rules::{CachedRule, ChainRules};
use crate::kernel::{ChainEntry, ChainKind, KernelError, Snapshot};
use crate::model::{Family, Rule, TableName, Target};
use nfnetlink::Transport;
use std::collections::HashMap;

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
    numbers: HashMap<Box<str>, usize>,
    /// Of the chains whose rules are known.
    calls: Calls,
    /// Whether there may be other chains by now.
    outdated: bool,
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
                for chain in known.into_iter().flat_map(|known| known.chains) {
                    let same = |new: &CachedChain| new.entry.handle == chain.entry.handle;
                    if let Some(rules) = chain.rules
                        && table.chain(&chain.entry.name).is_some_and(same)
                    {
                        table.know(&chain.entry.name, rules);
                    }
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
        let missing = |chain: &&CachedChain| chain.rules.is_none() && wanted(&chain.entry.name);
        let names: Vec<Box<str>> =
            cached.chains.iter().filter(missing).map(|chain| chain.entry.name.clone()).collect();
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
        let mut table = Self::default();
        for entry in chains {
            if matches!(&entry.kind, ChainKind::Builtin { .. })
                || matches!(&entry.kind, ChainKind::Foreign(chain) if chain.hook.is_some())
            {
                table.calls.add_base(&entry.name);
            }
            table.numbers.insert(entry.name.clone(), table.chains.len());
            table.chains.push(CachedChain { entry: entry.clone(), rules: None });
        }
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
        self.chains.get(*self.numbers.get(name)?)
    }

    /// Which of the chains whose rules are known call which.
    #[must_use]
    pub const fn calls(&self) -> &Calls {
        &self.calls
    }

    /// Gives the rules of a chain that is here.
    pub fn know(&mut self, chain: &str, rules: ChainRules) {
        self.forget(chain);
        let Some(place) = self.numbers.get(chain).and_then(|&number| self.chains.get_mut(number)) else {
            return;
        };
        for callee in rules.iter().filter_map(|rule| callee(rule.known()?)) {
            self.calls.add(chain, callee);
        }
        place.rules = Some(rules);
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
        let calls = rule.known().and_then(callee).map(Box::<str>::from);
        let Some(rules) = self.rules_mut(chain).filter(|rules| index <= rules.len()) else { return };
        rules.insert(index, rule);
        if let Some(callee) = calls {
            self.calls.add(chain, &callee);
        }
    }

    /// Takes out the rule at a place, from 0, of a chain whose rules are known.
    pub fn remove(&mut self, chain: &str, index: usize) -> Option<CachedRule> {
        let rule = self.rules_mut(chain)?.remove(index)?;
        if let Some(callee) = rule.known().and_then(callee) {
            self.calls.remove(chain, callee);
        }
        Some(rule)
    }

    fn rules_mut(&mut self, chain: &str) -> Option<&mut ChainRules> {
        self.chains.get_mut(*self.numbers.get(chain)?)?.rules.as_mut()
    }

    /// Forgets the rules of a chain.
    pub fn forget(&mut self, chain: &str) {
        let Some(place) = self.numbers.get(chain).and_then(|&number| self.chains.get_mut(number)) else {
            return;
        };
        for rule in place.rules.take().iter().flat_map(ChainRules::iter) {
            if let Some(callee) = rule.known().and_then(callee) {
                self.calls.remove(chain, callee);
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
}

/// The chain that a rule jumps or goes to.
#[must_use]
pub fn callee(rule: &Rule) -> Option<&str> {
    match &rule.target {
        Target::Jump(name) | Target::Goto(name) => Some(name),
        _ => None,
    }
}
