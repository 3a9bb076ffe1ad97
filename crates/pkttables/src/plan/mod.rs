//! The least change that makes a table what it shall be.
//!
//! A [`Plan`] is the difference between what a [cache](crate::cache) holds of a kernel and a wanted
//! [`Table`](crate::model::Table), as [`Step`]s in an order that the kernel accepts. It can be looked at, printed like
//! a diff, refused, or written into a transaction. Rules that stay keep their handles and what they have counted.
//! [`apply`] does all of it, again if somebody else's change comes between; [`apply_undoable`] also gives what is
//! needed to go back. [`commit`] does what was planned before, or nothing if anything has changed since.

mod align;
mod apply;
mod changes;
mod compare;
mod error;
mod merge;
mod numbers;
mod pairing;
mod print;
mod rough;
mod scope;
mod sequence;
mod step;
mod undo;

pub use apply::{apply, commit};
pub use compare::plan;
pub use error::PlanError;
pub use print::PlanText;
pub use scope::Scope;
pub use step::{Plan, Step};
pub use undo::{Undo, Undone, apply_undoable};
