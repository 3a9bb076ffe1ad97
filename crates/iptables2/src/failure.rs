use crate::personality::{Personality, Program, VERSION};
use pkttables::edit::{EditError, Numbered};
use pkttables::kernel::KernelError;
use pkttables::text::Diagnostic;
use std::io::IsTerminal as _;
use std::process::ExitCode;

/// Why a program ends without having done what it was asked for.
#[derive(Debug)]
pub(crate) enum Failure {
    /// What was asked for cannot be understood: all that is wrong.
    Text(Vec<Diagnostic>),
    /// An edit that the tables do not allow, and the line of the file that asks for it.
    Edit(Option<usize>, EditError),
    /// The kernel refuses operations: each in words.
    Refused(Vec<String>),
    /// Anything else: the exit code, and what to say; nothing if the code says it all.
    Other(u8, String),
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
            Self::Refused(lines) => {
                for line in lines {
                    eprintln!("{name} {VERSION}: {line}");
                }
                RESOURCE_PROBLEM
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
    eprintln!("{name} {VERSION}: {}", diagnostic.problem);
    if let Some(line) = diagnostic.line {
        eprintln!("Error occurred at line: {line}");
    }
    if std::io::stderr().is_terminal() || diagnostic.line.is_some() || diagnostic.hint.is_some() {
        eprintln!("{}", diagnostic.render());
    }
    match diagnostic.exit_code() {
        PARAMETER_PROBLEM => eprintln!("Try `{name} -h' or '{name} --help' for more information."),
        VERSION_PROBLEM => eprintln!("Perhaps {name} or your kernel needs to be upgraded."),
        _ => {}
    }
}

fn report_edit(personality: &Personality, line: Option<usize>, error: &EditError) -> u8 {
    let name = &personality.name;
    let (code, text) = match error {
        EditError::NoTarget(chain) => {
            let place = line.map_or(String::new(), |line| format!("\nError occurred at line: {line}"));
            eprintln!("{name} {VERSION}: Chain '{chain}' does not exist{place}");
            eprintln!("Try `{name} -h' or '{name} --help' for more information.");
            return PARAMETER_PROBLEM;
        }
        EditError::NoChain(_) => (OTHER_PROBLEM, "No chain/target/match by that name."),
        EditError::ChainExists(_) => (OTHER_PROBLEM, "Chain already exists."),
        EditError::NotBuiltin(_) => (OTHER_PROBLEM, "Bad built-in chain name."),
        EditError::NoRule(_) => (OTHER_PROBLEM, "Bad rule (does a matching rule exist in that chain?)."),
        EditError::Number { what: Numbered::Insertion, .. } => (OTHER_PROBLEM, "Index of insertion too big."),
        EditError::Number { what: Numbered::Deletion, .. } => (OTHER_PROBLEM, "Index of deletion too big."),
        EditError::Number { what: Numbered::Replacement, .. } => {
            (OTHER_PROBLEM, "Index of replacement too big.")
        }
        EditError::Kernel(KernelError::PermissionDenied) => {
            eprintln!(
                "{name} {VERSION}: Could not fetch rule set generation id: Permission denied (you must be root)"
            );
            return RESOURCE_PROBLEM;
        }
        EditError::Kernel(KernelError::Rule(error)) => {
            let place = line.map_or(String::new(), |line| format!("line {line}: "));
            eprintln!("{name} {VERSION}: {place}{error}");
            return PARAMETER_PROBLEM;
        }
        other => {
            let place = line.map_or(String::new(), |line| format!("line {line}: "));
            eprintln!("{name} {VERSION}: {place}{other}");
            return RESOURCE_PROBLEM;
        }
    };
    match line {
        Some(line) if personality.program == Program::Restore => {
            eprintln!("{name}: line {line} failed: {text}")
        }
        _ => eprintln!("{name}: {text}"),
    }
    code
}
