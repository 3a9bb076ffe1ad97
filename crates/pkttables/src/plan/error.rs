use crate::cache::Endless;
use crate::kernel::KernelError;

/// Why a table cannot be made what it shall be.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// Another program has made a chain of this name that is of another kind.
    #[error("there is a chain {0} of another kind, made by another program")]
    ForeignChain(Box<str>),
    /// A rule calls a chain that is not there.
    #[error("a rule of chain {chain} calls {callee}, which does not exist")]
    NoTarget {
        /// The chain that the rule is in.
        chain: Box<str>,
        /// The chain that is missing.
        callee: Box<str>,
    },
    /// The kernel does not allow such calls.
    #[error(transparent)]
    Endless(#[from] Endless),
    /// The kernel's state could not be read, a rule not be written, or the kernel refuses.
    #[error(transparent)]
    Kernel(#[from] KernelError),
}
