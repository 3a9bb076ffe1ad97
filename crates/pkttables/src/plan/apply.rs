use super::compare::plan;
use super::error::PlanError;
use super::scope::Scope;
use super::step::{Plan, Step};
use crate::cache::{Cache, CachedTable};
use crate::kernel::{Kernel, KernelError, Snapshot, Transaction};
use crate::model::{Family, Ruleset, TableName};
use nfnetlink::Transport;

/// Makes the tables of `wanted`, as far as they are in `scope`, what they shall be, all at once; tables that
/// `wanted` does not have stay. `approve` sees the plans before anything is sent, and can refuse.
///
/// What `cache` holds is not read again if nobody has changed anything since.
///
/// ```
/// use pkttables::cache::Cache;
/// use pkttables::kernel::Kernel;
/// use pkttables::model::Family;
/// use pkttables::plan::{Plan, PlanError, Scope, apply};
/// use pkttables::registry::Registry;
/// use pkttables::text::{Parser, ReadOptions, Reader, read_ruleset};
///
/// # fn example<T: nfnetlink::Transport>(kernel: &mut Kernel<T>) -> Result<(), Box<dyn std::error::Error>> {
/// let file = "*filter\n:web- - [0:0]\n:web-in - [0:0]\n-A web-in -p tcp --dport 80 -j ACCEPT\nCOMMIT\n";
/// let parser = Parser::new(Family::Ipv4, Registry::builtin());
/// let wanted = read_ruleset(&mut Reader::new(file.as_bytes(), parser, ReadOptions::default()))
///     .map_err(|errors| format!("{errors:?}"))?;
/// let (mut cache, own) = (Cache::new(), Scope::Prefix("web-".into()));
/// apply(kernel, &mut cache, &wanted, &own, |_| Ok::<_, PlanError>(()))?;
/// let again = apply(kernel, &mut cache, &wanted, &own, |_| Ok::<_, PlanError>(()))?;
/// assert!(again.iter().all(Plan::is_empty));
/// # Ok(())
/// # }
/// # let embedded = pkttables_embedded::EmbeddedKernel::new();
/// # example(&mut Kernel::new(embedded.connect())).unwrap();
/// ```
pub fn apply<T: Transport, E: From<PlanError>>(
    kernel: &mut Kernel<T>,
    cache: &mut Cache,
    wanted: &Ruleset,
    scope: &Scope,
    approve: impl FnMut(&[Plan]) -> Result<(), E>,
) -> Result<Vec<Plan>, E> {
    let to_plan =
        |current: &mut CachedTable, place: usize, _: &mut Snapshot<'_, T>| match wanted.tables.get(place) {
            Some(table) => plan(wanted.family, current, table, scope),
            None => Ok(Plan::nothing(wanted.family, TableName::Filter)),
        };
    let tables: Vec<TableName> = wanted.tables.iter().map(|table| table.name).collect();
    let planned = plan_and_commit(kernel, cache, (wanted.family, &tables), scope, to_plan, approve);
    planned.map(|(plans, _)| plans)
}

/// Carries out plans that were made when the ruleset was of the given generation, all of them or, with an error, nothing.
///
/// [`KernelError::Changed`] if somebody has changed anything since. The tags of what is refused count the steps of their
/// plan from 1.
pub fn commit<T: Transport>(
    kernel: &mut Kernel<T>,
    plans: &[Plan],
    generation: u32,
) -> Result<(), KernelError> {
    let mut transaction = Transaction::at(generation);
    for plan in plans {
        plan.write(&mut transaction, kernel)?;
    }
    if transaction.is_empty() {
        return Ok(());
    }
    kernel.commit(transaction).map(drop)
}

/// Has `to_plan` plan for each of the tables, and carries that out all at once. Gives the plans and the generation
/// that the ruleset is of then, if the kernel tells.
pub(super) fn plan_and_commit<T: Transport, E: From<PlanError>>(
    kernel: &mut Kernel<T>,
    cache: &mut Cache,
    (family, tables): (Family, &[TableName]),
    scope: &Scope,
    mut to_plan: impl FnMut(&mut CachedTable, usize, &mut Snapshot<'_, T>) -> Result<Plan, PlanError>,
    mut approve: impl FnMut(&[Plan]) -> Result<(), E>,
) -> Result<(Vec<Plan>, Option<u32>), E> {
    let planned = kernel.update_to(|snapshot, transaction| {
        let mut plans = Vec::new();
        for (place, &table) in tables.iter().enumerate() {
            let current = cache.table_where(snapshot, family, table, |chain| scope.has(chain))?;
            plans.push(to_plan(current, place, snapshot).map_err(Failed::Plan)?);
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
    Ok((plans, generation))
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
                Step::RenameChain { .. } | Step::DeleteTable => cache.forget(*family, *table),
            }
        }
    }
    cache.advance(generation);
}
