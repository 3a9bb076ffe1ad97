//! Rulesets changed in memory.

use crate::chain::pktt_chain;
use crate::compose::check_chain_name;
use crate::error::{pktt_error, pktt_status};
use crate::failure::{Failure, given};
use crate::ffi::Text;
use crate::guard::{get, status};
use crate::names::{PolicyNumber, TableNumber, pktt_policy, pktt_table};
use crate::rule::{pktt_rule, pktt_rule_does_the_same};
use crate::ruleset::pktt_ruleset;
use pkttables::model::{Chain, Counters, Policy};

/// Adds a table without chains, unless the ruleset has it.
///
/// PKTT_ERROR_ARGUMENT if an argument makes no sense.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_ruleset_add_table(
    ruleset: Option<&mut pktt_ruleset>,
    table: TableNumber,
    error: Option<&mut pktt_error>,
) -> pktt_status {
    status(error, || {
        given(ruleset, "ruleset")?.table(pktt_table::read(table)?);
        Ok(())
    })
}

/// Takes a table away with all that is in it. Applying the ruleset leaves that table of the kernel alone then.
///
/// PKTT_ERROR_NOT_FOUND if the ruleset does not have it.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_ruleset_remove_table(
    ruleset: Option<&mut pktt_ruleset>,
    table: TableNumber,
    error: Option<&mut pktt_error>,
) -> pktt_status {
    status(error, || {
        let ruleset = given(ruleset, "ruleset")?;
        let table = pktt_table::read(table)?;
        let missing = || Failure::not_found(format!("the ruleset has no table {}", table.name()));
        let place = ruleset.tables.iter().position(|(name, _)| *name == table).ok_or_else(missing)?;
        ruleset.tables.remove(place);
        Ok(())
    })
}

/// Adds a chain without rules to a table, which is added too if need be. A built-in chain accepts until told otherwise.
///
/// PKTT_ERROR_EXISTS if there is one of this name, PKTT_ERROR_ARGUMENT if no chain can have it.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_ruleset_add_chain(
    ruleset: Option<&mut pktt_ruleset>,
    table: TableNumber,
    name: Text<'_>,
    error: Option<&mut pktt_error>,
) -> pktt_status {
    status(error, || {
        let ruleset = given(ruleset, "ruleset")?;
        let (name, family) = (name.get("name")?, ruleset.family);
        check_chain_name(family, name)?;
        let table = pktt_table::read(table)?;
        let policy = table.hook(name).map(|_| Policy::Accept);
        let chains = ruleset.table(table);
        if chains.iter().any(|chain| chain.name() == name) {
            let message = format!("the chain {name} exists already");
            return Err(Failure::new(pktt_status::PKTT_ERROR_EXISTS, message));
        }
        let chain = Chain { name: name.into(), policy, counters: None, rules: Vec::new() };
        chains.push(pktt_chain::new(family, table, chain));
        Ok(())
    })
}

/// Takes a chain away with its rules. Rules that call it are not looked for.
///
/// PKTT_ERROR_NOT_FOUND if there is none of this name.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_ruleset_remove_chain(
    ruleset: Option<&mut pktt_ruleset>,
    table: TableNumber,
    name: Text<'_>,
    error: Option<&mut pktt_error>,
) -> pktt_status {
    status(error, || {
        let ruleset = given(ruleset, "ruleset")?;
        let (table, name) = (pktt_table::read(table)?, name.get("name")?);
        let place = ruleset.chains(table).iter().position(|chain| chain.name() == name);
        let place = place.ok_or_else(|| no_chain(name))?;
        ruleset.table(table).remove(place);
        Ok(())
    })
}

/// Gives a built-in chain a policy.
///
/// PKTT_ERROR_NOT_FOUND if there is no such chain, PKTT_ERROR_ARGUMENT if it is not built-in or `policy` is none.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_ruleset_set_policy(
    ruleset: Option<&mut pktt_ruleset>,
    table: TableNumber,
    chain: Text<'_>,
    policy: PolicyNumber,
    error: Option<&mut pktt_error>,
) -> pktt_status {
    change(ruleset, table, chain, error, |chain| {
        builtin(chain)?.policy = Some(pktt_policy::read(policy)?);
        Ok(())
    })
}

/// Sets what a built-in chain's policy has counted.
///
/// PKTT_ERROR_NOT_FOUND if there is no such chain, PKTT_ERROR_ARGUMENT if it is not built-in.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_ruleset_set_counters(
    ruleset: Option<&mut pktt_ruleset>,
    table: TableNumber,
    chain: Text<'_>,
    packets: u64,
    bytes: u64,
    error: Option<&mut pktt_error>,
) -> pktt_status {
    change(ruleset, table, chain, error, |chain| {
        builtin(chain)?.counters = Some(Counters { packets, bytes });
        Ok(())
    })
}

