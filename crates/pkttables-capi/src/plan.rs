//! Plans: what would change, looked at before it does.

use crate::error::{pktt_error, pktt_status};
use crate::failure::{Failure, given};
use crate::ffi::{Strings, Text, Words, give};
use crate::guard::{get, handle, status, value_or};
use crate::kernel::pktt_kernel;
use crate::names::{PolicyNumber, TableNumber, pktt_policy, pktt_table};
use crate::ruleset::pktt_ruleset;
use pkttables::cache::{Cache, CachedRule};
use pkttables::kernel::{KernelError, RefusedOperation};
use pkttables::model::{Family, Ruleset};
use pkttables::nft::RuleBody;
use pkttables::plan::{Plan, PlanError, PlanText, Scope, Step, apply, commit};
use pkttables::text::save::{CounterStyle, write_append};
use std::ffi::c_char;
use std::ptr;

/// The steps that make a kernel's tables what a ruleset says, in an order that the kernel accepts.
#[derive(Debug)]
pub struct pktt_plan {
    plans: Vec<Plan>,
    /// What the kernel had when it was planned.
    generation: u32,
    steps: Vec<pktt_step>,
    _strings: Strings,
}

/// What a step does.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum pktt_step_kind {
    /// The table is made.
    PKTT_STEP_CREATE_TABLE = 1,
    /// A built-in chain is made, or gets another policy.
    PKTT_STEP_SET_POLICY = 2,
    /// A chain is made.
    PKTT_STEP_CREATE_CHAIN = 3,
    /// A rule is added.
    PKTT_STEP_INSERT_RULE = 4,
    /// A rule comes into the place of another one.
    PKTT_STEP_REPLACE_RULE = 5,
    /// A rule is deleted.
    PKTT_STEP_DELETE_RULE = 6,
    /// All rules of a chain are deleted.
    PKTT_STEP_FLUSH_CHAIN = 7,
    /// A chain without rules is deleted.
    PKTT_STEP_DELETE_CHAIN = 8,
    /// A chain gets another name.
    PKTT_STEP_RENAME_CHAIN = 9,
    /// The table is deleted with all that is in it.
    PKTT_STEP_DELETE_TABLE = 10,
}

/// A step of a plan. What does not apply is NULL or 0.
#[repr(C)]
#[derive(Debug)]
pub struct pktt_step {
    /// What it does.
    pub kind: pktt_step_kind,
    /// The table.
    pub table: TableNumber,
    /// The chain, by its name before the plan.
    pub chain: *const c_char,
    /// The name that the chain gets.
    pub new_name: *const c_char,
    /// The policy so far; 0 if the chain is made.
    pub old_policy: PolicyNumber,
    /// The policy that the chain gets.
    pub new_policy: PolicyNumber,
    /// The kernel's number of the rule that goes, of the rule before which one is put, or of the chain.
    pub handle: u64,
    /// The rule that goes, as it is saved.
    pub old_rule: *const c_char,
    /// The rule that comes, as it is saved.
    pub new_rule: *const c_char,
    /// How many rules go.
    pub rule_count: usize,
}

impl pktt_plan {
    fn new(plans: Vec<Plan>, generation: u32) -> Self {
        let mut strings = Strings::default();
        let mut steps = Vec::new();
        for plan in &plans {
            steps.extend(plan.steps.iter().map(|step| lend(plan, step, &mut strings)));
        }
        Self { plans, generation, steps, _strings: strings }
    }
}

