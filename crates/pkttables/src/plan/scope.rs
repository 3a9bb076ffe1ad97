use std::collections::BTreeSet;

/// Which chains of a table a plan may touch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Scope {
    /// All of them.
    #[default]
    Table,
    /// Those with these names.
    Chains(BTreeSet<Box<str>>),
    /// Those whose names begin so, for a program that owns these chains in a table that others use, too.
    Prefix(Box<str>),
}

impl Scope {
    /// Whether it has all chains.
    pub(super) const fn has_all(&self) -> bool {
        matches!(self, Self::Table)
    }

    /// Whether it has the chain of this name.
    #[must_use]
    pub fn has(&self, chain: &str) -> bool {
        match self {
            Self::Table => true,
            Self::Chains(names) => names.contains(chain),
            Self::Prefix(prefix) => chain.starts_with(&**prefix),
        }
    }
}
