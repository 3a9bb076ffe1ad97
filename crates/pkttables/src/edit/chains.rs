use super::error::EditError;
use super::state::{ChainState, Kind, NewPolicy, Rules, TableState, builtin};
use crate::cache::Calls;
use crate::kernel::{Snapshot, Transaction};
use crate::model::{Counters, Family, Policy, TableName};
use nfnetlink::Transport;

/// After this many chains were asked for one by one, all are.
const ASKED_SINGLY: u32 = 4;

/// Turns edits into the operations of a transaction.
///
/// ```no_run
/// use pkttables::edit::{EditError, Editor};
/// use pkttables::kernel::Kernel;
/// use pkttables::model::{Family, Rule, TableName, Target, Verdict};
///
/// let mut kernel = Kernel::open()?;
/// let rule = Rule { target: Target::Verdict(Verdict::Accept), ..Rule::default() };
/// kernel.update(|snapshot, transaction| {
///     let mut editor = Editor::new(snapshot, transaction, Family::Ipv4, true);
///     editor.append(TableName::Filter, "INPUT", &rule)?;
///     editor.delete_number(TableName::Filter, "INPUT", 1)
/// })?;
/// # Ok::<(), EditError>(())
/// ```
#[derive(Debug)]
pub struct Editor<'e, 'k, T> {
    pub(super) snapshot: &'e mut Snapshot<'k, T>,
    pub(super) transaction: &'e mut Transaction,
    pub(super) family: Family,
    pub(super) tracked: bool,
    pub(super) tag: u32,
    pub(super) ids: u32,
    /// The chain that untracked rules are being appended to.
    pub(super) appending: Option<(TableName, Box<str>)>,
    /// Whether the edits are the same if other things change before.
    pub(super) commutes: bool,
    tables: [TableState; TableName::ALL.len()],
}

impl<'e, 'k, T: Transport> Editor<'e, 'k, T> {
    /// An editor of the tables of `family`.
    ///
    /// If edits are `tracked`, later ones can name the rules of earlier ones by number and content. If not,
    /// appending takes no memory, and such edits are refused with [`EditError::Untracked`].
    pub fn new(
        snapshot: &'e mut Snapshot<'k, T>,
        transaction: &'e mut Transaction,
        family: Family,
        tracked: bool,
    ) -> Self {
        Self {
            snapshot,
            transaction,
            family,
            tracked,
            tag: 0,
            ids: 0,
            appending: None,
            commutes: true,
            tables: Default::default(),
        }
    }

    /// Ends the edits. If there is nothing else in the transaction, and none of them depends on more than the chains
    /// and rules that it names, the transaction [commutes](Transaction::set_commutes).
    pub fn finish(self) {
        if self.commutes {
            self.transaction.set_commutes();
        }
    }

    /// Gives the operations of the following edits this tag, by which a refusal names them.
    pub const fn set_tag(&mut self, tag: u32) {
        self.tag = tag;
    }

    /// Empties a table: chains, rules, sets, whatever it has. What follows makes it anew; if nothing does, it is gone.
    pub fn clear(&mut self, table: TableName) -> Result<(), EditError> {
        self.appending = None;
        let mut edit = self.transaction.table(self.family, table);
        // Making it first is what lets it be deleted even if it was not there.
        edit.create(self.tag)?;
        edit.delete(self.tag)?;
        *self.state(table) = TableState { complete: true, ..TableState::default() };
        Ok(())
    }

    /// Makes a chain.
    pub fn new_chain(&mut self, table: TableName, name: &str) -> Result<(), EditError> {
        if self.has_chain(table, name)? {
            return Err(EditError::ChainExists(name.into()));
        }
        self.make_chain(table, name)
    }

    /// Makes a chain that is known to be missing.
    fn make_chain(&mut self, table: TableName, name: &str) -> Result<(), EditError> {
        self.make_table(table)?;
        self.transaction.table(self.family, table).create_chain(self.tag, name)?;
        self.put(table, name, Kind::User);
        Ok(())
    }

