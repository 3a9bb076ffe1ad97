use super::refused::RefusedTransaction;
use crate::nft::RuleError;
use nfnetlink::{EncodeError, Error};

/// Why a ruleset could not be read or changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KernelError {
    /// The caller may not do this; nothing was changed.
    #[error("permission denied (you must be root, or have CAP_NET_ADMIN)")]
    PermissionDenied,
    /// Somebody else changed the ruleset meanwhile; nothing was changed here.
    #[error("the ruleset was changed by another program meanwhile")]
    Changed,
    /// The kernel refused these operations of a transaction, each named by its tag; nothing was changed.
    #[error(transparent)]
    Refused(RefusedTransaction),
    /// A rule cannot be written in the kernel's form.
    #[error(transparent)]
    Rule(RuleError<Error>),
    /// Any other failure between here and the kernel.
    #[error(transparent)]
    Link(Error),
}

impl KernelError {
    /// Whether it may not come again, or has nothing to do with what was to be done.
    pub(crate) const fn may_pass(&self) -> bool {
        matches!(self, Self::Changed | Self::PermissionDenied)
    }
}

impl From<Error> for KernelError {
    fn from(error: Error) -> Self {
        match error {
            Error::PermissionDenied => Self::PermissionDenied,
            Error::DumpInterrupted => Self::Changed,
            error if error.is_generation_changed() => Self::Changed,
            error => Self::Link(error),
        }
    }
}

impl From<RuleError<Error>> for KernelError {
    fn from(error: RuleError<Error>) -> Self {
        match error {
            RuleError::Kernel(error) => error.into(),
            error => Self::Rule(error),
        }
    }
}

impl From<EncodeError> for KernelError {
    fn from(error: EncodeError) -> Self {
        Self::Link(error.into())
    }
}
