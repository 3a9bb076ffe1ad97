use super::{Source, check};
use crate::Result;
use crate::connect::Options;
use crate::failure::Failure;
use crate::restore::explain;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use pkttables::cache::Cache;
use pkttables::model::Ruleset;
use pkttables::plan::{self, Plan, PlanError, PlanText, Scope, Step};
use serde_json::{Map, Value, json};
use std::io::IsTerminal as _;
use std::process::ExitCode;
use std::time::Duration;

/// `iptables2 apply`
#[derive(Debug, Args)]
pub(super) struct Apply {
    #[command(flatten)]
    source: Source,
    /// Only show what would change
    #[arg(long)]
    dry_run: bool,
    /// Tell in JSON what changed
    #[arg(long)]
    json: bool,
}

/// `iptables2 diff`
#[derive(Debug, Args)]
pub(super) struct Diff {
    #[command(flatten)]
    source: Source,
    /// Tell in JSON what would change
    #[arg(long)]
    json: bool,
}

impl Apply {
    pub(super) fn run(&self, options: &Options) -> Result<ExitCode> {
        let ruleset = match check::read(&self.source)? {
            Ok(ruleset) => ruleset,
            Err(code) => return Ok(code),
        };
        let plans = bring(options, &ruleset, self.dry_run)?;
        if self.json {
            print_json(&plans);
        } else {
            if self.dry_run {
                print_changes(&plans);
            }
            print_summary(&plans);
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Diff {
    pub(super) fn run(&self, options: &Options) -> Result<ExitCode> {
        let ruleset = match check::read(&self.source)? {
            Ok(ruleset) => ruleset,
            Err(code) => return Ok(code),
        };
        let plans = bring(options, &ruleset, true)?;
        if self.json {
            print_json(&plans)
        } else {
            print_changes(&plans)
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

/// Plans what brings the kernel to the ruleset, and does it unless it is a dry run.
fn bring(options: &Options, ruleset: &Ruleset, dry_run: bool) -> Result<Vec<Plan>> {
    let mut kernel = options.open_for_reading()?;
    let progress = spinner("comparing with the kernel");
    let applied = plan::apply(&mut kernel, &mut Cache::new(), ruleset, &Scope::Table, |plans| {
        progress.set_message(format!(
            "making {} changes",
            plans.iter().map(|plan| plan.steps.len()).sum::<usize>()
        ));
        if dry_run { Err(Stop::DryRun(plans.to_vec())) } else { Ok(()) }
    });
    progress.finish_and_clear();
    match applied {
        Ok(plans) | Err(Stop::DryRun(plans)) => Ok(plans),
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
    let coloured = std::io::stdout().is_terminal();
    plans.iter().for_each(|plan| print!("{}", PlanText { plan, coloured }));
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
                Step::CreateTable => {}
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

fn print_summary(plans: &[Plan]) {
    let parts = Totals::new(plans).parts();
    let parts = parts.into_iter().filter(|(count, _)| *count > 0);
    let parts: Vec<String> = parts.map(|(count, what)| format!("{count} {what}")).collect();
    println!("{}", if parts.is_empty() { "nothing to change".into() } else { parts.join(", ") });
}

fn print_json(plans: &[Plan]) {
    let totals = Totals::new(plans).parts();
    let totals = totals.into_iter().map(|(count, what)| (what.replace(' ', "_"), Value::from(count)));
    let tables = plans.iter().map(|plan| {
        let text = PlanText { plan, coloured: false }.to_string();
        json!({ "table": plan.table.name(), "diff": text.lines().collect::<Vec<_>>() })
    });
    let mut answer: Map<String, Value> = totals.collect();
    answer.insert("tables".into(), tables.collect());
    println!("{:#}", Value::from(answer));
}
