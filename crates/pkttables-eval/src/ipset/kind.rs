/// A type of sets: what its entries consist of, and how they are kept.
#[derive(Debug)]
pub(super) struct Kind {
    /// As in `create NAME TYPE`.
    pub(super) name: &'static str,
    pub(super) storage: Storage,
    /// One for each direction that a rule gives.
    pub(super) parts: &'static [Part],
    /// Whether a network may have the prefix length 0.
    pub(super) everything: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Storage {
    /// Any number of entries up to a limit.
    Hash,
    /// Entries of a range.
    Bitmap,
    /// Other sets.
    List,
}

/// What a part of an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Address,
    Network,
    /// A port and its protocol.
    Port,
    /// A port of TCP or UDP alike.
    PlainPort,
    Mac,
    Mark,
    Interface,
    Set,
}

use Part::{Address, Interface, Mac, Mark, Network, PlainPort, Port};

const KINDS: [Kind; 16] = [
    hash("hash:ip", &[Address]),
    hash("hash:mac", &[Mac]),
    hash("hash:ip,mac", &[Address, Mac]),
    hash("hash:ip,mark", &[Address, Mark]),
    hash("hash:ip,port", &[Address, Port]),
    hash("hash:ip,port,ip", &[Address, Port, Address]),
    hash("hash:ip,port,net", &[Address, Port, Network]),
    hash("hash:net", &[Network]),
    hash("hash:net,port", &[Network, Port]),
    Kind { everything: true, ..hash("hash:net,iface", &[Network, Interface]) },
    Kind { everything: true, ..hash("hash:net,net", &[Network, Network]) },
    Kind { everything: true, ..hash("hash:net,port,net", &[Network, Port, Network]) },
    bitmap("bitmap:ip", &[Address]),
    bitmap("bitmap:ip,mac", &[Address, Mac]),
    bitmap("bitmap:port", &[PlainPort]),
    Kind { name: "list:set", storage: Storage::List, parts: &[Part::Set], everything: false },
];

const fn hash(name: &'static str, parts: &'static [Part]) -> Kind {
    Kind { name, storage: Storage::Hash, parts, everything: false }
}

const fn bitmap(name: &'static str, parts: &'static [Part]) -> Kind {
    Kind { name, storage: Storage::Bitmap, parts, everything: false }
}

impl Kind {
    pub(super) fn find(name: &str) -> Option<&'static Self> {
        KINDS.iter().find(|kind| kind.name == name)
    }

    pub(super) fn names() -> impl Iterator<Item = &'static str> {
        KINDS.iter().map(|kind| kind.name)
    }

    pub(super) fn has(&self, part: Part) -> bool {
        self.parts.contains(&part)
    }

    /// Whether sets of this type are for one family.
    pub(super) fn has_family(&self) -> bool {
        self.has(Address) || self.has(Network)
    }
}
