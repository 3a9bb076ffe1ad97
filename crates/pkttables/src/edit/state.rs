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
    pub(super) chains: Chains,
    /// By rules of the transaction only; what the kernel has is not read for this.
    pub(super) calls: Calls,
}

/// The chains that are known, those among them that are known to be absent.
#[derive(Debug, Default)]
pub(super) struct Chains {
    places: HashMap<Box<str>, usize>,
    list: Vec<ChainState>,
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
        counters: Option<Counters>,
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

impl Chains {
    /// Where the chain of this name is.
    pub(super) fn place(&self, name: &str) -> Option<usize> {
        self.places.get(name).copied()
    }

    pub(super) fn at(&mut self, place: usize) -> Option<&mut ChainState> {
        self.list.get_mut(place)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &ChainState)> {
        self.places.iter().filter_map(|(name, &place)| Some((&**name, self.list.get(place)?)))
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut ChainState> {
        self.list.iter_mut()
    }

    /// Adds a chain, or puts it in the place of the one of this name. Gives its place.
    pub(super) fn put(&mut self, name: &str, chain: ChainState) -> usize {
        if let Some(place) = self.place(name) {
            if let Some(known) = self.list.get_mut(place) {
                *known = chain;
            }
            return place;
        }
        self.add(name, chain)
    }

    /// Adds a chain of a name that is not known yet. Gives its place.
    pub(super) fn add(&mut self, name: &str, chain: ChainState) -> usize {
        self.places.insert(name.into(), self.list.len());
        self.list.push(chain);
        self.list.len() - 1
    }

    /// Gives a chain another name; the old one's is absent then.
    pub(super) fn rename(&mut self, name: &str, new: &str) {
        let Some(place) = self.places.remove(name) else { return };
        self.places.insert(new.into(), place);
        self.put(name, ChainState::new(Kind::Absent, Rules::Unread));
    }
}

impl ChainState {
    pub(super) const fn new(kind: Kind, rules: Rules) -> Self {
        Self { kind, handle: None, rules }
    }

    pub(super) fn from_entry(entry: &ChainEntry) -> Self {
        let kind = match entry.kind {
            ChainKind::Builtin { hook, policy, counters } => Kind::Builtin { hook, policy, counters },
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
    table.hook(name).map(|hook| Kind::Builtin { hook, policy: Policy::Accept, counters: None })
}
