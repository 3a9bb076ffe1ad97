/// The most children that a node has.
const WIDTH: usize = 128;
/// So many children are looked at together.
const AT_ONCE: usize = 16;
/// No node.
const NONE: u32 = u32::MAX;

/// Numbers in an order that is looked up, and changed, at any place in logarithmic time; a number's place is found in
/// logarithmic time, too.
///
/// A tree of small blocks that count what is below them. The numbers are to be small, as there is a table of them.
#[derive(Clone, Debug)]
pub(super) struct Order {
    nodes: Vec<Node>,
    free_nodes: Vec<u32>,
    /// The lowest node that each number is in, or was when it was in any.
    node_of: Vec<u32>,
    root: u32,
    /// How many levels of nodes are above the lowest.
    height: u32,
    len: usize,
}

#[derive(Clone, Debug)]
struct Node {
    parent: u32,
    /// Which of the parent's children it is.
    place: u32,
    /// Numbers in a node of the lowest level, nodes in all others.
    children: Vec<u32>,
    /// How many numbers are below each child and those before it; empty in the lowest level.
    ends: Vec<u32>,
}

impl Order {
    /// The numbers from 0 to below `len`, counted up.
    pub(super) fn counting(len: u32) -> Self {
        let mut order = Self {
            nodes: Vec::new(),
            free_nodes: Vec::new(),
            node_of: (0..len).map(|number| number / WIDTH as u32).collect(),
            root: 0,
            height: 0,
            len: len as usize,
        };
        let numbers: Vec<u32> = (0..len).collect();
        // The nodes of a level, and how many numbers are below each.
        let mut level: Vec<(u32, u32)> = numbers
            .chunks(WIDTH)
            .map(|chunk| (order.new_node(Node::top(chunk.to_vec(), Vec::new())), chunk.len() as u32))
            .collect();
        while level.len() > 1 {
            let parents = level.chunks(WIDTH).map(|chunk| {
                let ends = chunk.iter().scan(0, |below, (_, count)| {
                    *below += count;
                    Some(*below)
                });
                let ends: Vec<u32> = ends.collect();
                let below = ends.last().copied().unwrap_or_default();
                let node = Node::top(chunk.iter().map(|(child, _)| *child).collect(), ends);
                let node = order.new_node(node);
                order.adopt(node, 0);
                (node, below)
            });
            level = parents.collect();
            order.height += 1;
        }
        order.root = match level.first() {
            Some(&(root, _)) => root,
            None => order.new_node(Node::top(Vec::new(), Vec::new())),
        };
        order
    }

    /// The number at a place, from 0.
    pub(super) fn get(&self, index: usize) -> Option<u32> {
        if index >= self.len {
            return None;
        }
        let (mut rest, mut node) = (index, self.node(self.root)?);
        for _ in 0..self.height {
            let (at, before) = node.child_of(rest);
            rest -= before;
            node = self.node(*node.children.get(at)?)?;
        }
        node.children.get(rest).copied()
    }

    /// The place of a number, from 0.
    pub(super) fn index_of(&self, item: u32) -> Option<usize> {
        let mut node = self.node(*self.node_of.get(item as usize)?)?;
        let mut index = node.place_of(item)?;
        while let Some(parent) = self.node(node.parent) {
            index += parent.before(node.place as usize);
            node = parent;
        }
        Some(index)
    }

    /// Puts a number at a place, from 0; those there and behind move on. `None`, and nothing is done, if the place is
    /// beyond the end.
    pub(super) fn insert(&mut self, index: usize, item: u32) -> Option<()> {
        if index > self.len {
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
        let node = self.node_mut(number)?;
        node.children.insert(rest.min(node.children.len()), item);
        let is_full = node.children.len() > WIDTH;
        self.note(item, number);
        self.len += 1;
        if is_full {
            self.split(number);
        }
        Some(())
    }

    /// Takes out the number at a place, from 0.
    pub(super) fn remove(&mut self, index: usize) -> Option<u32> {
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
        let item = self.node_mut(number)?.children.remove(rest);
        self.len -= 1;
        self.prune(number);
        Some(item)
    }

    /// The numbers in order.
    pub(super) fn iter(&self) -> Iter<'_> {
        Iter { order: self, path: vec![(self.root, 0)] }
    }

    fn node(&self, number: u32) -> Option<&Node> {
        self.nodes.get(number as usize)
    }

    fn node_mut(&mut self, number: u32) -> Option<&mut Node> {
        self.nodes.get_mut(number as usize)
    }

