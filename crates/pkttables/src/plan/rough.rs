//! Which rules are certainly not in a list, told by little of them.

use crate::model::{Match, Rule, Target};
use std::hash::{Hash as _, Hasher};

/// Finds the rules of a list that have a key in common, by their places.
#[derive(Debug)]
pub(super) struct Rough {
    slots: Vec<Slot>,
    /// For each rule the place of the one before it that has the same key.
    before: Vec<u32>,
    /// Whether it has been given up.
    full: bool,
}

/// A part of a key, zero where there is none, and the place of the last rule that has the key.
#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    part: u32,
    last: u32,
}

/// So many slots are looked at for a key, more than chance makes necessary in a table that is half empty: whoever makes
/// rules whose keys fall together must not make it slow.
const PROBES: usize = 128;
/// So many rules of one key are looked at.
const ALIKE: usize = 32;
/// No rule.
const NONE: u32 = u32::MAX;

impl Rough {
    /// Of the rules with these keys.
    pub(super) fn of(keys: impl ExactSizeIterator<Item = u64>) -> Self {
        let slots = vec![Slot::default(); (2 * keys.len()).next_power_of_two()];
        let mut this =
            Self { slots, before: Vec::with_capacity(keys.len()), full: keys.len() >= NONE as usize };
        keys.for_each(|key| this.add(key));
        this
    }

    /// Whether one of the rules with this key may be what `is` looks for; not if certainly none is.
    pub(super) fn may_have(&self, key: u64, is: impl Fn(usize) -> bool) -> bool {
        let Some(slot) = self.place(key).and_then(|place| self.slots.get(place)).filter(|_| !self.full)
        else {
            return true;
        };
        let mut next = if slot.part == 0 { NONE } else { slot.last };
        for _ in 0..ALIKE {
            match self.before.get(next as usize) {
                None => return false,
                Some(_) if is(next as usize) => return true,
                Some(&before) => next = before,
            }
        }
        true
    }

    fn add(&mut self, key: u64) {
        let last = self.before.len() as u32;
        let Some(slot) = self.place(key).and_then(|place| self.slots.get_mut(place)) else {
            self.full = true;
            return;
        };
        self.before.push(if slot.part == 0 { NONE } else { slot.last });
        *slot = Slot { part: part(key), last };
    }

    /// The slot that the key is in, or would come into.
    fn place(&self, key: u64) -> Option<usize> {
        let places = (0..PROBES).map(|step| (key as usize).wrapping_add(step) & (self.slots.len() - 1));
        let part = part(key);
        let fits = |slot: &Slot| slot.part == part || slot.part == 0;
        places.into_iter().find(|&place| self.slots.get(place).is_some_and(fits))
    }
}

/// The part of a key that its place does not tell, never zero.
const fn part(key: u64) -> u32 {
    (key >> 32) as u32 | 1
}

/// A number that rules which do the same have in common. Those that differ in the parameters of their extensions alone
/// have it in common, too, so that it is found without asking these.
pub(super) fn key(rule: &Rule) -> u64 {
    let mut key = Mix(0);
    rule.header.hash(&mut key);
    for part in &rule.matches {
        match part {
            Match::Known(instance) => key.write(instance.descriptor().name.as_bytes()),
            Match::Opaque(opaque) => key.write(&opaque.info),
        }
    }
    std::mem::discriminant(&rule.target).hash(&mut key);
    match &rule.target {
        Target::None => {}
        Target::Verdict(verdict) => verdict.hash(&mut key),
        Target::Jump(chain) | Target::Goto(chain) => key.write(chain.as_bytes()),
        Target::Known(instance) => key.write(instance.descriptor().name.as_bytes()),
        Target::Opaque(opaque) => key.write(&opaque.info),
    }
    key.finish()
}

/// A hasher that is quick and can be made to collide, which costs no more than time.
struct Mix(u64);

impl Hasher for Mix {
    fn write(&mut self, bytes: &[u8]) {
        let (chunks, rest) = bytes.as_chunks::<8>();
        chunks.iter().for_each(|chunk| self.write_u64(u64::from_ne_bytes(*chunk)));
        if !rest.is_empty() {
            self.write_u64(rest.iter().fold(0, |all, &byte| all << 8 | u64::from(byte)));
        }
    }

    fn write_u8(&mut self, number: u8) {
        self.write_u64(number.into());
    }

    fn write_u32(&mut self, number: u32) {
        self.write_u64(number.into());
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = (self.0.rotate_left(5) ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    fn write_usize(&mut self, number: usize) {
        self.write_u64(number as u64);
    }

    fn finish(&self) -> u64 {
        // The high bits are the good ones.
        let mixed = (self.0 ^ self.0 >> 32).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        mixed ^ mixed >> 32
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Verdict;

    #[test]
    fn finds_what_is_there_and_hardly_anything_else() {
        // As full as a table gets.
        const RULES: u32 = 1 << 16;
        let keys = |from: u32| (from..from + RULES).map(jump).map(|rule| key(&rule)).collect::<Vec<_>>();
        let rough = Rough::of(keys(0).into_iter());
        assert!(!rough.full);
        assert!(keys(0).iter().enumerate().all(|(place, &key)| rough.may_have(key, |found| found == place)));
        assert!(keys(RULES).iter().filter(|&&key| rough.may_have(key, |_| true)).count() < 3);
        let twice = Rough::of([5, 5, 7].into_iter());
        assert!(twice.may_have(5, |place| place == 0) && twice.may_have(5, |place| place == 1));
        assert!(!twice.may_have(5, |place| place == 2) && !twice.may_have(6, |_| true));
    }

    #[test]
    fn keys_that_fall_together_make_it_give_up() {
        let rough = Rough::of((0..1000_u32).map(|number| u64::from(number) << 33));
        assert!(rough.full && rough.may_have(7, |_| false));
        assert!(Rough::of((0..1000_u32).map(|_| 7)).may_have(7, |_| false));
        assert!(!Rough::of(Vec::new().into_iter()).may_have(7, |_| true));
    }

    #[test]
    fn targets_differ() {
        let rules = [
            Target::None,
            Target::Verdict(Verdict::Accept),
            Target::Verdict(Verdict::Drop),
            Target::Jump("a".into()),
            Target::Goto("a".into()),
        ];
        let keys = rules.map(|target| key(&Rule { target, ..Rule::default() }));
        assert!((0..keys.len()).all(|one| (0..one).all(|other| keys[one] != keys[other])));
    }

    fn jump(number: u32) -> Rule {
        Rule { target: Target::Jump(number.to_string().into()), ..Rule::default() }
    }
}
