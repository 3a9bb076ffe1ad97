use super::chains::Editor;
use super::error::{EditError, Numbered};
use super::kinds::Which;
use super::state::{Kind, Rules, builtin};
use crate::cache::{CachedRule, Calls, ChainRules, callee};
use crate::kernel::{NewRule, Operation, Place, RuleRef};
use crate::model::{Counters, Rule, TableName};
use crate::nft::RuleBody;
use nfnetlink::Transport;

impl<T: Transport> Editor<'_, '_, T> {
    /// Adds a rule at the end of a chain.
    pub fn append(&mut self, table: TableName, chain: &str, rule: &Rule) -> Result<(), EditError> {
        self.check_target(table, rule)?;
        if self.is_appending(table, chain) {
            return self.add(table, chain, rule, Place::Last, 0);
        }
        let tracked = self.tracked;
        let rules = &mut self.existing(table, chain)?.rules;
        if !tracked {
            *rules = Rules::Untracked;
            self.appending = Some((table, chain.into()));
            return self.add(table, chain, rule, Place::Last, 0);
        }
        let len = self.known(table, chain)?.len();
        self.add(table, chain, rule, Place::Last, len)
    }

    /// Adds a rule that gets this number, from 1; those behind it move on.
    pub fn insert(
        &mut self,
        table: TableName,
        chain: &str,
        number: u32,
        rule: &Rule,
    ) -> Result<(), EditError> {
        self.check_target(table, rule)?;
        let tracked = self.tracked;
        let rules = &mut self.existing(table, chain)?.rules;
        if number == 1 && !tracked {
            *rules = Rules::Untracked;
            return self.add(table, chain, rule, Place::First, 0);
        }
        let slots = self.known(table, chain)?;
        let index = index(number);
        let place = match index.checked_sub(1) {
            None => Place::First,
            Some(before) => match slots.get(before) {
                Some(slot) => Place::After(slot.at),
                None => return Err(beyond(chain, number, Numbered::Insertion)),
            },
        };
        self.add(table, chain, rule, place, index)
    }

    /// Deletes the first rule that does the same as this one.
    pub fn delete(&mut self, table: TableName, chain: &str, rule: &Rule) -> Result<(), EditError> {
        self.check_target(table, rule)?;
        let index = self.find(table, chain, rule)?.ok_or_else(|| EditError::NoRule(chain.into()))?;
        self.delete_at(table, chain, index)
    }

    /// Deletes the rule of this number, from 1.
    pub fn delete_number(&mut self, table: TableName, chain: &str, number: u32) -> Result<(), EditError> {
        let index = index(number);
        if index >= self.present(table, chain)?.len() {
            return Err(beyond(chain, number, Numbered::Deletion));
        }
        self.delete_at(table, chain, index)
    }

    /// Puts a rule into the place of the one with this number, from 1.
    pub fn replace(
        &mut self,
        table: TableName,
        chain: &str,
        number: u32,
        rule: &Rule,
    ) -> Result<(), EditError> {
        self.check_target(table, rule)?;
        let index = index(number);
        let Some(slot) = self.present(table, chain)?.get(index) else {
            return Err(beyond(chain, number, Numbered::Replacement));
        };
        let place = match slot.at {
            RuleRef::Handle(handle) => Place::Instead(handle),
            // The kernel replaces by its own numbers only.
            own @ RuleRef::Id(_) => {
                self.add(table, chain, rule, Place::Before(own), index)?;
                return self.delete_at(table, chain, index + 1);
            }
        };
        self.known(table, chain)?.remove(index);
        self.add(table, chain, rule, place, index)
    }

    /// Whether a chain has a rule that does the same as this one.
    pub fn check(&mut self, table: TableName, chain: &str, rule: &Rule) -> Result<bool, EditError> {
        self.check_target(table, rule)?;
        self.commutes = false;
        Ok(self.find(table, chain, rule)?.is_some())
    }

    /// The number of a rule, from 1.
    pub fn number_of(&mut self, table: TableName, chain: &str, which: &Which) -> Result<u32, EditError> {
        let index = match which {
            Which::Number(number) => return Ok(*number),
            Which::Same(rule) => self.find(table, chain, rule)?,
            Which::Handle(handle) => self.present(table, chain)?.index_of_handle(*handle),
        };
        index.and_then(|index| u32::try_from(index + 1).ok()).ok_or_else(|| EditError::NoRule(chain.into()))
    }

