use crate::cache::Endless;
use crate::kernel::{KernelError, Operation};

/// Why an edit cannot be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EditError {
    /// There is no chain of this name.
    #[error("there is no chain {0}")]
    NoChain(Box<str>),
    /// A rule is to call a chain that does not exist.
    #[error("the chain {0} that the rule calls does not exist")]
    NoTarget(Box<str>),
    /// A chain of this name exists already.
    #[error("the chain {0} exists already")]
    ChainExists(Box<str>),
    /// A chain is to get the name of another one.
    #[error("the name {0} is taken by another chain")]
    NameTaken(Box<str>),
    /// Only built-in chains have a policy.
    #[error("{0} is not a built-in chain of this table")]
    NotBuiltin(Box<str>),
    /// The chain has no rule like this.
    #[error("the chain {0} has no such rule")]
    NoRule(Box<str>),
    /// The chain has fewer rules.
    #[error("the chain {chain} has no place {number} for this")]
    Number {
        /// The chain.
        chain: Box<str>,
        /// The number that was asked for, from 1.
        number: u32,
        /// What was to be done there.
        what: Numbered,
    },
    /// With this rule chains call one another in a way that the kernel does not allow.
    #[error("a rule of chain {chain} cannot call {callee}: {endless}")]
    Endless {
        /// How the rule was to come there.
        operation: Operation,
        /// The chain.
        chain: Box<str>,
        /// The chain that the rule calls.
        callee: Box<str>,
        /// The chains that call one another.
        endless: Endless,
    },
    /// The edit names a rule by its place or content, but earlier edits were not tracked ([`Editor::new`]).
    ///
    /// [`Editor::new`]: super::Editor::new
    #[error("earlier edits of this chain were not tracked")]
    Untracked,
    /// The kernel's state could not be read, or a rule not be written.
    #[error(transparent)]
    Kernel(#[from] KernelError),
}

/// What is done at a rule's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Numbered {
    /// A rule is inserted.
    Insertion,
    /// The rule is deleted.
    Deletion,
    /// The rule is replaced.
    Replacement,
}

impl From<nfnetlink::EncodeError> for EditError {
    fn from(error: nfnetlink::EncodeError) -> Self {
        Self::Kernel(error.into())
    }
}
