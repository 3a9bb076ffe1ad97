use std::collections::{BTreeSet, HashMap};

use nfnetlink::wire::Writer;
use nfnetlink::{EncodeError, Errno, Flags};
use pkttnetlink::nft::{Body, Family, VerdictCode};

use crate::extensions::Extensions;
use crate::refusal::Refusal;
use crate::reply::{self, Envelope};
use crate::state::{Chain, Counters, Name, Ruleset, Set, Table};
use crate::validate::validate;

/// After so many the messages to come are told the same error, lest a wrong batch take forever.
const MAX_RECHECKS: usize = 64;

/// A batch being applied to a copy of the ruleset. Giving it up is forgetting it.
pub(crate) struct Transaction<'k> {
    pub(crate) ruleset: Ruleset,
    pub(crate) extensions: &'k Extensions,
    pub(crate) port: u32,
    /// Whether anything was changed, so that there will be another generation.
    pub(crate) changed: bool,
    pub(crate) ids: Ids,
    /// Table, chain and number of the rules that were given one, and their handles.
    pub(crate) rule_ids: HashMap<(u64, u64, u32), u64>,
    /// What becomes true only with the commit.
    pub(crate) updates: Vec<ChainUpdate>,
    pub(crate) events: Vec<Event>,
    /// Tables and chains with rules that are deleted.
    pub(crate) to_be_swept: BTreeSet<(u64, u64)>,
    /// Tables and sets that belong to one rule and have none yet.
    pub(crate) unbound: BTreeSet<(u64, u64)>,
    /// Tables and sets with rules or elements that are deleted.
    pub(crate) left: BTreeSet<(u64, u64)>,
    /// Whether someone besides the sender wants events.
    listened_to: bool,
    /// The tables with changes that jumps or hooks could be against.
    unchecked: BTreeSet<u64>,
    /// Whether a table is checked after each change, so that the message at fault is found.
    eager: bool,
    /// What the last check of a table has given, as long as nothing speaks for another result.
    verdicts: HashMap<u64, Result<(), Errno>>,
    /// How often a table that was wrong has been checked again.
    rechecks: usize,
}

/// What was given a number in this batch: its table and its handle by that.
#[derive(Debug, Default)]
pub(crate) struct Ids {
    pub(crate) chains: HashMap<u32, (u64, u64)>,
    pub(crate) sets: HashMap<u32, (u64, u64)>,
}

impl Ids {
    pub(crate) fn chain<'t>(&self, table: &'t Table, id: u32) -> Option<&'t Chain> {
        self.chains.get(&id).filter(|(of, _)| *of == table.handle).and_then(|&(_, chain)| table.chain(chain))
    }

    pub(crate) fn set<'t>(&self, table: &'t Table, id: u32) -> Option<&'t Set> {
        self.sets.get(&id).filter(|(of, _)| *of == table.handle).and_then(|&(_, set)| table.sets.get(set))
    }
}

/// A change of a chain that is not seen before the batch is committed.
pub(crate) struct ChainUpdate {
    pub(crate) table: u64,
    pub(crate) chain: u64,
    pub(crate) name: Option<Name>,
    pub(crate) policy: Option<VerdictCode>,
    pub(crate) counters: Option<Counters>,
}

/// A message to be multicast after the commit.
pub(crate) struct Event {
    /// Whether the sender asked for it too.
    pub(crate) echo: bool,
    pub(crate) bytes: Vec<u8>,
    envelope: Envelope,
    /// The table and the chain it tells of, if it tells of what is to become of a chain.
    chain: Option<(u64, u64)>,
}

/// What the headers of a message of the batch say.
#[derive(Clone, Copy)]
pub(crate) struct Request {
    pub(crate) family: Family,
    pub(crate) flags: Flags,
    pub(crate) sequence: u32,
    /// Whether it is no error if what is to be deleted does not exist.
    pub(crate) destroy: bool,
}

