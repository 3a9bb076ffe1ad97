//! The subcommands.

mod apply;
mod check;
mod complete;
mod confirm;
mod eval;
mod facts;
mod manual;
mod planned;
mod query;
mod test;

use crate::connect::Options;
use crate::failure::Failure;
use crate::personality::{self, Personality, Program};
use clap::{Args, Parser, Subcommand, ValueEnum};
use pkttables::model::Family;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Explains, checks and applies iptables rulesets; under the name of an iptables program it is that program.
#[derive(Debug, Parser)]
#[command(name = "iptables2", version, arg_required_else_help = true, after_help = after_help())]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Ask which matches and targets there are, what they do and which parameters they take
    Query(query::Query),
    /// Print the completion script of a shell
    Completions(complete::Completions),
    /// What the last of these words can be continued to, for the scripts
    #[command(hide = true)]
    Complete(complete::Complete),
    /// Write man pages into a folder
    Man(manual::Man),
    /// Find all errors of a save file; nothing is changed, and no kernel is asked
    Check(check::Check),
    /// Bring the kernel to a save file; rules that stay keep their handles and counters
    Apply(apply::Apply),
    /// Show what `apply` would change; the exit code is 1 if there is anything
    Diff(apply::Diff),
    /// Send captured packets through rules, without a kernel, and show what becomes of them
    Eval(eval::Eval),
    /// Run files of tests: packets, and what shall become of them
    Test(test::Test),
}

/// Which of the two families is meant.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum FamilyName {
    #[value(alias = "4")]
    Ipv4,
    #[value(alias = "6")]
    Ipv6,
}

/// A save file, and the family that it is for.
#[derive(Debug, Args)]
struct Source {
    /// The file, in the format of iptables-save; - is standard input
    file: PathBuf,
    /// The family; without it IPv6 for a file whose name ends in v6, else IPv4
    #[arg(long, short)]
    family: Option<FamilyName>,
}

impl From<FamilyName> for Family {
    fn from(name: FamilyName) -> Self {
        match name {
            FamilyName::Ipv4 => Self::Ipv4,
            FamilyName::Ipv6 => Self::Ipv6,
        }
    }
}

impl Source {
    fn family(&self) -> Family {
        let by_name = if self.file.to_string_lossy().ends_with("v6") { Family::Ipv6 } else { Family::Ipv4 };
        self.family.map_or(by_name, Family::from)
    }

    fn read(&self) -> crate::Result<Vec<u8>> {
        let read = if self.file == Path::new("-") {
            let mut input = Vec::new();
            std::io::Read::read_to_end(&mut std::io::stdin().lock(), &mut input).map(|_| input)
        } else {
            std::fs::read(&self.file)
        };
        read.map_err(|error| {
            Failure::Other(1, format!("{}: {}", self.file.display(), crate::restore::reason(&error)))
        })
    }

    fn name(&self) -> String {
        self.file.display().to_string()
    }
}

/// Runs a subcommand.
pub(crate) fn main(args: &[String]) -> ExitCode {
    let own = Personality { name: "iptables2".into(), program: Program::Iptables, family: Family::Ipv4 };
    let (options, args) = match Options::take(args) {
        Ok(taken) => taken,
        Err(failure) => return failure.report(&own),
    };
    let result = match Cli::parse_from(args).command {
        Command::Query(query) => query.run(&options),
        Command::Completions(completions) => Ok(completions.run()),
        Command::Complete(complete) => Ok(complete.run()),
        Command::Man(man) => man.run(),
        Command::Check(check) => check.run(),
        Command::Apply(apply) => apply.run(&options),
        Command::Diff(diff) => diff.run(&options),
        Command::Eval(eval) => eval.run(&options),
        Command::Test(test) => test.run(),
    };
    match result.and_then(|code| options.keep().map(|()| code)) {
        Ok(code) => code,
        Err(failure) => failure.report(&own),
    }
}

fn after_help() -> String {
    format!(
        "Wherever a kernel is read or changed:\n  \
         --embedded[=FILE]  use a kernel within the program, whose state is kept in FILE\n  \
         --debug=netlink    show every message that goes to the kernel and comes from it\n\n\
         Programs: {}",
        personality::names()
    )
}
