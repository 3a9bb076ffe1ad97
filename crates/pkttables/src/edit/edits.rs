use super::basis::Basis;
use super::chains::Editor;
use super::error::EditError;
use super::kinds::{Edit, Which};
use crate::cache::Differences;
use crate::kernel::{Kernel, KernelError, RefusedTransaction, Zero};
use crate::model::{Counters, Family, Policy, Rule, TableName};
use nfnetlink::{Errno, Transport};

/// Edits that are made all at once or not at all.
///
/// ```
/// use pkttables::edit::{Edits, Which};
/// use pkttables::kernel::Kernel;
/// use pkttables::model::{Family, Rule, TableName, Target, Verdict};
///
/// # let embedded = pkttables_embedded::EmbeddedKernel::new();
/// # let mut kernel = Kernel::new(embedded.connect());
/// let drop = Rule { target: Target::Verdict(Verdict::Drop), ..Rule::default() };
/// let mut edits = Edits::new(Family::Ipv4, TableName::Filter);
/// edits.new_chain("web").append("web", drop.clone()).append("INPUT", drop);
/// edits.delete("INPUT", Which::Number(1));
/// edits.commit(&mut kernel)?;
///
/// edits.clear().new_chain("web");
/// let refused = edits.commit(&mut kernel).unwrap_err();
/// assert_eq!(refused.to_string(), "edit 1, -t filter -N web: the chain web exists already");
/// # Ok::<(), pkttables::edit::CommitError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Edits {
    family: Family,
    table: TableName,
    list: Vec<(TableName, Edit)>,
    zeroed: Vec<(TableName, Option<Box<str>>)>,
}

/// What came of edits that were made.
#[derive(Clone, Debug, PartialEq)]
pub struct Committed {
    /// The generation that the ruleset is of then, if the kernel tells.
    pub generation: Option<u32>,
    /// What others had changed since what was read before.
    pub changed: Vec<Differences>,
}

/// Why edits were not made; nothing of them was.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CommitError {
    /// An edit is not possible.
    #[error("edit {number}, {edit}: {error}")]
    Edit {
        /// Which it is, from 1.
        number: usize,
        /// The edit, as a command of iptables.
        edit: Box<str>,
        /// Why.
        error: EditError,
    },
    /// Others have changed what the edits were decided on.
    #[error("it has changed since it was read: {}", told(.0))]
    Changed(Vec<Differences>),
    /// The kernel refuses.
    #[error("{}", refusal(.edits, .refused))]
    Refused {
        /// The edits that it refuses, as commands of iptables, by their numbers from 1.
        edits: Vec<(usize, Box<str>)>,
        /// What it says.
        refused: RefusedTransaction,
    },
    /// The kernel's state could not be read, or others have changed it all the time.
    #[error(transparent)]
    Kernel(#[from] KernelError),
}

impl Edits {
    /// No edits yet; the first ones are of this table.
    #[must_use]
    pub const fn new(family: Family, table: TableName) -> Self {
        Self { family, table, list: Vec::new(), zeroed: Vec::new() }
    }

    /// Has the following edits be of another table.
    pub const fn in_table(&mut self, table: TableName) -> &mut Self {
        self.table = table;
        self
    }

    /// Takes all edits out again.
    pub fn clear(&mut self) -> &mut Self {
        self.list.clear();
        self.zeroed.clear();
        self
    }

    /// The edits, each with its table.
    #[must_use]
    pub fn list(&self) -> &[(TableName, Edit)] {
        &self.list
    }

    /// Adds an edit.
    pub fn push(&mut self, edit: Edit) -> &mut Self {
        self.list.push((self.table, edit));
        self
    }

    /// Adds a rule at the end of a chain.
    pub fn append(&mut self, chain: &str, rule: Rule) -> &mut Self {
        self.push(Edit::Append { chain: chain.into(), rule: Box::new(rule) })
    }

    /// Adds a rule that gets this number, from 1.
    pub fn insert(&mut self, chain: &str, number: u32, rule: Rule) -> &mut Self {
        self.push(Edit::Insert { chain: chain.into(), number, rule: Box::new(rule) })
    }

    /// Deletes a rule.
    pub fn delete(&mut self, chain: &str, which: Which) -> &mut Self {
        self.push(Edit::Delete { chain: chain.into(), which })
    }

    /// Puts a rule into the place of another one.
    pub fn replace(&mut self, chain: &str, which: Which, rule: Rule) -> &mut Self {
        self.push(Edit::Replace { chain: chain.into(), which, rule: Box::new(rule) })
    }

    /// Has a rule go on counting from here. It is replaced, by one of the same handle.
    pub fn set_counters(&mut self, chain: &str, which: Which, counters: Counters) -> &mut Self {
        self.push(Edit::SetCounters { chain: chain.into(), which, counters })
    }

