//! Editing tables by chain names and rule numbers, as the commands of iptables do.
//!
//! An [`Editor`] turns edits into the operations of a [`Transaction`](crate::kernel::Transaction). It reads of the
//! kernel's state only what an edit needs to know: for appending a rule the chain, for deleting one by its number the chain's rules.

mod chains;
mod error;
mod rules;
mod state;

pub use chains::Editor;
pub use error::{EditError, Numbered};
