//! Which items of one list stay to become another one.

use std::collections::HashMap;

/// Pairs of equal items are weighed against one another up to this many, times the number of items.
const PAIRS: usize = 8;
/// So many are weighed in any case.
const PAIRS_ANYWAY: usize = 1 << 18;

/// A longest common subsequence of two lists, as pairs of places in both.
///
/// It takes n log n time where few items are equal to many others. Where many are, only those are paired which come
/// equally often before, so that the subsequence may be shorter.
pub(super) fn common(old: &[u32], new: &[u32]) -> Vec<(usize, usize)> {
    let mut places = HashMap::<u32, Vec<usize>>::new();
    for (place, item) in new.iter().enumerate() {
        places.entry(*item).or_default().push(place);
    }
    let pairs: usize = old.iter().filter_map(|item| places.get(item)).map(Vec::len).sum();
    let all = pairs <= PAIRS_ANYWAY.max(PAIRS * (old.len() + new.len()));
    let mut seen = HashMap::<u32, usize>::new();
    let mut chains = Chains::default();
    for (place, item) in old.iter().enumerate() {
        let Some(candidates) = places.get(item) else { continue };
        if all {
            // From the back, so that none follows another of the same item.
            candidates.iter().rev().for_each(|&other| chains.add(place, other));
        } else {
            let before = seen.entry(*item).or_default();
            if let Some(&other) = candidates.get(*before) {
                chains.add(place, other);
            }
            *before += 1;
        }
    }
    chains.longest()
}

/// Growing chains of pairs, by their length.
#[derive(Default)]
struct Chains {
    /// For each length the new place at which a chain ends soonest, and its last pair.
    ends: Vec<(usize, usize)>,
    /// Pairs, and which one is before each.
    pairs: Vec<(usize, usize, Option<usize>)>,
}

impl Chains {
    fn add(&mut self, old: usize, new: usize) {
        let length = self.ends.partition_point(|&(end, _)| end < new);
        let before = length.checked_sub(1).and_then(|shorter| self.ends.get(shorter)).map(|&(_, pair)| pair);
        let end = (new, self.pairs.len());
        self.pairs.push((old, new, before));
        match self.ends.get_mut(length) {
            Some(place) => *place = end,
            None => self.ends.push(end),
        }
    }

    fn longest(&self) -> Vec<(usize, usize)> {
        let mut next = self.ends.last().map(|&(_, pair)| pair);
        let mut longest = Vec::with_capacity(self.ends.len());
        while let Some(&(old, new, before)) = next.and_then(|pair| self.pairs.get(pair)) {
            longest.push((old, new));
            next = before;
        }
        longest.reverse();
        longest
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn length(old: &[u32], new: &[u32]) -> usize {
        let mut row = vec![0; new.len() + 1];
        for item in old {
            let mut diagonal = 0;
            for (place, other) in new.iter().enumerate() {
                let above = row[place + 1];
                row[place + 1] = if item == other { diagonal + 1 } else { above.max(row[place]) };
                diagonal = above;
            }
        }
        row[new.len()]
    }

    fn check(old: &[u32], new: &[u32]) -> usize {
        let pairs = common(old, new);
        assert!(pairs.iter().all(|&(one, other)| old[one] == new[other]));
        assert!(pairs.windows(2).all(|pair| pair[0].0 < pair[1].0 && pair[0].1 < pair[1].1));
        pairs.len()
    }

    proptest! {
        #[test]
        fn is_as_long_as_can_be(
            old in prop::collection::vec(0..12u32, 0..60),
            new in prop::collection::vec(0..12u32, 0..60),
        ) {
            prop_assert_eq!(check(&old, &new), length(&old, &new));
        }
    }

    #[test]
    fn many_equal_items_are_paired_one_by_one() {
        let (old, new) = (vec![1; 5000], vec![1; 4000]);
        assert_eq!(check(&old, &new), 4000);
    }
}
