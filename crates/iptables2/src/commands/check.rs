use super::Source;
use crate::Result;
use anstyle::{AnsiColor, Style};
use clap::Args;
use pkttables::model::Ruleset;
use pkttables::registry::Registry;
use pkttables::text::{Diagnostic, Parser, ReadOptions, Reader, read_ruleset};
use std::process::ExitCode;

/// `iptables2 check`
#[derive(Debug, Args)]
pub(super) struct Check {
    #[command(flatten)]
    source: Source,
    /// Say nothing if there is no error
    #[arg(long, short)]
    quiet: bool,
}

impl Check {
    pub(super) fn run(&self) -> Result<ExitCode> {
        Ok(match read(&self.source)? {
            Ok(ruleset) => {
                if !self.quiet {
                    let chains: Vec<_> = ruleset.tables.iter().flat_map(|table| &table.chains).collect();
                    let rules: usize = chains.iter().map(|chain| chain.rules.len()).sum();
                    let (tables, chains) = (ruleset.tables.len(), chains.len());
                    let counts = [counted(tables, "table"), counted(chains, "chain"), counted(rules, "rule")];
                    println!("{}", counts.join(", "));
                }
                ExitCode::SUCCESS
            }
            Err(code) => code,
        })
    }
}

/// Reads a file; or shows all that is wrong with it, and gives the exit code of the first error.
pub(super) fn read(source: &Source) -> Result<std::result::Result<Ruleset, ExitCode>> {
    let input = source.read()?;
    Ok(parse(source, &input))
}

/// Reads the text of a file as [`read`] does.
pub(super) fn parse(source: &Source, input: &[u8]) -> std::result::Result<Ruleset, ExitCode> {
    let parser = Parser::new(source.family(), Registry::builtin());
    let mut reader = Reader::new(input, parser, ReadOptions::default()).with_file(&source.name());
    let read = read_ruleset(&mut reader);
    for warning in reader.take_warnings() {
        say(AnsiColor::Yellow, "warning", &warning.to_string());
    }
    read.map_err(|errors| {
        errors.iter().for_each(|error| say(AnsiColor::Red, "error", &error.render()));
        anstream::eprintln!("{}", counted(errors.len(), "error"));
        ExitCode::from(errors.first().map_or(2, Diagnostic::exit_code))
    })
}

fn counted(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

fn say(color: AnsiColor, kind: &str, text: &str) {
    let style = Style::new().bold().fg_color(Some(color.into()));
    anstream::eprintln!("{style}{kind}{style:#}: {text}");
}
