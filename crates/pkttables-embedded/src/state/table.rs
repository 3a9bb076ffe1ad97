use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use nfnetlink::Errno;
use pkttnetlink::nft::{Family, TableFlags};

use super::chain::Chain;

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
        u32::try_from(self.chains.len()).unwrap_or(u32::MAX)
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

    pub(crate) fn rename_chain(&mut self, handle: u64, name: &Name) {
        let Some(chain) = self.chain_mut(handle) else { return };
        let old = std::mem::replace(&mut chain.name, Arc::clone(name));
        self.chain_names.remove(&old);
        self.chain_names.insert(Arc::clone(name), handle);
    }
}
