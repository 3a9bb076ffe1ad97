use std::num::NonZeroU32;

/// The most children that a node has.
const WIDTH: usize = 128;
/// So many children are looked at together.
const AT_ONCE: usize = 16;
/// No node, no item.
const NONE: u32 = u32::MAX;

/// Items in an order that is looked up, and changed, at any place in logarithmic time.
///
/// A tree of small blocks that count what is below them. An item keeps its [`ItemId`] wherever it moves, and its
/// place is found from that in logarithmic time, too.
#[derive(Clone, Debug)]
pub struct List<T> {
    slots: Vec<Slot<T>>,
    /// Slots that have no item.
    free: Vec<u32>,
    nodes: Vec<Node>,
    free_nodes: Vec<u32>,
    root: u32,
    /// How many levels of nodes are above the lowest.
    height: u32,
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

/// An item, and the lowest node that it is in.
#[derive(Clone, Debug)]
struct Slot<T> {
    node: u32,
    item: Option<T>,
}

#[derive(Clone, Debug)]
struct Node {
    parent: u32,
    /// Slots in a node of the lowest level, nodes in all others.
    children: Vec<u32>,
    /// How many items are below each child and those before it; empty in the lowest level.
    ends: Vec<u32>,
}

impl<T> Default for List<T> {
    fn default() -> Self {
        Self {
            slots: Vec::new(),
            free: Vec::new(),
            nodes: vec![Node { parent: NONE, children: Vec::new(), ends: Vec::new() }],
            free_nodes: Vec::new(),
            root: 0,
            height: 0,
            len: 0,
        }
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
        self.item(self.id(index)?)
    }

    /// The item at a place, from 0.
    pub fn get_mut(&mut self, index: usize) -> Option<&mut T> {
        let id = self.id(index)?;
        self.slots.get_mut(id.slot() as usize)?.item.as_mut()
    }

    /// The item of this name.
    #[must_use]
    pub fn item(&self, id: ItemId) -> Option<&T> {
        self.item_in(id.slot())
    }

    /// The name of the item at a place, from 0.
    #[must_use]
    pub fn id(&self, index: usize) -> Option<ItemId> {
        if index >= self.len {
            return None;
        }
        let (mut rest, mut node) = (index, self.node(self.root)?);
        for _ in 0..self.height {
            let (at, before) = node.child_of(rest);
            rest -= before;
            node = self.node(*node.children.get(at)?)?;
        }
        ItemId::of(*node.children.get(rest)?)
    }

    /// The place of an item, from 0.
    #[must_use]
    pub fn index_of(&self, id: ItemId) -> Option<usize> {
        let slot = self.slots.get(id.slot() as usize)?;
        slot.item.as_ref()?;
        let mut number = slot.node;
        let mut node = self.node(number)?;
        let mut index = node.place_of(id.slot())?;
        while node.parent != NONE {
            let parent = self.node(node.parent)?;
            let place = parent.place_of(number)?;
            index += parent.before(place);
            number = node.parent;
            node = parent;
        }
        Some(index)
    }

    /// Adds an item behind all others.
    pub fn push(&mut self, item: T) -> Option<ItemId> {
        self.insert(self.len, item)
    }

    /// Puts an item at a place, from 0; those there and behind move on. `None`, and nothing is done, if the place
    /// is beyond the end, or the list has 2³² − 1 items.
    pub fn insert(&mut self, index: usize, item: T) -> Option<ItemId> {
        if index > self.len || self.len >= NONE as usize {
            return None;
        }
        let (mut rest, mut number) = (index, self.root);
        for _ in 0..self.height {
            let node = self.node_mut(number)?;
            // At a border the item goes to the end of the left side.
            let (at, before) = node.child_of(rest.saturating_sub(1));
            node.ends.get_mut(at..)?.iter_mut().for_each(|end| *end += 1);
            rest -= before;
            number = *node.children.get(at)?;
        }
        let slot = self.fill_slot(number, item);
        let node = self.node_mut(number)?;
        node.children.insert(rest.min(node.children.len()), slot);
        let full = node.children.len() > WIDTH;
        self.len += 1;
        if full {
            self.split(number);
        }
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
        let (mut rest, mut number) = (index, self.root);
        for _ in 0..self.height {
            let node = self.node_mut(number)?;
            let (at, before) = node.child_of(rest);
            node.ends.get_mut(at..)?.iter_mut().for_each(|end| *end -= 1);
            rest -= before;
            number = *node.children.get(at)?;
        }
        let slot = self.node_mut(number)?.children.remove(rest);
        self.len -= 1;
        self.prune(number);
        self.free.push(slot);
        let item = self.slots.get_mut(slot as usize)?.item.take()?;
        Some((ItemId::of(slot)?, item))
    }

    /// The items in order.
    #[must_use]
    pub fn iter(&self) -> Iter<'_, T> {
        Iter { list: self, path: vec![(self.root, 0)] }
    }

    fn item_in(&self, slot: u32) -> Option<&T> {
        self.slots.get(slot as usize)?.item.as_ref()
    }

    fn node(&self, number: u32) -> Option<&Node> {
        self.nodes.get(number as usize)
    }

    fn node_mut(&mut self, number: u32) -> Option<&mut Node> {
        self.nodes.get_mut(number as usize)
    }

    fn fill_slot(&mut self, node: u32, item: T) -> u32 {
        let slot = Slot { node, item: Some(item) };
        if let Some(id) = self.free.pop()
            && let Some(place) = self.slots.get_mut(id as usize)
        {
            *place = slot;
            return id;
        }
        self.slots.push(slot);
        (self.slots.len() - 1) as u32
    }

