use pkttables::model::{Counters, Family};
use pkttables::packet::{self, Direction, Status};

use super::helper::{Helper, HelperState};
use super::protocol::State;
use super::tuple::Tuple;

/// A conntrack zone: connections of different zones do not see each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Zone {
    /// The number; 0 is the default zone.
    pub id: u16,
    /// The zone counts for the original direction, otherwise that is in zone 0.
    pub original: bool,
    /// The zone counts for the reply direction, otherwise that is in zone 0.
    pub reply: bool,
}

impl Default for Zone {
    fn default() -> Self {
        Self::new(0)
    }
}

impl Zone {
    /// A zone for both directions.
    #[must_use]
    pub const fn new(id: u16) -> Self {
        Self { id, original: true, reply: true }
    }

    pub(crate) const fn of(self, direction: Direction) -> u16 {
        let counts = match direction {
            Direction::Original => self.original,
            Direction::Reply => self.reply,
        };
        if counts { self.id } else { 0 }
    }
}

/// Names a connection for as long as it lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ConnectionId {
    pub(crate) number: u32,
    pub(crate) generation: u32,
}

/// A tracked connection.
#[derive(Debug)]
pub struct Connection {
    pub(crate) tuples: [Tuple; 2],
    /// The zone it was found in.
    pub zone: Zone,
    /// The status bits.
    pub status: Status,
    /// The connection mark.
    pub mark: u32,
    /// Not as a `u128`, whose alignment would make every connection larger.
    labels: [u64; 2],
    pub(crate) counters: [Counters; 2],
    /// When it ends, in milliseconds of the packets' clock; before it is confirmed, how long it is to last.
    pub(crate) deadline: u64,
    pub(crate) protocol: State,
    pub(crate) master: Option<ConnectionId>,
    pub(crate) helper: Option<Helper>,
    pub(crate) helper_state: Option<Box<HelperState>>,
    pub(crate) by_source: bool,
}

impl Connection {
    pub(crate) fn new(original: Tuple, reply: Tuple, zone: Zone) -> Self {
        Self {
            tuples: [original, reply],
            zone,
            status: Status::empty(),
            mark: 0,
            labels: [0; 2],
            counters: [Counters::default(); 2],
            deadline: 0,
            protocol: State::of(original.protocol),
            master: None,
            helper: None,
            helper_state: None,
            by_source: false,
        }
    }

    pub(crate) const fn tuple(&self, direction: Direction) -> &Tuple {
        let [original, reply] = &self.tuples;
        match direction {
            Direction::Original => original,
            Direction::Reply => reply,
        }
    }

    /// The address family.
    #[must_use]
    pub const fn family(&self) -> Family {
        self.tuple(Direction::Original).family
    }

    /// The name of the protocol's state, as in `/proc/net/nf_conntrack`.
    #[must_use]
    pub const fn state_name(&self) -> Option<&'static str> {
        self.protocol.name()
    }

    /// The 128 connection labels, one a bit.
    #[must_use]
    pub const fn labels(&self) -> u128 {
        let [low, high] = self.labels;
        (high as u128) << 64 | low as u128
    }

    /// Sets all labels.
    pub const fn set_labels(&mut self, labels: u128) {
        self.labels = [labels as u64, (labels >> 64) as u64];
    }

    /// The connection that expected this one.
    #[must_use]
    pub const fn master(&self) -> Option<ConnectionId> {
        self.master
    }

    /// The helper that reads along.
    #[must_use]
    pub const fn helper(&self) -> Option<Helper> {
        self.helper
    }

    /// Assigns a helper, as `-j CT --helper` does before the first packet is tracked.
    pub fn set_helper(&mut self, helper: Option<Helper>) {
        self.helper = helper;
        self.status.set(Status::HELPER, helper.is_some());
        self.helper_state = None;
    }

    /// What rules can ask about it.
    pub(crate) fn public(&self, direction: Direction, now: u64, master: Option<&Self>) -> packet::Connection {
        packet::Connection {
            direction,
            original: self.tuple(Direction::Original).public(),
            reply: self.tuple(Direction::Reply).public(),
            status: self.status,
            mark: self.mark,
            secmark: 0,
            labels: self.labels(),
            expires: self.expires_in(now).min(u64::from(u32::MAX)) as u32,
            zone: self.zone.id,
            helper: self.helper.map(Helper::name),
            master_helper: master.and_then(|master| master.helper).map(Helper::name),
            master_source: master.map(|master| master.tuple(Direction::Original).public().source),
            counters: self.counters,
        }
    }

    /// Seconds until it expires if nothing comes.
    ///
    /// Before it is confirmed the kernel takes the span for a time since the host came up, which is past.
    fn expires_in(&self, now_ms: u64) -> u64 {
        if self.confirmed() { self.deadline.saturating_sub(now_ms) / 1000 } else { 0 }
    }

    pub(crate) const fn confirmed(&self) -> bool {
        self.status.contains(Status::CONFIRMED)
    }

    pub(crate) fn lasts(&mut self, now: u64, seconds: u32) {
        let from = if self.confirmed() { now } else { 0 };
        self.deadline = from.saturating_add(u64::from(seconds) * 1000);
    }

    pub(crate) fn count(&mut self, direction: Direction, bytes: usize) {
        let [original, reply] = &mut self.counters;
        let counter = match direction {
            Direction::Original => original,
            Direction::Reply => reply,
        };
        counter.packets = counter.packets.saturating_add(1);
        counter.bytes = counter.bytes.saturating_add(bytes as u64);
    }
}
