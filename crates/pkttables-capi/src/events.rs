//! What others change in a kernel's rulesets.

use crate::error::{pktt_error, pktt_status};
use crate::failure::given;
use crate::ffi::{Strings, put};
use crate::guard::{handle, status};
use crate::kernel::pktt_kernel;
use crate::link::timeout;
use crate::names::{FamilyNumber, pktt_family};
use nfnetlink::{Error, Events, Group, Message, Messages, Transport as _};
use pkttables::model::{Family, TableName};
use pkttables::nft::{RuleBody, read_rule};
use pkttables::registry::{NoSets, Registry};
use pkttables::text::save::{CounterStyle, write_append};
use pkttables_embedded::EmbeddedSocket;
use pkttnetlink::nft::{self, Body};
use std::collections::VecDeque;
use std::ffi::c_char;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd as _, AsRawFd as _};
use std::ptr;

/// A subscription to the changes of a kernel's rulesets.
#[derive(Debug)]
pub struct pktt_events {
    source: Source,
    /// What has been received and not been asked for.
    waiting: VecDeque<Change>,
    event: pktt_event,
    strings: Strings,
}

#[derive(Debug)]
enum Source {
    Running(Events),
    Embedded(EmbeddedSocket),
}

/// What an event is about.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum pktt_event_kind {
    /// Something else, such as a change of a set.
    PKTT_EVENT_OTHER = 0,
    /// A table was made or changed.
    PKTT_EVENT_NEW_TABLE = 1,
    /// A table was deleted.
    PKTT_EVENT_DELETE_TABLE = 2,
    /// A chain was made or changed.
    PKTT_EVENT_NEW_CHAIN = 3,
    /// A chain was deleted.
    PKTT_EVENT_DELETE_CHAIN = 4,
    /// A rule was added.
    PKTT_EVENT_NEW_RULE = 5,
    /// A rule was deleted.
    PKTT_EVENT_DELETE_RULE = 6,
    /// A commit is complete: what came before belongs to it.
    PKTT_EVENT_GENERATION = 7,
}

/// An event. What does not apply is NULL or 0.
#[repr(C)]
#[derive(Debug)]
pub struct pktt_event {
    /// What it is about.
    pub kind: pktt_event_kind,
    /// The family; 0 if it is neither.
    pub family: FamilyNumber,
    /// The name of the table, which need not be one of iptables'.
    pub table: *const c_char,
    /// The name of the chain.
    pub chain: *const c_char,
    /// The kernel's number of the table, chain or rule.
    pub handle: u64,
    /// The rule as it is saved; NULL if an iptables has no words for it.
    pub rule: *const c_char,
    /// The number of the generation that a commit has made.
    pub generation: u32,
    /// The process that committed, if the kernel tells.
    pub process: u32,
    /// The name of that process.
    pub process_name: *const c_char,
    /// All that the event says, in a readable form of several lines.
    pub text: *const c_char,
}

/// An event, before it is lent out.
#[derive(Debug)]
struct Change {
    kind: pktt_event_kind,
    family: Option<Family>,
    table: Option<String>,
    chain: Option<String>,
    handle: u64,
    rule: Option<String>,
    generation: u32,
    process: u32,
    process_name: Option<String>,
    text: String,
}

impl Change {
    fn read(message: &Message<'_>) -> Result<Self, Error> {
        let message = nft::Message::decode(message)?;
        let family = Family::ALL.into_iter().find(|family| family.nfproto() == message.family.0);
        let mut change = Self {
            kind: pktt_event_kind::PKTT_EVENT_OTHER,
            family,
            table: None,
            chain: None,
            handle: 0,
            rule: None,
            generation: 0,
            process: 0,
            process_name: None,
            text: message.to_string(),
        };
        let name = |text: &Option<pkttnetlink::Text<'_>>| {
            text.as_ref().map(|text| text.to_string_lossy().into_owned())
        };
        match &message.body {
            Body::NewTable(table) | Body::DeleteTable(table) => {
                let made = matches!(message.body, Body::NewTable(_));
                change.kind = either(
                    made,
                    pktt_event_kind::PKTT_EVENT_NEW_TABLE,
                    pktt_event_kind::PKTT_EVENT_DELETE_TABLE,
                );
                change.table = name(&table.name);
                change.handle = table.handle.unwrap_or_default();
            }
            Body::NewChain(chain) | Body::DeleteChain(chain) => {
                let made = matches!(message.body, Body::NewChain(_));
                change.kind = either(
                    made,
                    pktt_event_kind::PKTT_EVENT_NEW_CHAIN,
                    pktt_event_kind::PKTT_EVENT_DELETE_CHAIN,
                );
                (change.table, change.chain) = (name(&chain.table), name(&chain.name));
                change.handle = chain.handle.unwrap_or_default();
            }
            Body::NewRule(rule) | Body::DeleteRule(rule) => {
                let made = matches!(message.body, Body::NewRule(_));
                change.kind = either(
                    made,
                    pktt_event_kind::PKTT_EVENT_NEW_RULE,
                    pktt_event_kind::PKTT_EVENT_DELETE_RULE,
                );
                (change.table, change.chain) = (name(&rule.table), name(&rule.chain));
                change.handle = rule.handle.unwrap_or_default();
                change.rule = family.and_then(|family| saved(rule, family));
            }
            Body::NewGeneration(generation) => {
                change.kind = pktt_event_kind::PKTT_EVENT_GENERATION;
                change.generation = generation.id.unwrap_or_default();
                change.process = generation.process_id.unwrap_or_default();
                change.process_name = name(&generation.process_name);
            }
            _ => {}
        }
        Ok(change)
    }

    fn lend(&self, strings: &mut Strings) -> pktt_event {
        strings.clear();
        pktt_event {
            kind: self.kind,
            family: self.family.map_or(0, |family| pktt_family::from(family) as u32),
            table: strings.keep_some(self.table.as_deref()),
            chain: strings.keep_some(self.chain.as_deref()),
            handle: self.handle,
            rule: strings.keep_some(self.rule.as_deref()),
            generation: self.generation,
            process: self.process,
            process_name: strings.keep_some(self.process_name.as_deref()),
            text: strings.keep(&self.text),
        }
    }
}

