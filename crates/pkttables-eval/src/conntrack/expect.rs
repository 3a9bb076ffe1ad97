use std::collections::HashMap;

use pkttables::model::Family;

use super::entry::{ConnectionId, Zone};
use super::tuple::Tuple;

/// A connection that a helper announced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Expectation {
    pub(crate) master: ConnectionId,
    pub(crate) zone: Zone,
    pub(crate) expires: u64,
}

/// What an expected packet looks like; its source port does not matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Expected {
    pub(crate) source: [u8; 16],
    pub(crate) destination: [u8; 16],
    pub(crate) port: u16,
    pub(crate) protocol: u8,
    pub(crate) family: Family,
}

/// All expectations.
#[derive(Debug, Default)]
pub(crate) struct Expectations {
    waiting: HashMap<Expected, Expectation>,
}

impl Expectations {
    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Adds one; none are kept beyond `limit`.
    pub(crate) fn add(&mut self, expected: Expected, expectation: Expectation, now: u64, limit: usize) {
        if self.waiting.len() >= limit {
            self.waiting.retain(|_, other| other.expires > now);
        }
        if self.waiting.len() < limit {
            self.waiting.insert(expected, expectation);
        }
    }

    /// Takes the expectation that a new connection fulfils.
    pub(crate) fn take(&mut self, tuple: &Tuple, zone: Zone, now: u64) -> Option<Expectation> {
        if self.waiting.is_empty() {
            return None;
        }
        let expected = Expected {
            source: tuple.source,
            destination: tuple.destination,
            port: tuple.destination_key,
            protocol: tuple.protocol,
            family: tuple.family,
        };
        if self.waiting.get(&expected)?.zone != zone {
            return None;
        }
        self.waiting.remove(&expected).filter(|expectation| expectation.expires > now)
    }

    /// Forgets an expectation of a connection.
    pub(crate) fn withdraw(&mut self, expected: &Expected, master: ConnectionId) {
        if self.waiting.get(expected).is_some_and(|expectation| expectation.master == master) {
            self.waiting.remove(expected);
        }
    }
}
