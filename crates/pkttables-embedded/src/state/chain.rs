use std::collections::VecDeque;
use std::sync::Arc;

use pkttnetlink::nft::{ChainFlags, VerdictCode};

use super::rule::Rule;
use super::table::Name;

/// A chain. Copying it copies no rule.
#[derive(Clone, Debug)]
pub(crate) struct Chain {
    pub(crate) name: Name,
    pub(crate) handle: u64,
    pub(crate) flags: ChainFlags,
    pub(crate) user_data: Box<[u8]>,
    pub(crate) base: Option<Base>,
    /// How many jumps and gotos lead here.
    pub(crate) jumps_here: u32,
    pub(crate) rules: VecDeque<Entry>,
    /// How many of them are deleted by the batch that is under way.
    pub(crate) deleted: usize,
    /// How many, the deleted ones left out, jump or may not be reached from everywhere.
    pub(crate) demanding: usize,
    /// Where a rule was found last.
    found_at: usize,
}

/// Where a base chain is attached, and what becomes of packets at its end.
#[derive(Clone, Debug)]
pub(crate) struct Base {
    pub(crate) hook: u32,
    pub(crate) priority: i32,
    pub(crate) chain_type: ChainType,
    pub(crate) policy: VerdictCode,
    pub(crate) counters: Option<Counters>,
    /// The names of its devices.
    pub(crate) devices: Vec<Name>,
}

/// A number of packets and their bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counters {
    pub(crate) packets: u64,
    pub(crate) bytes: u64,
}

/// What a base chain is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ChainType {
    Filter,
    Route,
    Nat,
}

impl ChainType {
    pub(crate) const ALL: [Self; 3] = [Self::Filter, Self::Route, Self::Nat];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Filter => "filter",
            Self::Route => "route",
            Self::Nat => "nat",
        }
    }
}

/// A rule in its place.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) handle: u64,
    pub(crate) rule: Arc<Rule>,
    /// Deleted by the batch that is under way. Until its end others can still be put beside it.
    pub(crate) deleted: bool,
}

impl Chain {
    /// An empty chain that is attached nowhere.
    pub(crate) fn new(name: &[u8], handle: u64) -> Self {
        Self {
            name: name.into(),
            handle,
            flags: ChainFlags::empty(),
            user_data: Box::default(),
            base: None,
            jumps_here: 0,
            rules: VecDeque::new(),
            deleted: 0,
            demanding: 0,
            found_at: 0,
        }
    }

    /// What the kernel counts as uses of a chain.
    pub(crate) fn use_count(&self) -> u32 {
        let rules = u32::try_from(self.rules.len().saturating_sub(self.deleted)).unwrap_or(u32::MAX);
        self.jumps_here.saturating_add(rules)
    }

    /// The rules that are not deleted.
    pub(crate) fn live(&self) -> impl Iterator<Item = &Entry> {
        self.rules.iter().filter(|entry| !entry.deleted)
    }

    /// Where the rule of this handle is. One that another replaces in this batch comes after that.
    pub(crate) fn position(&self, handle: u64) -> Option<usize> {
        // Rules are mostly named in order, or from the end.
        let has_handle = |entry: &Entry| entry.handle == handle;
        if self.rules.back().is_some_and(|entry| has_handle(entry) && !entry.deleted) {
            return Some(self.rules.len() - 1);
        }
        let onwards = self.rules.iter().skip(self.found_at).position(has_handle);
        onwards
            .map(|index| index + self.found_at)
            .filter(|&index| self.rules.get(index).is_some_and(|entry| !entry.deleted))
            .or_else(|| self.rules.iter().position(has_handle))
    }

    pub(crate) fn insert(&mut self, index: usize, handle: u64, rule: Rule) {
        self.demanding += usize::from(rule.is_demanding());
        let entry = Entry { handle, rule: Arc::new(rule), deleted: false };
        self.rules.insert(index.min(self.rules.len()), entry);
    }

    /// Marks a rule as deleted.
    pub(crate) fn delete(&mut self, index: usize) -> Option<Entry> {
        self.found_at = index;
        let entry = self.rules.get_mut(index).filter(|entry| !entry.deleted)?;
        self.deleted += 1;
        self.demanding -= usize::from(entry.rule.is_demanding());
        Some(Entry { deleted: std::mem::replace(&mut entry.deleted, true), ..entry.clone() })
    }

    /// Forgets the rules that are deleted.
    pub(crate) fn sweep(&mut self) {
        self.rules.retain(|entry| !entry.deleted);
        (self.deleted, self.found_at) = (0, 0);
    }
}
