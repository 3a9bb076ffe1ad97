//! Going back behind a change, without going back behind what others have changed since.

use super::apply::plan_and_commit;
use super::compare::plan;
use super::error::PlanError;
use super::merge::merge;
use super::scope::Scope;
use super::step::{Plan, Step};
use crate::cache::{Cache, CachedTable, Differences};
use crate::kernel::{ChainKind, Kernel, Snapshot};
use crate::model::{Chain, Family, Ruleset, Table, TableName};
use nfnetlink::Transport;
use std::sync::Arc;

/// What the tables were before [`apply_undoable`] changed them.
#[derive(Clone, Debug)]
pub struct Undo {
    family: Family,
    scope: Scope,
    tables: Vec<Changed>,
    /// The generation that the change made.
    generation: Option<u32>,
}

/// A table before and after the change; chains out of scope are left out.
#[derive(Clone, Debug)]
struct Changed {
    before: Table,
    after: Table,
    /// Whether the change has made the table.
    made: bool,
}

/// What came of going back.
#[derive(Clone, Debug, PartialEq)]
pub struct Undone {
    /// What was done.
    pub plans: Vec<Plan>,
    /// What others had changed meanwhile in the chains that the change was about; it was kept.
    pub kept: Vec<Differences>,
}

/// Like [`apply`](super::apply), and gives what is needed to go back.
pub fn apply_undoable<T: Transport, E: From<PlanError>>(
    kernel: &mut Kernel<T>,
    cache: &mut Cache,
    wanted: &Ruleset,
    scope: &Scope,
    approve: impl FnMut(&[Plan]) -> Result<(), E>,
) -> Result<(Vec<Plan>, Undo), E> {
    let family = wanted.family;
    let names: Vec<TableName> = wanted.tables.iter().map(|table| table.name).collect();
    let mut tables: Vec<Option<Changed>> = vec![None; names.len()];
    let to_plan = |current: &mut CachedTable, place: usize, snapshot: &mut Snapshot<'_, T>| {
        let Some(after) = wanted.tables.get(place) else {
            return Ok(Plan::nothing(family, TableName::Filter));
        };
        let made = current.all().is_empty() && !snapshot.tables(family)?.contains(&after.name);
        if let Some(changed) = tables.get_mut(place) {
            let chains = after.chains.iter().filter(|chain| scope.has(&chain.name)).cloned().collect();
            let after = Table { name: after.name, chains };
            *changed = Some(Changed { before: readable(current, after.name, scope), after, made });
        }
        plan(family, current, after, scope)
    };
    let (plans, generation) = plan_and_commit(kernel, cache, (family, &names), scope, to_plan, approve)?;
    let changed = tables.into_iter().zip(&plans).filter(|(_, plan)| !plan.is_empty());
    let tables = changed.filter_map(|(changed, _)| changed).collect();
    Ok((plans, Undo { family, scope: scope.clone(), tables, generation }))
}

impl Undo {
    /// Whether there is nothing to go back behind.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.tables.is_empty()
    }

    /// Makes the tables what they were before the change, all at once. Rules come back with what they had counted.
    ///
    /// What others have changed since stays, even between the rules that the change was about. A table that the change
    /// has made goes only if nobody has changed anything since.
    pub fn run<T: Transport>(&self, kernel: &mut Kernel<T>) -> Result<Undone, PlanError> {
        let names: Vec<TableName> = self.tables.iter().map(|changed| changed.before.name).collect();
        let mut kept = vec![None; names.len()];
        let to_plan = |current: &mut CachedTable, place: usize, snapshot: &mut Snapshot<'_, T>| {
            let Some(changed) = self.tables.get(place) else {
                return Ok(Plan::nothing(self.family, TableName::Filter));
            };
            let now = readable(current, changed.before.name, &self.scope);
            let (wanted, differences) = merge(self.family, &changed.before, &changed.after, &now);
            if let Some(kept) = kept.get_mut(place) {
                *kept = Some(differences);
            }
            let mut plan = plan(self.family, current, &wanted, &self.scope)?;
            let unchanged = self.generation == Some(snapshot.generation());
            if changed.made && unchanged && wanted.chains.is_empty() {
                plan.steps.push(Step::DeleteTable);
            }
            Ok(plan)
        };
        let mut cache = Cache::new();
        let place = (self.family, &*names);
        let approve = |_: &[Plan]| Ok::<_, PlanError>(());
        let (plans, _) = plan_and_commit(kernel, &mut cache, place, &self.scope, to_plan, approve)?;
        let kept = kept.into_iter().flatten().filter(|kept: &Differences| !kept.is_empty()).collect();
        Ok(Undone { plans, kept })
    }
}

/// What an iptables sees of a table.
fn readable(current: &CachedTable, name: TableName, scope: &Scope) -> Table {
    let chains = current.all().iter().filter(|chain| scope.has(&chain.entry.name));
    let chains = chains.filter(|chain| !chain.entry.is_foreign()).map(|chain| {
        let (policy, counters) = match chain.entry.kind {
            ChainKind::Builtin { policy, counters, .. } => (Some(policy), counters),
            _ => (None, None),
        };
        let rules = chain.rules().into_iter().flat_map(|rules| rules.iter());
        let rules = rules.filter_map(|rule| rule.known().cloned()).collect();
        Arc::new(Chain { name: chain.entry.name.clone(), policy, counters, rules })
    });
    Table { name, chains: chains.collect() }
}
