//! Loads, saves and changes rulesets with iptables2 and with others, on the real kernel.
//!
//! Every run has a network namespace of its own. docs/performance.md tells what the numbers mean.
#![forbid(unsafe_code)]

mod call;
mod contender;
mod edits;
mod floor;
mod load;
mod measure;
mod one_size;
mod plot;
mod progress;
mod race;
mod report;
mod rounds;
mod steps;
mod task;

use benches::{Result, SIZES};
use clap::{Parser, ValueEnum};
use report::Report;
use rounds::{Rounds, Sample};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;
use task::Task;

/// Loads, saves and changes the same rulesets with iptables2 and with its peers, in turn, and compares.
///
/// Needs root, for network namespaces of its own. Without --rules it measures 10,000 rules in 1,000 chains and
/// 100,000 rules in 10,000 chains.
#[derive(Debug, Parser)]
struct Arguments {
    /// How many rules
    #[arg(long, requires = "chains")]
    rules: Option<usize>,
    /// In how many chains
    #[arg(long, requires = "rules")]
    chains: Option<usize>,
    /// How often each program runs
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Only these parts; without it all but the last
    #[arg(long, value_delimiter = ',')]
    only: Vec<Part>,
    /// Milliseconds to wait after each run, in which the kernel takes the last namespace down
    #[arg(long, default_value_t = 300)]
    pause: u64,
    /// Prints JSON instead of tables
    #[arg(long)]
    json: bool,
    /// Draws, instead, what programs take for 100 rules and more, up to --rules or a million, into this SVG file
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,
    #[command(subcommand)]
    task: Option<Task>,
}

/// What is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Loading a ruleset
    Restore,
    /// Saving it
    Save,
    /// Loading it again with a few chains changed
    Apply,
    /// The same as a call of the library that knows what was there before
    Call,
    /// Adding and deleting single rules, and many at once
    Edits,
    /// The time per rule of each step, from 1000 rules to ten times as many as there are
    Steps,
    /// Loading a million rules (some 4 GB of memory)
    Million,
}

impl Part {
    fn run(self, rounds: &Rounds, samples: &[Sample], report: &mut Report) -> Result<()> {
        let measure = match self {
            Self::Restore => load::restore,
            Self::Save => load::save,
            Self::Apply => call::apply,
            Self::Call => call::call,
            Self::Edits => edits::edits,
            Self::Steps => {
                let most = samples.iter().map(|sample| sample.rules).max().unwrap_or_default();
                report.sections.push(steps::steps(rounds, most * 10)?);
                return Ok(());
            }
            Self::Million => {
                report.sections.push(load::million(rounds)?);
                return Ok(());
            }
        };
        for sample in samples {
            report.sections.push(measure(rounds, sample)?);
        }
        Ok(())
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("compare: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<()> {
    if let Some(task) = &arguments.task {
        return task.run();
    }
    if let Err(reason) = testkit::try_in_namespace(|| ()) {
        return Err(format!("no network namespace can be made ({reason}); this needs root").into());
    }
    let rounds = Rounds {
        number: arguments.rounds.max(1),
        pause: Duration::from_millis(arguments.pause),
        programs: contender::Installed::new()?,
    };
    if let Some(file) = &arguments.plot {
        return plot::plot(&rounds, file, arguments.rules.unwrap_or(1_000_000));
    }
    let sizes = match (arguments.rules, arguments.chains) {
        (Some(rules), Some(chains)) => vec![(rules, chains)],
        _ => SIZES.to_vec(),
    };
    let samples =
        sizes.into_iter().map(|(rules, chains)| Sample::new(rules, chains)).collect::<Result<Vec<_>>>()?;
    let parts = match arguments.only.as_slice() {
        [] => Part::value_variants().split_last().map_or(&[][..], |(_, parts)| parts),
        only => only,
    };
    let mut report = Report::new(rounds.number);
    for part in parts {
        part.run(&rounds, &samples, &mut report)?;
    }
    if arguments.json {
        println!("{:#}", report.json());
    } else {
        print!("{report}");
    }
    Ok(())
}