    /// Notes the lowest node that a number is in.
    fn note(&mut self, item: u32, node: u32) {
        let place = item as usize;
        if place >= self.node_of.len() {
            self.node_of.resize(place + 1, NONE);
        }
        if let Some(known) = self.node_of.get_mut(place) {
            *known = node;
        }
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
                self.root = self.new_node(Node::top(vec![number], vec![self.len as u32]));
                self.height += 1;
                self.adopt(self.root, 0);
            }
            let &Node { parent, place, .. } = self.node(number)?;
            let place = place as usize;
            // The last node is mostly grown at its end, where full nodes are best left full.
            let is_last = place + 1 == self.node(parent)?.children.len();
            let node = self.node_mut(number)?;
            let at = if is_last { WIDTH } else { WIDTH / 2 };
            let staying = if is_lowest { at } else { node.before(at) } as u32;
            let ends = if is_lowest { Vec::new() } else { node.ends.split_off(at) };
            let ends = ends.into_iter().map(|end| end - staying).collect();
            let children = node.children.split_off(at);
            let right = self.new_node(Node { parent, place: 0, children, ends });
            if is_lowest {
                let moved = self.node(right)?.children.clone();
                moved.into_iter().for_each(|item| self.note(item, right));
            } else {
                self.adopt(right, 0);
            }
            let parent_node = self.node_mut(parent)?;
            let end = parent_node.before(place) as u32 + staying;
            parent_node.ends.insert(place, end);
            parent_node.children.insert(place + 1, right);
            self.adopt(parent, place + 1);
            (number, is_lowest) = (parent, false);
        }
        Some(())
    }

    /// Takes out nodes that have become empty, and roots that have one child.
    fn prune(&mut self, lowest: u32) -> Option<()> {
        let mut number = lowest;
        while number != self.root && self.node(number)?.children.is_empty() {
            let &Node { parent, place, .. } = self.node(number)?;
            let place = place as usize;
            let node = self.node_mut(parent)?;
            node.children.remove(place);
            node.ends.remove(place);
            self.adopt(parent, place);
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

    /// Tells the nodes that are children of a node, from a place on, where they are.
    fn adopt(&mut self, parent: u32, from: usize) {
        let mut place = from;
        while let Some(&child) = self.node(parent).and_then(|node| node.children.get(place)) {
            if let Some(child) = self.node_mut(child) {
                (child.parent, child.place) = (parent, place as u32);
            }
            place += 1;
        }
    }
}

impl Node {
    /// One that has no parent yet.
    const fn top(children: Vec<u32>, ends: Vec<u32>) -> Self {
        Self { parent: NONE, place: 0, children, ends }
    }

    /// The child that the item at `index` below this node is in, and how many items are before that child.
    fn child_of(&self, index: usize) -> (usize, usize) {
        // Children mostly have about as many below them as their neighbours.
        let last = self.ends.len().saturating_sub(1);
        let total = self.ends.last().map_or(1, |&end| end as usize).max(1);
        let guess = (index * self.ends.len() / total).min(last);
        let before = self.before(guess);
        if before <= index && self.ends.get(guess).is_some_and(|&end| index < end as usize) {
            return (guess, before);
        }
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

/// The numbers of an [`Order`] in order.
#[derive(Clone, Debug)]
pub(super) struct Iter<'o> {
    order: &'o Order,
    /// Nodes from the root down, and the child of each to be visited next.
    path: Vec<(u32, usize)>,
}

impl Iterator for Iter<'_> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        loop {
            let depth = self.path.len() as u32;
            let (number, next) = self.path.last_mut()?;
            match self.order.node(*number)?.children.get(*next) {
                None => {
                    self.path.pop();
                }
                Some(&child) => {
                    *next += 1;
                    if depth > self.order.height {
                        return Some(child);
                    }
                    self.path.push((child, 0));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counting_is_the_same_as_inserting_one_after_another() {
        for len in [0, 1, 127, 128, 129, 128 * 128, 128 * 128 + 1, 40_000, 128 * 128 * 128 + 5] {
            let mut order = Order::counting(len);
            assert!(order.iter().eq(0..len), "{len}");
            for place in (0..len).step_by(997).chain(len.checked_sub(1)) {
                assert_eq!(order.get(place as usize), Some(place));
                assert_eq!(order.index_of(place), Some(place as usize));
            }
            assert_eq!(order.get(len as usize), None);
            order.insert(len as usize / 2, len).unwrap();
            assert_eq!(order.index_of(len), Some(len as usize / 2));
            assert_eq!(order.insert(len as usize + 2, len), None);
        }
    }

    #[test]
    fn the_tree_is_low_however_it_is_filled() {
        let mut scattered = Order::counting(0);
        for item in 0..300_000_usize {
            scattered.insert(item.wrapping_mul(2_654_435_761) % (item + 1), item as u32);
        }
        assert!(Order::counting(300_000).height <= 2 && scattered.height <= 3);
    }
}
