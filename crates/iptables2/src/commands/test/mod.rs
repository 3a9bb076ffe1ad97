//! `iptables2 test`

mod junit;
mod plan;

use crate::Result;
use crate::failure::Failure;
use anstyle::{AnsiColor, Style};
use clap::Args;
use pkttables_eval::{Scenario, Sent, Setup};
use plan::Plan;
use serde_json::{Value, json};
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// `iptables2 test`
#[derive(Debug, Args)]
pub(super) struct Test {
    /// The files of tests, in TOML
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Run only the tests whose names contain this
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,
    /// Write the results as JUnit XML as well
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Print one JSON object with all results instead of text
    #[arg(long)]
    json: bool,
}

/// The results of a file.
#[derive(Debug)]
struct Suite {
    file: String,
    outcomes: Vec<Outcome>,
    /// How many tests were left out.
    skipped: usize,
}

/// The result of a test.
#[derive(Debug)]
struct Outcome {
    name: String,
    line: usize,
    took: Duration,
    /// What was not as expected; empty if all was.
    failures: Vec<Mismatch>,
}

/// A packet of which something was not as expected.
#[derive(Debug)]
struct Mismatch {
    /// Its number in the test, from 1.
    number: usize,
    words: String,
    line: usize,
    /// What is wrong, a line each.
    reasons: Vec<String>,
    /// What became of the packet.
    fate: String,
    /// Why rules did not match.
    misses: Vec<String>,
}

impl Test {
    pub(super) fn run(&self) -> Result<ExitCode> {
        let fail = |error: String| Failure::Plain(2, error);
        // All files are read before the first test runs.
        let plans: Vec<Plan> =
            self.files.iter().map(|path| plan::read(path).map_err(fail)).collect::<Result<_>>()?;
        let suites: Vec<Suite> =
            self.files.iter().zip(plans).map(|(path, plan)| self.suite(path, plan)).collect();
        if let Some(file) = &self.junit {
            std::fs::write(file, junit::document(&suites)).map_err(|error| {
                Failure::Other(1, format!("{}: {}", file.display(), crate::restore::reason(&error)))
            })?;
        }
        let mut out = anstream::stdout().lock();
        if self.json {
            writeln!(out, "{}", results(&suites))?;
        } else {
            suites.iter().try_for_each(|suite| print(&mut out, suite))?;
            print_totals(&mut out, &suites)?;
        }
        let failed =
            suites.iter().flat_map(|suite| &suite.outcomes).any(|outcome| !outcome.failures.is_empty());
        Ok(if failed { ExitCode::from(1) } else { ExitCode::SUCCESS })
    }

    fn suite(&self, path: &std::path::Path, plan: Plan) -> Suite {
        let wanted = |name: &str| self.filter.as_ref().is_none_or(|text| name.contains(text.as_str()));
        let (run, left): (Vec<_>, Vec<_>) = plan.tests.into_iter().partition(|test| wanted(&test.name));
        let outcomes = run.into_iter().map(|test| run_test(&plan.setup, plan.start, test)).collect();
        Suite { file: path.display().to_string(), outcomes, skipped: left.len() }
    }
}

fn run_test(setup: &Setup, start: Option<u64>, test: plan::Test) -> Outcome {
    let begun = Instant::now();
    let mut failures = Vec::new();
    // It was set up once already when the file was read.
    if let Ok(scenario) = Scenario::new(setup.clone()) {
        let mut scenario = match start {
            Some(start) => scenario.start(start),
            None => scenario,
        };
        for (step, number) in test.packets.into_iter().zip(1..) {
            let mismatch = |reasons, fate, misses| Mismatch {
                number,
                words: step.words,
                line: step.line,
                reasons,
                fate,
                misses,
            };
            match scenario.send_made(step.packet) {
                Ok(sent) => {
                    let differences = sent.compare(&step.expected);
                    if !differences.is_empty() {
                        let reasons = differences.iter().map(ToString::to_string).collect();
                        failures.push(mismatch(reasons, described(&sent), sent.reasons));
                    }
                }
                Err(error) => failures.push(mismatch(vec![error.to_string()], String::new(), Vec::new())),
            }
        }
    }
    Outcome { name: test.name, line: test.line, took: begun.elapsed(), failures }
}

fn described(sent: &Sent) -> String {
    format!("it was {}", sent.describe())
}

fn print(out: &mut impl Write, suite: &Suite) -> std::io::Result<()> {
    writeln!(out, "{}: {} tests", suite.file, suite.outcomes.len())?;
    for outcome in &suite.outcomes {
        let good = outcome.failures.is_empty();
        let (color, word) = if good { (AnsiColor::Green, "ok") } else { (AnsiColor::Red, "FAILED") };
        let style = Style::new().bold().fg_color(Some(color.into()));
        writeln!(out, "  {style}{word:6}{style:#} {}", outcome.name)?;
        for mismatch in &outcome.failures {
            let Mismatch { number, words, line, reasons, fate, misses } = mismatch;
            writeln!(out, "    {}:{line}: packet {number}: {words}", suite.file)?;
            for line in reasons.iter().chain([fate]).chain(misses).filter(|line| !line.is_empty()) {
                writeln!(out, "      {line}")?;
            }
        }
    }
    Ok(())
}

fn print_totals(out: &mut impl Write, suites: &[Suite]) -> std::io::Result<()> {
    let outcomes = || suites.iter().flat_map(|suite| &suite.outcomes);
    let failed = outcomes().filter(|outcome| !outcome.failures.is_empty()).count();
    let skipped: usize = suites.iter().map(|suite| suite.skipped).sum();
    let left = if skipped == 0 { String::new() } else { format!(", {skipped} left out") };
    writeln!(out, "{} passed, {failed} failed{left}", outcomes().count() - failed)
}

fn results(suites: &[Suite]) -> Value {
    let mismatch = |mismatch: &Mismatch| {
        json!({
            "packet": mismatch.number,
            "line": mismatch.line,
            "words": mismatch.words,
            "reasons": mismatch.reasons,
            "fate": mismatch.fate,
            "why": mismatch.misses,
        })
    };
    let test = |outcome: &Outcome| {
        json!({
            "name": outcome.name,
            "line": outcome.line,
            "passed": outcome.failures.is_empty(),
            "failures": outcome.failures.iter().map(mismatch).collect::<Value>(),
        })
    };
    let suite = |suite: &Suite| {
        json!({
            "file": suite.file,
            "tests": suite.outcomes.iter().map(test).collect::<Value>(),
            "left_out": suite.skipped,
        })
    };
    suites.iter().map(suite).collect()
}
