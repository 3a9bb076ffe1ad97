//! What the memory alone takes for edits.

use pkttables::cache::{CachedRule, CachedTable};

/// The chains of a table as plain vectors, which are never made longer or shorter.
pub(crate) struct Floor {
    chains: Vec<Plain>,
}

struct Plain {
    rules: Vec<Option<CachedRule>>,
    first: u64,
    /// The place of each rule, by its handle.
    by_handle: Vec<u32>,
}

impl Floor {
    /// The rules of a table; handles of a chain are to follow one another.
    pub(crate) fn of(table: &CachedTable) -> Self {
        let chains = table.all().iter().filter_map(|chain| {
            let rules: Vec<Option<CachedRule>> = chain.rules()?.iter().cloned().map(Some).collect();
            let handles = rules.iter().flatten().filter_map(CachedRule::handle);
            let first = handles.min().unwrap_or_default();
            Some(Plain { by_handle: vec![0; rules.len()], rules, first })
        });
        Self { chains: chains.collect() }
    }

    /// Takes rules out and puts them back at the same places as [`edit_all`](crate::one_size) does, each when the last one
    /// has come from the memory: the rule's entry, whom it calls, and where its handle leads.
    pub(crate) fn edit(&mut self) {
        self.chains.iter_mut().for_each(Plain::edit);
    }
}

impl Plain {
    fn edit(&mut self) {
        let len = self.rules.len();
        let mut nothing = 0;
        for number in 0..len {
            let index = number * 7919 % len + nothing;
            let Some(rule) = self.rules.get_mut(index).and_then(Option::take) else { return };
            let place = rule.handle().unwrap_or_default().wrapping_sub(self.first);
            let has_no_name = rule.callee().is_some_and(|name| name.starts_with('\0'));
            // What is never so, but known only when all has been read.
            nothing = usize::from(has_no_name || place > u64::from(u32::MAX));
            if let Some(known) = self.by_handle.get_mut(place as usize) {
                *known = index as u32;
            }
            if let Some(there) = self.rules.get_mut(index) {
                *there = Some(rule);
            }
        }
    }
}
