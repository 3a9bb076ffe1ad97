//! Errors of the layers below, as the error object tells them.

use crate::error::pktt_status::{self, *};
use nfnetlink::{BatchFailure, DecodeError, EncodeError, Error, Refusal};
use pkttables::edit::EditError;
use pkttables::kernel::{KernelError, RefusedOperation, RefusedTransaction};
use pkttables::model::Family;
use pkttables::nft::RuleError;
use pkttables::plan::PlanError;
use pkttables::registry::ParamError;
use pkttables::text::Diagnostic;
use pkttables::text::save::{CounterStyle, write_append};
use pkttables_embedded::StateError;
use pkttables_eval::builder::WordError;

/// Why a call failed.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) status: pktt_status,
    pub(crate) message: String,
    /// At least one.
    pub(crate) problems: Vec<Problem>,
}

/// One thing that is wrong; the fields of `pktt_problem`.
#[derive(Debug, Default)]
pub(crate) struct Problem {
    pub(crate) message: String,
    pub(crate) rendered: Option<String>,
    pub(crate) file: Option<String>,
    pub(crate) line: usize,
    pub(crate) column: usize,
    pub(crate) source: Option<String>,
    pub(crate) word: Option<String>,
    pub(crate) hint: Option<String>,
    pub(crate) operation: u32,
    pub(crate) errno: i32,
    pub(crate) table: Option<String>,
    pub(crate) chain: Option<String>,
    pub(crate) rule_number: usize,
    pub(crate) rule: Option<String>,
    pub(crate) extension: Option<String>,
    pub(crate) parameter: Option<String>,
    pub(crate) kernel_message: Option<String>,
    pub(crate) attribute: Option<String>,
    pub(crate) attribute_offset: u32,
}

impl Failure {
    pub(crate) fn new(status: pktt_status, message: impl ToString) -> Self {
        Self::with(status, Problem { message: message.to_string(), ..Problem::default() })
    }

    /// A failure that has one problem.
    pub(crate) fn with(status: pktt_status, problem: Problem) -> Self {
        Self { status, message: problem.message.clone(), problems: vec![problem] }
    }

    pub(crate) fn argument(message: impl ToString) -> Self {
        Self::new(PKTT_ERROR_ARGUMENT, message)
    }

    /// An argument that must not be NULL is.
    pub(crate) fn null(what: &str) -> Self {
        Self::argument(format!("{what} is NULL"))
    }

    pub(crate) fn not_found(message: impl ToString) -> Self {
        Self::new(PKTT_ERROR_NOT_FOUND, message)
    }

    /// A file that cannot be read or written.
    pub(crate) fn file(name: &str, error: &std::io::Error) -> Self {
        let problem = Problem {
            message: error.to_string(),
            rendered: Some(format!("{name}: {error}")),
            file: Some(name.into()),
            errno: error.raw_os_error().unwrap_or_default(),
            ..Problem::default()
        };
        Self { message: format!("{name}: {error}"), ..Self::with(PKTT_ERROR_FILE, problem) }
    }

    /// A file with the state of an embedded kernel.
    pub(crate) fn state(name: &str, error: &StateError) -> Self {
        match error {
            StateError::File(error) => Self::file(name, error),
            error => {
                let problem = Problem {
                    message: error.to_string(),
                    rendered: Some(format!("{name}: {error}")),
                    file: Some(name.into()),
                    ..Problem::default()
                };
                Self { message: format!("{name}: {error}"), ..Self::with(PKTT_ERROR_FILE, problem) }
            }
        }
    }
}

/// The thing behind a handle, or that the handle is NULL.
pub(crate) fn given<T>(handle: Option<T>, what: &'static str) -> Result<T, Failure> {
    handle.ok_or_else(|| Failure::null(what))
}

impl From<Vec<Diagnostic>> for Failure {
    fn from(diagnostics: Vec<Diagnostic>) -> Self {
        let message = match diagnostics.as_slice() {
            [] => "the text is not understood".into(),
            [only] => only.to_string(),
            [first, rest @ ..] => format!("{first}, and {} more", rest.len()),
        };
        Self { status: PKTT_ERROR_SYNTAX, message, problems: diagnostics.iter().map(diagnosed).collect() }
    }
}

impl From<Box<Diagnostic>> for Failure {
    fn from(diagnostic: Box<Diagnostic>) -> Self {
        vec![*diagnostic].into()
    }
}

