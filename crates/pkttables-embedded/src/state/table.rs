use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use nfnetlink::Errno;
use pkttnetlink::nft::{Family, ObjectType, SetFlags, TableFlags};

use super::chain::Chain;
use super::object::{Flowtable, Object};
use super::rule::Reference;
use super::set::{Element, Set};
use super::store::Store;

/// How large a set gets at most that rules add elements to, unless it says so.
pub(crate) const DYNAMIC_SIZE: u32 = 0xffff;

/// A name that is shared wherever it is needed.
pub(crate) type Name = Arc<[u8]>;

/// A table. Copying it copies no chain and no rule.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    pub(crate) family: Family,
    pub(crate) name: Name,
    pub(crate) handle: u64,
    pub(crate) flags: TableFlags,
    /// The port of the socket that owns it.
    pub(crate) owner: Option<u32>,
    pub(crate) user_data: Box<[u8]>,
    /// The handle that was given to something in it last.
    pub(crate) last_handle: u64,
    pub(crate) sets: Store<Name, Set>,
    pub(crate) objects: Store<(ObjectType, Name), Object>,
    pub(crate) flowtables: Store<Name, Flowtable>,
    /// By handle, which is the order they were made in.
    chains: BTreeMap<u64, Arc<Chain>>,
    chain_names: HashMap<Name, u64>,
}

impl Table {
    pub(crate) fn new(family: Family, name: &[u8], handle: u64) -> Self {
        Self {
            family,
            name: name.into(),
            handle,
            flags: TableFlags::empty(),
            owner: None,
            user_data: Box::default(),
            last_handle: 0,
            sets: Store::default(),
            objects: Store::default(),
            flowtables: Store::default(),
            chains: BTreeMap::new(),
            chain_names: HashMap::new(),
        }
    }

    pub(crate) const fn new_handle(&mut self) -> u64 {
        self.last_handle += 1;
        self.last_handle
    }

    /// What the kernel counts as uses of a table.
    pub(crate) fn use_count(&self) -> u32 {
        // Sets of single rules go with these and are not counted.
        let sets = self.sets.iter().filter(|set| !set.has(SetFlags::ANONYMOUS)).count();
        let all = self.chains.len() + sets + self.objects.len() + self.flowtables.len();
        u32::try_from(all).unwrap_or(u32::MAX)
    }

    pub(crate) fn chains(&self) -> impl DoubleEndedIterator<Item = &Chain> {
        self.chains.values().map(|chain| &**chain)
    }

    /// The first chain whose handle is at least `handle`.
    pub(crate) fn chain_from(&self, handle: u64) -> Option<&Chain> {
        self.chains.range(handle..).next().map(|(_, chain)| &**chain)
    }

    pub(crate) fn chain(&self, handle: u64) -> Option<&Chain> {
        self.chains.get(&handle).map(|chain| &**chain)
    }

    pub(crate) fn chain_mut(&mut self, handle: u64) -> Option<&mut Chain> {
        self.chains.get_mut(&handle).map(Arc::make_mut)
    }

    pub(crate) fn chain_named(&self, name: &[u8]) -> Option<&Chain> {
        self.chain(*self.chain_names.get(name)?)
    }

    /// Adds a chain of a handle and a name that no other has.
    pub(crate) fn add_chain(&mut self, chain: Chain) -> Result<(), Errno> {
        if self.chains.contains_key(&chain.handle) || self.chain_names.contains_key(&chain.name) {
            return Err(Errno::EEXIST);
        }
        self.chain_names.insert(Arc::clone(&chain.name), chain.handle);
        self.chains.insert(chain.handle, Arc::new(chain));
        Ok(())
    }

    /// Takes a chain out; what its rules refer to is not touched.
    pub(crate) fn remove_chain(&mut self, handle: u64) -> Option<Arc<Chain>> {
        let chain = self.chains.remove(&handle)?;
        self.chain_names.remove(&chain.name);
        Some(chain)
    }

    /// Counts one more use of a chain, or one less.
    pub(crate) fn count_jump(&mut self, chain: u64, more: bool) {
        if let Some(chain) = self.chain_mut(chain) {
            count(&mut chain.jumps_here, more);
        }
    }

    /// Counts one more use of what a rule refers to, or one less.
    pub(crate) fn count_reference(&mut self, reference: Reference, more: bool) {
        let uses = match reference {
            Reference::Set(handle) | Reference::Verdicts(handle) => {
                self.sets.get_mut(handle).map(|set| &mut set.uses)
            }
            Reference::Updated(handle) => self.sets.get_mut(handle).map(|set| {
                // Packets may add so many to a set that says nothing of its size.
                set.settings.size.get_or_insert(DYNAMIC_SIZE);
                &mut set.uses
            }),
            Reference::Object(handle) => self.objects.get_mut(handle).map(|object| &mut object.uses),
            Reference::Flowtable(handle) => {
                self.flowtables.get_mut(handle).map(|flowtable| &mut flowtable.uses)
            }
        };
        if let Some(uses) = uses {
            count(uses, more);
        }
    }

    /// Counts what an element that has come or gone refers to.
    pub(crate) fn count_element(&mut self, element: &Element, more: bool) {
        if let Some(chain) = element.value.chain() {
            self.count_jump(chain, more);
        }
        if let Some(object) = element.object {
            self.count_reference(Reference::Object(object), more);
        }
    }

    /// Takes a set out with what its elements refer to.
    pub(crate) fn remove_set(&mut self, handle: u64) -> Option<Arc<Set>> {
        let set = self.sets.remove(handle)?;
        set.elements().for_each(|(_, element)| self.count_element(element, false));
        Some(set)
    }

    pub(crate) fn rename_chain(&mut self, handle: u64, name: &Name) {
        let Some(chain) = self.chain_mut(handle) else { return };
        let old = std::mem::replace(&mut chain.name, Arc::clone(name));
        self.chain_names.remove(&old);
        self.chain_names.insert(Arc::clone(name), handle);
    }
}

const fn count(uses: &mut u32, more: bool) {
    *uses = if more { uses.saturating_add(1) } else { uses.saturating_sub(1) };
}