    /// Has the rule of this number, from 1, go on counting from `counters`.
    pub fn set_counters(
        &mut self,
        table: TableName,
        chain: &str,
        number: u32,
        counters: Counters,
    ) -> Result<(), EditError> {
        let known = self.present(table, chain)?.get(index(number)).and_then(|slot| slot.known().cloned());
        let mut rule = known.ok_or_else(|| EditError::NoRule(chain.into()))?;
        rule.counters = Some(counters);
        self.replace(table, chain, number, &rule)
    }

    /// Has all rules of a chain, and the policy of a built-in one, count from zero. Rules that have counted are replaced;
    /// those that no iptables has words for go on as they are.
    pub fn zero_chain(&mut self, table: TableName, chain: &str) -> Result<(), EditError> {
        let counted = |slot: &CachedRule| {
            let counters = slot.known().and_then(|rule| rule.counters);
            counters.is_some_and(|counters| counters != Counters::default())
        };
        let rules = self.present(table, chain)?;
        let numbers: Vec<u32> =
            (1..).zip(rules.iter()).filter(|(_, slot)| counted(slot)).map(|(n, _)| n).collect();
        for number in numbers {
            self.set_counters(table, chain, number, Counters::default())?;
        }
        if builtin(table, chain).is_some() {
            self.set_policy(table, chain, (None, Some(Counters::default())))?;
        }
        Ok(())
    }

    /// Does so in all chains.
    pub fn zero(&mut self, table: TableName) -> Result<(), EditError> {
        self.know_all(table)?;
        let chains = self.state(table).chains.iter();
        let countable = |kind| matches!(kind, Kind::Builtin { .. } | Kind::User);
        let named = chains.filter(|(_, chain)| countable(chain.kind)).map(|(name, _)| name.into());
        let mut names: Vec<Box<str>> = named.collect();
        names.sort_unstable();
        names.iter().try_for_each(|name| self.zero_chain(table, name))
    }

    /// The rule of this number, from 1.
    pub fn rule_at(&mut self, table: TableName, chain: &str, number: u32) -> Result<RuleRef, EditError> {
        let slot = self.known(table, chain)?.get(index(number)).map(|slot| slot.at);
        slot.ok_or_else(|| EditError::NoRule(chain.into()))
    }

    /// Deletes all rules of a chain.
    pub fn flush_chain(&mut self, table: TableName, chain: &str) -> Result<(), EditError> {
        if !self.chain(table, chain)?.exists() {
            // As iptables does it, a built-in chain is made.
            return self.existing(table, chain).map(|_| ());
        }
        let none = self.no_rules();
        self.chain(table, chain)?.rules = none;
        self.state(table).calls = Calls::new();
        Ok(self.transaction.table(self.family, table).flush_chain(self.tag, chain)?)
    }

    /// Deletes all rules of all chains.
    pub fn flush(&mut self, table: TableName) -> Result<(), EditError> {
        self.know_all(table)?;
        let family = self.family;
        let state = self.state(table);
        if !state.made {
            return Ok(());
        }
        for chain in state.chains.iter_mut() {
            chain.rules = Rules::Known(Box::new(ChainRules::new(family)));
        }
        state.calls = Calls::new();
        Ok(self.transaction.table(self.family, table).flush(self.tag)?)
    }

    /// Whether a chain has no rules, and gets none in this transaction.
    pub(super) fn is_empty(&mut self, table: TableName, chain: &str) -> Result<bool, EditError> {
        Ok(self.known(table, chain)?.is_empty())
    }

    fn add(
        &mut self,
        table: TableName,
        chain: &str,
        rule: &Rule,
        place: Place,
        index: usize,
    ) -> Result<(), EditError> {
        self.note_call(table, chain, rule, place)?;
        let id = self.tracked.then_some(self.ids.wrapping_add(1));
        let new = NewRule { chain, place, id, rule };
        let mut edit = self.transaction.table(self.family, table);
        edit.add_rule(self.tag, &new, self.snapshot.kernel())?;
        let Some(id) = id else { return Ok(()) };
        self.ids = id;
        if let Rules::Known(rules) = &mut self.chain(table, chain)?.rules {
            rules.insert(index, CachedRule::new(RuleRef::Id(id), RuleBody::Known(rule.clone())));
        }
        Ok(())
    }