fn diagnosed(diagnostic: &Diagnostic) -> Problem {
    Problem {
        message: diagnostic.problem.to_string().trim().into(),
        rendered: Some(diagnostic.render()),
        file: diagnostic.file.as_deref().map(Into::into),
        line: diagnostic.line.unwrap_or(1),
        column: diagnostic.column(),
        source: Some(diagnostic.source.trim_end().into()),
        word: Some(diagnostic.word().into()),
        hint: diagnostic.hint.as_deref().map(Into::into),
        ..Problem::default()
    }
}

impl From<WordError> for Failure {
    fn from(error: WordError) -> Self {
        let word = Some(error.word.as_ref().into());
        Self::with(PKTT_ERROR_SYNTAX, Problem { message: error.to_string(), word, ..Problem::default() })
    }
}

impl From<ParamError> for Failure {
    fn from(error: ParamError) -> Self {
        let problem = Problem {
            message: error.to_string(),
            extension: Some(error.extension.into()),
            parameter: error.param.map(Into::into),
            ..Problem::default()
        };
        Self::with(PKTT_ERROR_VALUE, problem)
    }
}

impl From<DecodeError> for Failure {
    fn from(error: DecodeError) -> Self {
        Self::new(PKTT_ERROR_MALFORMED, error)
    }
}

