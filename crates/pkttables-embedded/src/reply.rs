//! What the kernel tells of tables and what is in them: in replies, dumps, echoes and events.

use nfnetlink::wire::{Header, NetfilterHeader, Writer};
use nfnetlink::{EncodeError, Flags};
use pkttnetlink::nft::expr::Expression;
use pkttnetlink::nft::{
    Body, Chain as ChainMessage, ChainCounters, ChainHook, Data, Device, Flowtable as FlowtableMessage,
    Generation, Hook, Message, Object as ObjectMessage, Set as SetMessage, SetDescription, SetElement,
    SetElementFlags, SetElements, SetField, SetFlags, SetPolicy, Table as TableMessage, Verdict, kind,
};
use pkttnetlink::{Bytes, Text};

use crate::state::set::{Element, Key, Shape, Value};
use crate::state::{Base, Chain, Entry, Flowtable, Object, Set, Table};

/// The process name that generations tell.
const PROCESS: &str = "embedded";

/// What a reply carries besides its content.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Envelope {
    pub(crate) flags: Flags,
    pub(crate) sequence: u32,
    pub(crate) port: u32,
    pub(crate) generation: u32,
}

impl Envelope {
    const fn header(&self, kind: u16) -> Header {
        Header { kind, flags: self.flags, sequence: self.sequence, port: self.port }
    }

    const fn resource(&self) -> u16 {
        (self.generation & 0xffff) as u16
    }

    /// Writes a message about this table, or about none.
    pub(crate) fn write(
        &self,
        table: Option<&Table>,
        body: Body<'_>,
        writer: &mut Writer,
    ) -> Result<(), EncodeError> {
        let family = table.map(|table| table.family).unwrap_or_default();
        let message = Message { family, resource: self.resource(), body };
        message.encode(&self.header(message.body.kind()), writer)
    }
}

fn optional(bytes: &[u8]) -> Option<Bytes<'_>> {
    (!bytes.is_empty()).then(|| Bytes::new(bytes))
}

pub(crate) fn table_message(table: &Table) -> TableMessage<'_> {
    TableMessage {
        name: Some(Text::new(&table.name)),
        use_count: Some(table.use_count()),
        handle: Some(table.handle),
        flags: Some(table.flags),
        owner: table.owner,
        user_data: optional(&table.user_data),
        ..TableMessage::default()
    }
}

pub(crate) fn table(envelope: &Envelope, table: &Table, writer: &mut Writer) -> Result<(), EncodeError> {
    envelope.write(Some(table), Body::NewTable(table_message(table)), writer)
}

pub(crate) fn deleted_table(
    envelope: &Envelope,
    table: &Table,
    writer: &mut Writer,
) -> Result<(), EncodeError> {
    let body = TableMessage {
        name: Some(Text::new(&table.name)),
        use_count: Some(0),
        handle: Some(table.handle),
        ..TableMessage::default()
    };
    envelope.write(Some(table), Body::DeleteTable(body), writer)
}

fn hook(base: &Base) -> ChainHook<'_> {
    let device = |name| Device::Name(Text::new(name));
    ChainHook {
        hook: Some(Hook(base.hook)),
        priority: Some(base.priority),
        devices: base.devices.iter().map(|name| device(name)).collect(),
        device: match base.devices.as_slice() {
            [only] => Some(Text::new(only)),
            _ => None,
        },
        ..ChainHook::default()
    }
}

pub(crate) fn chain(
    envelope: &Envelope,
    table: &Table,
    chain: &Chain,
    writer: &mut Writer,
) -> Result<(), EncodeError> {
    let base = chain.base.as_ref();
    let counters = base.and_then(|base| base.counters).map(|counters| ChainCounters {
        packets: Some(counters.packets),
        bytes: Some(counters.bytes),
        ..ChainCounters::default()
    });
    let body = ChainMessage {
        table: Some(Text::new(&table.name)),
        name: Some(Text::new(&chain.name)),
        handle: Some(chain.handle),
        hook: base.map(hook),
        policy: base.map(|base| base.policy),
        chain_type: base.map(|base| base.chain_type.name().into()),
        counters,
        flags: Some(chain.flags).filter(|flags| !flags.is_empty()),
        use_count: Some(chain.use_count()),
        user_data: optional(&chain.user_data),
        ..ChainMessage::default()
    };
    envelope.write(Some(table), Body::NewChain(body), writer)
}

