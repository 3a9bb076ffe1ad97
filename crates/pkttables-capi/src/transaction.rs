//! Transactions: edits as iptables makes them, collected and then made all at once.

use crate::compose::check_chain_name;
use crate::error::{pktt_error, pktt_status};
use crate::failure::{Failure, given};
use crate::ffi::Text;
use crate::guard::{handle, status};
use crate::kernel::pktt_kernel;
use crate::link::Link;
use crate::names::{FamilyNumber, PolicyNumber, TableNumber, optional, pktt_family, pktt_policy, pktt_table};
use crate::rule::pktt_rule;
use pkttables::edit::{EditError, Editor, Which};
use pkttables::kernel::KernelError;
use pkttables::model::{Counters, Family, Policy, Rule, TableName};

/// Edits of the tables of one family that a kernel makes all at once or not at all.
///
/// Each edit sees what those before it have done. They are counted from 1, and errors name them by these numbers.
#[derive(Debug)]
pub struct pktt_transaction {
    family: Family,
    edits: Vec<(TableName, Edit)>,
}

#[derive(Debug)]
enum Edit {
    Append(Box<str>, Rule),
    Insert(Box<str>, u32, Rule),
    Delete(Box<str>, Which),
    Replace(Box<str>, u32, Rule),
    FlushChain(Box<str>),
    Flush,
    Clear,
    NewChain(Box<str>),
    RenameChain(Box<str>, Box<str>),
    DeleteChain(Box<str>),
    DeleteChains,
    SetPolicy(Box<str>, Option<Policy>, Option<Counters>),
    SetRuleCounters(Box<str>, u32, Counters),
    ZeroChain(Box<str>),
    Zero,
}

impl Edit {
    fn make(&self, table: TableName, editor: &mut Editor<'_, '_, Link>) -> Result<(), EditError> {
        match self {
            Self::Append(chain, rule) => editor.append(table, chain, rule),
            Self::Insert(chain, number, rule) => editor.insert(table, chain, *number, rule),
            Self::Delete(chain, which) => {
                let number = editor.number_of(table, chain, which)?;
                editor.delete_number(table, chain, number)
            }
            Self::Replace(chain, number, rule) => editor.replace(table, chain, *number, rule),
            Self::FlushChain(chain) => editor.flush_chain(table, chain),
            Self::Flush => editor.flush(table),
            Self::Clear => editor.clear(table),
            Self::NewChain(chain) => editor.new_chain(table, chain),
            Self::RenameChain(chain, name) => editor.rename_chain(table, chain, name),
            Self::DeleteChain(chain) => editor.delete_chain(table, chain),
            Self::DeleteChains => editor.delete_chains(table),
            Self::SetPolicy(chain, policy, counters) => editor.set_policy(table, chain, (*policy, *counters)),
            Self::SetRuleCounters(chain, number, counters) => {
                editor.set_counters(table, chain, *number, *counters)
            }
            Self::ZeroChain(chain) => editor.zero_chain(table, chain),
            Self::Zero => editor.zero(table),
        }
    }
}

/// An edit that cannot be made, by its number; none if it is about all.
struct Refused(u32, EditError);

impl From<KernelError> for Refused {
    fn from(error: KernelError) -> Self {
        Self(0, error.into())
    }
}

impl From<Refused> for Failure {
    fn from(Refused(number, error): Refused) -> Self {
        let mut failure = Self::from(error);
        if number != 0 {
            failure.message = format!("edit {number}: {}", failure.message);
            failure.problems.iter_mut().for_each(|problem| problem.operation = number);
        }
        failure
    }
}

/// Adds an edit.
fn add(
    transaction: Option<&mut pktt_transaction>,
    table: u32,
    error: Option<&mut pktt_error>,
    edit: impl FnOnce(Family) -> Result<Edit, Failure>,
) -> pktt_status {
    status(error, || {
        let transaction = given(transaction, "transaction")?;
        let table = pktt_table::read(table)?;
        transaction.edits.push((table, edit(transaction.family)?));
        Ok(())
    })
}

