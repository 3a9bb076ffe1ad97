use super::list::ItemId;
use std::collections::HashMap;

/// Items by their handles.
///
/// The kernel counts handles up, so that those of a chain mostly are near to one another: these are found without hashing,
/// and stay when the item goes, as that is the only other thing that would be read of a large chain then. So whoever asks
/// is to look whether the item has the handle.
#[derive(Clone, Debug, Default)]
pub(super) struct Handles {
    /// The handle of the first of the near ones.
    first: u64,
    near: Vec<Option<ItemId>>,
    far: HashMap<u64, ItemId>,
}

/// There is room for so many handles an item.
const ROOM: usize = 2;

impl Handles {
    /// Those of these items.
    pub(super) fn of(items: impl Iterator<Item = (u64, ItemId)> + Clone) -> Self {
        let (mut count, mut first, mut last) = (0_usize, u64::MAX, 0);
        for (handle, _) in items.clone() {
            (count, first, last) = (count + 1, first.min(handle), last.max(handle));
        }
        let span = usize::try_from(last.saturating_sub(first)).unwrap_or(usize::MAX).saturating_add(1);
        let mut handles = Self { first, near: vec![None; span.min(ROOM * count)], far: HashMap::new() };
        items.for_each(|(handle, id)| handles.insert(handle, id));
        handles
    }

    pub(super) fn get(&self, handle: u64) -> Option<ItemId> {
        match self.place(handle).and_then(|place| self.near.get(place)) {
            Some(near) => *near,
            None => self.far.get(&handle).copied(),
        }
    }

    pub(super) fn insert(&mut self, handle: u64, id: ItemId) {
        match self.place(handle).and_then(|place| self.near.get_mut(place)) {
            Some(near) => *near = Some(id),
            None => drop(self.far.insert(handle, id)),
        }
    }

    pub(super) fn remove(&mut self, handle: u64) {
        if self.place(handle).is_none_or(|place| place >= self.near.len()) {
            self.far.remove(&handle);
        }
    }

    fn place(&self, handle: u64) -> Option<usize> {
        usize::try_from(handle.checked_sub(self.first)?).ok()
    }
}