    /// Makes a chain.
    pub fn new_chain(&mut self, chain: &str) -> &mut Self {
        self.push(Edit::NewChain { chain: chain.into() })
    }

    /// Deletes a chain.
    pub fn delete_chain(&mut self, chain: &str) -> &mut Self {
        self.push(Edit::DeleteChain { chain: chain.into() })
    }

    /// Gives a chain another name.
    pub fn rename_chain(&mut self, chain: &str, new: &str) -> &mut Self {
        self.push(Edit::RenameChain { chain: chain.into(), new: new.into() })
    }

    /// Sets the policy of a built-in chain, and what it goes on counting from if that is given.
    pub fn set_policy(&mut self, chain: &str, policy: Policy, counters: Option<Counters>) -> &mut Self {
        self.push(Edit::SetPolicy { chain: chain.into(), policy, counters })
    }

    /// Deletes all rules of a chain.
    pub fn flush(&mut self, chain: &str) -> &mut Self {
        self.push(Edit::Flush { chain: chain.into() })
    }

    /// Sets all counters of a chain, or of all chains of the table, back to zero. The kernel does that rule by rule; so
    /// it is done when everything else has been committed.
    pub fn zero(&mut self, chain: Option<&str>) -> &mut Self {
        self.zeroed.push((self.table, chain.map(Into::into)));
        self
    }

    /// Makes the edits; anew if somebody else's change comes between.
    pub fn commit<T: Transport>(&self, kernel: &mut Kernel<T>) -> Result<Committed, CommitError> {
        self.commit_checked(kernel, None, false)
    }

    /// Like [`Edits::commit`], and tells what others have changed since `basis` was read.
    pub fn commit_since<T: Transport>(
        &self,
        kernel: &mut Kernel<T>,
        basis: &Basis,
    ) -> Result<Committed, CommitError> {
        self.commit_checked(kernel, Some(basis), false)
    }

    /// Like [`Edits::commit`], but only if nobody has changed anything of `basis` since it was read.
    pub fn commit_if_unchanged<T: Transport>(
        &self,
        kernel: &mut Kernel<T>,
        basis: &Basis,
    ) -> Result<Committed, CommitError> {
        self.commit_checked(kernel, Some(basis), true)
    }

    fn commit_checked<T: Transport>(
        &self,
        kernel: &mut Kernel<T>,
        basis: Option<&Basis>,
        unchanged: bool,
    ) -> Result<Committed, CommitError> {
        let (changed, generation) = kernel
            .update_to(|snapshot, transaction| {
                let changed = basis.map_or_else(|| Ok(Vec::new()), |basis| basis.differences(snapshot))?;
                if unchanged && !changed.is_empty() {
                    return Err(CommitError::Changed(changed));
                }
                let mut editor = Editor::new(snapshot, transaction, self.family, true);
                for ((table, edit), number) in self.list.iter().zip(1..) {
                    editor.set_tag(number);
                    edit.make(&mut editor, *table).map_err(|error| match error {
                        EditError::Kernel(error) if error.may_pass() => error.into(),
                        error => self.impossible(number, error),
                    })?;
                }
                // What is not to be overwritten has to be what was compared.
                if basis.is_none() {
                    editor.finish();
                }
                Ok(changed)
            })
            .map_err(|error| match error {
                CommitError::Kernel(KernelError::Refused(refused)) => self.refused(refused),
                error => error,
            })?;
        for (table, chain) in &self.zeroed {
            kernel.zero(self.family, *table, chain.as_deref().map_or(Zero::Table, Zero::Chain))?;
        }
        Ok(Committed { generation, changed })
    }

    fn text(&self, number: usize) -> Box<str> {
        let edit = number.checked_sub(1).and_then(|place| self.list.get(place));
        edit.map(|(table, edit)| edit.text(self.family, *table)).unwrap_or_default().into()
    }

    fn impossible(&self, number: u32, error: EditError) -> CommitError {
        CommitError::Edit { number: number as usize, edit: self.text(number as usize), error }
    }

    fn refused(&self, refused: RefusedTransaction) -> CommitError {
        let numbers = refused.failures.iter().filter_map(|failure| failure.tag).filter(|tag| *tag > 0);
        let edits = numbers.map(|number| (number as usize, self.text(number as usize))).collect();
        CommitError::Refused { edits, refused }
    }
}

fn told(changed: &[Differences]) -> String {
    changed.iter().map(Differences::to_string).collect::<Vec<_>>().join("\n").replace('\n', "; ")
}

fn refusal(edits: &[(usize, Box<str>)], refused: &RefusedTransaction) -> String {
    let edit = edits.first().map(|(number, edit)| format!("edit {number}, {edit}: ")).unwrap_or_default();
    let owned = refused.failures.iter().any(|failure| failure.refusal.errno == Errno::EPERM);
    let owned = if owned { " (the table belongs to another program, which alone may change it)" } else { "" };
    format!("{edit}{refused}{owned}")
}