    fn new_node(&mut self, node: Node) -> u32 {
        if let Some(number) = self.free_nodes.pop()
            && let Some(place) = self.nodes.get_mut(number as usize)
        {
            *place = node;
            return number;
        }
        self.nodes.push(node);
        (self.nodes.len() - 1) as u32
    }

    /// Splits nodes that are too wide, from the lowest up.
    fn split(&mut self, lowest: u32) -> Option<()> {
        let (mut number, mut is_lowest) = (lowest, true);
        while self.node(number)?.children.len() > WIDTH {
            if number == self.root {
                let count = self.len as u32;
                let root = Node { parent: NONE, children: vec![number], ends: vec![count] };
                self.root = self.new_node(root);
                self.height += 1;
                let root = self.root;
                self.node_mut(number)?.parent = root;
            }
            let parent = self.node(number)?.parent;
            let place = self.node(parent)?.place_of(number)?;
            // The last node is mostly grown at its end, where full nodes are best left full.
            let is_last = place + 1 == self.node(parent)?.children.len();
            let node = self.node_mut(number)?;
            let at = if is_last { WIDTH } else { WIDTH / 2 };
            let staying = if is_lowest { at } else { node.before(at) } as u32;
            let ends = if is_lowest { Vec::new() } else { node.ends.split_off(at) };
            let ends = ends.into_iter().map(|end| end - staying).collect();
            let right = Node { parent, children: node.children.split_off(at), ends };
            let moved = right.children.clone();
            let right = self.new_node(right);
            for child in moved {
                if is_lowest {
                    self.slots.get_mut(child as usize)?.node = right;
                } else {
                    self.node_mut(child)?.parent = right;
                }
            }
            let parent_node = self.node_mut(parent)?;
            let end = parent_node.before(place) as u32 + staying;
            parent_node.ends.insert(place, end);
            parent_node.children.insert(place + 1, right);
            (number, is_lowest) = (parent, false);
        }
        Some(())
    }

    /// Takes out nodes that have become empty, and roots that have one child.
    fn prune(&mut self, lowest: u32) -> Option<()> {
        let mut number = lowest;
        while number != self.root && self.node(number)?.children.is_empty() {
            let parent = self.node(number)?.parent;
            let node = self.node_mut(parent)?;
            let place = node.place_of(number)?;
            node.children.remove(place);
            node.ends.remove(place);
            self.free_nodes.push(number);
            number = parent;
        }
        while self.height > 0 && self.node(self.root)?.children.len() <= 1 {
            let root = self.root;
            let Some(&only) = self.node(root)?.children.first() else {
                // Nothing is left: the root is the lowest level again.
                self.node_mut(root)?.ends.clear();
                self.height = 0;
                break;
            };
            self.free_nodes.push(root);
            self.root = only;
            self.height -= 1;
            self.node_mut(only)?.parent = NONE;
        }
        Some(())
    }
}

impl Node {
    /// The child that the item at `index` below this node is in, and how many items are before that child.
    fn child_of(&self, index: usize) -> (usize, usize) {
        let last = self.ends.len().saturating_sub(1);
        let ends = self.ends.get(..last).unwrap_or_default();
        let at = ends.partition_point(|&end| end as usize <= index);
        (at, self.before(at))
    }

    /// How many items are below the children before this one.
    fn before(&self, child: usize) -> usize {
        child.checked_sub(1).and_then(|last| self.ends.get(last)).map_or(0, |&end| end as usize)
    }

    fn place_of(&self, child: u32) -> Option<usize> {
        // Those that were added one after another have numbers one after another.
        let from_end = self.children.last()?.wrapping_sub(child) as usize;
        let guess = (self.children.len() - 1).checked_sub(from_end);
        guess.filter(|&guess| self.children.get(guess) == Some(&child)).or_else(|| self.search(child))
    }

    fn search(&self, child: u32) -> Option<usize> {
        let chunks = self.children.chunks(AT_ONCE).enumerate();
        // Without a way out in the middle, the processor compares all of a chunk at once.
        let mut found =
            chunks.filter(|(_, chunk)| chunk.iter().fold(false, |is, &other| is | (other == child)));
        let (chunk, children) = found.next()?;
        Some(chunk * AT_ONCE + children.iter().position(|&other| other == child)?)
    }
}

/// The items of a [`List`] in order.
#[derive(Clone, Debug)]
pub struct Iter<'l, T> {
    list: &'l List<T>,
    /// Nodes from the root down, and the child of each to be visited next.
    path: Vec<(u32, usize)>,
}

impl<'l, T> Iterator for Iter<'l, T> {
    type Item = &'l T;

    fn next(&mut self) -> Option<&'l T> {
        loop {
            let depth = self.path.len() as u32;
            let (number, next) = self.path.last_mut()?;
            match self.list.node(*number)?.children.get(*next) {
                None => {
                    self.path.pop();
                }
                Some(&child) => {
                    *next += 1;
                    if depth > self.list.height {
                        return self.list.item_in(child);
                    }
                    self.path.push((child, 0));
                }
            }
        }
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
    fn the_tree_is_low_however_it_is_filled() {
        let appended: List<u32> = (0..300_000).collect();
        let mut scattered = List::default();
        for item in 0..300_000_usize {
            scattered.insert(item.wrapping_mul(2_654_435_761) % (item + 1), item);
        }
        assert!(appended.height <= 3 && scattered.height <= 3);
    }
}
