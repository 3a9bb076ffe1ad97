use super::order::{self, Order};
use std::num::NonZeroU32;
use std::ops::Range;

/// The most items that a list has.
const MOST: usize = u32::MAX as usize;

/// Items in an order that is looked up, and changed, at any place in logarithmic time.
///
/// An item keeps its [`ItemId`] wherever it moves, and its place is found from that in logarithmic time, too. As long as
/// items are only added at the end, or taken from there, all of that costs nothing more than in a vector.
#[derive(Clone, Debug)]
pub struct List<T> {
    slots: Vec<Option<T>>,
    /// Slots that have no item.
    free: Vec<u32>,
    /// The slots in the order of their items, once that is another one than that of the slots.
    order: Option<Box<Order>>,
    len: usize,
}

/// Names an item of a [`List`] as long as it is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ItemId(NonZeroU32);

impl ItemId {
    /// One more than the number of the slot, so that an `Option` of it is no larger.
    fn of(slot: u32) -> Option<Self> {
        NonZeroU32::new(slot.wrapping_add(1)).map(Self)
    }

    const fn slot(self) -> u32 {
        self.0.get() - 1
    }
}

impl<T> Default for List<T> {
    fn default() -> Self {
        Self { slots: Vec::new(), free: Vec::new(), order: None, len: 0 }
    }
}

impl<T> List<T> {
    /// How many items there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The item at a place, from 0.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<&T> {
        self.slots.get(self.slot(index)? as usize)?.as_ref()
    }

    /// The item at a place, from 0.
    pub fn get_mut(&mut self, index: usize) -> Option<&mut T> {
        let slot = self.slot(index)?;
        self.slots.get_mut(slot as usize)?.as_mut()
    }

    /// The item of this name.
    #[must_use]
    pub fn item(&self, id: ItemId) -> Option<&T> {
        self.slots.get(id.slot() as usize)?.as_ref()
    }

    /// The name of the item at a place, from 0.
    #[must_use]
    pub fn id(&self, index: usize) -> Option<ItemId> {
        ItemId::of(self.slot(index)?)
    }

    /// The place of an item, from 0.
    #[must_use]
    pub fn index_of(&self, id: ItemId) -> Option<usize> {
        self.item(id)?;
        match &self.order {
            None => Some(id.slot() as usize),
            Some(order) => order.index_of(id.slot()),
        }
    }

    /// Adds an item behind all others.
    pub fn push(&mut self, item: T) -> Option<ItemId> {
        self.insert(self.len, item)
    }

    /// Puts an item at a place, from 0; those there and behind move on. `None`, and nothing is done, if the place
    /// is beyond the end, or the list has 2³² − 1 items.
    pub fn insert(&mut self, index: usize, item: T) -> Option<ItemId> {
        if index > self.len || self.len >= MOST {
            return None;
        }
        if index < self.len {
            self.order();
        }
        let slot = self.fill_slot(item);
        if let Some(order) = &mut self.order {
            order.insert(index, slot)?;
        }
        self.len += 1;
        ItemId::of(slot)
    }

    /// Takes out the item at a place, from 0.
    pub fn remove(&mut self, index: usize) -> Option<T> {
        self.take(index).map(|(_, item)| item)
    }

    /// Takes out the item at a place, from 0, and tells the name that it had.
    pub fn take(&mut self, index: usize) -> Option<(ItemId, T)> {
        if index >= self.len {
            return None;
        }
        let (slot, item) = if self.order.is_none() && index + 1 == self.len {
            (index as u32, self.slots.pop()??)
        } else {
            let slot = self.order().remove(index)?;
            self.free.push(slot);
            (slot, self.slots.get_mut(slot as usize)?.take()?)
        };
        self.len -= 1;
        Some((ItemId::of(slot)?, item))
    }

    /// The items in order.
    #[must_use]
    pub fn iter(&self) -> Iter<'_, T> {
        let slots = match &self.order {
            None => Slots::Counting(0..self.slots.len()),
            Some(order) => Slots::Ordered(order.iter()),
        };
        Iter { list: self, slots }
    }

    /// The items and their names, in any order.
    pub fn with_ids(&self) -> impl Iterator<Item = (ItemId, &T)> + Clone {
        let slots = self.slots.iter().enumerate();
        slots.filter_map(|(slot, item)| Some((ItemId::of(slot as u32)?, item.as_ref()?)))
    }

    fn slot(&self, index: usize) -> Option<u32> {
        match &self.order {
            None => (index < self.len).then_some(index as u32),
            Some(order) => order.get(index),
        }
    }

    fn order(&mut self) -> &mut Order {
        self.order.get_or_insert_with(|| Box::new(Order::counting(self.len as u32)))
    }

    fn fill_slot(&mut self, item: T) -> u32 {
        if let Some(slot) = self.free.pop()
            && let Some(place) = self.slots.get_mut(slot as usize)
        {
            *place = Some(item);
            return slot;
        }
        self.slots.push(Some(item));
        (self.slots.len() - 1) as u32
    }
}

