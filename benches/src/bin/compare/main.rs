//! Loads and saves the same ruleset on the real kernel with iptables2 and its peers, in turn, and compares.
//!
//! Every run has a network namespace of its own. docs/performance.md tells what the numbers mean.
#![forbid(unsafe_code)]

mod contender;
mod measure;
mod part;
mod progress;
mod report;
mod rounds;

use benches::{Result, SIZES};
use clap::Parser;
use part::Part;
use report::Report;
use rounds::Rounds;
use std::process::ExitCode;
use std::time::Duration;

/// Loads and saves the same ruleset with iptables2 and with its peers, in turn, and compares.
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
    /// Compares the time per rule of a million rules with that of 10,000 too (some 4 GB of memory)
    #[arg(long)]
    million: bool,
    /// Milliseconds to wait after each run, in which the kernel takes the last namespace down
    #[arg(long, default_value_t = 300)]
    pause: u64,
    /// Prints JSON instead of a table
    #[arg(long)]
    json: bool,
    #[command(subcommand)]
    part: Option<Part>,
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
    if let Some(part) = &arguments.part {
        return part.run();
    }
    if let Err(reason) = testkit::try_in_namespace(|| ()) {
        return Err(format!("no network namespace can be made ({reason}); this needs root").into());
    }
    let rounds = Rounds {
        number: arguments.rounds.max(1),
        pause: Duration::from_millis(arguments.pause),
        iptables2: contender::iptables2()?,
    };
    let sizes = match (arguments.rules, arguments.chains) {
        (Some(rules), Some(chains)) => vec![(rules, chains)],
        _ => SIZES.to_vec(),
    };
    let mut report = Report::new(rounds.number);
    for (rules, chains) in sizes {
        report.sizes.push(rounds.size(rules, chains)?);
    }
    if arguments.million {
        report.growth = Some(rounds.growth((10_000, 1_000), (1_000_000, 100_000))?);
    }
    if arguments.json {
        println!("{:#}", report.json());
    } else {
        print!("{report}");
    }
    Ok(())
}
