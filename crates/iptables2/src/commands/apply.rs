use super::{Source, check, confirm, planned};
use crate::Result;
use crate::connect::Options;
use crate::failure::Failure;
use crate::restore::explain;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use pkttables::cache::Cache;
use pkttables::json;
use pkttables::model::Ruleset;
use pkttables::plan::{self, Plan, PlanError, PlanText, Scope, Step};
use serde_json::{Map, Value};
use std::process::ExitCode;
use std::time::Duration;

/// `iptables2 apply`
#[derive(Debug, Args)]
pub(super) struct Apply {
    #[command(flatten)]
    pub(super) source: Source,
    #[command(flatten)]
    pub(super) chains: Chains,
    /// Only show what would change
    #[arg(long)]
    dry_run: bool,
    /// Tell in JSON what changed
    #[arg(long)]
    json: bool,
    /// FILE is what `diff --json` has written: do this and nothing else, unless anything has changed since
    #[arg(long, conflicts_with_all = ["dry_run", "confirm", "names", "prefix", "family"])]
    plan: bool,
    /// Go back to what was there unless the change is confirmed in this time: with `y` on the terminal, or on
    /// standard input. The change goes back, too, if the terminal is lost or the program is killed
    #[arg(long, value_name = "SECONDS", conflicts_with = "dry_run",
        value_parser = clap::value_parser!(u64).range(1..=86400))]
    confirm: Option<u64>,
    /// Is the process that makes the change and goes back
    #[arg(long, hide = true, requires = "confirm")]
    keeper: bool,
}

/// `iptables2 diff`
#[derive(Debug, Args)]
pub(super) struct Diff {
    #[command(flatten)]
    source: Source,
    #[command(flatten)]
    chains: Chains,
    /// Tell in JSON what would change
    #[arg(long)]
    json: bool,
}

/// Which chains of the file's tables are meant.
#[derive(Debug, Args)]
pub(super) struct Chains {
    /// Only this chain; all others stay as they are. May be given more than once
    #[arg(long = "chain", value_name = "NAME", conflicts_with = "prefix")]
    names: Vec<Box<str>>,
    /// Only chains whose names begin so; all others stay as they are
    #[arg(long)]
    prefix: Option<Box<str>>,
}

impl Chains {
    pub(super) fn scope(&self) -> Scope {
        match &self.prefix {
            Some(prefix) => Scope::Prefix(prefix.clone()),
            None if self.names.is_empty() => Scope::Table,
            None => Scope::Chains(self.names.iter().cloned().collect()),
        }
    }
}

impl Apply {
    pub(super) fn run(&self, options: &Options) -> Result<ExitCode> {
        match self.confirm {
            Some(seconds) if self.keeper => confirm::keep(self, options, Duration::from_secs(seconds)),
            Some(seconds) => confirm::ask(&self.source, seconds),
            None if self.plan => {
                let plans = planned::apply(options, &self.source)?;
                print!("{}", self.report(&plans));
                Ok(ExitCode::SUCCESS)
            }
            None => self.run_at_once(options),
        }
    }

    fn run_at_once(&self, options: &Options) -> Result<ExitCode> {
        let ruleset = match check::read(&self.source)? {
            Ok(ruleset) => ruleset,
            Err(code) => return Ok(code),
        };
        let (plans, generation) = bring(options, &ruleset, &self.chains.scope(), self.dry_run)?;
        if self.dry_run && self.json {
            print!("{}", to_json(&plans, generation));
            return Ok(ExitCode::SUCCESS);
        }
        if self.dry_run {
            print_changes(&plans);
        }
        print!("{}", self.report(&plans));
        Ok(ExitCode::SUCCESS)
    }

    /// What was done, as it is printed.
    pub(super) fn report(&self, plans: &[Plan]) -> String {
        if self.json { to_json(plans, None) } else { summary(plans) }
    }
}

impl Diff {
    pub(super) fn run(&self, options: &Options) -> Result<ExitCode> {
        let ruleset = match check::read(&self.source)? {
            Ok(ruleset) => ruleset,
            Err(code) => return Ok(code),
        };
        let (plans, generation) = bring(options, &ruleset, &self.chains.scope(), true)?;
        if self.json {
            print!("{}", to_json(&plans, generation));
        } else {
            print_changes(&plans);
        }
        Ok(if plans.iter().all(Plan::is_empty) { ExitCode::SUCCESS } else { ExitCode::from(1) })
    }
}

/// Why nothing is sent.
enum Stop {
    /// Nothing is to be.
    DryRun(Vec<Plan>),
    Failed(PlanError),
}

impl From<PlanError> for Stop {
    fn from(error: PlanError) -> Self {
        Self::Failed(error)
    }
}

