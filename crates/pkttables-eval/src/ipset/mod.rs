//! Sets as ipset makes them, for the `set` match and the `SET` target.
//!
//! All types of ipset 7 are known. Entries are found by hashing, networks by one look for each prefix length that
//! the set has, however many entries there are.

mod commands;
mod element;
mod key;
mod kind;
mod set;
mod words;

pub use words::{Error, Problem};

use key::Key;
use pkttables::domain::{SetLookup, SetName};
use pkttables::packet::Packet;
use pkttables::registry::Edit;
use pkttables::{matches, targets};
use set::{Entry, Found, Info, Query, Set};
use std::collections::HashMap;

/// Sets by name, with what packets did to them.
#[derive(Clone, Debug, Default)]
pub struct Sets {
    sets: HashMap<SetName, Any>,
    /// When the first packet came, in nanoseconds since 1970: then the times of entries began to run.
    start: Option<u64>,
}

/// A set, or a list of sets.
#[derive(Clone, Debug)]
enum Any {
    Plain(Box<Set>),
    List(List),
}

/// A list of sets.
#[derive(Clone, Debug)]
struct List {
    options: set::Options,
    members: Vec<(SetName, Entry)>,
}

impl Sets {
    /// Reads what `ipset save` prints; also `del`, `flush` and `destroy`, as `ipset restore` does.
    ///
    /// # Errors
    /// The first line that `ipset restore` would refuse, with place and reason.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let mut sets = Self::default();
        commands::run(&mut sets, text)?;
        Ok(sets)
    }

    /// Whether there is a set of this name.
    #[must_use]
    pub fn contains(&self, name: &SetName) -> bool {
        self.sets.contains_key(name)
    }

    /// Whether a `set` match holds for the packet, but for its negation; `None` if there is no such set.
    pub fn test(&mut self, query: &matches::set::Set, packet: &Packet<'_>) -> Option<bool> {
        let asked = Asked {
            lookup: query.lookup,
            exceptions: query.return_nomatch,
            subcounters: !query.keep_counters && !query.keep_subcounters,
            query: Query {
                now: self.now(packet),
                bytes: packet.data.len() as u64,
                counts: !query.keep_counters,
                packets_must: query.packets,
                bytes_must: query.bytes,
            },
        };
        Some(self.look_up(&asked, packet)?.is_some())
    }

    /// Does what a `SET` target asks; `None` if there is no such set.
    pub fn change(
        &mut self,
        change: &targets::set::Set,
        packet: &Packet<'_>,
        edits: &mut Vec<Edit>,
    ) -> Option<()> {
        if let Some(lookup) = &change.add {
            self.add(lookup, change, packet)?;
        }
        if let Some(lookup) = &change.del {
            self.delete(lookup, packet)?;
        }
        if let Some(lookup) = &change.map {
            self.map(lookup, change, packet, edits)?;
        }
        Some(())
    }

    fn now(&mut self, packet: &Packet<'_>) -> u64 {
        packet.meta.time.saturating_sub(*self.start.get_or_insert(packet.meta.time))
    }

    /// The values of the entry that answers for the packet; the outer `None` if there is no such set.
    fn look_up(&mut self, asked: &Asked, packet: &Packet<'_>) -> Option<Option<Info>> {
        match self.sets.get_mut(&asked.lookup.set)? {
            Any::Plain(set) => Some(asked.test(set, packet)),
            Any::List(_) => Some(self.look_up_in_list(asked, packet)),
        }
    }

    /// The first set of the list that has the packet decides.
    fn look_up_in_list(&mut self, asked: &Asked, packet: &Packet<'_>) -> Option<Info> {
        let counts = asked.query.counts && asked.subcounters;
        let query = Query { counts, packets_must: None, bytes_must: None, ..asked.query };
        let of_members = Asked { query, ..*asked };
        for place in 0.. {
            let Some(Any::List(list)) = self.sets.get(&asked.lookup.set) else { return None };
            let name = list.members.get(place)?.0;
            let Some(Any::Plain(set)) = self.sets.get_mut(&name) else { continue };
            let Some(info) = of_members.test(set, packet) else { continue };
            let Some(Any::List(list)) = self.sets.get_mut(&asked.lookup.set) else { return None };
            let (_, entry) = list.members.get_mut(place)?;
            if entry.answers(&list.options, &asked.query) {
                return Some(if list.options.skbinfo { entry.info } else { info });
            }
        }
        None
    }

    fn add(&mut self, lookup: &SetLookup, change: &targets::set::Set, packet: &Packet<'_>) -> Option<()> {
        let now = self.now(packet);
        let exist = change.flags.contains(targets::set::SetFlags::EXIST);
        self.in_each(&lookup.set, |set| {
            let key = key_of(set, lookup, packet)?;
            let seconds = change.timeout.map(|timeout| timeout.0).or(set.options.timeout);
            let entry = Entry {
                packets: 1,
                bytes: packet.data.len() as u64,
                expires: set.options.timeout.and(seconds).and_then(|seconds| set::after(now, seconds)),
                ..Entry::default()
            };
            set.add(set.narrowest(key), entry, exist, now).ok()
        })
    }

    fn delete(&mut self, lookup: &SetLookup, packet: &Packet<'_>) -> Option<()> {
        let now = self.now(packet);
        self.in_each(&lookup.set, |set| {
            let key = key_of(set, lookup, packet)?;
            set.delete(set.narrowest(key), now).then_some(())
        })
    }

    /// Has `change` done to the set, or of a list to the first set where it can be; `None` if there is no such set.
    fn in_each(&mut self, name: &SetName, mut change: impl FnMut(&mut Set) -> Option<()>) -> Option<()> {
        if let Any::Plain(set) = self.sets.get_mut(name)? {
            change(set);
            return Some(());
        }
        for place in 0.. {
            let Some(Any::List(list)) = self.sets.get(name) else { break };
            let Some((member, _)) = list.members.get(place) else { break };
            let member = *member;
            if let Some(Any::Plain(set)) = self.sets.get_mut(&member)
                && change(set).is_some()
            {
                break;
            }
        }
        Some(())
    }

    /// Gives the packet the values of the entry that it is found in.
    fn map(
        &mut self,
        lookup: &SetLookup,
        change: &targets::set::Set,
        packet: &Packet<'_>,
        edits: &mut Vec<Edit>,
    ) -> Option<()> {
        use targets::set::SetFlags;
        let query = Query {
            now: self.now(packet),
            bytes: packet.data.len() as u64,
            counts: true,
            packets_must: None,
            bytes_must: None,
        };
        let asked = Asked { lookup: *lookup, exceptions: false, subcounters: true, query };
        if let Some(info) = self.look_up(&asked, packet)? {
            if change.flags.contains(SetFlags::MAP_MARK) {
                edits.push(Edit::Mark(packet.meta.mark & !info.mark_mask ^ info.mark));
            }
            if change.flags.contains(SetFlags::MAP_PRIO) {
                edits.push(Edit::Priority(info.priority));
            }
        }
        Some(())
    }
}

/// A question about a packet.
#[derive(Clone, Copy, Debug)]
struct Asked {
    lookup: SetLookup,
    /// Whether entries marked `nomatch` are looked for, and no others.
    exceptions: bool,
    /// Whether the sets of a list count too.
    subcounters: bool,
    query: Query,
}

impl Asked {
    fn test(&self, set: &mut Set, packet: &Packet<'_>) -> Option<Info> {
        let key = key_of(set, &self.lookup, packet)?;
        let found = set.test(key, &self.query);
        let inverted = self.exceptions && set.options.kind.has(kind::Part::Network);
        match found {
            Found::Yes(info) if !inverted => Some(info),
            Found::Exception if inverted => Some(Info::default()),
            _ => None,
        }
    }
}

/// What the packet would be in the set; `None` if it cannot be in it.
fn key_of(set: &Set, lookup: &SetLookup, packet: &Packet<'_>) -> Option<Key> {
    let family = set.options.family.is_none_or(|family| family == packet.family());
    family.then(|| Key::of_packet(&set.options, packet, &lookup.directions)).flatten()
}
