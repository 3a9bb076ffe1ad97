use std::sync::Arc;

use nfnetlink::wire::{Header, Writer, kind};
use nfnetlink::{EncodeError, Flags};
use pkttnetlink::nft::{Family, Object, ObjectType, Rule as RuleMessage, SetElements, kind as nft};

use crate::expression::{set_back, set_object_back, without_counts};
use crate::reply::{self, Envelope, RuleAt};
use crate::state::set::Key;
use crate::state::{Name, Rule, Ruleset, Table};

/// How long a part of a dump may get; a single message may be longer.
const PART: usize = 32 << 10;

/// How many elements one message tells of at most.
const ELEMENTS_AT_ONCE: usize = 100;

/// What is dumped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    Tables,
    Chains,
    Rules,
    /// Rules, whose counters are set back.
    RulesReset,
    Sets,
    /// The elements of the set that is named as a chain is.
    Elements,
    /// Such elements, whose counters are set back.
    ElementsReset,
    Objects,
    /// Objects, whose counters are set back.
    ObjectsReset,
    Flowtables,
}

/// Of which tables and chains.
#[derive(Clone, Debug)]
pub(crate) struct Filter {
    family: Family,
    table: Option<Name>,
    chain: Option<Name>,
    rule: Option<u64>,
    object_type: Option<ObjectType>,
}

impl Filter {
    pub(crate) const fn family(family: Family) -> Self {
        Self { family, table: None, chain: None, rule: None, object_type: None }
    }

    /// What is in one table, if one is named.
    pub(crate) fn within(family: Family, table: Option<&pkttnetlink::Text<'_>>) -> Self {
        Self { table: table.map(|name| Name::from(name.as_bytes())), ..Self::family(family) }
    }

    /// The elements of a set.
    pub(crate) fn of_set(family: Family, elements: &SetElements<'_>) -> Self {
        let set = elements.set.as_ref().map(|name| Name::from(name.as_bytes()));
        Self { chain: set, ..Self::within(family, elements.table.as_ref()) }
    }

    /// Objects of a type, if one is named.
    pub(crate) fn of_objects(family: Family, object: &Object<'_>) -> Self {
        Self { object_type: object.object_type, ..Self::within(family, object.table.as_ref()) }
    }

    fn has_object(&self, object_type: ObjectType) -> bool {
        self.object_type.is_none_or(|wanted| wanted.0 == 0 || wanted == object_type)
    }

    pub(crate) fn of_rules(family: Family, rule: &RuleMessage<'_>) -> Self {
        let name =
            |text: &Option<pkttnetlink::Text<'_>>| text.as_ref().map(|text| Name::from(text.as_bytes()));
        // A chain's name alone says nothing.
        let table = name(&rule.table);
        let chain = name(&rule.chain).filter(|_| table.is_some());
        Self { table, chain, ..Self::family(family) }
    }

    pub(crate) fn rule(family: Family, at: RuleAt<'_>) -> Self {
        Self {
            family,
            table: Some(Arc::clone(&at.table.name)),
            chain: Some(Arc::clone(&at.chain.name)),
            rule: Some(at.entry.handle),
            object_type: None,
        }
    }

    fn has_table(&self, table: &Table) -> bool {
        (self.family == Family::UNSPEC || self.family == table.family)
            && self.table.as_ref().is_none_or(|name| *name == table.name)
    }

    fn has_chain(&self, name: &Name) -> bool {
        self.chain.as_ref().is_none_or(|chain| chain == name)
    }
}

/// A dump under way. It goes on with the ruleset as it was at its begin, and tells where that has changed since.
#[derive(Debug)]
pub(crate) struct Dump {
    snapshot: Arc<Ruleset>,
    subject: Subject,
    filter: Filter,
    sequence: u32,
    port: u32,
    place: Place,
    /// The generation at the last message.
    seen: Option<u32>,
}

/// What comes next.
#[derive(Clone, Debug, Default)]
struct Place {
    /// The table's index.
    table: usize,
    /// The least handle of chains to come, or of sets, objects or flowtables.
    chain: u64,
    /// The last element.
    element: Option<Key>,
    /// The rule's index.
    rule: usize,
}

