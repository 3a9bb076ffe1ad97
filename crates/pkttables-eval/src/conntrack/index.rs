/// A hash index: 32-bit hashes to 32-bit numbers, open addressing with linear probing.
///
/// It holds no keys; who asks compares. Deleting shifts the followers back, so that no tombstones remain. Of several under
/// one hash the newest comes first, as in the kernel's lists.
#[derive(Debug, Default)]
pub(crate) struct Index {
    slots: Vec<Slot>,
    used: usize,
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    hash: u32,
    number: u32,
}

const EMPTY: u32 = u32::MAX;
const SMALLEST: usize = 64;

impl Index {
    pub(crate) fn insert(&mut self, hash: u32, number: u32) {
        if (self.used + 1) * 4 > self.slots.len() * 3 {
            self.grow();
        }
        self.place_first(Slot { hash, number });
        self.used += 1;
    }

    /// The first number under the hash that `wanted` accepts.
    pub(crate) fn find(&self, hash: u32, mut wanted: impl FnMut(u32) -> bool) -> Option<u32> {
        let mask = self.slots.len().checked_sub(1)?;
        let mut at = hash as usize & mask;
        loop {
            let slot = *self.slots.get(at)?;
            if slot.number == EMPTY {
                return None;
            }
            if slot.hash == hash && wanted(slot.number) {
                return Some(slot.number);
            }
            at = (at + 1) & mask;
        }
    }

    /// Up to `limit` numbers in the neighbourhood of a hash.
    pub(crate) fn near(&self, hash: u32, limit: usize) -> impl Iterator<Item = u32> + '_ {
        let mask = self.slots.len().saturating_sub(1);
        (0..limit.min(self.slots.len()))
            .filter_map(move |step| self.slots.get((hash as usize).wrapping_add(step) & mask))
            .map(|slot| slot.number)
            .filter(|number| *number != EMPTY)
    }

    pub(crate) fn remove(&mut self, hash: u32, number: u32) {
        let Some(mask) = self.slots.len().checked_sub(1) else { return };
        let mut at = hash as usize & mask;
        loop {
            match self.slots.get(at) {
                Some(slot) if slot.number == number && slot.hash == hash => break,
                Some(slot) if slot.number != EMPTY => at = (at + 1) & mask,
                _ => return,
            }
        }
        self.used -= 1;
        let mut gap = at;
        loop {
            at = (at + 1) & mask;
            let Some(slot) = self.slots.get(at).copied().filter(|slot| slot.number != EMPTY) else { break };
            let home = slot.hash as usize & mask;
            if at.wrapping_sub(home) & mask >= at.wrapping_sub(gap) & mask {
                self.put(gap, slot);
                gap = at;
            }
        }
        self.put(gap, Slot { hash: 0, number: EMPTY });
    }

    pub(crate) fn bytes(&self) -> usize {
        self.slots.capacity() * size_of::<Slot>()
    }

    fn grow(&mut self) {
        let larger = (self.slots.len() * 2).max(SMALLEST);
        let old = core::mem::replace(&mut self.slots, vec![Slot { hash: 0, number: EMPTY }; larger]);
        // From a gap on, behind which no run goes on, so that those of one hash keep their order.
        let gap = old.iter().position(|slot| slot.number == EMPTY).unwrap_or_default();
        let (end, start) = old.split_at_checked(gap).unwrap_or_default();
        for slot in start.iter().chain(end).filter(|slot| slot.number != EMPTY) {
            self.place(*slot);
        }
    }

    /// Puts a slot before all others of its hash.
    fn place_first(&mut self, mut slot: Slot) {
        let mask = self.slots.len() - 1;
        let mut at = slot.hash as usize & mask;
        while let Some(other) = self.slots.get_mut(at).filter(|other| other.number != EMPTY) {
            if other.hash == slot.hash {
                core::mem::swap(other, &mut slot);
            }
            at = (at + 1) & mask;
        }
        self.put(at, slot);
    }

    /// Puts a slot behind all others of its hash.
    fn place(&mut self, slot: Slot) {
        let mask = self.slots.len() - 1;
        let mut at = slot.hash as usize & mask;
        while self.slots.get(at).is_some_and(|other| other.number != EMPTY) {
            at = (at + 1) & mask;
        }
        self.put(at, slot);
    }

    fn put(&mut self, at: usize, slot: Slot) {
        if let Some(place) = self.slots.get_mut(at) {
            *place = slot;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_newest_of_a_hash_is_found_first() {
        let mut index = Index::default();
        for number in 0..300 {
            // Runs at the table's end, of hashes in between.
            index.insert(u32::MAX - number % 3, number);
            assert_eq!(index.find(u32::MAX - number % 3, |_| true), Some(number));
        }
        let mut order = Vec::new();
        index.find(u32::MAX, |number| {
            order.push(number);
            false
        });
        assert!(order.len() == 100 && order.is_sorted_by(|one, other| one > other));
        index.remove(u32::MAX, 297);
        assert_eq!(index.find(u32::MAX, |_| true), Some(294));
    }

    proptest! {
        #[test]
        fn behaves_as_a_set_of_pairs(steps in prop::collection::vec((any::<bool>(), 0u32..8, 0u32..40), 0..400)) {
            let mut index = Index::default();
            let mut model = BTreeSet::new();
            for (add, bucket, number) in steps {
                // Few distinct hashes at the end of the table, so that runs collide and wrap around.
                let hash = bucket.wrapping_sub(4).wrapping_mul(3);
                if !add {
                    index.remove(hash, number);
                    model.remove(&(hash, number));
                } else if model.insert((hash, number)) {
                    index.insert(hash, number);
                }
                for probe in 0..40 {
                    let found = index.find(hash, |candidate| candidate == probe).is_some();
                    prop_assert_eq!(found, model.contains(&(hash, probe)));
                }
                prop_assert_eq!(index.used, model.len());
            }
        }
    }
}