impl<'k> Transaction<'k> {
    pub(crate) fn new(ruleset: Ruleset, extensions: &'k Extensions, port: u32, listened_to: bool) -> Self {
        Self {
            ruleset,
            extensions,
            port,
            changed: false,
            ids: Ids::default(),
            rule_ids: HashMap::new(),
            updates: Vec::new(),
            events: Vec::new(),
            to_be_swept: BTreeSet::new(),
            unbound: BTreeSet::new(),
            left: BTreeSet::new(),
            listened_to,
            unchecked: BTreeSet::new(),
            eager: false,
            verdicts: HashMap::new(),
            rechecks: 0,
        }
    }

    /// Checks after each change from now on.
    pub(crate) const fn be_eager(&mut self) {
        self.eager = true;
    }

    /// Applies one message.
    pub(crate) fn apply(&mut self, request: &mut Request, body: Body<'_>) -> Result<(), Refusal> {
        match body {
            Body::NewTable(table) => self.new_table(request, &table),
            Body::DeleteTable(table) => self.delete_table(request, &table),
            Body::NewChain(chain) => self.new_chain(request, &chain),
            Body::DeleteChain(chain) => self.delete_chain(request, &chain),
            Body::NewRule(rule) => self.new_rule(request, rule),
            Body::DeleteRule(rule) => self.delete_rule(request, &rule),
            Body::DestroyTable(table) => self.delete_table(request.destroying(), &table),
            Body::DestroyChain(chain) => self.delete_chain(request.destroying(), &chain),
            Body::DestroyRule(rule) => self.delete_rule(request.destroying(), &rule),
            Body::NewSet(set) => self.new_set(request, set),
            Body::DeleteSet(set) => self.delete_set(request, &set),
            Body::NewSetElements(elements) => self.new_elements(request, elements),
            Body::DeleteSetElements(elements) => self.delete_elements(request, &elements),
            Body::NewObject(object) => self.new_object(request, object),
            Body::DeleteObject(object) => self.delete_object(request, &object),
            Body::NewFlowtable(flowtable) => self.new_flowtable(request, flowtable),
            Body::DeleteFlowtable(flowtable) => self.delete_flowtable(request, &flowtable),
            Body::DestroySet(set) => self.delete_set(request.destroying(), &set),
            Body::DestroySetElements(elements) => self.delete_elements(request.destroying(), &elements),
            Body::DestroyObject(object) => self.delete_object(request.destroying(), &object),
            Body::DestroyFlowtable(flowtable) => self.delete_flowtable(request.destroying(), &flowtable),
            // Requests for data have no place in a batch.
            _ => Err(Errno::EINVAL.into()),
        }
    }

    /// Finds a table, which another socket may own.
    pub(crate) fn table(
        &self,
        family: Family,
        name: Option<&pkttnetlink::Text<'_>>,
        attribute: u16,
    ) -> Result<&Table, Refusal> {
        let name = name.ok_or_else(|| Refusal::at(Errno::EINVAL, attribute))?;
        let table = self
            .ruleset
            .table(family, name.as_bytes())
            .ok_or_else(|| Refusal::at(Errno::ENOENT, attribute))?;
        if table.owner.is_some_and(|owner| owner != self.port) {
            return Err(Refusal::at(Errno::EPERM, attribute));
        }
        Ok(table)
    }

    /// A table known to exist, to be changed.
    pub(crate) fn table_mut(&mut self, handle: u64) -> Result<&mut Table, Refusal> {
        self.changed = true;
        self.ruleset.table_mut(handle).ok_or(Refusal::new(Errno::ENOENT))
    }

    /// Notes that jumps or hooks could be against what was changed in a table.
    pub(crate) fn needs_check(&mut self, table: u64) {
        self.unchecked.insert(table);
        // What is added can only make it worse; but another error may come first then.
        let is_wrong = self.verdicts.get(&table).is_some_and(Result::is_err);
        if !is_wrong || self.rechecks < MAX_RECHECKS {
            self.rechecks += usize::from(is_wrong);
            self.verdicts.remove(&table);
        }
    }

    /// Notes that something was removed from a table that could have been against it.
    pub(crate) fn needs_check_after_removal(&mut self, table: u64) {
        self.verdicts.remove(&table);
    }

