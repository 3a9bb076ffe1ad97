use super::{Source, check};
use crate::Result;
use crate::connect::Options;
use crate::plan::{Change, Plan};
use crate::restore::explain;
use anstyle::{AnsiColor, Style};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use pkttables::edit::EditError;
use pkttables::kernel::Transaction;
use pkttables::model::Ruleset;
use serde_json::json;
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
        let plan = bring(options, &ruleset, self.dry_run)?;
        if self.json {
            print_json(&plan);
        } else {
            if self.dry_run {
                print_changes(&plan);
            }
            print_summary(&plan, if self.dry_run { "would be" } else { "were" });
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
        let plan = bring(options, &ruleset, true)?;
        if self.json {
            print_json(&plan)
        } else {
            print_changes(&plan)
        }
        Ok(if plan.changes.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(1) })
    }
}

/// Plans what brings the kernel to the ruleset, and does it unless it is a dry run.
fn bring(options: &Options, ruleset: &Ruleset, dry_run: bool) -> Result<Plan> {
    let mut kernel = options.open_for_reading()?;
    let progress = spinner("comparing with the kernel");
    let planned = kernel.update(|snapshot, transaction| {
        let plan = Plan::new(ruleset, snapshot, transaction)?;
        if dry_run {
            *transaction = Transaction::new();
        } else {
            progress.set_message(format!("making {} changes", plan.changes.len()));
        }
        Ok::<_, EditError>(plan)
    });
    progress.finish_and_clear();
    planned.map_err(|error| explain(error, |_| String::new()))
}

/// Shown on a terminal only.
fn spinner(message: &'static str) -> ProgressBar {
    let style = ProgressStyle::with_template("{spinner} {msg} ({elapsed})");
    let bar = ProgressBar::new_spinner().with_message(message);
    let bar = style.map(|style| bar.clone().with_style(style)).unwrap_or(bar);
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}

fn print_changes(plan: &Plan) {
    for Change { made, text } in &plan.changes {
        let color = if *made { AnsiColor::Green } else { AnsiColor::Red };
        let style = Style::new().fg_color(Some(color.into()));
        anstream::println!("{style}{} {text}{style:#}", if *made { '+' } else { '-' });
    }
}

fn print_summary(plan: &Plan, were: &str) {
    let foreign = match plan.foreign {
        0 => String::new(),
        count => format!("; {count} rules of other programs stay where they are"),
    };
    println!(
        "{} rules {were} added, {} deleted, {} left as they are{foreign}",
        plan.added, plan.deleted, plan.kept
    );
}

fn print_json(plan: &Plan) {
    let changes = plan.changes.iter();
    let changes: Vec<_> = changes
        .map(|change| json!({ "change": if change.made { "add" } else { "delete" }, "text": change.text }))
        .collect();
    println!(
        "{:#}",
        json!({
            "added": plan.added,
            "deleted": plan.deleted,
            "kept": plan.kept,
            "foreign": plan.foreign,
            "changes": changes,
        })
    );
}
