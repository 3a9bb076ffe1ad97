//! Editing tables by chain names and rule numbers, as the commands of iptables do.
//!
//! An [`Editor`] turns edits into the operations of a [`Transaction`](crate::kernel::Transaction). It reads of the
//! kernel's state only what an edit needs to know: for appending a rule the chain, for deleting one by its number the chain's rules.
//!
//! [`Edits`] queues edits and commits them, and can refuse to overwrite what has changed since a [`Basis`] was read.

mod basis;
mod chains;
mod edits;
mod error;
mod kinds;
mod rules;
mod state;
mod view;

pub use basis::Basis;
pub use chains::Editor;
pub use edits::{CommitError, Committed, Edits};
pub use error::{EditError, Numbered};
pub use kinds::{Edit, Which};
