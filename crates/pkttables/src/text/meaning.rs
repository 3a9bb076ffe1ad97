use super::line::Line;
use super::options::{Base, KNOWN, Known};
use crate::registry::Param;

/// What an option's name stands for.
pub(super) enum Meaning {
    Base(&'static Known),
    /// A parameter of the extension loaded at this place.
    Param(usize, &'static Param),
}

impl Line<'_, '_, '_> {
    /// What a name means: exactly, else as an abbreviation of one option only.
    pub(super) fn meaning(&self, name: &str) -> Option<Meaning> {
        if let Some(known) = Base::by_name(name) {
            return Some(Meaning::Base(known));
        }
        for (index, loaded) in self.parser.loaded.iter().enumerate().rev() {
            if let Some(param) = loaded.builder.descriptor().param(name, self.parser.family) {
                return Some(Meaning::Param(index, param));
            }
        }
        let mut candidates = self.abbreviated(name);
        let found = candidates.next()?.1;
        if candidates.all(|(_, other)| other.is_same(&found)) { Some(found) } else { None }
    }

    /// The options whose names begin with `name`, the newest extension's first.
    pub(super) fn abbreviated<'n>(
        &'n self,
        name: &'n str,
    ) -> impl Iterator<Item = (&'static str, Meaning)> + 'n {
        let family = self.parser.family;
        let base = KNOWN.iter().flat_map(move |known| {
            let names = known.names.iter().filter(move |long| long.starts_with(name));
            names.map(move |long| (*long, Meaning::Base(known)))
        });
        let loaded = self.parser.loaded.iter().enumerate().rev();
        let params = loaded.flat_map(move |(index, loaded)| {
            let params = loaded.builder.descriptor().params.iter();
            params.filter(move |param| param.families.has(family)).flat_map(move |param| {
                let names = std::iter::once(&param.name).chain(param.aliases);
                let names = names.filter(move |long| long.starts_with(name));
                names.map(move |long| (*long, Meaning::Param(index, param)))
            })
        });
        base.chain(params)
    }
}

impl Meaning {
    fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Base(one), Self::Base(other)) => one.option == other.option,
            // Of a match that is there twice, the newer one's is meant.
            (Self::Param(_, one), Self::Param(_, other)) => std::ptr::eq(*one, *other),
            _ => false,
        }
    }
}
