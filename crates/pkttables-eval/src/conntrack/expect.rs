use std::collections::HashMap;

use pkttables::model::Family;
use pkttables::packet::Direction;

use super::entry::ConnectionId;
use super::tuple::Tuple;

/// A connection that a helper announced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Expectation {
    pub(crate) master: ConnectionId,
    /// How it is translated, if its master is.
    pub(crate) follow: Option<Follow>,
    pub(crate) expires: u64,
}

/// How a connection is translated as the one that announced it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Follow {
    /// The direction of the master in which it goes.
    pub(crate) direction: Direction,
    /// The port that its receiver told.
    pub(crate) port: u16,
}

/// What an expected packet looks like; its source port does not matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Expected {
    pub(crate) source: [u8; 16],
    pub(crate) destination: [u8; 16],
    pub(crate) port: u16,
    pub(crate) protocol: u8,
    pub(crate) family: Family,
    pub(crate) zone: u16,
}

/// Why a connection cannot be announced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// Another connection announced the same.
    Taken,
    /// There are too many.
    Full,
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

    /// The expectation of such a packet, if it has not expired.
    pub(crate) fn get(&self, expected: &Expected, now: u64) -> Option<&Expectation> {
        self.waiting.get(expected).filter(|expectation| expectation.expires > now)
    }

    /// Adds one, instead of one for the same packets; none are kept beyond `limit`.
    pub(crate) fn add(
        &mut self,
        expected: Expected,
        expectation: Expectation,
        now: u64,
        limit: usize,
    ) -> Result<(), Refused> {
        if self.waiting.len() >= limit {
            self.waiting.retain(|_, other| other.expires > now);
        }
        if self.waiting.len() >= limit {
            return Err(Refused::Full);
        }
        self.waiting.insert(expected, expectation);
        Ok(())
    }

    /// The expectation that a new connection fulfils.
    pub(crate) fn find(&self, tuple: &Tuple, zone: u16, now: u64) -> Option<(Expected, Expectation)> {
        if self.waiting.is_empty() {
            return None;
        }
        let expected = Expected {
            source: tuple.source,
            destination: tuple.destination,
            port: tuple.destination_key,
            protocol: tuple.protocol,
            family: tuple.family,
            zone,
        };
        self.get(&expected, now).map(|expectation| (expected, *expectation))
    }

    /// Forgets an expectation of a connection.
    pub(crate) fn withdraw(&mut self, expected: &Expected, master: ConnectionId) {
        if self.waiting.get(expected).is_some_and(|expectation| expectation.master == master) {
            self.waiting.remove(expected);
        }
    }
}
