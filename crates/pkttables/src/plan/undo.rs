//! Going back behind a change, without going back behind what others have changed since.

use super::apply::{Failed, apply_with};
use super::error::PlanError;
use super::merge::{Merged, merge};
use super::scope::Scope;
use super::step::Plan;
use crate::cache::{Cache, CachedChain, CachedTable, Difference};
use crate::kernel::{ChainKind, Kernel};
use crate::model::{Chain, Family, Ruleset, Table, TableName};
use nfnetlink::Transport;
use std::borrow::Cow;

/// What the tables were before [`apply_undoable`] changed them.
#[derive(Clone, Debug)]
pub struct Undo {
    family: Family,
    scope: Scope,
    tables: Vec<Changed>,
    /// The generation that the change made.
    generation: Option<u32>,
}

/// A table before and after the change; chains out of scope are left out.
#[derive(Clone, Debug)]
pub(super) struct Changed {
    pub(super) before: Table,
    pub(super) after: Table,
    /// Whether the change has made the table.
    made: bool,
}

/// What came of going back.
#[derive(Clone, Debug, PartialEq)]
pub struct Undone {
    /// What was done.
    pub plans: Vec<Plan>,
    /// What others had changed meanwhile in chains that the change was about; it was kept.
    pub kept: Vec<(TableName, Difference)>,
}

/// Like [`apply`](super::apply), and gives what is needed to go back.
pub fn apply_undoable<T: Transport, E: From<PlanError>>(
    kernel: &mut Kernel<T>,
    cache: &mut Cache,
    wanted: &Ruleset,
    scope: &Scope,
    approve: impl FnMut(&[Plan]) -> Result<(), E>,
) -> Result<(Vec<Plan>, Undo), E> {
    let mut undo =
        Undo { family: wanted.family, scope: scope.clone(), tables: Vec::new(), generation: None };
    let note = |current: &CachedTable, table, exists| {
        // All again if somebody else's change came between.
        undo.tables.retain(|changed| changed.before.name != table);
        undo.tables.push(Changed { before: in_scope(current, table, scope), after: , made: !exists });
    };
    todo!()
}
