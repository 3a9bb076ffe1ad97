//! What the kernel tells of tables, chains and rules: in replies, dumps, echoes and events.

use nfnetlink::wire::{Header, NetfilterHeader, Writer};
use nfnetlink::{EncodeError, Flags};
use pkttnetlink::nft::{
    Body, Chain as ChainMessage, ChainCounters, ChainHook, Device, Generation, Hook, Message,
    Table as TableMessage, kind,
};
use pkttnetlink::{Bytes, Text};

use crate::state::{Base, Chain, Entry, Table};

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

pub(crate) fn generation(envelope: &Envelope, writer: &mut Writer) -> Result<(), EncodeError> {
    let body = Generation {
        id: Some(envelope.generation),
        process_id: Some(std::process::id()),
        process_name: Some(PROCESS.into()),
        ..Generation::default()
    };
    envelope.write(None, Body::NewGeneration(body), writer)
}
