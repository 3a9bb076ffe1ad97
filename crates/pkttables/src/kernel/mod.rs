//! Rulesets in a kernel: reading them, and changing them all at once or not at all.
//!
//! [`Kernel`] is a connection with what it has learned of the kernel. [`Kernel::read`] gives a [`Snapshot`];
//! a [`Transaction`] collects changes for [`Kernel::commit`]; [`Kernel::update`] reads, plans and commits until
//! nobody else's change comes between. Everything works on any [`Transport`](nfnetlink::Transport).

mod chain;
mod connection;
mod counters;
mod error;
mod fetch;
mod refused;
mod revisions;
mod sets;
mod snapshot;
mod support;
mod transaction;
mod whole;

pub use chain::{ChainEntry, ChainKind};
pub use connection::Kernel;
pub use counters::Zero;
pub use error::KernelError;
pub use refused::{Operation, RefusedOperation, RefusedTransaction, Subject};
pub use sets::KernelSets;
pub use snapshot::{RuleEntry, Snapshot};
pub use support::Support;
pub use transaction::{NewRule, Place, RuleRef, TableEdit, Transaction};
pub use whole::{Foreign, Whole};
