use super::error::PlanError;
use super::pairing::Pairing;
use super::step::Step;
use crate::cache::{CachedRule, CachedTable, callee};
use crate::model::{Rule, TableName};
use std::borrow::Cow;
use std::collections::HashSet;

/// What a plan changes in who calls whom, and in what chains there are to be called.
#[derive(Debug, Default)]
pub(super) struct Changes<'p> {
    gone: Vec<Call<'p>>,
    come: Vec<Call<'p>>,
    made: HashSet<&'p str>,
    deleted: HashSet<Cow<'p, str>>,
}

/// A chain with a rule that calls a chain.
pub(crate) type Call<'p> = (Cow<'p, str>, Cow<'p, str>);

impl<'p> Changes<'p> {
    /// Those of steps by which no chain gets another name.
    pub(super) fn of_steps(steps: &'p [Step]) -> Self {
        let mut changes = Self::default();
        for step in steps {
            match step {
                Step::SetPolicy { hook, old: None, .. } => drop(changes.made.insert(hook.chain())),
                Step::CreateChain(chain) => drop(changes.made.insert(chain)),
                Step::DeleteChain { chain, .. } => drop(changes.deleted.insert(Cow::from(&**chain))),
                Step::Insert { chain, rule, .. } => changes.come.extend(call(chain, rule)),
                Step::Replace { chain, old, rule } => {
                    changes.gone.extend(old.known().and_then(|old| call(chain, old)));
                    changes.come.extend(call(chain, rule));
                }
                Step::Delete { chain, old } => {
                    changes.gone.extend(old.known().and_then(|old| call(chain, old)));
                }
                Step::Flush { chain, old } => {
                    let known = old.iter().filter_map(CachedRule::known);
                    changes.gone.extend(known.filter_map(|old| call(chain, old)));
                }
                _ => {}
            }
        }
        changes
    }

    /// Those that all chains make that are not known to be as wanted.
    pub(super) fn of_chains(pairing: &Pairing<'p>, current: &CachedTable) -> Self {
        let mut changes = Self::default();
        let at = |place: usize| current.all().get(place);
        let replaced = pairing.compared.iter().filter_map(|(_, place)| *place);
        for chain in replaced.chain(pairing.surplus.iter().copied()).filter_map(at) {
            let caller = || Cow::from(String::from(&*chain.entry.name));
            changes.gone.extend(chain.callees().map(|callee| (caller(), Cow::from(callee.to_owned()))));
        }
        for (chain, place) in &pairing.compared {
            changes.come.extend(chain.rules.iter().filter_map(|rule| call(&chain.name, rule)));
            if place.is_none() {
                changes.made.insert(&chain.name);
            }
        }
        let surplus = pairing.surplus.iter().copied().filter_map(at);
        changes.deleted.extend(surplus.map(|chain| Cow::from(String::from(&*chain.entry.name))));
        changes
    }

    /// Finds calls of what is not going to be there, and calls that the kernel refuses.
    pub(super) fn check(&self, current: &mut CachedTable, table: TableName) -> Result<(), PlanError> {
        let comes = |name: &str| {
            self.made.contains(name) || current.place(name).is_some() && !self.deleted.contains(name)
        };
        if let Some((chain, callee)) = self.come.iter().find(|(_, callee)| !comes(callee)) {
            return Err(no_target(chain, callee));
        }
        self.made
            .iter()
            .filter(|chain| table.hook(chain).is_some())
            .for_each(|chain| current.add_base(chain));
        current.with_calls(&self.gone, &self.come, |calls| {
            let called = self.deleted.iter().find_map(|callee| Some((callee, calls.caller(callee)?)));
            match called {
                Some((callee, caller)) => Err(no_target(caller, callee)),
                None => Ok(calls.check()?),
            }
        })
    }
}

fn call<'p>(chain: &'p str, rule: &'p Rule) -> Option<Call<'p>> {
    Some((chain.into(), callee(rule)?.into()))
}

fn no_target(chain: &str, callee: &str) -> PlanError {
    PlanError::NoTarget { chain: chain.into(), callee: callee.into() }
}
