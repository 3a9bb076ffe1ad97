//! What is known of a table while it is edited.

use crate::cache::{Calls, ChainRules};
use crate::kernel::{ChainEntry, ChainKind};
use crate::model::{Counters, Hook, Policy, TableName};
use std::collections::HashMap;

/// A table, as far as it is known.
#[derive(Debug, Default)]
pub(super) struct TableState {
    /// Whether the table is there, or the transaction makes it.
    pub(super) made: bool,
    /// Whether `chains` holds all chains that there are.
    pub(super) complete: bool,
    /// How many chains were asked for one by one.
    pub(super) asked: u32,
    pub(super) chains: HashMap<Box<str>, ChainState>,
    /// By rules of the transaction only; what the kernel has is not read for this.
    pub(super) calls: Calls,
}

/// A chain that exists, or that the transaction has deleted.
#[derive(Debug)]
pub(super) struct ChainState {
    pub(super) kind: Kind,
    /// The kernel's number; none for a chain that the transaction makes.
    pub(super) handle: Option<u64>,
    pub(super) rules: Rules,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Builtin {
        hook: Hook,
        policy: Policy,
    },
    User,
    Foreign,
    /// There is none of this name.
    Absent,
}

/// The rules of a chain.
#[derive(Debug)]
pub(super) enum Rules {
    /// They have not been read, nor changed.
    Unread,
    /// They have been changed without being tracked.
    Untracked,
    /// All of them, in order.
    Known(Box<ChainRules>),
}

impl ChainState {
    pub(super) const fn new(kind: Kind, rules: Rules) -> Self {
        Self { kind, handle: None, rules }
    }

    pub(super) fn from_entry(entry: &ChainEntry) -> Self {
        let kind = match entry.kind {
            ChainKind::Builtin { hook, policy, .. } => Kind::Builtin { hook, policy },
            ChainKind::User => Kind::User,
            ChainKind::Foreign(_) => Kind::Foreign,
        };
        Self { kind, handle: Some(entry.handle), rules: Rules::Unread }
    }

    pub(super) fn exists(&self) -> bool {
        self.kind != Kind::Absent
    }
}

/// A policy with counters, as a chain's line in a save file gives them.
pub(super) type NewPolicy = (Option<Policy>, Option<Counters>);

/// The hook of the built-in chain of this name, if the table has one.
pub(super) fn builtin(table: TableName, name: &str) -> Option<Kind> {
    table.hook(name).map(|hook| Kind::Builtin { hook, policy: Policy::Accept })
}