/// Adds an edit of one chain.
fn add_in(
    transaction: Option<&mut pktt_transaction>,
    table: u32,
    chain: Text<'_>,
    error: Option<&mut pktt_error>,
    edit: impl FnOnce(Family, Box<str>) -> Result<Edit, Failure>,
) -> pktt_status {
    add(transaction, table, error, |family| edit(family, chain.get("chain")?.into()))
}

/// Adds an edit of one chain or, if `chain` is NULL, of all.
fn add_in_any(
    transaction: Option<&mut pktt_transaction>,
    table: u32,
    chain: Text<'_>,
    error: Option<&mut pktt_error>,
    (all, one): (Edit, impl FnOnce(Box<str>) -> Edit),
) -> pktt_status {
    add(transaction, table, error, |_| Ok(chain.optional("chain")?.map_or(all, |chain| one(chain.into()))))
}

/// The name of a chain that is to be made.
fn new_name(name: Text<'_>, family: Family) -> Result<Box<str>, Failure> {
    let name = name.get("name")?;
    check_chain_name(family, name)?;
    Ok(name.into())
}

/// A copy of a rule.
fn rule_of(rule: Option<&pktt_rule>, family: Family) -> Result<Rule, Failure> {
    let rule = given(rule, "rule")?;
    if rule.family != family {
        return Err(Failure::argument("the rule is of another family than the transaction"));
    }
    rule.known().cloned().ok_or_else(|| Failure::argument("a foreign rule cannot be named by what it does"))
}

/// A rule's number, from 1.
fn number_of(number: usize) -> Result<u32, Failure> {
    u32::try_from(number)
        .ok()
        .filter(|number| *number > 0)
        .ok_or_else(|| Failure::argument("rules count from 1"))
}

/// Begins a transaction. To be freed with pktt_transaction_free.
///
/// NULL, with PKTT_ERROR_ARGUMENT, if `family` is no family.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_transaction_new(
    family: FamilyNumber,
    error: Option<&mut pktt_error>,
) -> Option<Box<pktt_transaction>> {
    handle(error, || Ok(pktt_transaction { family: pktt_family::read(family)?, edits: Vec::new() }))
}

/// Frees a transaction, committed or not; NULL is nothing to free.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_transaction_free(transaction: Option<Box<pktt_transaction>>) {
    drop(transaction);
}

/// How many edits it has; 0 for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_transaction_count(transaction: Option<&pktt_transaction>) -> usize {
    transaction.map_or(0, |transaction| transaction.edits.len())
}

/// Makes all edits at once or, with an error, none; again if somebody else's change comes between. The transaction
/// stays as it is and can be committed again.
///
/// PKTT_ERROR_NOT_FOUND or PKTT_ERROR_EXISTS if an edit does not fit the ruleset, PKTT_ERROR_REFUSED if the kernel
/// refuses; `operation` in the problem is then the number of the edit, from 1. PKTT_ERROR_PERMISSION if the caller may
/// not do this.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_kernel_commit(
    kernel: Option<&mut pktt_kernel>,
    transaction: Option<&pktt_transaction>,
    error: Option<&mut pktt_error>,
) -> pktt_status {
    status(error, || {
        let kernel = &mut given(kernel, "kernel")?.kernel;
        let pktt_transaction { family, edits } = given(transaction, "transaction")?;
        kernel.update(|snapshot, transaction| {
            let mut editor = Editor::new(snapshot, transaction, *family, true);
            for ((table, edit), number) in edits.iter().zip(1..) {
                editor.set_tag(number);
                edit.make(*table, &mut editor).map_err(|error| Refused(number, error))?;
            }
            editor.finish();
            Ok::<_, Refused>(())
        })?;
        Ok(())
    })
}

