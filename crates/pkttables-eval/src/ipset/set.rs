use super::key::{Key, mask, width};
use super::kind::{Kind, Part, Storage};
use pkttables::matches::set::Comparison;
use pkttables::model::Family;
use std::collections::{HashMap, hash_map};
use std::hash::{BuildHasherDefault, DefaultHasher};

/// What a set was made with.
#[derive(Clone, Debug)]
pub(super) struct Options {
    pub(super) kind: &'static Kind,
    /// The family of its addresses; `None` if it has none.
    pub(super) family: Option<Family>,
    /// The bits of addresses that count.
    pub(super) mask: u128,
    pub(super) mark_mask: u32,
    /// The first and last address or port of a bitmap.
    pub(super) range: (u128, u128),
    /// How many entries it takes.
    pub(super) limit: usize,
    /// The seconds that entries stay, unless another time is given, 0 for ever; `None` if none is ever forgotten.
    pub(super) timeout: Option<u32>,
    pub(super) counters: bool,
    pub(super) skbinfo: bool,
    pub(super) comment: bool,
    /// Whether a full set forgets an entry to take a new one.
    pub(super) force: bool,
}

/// What is kept with an entry.
#[derive(Clone, Debug, Default)]
pub(super) struct Entry {
    /// Whether it is an exception from wider networks.
    pub(super) nomatch: bool,
    /// When it is forgotten, in nanoseconds of the sets' clock.
    pub(super) expires: Option<u64>,
    pub(super) packets: u64,
    pub(super) bytes: u64,
    pub(super) info: Info,
    /// Of `bitmap:ip,mac`; learnt from the first packet if it is not given.
    pub(super) mac: Option<[u8; 6]>,
}

/// What packets can be given from an entry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Info {
    pub(super) mark: u32,
    pub(super) mark_mask: u32,
    pub(super) priority: u32,
    pub(super) queue: u16,
}

/// What is asked, and what a packet brings along.
#[derive(Clone, Copy, Debug)]
pub(super) struct Query {
    pub(super) now: u64,
    /// The packet's length.
    pub(super) bytes: u64,
    /// Whether the entry counts the packet.
    pub(super) counts: bool,
    pub(super) packets_must: Option<Comparison>,
    pub(super) bytes_must: Option<Comparison>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    No,
    Yes(Info),
    /// An entry marked `nomatch`.
    Exception,
}

/// Why an entry is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    Exists,
    Full,
    Range,
}

type Hasher = BuildHasherDefault<DefaultHasher>;

/// A set of anything but sets.
#[derive(Clone, Debug)]
pub(super) struct Set {
    pub(super) options: Options,
    entries: HashMap<Key, Entry, Hasher>,
    /// For each of the two networks of entries, which prefix lengths there are and how many entries have them.
    prefixes: [Prefixes; 2],
    /// Of sets with interfaces, the entries of each network.
    by_network: HashMap<Key, Vec<Key>, Hasher>,
}

impl Set {
    pub(super) fn new(options: Options) -> Self {
        Self {
            options,
            entries: HashMap::default(),
            prefixes: [const { Prefixes(Vec::new()) }; 2],
            by_network: HashMap::default(),
        }
    }

    pub(super) fn clear(&mut self) {
        *self = Self::new(self.options.clone());
    }

    /// Adds an entry. One that is there already is only replaced with `exist`.
    pub(super) fn add(&mut self, key: Key, entry: Entry, exist: bool, now: u64) -> Result<(), Refused> {
        let (key, entry) = (self.place(key).ok_or(Refused::Range)?, self.with_mac(key, entry));
        if let Some(old) = self.entries.get_mut(&key) {
            // An address whose MAC address is not known yet learns it.
            let learns = old.mac.is_none() && entry.mac.is_some();
            if !exist && !old.is_expired(now) && !learns {
                return Err(Refused::Exists);
            }
            *old = entry;
            return Ok(());
        }
        if self.entries.len() >= self.options.limit {
            self.make_room(now)?;
        }
        for (prefixes, network) in self.prefixes.iter_mut().zip(key.networks) {
            prefixes.add(network.prefix);
        }
        if key.interface.is_some() {
            self.by_network.entry(Key { interface: None, ..key }).or_default().push(key);
        }
        self.entries.insert(key, entry);
        Ok(())
    }

    /// Forgets what has expired, or if need be and it is allowed any other entry.
    fn make_room(&mut self, now: u64) -> Result<(), Refused> {
        let expired = self.entries.iter().filter(|(_, entry)| entry.is_expired(now)).map(|(key, _)| *key);
        for key in expired.collect::<Vec<_>>() {
            self.remove(&key);
        }
        if self.entries.len() < self.options.limit {
            return Ok(());
        }
        match self.entries.keys().next().copied().filter(|_| self.options.force) {
            Some(key) => {
                self.remove(&key);
                Ok(())
            }
            None => Err(Refused::Full),
        }
    }

    /// Takes an entry out; whether it was there.
    pub(super) fn delete(&mut self, key: Key, now: u64) -> bool {
        let Some(key) = self.place(key) else { return false };
        self.remove(&key).is_some_and(|entry| !entry.is_expired(now))
    }

    fn remove(&mut self, key: &Key) -> Option<Entry> {
        let entry = self.entries.remove(key)?;
        for (prefixes, network) in self.prefixes.iter_mut().zip(key.networks) {
            prefixes.remove(network.prefix);
        }
        if key.interface.is_some()
            && let hash_map::Entry::Occupied(mut others) =
                self.by_network.entry(Key { interface: None, ..*key })
        {
            others.get_mut().retain(|other| other != key);
            if others.get().is_empty() {
                others.remove();
            }
        }
        Some(entry)
    }

