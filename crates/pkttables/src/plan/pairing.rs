use super::scope::Scope;
use crate::cache::CachedTable;
use crate::model::{Chain, Table};
use std::sync::Arc;

/// Which chains of the kernel belong to which wanted ones.
#[derive(Debug)]
pub(super) struct Pairing<'w> {
    /// The wanted chains that are not known to be there as they are, with the places of those of the same name.
    pub(super) compared: Vec<(&'w Arc<Chain>, Option<usize>)>,
    /// The places of the chains that are not wanted.
    pub(super) surplus: Vec<usize>,
}

impl<'w> Pairing<'w> {
    /// Pairs the chains in a scope. Chains of other programs are never surplus.
    ///
    /// Where both sides have the same order, no name is looked up, and of chains that are known to be as wanted not
    /// even looked at.
    pub(super) fn new(current: &CachedTable, wanted: &'w Table, scope: &Scope) -> Self {
        let all = current.all();
        let mut paired = vec![false; all.len()];
        let mut compared = Vec::new();
        let mut next = 0;
        for chain in &wanted.chains {
            if !scope.has_all() && !scope.has(&chain.name) {
                continue;
            }
            let is_next = || {
                all.get(next).is_some_and(|there: &crate::cache::CachedChain| there.entry.name == chain.name)
            };
            let place = match current.is_found_as(next, chain) || is_next() {
                true => Some(next),
                false => current.place(&chain.name),
            };
            if let Some(place) = place {
                next = place + 1;
                if let Some(paired) = paired.get_mut(place) {
                    *paired = true;
                }
            }
            if !place.is_some_and(|place| current.is_found_as(place, chain)) {
                compared.push((chain, place));
            }
        }
        let unpaired = paired.iter().zip(all).enumerate().filter(|(_, (paired, _))| !**paired);
        let surplus = unpaired
            .filter(|(_, (_, chain))| scope.has(&chain.entry.name) && !chain.entry.is_foreign())
            .map(|(place, _)| place)
            .collect();
        Self { compared, surplus }
    }

    /// The wanted chains of whose name there is none.
    pub(super) fn missing(&self) -> impl Iterator<Item = &'w Arc<Chain>> {
        self.compared.iter().filter(|(_, place)| place.is_none()).map(|(chain, _)| *chain)
    }
}
