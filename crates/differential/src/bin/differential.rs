//! Runs random trials against the kernel until the time is up, and shows disagreements, made small.

use clap::{Parser, ValueEnum};
use differential::{Failure, Outcome, Plan, Recording, program, random, repeats, shrunk, traced};
use pkttables::model::Family;
use pkttables::registry::Backend;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

#[derive(Debug, Parser)]
#[command(about = "Random rulesets and packets through the real kernel and the evaluator; needs root")]
struct Options {
    /// How long
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Where to begin; random if not given
    #[arg(long)]
    seed: Option<u64>,
    /// No more than so many trials
    #[arg(long, default_value_t = u64::MAX)]
    trials: u64,
    /// Packets in each trial
    #[arg(long, default_value_t = 120)]
    packets: usize,
    /// Only rules of this family
    #[arg(long, value_parser = ["4", "6"])]
    family: Option<String>,
    /// Only this loader
    #[arg(long)]
    backend: Option<Loader>,
    /// How many disagreements are too many: all are shown, the last of these ends the run, and it has failed
    #[arg(long, default_value_t = 1)]
    failures: usize,
    /// Run again what is in this file, as a failure was printed, and tell which rules the evaluator comes to
    #[arg(long)]
    replay: Option<PathBuf>,
    /// Send what is in this file through the kernel, and print it with what the kernel did
    #[arg(long)]
    record: Option<PathBuf>,
    /// Show failures as they are
    #[arg(long)]
    no_shrink: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Loader {
    Nft,
    Legacy,
}

fn main() -> ExitCode {
    let options = Options::parse();
    if let Some(file) = &options.replay {
        return with_plan(file, |plan| replay(&plan));
    }
    if let Some(file) = &options.record {
        return with_plan(file, Recording::new);
    }
    let end = Instant::now() + Duration::from_secs(options.seconds);
    let first = options.seed.unwrap_or_else(|| fastrand::u64(..1 << 32));
    let (mut trials, mut packets, mut failures) = (0, 0, 0);
    for seed in (first..).take(usize::try_from(options.trials).unwrap_or(usize::MAX)) {
        if Instant::now() > end {
            break;
        }
        let family = match options.family.as_deref() {
            Some("4") => Family::Ipv4,
            Some(_) => Family::Ipv6,
            None if seed % 3 == 2 => Family::Ipv6,
            None => Family::Ipv4,
        };
        let backend = match options.backend {
            Some(Loader::Nft) => Backend::Nft,
            Some(Loader::Legacy) => Backend::Legacy,
            None if seed / 3 % 3 == 2 => Backend::Legacy,
            None => Backend::Nft,
        };
        if testkit::find(&program(family, backend, "restore")).is_none() {
            continue;
        }
        let outcome = testkit::try_in_namespace(|| random(seed, family, backend, options.packets));
        trials += 1;
        match outcome {
            Ok(Ok(Outcome::Agreed(sent))) => packets += sent,
            Ok(Ok(Outcome::Failed(failure))) if !repeats(&failure) => {
                println!("seed {seed}: not again when repeated: {}", failure.differences.join("\n"));
            }
            Ok(Ok(Outcome::Failed(failure))) => {
                failures += 1;
                show(seed, failure, options.no_shrink);
                if failures >= options.failures {
                    break;
                }
            }
            Ok(Err(error)) => {
                println!("seed {seed}: {error}");
                failures += 1;
                if failures >= options.failures {
                    break;
                }
            }
            Err(error) => {
                println!("no network namespace can be made: {error}");
                return ExitCode::FAILURE;
            }
        }
    }
    println!("from seed {first}: {trials} trials, {packets} packets, {failures} disagreements");
    if failures < options.failures.max(1) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Does something with the plan in a file, in a network namespace.
fn with_plan<T: std::fmt::Display + Send>(
    file: &Path,
    work: impl FnOnce(Plan) -> Result<T, Box<dyn Error + Send + Sync>> + Send,
) -> ExitCode {
    let plan = std::fs::read_to_string(file).map_err(|error| error.to_string()).and_then(|text| text.parse());
    let done = plan.and_then(|plan| {
        let done = testkit::try_in_namespace(|| work(plan).map_err(|error| error.to_string()));
        done.map_err(|error| format!("no network namespace can be made: {error}"))?
    });
    match done {
        Ok(told) => {
            print!("{told}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            println!("{}: {error}", file.display());
            ExitCode::FAILURE
        }
    }
}

fn replay(plan: &Plan) -> Result<String, Box<dyn Error + Send + Sync>> {
    let (outcome, story) = traced(plan)?;
    Ok(match outcome {
        Outcome::Agreed(packets) => format!("{story}\n{packets} packets: agreed\n"),
        Outcome::Failed(failure) => format!("{story}\n{failure}"),
    })
}

fn show(seed: u64, failure: Failure, whole: bool) {
    let failure = if whole { failure } else { shrunk(failure) };
    println!("seed {seed}:\n{failure}");
}