impl Dump {
    pub(crate) fn new(
        snapshot: Arc<Ruleset>,
        subject: Subject,
        filter: Filter,
        sequence: u32,
        port: u32,
    ) -> Self {
        Self { snapshot, subject, filter, sequence, port, place: Place::default(), seen: None }
    }

    /// Writes the next part; the second value is whether it is the last.
    pub(crate) fn part(&mut self, generation: u32) -> (Vec<u8>, bool) {
        let mut writer = Writer::with_capacity(PART);
        let envelope = Envelope { flags: Flags::MULTI, sequence: self.sequence, port: self.port, generation };
        let snapshot = Arc::clone(&self.snapshot);
        let mut ended = false;
        while writer.len() < PART && !ended {
            let flags = self.interruption(generation);
            let envelope = Envelope { flags: envelope.flags | flags, ..envelope };
            let before = writer.len();
            // What cannot be written is left out.
            ended = !matches!(self.step(&snapshot, &envelope, &mut writer), Ok(true) | Err(_));
            if writer.len() > before {
                self.seen = Some(generation);
            }
        }
        if ended {
            let header = Header {
                kind: kind::DONE,
                flags: Flags::MULTI | self.interruption(generation),
                sequence: self.sequence,
                port: self.port,
            };
            let mark = writer.begin_message(&header);
            writer.bytes(&0i32.to_ne_bytes());
            let _ = writer.finish_message(mark);
        }
        self.seen = Some(generation);
        (writer.into_bytes().unwrap_or_default(), ended)
    }

    /// The flag that says that what was told before is not of this generation.
    fn interruption(&self, generation: u32) -> Flags {
        if self.seen.is_some_and(|seen| seen != generation) {
            Flags::DUMP_INTERRUPTED
        } else {
            Flags::default()
        }
    }

    /// Writes the next message; false if there is none.
    fn step(
        &mut self,
        snapshot: &Ruleset,
        envelope: &Envelope,
        writer: &mut Writer,
    ) -> Result<bool, EncodeError> {
        for table in snapshot.tables_from(self.place.table) {
            if !self.filter.has_table(table) {
                self.place = Place { table: self.place.table + 1, ..Place::default() };
                continue;
            }
            match self.subject {
                Subject::Tables => {
                    self.place.table += 1;
                    return reply::table(envelope, table, writer).map(|()| true);
                }
                Subject::Chains => {
                    if let Some(chain) = table.chain_from(self.place.chain) {
                        self.place.chain = chain.handle.saturating_add(1);
                        return reply::chain(envelope, table, chain, writer).map(|()| true);
                    }
                }
                Subject::Sets => {
                    if let Some((handle, set)) = table.sets.from(self.place.chain) {
                        self.place.chain = handle.saturating_add(1);
                        return reply::set(envelope, table, set, writer).map(|()| true);
                    }
                }
                Subject::Elements | Subject::ElementsReset => {
                    return self.next_elements(table, envelope, writer);
                }
                Subject::Objects | Subject::ObjectsReset => {
                    while let Some((handle, object)) = table.objects.from(self.place.chain) {
                        self.place.chain = handle.saturating_add(1);
                        if self.filter.has_object(object.object_type) {
                            return reply::object(nft::NEW_OBJECT, envelope, table, object, writer)
                                .map(|()| true);
                        }
                    }
                }
                Subject::Flowtables => {
                    if let Some((handle, flowtable)) = table.flowtables.from(self.place.chain) {
                        self.place.chain = handle.saturating_add(1);
                        return reply::flowtable(nft::NEW_FLOWTABLE, envelope, table, flowtable, writer)
                            .map(|()| true);
                    }
                }
                Subject::Rules | Subject::RulesReset => {
                    let envelope = Envelope { flags: envelope.flags | Flags::APPEND, ..*envelope };
                    if let Some(at) = self.next_rule(table) {
                        return reply::rule(nft::NEW_RULE, &envelope, at, writer).map(|()| true);
                    }
                    // A table's name is looked for no further than where it was found.
                    if self.filter.table.is_some() {
                        return Ok(false);
                    }
                }
            }
            self.place = Place { table: self.place.table + 1, ..Place::default() };
        }
        Ok(false)
    }