/// Adds a rule at the end of a chain (`-A`). A built-in chain that is missing is made. The rule is copied.
///
/// PKTT_ERROR_ARGUMENT if an argument makes no sense; nothing is added then, as with all edits.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_transaction_append(
    transaction: Option<&mut pktt_transaction>,
    table: TableNumber,
    chain: Text<'_>,
    rule: Option<&pktt_rule>,
    error: Option<&mut pktt_error>,
) -> pktt_status {
    add_in(transaction, table, chain, error, |family, chain| Ok(Edit::Append(chain, rule_of(rule, family)?)))
}

/// Adds a rule that gets this number, from 1; those behind it move on (`-I`). The rule is copied.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_transaction_insert(
    transaction: Option<&mut pktt_transaction>,
    table: TableNumber,
    chain: Text<'_>,
    number: usize,
    rule: Option<&pktt_rule>,
    error: Option<&mut pktt_error>,
) -> pktt_status {
    add_in(transaction, table, chain, error, |family, chain| {
        Ok(Edit::Insert(chain, number_of(number)?, rule_of(rule, family)?))
    })
}

/// Deletes the first rule of a chain that does the same as this one (`-D`).
#[unsafe(no_mangle)]
pub extern "C" fn pktt_transaction_delete(
    transaction: Option<&mut pktt_transaction>,
    table: TableNumber,
    chain: Text<'_>,
    rule: Option<&pktt_rule>,
    error: Option<&mut pktt_error>,
) -> pktt_status {
    add_in(transaction, table, chain, error, |family, chain| {
        Ok(Edit::Delete(chain, Which::Same(rule_of(rule, family)?.into())))
    })
}

/// Deletes the rule with this number, from 1 (`-D CHAIN NUMBER`).
#[unsafe(no_mangle)]
pub extern "C" fn pktt_transaction_delete_number(
    transaction: Option<&mut pktt_transaction>,
    table: TableNumber,
    chain: Text<'_>,
    number: usize,
    error: Option<&mut pktt_error>,
) -> pktt_status {
    add_in(transaction, table, chain, error, |_, chain| {
        Ok(Edit::Delete(chain, Which::Number(number_of(number)?)))
    })
}

/// Deletes the rule with this number of the kernel's (pktt_rule_handle), which may be a foreign one.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_transaction_delete_handle(
    transaction: Option<&mut pktt_transaction>,
    table: TableNumber,
    chain: Text<'_>,
    handle: u64,
    error: Option<&mut pktt_error>,
) -> pktt_status {
    add_in(transaction, table, chain, error, |_, chain| Ok(Edit::Delete(chain, Which::Handle(handle))))
}

/// Puts a rule into the place of the one with this number, from 1 (`-R`). The rule is copied.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_transaction_replace(
    transaction: Option<&mut pktt_transaction>,
    table: TableNumber,
    chain: Text<'_>,
    number: usize,
    rule: Option<&pktt_rule>,
    error: Option<&mut pktt_error>,
) -> pktt_status {
    add_in(transaction, table, chain, error, |family, chain| {
        Ok(Edit::Replace(chain, number_of(number)?, rule_of(rule, family)?))
    })
}

/// Deletes all rules of a chain, or of all chains of the table if `chain` is NULL (`-F`).
#[unsafe(no_mangle)]
pub extern "C" fn pktt_transaction_flush(
    transaction: Option<&mut pktt_transaction>,
    table: TableNumber,
    chain: Text<'_>,
    error: Option<&mut pktt_error>,
) -> pktt_status {
    add_in_any(transaction, table, chain, error, (Edit::Flush, Edit::FlushChain))
}

/// Empties a table: chains, rules, whatever it has. What follows makes it anew; if nothing does, it is gone.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_transaction_clear(
    transaction: Option<&mut pktt_transaction>,
    table: TableNumber,
    error: Option<&mut pktt_error>,
) -> pktt_status {
    add(transaction, table, error, |_| Ok(Edit::Clear))
}