/// Puts a copy of a rule into a chain, where it gets this number, from 1; 0 puts it behind all others. A rule that is
/// part of this ruleset is copied with pktt_rule_copy first.
///
/// PKTT_ERROR_NOT_FOUND if there is no such chain or place, PKTT_ERROR_ARGUMENT if the rule is of another family.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_ruleset_insert_rule(
    ruleset: Option<&mut pktt_ruleset>,
    table: TableNumber,
    chain: Text<'_>,
    number: usize,
    rule: Option<&pktt_rule>,
    error: Option<&mut pktt_error>,
) -> pktt_status {
    change(ruleset, table, chain, error, |chain| {
        let index = number.checked_sub(1).unwrap_or(chain.rules.len());
        if index > chain.rules.len() {
            return Err(beyond(number));
        }
        chain.rules.insert(index, chain.copy_of(rule)?);
        Ok(())
    })
}

/// Puts a copy of a rule into the place of the one with this number, from 1. A rule that is part of this ruleset is
/// copied with pktt_rule_copy first.
///
/// PKTT_ERROR_NOT_FOUND if there is no such chain or rule, PKTT_ERROR_ARGUMENT if the rule is of another family.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_ruleset_replace_rule(
    ruleset: Option<&mut pktt_ruleset>,
    table: TableNumber,
    chain: Text<'_>,
    number: usize,
    rule: Option<&pktt_rule>,
    error: Option<&mut pktt_error>,
) -> pktt_status {
    change(ruleset, table, chain, error, |chain| {
        let rule = chain.copy_of(rule)?;
        *numbered(chain, number)? = rule;
        Ok(())
    })
}

/// Takes the rule with this number, from 1, out of a chain.
///
/// PKTT_ERROR_NOT_FOUND if there is no such chain or rule.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_ruleset_remove_rule(
    ruleset: Option<&mut pktt_ruleset>,
    table: TableNumber,
    chain: Text<'_>,
    number: usize,
    error: Option<&mut pktt_error>,
) -> pktt_status {
    change(ruleset, table, chain, error, |chain| {
        numbered(chain, number)?;
        chain.rules.remove(number - 1);
        Ok(())
    })
}

/// The number, from 1, of the first rule of a chain that does the same as `rule`; 0 if there is none.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_ruleset_find_rule(
    ruleset: Option<&pktt_ruleset>,
    table: TableNumber,
    chain: Text<'_>,
    rule: Option<&pktt_rule>,
) -> usize {
    get(0, || {
        let chain = crate::ruleset::pktt_ruleset_chain(ruleset, table, chain);
        let rules = chain.map_or(&[][..], |chain| &chain.rules);
        let same = |own: &pktt_rule| pktt_rule_does_the_same(Some(own), rule);
        rules.iter().position(same).map_or(0, |index| index + 1)
    })
}

/// Changes a chain of the ruleset.
fn change(
    ruleset: Option<&mut pktt_ruleset>,
    table: u32,
    chain: Text<'_>,
    error: Option<&mut pktt_error>,
    how: impl FnOnce(&mut pktt_chain) -> Result<(), Failure>,
) -> pktt_status {
    status(error, || {
        let ruleset = given(ruleset, "ruleset")?;
        let (table, name) = (pktt_table::read(table)?, chain.get("chain")?);
        let chains =
            ruleset.tables.iter_mut().filter(|(own, _)| *own == table).flat_map(|(_, chains)| chains);
        let mut found = chains.filter(|chain| chain.name() == name);
        how(found.next().ok_or_else(|| no_chain(name))?)
    })
}

fn builtin(chain: &mut pktt_chain) -> Result<&mut pktt_chain, Failure> {
    if chain.policy.is_none() {
        return Err(Failure::argument(format!("{} is not a built-in chain", chain.name())));
    }
    Ok(chain)
}

/// The rule with this number, from 1.
fn numbered(chain: &mut pktt_chain, number: usize) -> Result<&mut pktt_rule, Failure> {
    let rule = number.checked_sub(1).and_then(|index| chain.rules.get_mut(index));
    rule.ok_or_else(|| beyond(number))
}

fn no_chain(name: &str) -> Failure {
    Failure::not_found(format!("there is no chain {name}"))
}

fn beyond(number: usize) -> Failure {
    Failure::not_found(format!("the chain has no place {number} for this"))
}
