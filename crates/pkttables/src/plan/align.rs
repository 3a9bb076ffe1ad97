//! Which items of two lists that differ little are the same, found by walking along both.

/// So many items, of both lists together, are skipped at most to where the lists go on alike. Where many are, each
/// of them has been worth half as many comparisons.
const AHEAD: usize = 64;

/// Items that stay, and where they are on both sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) old: usize,
    pub(super) new: usize,
    pub(super) len: usize,
}

/// Pairs the items of two lists of these lengths by the nearest places at which they go on alike; `None` if they
/// have too little in common for that.
///
/// No more can be paired if nothing that is [`left_over`] on one side is left over on the other.
pub(super) fn align(old: usize, new: usize, same: impl Fn(usize, usize) -> bool) -> Option<Vec<Run>> {
    let (mut runs, mut old_at, mut new_at) = (Vec::new(), 0, 0);
    loop {
        let most = (old - old_at).min(new - new_at);
        let len = (0..most).take_while(|step| same(old_at + step, new_at + step)).count();
        runs.extend((len > 0).then_some(Run { old: old_at, new: new_at, len }));
        if len == most {
            return Some(runs);
        }
        (old_at, new_at) = (old_at + len, new_at + len);
        let (old_rest, new_rest) = (old - old_at, new - new_at);
        let steps = (1..=AHEAD).flat_map(|ahead| (0..=ahead).map(move |step| (step, ahead - step)));
        let mut steps = steps.filter(|&(old_step, new_step)| old_step < old_rest && new_step < new_rest);
        let next = steps.find(|(old_step, new_step)| same(old_at + old_step, new_at + new_step));
        match next {
            Some((old_step, new_step)) => (old_at, new_at) = (old_at + old_step, new_at + new_step),
            None if old_rest + new_rest <= AHEAD => return Some(runs),
            None => return None,
        }
    }
}

/// The places of lists of these lengths that are in none of the runs.
pub(super) fn left_over(old: usize, new: usize, runs: &[Run]) -> (Vec<usize>, Vec<usize>) {
    let (mut gone, mut come, mut old_at, mut new_at) = (Vec::new(), Vec::new(), 0, 0);
    let end = Run { old, new, len: 0 };
    for run in runs.iter().chain([&end]) {
        gone.extend(old_at..run.old);
        come.extend(new_at..run.new);
        (old_at, new_at) = (run.old + run.len, run.new + run.len);
    }
    (gone, come)
}

#[cfg(test)]
mod tests {
    use super::super::sequence::common;
    use super::*;
    use proptest::prelude::*;

    fn aligned(old: &[usize], new: &[usize]) -> Option<Vec<Run>> {
        align(old.len(), new.len(), |one, other| old[one] == new[other])
    }

    proptest! {
        #[test]
        fn no_more_can_stay_if_what_is_left_differs(
            old in prop::collection::vec(0..40usize, 0..30),
            edits in prop::collection::vec((any::<prop::sample::Index>(), any::<bool>(), 0..60usize), 0..8),
        ) {
            let mut new = old.clone();
            for (place, inserted, item) in edits {
                let place = place.index(new.len() + 1);
                if inserted {
                    new.insert(place, item);
                } else if place < new.len() {
                    new.remove(place);
                }
            }
            let runs = aligned(&old, &new).expect("they are short");
            for run in &runs {
                prop_assert_eq!(&old[run.old..run.old + run.len], &new[run.new..run.new + run.len]);
            }
            let kept: usize = runs.iter().map(|run| run.len).sum();
            let (gone, come) = left_over(old.len(), new.len(), &runs);
            prop_assert_eq!((kept + gone.len(), kept + come.len()), (old.len(), new.len()));
            if !gone.iter().any(|&gone| come.iter().any(|&come| old[gone] == new[come])) {
                prop_assert_eq!(kept, common(&old, &new).len());
            }
        }
    }

    #[test]
    fn edits_far_apart_are_all_found() {
        let old: Vec<usize> = (0..1000).collect();
        let mut new = old.clone();
        new[10] = 5000;
        new.splice(500..500, 6000..6010);
        new.drain(900..920);
        let runs = aligned(&old, &new).unwrap();
        let (gone, come) = left_over(old.len(), new.len(), &runs);
        assert_eq!(gone, [10].into_iter().chain(890..910).collect::<Vec<_>>());
        assert_eq!(come, [10].into_iter().chain(500..510).collect::<Vec<_>>());
        new.splice(300..300, 7000..7100);
        assert_eq!(aligned(&old, &new), None);
    }
}