/// Makes a chain (`-N`).
#[unsafe(no_mangle)]
pub extern "C" fn pktt_transaction_new_chain(
    transaction: Option<&mut pktt_transaction>,
    table: TableNumber,
    chain: Text<'_>,
    error: Option<&mut pktt_error>,
) -> pktt_status {
    add(transaction, table, error, |family| Ok(Edit::NewChain(new_name(chain, family)?)))
}

/// Gives a chain that is there before the transaction another name (`-E`).
#[unsafe(no_mangle)]
pub extern "C" fn pktt_transaction_rename_chain(
    transaction: Option<&mut pktt_transaction>,
    table: TableNumber,
    chain: Text<'_>,
    name: Text<'_>,
    error: Option<&mut pktt_error>,
) -> pktt_status {
    add_in(transaction, table, chain, error, |family, chain| {
        Ok(Edit::RenameChain(chain, new_name(name, family)?))
    })
}

/// Deletes a chain without rules, or all chains that are not built-in if `chain` is NULL (`-X`).
#[unsafe(no_mangle)]
pub extern "C" fn pktt_transaction_delete_chain(
    transaction: Option<&mut pktt_transaction>,
    table: TableNumber,
    chain: Text<'_>,
    error: Option<&mut pktt_error>,
) -> pktt_status {
    add_in_any(transaction, table, chain, error, (Edit::DeleteChains, Edit::DeleteChain))
}

/// Gives a built-in chain a policy (`-P`), which makes the chain if it is missing.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_transaction_set_policy(
    transaction: Option<&mut pktt_transaction>,
    table: TableNumber,
    chain: Text<'_>,
    policy: PolicyNumber,
    error: Option<&mut pktt_error>,
) -> pktt_status {
    add_in(transaction, table, chain, error, |_, chain| {
        Ok(Edit::SetPolicy(chain, Some(pktt_policy::read(policy)?), None))
    })
}

/// Sets what the policy of a built-in chain has counted, and with it the policy if that is one of pktt_policy and
/// not 0 (`-P CHAIN POLICY -c PACKETS BYTES`).
#[unsafe(no_mangle)]
pub extern "C" fn pktt_transaction_set_counters(
    transaction: Option<&mut pktt_transaction>,
    table: TableNumber,
    chain: Text<'_>,
    policy: u32,
    packets: u64,
    bytes: u64,
    error: Option<&mut pktt_error>,
) -> pktt_status {
    add_in(transaction, table, chain, error, |_, chain| {
        let policy = optional(policy, pktt_policy::read)?;
        Ok(Edit::SetPolicy(chain, policy, Some(Counters { packets, bytes })))
    })
}

/// Has the rule with this number, from 1, go on counting from here. It is replaced for that: it keeps its handle, but what
/// a match in it remembers, such as the packets of a limit, begins anew.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_transaction_set_rule_counters(
    transaction: Option<&mut pktt_transaction>,
    table: TableNumber,
    chain: Text<'_>,
    number: usize,
    packets: u64,
    bytes: u64,
    error: Option<&mut pktt_error>,
) -> pktt_status {
    add_in(transaction, table, chain, error, |_, chain| {
        Ok(Edit::SetRuleCounters(chain, number_of(number)?, Counters { packets, bytes }))
    })
}

/// Sets what the rules of a chain have counted, and the policy of a built-in one, back to zero, or of all chains of the
/// table if `chain` is NULL (`-Z`). Rules that have counted are replaced for that, as by
/// pktt_transaction_set_rule_counters; pktt_kernel_zero, which is no part of a transaction, replaces none. Foreign rules
/// go on counting.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_transaction_zero(
    transaction: Option<&mut pktt_transaction>,
    table: TableNumber,
    chain: Text<'_>,
    error: Option<&mut pktt_error>,
) -> pktt_status {
    add_in_any(transaction, table, chain, error, (Edit::Zero, Edit::ZeroChain))
}
