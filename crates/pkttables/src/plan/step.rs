use crate::cache::CachedRule;
use crate::kernel::{Kernel, KernelError, NewRule, Place, RuleRef, Transaction};
use crate::model::{Counters, Family, Hook, Policy, Rule, TableName, Target};
use nfnetlink::Transport;
use std::collections::HashMap;

/// The steps that make a table what it shall be, in an order that the kernel accepts.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// The family.
    pub family: Family,
    /// The table.
    pub table: TableName,
    /// The steps; none if nothing is to be done.
    pub steps: Vec<Step>,
}

/// One change of a table.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// The table is made, if it is not there.
    CreateTable,
    /// A built-in chain is made, or gets another policy.
    SetPolicy {
        /// Where the chain is.
        hook: Hook,
        /// The policy so far; none if the chain is made.
        old: Option<Policy>,
        /// The new one.
        new: Policy,
        /// What a chain that is made starts counting from.
        counters: Option<Counters>,
    },
    /// A chain is made.
    CreateChain(Box<str>),
    /// A rule is added.
    Insert {
        /// The chain, by its name before the plan.
        chain: Box<str>,
        /// The rule that it is put before; at the chain's end if none.
        before: Option<u64>,
        /// What it does.
        rule: Rule,
    },
    /// A rule comes into the place of another one.
    Replace {
        /// The chain, by its name before the plan.
        chain: Box<str>,
        /// The rule that goes.
        old: CachedRule,
        /// What the new one does.
        rule: Rule,
    },
    /// A rule is deleted.
    Delete {
        /// The chain, by its name before the plan.
        chain: Box<str>,
        /// The rule.
        old: CachedRule,
    },
    /// All rules of a chain are deleted.
    Flush {
        /// The chain, by its name before the plan.
        chain: Box<str>,
        /// The rules.
        old: Vec<CachedRule>,
    },
    /// A chain without rules is deleted.
    DeleteChain {
        /// Its name.
        chain: Box<str>,
        /// The kernel's number for it.
        handle: u64,
    },
    /// A chain gets another name; its rules stay.
    RenameChain {
        /// The name so far.
        old: Box<str>,
        /// The new one.
        new: Box<str>,
        /// The kernel's number for it.
        handle: u64,
    },
    /// The table is deleted with all that is in it.
    DeleteTable,
}

impl Plan {
    /// A plan that changes nothing.
    #[must_use]
    pub const fn nothing(family: Family, table: TableName) -> Self {
        Self { family, table, steps: Vec::new() }
    }

    /// Whether the table is what it shall be.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Writes the steps into a transaction; the tags count them from 1.
    pub fn write<T: Transport>(
        &self,
        transaction: &mut Transaction,
        kernel: &mut Kernel<T>,
    ) -> Result<(), KernelError> {
        // They are the last steps.
        let renamed = self.steps.iter().rev().map_while(|step| match step {
            Step::RenameChain { old, new, .. } => Some((&**new, &**old)),
            _ => None,
        });
        let old_names: HashMap<&str, &str> = renamed.collect();
        for (step, tag) in self.steps.iter().zip(1..) {
            self.write_step(step, tag, &old_names, transaction, kernel)?;
        }
        Ok(())
    }

    /// The step that a tag of the transaction names.
    #[must_use]
    pub fn step(&self, tag: u32) -> Option<&Step> {
        self.steps.get((tag as usize).checked_sub(1)?)
    }

    fn write_step<T: Transport>(
        &self,
        step: &Step,
        tag: u32,
        old_names: &HashMap<&str, &str>,
        transaction: &mut Transaction,
        kernel: &mut Kernel<T>,
    ) -> Result<(), KernelError> {
        let mut table = transaction.table(self.family, self.table);
        let (chain, place, rule) = match step {
            Step::CreateTable => return Ok(table.create(tag)?),
            Step::SetPolicy { hook, new, counters, .. } => {
                return Ok(table.set_builtin(tag, *hook, Some(*new), *counters)?);
            }
            Step::CreateChain(name) => return Ok(table.create_chain(tag, name)?),
            Step::Insert { chain, before, rule } => {
                (chain, before.map_or(Place::Last, |handle| Place::Before(RuleRef::Handle(handle))), rule)
            }
            Step::Replace { chain, old, rule } => {
                let place = old.handle().map_or_else(|| Place::Before(old.at), Place::Instead);
                (chain, place, rule)
            }
            Step::Delete { chain, old } => return Ok(table.delete_rule(tag, chain, old.at)?),
            Step::Flush { chain, .. } => return Ok(table.flush_chain(tag, chain)?),
            Step::DeleteChain { handle, .. } => return Ok(table.delete_chain_by_handle(tag, *handle)?),
            Step::DeleteTable => return Ok(table.delete(tag)?),
            Step::RenameChain { new, handle, .. } => return Ok(table.rename_chain(tag, *handle, new)?),
        };
        // Chains get their new names at the end of the transaction.
        let own = with_old_name(rule, old_names);
        let rule = own.as_ref().unwrap_or(rule);
        table.add_rule(tag, &NewRule { chain, place, id: None, rule }, kernel)
    }
}

/// A rule that calls a chain by the name that it will get.
fn with_old_name(rule: &Rule, old_names: &HashMap<&str, &str>) -> Option<Rule> {
    let (Target::Jump(name) | Target::Goto(name)) = &rule.target else { return None };
    let old = *old_names.get(&**name)?;
    let mut rule = rule.clone();
    if let Target::Jump(name) | Target::Goto(name) = &mut rule.target {
        *name = old.into();
    }
    Some(rule)
}
