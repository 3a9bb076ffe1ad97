use std::collections::BTreeMap;
use std::sync::Arc;

use pkttnetlink::nft::TableFlags;

use crate::extensions::Extensions;
use crate::state::{Ruleset, Table};
use crate::transaction::Event;

/// How many events wait for a socket that does not take them; what comes then is lost to it.
const MAX_WAITING: usize = 1 << 16;

/// All that the sockets of one embedded kernel share.
#[derive(Debug)]
pub(crate) struct Core {
    pub(crate) ruleset: Arc<Ruleset>,
    pub(crate) extensions: Extensions,
    last_port: u32,
    listeners: BTreeMap<u32, Mailbox>,
}

/// What waits for a socket that listens.
#[derive(Debug, Default)]
struct Mailbox {
    events: Vec<Vec<u8>>,
    overrun: bool,
}

impl Core {
    pub(crate) fn new(extensions: Extensions, ruleset: Ruleset) -> Self {
        Self { ruleset: Arc::new(ruleset), extensions, last_port: 0, listeners: BTreeMap::new() }
    }

    pub(crate) const fn new_port(&mut self) -> u32 {
        // 0 is the kernel's own.
        self.last_port = match self.last_port.wrapping_add(1) {
            0 => 1,
            port => port,
        };
        self.last_port
    }

    pub(crate) fn listen(&mut self, port: u32) {
        self.listeners.entry(port).or_default();
    }

    pub(crate) fn stop_listening(&mut self, port: u32) {
        self.listeners.remove(&port);
    }

    /// Forgets a socket, and the tables that are to go with it.
    pub(crate) fn close(&mut self, port: u32) {
        self.listeners.remove(&port);
        let owned = |table: &&Table| table.owner == Some(port);
        let owned: Vec<_> =
            self.ruleset.tables().filter(owned).map(|table| (table.handle, table.flags)).collect();
        if owned.is_empty() {
            return;
        }
        let ruleset = Arc::make_mut(&mut self.ruleset);
        for (handle, flags) in owned {
            if !flags.contains(TableFlags::PERSIST) {
                ruleset.remove_table(handle);
            } else if let Some(table) = ruleset.table_mut(handle) {
                table.owner = None;
            }
        }
    }

    /// Whether anyone is told of changes.
    pub(crate) fn has_listeners(&self) -> bool {
        !self.listeners.is_empty()
    }

    /// Tells all listeners; the sender is not told twice of what it had echoed.
    pub(crate) fn tell(&mut self, events: Vec<Event>, sender: u32) {
        for (&port, mailbox) in &mut self.listeners {
            for event in events.iter().filter(|event| port != sender || !event.echo) {
                if mailbox.events.len() < MAX_WAITING {
                    mailbox.events.push(event.bytes.clone());
                } else {
                    mailbox.overrun = true;
                }
            }
        }
    }

    /// The events that wait for a socket, and whether some were lost.
    pub(crate) fn take_events(&mut self, port: u32) -> (Vec<Vec<u8>>, bool) {
        self.listeners.get_mut(&port).map_or((Vec::new(), false), |mailbox| {
            (std::mem::take(&mut mailbox.events), std::mem::take(&mut mailbox.overrun))
        })
    }
}