    fn next_rule<'t>(&mut self, table: &'t Table) -> Option<RuleAt<'t>> {
        loop {
            let chain = match &self.filter.chain {
                Some(name) => table.chain_named(name).filter(|chain| chain.handle >= self.place.chain)?,
                None => table.chain_from(self.place.chain)?,
            };
            if let Some(entry) = chain.rules.get(self.place.rule) {
                let previous = self.place.rule.checked_sub(1).and_then(|index| chain.rules.get(index));
                self.place.chain = chain.handle;
                self.place.rule += 1;
                return Some(RuleAt { table, chain, entry, previous: previous.map(|entry| entry.handle) });
            }
            (self.place.chain, self.place.rule) = (chain.handle.saturating_add(1), 0);
        }
    }

    /// Writes the next elements of a set; false if there are none.
    fn next_elements(
        &mut self,
        table: &Table,
        envelope: &Envelope,
        writer: &mut Writer,
    ) -> Result<bool, EncodeError> {
        let set = self.filter.chain.as_ref().and_then(|name| table.sets.called(&**name));
        let Some(set) = set else { return Ok(false) };
        let next: Vec<_> = set.elements_after(self.place.element.as_ref()).take(ELEMENTS_AT_ONCE).collect();
        let Some((last, _)) = next.last() else { return Ok(false) };
        self.place.element = Some(Key::clone(last));
        reply::elements(nft::NEW_SET_ELEMENTS, envelope, (table, set), next, writer).map(|()| true)
    }

    /// Sets back what has been counted by all that is to be dumped.
    pub(crate) fn reset(&self, ruleset: &mut Ruleset) {
        match self.subject {
            Subject::RulesReset => self.reset_rules(ruleset),
            Subject::ObjectsReset => self.for_each_table(ruleset, |table, filter| {
                let handles: Vec<_> = table.objects.iter().map(|object| object.handle).collect();
                for handle in handles {
                    let object = table.objects.get_mut(handle);
                    if let Some(object) = object.filter(|object| filter.has_object(object.object_type)) {
                        set_object_back(&mut object.data);
                    }
                }
            }),
            Subject::ElementsReset => self.for_each_table(ruleset, |table, filter| {
                let set = filter.chain.as_ref().and_then(|name| table.sets.called(&**name));
                let Some(handle) = set.map(|set| set.handle) else { return };
                let expressions = table.sets.get_mut(handle).into_iter().flat_map(|set| set.elements_mut());
                expressions.flat_map(|element| &mut element.expressions).for_each(|expression| {
                    set_back(expression);
                });
            }),
            _ => {}
        }
    }

    fn for_each_table(&self, ruleset: &mut Ruleset, reset: impl Fn(&mut Table, &Filter)) {
        let tables = ruleset.tables().filter(|table| self.filter.has_table(table));
        let handles: Vec<_> = tables.map(|table| table.handle).collect();
        for handle in handles {
            if let Some(table) = ruleset.table_mut(handle) {
                reset(table, &self.filter);
            }
        }
    }

    fn reset_rules(&self, ruleset: &mut Ruleset) {
        let first = ruleset.tables().filter(|table| self.filter.has_table(table)).map(|table| table.handle);
        let limit = if self.filter.table.is_some() { 1 } else { usize::MAX };
        let tables: Vec<_> = first.take(limit).collect();
        for handle in tables {
            let Some(table) = ruleset.table_mut(handle) else { continue };
            let chains: Vec<_> = table
                .chains()
                .filter(|chain| self.filter.has_chain(&chain.name))
                .map(|chain| chain.handle)
                .collect();
            for handle in chains {
                let Some(chain) = table.chain_mut(handle) else { continue };
                for entry in &mut chain.rules {
                    if self.filter.rule.is_none_or(|handle| handle == entry.handle)
                        && let Some(expressions) = without_counts(&entry.rule.expressions)
                    {
                        entry.rule = Arc::new(Rule { expressions, ..Rule::clone(&entry.rule) });
                    }
                }
            }
        }
    }
}