    /// Looks an address up, and with networks the narrowest that it is in.
    pub(super) fn test(&mut self, key: Key, query: &Query) -> Found {
        let [firsts, seconds] = self.prefixes.each_ref().map(|prefixes| prefixes.0.len());
        for (first, second) in (0..firsts).flat_map(|first| (0..seconds).map(move |second| (first, second))) {
            let [of_first, of_second] = &self.prefixes;
            let key = self.narrowed(key, [of_first.at(first), of_second.at(second)]);
            if let Some(found) = self.test_network(key, query) {
                return found;
            }
        }
        Found::No
    }

    /// Looks one network up; `None` if wider ones are still to be tried.
    fn test_network(&mut self, key: Key, query: &Query) -> Option<Found> {
        let Some(wanted) = key.interface else { return self.test_exactly(&key, query) };
        let there = self.by_network.get(&Key { interface: None, ..key })?;
        let fits = |entry: &&Key| entry.interface.is_some_and(|interface| interface.fits(wanted.name));
        match there.iter().find(fits).copied() {
            Some(entry) => self.test_exactly(&entry, query),
            // The kernel looks for no wider network once it has seen this one, with whatever interface.
            None => Some(Found::No),
        }
    }

    fn test_exactly(&mut self, key: &Key, query: &Query) -> Option<Found> {
        let place = self.place(*key)?;
        let entry = self.entries.get_mut(&place)?;
        if self.options.kind.storage == Storage::Bitmap && self.options.kind.has(Part::Mac) {
            let Some(mac) = entry.mac else {
                (entry.packets, entry.bytes) = (1, query.bytes);
                entry.mac = Some(key.mac);
                return Some(Found::Yes(entry.info));
            };
            if mac != key.mac {
                return None;
            }
        }
        if !entry.answers(&self.options, query) {
            return None;
        }
        Some(if entry.nomatch { Found::Exception } else { Found::Yes(entry.info) })
    }

    /// An address as an entry that a rule adds or takes out: in the narrowest network that the set has.
    pub(super) fn narrowest(&self, key: Key) -> Key {
        self.narrowed(key, self.prefixes.each_ref().map(|prefixes| prefixes.at(0)))
    }

    /// The networks with these prefix lengths around the key's addresses.
    fn narrowed(&self, mut key: Key, prefixes: [u8; 2]) -> Key {
        let width = self.options.family.map_or(0, width);
        let mut parts =
            self.options.kind.parts.iter().filter(|part| matches!(part, Part::Address | Part::Network));
        for (network, prefix) in key.networks.iter_mut().zip(prefixes) {
            if parts.next() == Some(&Part::Network) {
                network.prefix = prefix.min(width);
                network.address &= mask(width, network.prefix);
            }
        }
        key
    }

    /// The key as a bitmap has it; `None` if that is not in its range.
    fn place(&self, key: Key) -> Option<Key> {
        if self.options.kind.storage != Storage::Bitmap {
            return Some(key);
        }
        let [network, _] = key.networks;
        let (first, last) = self.options.range;
        let value = if self.options.kind.has(Part::PlainPort) { key.port.into() } else { network.address };
        (first..=last).contains(&value).then_some(Key { mac: [0; 6], ..key })
    }

    fn with_mac(&self, key: Key, entry: Entry) -> Entry {
        let is_kept = self.options.kind.storage == Storage::Bitmap && key.mac != [0; 6];
        Entry { mac: is_kept.then_some(key.mac), ..entry }
    }
}

/// Prefix lengths, the longest first, and how many networks have them.
#[derive(Clone, Debug)]
struct Prefixes(Vec<(u8, usize)>);

impl Prefixes {
    fn find(&self, prefix: u8) -> Result<usize, usize> {
        self.0.binary_search_by(|(other, _)| prefix.cmp(other))
    }

    fn add(&mut self, prefix: u8) {
        match self.find(prefix) {
            Ok(at) => self.0.iter_mut().skip(at).take(1).for_each(|(_, count)| *count += 1),
            Err(at) => self.0.insert(at, (prefix, 1)),
        }
    }

    fn remove(&mut self, prefix: u8) {
        let Ok(at) = self.find(prefix) else { return };
        self.0.iter_mut().skip(at).take(1).for_each(|(_, count)| *count -= 1);
        self.0.retain(|(_, count)| *count > 0);
    }

    /// The longest but `place`; that of a single address if there are not so many.
    fn at(&self, place: usize) -> u8 {
        self.0.get(place).map_or(u8::MAX, |(prefix, _)| *prefix)
    }
}

impl Entry {
    fn is_expired(&self, now: u64) -> bool {
        self.expires.is_some_and(|expires| expires < now)
    }

    /// Counts the packet; whether the entry holds, and has counted what is asked for.
    pub(super) fn answers(&mut self, options: &Options, query: &Query) -> bool {
        if self.is_expired(query.now) {
            return false;
        }
        if !options.counters {
            return true;
        }
        if query.counts {
            self.packets += 1;
            self.bytes += query.bytes;
        }
        holds(query.packets_must, self.packets) && holds(query.bytes_must, self.bytes)
    }
}

/// So many seconds after `now`; `None`, which is for ever, for 0.
pub(super) fn after(now: u64, seconds: u32) -> Option<u64> {
    (seconds != 0).then(|| now.saturating_add(u64::from(seconds) * 1_000_000_000))
}

fn holds(comparison: Option<Comparison>, counted: u64) -> bool {
    comparison.is_none_or(|comparison| match comparison {
        Comparison::Equal(value) => counted == value,
        Comparison::NotEqual(value) => counted != value,
        Comparison::Less(value) => counted < value,
        Comparison::Greater(value) => counted > value,
    })
}