    /// Checks a table at once, if that is to be done after each change.
    pub(crate) fn check_eagerly(&mut self, table: u64) -> Result<(), Refusal> {
        if !self.eager || !self.unchecked.contains(&table) {
            return Ok(());
        }
        let check = || self.ruleset.table_by_handle(table).map_or(Ok(()), validate);
        self.verdicts.entry(table).or_insert_with(check).map_err(Refusal::new)
    }

    /// Notes an event, if anybody wants to hear of it.
    pub(crate) fn event(
        &mut self,
        request: &Request,
        flags: Flags,
        write: impl FnOnce(&Envelope, &Ruleset, &mut Writer) -> Result<(), EncodeError>,
    ) {
        let echo = request.flags.contains(Flags::ECHO);
        if !echo && !self.listened_to {
            return;
        }
        let envelope = Envelope {
            flags: Flags(request.flags.0 & flags.0),
            sequence: request.sequence,
            port: self.port,
            generation: self.ruleset.next_generation(),
        };
        let mut writer = Writer::new();
        if write(&envelope, &self.ruleset, &mut writer).is_ok()
            && let Ok(bytes) = writer.into_bytes()
            && !bytes.is_empty()
        {
            self.events.push(Event { echo, bytes, envelope, chain: None });
        }
    }

    /// Notes an event about a chain, which tells what that is like after the commit.
    pub(crate) fn chain_event(&mut self, request: &Request, table: u64, chain: u64) {
        let before = self.events.len();
        self.event(request, Flags::CREATE | Flags::EXCL, |envelope, ruleset, writer| {
            write_chain(envelope, ruleset, (table, chain), writer)
        });
        if let Some(event) = self.events.get_mut(before) {
            event.chain = Some((table, chain));
        }
    }

    /// Whether all sets that belong to one rule were given one, even if they are gone again.
    pub(crate) fn sets_are_bound(&self) -> bool {
        self.unbound.is_empty()
    }

    /// Whether all changed tables may be as they are.
    pub(crate) fn check(&self) -> Result<(), Errno> {
        self.unchecked
            .iter()
            .filter_map(|&handle| self.ruleset.table_by_handle(handle))
            .try_for_each(validate)
    }

    /// Makes true what waited for the commit, and gives the ruleset of the next generation.
    pub(crate) fn commit(mut self, first: &Request) -> (Ruleset, Vec<Event>) {
        for update in std::mem::take(&mut self.updates) {
            let Some(table) = self.ruleset.table_mut(update.table) else { continue };
            if let Some(name) = &update.name {
                table.rename_chain(update.chain, name);
            }
            if let Some(base) = table.chain_mut(update.chain).and_then(|chain| chain.base.as_mut()) {
                base.policy = update.policy.unwrap_or(base.policy);
                base.counters = update.counters.or(base.counters);
            }
        }
        for event in &mut self.events {
            let mut writer = Writer::new();
            if let Some(chain) = event.chain
                && write_chain(&event.envelope, &self.ruleset, chain, &mut writer).is_ok()
                && !writer.is_empty()
            {
                event.bytes = writer.into_bytes().unwrap_or_default();
            }
        }
        for (table, chain) in std::mem::take(&mut self.to_be_swept) {
            if let Some(chain) = self.ruleset.table_mut(table).and_then(|table| table.chain_mut(chain)) {
                chain.sweep();
            }
        }
        for (table, set) in std::mem::take(&mut self.left) {
            if let Some(set) = self.ruleset.table_mut(table).and_then(|table| table.sets.get_mut(set)) {
                set.sweep();
            }
        }
        self.event(first, Flags::default(), |envelope, _, writer| reply::generation(envelope, writer));
        self.ruleset.generation = self.ruleset.next_generation();
        (self.ruleset, self.events)
    }
}

impl Request {
    const fn destroying(&mut self) -> &Self {
        self.destroy = true;
        self
    }
}

/// Writes nothing where there is no such chain any more.
fn write_chain(
    envelope: &Envelope,
    ruleset: &Ruleset,
    (table, chain): (u64, u64),
    writer: &mut Writer,
) -> Result<(), EncodeError> {
    let table = ruleset.table_by_handle(table);
    let found = table.and_then(|table| Some((table, table.chain(chain)?)));
    found.map_or(Ok(()), |(table, chain)| reply::chain(envelope, table, chain, writer))
}
