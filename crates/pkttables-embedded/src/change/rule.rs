use std::sync::Arc;

use nfnetlink::{Errno, Flags};
use pkttnetlink::nft::{Rule as RuleMessage, SetFlags, kind};

use crate::expression::{Context, parse};
use crate::refusal::Refusal;
use crate::reply::{self, RuleAt};
use crate::state::{Chain, Entry, Rule, Set, Table};
use crate::transaction::{Request, Transaction};

const TABLE: u16 = 1;
const CHAIN: u16 = 2;
const HANDLE: u16 = 3;
const POSITION: u16 = 6;
const ID: u16 = 9;
const POSITION_ID: u16 = 10;
const CHAIN_ID: u16 = 11;

/// Where a rule goes.
#[derive(Clone, Copy)]
enum Place {
    Index(usize),
    /// In the place of another, whose handle it keeps.
    Replacing(usize, u64),
}

impl Transaction<'_> {
    pub(crate) fn new_rule(
        &mut self,
        request: &Request,
        mut message: RuleMessage<'_>,
    ) -> Result<(), Refusal> {
        let table = self.table(request.family, message.table.as_ref(), TABLE)?;
        let chain = match (&message.chain, message.chain_id) {
            (Some(name), _) => table.chain_named(name.as_bytes()).ok_or(Refusal::at(Errno::ENOENT, CHAIN))?,
            (None, Some(id)) => self.ids.chain(table, id).ok_or(Refusal::at(Errno::ENOENT, CHAIN_ID))?,
            (None, None) => return Err(Errno::EINVAL.into()),
        };
        let place = self.place(request, table, chain, &message)?;
        let context = Context { table, extensions: self.extensions, ids: &self.ids };
        let (expressions, user_data) = (std::mem::take(&mut message.expressions), message.user_data.take());
        let content = RuleMessage { expressions, user_data, ..RuleMessage::default() };
        let rule = parse(content, &context)?;
        if let Place::Replacing(index, _) = place {
            check_present(chain, index)?;
        }
        let (table, chain) = (table.handle, chain.handle);
        let to_be_checked = rule.is_demanding();

        if let Place::Replacing(index, _) = place {
            self.remove_rule(request, table, chain, index)?;
        }
        for set in rule.references.iter().filter_map(|reference| reference.set()) {
            self.unbound.remove(&(table, set));
        }
        let in_table = self.table_mut(table)?;
        let (index, handle) = match place {
            Place::Index(index) => (index, in_table.new_handle()),
            Place::Replacing(index, handle) => (index, handle),
        };
        insert(in_table, chain, index, handle, rule);
        if let Some(id) = message.id {
            self.rule_ids.entry((table, chain, id)).or_insert(handle);
        }
        if to_be_checked {
            self.needs_check(table);
        }
        let flags = Flags::CREATE | Flags::EXCL | Flags::APPEND | Flags::REPLACE;
        self.event(request, flags, |envelope, ruleset, writer| {
            let Some(table) = ruleset.table_by_handle(table) else { return Ok(()) };
            let Some(chain) = table.chain(chain) else { return Ok(()) };
            let Some(entry) = chain.rules.get(index) else { return Ok(()) };
            // It is not told of the last rule, which can be found without.
            let previous = index.checked_sub(1).filter(|_| index + 1 < chain.rules.len());
            let previous = previous.and_then(|index| chain.rules.get(index));
            let previous = previous.map(|entry| entry.handle);
            reply::rule(kind::NEW_RULE, envelope, RuleAt { table, chain, entry, previous }, writer)
        });
        self.check_eagerly(table)
    }

    fn rule_by_id(&self, table: &Table, chain: &Chain, id: u32) -> Option<usize> {
        self.rule_ids.get(&(table.handle, chain.handle, id)).and_then(|&handle| chain.position(handle))
    }

    fn place(
        &self,
        request: &Request,
        table: &Table,
        chain: &Chain,
        message: &RuleMessage<'_>,
    ) -> Result<Place, Refusal> {
        if let Some(handle) = message.handle {
            let index = chain.position(handle).ok_or(Refusal::at(Errno::ENOENT, HANDLE))?;
            if request.flags.contains(Flags::EXCL) {
                return Err(Refusal::at(Errno::EEXIST, HANDLE));
            }
            if !request.flags.contains(Flags::REPLACE) {
                return Err(Errno::EOPNOTSUPP.into());
            }
            return Ok(Place::Replacing(index, handle));
        }
        if !request.flags.contains(Flags::CREATE) || request.flags.contains(Flags::REPLACE) {
            return Err(Errno::EINVAL.into());
        }
        let other = match (message.position, message.position_id) {
            (Some(handle), _) => Some(chain.position(handle).ok_or(Refusal::at(Errno::ENOENT, POSITION))?),
            (None, Some(id)) => {
                Some(self.rule_by_id(table, chain, id).ok_or(Refusal::at(Errno::ENOENT, POSITION_ID))?)
            }
            (None, None) => None,
        };
        Ok(Place::Index(match (request.flags.contains(Flags::APPEND), other) {
            (true, Some(index)) => index + 1,
            (true, None) => chain.rules.len(),
            (false, Some(index)) => index,
            (false, None) => 0,
        }))
    }

    pub(crate) fn delete_rule(
        &mut self,
        request: &Request,
        message: &RuleMessage<'_>,
    ) -> Result<(), Refusal> {
        let table = self.table(request.family, message.table.as_ref(), TABLE)?;
        let handle = table.handle;
        let Some(name) = &message.chain else {
            let chains: Vec<_> = table.chains().map(|chain| chain.handle).collect();
            return chains.into_iter().try_for_each(|chain| self.clear_chain(request, handle, chain));
        };
        let chain = match table.chain_named(name.as_bytes()) {
            Some(chain) => chain,
            None if request.destroy => return Ok(()),
            None => return Err(Refusal::at(Errno::ENOENT, CHAIN)),
        };
        let index = match (message.handle, message.id) {
            (Some(handle), _) => match chain.position(handle) {
                None if request.destroy => return Ok(()),
                found => found.ok_or(Refusal::at(Errno::ENOENT, HANDLE))?,
            },
            (None, Some(id)) => self.rule_by_id(table, chain, id).ok_or(Refusal::at(Errno::ENOENT, ID))?,
            (None, None) => {
                let chain = chain.handle;
                return self.clear_chain(request, handle, chain);
            }
        };
        check_present(chain, index)?;
        let chain = chain.handle;
        self.remove_rule(request, handle, chain, index)
    }

    /// Removes all rules of a chain.
    pub(crate) fn clear_chain(&mut self, request: &Request, table: u64, chain: u64) -> Result<(), Refusal> {
        let in_table = self.ruleset.table_by_handle(table).and_then(|table| table.chain(chain));
        if in_table.is_none_or(|chain| chain.live().next().is_none()) {
            return Ok(());
        }
        let Some(content) = self.table_mut(table)?.chain_mut(chain) else { return Ok(()) };
        let entries: Vec<_> = (0..content.rules.len()).filter_map(|index| content.delete(index)).collect();
        entries.iter().try_for_each(|entry| self.removed(request, table, chain, entry))
    }

    fn remove_rule(
        &mut self,
        request: &Request,
        table: u64,
        chain: u64,
        index: usize,
    ) -> Result<(), Refusal> {
        let entry = self.table_mut(table)?.chain_mut(chain).and_then(|chain| chain.delete(index));
        entry.map_or(Ok(()), |entry| self.removed(request, table, chain, &entry))
    }

    /// Takes back the jumps of a rule that was removed, and tells of it.
    fn removed(&mut self, request: &Request, table: u64, chain: u64, entry: &Entry) -> Result<(), Refusal> {
        self.to_be_swept.insert((table, chain));
        if entry.rule.is_demanding() {
            self.needs_check_after_removal(table);
        }
        let in_table = self.table_mut(table)?;
        let unused = release(in_table, &entry.rule);
        self.left
            .extend(entry.rule.references.iter().filter_map(|reference| Some((table, reference.set()?))));
        self.event(request, Flags::default(), |envelope, ruleset, writer| {
            let Some(table) = ruleset.table_by_handle(table) else { return Ok(()) };
            let Some(chain) = table.chain(chain) else { return Ok(()) };
            reply::rule(kind::DELETE_RULE, envelope, RuleAt { table, chain, entry, previous: None }, writer)
        });
        unused.iter().for_each(|set| self.set_deleted(request, table, set));
        Ok(())
    }
}

