use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use nfnetlink::Errno;
use pkttnetlink::nft::expr::Expression;
use pkttnetlink::nft::{DataType, ObjectType, SetFlags, SetPolicy, VerdictCode};

use super::table::Name;

/// A set or map, anonymous or not.
#[derive(Clone, Debug)]
pub(crate) struct Set {
    pub(crate) name: Name,
    pub(crate) handle: u64,
    pub(crate) shape: Shape,
    pub(crate) settings: Settings,
    pub(crate) user_data: Box<[u8]>,
    /// How many rules refer to it.
    pub(crate) uses: u32,
    /// How many more did before the batch that is under way. Until its end they still keep the elements as they are.
    pub(crate) leaving: u32,
    elements: BTreeMap<Key, Element>,
    /// How many of them are no catch-all.
    keyed: u32,
    /// How many of those the batch under way has removed. Until its end they take their room.
    departing: u32,
}

/// What a set cannot be without being another one.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Shape {
    pub(crate) flags: SetFlags,
    pub(crate) key_type: DataType,
    pub(crate) key_len: u32,
    pub(crate) data_type: DataType,
    pub(crate) data_len: u32,
    pub(crate) object_type: Option<ObjectType>,
    /// What each element carries.
    pub(crate) expressions: Vec<Expression<'static>>,
}

/// The rest of what is asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settings {
    pub(crate) timeout: Option<u64>,
    pub(crate) gc_interval: Option<u32>,
    pub(crate) policy: SetPolicy,
    pub(crate) size: Option<u32>,
    pub(crate) fields: Vec<u32>,
}

/// What an element is found by, in the order in which intervals begin and end.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    pub(crate) catchall: bool,
    pub(crate) first: Box<[u8]>,
    /// An end comes before what begins there.
    pub(crate) is_start: bool,
    /// The last key of a range of concatenations.
    pub(crate) last: Option<Box<[u8]>>,
}

/// The rest of an element.
#[derive(Clone, Debug)]
pub(crate) struct Element {
    pub(crate) value: Value,
    /// The handle of its object.
    pub(crate) object: Option<u64>,
    pub(crate) expressions: Vec<Expression<'static>>,
    pub(crate) timeout: Option<u64>,
    pub(crate) expiration: Option<u64>,
    pub(crate) user_data: Box<[u8]>,
}

/// What a map gives for a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    Nothing,
    Bytes(Box<[u8]>),
    Verdict(VerdictCode),
    /// A jump or goto to the chain of this handle.
    Chain(VerdictCode, u64),
}

/// What became of an element that was to be added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Inserted {
    New,
    /// It was there, and now lives for another time.
    Renewed,
    Same,
}

impl Value {
    pub(crate) const fn chain(&self) -> Option<u64> {
        match self {
            Self::Chain(_, chain) => Some(*chain),
            _ => None,
        }
    }
}

impl Set {
    pub(crate) fn new(name: Name, handle: u64, shape: Shape, settings: Settings) -> Self {
        let (user_data, elements) = (Box::default(), BTreeMap::new());
        Self {
            name,
            handle,
            shape,
            settings,
            user_data,
            uses: 0,
            leaving: 0,
            elements,
            keyed: 0,
            departing: 0,
        }
    }

    pub(crate) const fn has(&self, flags: SetFlags) -> bool {
        self.shape.flags.contains(flags)
    }

    pub(crate) fn is_verdict_map(&self) -> bool {
        self.has(SetFlags::MAP) && self.shape.data_type == DataType::VERDICT_MAP
    }

    /// Whether its elements stay as they are.
    pub(crate) const fn is_fixed(&self) -> bool {
        self.uses + self.leaving > 0
            && self.shape.flags.intersects(SetFlags::CONSTANT.union(SetFlags::ANONYMOUS))
    }

    /// Whether its elements are beginnings and ends of intervals.
    const fn has_ends(&self) -> bool {
        self.has(SetFlags::INTERVAL) && !self.has(SetFlags::CONCAT)
    }

    pub(crate) fn elements(&self) -> impl Iterator<Item = (&Key, &Element)> {
        self.elements.iter()
    }

    pub(crate) fn elements_mut(&mut self) -> impl Iterator<Item = &mut Element> {
        self.elements.values_mut()
    }

    /// The elements behind one of them, or from the first on.
    pub(crate) fn elements_after(&self, key: Option<&Key>) -> impl Iterator<Item = (&Key, &Element)> {
        let after = key.map_or(std::ops::Bound::Unbounded, std::ops::Bound::Excluded);
        self.elements.range((after, std::ops::Bound::Unbounded))
    }

