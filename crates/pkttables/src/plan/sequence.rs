//! Which items of one list stay to become another one.

/// Pairs of equal items are weighed against one another up to this many, times the number of items.
const PAIRS: usize = 8;
/// So many are weighed in any case.
const PAIRS_ANYWAY: usize = 1 << 18;

/// A longest common subsequence of two lists, as pairs of places in both. The items are to be small numbers.
///
/// It takes n log n time where few items are equal to many others. Where many are, only those are paired which come
/// equally often before, so that the subsequence may be shorter.
pub(super) fn common(old: &[usize], new: &[usize]) -> Vec<(usize, usize)> {
    let places = Places::new(old, new);
    let pairs: usize = old.iter().map(|item| places.of(*item).len()).sum();
    let all = pairs <= PAIRS_ANYWAY.max(PAIRS * (old.len() + new.len()));
    let mut seen = vec![0_usize; if all { 0 } else { places.starts.len() }];
    let mut chains = Chains::default();
    for (place, item) in old.iter().enumerate() {
        let candidates = places.of(*item);
        if let Some(before) = seen.get_mut(*item) {
            if let Some(&other) = candidates.get(*before) {
                chains.add(place, other);
            }
            *before += 1;
        } else {
            // From the back, so that none follows another of the same item.
            candidates.iter().rev().for_each(|&other| chains.add(place, other));
        }
    }
    chains.longest()
}

/// Where each item is in a list.
struct Places {
    /// Where in `all` the places of each item begin, and behind the last one where they end.
    starts: Vec<usize>,
    all: Vec<usize>,
}

impl Places {
    /// The places in `new` of the items of both lists.
    fn new(old: &[usize], new: &[usize]) -> Self {
        let items = old.iter().chain(new).max().map_or(0, |most| most + 1);
        let mut starts = vec![0; items + 1];
        for item in new {
            if let Some(count) = starts.get_mut(item + 1) {
                *count += 1;
            }
        }
        let mut sum = 0;
        for start in &mut starts {
            sum += *start;
            *start = sum;
        }
        let mut all = vec![0; new.len()];
        let mut next = starts.clone();
        for (place, item) in new.iter().enumerate() {
            if let Some(next) = next.get_mut(*item)
                && let Some(slot) = all.get_mut(*next)
            {
                *slot = place;
                *next += 1;
            }
        }
        Self { starts, all }
    }

    fn of(&self, item: usize) -> &[usize] {
        let range = self.starts.get(item).zip(self.starts.get(item + 1));
        range.and_then(|(start, end)| self.all.get(*start..*end)).unwrap_or_default()
    }
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
        // Mostly it goes on where the longest one ends.
        let is_last = self.ends.last().is_none_or(|&(end, _)| end < new);
        let length = if is_last { self.ends.len() } else { self.ends.partition_point(|&(end, _)| end < new) };
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

    fn length(old: &[usize], new: &[usize]) -> usize {
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

    fn check(old: &[usize], new: &[usize]) -> usize {
        let pairs = common(old, new);
        assert!(pairs.iter().all(|&(one, other)| old[one] == new[other]));
        assert!(pairs.windows(2).all(|pair| pair[0].0 < pair[1].0 && pair[0].1 < pair[1].1));
        pairs.len()
    }

    proptest! {
        #[test]
        fn is_as_long_as_can_be(
            old in prop::collection::vec(0..12usize, 0..60),
            new in prop::collection::vec(0..12usize, 0..60),
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