/// The items of a [`List`] in order.
#[derive(Clone, Debug)]
pub struct Iter<'l, T> {
    list: &'l List<T>,
    slots: Slots<'l>,
}

#[derive(Clone, Debug)]
enum Slots<'l> {
    Counting(Range<usize>),
    Ordered(order::Iter<'l>),
}

impl<'l, T> Iterator for Iter<'l, T> {
    type Item = &'l T;

    fn next(&mut self) -> Option<&'l T> {
        let slot = match &mut self.slots {
            Slots::Counting(slots) => slots.next()?,
            Slots::Ordered(slots) => slots.next()? as usize,
        };
        self.list.slots.get(slot)?.as_ref()
    }
}

impl<'l, T> IntoIterator for &'l List<T> {
    type Item = &'l T;
    type IntoIter = Iter<'l, T>;

    fn into_iter(self) -> Iter<'l, T> {
        self.iter()
    }
}

impl<T> Extend<T> for List<T> {
    fn extend<I: IntoIterator<Item = T>>(&mut self, items: I) {
        for item in items {
            self.push(item);
        }
    }
}

impl<T> FromIterator<T> for List<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        let mut list = Self::default();
        list.extend(items);
        list
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Clone, Debug)]
    enum Edit {
        Insert(usize, usize),
        Remove(usize, usize),
    }

    fn edits() -> impl Strategy<Value = Vec<Edit>> {
        let edit = (any::<bool>(), any::<usize>(), 1..200usize).prop_map(|(insert, at, times)| {
            if insert { Edit::Insert(at, times) } else { Edit::Remove(at, times) }
        });
        prop::collection::vec(edit, 1..60)
    }

    proptest! {
        #[test]
        fn does_what_a_vector_does(start in 0..9000usize, edits in edits()) {
            let mut list: List<usize> = (0..start).collect();
            let mut vector: Vec<(usize, ItemId)> =
                (0..start).map(|item| (item, list.id(item).unwrap())).collect();
            let mut next = start;
            for edit in edits {
                match edit {
                    Edit::Insert(at, times) => for step in 0..times {
                        let at = (at.wrapping_add(step)) % (vector.len() + 1);
                        vector.insert(at, (next, list.insert(at, next).unwrap()));
                        next += 1;
                    },
                    Edit::Remove(at, times) => for _ in 0..times.min(vector.len()) {
                        let at = at % vector.len();
                        prop_assert_eq!(list.remove(at), Some(vector.remove(at).0));
                    },
                }
            }
            prop_assert_eq!(list.len(), vector.len());
            prop_assert!(list.iter().eq(vector.iter().map(|(item, _)| item)));
            for (index, (item, id)) in vector.iter().enumerate() {
                prop_assert_eq!(list.get(index), Some(item));
                prop_assert_eq!(list.index_of(*id), Some(index));
            }
            prop_assert_eq!(list.insert(vector.len() + 1, 0), None);
            while list.remove(0).is_some() {}
            prop_assert!(list.push(7).is_some() && list.iter().eq(&[7]));
        }
    }

    #[test]
    fn what_is_taken_from_the_end_leaves_the_rest_as_it_was() {
        let mut list: List<u32> = (0..5).collect();
        let fourth = list.id(3).unwrap();
        assert_eq!((list.remove(4), list.remove(5), list.len()), (Some(4), None, 4));
        let last = list.push(9).unwrap();
        assert!(list.iter().eq(&[0, 1, 2, 3, 9]));
        assert_eq!((list.index_of(fourth), list.index_of(last)), (Some(3), Some(4)));
        list.insert(0, 7).unwrap();
        assert_eq!((list.index_of(fourth), list.index_of(last)), (Some(4), Some(5)));
        assert_eq!(list.remove(5), Some(9));
        assert_eq!((list.item(last), list.index_of(last)), (None, None));
        assert!(list.iter().eq(&[7, 0, 1, 2, 3]));
    }
}
