use crate::domain::SetName;
use crate::model::Family;
use crate::registry::{SetEntry, Sets};
use nfnetlink::wire::{DecodeError, Problem, Writer};
use nfnetlink::{Connection, Errno, Error, Flags, Message, NetfilterHeader, Transport, kind};
use std::cell::RefCell;
use std::collections::HashMap;

/// The sets of the running kernel, asked one by one over netlink (`linux/netfilter/ipset/ip_set.h`, protocol 7).
///
/// Answers are kept until [`Sets::forget`]: sets can be renamed and swapped.
#[derive(Debug)]
pub struct KernelSets<T, F = fn() -> Result<T, Error>> {
    connect: F,
    state: RefCell<State<T>>,
}

#[derive(Debug)]
struct State<T> {
    /// Made when first needed: most rulesets name no set.
    connection: Option<Connection<T>>,
    entries: HashMap<SetName, Option<SetEntry>>,
    names: HashMap<u16, Option<SetName>>,
    error: Option<Error>,
}

/// `NFNL_SUBSYS_IPSET`.
const SUBSYSTEM: u8 = 6;
const PROTOCOL: u8 = 7;
const GET_BY_NAME: u16 = kind::netfilter(SUBSYSTEM, 14);
const GET_BY_INDEX: u16 = kind::netfilter(SUBSYSTEM, 15);

/// `IPSET_ATTR_PROTOCOL`.
const ATTR_PROTOCOL: u16 = 1;
/// `IPSET_ATTR_SETNAME`.
const ATTR_NAME: u16 = 2;
/// `IPSET_ATTR_FAMILY`.
const ATTR_FAMILY: u16 = 5;
/// `IPSET_ATTR_INDEX`.
const ATTR_INDEX: u16 = 11;

impl<T: Transport, F: Fn() -> Result<T, Error>> KernelSets<T, F> {
    /// Asks over what `connect` opens, once, when the first set is looked up.
    pub fn new(connect: F) -> Self {
        let state = State { connection: None, entries: HashMap::new(), names: HashMap::new(), error: None };
        Self { connect, state: RefCell::new(state) }
    }
}

impl<T: Transport> State<T> {
    /// Asks for one set; nothing if there is none, or if asking fails.
    fn ask<R>(
        &mut self,
        connect: impl Fn() -> Result<T, Error>,
        command: u16,
        what: impl Fn(&mut Writer),
        read: impl Fn(&Message<'_>) -> Result<R, Error>,
    ) -> Option<R> {
        let connection = match &mut self.connection {
            Some(connection) => Ok(connection),
            none => connect().map(|transport| none.insert(Connection::new(transport))),
        };
        let body = |writer: &mut Writer| {
            writer.netfilter_header(&NetfilterHeader::default());
            writer.put_u8(ATTR_PROTOCOL, PROTOCOL);
            what(writer);
        };
        match connection.and_then(|connection| connection.get(command, Flags::default(), body, read)) {
            Ok(answer) => Some(answer),
            Err(Error::Refused(refusal)) if refusal.errno == Errno::ENOENT => None,
            Err(error) => {
                self.error = Some(error);
                None
            }
        }
    }
}

impl<T: Transport, F: Fn() -> Result<T, Error>> Sets for KernelSets<T, F> {
    fn find(&self, name: &SetName) -> Option<SetEntry> {
        let mut state = self.state.borrow_mut();
        if let Some(known) = state.entries.get(name) {
            return *known;
        }
        let put_name = |writer: &mut Writer| writer.put_string(ATTR_NAME, name.as_bytes());
        let entry = state.ask(&self.connect, GET_BY_NAME, put_name, read_entry);
        state.entries.insert(*name, entry);
        entry
    }

    fn name(&self, index: u16) -> Option<SetName> {
        let mut state = self.state.borrow_mut();
        if let Some(known) = state.names.get(&index) {
            return *known;
        }
        let put_index = |writer: &mut Writer| writer.put_be_u16(ATTR_INDEX, index);
        let name = state.ask(&self.connect, GET_BY_INDEX, put_index, read_name);
        state.names.insert(index, name);
        name
    }

    fn forget(&self) {
        let mut state = self.state.borrow_mut();
        state.entries.clear();
        state.names.clear();
        state.error = None;
    }

    fn take_error(&self) -> Option<Error> {
        self.state.borrow_mut().error.take()
    }
}

fn read_entry(message: &Message<'_>) -> Result<SetEntry, Error> {
    let (mut index, mut family) = (None, None);
    for attribute in message.netfilter()?.1 {
        let attribute = attribute?;
        match attribute.kind() {
            ATTR_INDEX => index = Some(attribute.be_u16("set index")?),
            ATTR_FAMILY => {
                let number = attribute.u8("set family")?;
                family = Family::ALL.into_iter().find(|family| family.nfproto() == number);
            }
            _ => {}
        }
    }
    let index = index.ok_or(DecodeError { what: "set index", problem: Problem::Missing, offset: 0 })?;
    Ok(SetEntry { index, family })
}

fn read_name(message: &Message<'_>) -> Result<SetName, Error> {
    for attribute in message.netfilter()?.1 {
        let attribute = attribute?;
        if attribute.kind() == ATTR_NAME {
            let name = SetName::new(attribute.string("set name")?);
            return Ok(name.ok_or(DecodeError { what: "set name", problem: Problem::String, offset: 0 })?);
        }
    }
    Err(DecodeError { what: "set name", problem: Problem::Missing, offset: 0 }.into())
}