const fn either(first: bool, one: pktt_event_kind, other: pktt_event_kind) -> pktt_event_kind {
    if first { one } else { other }
}

/// A rule as it is saved, if an iptables could have written it.
fn saved(rule: &nft::Rule<'_>, family: Family) -> Option<String> {
    let table = rule.table.as_ref().and_then(|name| TableName::from_name(name.as_str()?));
    let RuleBody::Known(known) = read_rule(rule, family, table, Registry::builtin(), &NoSets) else {
        return None;
    };
    let mut text = String::new();
    write_append(&mut text, family, rule.chain.as_ref()?.as_str()?, &known, CounterStyle::Hidden);
    Some(text)
}

impl Source {
    /// Waits for the next events; false if none came in time.
    fn receive(&mut self, milliseconds: i32, into: &mut VecDeque<Change>) -> Result<bool, Error> {
        let received = match self {
            Self::Running(events) => {
                events.socket_mut().set_timeout(timeout(milliseconds))?;
                match events.receive() {
                    Err(Error::Timeout) => return Ok(false),
                    received => received?,
                }
            }
            Self::Embedded(socket) => match socket.try_receive()? {
                None => return Ok(false),
                Some(datagram) => Messages::new(datagram),
            },
        };
        for message in received {
            into.push_back(Change::read(&message?)?);
        }
        Ok(true)
    }
}

/// Subscribes to the changes of the rulesets of the kernel that `kernel` is connected to, from now on. The running one is
/// listened to in the network namespace of the calling thread.
///
/// To be freed with pktt_events_free. NULL, with PKTT_ERROR_PERMISSION or PKTT_ERROR_SYSTEM, if that cannot be done.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_events_open(
    kernel: Option<&pktt_kernel>,
    error: Option<&mut pktt_error>,
) -> Option<Box<pktt_events>> {
    handle(error, || {
        let source = match &given(kernel, "kernel")?.embedded {
            None => Source::Running(Events::subscribe(&[Group::NFTABLES])?),
            Some(embedded) => {
                let mut socket = embedded.connect();
                socket.listen();
                Source::Embedded(socket)
            }
        };
        let nothing = pktt_event {
            kind: pktt_event_kind::PKTT_EVENT_OTHER,
            family: 0,
            table: ptr::null(),
            chain: ptr::null(),
            handle: 0,
            rule: ptr::null(),
            generation: 0,
            process: 0,
            process_name: ptr::null(),
            text: ptr::null(),
        };
        Ok(pktt_events { source, waiting: VecDeque::new(), event: nothing, strings: Strings::default() })
    })
}

/// Ends a subscription; NULL is nothing to end.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_events_free(events: Option<Box<pktt_events>>) {
    drop(events);
}

/// Waits for the next event at most so many milliseconds, without end if it is less than 0; an embedded kernel is not
/// waited for. `*event` becomes the event, which lives, with all that it points to, until this is called again with
/// `events` or they are freed. One's own changes are told, too: pktt_event has the process.
///
/// PKTT_END if none came in time. PKTT_ERROR_LOST if events were lost, PKTT_ERROR_MALFORMED if some cannot be read;
/// after both, everything that is known of the rulesets must be read again, and the subscription goes on.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_events_next(
    events: Option<&mut pktt_events>,
    milliseconds: i32,
    event: Option<&mut MaybeUninit<*const pktt_event>>,
    error: Option<&mut pktt_error>,
) -> pktt_status {
    let mut came = true;
    let done = status(error, || {
        let events = given(events, "events")?;
        let lost = |error| if error == Error::RepliesLost { Error::EventsLost } else { error };
        // A datagram need not have any.
        while events.waiting.is_empty()
            && events.source.receive(milliseconds, &mut events.waiting).map_err(lost)?
        {}
        let next = events.waiting.pop_front();
        came = next.is_some();
        if let Some(change) = next {
            events.event = change.lend(&mut events.strings);
            put(event, ptr::from_ref(&events.event));
        }
        Ok(())
    });
    if came { done } else { pktt_status::PKTT_END }
}

/// The descriptor to wait on with poll for events, as long as the subscription lasts; -1 for an embedded kernel, or
/// for NULL. What pktt_events_next has received already is not seen by poll: call that until it gives PKTT_END.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_events_descriptor(events: Option<&pktt_events>) -> i32 {
    match events.map(|events| &events.source) {
        Some(Source::Running(events)) => events.as_fd().as_raw_fd(),
        Some(Source::Embedded(_)) | None => -1,
    }
}
