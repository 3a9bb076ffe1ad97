use super::compare::plan;
use super::error::PlanError;
use super::scope::Scope;
use super::step::{Plan, Step};
use crate::cache::Cache;
use crate::kernel::{Kernel, KernelError};
use crate::model::Ruleset;
use nfnetlink::Transport;

/// Makes the tables of `wanted`, as far as they are in `scope`, what they shall be, all at once; tables that
/// `wanted` does not have stay. `approve` sees the plans before anything is sent, and can refuse.
///
/// What `cache` holds is not read again if nobody has changed anything since.
pub fn apply<T: Transport, E: From<PlanError>>(
    kernel: &mut Kernel<T>,
    cache: &mut Cache,
    wanted: &Ruleset,
    scope: &Scope,
    mut approve: impl FnMut(&[Plan]) -> Result<(), E>,
) -> Result<Vec<Plan>, E> {
    let planned = kernel.update_to(|snapshot, transaction| {
        let mut plans = Vec::new();
        for table in &wanted.tables {
            let in_scope = |chain: &str| scope.has(chain);
            let current = cache.table_where(snapshot, wanted.family, table.name, in_scope)?;
            plans.push(plan(wanted.family, current, table, scope).map_err(Failed::Plan)?);
        }
        approve(&plans).map_err(Failed::Approval)?;
        for plan in &plans {
            plan.write(transaction, snapshot.kernel())?;
        }
        Ok(plans)
    });
    let (plans, generation) = planned.map_err(|failed| match failed {
        Failed::Plan(error) => error.into(),
        Failed::Approval(error) => error,
    })?;
    if let Some(generation) = generation {
        note(cache, &plans, generation);
    }
    Ok(plans)
}

enum Failed<E> {
    Plan(PlanError),
    Approval(E),
}

impl<E> From<KernelError> for Failed<E> {
    fn from(error: KernelError) -> Self {
        Self::Plan(error.into())
    }
}

/// Has the cache forget what the plans have changed, and no more.
fn note(cache: &mut Cache, plans: &[Plan], generation: u32) {
    for Plan { family, table, steps } in plans {
        for step in steps {
            match step {
                Step::CreateTable => {}
                Step::SetPolicy { .. } | Step::CreateChain(_) | Step::DeleteChain { .. } => {
                    cache.forget_chains(*family, *table);
                }
                Step::Insert { chain, .. }
                | Step::Replace { chain, .. }
                | Step::Delete { chain, .. }
                | Step::Flush { chain, .. } => cache.forget_rules(*family, *table, chain),
                Step::RenameChain { .. } => cache.forget(*family, *table),
            }
        }
    }
    cache.advance(generation);
}
