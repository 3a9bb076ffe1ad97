use super::builtin::BUILTIN;
use super::describe::{Descriptor, Kind};
use crate::model::Family;
use std::borrow::Cow;

/// The extensions that a program works with: the built-in ones, and those it adds.
#[derive(Clone, Debug, Default)]
pub struct Registry {
    pub(super) all: Cow<'static, [&'static Descriptor]>,
    pub(super) by_name: Cow<'static, [Entry]>,
    pub(super) by_xt_name: Cow<'static, [Entry]>,
    pub(super) native: Cow<'static, [&'static Descriptor]>,
}

/// A name's hash, by which a table of names is sorted, and an extension of that name.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) hash: u32,
    pub(super) descriptor: &'static Descriptor,
}

impl Registry {
    /// All extensions of this crate.
    #[must_use]
    pub const fn builtin() -> &'static Self {
        &BUILTIN
    }

    /// Adds an extension. Of two with the same name and family the one added first is found.
    pub fn register(&mut self, descriptor: &'static Descriptor) {
        self.all.to_mut().push(descriptor);
        if descriptor.from_native.is_some() {
            self.native.to_mut().push(descriptor);
        }
        for name in std::iter::once(&descriptor.name).chain(descriptor.aliases) {
            insert(self.by_name.to_mut(), name, descriptor);
        }
        insert(self.by_xt_name.to_mut(), descriptor.xt_name, descriptor);
    }

    /// All extensions, in the order in which they were added.
    #[must_use]
    pub fn all(&self) -> &[&'static Descriptor] {
        &self.all
    }

    /// The extension that a rule of `family` calls `name`.
    #[must_use]
    pub fn find(&self, kind: Kind, name: &str, family: Family) -> Option<&'static Descriptor> {
        candidates(&self.by_name, kind, name, family).find(|descriptor| descriptor.is_called(name))
    }

    /// The extensions that the kernel calls `name` in `family`: several can share one kernel module.
    pub fn find_by_xt_name<'a>(
        &'a self,
        kind: Kind,
        name: &'a str,
        family: Family,
    ) -> impl Iterator<Item = &'static Descriptor> + 'a {
        candidates(&self.by_xt_name, kind, name, family).filter(move |descriptor| descriptor.xt_name == name)
    }

    /// The extensions that have a native form.
    #[must_use]
    pub fn native(&self) -> &[&'static Descriptor] {
        &self.native
    }
}

/// Those whose names have the hash of `name`, in the order in which they were added.
fn candidates(
    entries: &[Entry],
    kind: Kind,
    name: &str,
    family: Family,
) -> impl Iterator<Item = &'static Descriptor> {
    let hash = hash(name);
    let first = entries.partition_point(|entry| entry.hash < hash);
    let same = entries.iter().skip(first).take_while(move |entry| entry.hash == hash);
    same.map(|entry| entry.descriptor)
        .filter(move |descriptor| descriptor.kind == kind && descriptor.families.has(family))
}

fn insert(entries: &mut Vec<Entry>, name: &str, descriptor: &'static Descriptor) {
    let hash = hash(name);
    let place = entries.partition_point(|entry| entry.hash <= hash);
    entries.insert(place, Entry { hash, descriptor });
}

/// FNV-1a. Nobody chooses the names of extensions to make their hashes collide.
pub(super) const fn hash(name: &str) -> u32 {
    let (mut hash, mut bytes) = (0x811c_9dc5_u32, name.as_bytes());
    while let Some((byte, rest)) = bytes.split_first() {
        hash = (hash ^ *byte as u32).wrapping_mul(0x0100_0193);
        bytes = rest;
    }
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_made_by_the_compiler_are_those_that_adding_makes() {
        let mut added = Registry::default();
        BUILTIN.all.iter().for_each(|descriptor| added.register(descriptor));
        let names = |entries: &[Entry]| -> Vec<(u32, *const Descriptor)> {
            entries.iter().map(|entry| (entry.hash, std::ptr::from_ref(entry.descriptor))).collect()
        };
        assert_eq!(names(&BUILTIN.by_name), names(&added.by_name));
        assert_eq!(names(&BUILTIN.by_xt_name), names(&added.by_xt_name));
        assert_eq!(BUILTIN.native.len(), added.native.len());
    }

    #[test]
    fn every_name_finds_its_extension() {
        for own in Registry::builtin().all() {
            for family in Family::ALL.into_iter().filter(|family| own.families.has(*family)) {
                for name in std::iter::once(&own.name).chain(own.aliases) {
                    let found = Registry::builtin().find(own.kind, name, family).expect("an extension");
                    assert!(found.is(own) || found.is_called(name), "{name}");
                }
                let of_kernel = Registry::builtin().find_by_xt_name(own.kind, own.xt_name, family);
                assert!(of_kernel.into_iter().any(|found| found.is(own)), "{}", own.name);
            }
        }
        for kind in [Kind::Match, Kind::Target] {
            assert!(Registry::builtin().find(kind, "nosuch", Family::Ipv4).is_none());
        }
    }

    #[test]
    fn an_extension_is_added_behind_those_of_its_name() {
        static OTHER: Descriptor = Descriptor { name: "tcp", xt_name: "tcp2", ..Descriptor::EMPTY };
        static NEW: Descriptor = Descriptor { name: "new", aliases: &["newer"], ..Descriptor::EMPTY };
        let mut registry = Registry::builtin().clone();
        registry.register(&OTHER);
        registry.register(&NEW);
        let find = |name| registry.find(Kind::Match, name, Family::Ipv6);
        assert!(find("tcp").is_some_and(|found| found.xt_name == "tcp"));
        assert!(find("newer").is_some_and(|found| found.name == "new"));
        assert_eq!(registry.find_by_xt_name(Kind::Match, "tcp2", Family::Ipv4).count(), 1);
        assert_eq!(registry.all().len(), Registry::builtin().all().len() + 2);
    }
}
