use crate::personality::{Personality, Program, VERSION};
use crate::refusal;
use nfnetlink::Errno;
use pkttables::cache::Endless;
use pkttables::edit::{EditError, Numbered};
use pkttables::kernel::{KernelError, RefusedTransaction};
use pkttables::nft::RuleError;
use pkttables::text::{Diagnostic, Problem};
use std::io::IsTerminal as _;
use std::process::ExitCode;

/// Why a program ends without having done what it was asked for.
#[derive(Debug)]
pub(crate) enum Failure {
    /// What was asked for cannot be understood: all that is wrong.
    Text(Vec<Diagnostic>),
    /// An edit that the tables do not allow, and the line of the file that asks for it.
    Edit(Option<usize>, EditError),
    /// The kernel refuses operations; and the text of the lines that ask for them, by their tags, and the chains that
    /// would call one another without end.
    Refused(RefusedTransaction, Vec<(u32, String)>, Option<Endless>),
    /// Anything else: the exit code, and what to say; nothing if the code says it all.
    Other(u8, String),
    /// The same, but without the program's name before it.
    Plain(u8, String),
}

/// Exit codes of iptables.
const OTHER_PROBLEM: u8 = 1;
const PARAMETER_PROBLEM: u8 = 2;
const VERSION_PROBLEM: u8 = 3;
const RESOURCE_PROBLEM: u8 = 4;

impl Failure {
    /// Says what is wrong, and gives the exit code.
    pub(crate) fn report(self, personality: &Personality) -> ExitCode {
        let name = &personality.name;
        let code = match self {
            Self::Text(diagnostics) => {
                diagnostics.iter().for_each(|diagnostic| report_text(personality, diagnostic));
                diagnostics.first().map_or(PARAMETER_PROBLEM, |diagnostic| diagnostic.exit_code())
            }
            Self::Edit(line, error) => report_edit(personality, line, &error),
            Self::Refused(refused, lines, endless) => {
                refusal::report(personality, &refused, |tag| {
                    let line = lines.iter().find(|(of, _)| *of == tag);
                    line.map(|(_, text)| text.clone()).unwrap_or_default()
                });
                endless.iter().for_each(|endless| eprintln!("  {endless}"));
                RESOURCE_PROBLEM
            }
            Self::Plain(code, text) => {
                eprintln!("{text}");
                code
            }
            Self::Other(code, text) => {
                if !text.is_empty() {
                    eprintln!("{name}: {text}");
                }
                code
            }
        };
        ExitCode::from(code)
    }
}

impl From<EditError> for Failure {
    fn from(error: EditError) -> Self {
        Self::Edit(None, error)
    }
}

impl From<KernelError> for Failure {
    fn from(error: KernelError) -> Self {
        Self::Edit(None, error.into())
    }
}

impl From<Box<Diagnostic>> for Failure {
    fn from(diagnostic: Box<Diagnostic>) -> Self {
        Self::Text(vec![*diagnostic])
    }
}

fn report_text(personality: &Personality, diagnostic: &Diagnostic) {
    let name = &personality.name;
    let mut usage = diagnostic.exit_code() == PARAMETER_PROBLEM;
    let problem = diagnostic.problem.to_string();
    match (&diagnostic.problem, diagnostic.line) {
        (Problem::BadArgument(_), _) => eprintln!("{problem}"),
        (Problem::BadPolicy, None) => {
            eprintln!("{name}: {problem}. Run `dmesg' for more information.");
        }
        (Problem::BadPolicy | Problem::Refused(_), Some(line)) => {
            eprintln!("{name}: line {line} failed: {problem}.");
        }
        (Problem::OutsideTable, Some(line)) => eprintln!("{name}: line {line} failed"),
        (Problem::CommitExpected, Some(line)) => eprintln!("{name}: {problem} at line {line}"),
        (Problem::TableLine(_) | Problem::ChainLine(_), Some(line)) => {
            eprintln!("{name} {VERSION}: {name}: line {line} {problem}");
            usage = false;
        }
        (Problem::RuleCounters(_), Some(line)) => {
            eprintln!("{name} {VERSION}: Bad line {line}: {problem}");
            usage = false;
        }
        (_, line) => {
            eprintln!("{name} {VERSION}: {problem}");
            line.iter().for_each(|line| eprintln!("Error occurred at line: {line}"));
        }
    }
    if std::io::stderr().is_terminal() || diagnostic.line.is_some() || diagnostic.hint.is_some() {
        eprintln!("{}", diagnostic.render());
    }
    if usage {
        report_usage(name);
    } else if diagnostic.exit_code() == VERSION_PROBLEM {
        eprintln!("Perhaps {name} or your kernel needs to be upgraded.");
    }
}

fn report_usage(name: &str) {
    eprintln!("Try `{name} -h' or '{name} --help' for more information.");
}

fn report_edit(personality: &Personality, line: Option<usize>, error: &EditError) -> u8 {
    let name = &personality.name;
    let parameter_problem = |problem: &dyn std::fmt::Display| {
        eprintln!("{name} {VERSION}: {problem}");
        line.iter().for_each(|line| eprintln!("Error occurred at line: {line}"));
        report_usage(name);
        PARAMETER_PROBLEM
    };
    let text = match error {
        EditError::NoTarget(chain) => {
            return parameter_problem(&format_args!("Chain '{chain}' does not exist"));
        }
        EditError::Kernel(KernelError::Rule(RuleError::Info { reason, .. })) => {
            return parameter_problem(reason);
        }
        EditError::NoChain(_) => "No chain/target/match by that name.",
        EditError::ChainExists(_) => "Chain already exists.",
        EditError::NameTaken(_) => "File exists.",
        EditError::NotBuiltin(_) => "Bad built-in chain name.",
        EditError::NoRule(_) => "Bad rule (does a matching rule exist in that chain?).",
        EditError::Number { what: Numbered::Insertion, .. } => "Index of insertion too big.",
        EditError::Number { what: Numbered::Deletion, .. } => "Index of deletion too big.",
        EditError::Number { what: Numbered::Replacement, .. } => "Index of replacement too big.",
        EditError::Kernel(KernelError::PermissionDenied) => {
            eprintln!(
                "{name} {VERSION}: Could not fetch rule set generation id: Permission denied (you must be root)"
            );
            return RESOURCE_PROBLEM;
        }
        EditError::Endless { operation, chain, callee, endless } => {
            let errno = Errno::EMLINK.text();
            let place = line.map_or(String::new(), |line| format!("\nline {line}: "));
            let name = format!("{name} {VERSION}: {place}");
            eprintln!("{name}{} failed ({errno}): rule in chain {chain}", operation.name());
            eprintln!("  it calls {callee}, but {endless}");
            return RESOURCE_PROBLEM;
        }
        other => {
            let place = line.map_or(String::new(), |line| format!("line {line}: "));
            eprintln!("{name} {VERSION}: {place}{other}");
            return RESOURCE_PROBLEM;
        }
    };
    match line {
        Some(line) if personality.program == Program::Restore => {
            eprintln!("{name}: line {line} failed: {text}");
        }
        _ => eprintln!("{name}: {text}"),
    }
    OTHER_PROBLEM
}