    /// Declares a chain, as its line in a save file does: it exists then, and has no rules if it is not built-in.
    ///
    /// A built-in chain gets the policy and the counters; without them they stay.
    pub fn declare_chain(
        &mut self,
        table: TableName,
        name: &str,
        (policy, counters): NewPolicy,
    ) -> Result<(), EditError> {
        match self.chain(table, name)?.kind {
            Kind::Absent if policy.is_none() && builtin(table, name).is_none() => {
                self.make_chain(table, name)
            }
            Kind::Absent if policy.is_none() => Err(EditError::ChainExists(name.into())),
            Kind::User if policy.is_none() => self.flush_chain(table, name),
            _ if policy.is_some() => self.set_policy(table, name, (policy, counters)),
            _ => Ok(()),
        }
    }

    /// Sets a built-in chain's policy and counters, what is given of them; makes the chain if it is missing.
    pub fn set_policy(
        &mut self,
        table: TableName,
        name: &str,
        (policy, counters): NewPolicy,
    ) -> Result<(), EditError> {
        let Some(hook) = table.hook(name) else {
            return Err(EditError::NotBuiltin(name.into()));
        };
        let is_new = !self.chain(table, name)?.exists();
        // Another one who makes it may give it another policy.
        self.commutes &= !is_new;
        self.make_table(table)?;
        let counters = counters.or_else(|| is_new.then(Counters::default));
        let policy = policy.or_else(|| is_new.then_some(Policy::Accept));
        self.transaction.table(self.family, table).set_builtin(self.tag, hook, policy, counters)?;
        if is_new {
            self.put(table, name, Kind::Builtin { hook, policy: policy.unwrap_or(Policy::Accept), counters });
        } else if let Kind::Builtin { policy: own, counters: counted, .. } =
            &mut self.chain(table, name)?.kind
        {
            *own = policy.unwrap_or(*own);
            *counted = counters.or(*counted);
        }
        Ok(())
    }

    /// Gives a chain another name.
    pub fn rename_chain(&mut self, table: TableName, name: &str, new: &str) -> Result<(), EditError> {
        if self.has_chain(table, new)? {
            return Err(EditError::NameTaken(new.into()));
        }
        let chain = self.chain(table, name)?;
        let (kind, handle) = (chain.kind, chain.handle);
        if kind != Kind::User {
            return Err(EditError::NoChain(name.into()));
        }
        // A chain of this transaction has no number yet by which the kernel could find it.
        let Some(handle) = handle else { return Err(EditError::Untracked) };
        self.transaction.table(self.family, table).rename_chain(self.tag, handle, new)?;
        let state = self.state(table);
        state.calls = Calls::new();
        state.chains.rename(name, new);
        Ok(())
    }

    /// Deletes a chain; the kernel refuses if it has rules or is called.
    pub fn delete_chain(&mut self, table: TableName, name: &str) -> Result<(), EditError> {
        if !self.chain(table, name)?.exists() {
            return Err(EditError::NoChain(name.into()));
        }
        self.transaction.table(self.family, table).delete_chain(self.tag, name)?;
        self.put(table, name, Kind::Absent);
        Ok(())
    }

    /// Deletes all chains that are not built-in, and the built-in ones that make no difference: without rules,
    /// and accepting.
    pub fn delete_chains(&mut self, table: TableName) -> Result<(), EditError> {
        self.know_all(table)?;
        self.commutes = false;
        let chains = self.state(table).chains.iter();
        let mut names: Vec<(Box<str>, Kind)> =
            chains.map(|(name, chain)| (name.into(), chain.kind)).collect();
        names.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        for (name, kind) in names {
            let goes = match kind {
                Kind::User => true,
                Kind::Builtin { policy, .. } => policy == Policy::Accept && self.is_empty(table, &name)?,
                Kind::Foreign | Kind::Absent => false,
            };
            if goes {
                self.delete_chain(table, &name)?;
            }
        }
        Ok(())
    }

