use super::{Counters, Family, Rule, TableName};
use std::sync::Arc;

/// The tables of one family.
#[derive(Clone, Debug, PartialEq)]
pub struct Ruleset {
    /// The family.
    pub family: Family,
    /// The tables, in the order in which they were read.
    pub tables: Vec<Table>,
}

/// A table: chains, the built-in ones among them.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// Which one.
    pub name: TableName,
    /// The chains, in the order in which they were read.
    ///
    /// They are shared: a ruleset that is copied and changed in a few chains (by [`Arc::make_mut`]) has the others in
    /// common with the first one, and whoever has compared those knows that they are the same.
    pub chains: Vec<Arc<Chain>>,
}

/// A chain: rules that a packet meets one after another.
#[derive(Clone, Debug, PartialEq)]
pub struct Chain {
    /// The name.
    pub name: Box<str>,
    /// What happens to packets that reach the end of a built-in chain; `None` for all others.
    pub policy: Option<Policy>,
    /// What the policy has counted.
    pub counters: Option<Counters>,
    /// The rules, in order.
    pub rules: Vec<Rule>,
}

/// What happens to packets that reach the end of a built-in chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Policy {
    /// They pass.
    Accept,
    /// They are thrown away.
    Drop,
}

impl Policy {
    /// The policy called `name`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Accept, Self::Drop].into_iter().find(|policy| policy.name() == name)
    }

    /// The name, as after `-P`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Accept => "ACCEPT",
            Self::Drop => "DROP",
        }
    }
}
