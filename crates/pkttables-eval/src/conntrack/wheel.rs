/// A timing wheel of five levels with 64 slots each over whole seconds: insert, remove and expire are constant work.
///
/// An item lies in a list of the level that its distance asks for and moves to finer levels as the clock comes near.
#[derive(Debug)]
pub(crate) struct Wheel {
    heads: Vec<u32>,
    links: Vec<Links>,
    now: u32,
}

#[derive(Clone, Copy, Debug)]
struct Links {
    previous: u32,
    next: u32,
    tick: u32,
    slot: u16,
}

const NONE: u32 = u32::MAX;
const UNFILED: u16 = u16::MAX;
const BITS: u32 = 6;
const SLOTS: u32 = 1 << BITS;
const LEVELS: u32 = 5;

impl Default for Wheel {
    fn default() -> Self {
        Self { heads: vec![NONE; (SLOTS * LEVELS) as usize], links: Vec::new(), now: 0 }
    }
}

impl Wheel {
    /// Files an item for a tick, or moves it there if it lies at a later one.
    pub(crate) fn file(&mut self, item: u32, tick: u32) {
        if self.links.len() <= item as usize {
            let unfiled = Links { previous: NONE, next: NONE, tick: 0, slot: UNFILED };
            self.links.resize(item as usize + 1, unfiled);
        }
        match self.links.get(item as usize) {
            Some(links) if links.slot != UNFILED && links.tick <= tick => return,
            _ => self.remove(item),
        }
        self.link(item, tick);
    }

    pub(crate) fn remove(&mut self, item: u32) {
        let Some(links) = self.links.get_mut(item as usize).filter(|links| links.slot != UNFILED) else {
            return;
        };
        let Links { previous, next, slot, .. } = *links;
        links.slot = UNFILED;
        match self.links.get_mut(previous as usize) {
            Some(before) => before.next = next,
            None => self.set_head(slot, next),
        }
        if let Some(after) = self.links.get_mut(next as usize) {
            after.previous = previous;
        }
    }

    /// Moves the clock on; every item whose tick has come is taken out and handed to `due`.
    pub(crate) fn advance(&mut self, to: u32, mut due: impl FnMut(&mut Self, u32)) {
        let from = self.now;
        self.now = from.max(to);
        for level in 0..LEVELS {
            let (old, new) = (from >> (level * BITS), self.now >> (level * BITS));
            if old == new {
                break;
            }
            for slot in (old + 1)..=new.min(old + SLOTS) {
                self.drain((level * SLOTS + slot % SLOTS) as u16, &mut due);
            }
        }
    }

    pub(crate) fn bytes(&self) -> usize {
        self.links.capacity() * size_of::<Links>()
    }

    fn drain(&mut self, slot: u16, due: &mut impl FnMut(&mut Self, u32)) {
        let mut item = self.heads.get(usize::from(slot)).copied().unwrap_or(NONE);
        self.set_head(slot, NONE);
        while let Some(links) = self.links.get_mut(item as usize) {
            let Links { next, tick, .. } = *links;
            links.slot = UNFILED;
            if tick <= self.now {
                due(self, item);
            } else {
                self.link(item, tick);
            }
            item = next;
        }
    }

    fn link(&mut self, item: u32, tick: u32) {
        let distance = tick.saturating_sub(self.now).clamp(1, (1 << (BITS * LEVELS)) - 1);
        let level = distance.ilog2() / BITS;
        let slot = (level * SLOTS + ((self.now + distance) >> (level * BITS)) % SLOTS) as u16;
        let next = self.heads.get(usize::from(slot)).copied().unwrap_or(NONE);
        if let Some(links) = self.links.get_mut(item as usize) {
            *links = Links { previous: NONE, next, tick, slot };
        }
        if let Some(after) = self.links.get_mut(next as usize) {
            after.previous = item;
        }
        self.set_head(slot, item);
    }

    fn set_head(&mut self, slot: u16, item: u32) {
        if let Some(head) = self.heads.get_mut(usize::from(slot)) {
            *head = item;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        #[test]
        fn hands_out_each_item_when_its_tick_has_come(
            steps in prop::collection::vec((0u8..4, 0u32..30, 0u32..600_000), 1..200),
        ) {
            let mut wheel = Wheel::default();
            let mut model: BTreeMap<u32, u32> = BTreeMap::new();
            let mut now = 0;
            for (step, item, amount) in steps {
                match step {
                    0 | 1 => {
                        wheel.file(item, now + amount);
                        let tick = model.entry(item).or_insert(u32::MAX);
                        *tick = (*tick).min(now + amount);
                    }
                    2 => {
                        wheel.remove(item);
                        model.remove(&item);
                    }
                    _ => {
                        now += amount + 1;
                        let mut fired = Vec::new();
                        wheel.advance(now, |_, item| fired.push(item));
                        fired.sort_unstable();
                        let wanted: Vec<u32> =
                            model.iter().filter(|(_, tick)| **tick <= now).map(|(item, _)| *item).collect();
                        model.retain(|_, tick| *tick > now);
                        prop_assert_eq!(fired, wanted);
                    }
                }
            }
        }
    }

    #[test]
    fn a_clock_that_jumps_by_years_costs_no_more_than_the_slots() {
        let mut wheel = Wheel::default();
        wheel.file(0, 10);
        wheel.file(1, 4_000_000_000);
        let mut fired = Vec::new();
        wheel.advance(3_999_999_999, |_, item| fired.push(item));
        assert_eq!(fired, [0]);
        wheel.advance(4_000_000_000, |_, item| fired.push(item));
        assert_eq!(fired, [0, 1]);
    }
}