    /// The element that a request means: of ranges the one in which the first key lies, whatever the last one is.
    pub(crate) fn find(&self, key: &Key) -> Option<(&Key, &Element)> {
        if key.catchall || !self.has(SetFlags::INTERVAL | SetFlags::CONCAT) {
            return self.elements.get_key_value(key);
        }
        let has_it = |other: &Key| {
            let last = other.last.as_deref().unwrap_or(&other.first);
            !other.catchall && self.is_within(&key.first, &other.first, last)
        };
        self.elements.iter().find(|(other, _)| has_it(other))
    }

    /// What the kernel tells as the number of elements.
    pub(crate) const fn count(&self) -> u32 {
        if self.has_ends() { self.keyed / 2 } else { self.keyed }
    }

    /// Whether nothing has to be removed before the set can go.
    pub(crate) const fn is_empty(&self) -> bool {
        self.keyed + self.departing == 0
    }

    /// Forgets what the batch has removed, at its end.
    pub(crate) const fn sweep(&mut self) {
        (self.leaving, self.departing) = (0, 0);
    }

    /// Adds an element. One that is there only gets another time to live.
    pub(crate) fn insert(&mut self, key: Key, element: Element) -> Result<Inserted, Errno> {
        if self.has_ends() && !key.catchall {
            self.check_interval(&key)?;
        } else if self.has(SetFlags::INTERVAL) && !key.catchall && !self.elements.contains_key(&key) {
            self.check_range(&key)?;
        }
        let limit = self.settings.size.filter(|_| !key.catchall);
        let limit =
            limit.map(|size| if self.has_ends() { size.saturating_mul(2).saturating_add(1) } else { size });
        let counts = u32::from(!key.catchall);
        match self.elements.entry(key) {
            Entry::Occupied(mut there) => {
                let there = there.get_mut();
                if there.value != element.value || there.object != element.object {
                    return Err(Errno::EEXIST);
                }
                let times = (element.timeout, element.expiration);
                if (there.timeout, there.expiration) == times {
                    return Ok(Inserted::Same);
                }
                (there.timeout, there.expiration) = times;
                Ok(Inserted::Renewed)
            }
            Entry::Vacant(_) if limit.is_some_and(|limit| self.keyed + self.departing >= limit) => {
                Err(Errno::ENFILE)
            }
            Entry::Vacant(place) => {
                place.insert(element);
                self.keyed += counts;
                Ok(Inserted::New)
            }
        }
    }

    /// Refuses beginnings and ends that overlap with others.
    fn check_interval(&self, key: &Key) -> Result<(), Errno> {
        if self.elements.contains_key(key) {
            return Ok(());
        }
        let keyed = |found: &(&Key, &Element)| !found.0.catchall;
        let before = self.elements.range(..key).next_back().filter(keyed).map(|(key, _)| key.is_start);
        let after = self.elements.range(key..).next().filter(keyed).map(|(key, _)| key.is_start);
        let overlaps = if key.is_start {
            // Sets of rules need no ends between intervals, as long as none is known behind.
            before == Some(true) && (!self.has(SetFlags::ANONYMOUS) || after == Some(false))
        } else {
            before == Some(false) || after == Some(false)
        };
        if overlaps { Err(Errno::EEXIST) } else { Ok(()) }
    }

    /// Refuses a range of concatenations of which another one has the first or the last key.
    fn check_range(&self, key: &Key) -> Result<(), Errno> {
        let last = key.last.as_deref().unwrap_or(&key.first);
        let overlaps = |other: &Key| {
            let end = other.last.as_deref().unwrap_or(&other.first);
            self.is_within(&key.first, &other.first, end) || self.is_within(last, &other.first, end)
        };
        if self.elements.keys().any(|other| !other.catchall && overlaps(other)) {
            Err(Errno::EEXIST)
        } else {
            Ok(())
        }
    }

    /// Whether each field of `key` is between those of two others.
    fn is_within(&self, key: &[u8], first: &[u8], last: &[u8]) -> bool {
        let mut start = 0;
        self.settings.fields.iter().all(|&len| {
            let field = start..start + len as usize;
            start += len.next_multiple_of(4) as usize;
            let part = |key: &'_ [u8]| key.get(field.clone()).map(<[u8]>::to_vec).unwrap_or_default();
            part(first) <= part(key) && part(key) <= part(last)
        })
    }

    pub(crate) fn remove(&mut self, key: &Key) -> Option<Element> {
        let element = self.elements.remove(key)?;
        let counts = u32::from(!key.catchall);
        self.keyed -= counts;
        self.departing += counts;
        Some(element)
    }
}
