use std::sync::Arc;

use nfnetlink::wire::{Header, Message, Messages, NetfilterHeader, Writer, kind};
use nfnetlink::{Errno, Flags};
use pkttnetlink::nft::{Body, Chain, Compat, Family, Object, Rule, kind as nft};

use crate::batch;
use crate::change::named_elements;
use crate::core::Core;
use crate::dump::{Dump, Filter, Subject};
use crate::expression::set_object_back;
use crate::netlink::{INVALID, acknowledge, decode, push};
use crate::refusal::Refusal;
use crate::reply::{self, Envelope, RuleAt};

/// `NFNL_SUBSYS_NFTABLES` and `NFNL_SUBSYS_NFT_COMPAT`.
const SUBSYSTEMS: [u8; 2] = [10, 11];

const TABLE: u16 = 1;
const CHAIN: u16 = 2;
const CHAIN_NAME: u16 = 3;
const RULE_HANDLE: u16 = 3;
/// Of a set, an object or a flowtable.
const SET_NAME: u16 = 2;

/// Handles a datagram: a batch, or one or more requests.
///
/// `dump` is the socket's dump that is under way; a request for another is refused until it has ended.
pub(crate) fn handle(
    core: &mut Core,
    datagram: &[u8],
    port: u32,
    privileged: bool,
    replies: &mut Vec<Vec<u8>>,
    dump: &mut Option<Dump>,
) {
    let Some(Ok(first)) = Messages::new(datagram).next() else { return };
    if !privileged {
        return acknowledge(&first, Err(Errno::EPERM.into()), port, replies);
    }
    if first.header.kind == kind::BATCH_BEGIN {
        return batch::run(core, datagram, port, replies);
    }
    for message in Messages::new(datagram).map_while(Result::ok) {
        let header = message.header;
        // Netlink's own messages are not for anybody here.
        if !header.flags.contains(Flags::REQUEST) || header.kind < kind::BATCH_BEGIN {
            if header.flags.contains(Flags::ACK) {
                acknowledge(&message, Ok(()), port, replies);
            }
            continue;
        }
        match answer(core, &message, port, replies, dump) {
            Ok(Answered::Dumping) => {}
            Ok(Answered::Done) if !header.flags.contains(Flags::ACK) => {}
            Ok(Answered::Done) => acknowledge(&message, Ok(()), port, replies),
            Err(refusal) => acknowledge(&message, Err(refusal), port, replies),
        }
    }
}

enum Answered {
    Done,
    /// No acknowledgement follows; the dump's end is one.
    Dumping,
}