/// Plans what brings the kernel to the ruleset, and does it unless it is a dry run; and the generation that the kernel's
/// ruleset has then.
fn bring(
    options: &Options,
    ruleset: &Ruleset,
    scope: &Scope,
    dry_run: bool,
) -> Result<(Vec<Plan>, Option<u32>)> {
    let mut kernel = options.open_for_reading()?;
    let progress = spinner("comparing with the kernel");
    let mut cache = Cache::new();
    let applied = plan::apply(&mut kernel, &mut cache, ruleset, scope, |plans| {
        progress.set_message(format!(
            "making {} changes",
            plans.iter().map(|plan| plan.steps.len()).sum::<usize>()
        ));
        if dry_run { Err(Stop::DryRun(plans.to_vec())) } else { Ok(()) }
    });
    progress.finish_and_clear();
    match applied {
        Ok(plans) | Err(Stop::DryRun(plans)) => Ok((plans, cache.generation())),
        Err(Stop::Failed(PlanError::Kernel(error))) => {
            Err(explain(&mut kernel, error.into(), |_| String::new()))
        }
        Err(Stop::Failed(error)) => Err(Failure::Other(1, error.to_string())),
    }
}

/// Shown on a terminal only.
fn spinner(message: &'static str) -> ProgressBar {
    let style = ProgressStyle::with_template("{spinner} {msg} ({elapsed})");
    let bar = ProgressBar::new_spinner().with_message(message);
    let bar = style.map(|style| bar.clone().with_style(style)).unwrap_or(bar);
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}

fn print_changes(plans: &[Plan]) {
    plans.iter().for_each(|plan| anstream::print!("{}", PlanText { plan, coloured: true }));
}

/// What plans come to.
#[derive(Debug, Default)]
struct Totals {
    added: usize,
    replaced: usize,
    deleted: usize,
    chains_made: usize,
    chains_deleted: usize,
    chains_renamed: usize,
    policies: usize,
}

impl Totals {
    fn new(plans: &[Plan]) -> Self {
        let mut totals = Self::default();
        for step in plans.iter().flat_map(|plan| &plan.steps) {
            match step {
                Step::CreateTable | Step::DeleteTable => {}
                Step::SetPolicy { .. } => totals.policies += 1,
                Step::CreateChain(_) => totals.chains_made += 1,
                Step::Insert { .. } => totals.added += 1,
                Step::Replace { .. } => totals.replaced += 1,
                Step::Delete { .. } => totals.deleted += 1,
                Step::Flush { old, .. } => totals.deleted += old.len(),
                Step::DeleteChain { .. } => totals.chains_deleted += 1,
                Step::RenameChain { .. } => totals.chains_renamed += 1,
            }
        }
        totals
    }

    /// Each number and what it counts.
    const fn parts(&self) -> [(usize, &'static str); 7] {
        [
            (self.added, "rules added"),
            (self.replaced, "rules replaced"),
            (self.deleted, "rules deleted"),
            (self.chains_made, "chains made"),
            (self.chains_deleted, "chains deleted"),
            (self.chains_renamed, "chains renamed"),
            (self.policies, "policies set"),
        ]
    }
}

fn summary(plans: &[Plan]) -> String {
    let parts = Totals::new(plans).parts();
    let parts = parts.into_iter().filter(|(count, _)| *count > 0);
    let parts: Vec<String> = parts.map(|(count, what)| counted(count, what)).collect();
    if parts.is_empty() { "nothing to change\n".into() } else { parts.join(", ") + "\n" }
}

/// `1 policy set` of `policies set`.
fn counted(count: usize, what: &str) -> String {
    match what.split_once(' ') {
        Some((things, done)) if count == 1 => {
            let thing = things.strip_suffix("ies").map(|stem| format!("{stem}y"));
            let thing = thing.as_deref().or_else(|| things.strip_suffix('s')).unwrap_or(things);
            format!("1 {thing} {done}")
        }
        _ => format!("{count} {what}"),
    }
}

/// The generation that the plans are for is only told of those that are yet to be carried out.
fn to_json(plans: &[Plan], generation: Option<u32>) -> String {
    let totals = Totals::new(plans).parts();
    let totals = totals.into_iter().map(|(count, what)| (what.replace(' ', "_"), Value::from(count)));
    let tables = plans.iter().map(|plan| {
        let mut table = json::plan(plan);
        let text = PlanText { plan, coloured: false }.to_string();
        if let Some(members) = table.as_object_mut() {
            members.insert("diff".into(), text.lines().collect());
        }
        table
    });
    let mut answer: Map<String, Value> = totals.collect();
    answer.insert("tables".into(), tables.collect());
    answer.extend(generation.map(|generation| ("generation".into(), generation.into())));
    format!("{:#}\n", Value::from(answer))
}
