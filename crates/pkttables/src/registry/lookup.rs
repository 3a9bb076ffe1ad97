use super::describe::{Descriptor, Kind};
use crate::model::Family;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::LazyLock;

/// The extensions that a program works with: the built-in ones, and those it adds.
#[derive(Clone, Debug, Default)]
pub struct Registry {
    all: Vec<&'static Descriptor>,
    by_name: ByName,
    by_xt_name: ByName,
    native: Vec<&'static Descriptor>,
}

type ByName = HashMap<(Kind, &'static str), Vec<&'static Descriptor>, BuildHasherDefault<NameHasher>>;

/// FNV-1a. The names in the maps are those of extensions, which nobody chooses to make them collide, and every
/// rule looks some up.
#[derive(Clone, Copy, Debug)]
struct NameHasher(u64);

impl Registry {
    /// All extensions of this crate.
    #[must_use]
    pub fn builtin() -> &'static Self {
        static BUILTIN: LazyLock<Registry> = LazyLock::new(|| {
            let mut registry = Registry::default();
            crate::matches::ALL
                .iter()
                .chain(crate::targets::ALL)
                .for_each(|descriptor| registry.register(descriptor));
            registry
        });
        &BUILTIN
    }

    /// Adds an extension. Of two with the same name and family the one added first is found.
    pub fn register(&mut self, descriptor: &'static Descriptor) {
        self.all.push(descriptor);
        if descriptor.from_native.is_some() {
            self.native.push(descriptor);
        }
        for name in std::iter::once(&descriptor.name).chain(descriptor.aliases) {
            self.by_name.entry((descriptor.kind, name)).or_default().push(descriptor);
        }
        self.by_xt_name.entry((descriptor.kind, descriptor.xt_name)).or_default().push(descriptor);
    }

    /// All extensions, in the order in which they were added.
    #[must_use]
    pub fn all(&self) -> &[&'static Descriptor] {
        &self.all
    }

    /// The extension that a rule of `family` calls `name`.
    #[must_use]
    pub fn find(&self, kind: Kind, name: &str, family: Family) -> Option<&'static Descriptor> {
        let candidates = self.by_name.get(&(kind, name))?;
        candidates.iter().copied().find(|descriptor| descriptor.families.has(family))
    }

    /// The extensions that the kernel calls `name` in `family`: several can share one kernel module.
    pub fn find_by_xt_name<'a>(
        &'a self,
        kind: Kind,
        name: &'a str,
        family: Family,
    ) -> impl Iterator<Item = &'static Descriptor> + 'a {
        let candidates = self.by_xt_name.get(&(kind, name)).map_or(&[][..], Vec::as_slice);
        candidates.iter().copied().filter(move |descriptor| descriptor.families.has(family))
    }

    /// The extensions that have a native form.
    #[must_use]
    pub fn native(&self) -> &[&'static Descriptor] {
        &self.native
    }
}

impl Default for NameHasher {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Hasher for NameHasher {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