fn answer(
    core: &mut Core,
    message: &Message<'_>,
    port: u32,
    replies: &mut Vec<Vec<u8>>,
    dump: &mut Option<Dump>,
) -> Result<Answered, Refusal> {
    if message.payload.remaining() < nfnetlink::wire::NETFILTER_HEADER_LEN {
        return Ok(Answered::Done);
    }
    if !SUBSYSTEMS.contains(&message.subsystem()) {
        return Err(INVALID);
    }
    let (family, body) = decode(message)?;
    let wants_dump = message.header.flags.0 & Flags::DUMP.0 != 0;
    if wants_dump && let Some((subject, filter)) = dump_of(core, family, &body)? {
        if dump.is_some() {
            return Err(Errno::EBUSY.into());
        }
        let started = Dump::new(Arc::clone(&core.ruleset), subject, filter, message.header.sequence, port);
        if matches!(subject, Subject::RulesReset | Subject::ElementsReset | Subject::ObjectsReset) {
            started.reset(Arc::make_mut(&mut core.ruleset));
        }
        *dump = Some(started);
        return Ok(Answered::Dumping);
    }
    let header = message.header;
    let envelope = Envelope {
        flags: Flags::default(),
        sequence: header.sequence,
        port,
        generation: core.ruleset.generation,
    };
    let mut writer = Writer::new();
    let written = match &body {
        Body::GetTable(wanted) => {
            let table = find_table(core, family, wanted.name.as_ref())?;
            reply::table(&envelope, table, &mut writer)
        }
        Body::GetChain(wanted) => {
            let table = find_table(core, family, wanted.table.as_ref())?;
            let chain = find_chain(table, wanted)?;
            reply::chain(&envelope, table, chain, &mut writer)
        }
        Body::GetRule(wanted) => {
            let at = find_rule(core, family, wanted)?;
            reply::rule(nft::NEW_RULE, &envelope, at, &mut writer)
        }
        Body::GetRuleReset(wanted) => {
            let at = find_rule(core, family, wanted)?;
            let written = reply::rule(nft::NEW_RULE, &envelope, at, &mut writer);
            let filter = Filter::rule(family, at);
            let snapshot = Arc::clone(&core.ruleset);
            Dump::new(snapshot, Subject::RulesReset, filter, 0, 0).reset(Arc::make_mut(&mut core.ruleset));
            written
        }
        Body::GetGeneration(_) => reply::generation(&envelope, &mut writer),
        Body::CompatGet(wanted) => {
            revision(core, family, wanted, &header, port, replies)?;
            return Ok(Answered::Done);
        }
        Body::GetSet(wanted) => {
            let table = find_table(core, family, wanted.table.as_ref())?;
            let name = wanted.name.as_ref().ok_or(INVALID)?;
            let set = table.sets.called(name.as_bytes()).ok_or(Refusal::at(Errno::ENOENT, SET_NAME))?;
            reply::set(&envelope, table, set, &mut writer)
        }
        Body::GetSetElements(wanted) | Body::GetSetElementsReset(wanted) => {
            let table = find_table(core, family, wanted.table.as_ref())?;
            let (set, found) = named_elements(table, wanted)?;
            if found.is_empty() {
                return Err(INVALID);
            }
            // Each is told by itself.
            for element in found {
                let mut writer = Writer::new();
                let at = (table, set);
                if reply::elements(nft::NEW_SET_ELEMENTS, &envelope, at, [element], &mut writer).is_ok()
                    && let Ok(bytes) = writer.into_bytes()
                {
                    replies.push(bytes);
                }
            }
            return Ok(Answered::Done);
        }
        Body::GetObject(wanted) => {
            let (table, object) = find_object(core, family, wanted)?;
            reply::object(nft::NEW_OBJECT, &envelope, table, object, &mut writer)
        }
        Body::GetObjectReset(wanted) => {
            let (table, object) = find_object(core, family, wanted)?;
            let written = reply::object(nft::NEW_OBJECT, &envelope, table, object, &mut writer);
            let (table, object) = (table.handle, object.handle);
            let table = Arc::make_mut(&mut core.ruleset).table_mut(table);
            if let Some(object) = table.and_then(|table| table.objects.get_mut(object)) {
                set_object_back(&mut object.data);
            }
            written
        }
        Body::GetFlowtable(wanted) => {
            let table = find_table(core, family, wanted.table.as_ref())?;
            let name = wanted.name.as_ref().ok_or(INVALID)?;
            let flowtable = table.flowtables.called(name.as_bytes());
            let flowtable = flowtable.ok_or(Refusal::at(Errno::ENOENT, SET_NAME))?;
            reply::flowtable(nft::NEW_FLOWTABLE, &envelope, table, flowtable, &mut writer)
        }
        // Changes come in batches only.
        _ => return Err(INVALID),
    };
    if written.is_ok()
        && let Ok(bytes) = writer.into_bytes()
    {
        replies.push(bytes);
    }
    Ok(Answered::Done)
}

fn dump_of(core: &Core, family: Family, body: &Body<'_>) -> Result<Option<(Subject, Filter)>, Refusal> {
    let all = Filter::family(family);
    // A table that is named for these has to be there.
    let within = |name: Option<&pkttnetlink::Text<'_>>| {
        name.map_or(Ok(()), |name| find_table(core, family, Some(name)).map(|_| ()))?;
        Ok::<_, Refusal>(Filter::within(family, name))
    };
    Ok(Some(match body {
        Body::GetTable(_) => (Subject::Tables, all),
        Body::GetChain(_) => (Subject::Chains, all),
        Body::GetRule(rule) => (Subject::Rules, Filter::of_rules(family, rule)),
        Body::GetRuleReset(rule) => (Subject::RulesReset, Filter::of_rules(family, rule)),
        Body::GetSet(set) => (Subject::Sets, within(set.table.as_ref())?),
        Body::GetSetElements(elements) | Body::GetSetElementsReset(elements) => {
            let table = find_table(core, family, elements.table.as_ref())?;
            let name = elements.set.as_ref().ok_or(INVALID)?;
            table.sets.called(name.as_bytes()).ok_or(Refusal::at(Errno::ENOENT, SET_NAME))?;
            let resets = matches!(body, Body::GetSetElementsReset(_));
            let subject = if resets { Subject::ElementsReset } else { Subject::Elements };
            (subject, Filter::of_set(family, elements))
        }
        Body::GetObject(object) => (Subject::Objects, Filter::of_objects(family, object)),
        Body::GetObjectReset(object) => (Subject::ObjectsReset, Filter::of_objects(family, object)),
        Body::GetFlowtable(flowtable) => {
            (Subject::Flowtables, Filter::within(family, flowtable.table.as_ref()))
        }
        _ => return Ok(None),
    }))
}

