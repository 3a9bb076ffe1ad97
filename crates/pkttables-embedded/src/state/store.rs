use std::borrow::Borrow;
use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;
use std::sync::Arc;

/// Things of a table by handle, which is the order they were made in, and by what they are called.
#[derive(Clone, Debug)]
pub(crate) struct Store<K, T> {
    by_handle: BTreeMap<u64, (K, Arc<T>)>,
    handles: HashMap<K, u64>,
}

impl<K, T> Default for Store<K, T> {
    fn default() -> Self {
        Self { by_handle: BTreeMap::new(), handles: HashMap::new() }
    }
}

impl<K: Clone + Eq + Hash, T: Clone> Store<K, T> {
    pub(crate) fn len(&self) -> usize {
        self.by_handle.len()
    }

    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &T> {
        self.by_handle.values().map(|(_, item)| &**item)
    }

    /// The first one whose handle is at least `handle`, with its handle.
    pub(crate) fn from(&self, handle: u64) -> Option<(u64, &T)> {
        self.by_handle.range(handle..).next().map(|(&handle, (_, item))| (handle, &**item))
    }

    pub(crate) fn get(&self, handle: u64) -> Option<&T> {
        self.by_handle.get(&handle).map(|(_, item)| &**item)
    }

    pub(crate) fn get_mut(&mut self, handle: u64) -> Option<&mut T> {
        self.by_handle.get_mut(&handle).map(|(_, item)| Arc::make_mut(item))
    }

    pub(crate) fn called<Q: Eq + Hash + ?Sized>(&self, key: &Q) -> Option<&T>
    where
        K: Borrow<Q>,
    {
        self.get(*self.handles.get(key)?)
    }

    pub(crate) fn insert(&mut self, handle: u64, key: K, item: T) {
        self.handles.insert(key.clone(), handle);
        self.by_handle.insert(handle, (key, Arc::new(item)));
    }

    pub(crate) fn remove(&mut self, handle: u64) -> Option<Arc<T>> {
        let (key, item) = self.by_handle.remove(&handle)?;
        self.handles.remove(&key);
        Some(item)
    }
}