/// Refuses to delete a rule twice in a batch.
fn check_present(chain: &Chain, index: usize) -> Result<(), Refusal> {
    match chain.rules.get(index) {
        Some(entry) if !entry.deleted => Ok(()),
        _ => Err(Errno::ENOENT.into()),
    }
}

/// Puts a rule into a chain and counts what it refers to.
pub(crate) fn insert(table: &mut Table, chain: u64, index: usize, handle: u64, rule: Rule) {
    rule.jumps.iter().for_each(|jump| table.count_jump(jump.chain, true));
    rule.references.iter().for_each(|&reference| table.count_reference(reference, true));
    if let Some(chain) = table.chain_mut(chain) {
        chain.insert(index, handle, rule);
    }
}

/// Counts back what a rule refers to that was removed. Sets of the rule's own go with it.
fn release(table: &mut Table, rule: &Rule) -> Vec<Arc<Set>> {
    rule.jumps.iter().for_each(|jump| table.count_jump(jump.chain, false));
    let mut unused = Vec::new();
    for &reference in &rule.references {
        table.count_reference(reference, false);
        let Some(handle) = reference.set() else { continue };
        let Some(set) = table.sets.get_mut(handle) else { continue };
        set.leaving += 1;
        if set.uses == 0 && set.has(SetFlags::ANONYMOUS) {
            unused.extend(table.remove_set(handle));
        }
    }
    unused
}