fn find_object<'c>(
    core: &'c Core,
    family: Family,
    wanted: &Object<'_>,
) -> Result<(&'c crate::state::Table, &'c crate::state::Object), Refusal> {
    let (Some(name), Some(object_type)) = (&wanted.name, wanted.object_type) else { return Err(INVALID) };
    let table = find_table(core, family, wanted.table.as_ref())?;
    let object = table.objects.called(&(object_type, name.as_bytes().into()));
    Ok((table, object.ok_or(Refusal::at(Errno::ENOENT, SET_NAME))?))
}

fn find_table<'c>(
    core: &'c Core,
    family: Family,
    name: Option<&pkttnetlink::Text<'_>>,
) -> Result<&'c crate::state::Table, Refusal> {
    let name = name.ok_or(Refusal::at(Errno::EINVAL, TABLE))?;
    core.ruleset.table(family, name.as_bytes()).ok_or(Refusal::at(Errno::ENOENT, TABLE))
}

fn find_chain<'t>(
    table: &'t crate::state::Table,
    wanted: &Chain<'_>,
) -> Result<&'t crate::state::Chain, Refusal> {
    let name = wanted.name.as_ref().ok_or(Refusal::at(Errno::EINVAL, CHAIN_NAME))?;
    table.chain_named(name.as_bytes()).ok_or(Refusal::at(Errno::ENOENT, CHAIN_NAME))
}

fn find_rule<'c>(core: &'c Core, family: Family, wanted: &Rule<'_>) -> Result<RuleAt<'c>, Refusal> {
    let table = find_table(core, family, wanted.table.as_ref())?;
    let name = wanted.chain.as_ref().ok_or(Refusal::at(Errno::EINVAL, CHAIN))?;
    let chain = table.chain_named(name.as_bytes()).ok_or(Refusal::at(Errno::ENOENT, CHAIN))?;
    let handle = wanted.handle.ok_or(Refusal::at(Errno::EINVAL, RULE_HANDLE))?;
    let entry = chain.position(handle).and_then(|index| chain.rules.get(index));
    let entry = entry.ok_or(Refusal::at(Errno::ENOENT, RULE_HANDLE))?;
    Ok(RuleAt { table, chain, entry, previous: None })
}

/// Answers nft_compat's question for the revision of an extension.
fn revision(
    core: &Core,
    family: Family,
    wanted: &Compat<'_>,
    header: &Header,
    port: u32,
    replies: &mut Vec<Vec<u8>>,
) -> Result<(), Refusal> {
    let (Some(name), Some(number), Some(kind)) = (&wanted.name, wanted.revision, wanted.kind) else {
        return Err(INVALID);
    };
    if !matches!(family, Family::IPV4 | Family::IPV6 | Family::BRIDGE | Family::ARP) {
        return Err(INVALID);
    }
    let best = core.extensions.best(kind, name.as_bytes(), number)?;
    let mut writer = Writer::new();
    let header = Header { kind: nft::COMPAT_GET, flags: Flags::MULTI, sequence: header.sequence, port };
    let mark = writer.begin_message(&header);
    writer.netfilter_header(&NetfilterHeader::new(family.0, 0));
    Compat { name: Some(name.clone()), revision: Some(best), kind: Some(kind), ..Compat::default() }
        .encode(&mut writer);
    push(writer, mark, replies);
    Ok(())
}