fn lend(plan: &Plan, step: &Step, strings: &mut Strings) -> pktt_step {
    use pktt_step_kind::*;
    let mut lent = pktt_step {
        kind: PKTT_STEP_CREATE_TABLE,
        table: pktt_table::from(plan.table) as u32,
        chain: if step.chain().is_empty() { ptr::null() } else { strings.keep(step.chain()) },
        new_name: ptr::null(),
        old_policy: 0,
        new_policy: 0,
        handle: 0,
        old_rule: ptr::null(),
        new_rule: ptr::null(),
        rule_count: 0,
    };
    let mut saved = |rule| strings.keep(&rule_text(plan.family, step.chain(), rule));
    match step {
        Step::CreateTable => {}
        Step::DeleteTable => lent.kind = PKTT_STEP_DELETE_TABLE,
        Step::SetPolicy { old, new, .. } => {
            lent.kind = PKTT_STEP_SET_POLICY;
            lent.old_policy = old.map_or(0, |policy| pktt_policy::from(policy) as u32);
            lent.new_policy = pktt_policy::from(*new) as u32;
        }
        Step::CreateChain(_) => lent.kind = PKTT_STEP_CREATE_CHAIN,
        Step::Insert { before, rule, .. } => {
            lent.kind = PKTT_STEP_INSERT_RULE;
            lent.handle = before.unwrap_or_default();
            lent.new_rule = saved(&RuleBody::Known(rule.clone()));
        }
        Step::Replace { old, rule, .. } => {
            lent.kind = PKTT_STEP_REPLACE_RULE;
            (lent.handle, lent.old_rule, lent.rule_count) = (handle_of(old), saved(old.body()), 1);
            lent.new_rule = saved(&RuleBody::Known(rule.clone()));
        }
        Step::Delete { old, .. } => {
            lent.kind = PKTT_STEP_DELETE_RULE;
            (lent.handle, lent.old_rule, lent.rule_count) = (handle_of(old), saved(old.body()), 1);
        }
        Step::Flush { old, .. } => {
            lent.kind = PKTT_STEP_FLUSH_CHAIN;
            lent.rule_count = old.len();
        }
        Step::DeleteChain { handle, .. } => {
            lent.kind = PKTT_STEP_DELETE_CHAIN;
            lent.handle = *handle;
        }
        Step::RenameChain { new, handle, .. } => {
            lent.kind = PKTT_STEP_RENAME_CHAIN;
            lent.handle = *handle;
            lent.new_name = strings.keep(new);
        }
    }
    lent
}

fn handle_of(rule: &CachedRule) -> u64 {
    rule.handle().unwrap_or_default()
}

fn rule_text(family: Family, chain: &str, body: &RuleBody) -> String {
    let mut text = String::new();
    match body {
        RuleBody::Known(rule) => write_append(&mut text, family, chain, rule, CounterStyle::Hidden),
        RuleBody::Foreign(foreign) => text = foreign.to_string(),
    }
    text
}

/// Which chains of each table a plan may touch: those of some names, or those whose names begin in some way. One of both
/// is given, the other one is left empty: set all to zero first.
#[repr(C)]
#[derive(Debug)]
pub struct pktt_scope<'a> {
    /// The names; NULL if a prefix is given. A chain that is named and that the ruleset does not have is deleted.
    pub chains: Words<'a>,
    /// How many names.
    pub chain_count: usize,
    /// How the names begin; NULL if names are given.
    pub prefix: Text<'a>,
}

/// Which chains may be touched.
fn scope_of(scope: Option<&pktt_scope<'_>>) -> Result<Scope, Failure> {
    let Some(scope) = scope else { return Ok(Scope::Table) };
    let names = scope.chains.get(scope.chain_count, "chains of the scope")?;
    match scope.prefix.optional("prefix of the scope")? {
        None => Ok(Scope::Chains(names.into_iter().map(Into::into).collect())),
        Some(prefix) if names.is_empty() => Ok(Scope::Prefix(prefix.into())),
        Some(_) => Err(Failure::argument("a scope has either names or a prefix")),
    }
}

/// Why nothing is sent.
enum Stop {
    Planned(Vec<Plan>),
    Failed(PlanError),
}

impl From<PlanError> for Stop {
    fn from(error: PlanError) -> Self {
        Self::Failed(error)
    }
}

fn plan(kernel: &mut pktt_kernel, wanted: &Ruleset, scope: &Scope) -> Result<pktt_plan, Failure> {
    let mut cache = Cache::new();
    let stop = |plans: &[Plan]| Err::<(), _>(Stop::Planned(plans.to_vec()));
    let plans = match apply(&mut kernel.kernel, &mut cache, wanted, scope, stop) {
        Ok(plans) | Err(Stop::Planned(plans)) => plans,
        Err(Stop::Failed(error)) => return Err(error.into()),
    };
    Ok(pktt_plan::new(plans, cache.generation().unwrap_or_default()))
}

/// The failure of a commit, in which the steps of all tables are counted through instead of those of each.
fn counted_through(mut error: KernelError, plans: &[Plan]) -> Failure {
    if let KernelError::Refused(refused) = &mut error {
        for RefusedOperation { tag, subject, .. } in &mut refused.failures {
            let table = subject.as_ref().and_then(|subject| subject.table);
            let before = plans.iter().take_while(|plan| table.is_some_and(|table| plan.table != table));
            let steps = before.map(|plan| plan.steps.len()).sum::<usize>();
            *tag = tag.map(|tag| tag.saturating_add(u32::try_from(steps).unwrap_or(u32::MAX)));
        }
    }
    error.into()
}