    fn delete_at(&mut self, table: TableName, chain: &str, index: usize) -> Result<(), EditError> {
        if let Some(slot) = self.known(table, chain)?.remove(index) {
            if let (RuleRef::Id(_), Some(callee)) = (slot.at, slot.callee()) {
                self.state(table).calls.remove(chain, callee);
            }
            self.transaction.table(self.family, table).delete_rule(self.tag, chain, slot.at)?;
        }
        Ok(())
    }

    /// Finds loops and ladders of the rules that this transaction adds.
    fn note_call(
        &mut self,
        table: TableName,
        chain: &str,
        rule: &Rule,
        place: Place,
    ) -> Result<(), EditError> {
        let Some(callee) = callee(rule).filter(|callee| builtin(table, callee).is_none()) else {
            return Ok(());
        };
        let calls = &mut self.state(table).calls;
        if builtin(table, chain).is_some() {
            calls.add_base(chain);
        }
        calls.add(chain, callee);
        calls.check().map_err(|endless| {
            calls.remove(chain, callee);
            let operation = match place {
                Place::Last => Operation::AppendRule,
                Place::Instead(_) => Operation::ReplaceRule,
                Place::First | Place::Before(_) | Place::After(_) => Operation::InsertRule,
            };
            EditError::Endless { operation, chain: chain.into(), callee: callee.into(), endless }
        })
    }

    /// Whether the last edit that looked at a chain appended to this one, so that nothing has to be looked up.
    fn is_appending(&self, table: TableName, chain: &str) -> bool {
        self.appending.as_ref().is_some_and(|(of, name)| *of == table && **name == *chain)
    }

    fn find(&mut self, table: TableName, chain: &str, rule: &Rule) -> Result<Option<usize>, EditError> {
        Ok(self.known(table, chain)?.find(rule))
    }

    /// The rules of a chain that must exist.
    fn present(&mut self, table: TableName, chain: &str) -> Result<&mut ChainRules, EditError> {
        if !self.chain(table, chain)?.exists() {
            return Err(EditError::NoChain(chain.into()));
        }
        self.known(table, chain)
    }

    /// The rules of a chain, none if it does not exist; reads them if they are not known yet.
    pub(super) fn known(&mut self, table: TableName, chain: &str) -> Result<&mut ChainRules, EditError> {
        let state = self.chain(table, chain)?;
        if matches!(state.rules, Rules::Unread) {
            let entries =
                if state.exists() { self.snapshot.rules(self.family, table, chain)? } else { Vec::new() };
            let mut rules = ChainRules::new(self.family);
            entries.into_iter().for_each(|entry| rules.push(entry.into()));
            self.chain(table, chain)?.rules = Rules::Known(Box::new(rules));
        }
        match &mut self.chain(table, chain)?.rules {
            Rules::Known(slots) => Ok(slots),
            Rules::Unread | Rules::Untracked => Err(EditError::Untracked),
        }
    }

    /// The rules of a chain that has none.
    pub(super) fn no_rules(&self) -> Rules {
        Rules::Known(Box::new(ChainRules::new(self.family)))
    }

    fn check_target(&mut self, table: TableName, rule: &Rule) -> Result<(), EditError> {
        let Some(target) = callee(rule) else { return Ok(()) };
        let appending = self.appending.take();
        // Built-in chains cannot be called; that is the kernel's to say.
        let known = builtin(table, target).is_some() || self.chain(table, target)?.exists();
        // Looking changes nothing.
        self.appending = appending;
        if known { Ok(()) } else { Err(EditError::NoTarget(target.into())) }
    }
}

fn index(number: u32) -> usize {
    number.saturating_sub(1) as usize
}

fn beyond(chain: &str, number: u32, what: Numbered) -> EditError {
    EditError::Number { chain: chain.into(), number, what }
}
