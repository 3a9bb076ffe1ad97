//! The registry of the extensions of this crate. The compiler makes its tables: a program pays for those extensions
//! that it looks up.
#![expect(clippy::indexing_slicing, reason = "done by the compiler")]

use super::describe::Descriptor;
use super::lookup::{Entry, Registry, hash};
use crate::{matches, targets};
use std::borrow::Cow;

pub(super) static BUILTIN: Registry = Registry {
    all: Cow::Borrowed(&ALL),
    by_name: Cow::Borrowed(&BY_NAME),
    by_xt_name: Cow::Borrowed(&BY_XT_NAME),
    native: Cow::Borrowed(&NATIVE),
};

const ALL: [&Descriptor; matches::ALL.len() + targets::ALL.len()] = {
    let mut all = [matches::ALL[0]; matches::ALL.len() + targets::ALL.len()];
    let mut at = 0;
    while at < all.len() {
        all[at] = match at.checked_sub(matches::ALL.len()) {
            None => matches::ALL[at],
            Some(at) => targets::ALL[at],
        };
        at += 1;
    }
    all
};

const NAMES: usize = {
    let (mut names, mut at) = (0, 0);
    while at < ALL.len() {
        names += 1 + ALL[at].aliases.len();
        at += 1;
    }
    names
};

const BY_NAME: [Entry; NAMES] = {
    let mut entries = [Entry { hash: 0, descriptor: ALL[0] }; NAMES];
    let (mut len, mut at) = (0, 0);
    while at < ALL.len() {
        let descriptor = ALL[at];
        insert_sorted(&mut entries, len, descriptor.name, descriptor);
        len += 1;
        let mut alias = 0;
        while alias < descriptor.aliases.len() {
            insert_sorted(&mut entries, len, descriptor.aliases[alias], descriptor);
            len += 1;
            alias += 1;
        }
        at += 1;
    }
    entries
};

const BY_XT_NAME: [Entry; ALL.len()] = {
    let mut entries = [Entry { hash: 0, descriptor: ALL[0] }; ALL.len()];
    let mut at = 0;
    while at < ALL.len() {
        insert_sorted(&mut entries, at, ALL[at].xt_name, ALL[at]);
        at += 1;
    }
    entries
};

const NATIVES: usize = {
    let (mut natives, mut at) = (0, 0);
    while at < ALL.len() {
        natives += ALL[at].from_native.is_some() as usize;
        at += 1;
    }
    natives
};

const NATIVE: [&Descriptor; NATIVES] = {
    let mut native = [ALL[0]; NATIVES];
    let (mut len, mut at) = (0, 0);
    while at < ALL.len() {
        if ALL[at].from_native.is_some() {
            native[len] = ALL[at];
            len += 1;
        }
        at += 1;
    }
    native
};

/// Puts an entry where it belongs among the first `len`, which are sorted: behind those of the same hash.
const fn insert_sorted(entries: &mut [Entry], len: usize, name: &str, descriptor: &'static Descriptor) {
    let hash = hash(name);
    let mut at = len;
    while at > 0 && entries[at - 1].hash > hash {
        entries[at] = entries[at - 1];
        at -= 1;
    }
    entries[at] = Entry { hash, descriptor };
}