pub(crate) fn deleted_chain(
    envelope: &Envelope,
    table: &Table,
    chain: &Chain,
    writer: &mut Writer,
) -> Result<(), EncodeError> {
    let body = ChainMessage {
        table: Some(Text::new(&table.name)),
        name: Some(Text::new(&chain.name)),
        handle: Some(chain.handle),
        ..ChainMessage::default()
    };
    envelope.write(Some(table), Body::DeleteChain(body), writer)
}

/// A rule of a chain, with the handle of the one before it.
#[derive(Clone, Copy)]
pub(crate) struct RuleAt<'s> {
    pub(crate) table: &'s Table,
    pub(crate) chain: &'s Chain,
    pub(crate) entry: &'s Entry,
    pub(crate) previous: Option<u64>,
}

/// Writes a rule under `kind`, which is that of a new or a deleted one.
///
/// Attribute by attribute, because what is kept of a rule is already in the form in which it is told.
pub(crate) fn rule(
    kind: u16,
    envelope: &Envelope,
    at: RuleAt<'_>,
    writer: &mut Writer,
) -> Result<(), EncodeError> {
    const TABLE: u16 = 1;
    const CHAIN: u16 = 2;
    const HANDLE: u16 = 3;
    const EXPRESSIONS: u16 = 4;
    const POSITION: u16 = 6;
    const USERDATA: u16 = 7;
    let RuleAt { table, chain, entry, previous } = at;
    let mark = writer.begin_message(&envelope.header(kind));
    writer.netfilter_header(&NetfilterHeader::new(table.family.0, envelope.resource()));
    writer.put_string(TABLE, &table.name);
    writer.put_string(CHAIN, &chain.name);
    writer.put_be_u64(HANDLE, entry.handle);
    if let Some(previous) = previous.filter(|_| kind == kind::NEW_RULE) {
        writer.put_be_u64(POSITION, previous);
    }
    let list = writer.begin(EXPRESSIONS);
    entry.rule.write_expressions(table, writer);
    writer.end(list);
    if !entry.rule.user_data.is_empty() {
        writer.put(USERDATA, &entry.rule.user_data);
    }
    writer.finish_message(mark)
}

/// Writes a set, or which one is gone.
pub(crate) fn set(
    envelope: &Envelope,
    table: &Table,
    set: &Set,
    writer: &mut Writer,
) -> Result<(), EncodeError> {
    envelope.write(Some(table), Body::NewSet(set_message(table, set)), writer)
}

pub(crate) fn set_message<'s>(table: &'s Table, set: &'s Set) -> SetMessage<'s> {
    let Shape { flags, key_type, key_len, data_type, data_len, object_type, ref expressions } = set.shape;
    let settings = &set.settings;
    let is_map = flags.contains(SetFlags::MAP);
    let field = |&len| SetField { len: Some(len), ..SetField::default() };
    let fields =
        if settings.fields.len() > 1 { settings.fields.iter().map(field).collect() } else { Vec::new() };
    let (expression, expressions) = one_or_more(expressions);
    SetMessage {
        table: Some(Text::new(&table.name)),
        name: Some(Text::new(&set.name)),
        handle: Some(set.handle),
        flags: Some(flags).filter(|flags| !flags.is_empty()),
        key_type: Some(key_type),
        key_len: Some(key_len),
        data_type: is_map.then_some(data_type),
        data_len: is_map.then_some(data_len),
        object_type,
        timeout: settings.timeout,
        gc_interval: settings.gc_interval,
        policy: Some(settings.policy).filter(|&policy| policy != SetPolicy::PERFORMANCE),
        user_data: optional(&set.user_data),
        description: Some(SetDescription { size: settings.size, fields, ..SetDescription::default() }),
        count: Some(set.count()),
        expression,
        expressions,
        ..SetMessage::default()
    }
}

/// One expression stands alone, several in a list.
fn one_or_more<'e>(
    expressions: &'e [Expression<'static>],
) -> (Option<Box<Expression<'e>>>, Vec<Expression<'e>>) {
    match expressions {
        [only] => (Some(Box::new(only.clone())), Vec::new()),
        several => (None, several.to_vec()),
    }
}

pub(crate) fn deleted_set(
    envelope: &Envelope,
    table: &Table,
    set: &Set,
    writer: &mut Writer,
) -> Result<(), EncodeError> {
    let body = SetMessage {
        table: Some(Text::new(&table.name)),
        name: Some(Text::new(&set.name)),
        handle: Some(set.handle),
        ..SetMessage::default()
    };
    envelope.write(Some(table), Body::DeleteSet(body), writer)
}

