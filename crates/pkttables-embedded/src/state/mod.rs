//! What the kernel holds. All of it is shared until it is changed, so that a copy is a snapshot.

pub(crate) mod chain;
pub(crate) mod object;
pub(crate) mod rule;
pub(crate) mod set;
pub(crate) mod store;
pub(crate) mod table;

use std::sync::Arc;

use pkttnetlink::nft::Family;

pub(crate) use chain::{Base, Chain, ChainType, Counters, Entry};
pub(crate) use object::{Flowtable, Object};
pub(crate) use rule::{Fits, Jump, Reference, Rule};
pub(crate) use set::Set;
pub(crate) use table::{DYNAMIC_SIZE, Name, Table};

/// All tables, at one generation.
#[derive(Clone, Debug)]
pub(crate) struct Ruleset {
    pub(crate) generation: u32,
    /// The handle that was given to a table last.
    pub(crate) last_handle: u64,
    /// In the order they were made in.
    tables: Vec<Arc<Table>>,
}

impl Default for Ruleset {
    fn default() -> Self {
        Self { generation: 1, last_handle: 0, tables: Vec::new() }
    }
}

impl Ruleset {
    pub(crate) const fn new_handle(&mut self) -> u64 {
        self.last_handle += 1;
        self.last_handle
    }

    pub(crate) fn tables(&self) -> impl Iterator<Item = &Table> {
        self.tables.iter().map(|table| &**table)
    }

    /// The tables from the one at `index` on.
    pub(crate) fn tables_from(&self, index: usize) -> impl Iterator<Item = &Table> {
        self.tables.iter().skip(index).map(|table| &**table)
    }

    pub(crate) fn table(&self, family: Family, name: &[u8]) -> Option<&Table> {
        self.tables().find(|table| table.family == family && *table.name == *name)
    }

    pub(crate) fn table_by_handle(&self, handle: u64) -> Option<&Table> {
        self.tables().find(|table| table.handle == handle)
    }

    pub(crate) fn table_mut(&mut self, handle: u64) -> Option<&mut Table> {
        self.tables.iter_mut().find(|table| table.handle == handle).map(Arc::make_mut)
    }

    pub(crate) fn add_table(&mut self, table: Table) {
        self.tables.push(Arc::new(table));
    }

    pub(crate) fn remove_table(&mut self, handle: u64) -> Option<Arc<Table>> {
        let index = self.tables.iter().position(|table| table.handle == handle)?;
        Some(self.tables.remove(index))
    }

    /// The generation that the next commit leads to; 0 is none.
    pub(crate) const fn next_generation(&self) -> u32 {
        match self.generation.wrapping_add(1) {
            0 => 1,
            next => next,
        }
    }
}