impl From<EncodeError> for Failure {
    fn from(error: EncodeError) -> Self {
        match error {
            EncodeError::AttributeTooLong { .. } | EncodeError::MessageTooLong(_) => {
                Self::new(PKTT_ERROR_TOO_LONG, error)
            }
            _ => Self::argument(error),
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let status = match &error {
            Error::Refused(refusal) => {
                let problem = Problem { message: error.to_string(), ..refused(refusal) };
                return Self::with(PKTT_ERROR_REFUSED, problem);
            }
            Error::BatchRefused(batch) => {
                let status =
                    if error.is_generation_changed() { PKTT_ERROR_CHANGED } else { PKTT_ERROR_REFUSED };
                let problems = batch.failures.iter().map(|BatchFailure { tag, refusal, .. }| Problem {
                    operation: tag.unwrap_or_default(),
                    ..refused(refusal)
                });
                return Self { status, message: error.to_string(), problems: problems.collect() };
            }
            Error::PermissionDenied => PKTT_ERROR_PERMISSION,
            Error::DumpInterrupted => PKTT_ERROR_CHANGED,
            Error::Timeout => PKTT_ERROR_TIMEOUT,
            Error::RepliesLost | Error::EventsLost => PKTT_ERROR_LOST,
            Error::Truncated { .. } | Error::UnexpectedReply { .. } => PKTT_ERROR_MALFORMED,
            Error::Decode(error) => return (*error).into(),
            Error::Encode(error) => return (*error).into(),
            _ => PKTT_ERROR_SYSTEM,
        };
        let errno = error.errno().map_or(0, |errno| errno.number());
        Self::with(status, Problem { message: error.to_string(), errno, ..Problem::default() })
    }
}

/// What the kernel says against one message.
fn refused(refusal: &Refusal) -> Problem {
    Problem {
        message: refusal.to_string(),
        errno: refusal.errno.number(),
        kernel_message: refusal.message().map(Into::into),
        attribute_offset: refusal.offset().unwrap_or_default(),
        ..Problem::default()
    }
}

impl From<KernelError> for Failure {
    fn from(error: KernelError) -> Self {
        match error {
            KernelError::Refused(refused) => refused.into(),
            KernelError::Link(error) => error.into(),
            KernelError::PermissionDenied => Self::new(PKTT_ERROR_PERMISSION, error),
            KernelError::Changed => Self::new(PKTT_ERROR_CHANGED, error),
            KernelError::Rule(reason) => {
                let (status, extension) = match &reason {
                    RuleError::Unsupported { name, .. } => (PKTT_ERROR_UNSUPPORTED, Some(name.clone())),
                    RuleError::Info { name, .. } => (PKTT_ERROR_VALUE, Some((*name).into())),
                    _ => (PKTT_ERROR_SYSTEM, None),
                };
                Self::with(status, Problem { message: reason.to_string(), extension, ..Problem::default() })
            }
            other => Self::new(PKTT_ERROR_SYSTEM, other),
        }
    }
}

impl From<RefusedTransaction> for Failure {
    fn from(transaction: RefusedTransaction) -> Self {
        Self {
            status: PKTT_ERROR_REFUSED,
            message: transaction.to_string(),
            problems: transaction.failures.iter().map(refused_operation).collect(),
        }
    }
}

fn refused_operation(operation: &RefusedOperation) -> Problem {
    let subject = operation.subject.as_ref();
    let rule = subject.and_then(|subject| {
        let mut text = String::new();
        let family = subject.family.unwrap_or(Family::Ipv4);
        let chain = subject.chain.as_deref().unwrap_or_default();
        write_append(&mut text, family, chain, subject.rule.as_ref()?, CounterStyle::Hidden);
        Some(text)
    });
    Problem {
        message: operation.to_string(),
        operation: operation.tag.unwrap_or_default(),
        table: subject.and_then(|subject| Some(subject.table?.name().into())),
        chain: subject.and_then(|subject| subject.chain.as_deref().map(Into::into)),
        rule,
        extension: operation.extension.as_deref().map(Into::into),
        attribute: operation.place.clone(),
        ..refused(&operation.refusal)
    }
}

impl From<EditError> for Failure {
    fn from(error: EditError) -> Self {
        let (status, chain) = match &error {
            EditError::NoChain(chain)
            | EditError::NoTarget(chain)
            | EditError::NoRule(chain)
            | EditError::Number { chain, .. } => (PKTT_ERROR_NOT_FOUND, chain),
            EditError::ChainExists(chain) | EditError::NameTaken(chain) => (PKTT_ERROR_EXISTS, chain),
            EditError::NotBuiltin(chain) => (PKTT_ERROR_ARGUMENT, chain),
            EditError::Untracked => return Self::argument(error),
            EditError::Kernel(_) => match error {
                EditError::Kernel(error) => return error.into(),
                other => return Self::new(PKTT_ERROR_SYSTEM, other),
            },
            _ => return Self::new(PKTT_ERROR_SYSTEM, error),
        };
        let chain = Some(chain.to_string());
        Self::with(status, Problem { message: error.to_string(), chain, ..Problem::default() })
    }
}

impl From<PlanError> for Failure {
    fn from(error: PlanError) -> Self {
        let chain = match &error {
            PlanError::ForeignChain(chain) | PlanError::NoTarget { chain, .. } => Some(chain.to_string()),
            _ => None,
        };
        let status = match error {
            PlanError::ForeignChain(_) => PKTT_ERROR_EXISTS,
            PlanError::NoTarget { .. } => PKTT_ERROR_NOT_FOUND,
            PlanError::Endless(_) => PKTT_ERROR_LOOP,
            PlanError::Kernel(error) => return error.into(),
            _ => PKTT_ERROR_SYSTEM,
        };
        Self::with(status, Problem { message: error.to_string(), chain, ..Problem::default() })
    }
}

impl From<pkttables_eval::Error> for Failure {
    fn from(error: pkttables_eval::Error) -> Self {
        use pkttables_eval::Error;
        let message = error.to_string();
        let (status, place) = match error {
            Error::NoChain { table, chain, rule, .. } => {
                (PKTT_ERROR_NOT_FOUND, Some((table, chain, rule, None)))
            }
            Error::Loop { table, chain } => (PKTT_ERROR_LOOP, Some((table, chain, 0, None))),
            Error::Unsupported { table, chain, rule, extension } => {
                (PKTT_ERROR_UNSUPPORTED, Some((table, chain, rule, Some(extension.into()))))
            }
            Error::Family => (PKTT_ERROR_ARGUMENT, None),
            _ => (PKTT_ERROR_UNSUPPORTED, None),
        };
        let mut problem = Problem { message, ..Problem::default() };
        if let Some((table, chain, rule_number, extension)) = place {
            let (table, chain) = (Some(table.name().into()), Some(chain.into()));
            problem = Problem { table, chain, rule_number, extension, ..problem };
        }
        Self::with(status, problem)
    }
}

impl From<pkttables_eval::SetupError> for Failure {
    fn from(error: pkttables_eval::SetupError) -> Self {
        use pkttables_eval::SetupError;
        let message = error.to_string();
        match error {
            SetupError::Sets(error) => {
                let (line, column) = (error.line, error.column);
                Self::with(PKTT_ERROR_SYNTAX, Problem { message, line, column, ..Problem::default() })
            }
            SetupError::NoSet { table, chain, rule, .. } => {
                let (table, chain) = (Some(table.name().into()), Some(chain.into()));
                let problem = Problem { message, table, chain, rule_number: rule, ..Problem::default() };
                Self::with(PKTT_ERROR_NOT_FOUND, problem)
            }
            SetupError::Rules(error) => error.into(),
            _ => Self::argument(message),
        }
    }
}
