use super::error::PlanError;
use crate::cache::{CachedTable, callee};
use crate::model::{Chain, TableName};
use std::collections::HashSet;

/// The chains that a plan touches: what calls they have, and what calls of them there may not be.
#[derive(Debug, Default)]
pub(super) struct Changes<'w> {
    /// The places of the chains whose rules change or go.
    old: Vec<usize>,
    /// What comes, in part in their place.
    new: Vec<&'w Chain>,
    /// The names of those that are made.
    made: HashSet<&'w str>,
    /// The places of those that go.
    gone: HashSet<usize>,
}

impl<'w> Changes<'w> {
    /// Notes a chain that comes into the place of another one, or is made.
    pub(super) fn replace(&mut self, place: Option<usize>, chain: &'w Chain) {
        match place {
            Some(place) => self.old.push(place),
            None => drop(self.made.insert(&chain.name)),
        }
        self.new.push(chain);
    }

    /// Notes a chain that goes.
    pub(super) fn remove(&mut self, place: usize) {
        self.old.push(place);
        self.gone.insert(place);
    }

    /// Finds calls of what is not going to be there, and calls that the kernel refuses.
    pub(super) fn check(&self, current: &mut CachedTable, table: TableName) -> Result<(), PlanError> {
        let comes = |name: &str| {
            self.made.contains(name) || current.place(name).is_some_and(|place| !self.gone.contains(&place))
        };
        for chain in &self.new {
            if let Some(callee) = chain.rules.iter().filter_map(callee).find(|callee| !comes(callee)) {
                return Err(no_target(&chain.name, callee));
            }
        }
        let gone = self.gone.iter().filter_map(|&place| current.all().get(place));
        let gone: Vec<Box<str>> = gone.map(|chain| chain.entry.name.clone()).collect();
        for chain in self.new.iter().filter(|chain| table.hook(&chain.name).is_some()) {
            current.add_base(&chain.name);
        }
        current.with_calls(&self.old, &self.new, |calls| {
            let called = gone.iter().find_map(|callee| Some((callee, calls.caller(callee)?)));
            match called {
                Some((callee, caller)) => Err(no_target(caller, callee)),
                None => Ok(calls.check()?),
            }
        })
    }
}

fn no_target(chain: &str, callee: &str) -> PlanError {
    PlanError::NoTarget { chain: chain.into(), callee: callee.into() }
}
