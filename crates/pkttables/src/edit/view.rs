//! What a table is like once the edits are made.

use super::chains::Editor;
use super::error::EditError;
use super::state::Kind;
use crate::cache::{ChainRules, callee};
use crate::kernel::{ChainEntry, ChainKind};
use crate::model::TableName;
use nfnetlink::Transport;
use std::collections::HashMap;

impl<T: Transport> Editor<'_, '_, T> {
    /// The chains that a table has with the edits so far, in the order of their names. Those that the edits make have
    /// the handle 0; uses are those by rules.
    ///
    /// [`EditError::Untracked`] if the edits are not tracked and have changed the table.
    pub fn chains(&mut self, table: TableName) -> Result<Vec<ChainEntry>, EditError> {
        self.commutes = false;
        self.know_all(table)?;
        let there = self.state(table).chains.iter().filter(|(_, chain)| chain.exists());
        let mut names: Vec<Box<str>> = there.map(|(name, _)| name.into()).collect();
        names.sort_unstable();
        let uses = self.uses(table, &names)?;
        let mut entries = Vec::new();
        for (name, uses) in names.into_iter().zip(uses) {
            let chain = self.chain(table, &name)?;
            let handle = chain.handle.unwrap_or_default();
            let kind = match chain.kind {
                Kind::Builtin { hook, policy, counters } => ChainKind::Builtin { hook, policy, counters },
                Kind::User => ChainKind::User,
                Kind::Foreign => match self.read_kind(table, handle)? {
                    Some(kind) => kind,
                    None => continue,
                },
                Kind::Absent => continue,
            };
            entries.push(ChainEntry { name, handle, uses, kind });
        }
        Ok(entries)
    }

    /// The rules that a chain has with the edits so far; none if it is a built-in one that is not there yet.
    ///
    /// [`EditError::Untracked`] if the edits are not tracked and have changed the chain.
    pub fn rules(&mut self, table: TableName, chain: &str) -> Result<&ChainRules, EditError> {
        self.commutes = false;
        if !self.has_chain(table, chain)? {
            return Err(EditError::NoChain(chain.into()));
        }
        self.known(table, chain).map(|rules| &*rules)
    }

    /// For each chain how many rules it has and how many call it.
    fn uses(&mut self, table: TableName, names: &[Box<str>]) -> Result<Vec<u32>, EditError> {
        let mut uses: HashMap<Box<str>, u32> = HashMap::new();
        for name in names {
            let rules = self.known(table, name)?;
            let callees = rules.iter().filter_map(|rule| callee(rule.known()?));
            callees.for_each(|callee| *uses.entry(callee.into()).or_default() += 1);
            *uses.entry(name.clone()).or_default() += u32::try_from(rules.len()).unwrap_or(u32::MAX);
        }
        Ok(names.iter().map(|name| uses.get(name).copied().unwrap_or_default()).collect())
    }

    /// What the kernel has under this number.
    fn read_kind(&mut self, table: TableName, handle: u64) -> Result<Option<ChainKind>, EditError> {
        let chains = self.snapshot.chains(self.family, table)?;
        Ok(chains.iter().find(|chain| chain.handle == handle).map(|chain| chain.kind.clone()))
    }
}
