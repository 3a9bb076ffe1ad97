//! A chain of a ruleset.

use crate::failure::{Failure, given};
use crate::ffi::c_string;
use crate::guard::get;
use crate::names::{HookNumber, PolicyNumber, pktt_hook, pktt_policy};
use crate::rule::{pktt_rule, tell_counters};
use pkttables::kernel::{ChainEntry, ChainKind};
use pkttables::model::{Chain, Counters, Family, Hook, Policy, TableName};
use std::ffi::{CString, c_char};
use std::mem::MaybeUninit;
use std::ptr;

/// A chain of a ruleset: rules that a packet meets one after another.
#[derive(Debug)]
pub struct pktt_chain {
    family: Family,
    name: CString,
    /// The kernel's number; 0 if it has given none.
    handle: u64,
    hook: Option<Hook>,
    pub(crate) policy: Option<Policy>,
    pub(crate) counters: Option<Counters>,
    foreign: bool,
    pub(crate) rules: Vec<pktt_rule>,
}

impl pktt_chain {
    pub(crate) fn new(family: Family, table: TableName, chain: Chain) -> Self {
        Self {
            family,
            name: c_string(&chain.name),
            handle: 0,
            hook: table.hook(&chain.name),
            policy: chain.policy,
            counters: chain.counters,
            foreign: false,
            rules: chain.rules.into_iter().map(|rule| pktt_rule::new(family, rule)).collect(),
        }
    }

    /// A chain as the kernel has it, without its rules.
    pub(crate) fn of_kernel(family: Family, entry: &ChainEntry) -> Self {
        let (hook, policy, counters) = match entry.kind {
            ChainKind::Builtin { hook, policy, counters } => (Some(hook), Some(policy), counters),
            ChainKind::User | ChainKind::Foreign(_) => (None, None, None),
        };
        Self {
            family,
            name: c_string(&entry.name),
            handle: entry.handle,
            hook,
            policy,
            counters,
            foreign: entry.is_foreign(),
            rules: Vec::new(),
        }
    }

    pub(crate) fn name(&self) -> &str {
        self.name.to_str().unwrap_or_default()
    }

    /// A copy of a rule that is to come into the chain.
    pub(crate) fn copy_of(&self, rule: Option<&pktt_rule>) -> Result<pktt_rule, Failure> {
        let rule = given(rule, "rule")?;
        if rule.family != self.family {
            return Err(Failure::argument("the rule is of another family than the ruleset"));
        }
        Ok(rule.copy())
    }

    pub(crate) const fn is_foreign(&self) -> bool {
        self.foreign
    }

    /// The chain without its rules.
    pub(crate) fn declaration(&self) -> Chain {
        Chain { name: self.name().into(), policy: self.policy, counters: self.counters, rules: Vec::new() }
    }

    /// The chain with those of its rules that are not foreign.
    pub(crate) fn model(&self) -> Chain {
        Chain {
            rules: self.rules.iter().filter_map(pktt_rule::known).cloned().collect(),
            ..self.declaration()
        }
    }
}

/// The name; NULL for NULL. Lives as long as the chain.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_chain_name(chain: Option<&pktt_chain>) -> *const c_char {
    chain.map_or(ptr::null(), |chain| chain.name.as_ptr())
}

/// The number that the kernel gave it; 0 if it was not read from a kernel, or for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_chain_handle(chain: Option<&pktt_chain>) -> u64 {
    chain.map_or(0, |chain| chain.handle)
}

/// The hook that calls it; 0 if it is no built-in chain, or for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_chain_hook(chain: Option<&pktt_chain>) -> HookNumber {
    chain.and_then(|chain| chain.hook).map_or(0, |hook| pktt_hook::from(hook) as u32)
}

/// What happens to packets that reach its end; 0 if it is no built-in chain, or for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_chain_policy(chain: Option<&pktt_chain>) -> PolicyNumber {
    chain.and_then(|chain| chain.policy).map_or(0, |policy| pktt_policy::from(policy) as u32)
}

/// What its policy has counted. False, and nothing told, if nothing is known of that, or for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_chain_counters(
    chain: Option<&pktt_chain>,
    packets: Option<&mut MaybeUninit<u64>>,
    bytes: Option<&mut MaybeUninit<u64>>,
) -> bool {
    tell_counters(chain.and_then(|chain| chain.counters), packets, bytes)
}

/// Whether another program made it in a way that an iptables has no place for; its rules are not read then.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_chain_is_foreign(chain: Option<&pktt_chain>) -> bool {
    chain.is_some_and(pktt_chain::is_foreign)
}

/// How many rules it has; 0 for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_chain_rule_count(chain: Option<&pktt_chain>) -> usize {
    chain.map_or(0, |chain| chain.rules.len())
}

/// One of its rules, counted from 0; NULL if there are not so many. Lives until the ruleset is changed or freed.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_chain_rule_at(chain: Option<&pktt_chain>, index: usize) -> Option<&pktt_rule> {
    get(None, || chain?.rules.get(index))
}
