use super::rules::{CachedRule, ChainRules};
use super::table::{CachedChain, CachedTable};
use crate::kernel::ChainKind;
use crate::model::{Family, Policy, TableName};
use crate::nft::RuleBody;
use crate::text::save::{CounterStyle, write_append};
use std::collections::HashSet;
use std::fmt;

/// What has changed in a table between two readings.
#[derive(Clone, Debug, PartialEq)]
pub struct Differences {
    /// The family.
    pub family: Family,
    /// The table.
    pub table: TableName,
    /// One after the other, by chain.
    pub list: Vec<Difference>,
}

/// One thing that has changed.
#[derive(Clone, Debug, PartialEq)]
pub enum Difference {
    /// There is a new chain.
    ChainAdded {
        /// Its name.
        chain: Box<str>,
    },
    /// A chain is gone.
    ChainDeleted {
        /// Its name.
        chain: Box<str>,
    },
    /// A built-in chain has another policy.
    PolicyChanged {
        /// The chain.
        chain: Box<str>,
        /// The policy before.
        old: Policy,
        /// The policy now.
        new: Policy,
    },
    /// There is a new rule; one that was replaced is one that was deleted and one that was added.
    RuleAdded {
        /// The chain.
        chain: Box<str>,
        /// What it does.
        rule: RuleBody,
    },
    /// A rule is gone.
    RuleDeleted {
        /// The chain.
        chain: Box<str>,
        /// What it did.
        rule: RuleBody,
    },
}

impl Differences {
    /// Compares two readings of a table by the kernel's numbers, in the chains that are meant and whose rules are
    /// known in both.
    #[must_use]
    pub fn between(
        (family, table): (Family, TableName),
        old: &CachedTable,
        new: &CachedTable,
        meant: impl Fn(&str) -> bool,
    ) -> Self {
        let mut list = Vec::new();
        for chain in old.all().iter().filter(|chain| meant(&chain.entry.name)) {
            match new.chain(&chain.entry.name).filter(|new| new.entry.handle == chain.entry.handle) {
                Some(new) => compare_chain(chain, new, &mut list),
                None => list.push(Difference::ChainDeleted { chain: chain.entry.name.clone() }),
            }
        }
        for chain in new.all().iter().filter(|chain| meant(&chain.entry.name)) {
            let same = |old: &CachedChain| old.entry.handle == chain.entry.handle;
            if !old.chain(&chain.entry.name).is_some_and(same) {
                list.push(Difference::ChainAdded { chain: chain.entry.name.clone() });
            }
        }
        Self { family, table, list }
    }

    /// Whether nothing has changed.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.list.is_empty()
    }
}

fn compare_chain(old: &CachedChain, new: &CachedChain, list: &mut Vec<Difference>) {
    let chain = &old.entry.name;
    if let (ChainKind::Builtin { policy: old, .. }, ChainKind::Builtin { policy: new, .. }) =
        (&old.entry.kind, &new.entry.kind)
        && old != new
    {
        list.push(Difference::PolicyChanged { chain: chain.clone(), old: *old, new: *new });
    }
    let (Some(old), Some(new)) = (old.rules(), new.rules()) else { return };
    let handles = |rules: &ChainRules| rules.iter().filter_map(CachedRule::handle).collect::<HashSet<u64>>();
    let (before, now) = (handles(old), handles(new));
    let missing = |rule: &&CachedRule, among: &HashSet<u64>| {
        rule.handle().is_some_and(|handle| !among.contains(&handle))
    };
    let gone = old.iter().filter(|rule| missing(rule, &now));
    list.extend(gone.map(|rule| Difference::RuleDeleted { chain: chain.clone(), rule: rule.body().clone() }));
    let come = new.iter().filter(|rule| missing(rule, &before));
    list.extend(come.map(|rule| Difference::RuleAdded { chain: chain.clone(), rule: rule.body().clone() }));
}

impl fmt::Display for Differences {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let table = self.table.name();
        for (place, difference) in self.list.iter().enumerate() {
            if place > 0 {
                f.write_str("\n")?;
            }
            let rule = |chain: &str, rule: &RuleBody| match rule {
                RuleBody::Known(rule) => {
                    let mut text = String::new();
                    write_append(&mut text, self.family, chain, rule, CounterStyle::Hidden);
                    text
                }
                RuleBody::Foreign(_) => format!("a rule of another program in {chain}"),
            };
            match difference {
                Difference::ChainAdded { chain } => write!(f, "{table}: chain {chain} was made")?,
                Difference::ChainDeleted { chain } => write!(f, "{table}: chain {chain} was deleted")?,
                Difference::PolicyChanged { chain, old, new } => {
                    let (old, new) = (old.name(), new.name());
                    write!(f, "{table}: the policy of {chain} was changed from {old} to {new}")?;
                }
                Difference::RuleAdded { chain, rule: body } => {
                    write!(f, "{table}: added: {}", rule(chain, body))?;
                }
                Difference::RuleDeleted { chain, rule: body } => {
                    write!(f, "{table}: deleted: {}", rule(chain, body))?;
                }
            }
        }
        Ok(())
    }
}