/// Writes elements of a set under `kind`, which is that of new or deleted ones.
pub(crate) fn elements<'s>(
    kind: u16,
    envelope: &Envelope,
    (table, set): (&'s Table, &'s Set),
    elements: impl IntoIterator<Item = (&'s Key, &'s Element)>,
    writer: &mut Writer,
) -> Result<(), EncodeError> {
    let elements = elements.into_iter().map(|(key, element)| element_message(table, key, element)).collect();
    let body = SetElements {
        table: Some(Text::new(&table.name)),
        set: Some(Text::new(&set.name)),
        elements,
        ..SetElements::default()
    };
    let deleted = kind == kind::DELETE_SET_ELEMENTS;
    let body = if deleted { Body::DeleteSetElements(body) } else { Body::NewSetElements(body) };
    envelope.write(Some(table), body, writer)
}

fn element_message<'s>(table: &'s Table, key: &'s Key, element: &'s Element) -> SetElement<'s> {
    let value = |bytes: &'s [u8]| Data::Value(Bytes::new(bytes));
    let mut flags = SetElementFlags::empty();
    flags.set(SetElementFlags::INTERVAL_END, !key.is_start);
    flags.set(SetElementFlags::CATCHALL, key.catchall);
    let (expression, expressions) = one_or_more(&element.expressions);
    SetElement {
        key: (!key.catchall).then(|| value(&key.first)),
        key_end: key.last.as_deref().map(value),
        data: match &element.value {
            Value::Nothing => None,
            Value::Bytes(bytes) => Some(value(bytes)),
            Value::Verdict(code) => Some(Data::Verdict(Verdict::new(*code))),
            Value::Chain(code, chain) => {
                let name = table.chain(*chain).map(|chain| Text::new(&chain.name)).unwrap_or_default();
                Some(Data::Verdict(Verdict::to_chain(*code, name)))
            }
        },
        expression,
        expressions,
        object: element
            .object
            .and_then(|object| table.objects.get(object))
            .map(|object| Text::new(&object.name)),
        flags: Some(flags).filter(|flags| !flags.is_empty()),
        timeout: element.timeout,
        expiration: element.expiration,
        user_data: optional(&element.user_data),
        ..SetElement::default()
    }
}

/// Writes an object under `kind`, which is that of a new or a deleted one.
pub(crate) fn object(
    kind: u16,
    envelope: &Envelope,
    table: &Table,
    object: &Object,
    writer: &mut Writer,
) -> Result<(), EncodeError> {
    let mut body = ObjectMessage {
        table: Some(Text::new(&table.name)),
        name: Some(Text::new(&object.name)),
        object_type: Some(object.object_type),
        handle: Some(object.handle),
        ..ObjectMessage::default()
    };
    if kind == kind::DELETE_OBJECT {
        return envelope.write(Some(table), Body::DeleteObject(body), writer);
    }
    body.use_count = Some(object.uses);
    body.data = Some(object.data.clone());
    body.user_data = optional(&object.user_data);
    envelope.write(Some(table), Body::NewObject(body), writer)
}

/// Writes a flowtable under `kind`, which is that of a new or a deleted one.
pub(crate) fn flowtable(
    kind: u16,
    envelope: &Envelope,
    table: &Table,
    flowtable: &Flowtable,
    writer: &mut Writer,
) -> Result<(), EncodeError> {
    let named = FlowtableMessage {
        table: Some(Text::new(&table.name)),
        name: Some(Text::new(&flowtable.name)),
        handle: Some(flowtable.handle),
        ..FlowtableMessage::default()
    };
    if kind == kind::DELETE_FLOWTABLE {
        return envelope.write(Some(table), Body::DeleteFlowtable(named), writer);
    }
    let FlowtableMessage { flags, hook, .. } = flowtable.content.clone();
    let body = FlowtableMessage { use_count: Some(flowtable.uses), flags, hook, ..named };
    envelope.write(Some(table), Body::NewFlowtable(body), writer)
}

pub(crate) fn generation(envelope: &Envelope, writer: &mut Writer) -> Result<(), EncodeError> {
    let body = Generation {
        id: Some(envelope.generation),
        process_id: Some(std::process::id()),
        process_name: Some(PROCESS.into()),
        ..Generation::default()
    };
    envelope.write(None, Body::NewGeneration(body), writer)
}
