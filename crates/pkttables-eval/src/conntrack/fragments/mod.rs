//! Fragments: put together before connection tracking, cut again where packets leave.

mod queue;
mod split;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use pkttables::packet::Data;

use super::settings::Settings;
use queue::{Fragment, Queue};

pub use split::Cuts;

/// Puts fragments together as the kernel's defragmentation does.
#[derive(Debug, Default)]
pub struct Reassembly {
    queues: HashMap<Key, Queue>,
    /// When queues end, in order; for IPv4 and IPv6, whose times differ.
    ends: [VecDeque<(u64, u64, Key)>; 2],
    started: u64,
    bytes: usize,
    now: u64,
}

/// What all fragments of a packet have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Key {
    source: [u8; 16],
    destination: [u8; 16],
    id: u32,
    /// For IPv4; 0 for IPv6, whose fragments go together whatever they carry.
    protocol: u8,
    place: Place,
}

/// Where fragments are collected; those of different places do not mix.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Place {
    /// In PREROUTING, before connection tracking.
    #[default]
    Incoming,
    /// In OUTPUT, before connection tracking.
    Outgoing,
    /// In local delivery, where connection tracking is not used.
    Local,
}

/// What becomes of a packet in [`Reassembly::push`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reassembled {
    /// It is no fragment, or one that is left alone, and goes on as it is.
    Whole,
    /// It is kept, or was thrown away with what it belongs to; either way the kernel calls it stolen.
    Held,
    /// It is dropped: an IPv6 fragment that cannot be right.
    Dropped,
    /// The last missing fragment: the whole packet goes on in its place.
    Complete {
        /// From the network header on.
        packet: Vec<u8>,
        /// How it is cut again.
        cuts: Cuts,
    },
}

/// The bytes that fragments may take (`ipfrag_high_thresh`).
const MOST_BYTES: usize = 4 << 20;
/// What the kernel counts for a fragment besides its bytes, roughly.
const OVERHEAD: usize = 512;

impl Reassembly {
    /// Takes a packet in; `now` is its time.
    pub fn push(
        &mut self,
        packet: Data<'_>,
        place: Place,
        settings: &Settings,
        now: Duration,
    ) -> Reassembled {
        self.now = self.now.max(now.as_millis().min(u128::from(u64::MAX)) as u64);
        self.expire();
        let Some((key, fragment)) = Fragment::read(&packet, place) else {
            return if Fragment::is_cut_off(&packet) { Reassembled::Dropped } else { Reassembled::Whole };
        };
        let version = usize::from(fragment.is_v6());
        if !self.queues.contains_key(&key) {
            if self.bytes > MOST_BYTES {
                return if fragment.is_v6() { Reassembled::Dropped } else { Reassembled::Held };
            }
            let seconds = if fragment.is_v6() { settings.frag6_timeout } else { settings.ipfrag_time };
            self.started += 1;
            self.queues.insert(key, Queue::new(self.started));
            if let Some(ends) = self.ends.get_mut(version) {
                ends.push_back((self.now.saturating_add(u64::from(seconds) * 1000), self.started, key));
            }
        }
        let Some(queue) = self.queues.get_mut(&key) else { return Reassembled::Held };
        let before = queue.bytes();
        let added = queue.add(fragment, &packet);
        self.bytes = (self.bytes + queue.bytes()).saturating_sub(before);
        match added {
            queue::Added::Kept => Reassembled::Held,
            queue::Added::Refused => Reassembled::Dropped,
            queue::Added::Spoilt => {
                self.forget(&key);
                if version == 1 { Reassembled::Dropped } else { Reassembled::Held }
            }
            queue::Added::Uneven => {
                self.forget(&key);
                Reassembled::Whole
            }
            queue::Added::Complete => match self.forget(&key).and_then(Queue::join) {
                Some((packet, cuts)) => Reassembled::Complete { packet, cuts },
                None if version == 1 => Reassembled::Dropped,
                None => Reassembled::Held,
            },
        }
    }

    /// How many packets are incomplete.
    #[must_use]
    pub fn len(&self) -> usize {
        self.queues.len()
    }

    /// Whether no packet is incomplete.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.queues.is_empty()
    }

    fn forget(&mut self, key: &Key) -> Option<Queue> {
        let queue = self.queues.remove(key)?;
        self.bytes = self.bytes.saturating_sub(queue.bytes());
        Some(queue)
    }

    fn expire(&mut self) {
        for version in 0..self.ends.len() {
            while let Some((end, started, key)) = self.ends.get(version).and_then(VecDeque::front).copied() {
                let same = self.queues.get(&key).is_some_and(|queue| queue.started == started);
                if same && end > self.now {
                    break;
                }
                if let Some(ends) = self.ends.get_mut(version) {
                    ends.pop_front();
                }
                if same {
                    self.forget(&key);
                }
            }
        }
    }
}
