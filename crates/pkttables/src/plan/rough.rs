//! Which rules are certainly not in a list, told by little of them.

use crate::model::{Match, Rule, Target};
use std::hash::{Hash as _, Hasher};

/// A set of rules of which only so much is kept that it can tell what is not in it.
#[derive(Debug)]
pub(super) struct Rough {
    /// Parts of keys; zero where there is none.
    slots: Vec<u32>,
    /// Whether anything may be in it.
    full: bool,
}

/// So many slots are looked at for a key: whoever makes rules whose keys fall together must not make it slow.
const PROBES: usize = 16;

impl Rough {
    /// A set of the rules with these keys.
    pub(super) fn of(keys: impl ExactSizeIterator<Item = u64>) -> Self {
        let mut set = Self { slots: vec![0; (2 * keys.len()).next_power_of_two()], full: false };
        keys.for_each(|key| set.add(key));
        set
    }

    /// Whether a rule with this key may be in it; not if it certainly is not.
    pub(super) fn may_have(&self, key: u64) -> bool {
        self.full || self.place(key).is_none_or(|place| self.slots.get(place) == Some(&part(key)))
    }

    fn add(&mut self, key: u64) {
        match self.place(key).and_then(|place| self.slots.get_mut(place)) {
            Some(slot) => *slot = part(key),
            None => self.full = true,
        }
    }

    /// The slot that the key is in, or would come into.
    fn place(&self, key: u64) -> Option<usize> {
        let places = (0..PROBES).map(|step| (key as usize).wrapping_add(step) & (self.slots.len() - 1));
        let part = part(key);
        places.into_iter().find(|&place| self.slots.get(place).is_some_and(|&slot| slot == part || slot == 0))
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
    fn what_is_in_it_may_be_in_it_and_hardly_anything_else() {
        let keys = |from: u32| (from..from + 20_000).map(jump).map(|rule| key(&rule));
        let set = Rough::of(keys(0).collect::<Vec<_>>().into_iter());
        assert!(!set.full && keys(0).all(|key| set.may_have(key)));
        assert!(keys(20_000).filter(|&key| set.may_have(key)).count() < 3);
    }

    #[test]
    fn keys_that_fall_together_make_it_say_that_all_may_be_there() {
        let set = Rough::of((0..1000_u32).map(|number| u64::from(number) << 33));
        assert!(set.full && set.may_have(7));
        assert!(!Rough::of(std::iter::empty::<u64>().collect::<Vec<_>>().into_iter()).may_have(7));
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
