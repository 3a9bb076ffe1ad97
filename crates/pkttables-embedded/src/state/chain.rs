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
        }
    }

    /// What the kernel counts as uses of a chain.
    pub(crate) fn use_count(&self) -> u32 {
        self.jumps_here.saturating_add(self.rules.len() as u32)
    }

    /// Where the rule of this handle is. The ends are looked at first, for rules are mostly removed in order.
    pub(crate) fn position(&self, handle: u64) -> Option<usize> {
        if self.rules.back().is_some_and(|entry| entry.handle == handle) {
            return Some(self.rules.len() - 1);
        }
        self.rules.iter().position(|entry| entry.handle == handle)
    }
}