    /// Whether there is a chain of this name; a table's built-in chains are always there.
    pub fn has_chain(&mut self, table: TableName, name: &str) -> Result<bool, EditError> {
        Ok(builtin(table, name).is_some() || self.chain(table, name)?.exists())
    }

    /// Makes the table, unless it is known to be there.
    fn make_table(&mut self, table: TableName) -> Result<(), EditError> {
        if !std::mem::replace(&mut self.state(table).made, true) {
            self.transaction.table(self.family, table).create(self.tag)?;
        }
        Ok(())
    }

    /// The chain that rules are to be put into; makes a built-in one that is missing.
    pub(super) fn existing(&mut self, table: TableName, name: &str) -> Result<&mut ChainState, EditError> {
        self.appending = None;
        let place = self.chain_place(table, name)?;
        if !self.chain_at(table, place, name)?.exists() {
            let Some(hook) = table.hook(name) else {
                return Err(EditError::NoChain(name.into()));
            };
            self.commutes = false;
            self.make_table(table)?;
            self.transaction.table(self.family, table).create_builtin(self.tag, hook)?;
            self.put(table, name, Kind::Builtin { hook, policy: Policy::Accept, counters: None });
        }
        self.chain_at(table, place, name)
    }

    /// The chain of this name, which may be absent.
    pub(super) fn chain(&mut self, table: TableName, name: &str) -> Result<&mut ChainState, EditError> {
        self.appending = None;
        let place = self.chain_place(table, name)?;
        self.chain_at(table, place, name)
    }

    fn chain_at(&mut self, table: TableName, place: usize, name: &str) -> Result<&mut ChainState, EditError> {
        self.state(table).chains.at(place).ok_or_else(|| EditError::NoChain(name.into()))
    }

    /// Where the chain of this name is among those that are known; asks for it if need be.
    fn chain_place(&mut self, table: TableName, name: &str) -> Result<usize, EditError> {
        if let Some(place) = self.state(table).chains.place(name) {
            return Ok(place);
        }
        if !self.state(table).complete {
            self.learn(table, name)?;
            if let Some(place) = self.state(table).chains.place(name) {
                return Ok(place);
            }
        }
        // A chain that is not known by now is absent.
        Ok(self.state(table).chains.add(name, ChainState::new(Kind::Absent, Rules::Unread)))
    }

    fn learn(&mut self, table: TableName, name: &str) -> Result<(), EditError> {
        let state = self.state(table);
        state.asked += 1;
        if state.asked > ASKED_SINGLY {
            return self.know_all(table);
        }
        if let Some(entry) = self.snapshot.chain(self.family, table, name)? {
            let state = self.state(table);
            state.made = true;
            state.chains.put(name, ChainState::from_entry(&entry));
        }
        Ok(())
    }

    pub(super) fn know_all(&mut self, table: TableName) -> Result<(), EditError> {
        if self.state(table).complete {
            return Ok(());
        }
        let chains = self.snapshot.chains(self.family, table)?;
        let state = self.state(table);
        state.complete = true;
        state.made |= !chains.is_empty();
        for entry in chains.iter() {
            if state.chains.place(&entry.name).is_none() {
                state.chains.put(&entry.name, ChainState::from_entry(entry));
            }
        }
        Ok(())
    }

    /// Notes a chain that the transaction makes or deletes.
    fn put(&mut self, table: TableName, name: &str, kind: Kind) {
        let rules = if self.tracked { self.no_rules() } else { Rules::Untracked };
        self.state(table).chains.put(name, ChainState::new(kind, rules));
    }

    pub(super) const fn state(&mut self, table: TableName) -> &mut TableState {
        let [filter, nat, mangle, raw, security] = &mut self.tables;
        match table {
            TableName::Filter => filter,
            TableName::Nat => nat,
            TableName::Mangle => mangle,
            TableName::Raw => raw,
            TableName::Security => security,
        }
    }
}