/// Plans the least change that makes the kernel's tables what a ruleset says. Tables that the ruleset does not have
/// stay as they are, and so does what other programs made. If `scope` is not NULL, only chains that it has are looked at
/// and touched. Nothing is changed.
///
/// To be freed with pktt_plan_free. NULL with PKTT_ERROR_NOT_FOUND if a rule calls a chain that does not exist,
/// PKTT_ERROR_EXISTS if a chain is in the way that another program made as an iptables does not, PKTT_ERROR_LOOP if
/// chains call each other in a circle, or another error if the kernel cannot be read.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_kernel_plan(
    kernel: Option<&mut pktt_kernel>,
    ruleset: Option<&pktt_ruleset>,
    scope: Option<&pktt_scope<'_>>,
    error: Option<&mut pktt_error>,
) -> Option<Box<pktt_plan>> {
    handle(error, || {
        let kernel = given(kernel, "kernel")?;
        plan(kernel, &given(ruleset, "ruleset")?.model(), &scope_of(scope)?)
    })
}

/// Does what a plan says, all of it or, with an error, nothing.
///
/// PKTT_ERROR_CHANGED if the ruleset was changed since it was planned; PKTT_ERROR_REFUSED if the kernel refuses a
/// step, of which `operation` in the problem is the number, from 1: one more than the index of pktt_plan_step_at.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_kernel_commit_plan(
    kernel: Option<&mut pktt_kernel>,
    plan: Option<&pktt_plan>,
    error: Option<&mut pktt_error>,
) -> pktt_status {
    status(error, || {
        let kernel = &mut given(kernel, "kernel")?.kernel;
        let plan = given(plan, "plan")?;
        commit(kernel, &plan.plans, plan.generation).map_err(|error| counted_through(error, &plan.plans))
    })
}

/// Plans as pktt_kernel_plan does and commits the plan, again if somebody else's change comes between.
///
/// Errors are those of both; nothing is changed then.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_kernel_apply(
    kernel: Option<&mut pktt_kernel>,
    ruleset: Option<&pktt_ruleset>,
    scope: Option<&pktt_scope<'_>>,
    error: Option<&mut pktt_error>,
) -> pktt_status {
    status(error, || {
        let kernel = &mut given(kernel, "kernel")?.kernel;
        let wanted = given(ruleset, "ruleset")?.model();
        let mut planned = Vec::new();
        let done = apply(kernel, &mut Cache::new(), &wanted, &scope_of(scope)?, |plans| {
            planned = plans.to_vec();
            Ok::<_, PlanError>(())
        });
        match done {
            Err(PlanError::Kernel(error)) => Err(counted_through(error, &planned)),
            done => done.map(drop).map_err(Failure::from),
        }
    })
}

/// Frees a plan; NULL is nothing to free.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_plan_free(plan: Option<Box<pktt_plan>>) {
    drop(plan);
}

/// How many steps a plan has; 0 if the tables are what they shall be, or for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_plan_step_count(plan: Option<&pktt_plan>) -> usize {
    plan.map_or(0, |plan| plan.steps.len())
}

/// One of the steps, counted from 0; NULL if there are not so many. Lives, with all that it points to, as long as the
/// plan.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_plan_step_at(plan: Option<&pktt_plan>, index: usize) -> Option<&pktt_step> {
    get(None, || plan?.steps.get(index))
}

/// The plan like a diff of the saved tables: what goes begins with `-`, what comes with `+`, and each chain with its
/// name between `@@`; empty if there is nothing to do. `coloured` is for terminals.
///
/// To be freed with pktt_string_free. NULL, with PKTT_ERROR_ARGUMENT, for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_plan_text(
    plan: Option<&pktt_plan>,
    coloured: bool,
    error: Option<&mut pktt_error>,
) -> *mut c_char {
    value_or(error, ptr::null_mut(), || {
        let plans = given(plan, "plan")?.plans.iter();
        let text: String = plans.map(|plan| PlanText { plan, coloured }.to_string()).collect();
        Ok(give(&text))
    })
}
