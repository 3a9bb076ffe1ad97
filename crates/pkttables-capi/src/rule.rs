//! A rule: what it says, and where it stands.

use crate::error::pktt_error;
use crate::failure::given;
use crate::ffi::{c_string, give, put};
use crate::guard::{get, handle, value_or};
use crate::names::{FamilyNumber, VerdictNumber, pktt_family, pktt_verdict};
use crate::part::pktt_part;
use pkttables::model::{Counters, Family, Match, Rule, Target};
use pkttables::nft::RuleBody;
use pkttables::registry::{Kind, Scope};
use pkttables::text::save::{CounterStyle, write_append, write_rule};
use std::cell::OnceCell;
use std::ffi::{CString, c_char};
use std::mem::MaybeUninit;
use std::ptr;

/// A rule: conditions, and what happens to packets that meet all of them.
///
/// It is either made by a function that says that it is to be freed with pktt_rule_free, or part of a ruleset. A
/// foreign rule is one that another program wrote and that an iptables has no words for; it has a handle and a
/// readable form, but no parts.
#[derive(Debug)]
pub struct pktt_rule {
    pub(crate) family: Family,
    /// The kernel's number; 0 if it has given none.
    handle: u64,
    body: RuleBody,
    view: OnceCell<View>,
}

/// What is lent out, made when it is asked for first.
#[derive(Debug)]
struct View {
    text: CString,
    header: pktt_part,
    matches: Vec<pktt_part>,
    target: Option<pktt_part>,
}

impl pktt_rule {
    pub(crate) fn new(family: Family, rule: Rule) -> Self {
        Self::of_kernel(family, 0, RuleBody::Known(rule))
    }

    pub(crate) fn of_kernel(family: Family, handle: u64, body: RuleBody) -> Self {
        Self { family, handle, body, view: OnceCell::new() }
    }

    /// The rule; none if it is foreign.
    pub(crate) fn known(&self) -> Option<&Rule> {
        match &self.body {
            RuleBody::Known(rule) => Some(rule),
            RuleBody::Foreign(_) => None,
        }
    }

    /// The rule to be changed; none if it is foreign.
    pub(crate) fn known_mut(&mut self) -> Option<&mut Rule> {
        self.view.take();
        match &mut self.body {
            RuleBody::Known(rule) => Some(rule),
            RuleBody::Foreign(_) => None,
        }
    }

    /// A copy that no kernel has numbered.
    pub(crate) fn copy(&self) -> Self {
        Self::of_kernel(self.family, 0, self.body.clone())
    }

    /// Appends its line of a save file; a foreign one is a comment.
    pub(crate) fn save(&self, out: &mut String, chain: &str, style: CounterStyle) {
        match &self.body {
            RuleBody::Known(rule) => write_append(out, self.family, chain, rule, style),
            RuleBody::Foreign(_) => {
                out.push_str(&format!("# a rule of another program in {chain}, handle {}", self.handle));
            }
        }
        out.push('\n');
    }

    fn view(&self) -> &View {
        self.view.get_or_init(|| match &self.body {
            RuleBody::Known(rule) => View::new(self.family, rule),
            RuleBody::Foreign(foreign) => {
                let scope = Scope { family: self.family, protocol: None };
                View {
                    text: c_string(&foreign.to_string()),
                    header: pktt_part::of_header(&pkttables::model::Header::default(), &scope),
                    matches: Vec::new(),
                    target: None,
                }
            }
        })
    }
}

impl View {
    fn new(family: Family, rule: &Rule) -> Self {
        let scope = Scope { family, protocol: rule.header.protocol };
        let mut text = String::new();
        write_rule(&mut text, family, rule, CounterStyle::Hidden);
        let matches = rule.matches.iter().map(|part| match part {
            Match::Known(instance) => pktt_part::of_instance(&**instance, &scope),
            Match::Opaque(opaque) => pktt_part::of_opaque(Kind::Match, opaque, &scope),
        });
        let target = match &rule.target {
            Target::None => None,
            Target::Verdict(verdict) => Some(pktt_part::of_word(verdict.name(), &scope)),
            Target::Jump(chain) | Target::Goto(chain) => Some(pktt_part::of_word(chain, &scope)),
            Target::Known(instance) => Some(pktt_part::of_instance(&**instance, &scope)),
            Target::Opaque(opaque) => Some(pktt_part::of_opaque(Kind::Target, opaque, &scope)),
        };
        Self {
            text: c_string(text.trim_start()),
            header: pktt_part::of_header(&rule.header, &scope),
            matches: matches.collect(),
            target,
        }
    }
}

/// What a rule does, apart from its conditions.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum pktt_action {
    /// Nothing but counting.
    PKTT_ACTION_NONE = 0,
    /// It ends the walk through the chain: pktt_rule_verdict.
    PKTT_ACTION_VERDICT = 1,
    /// It calls a chain and comes back: the name of pktt_rule_target.
    PKTT_ACTION_JUMP = 2,
    /// It continues in a chain: the name of pktt_rule_target.
    PKTT_ACTION_GOTO = 3,
    /// A target does something: pktt_rule_target.
    PKTT_ACTION_TARGET = 4,
    /// It is foreign.
    PKTT_ACTION_FOREIGN = 5,
}

/// Makes a copy of a rule, wherever it stands. To be freed with pktt_rule_free. NULL for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_rule_copy(
    rule: Option<&pktt_rule>,
    error: Option<&mut pktt_error>,
) -> Option<Box<pktt_rule>> {
    handle(error, || Ok(given(rule, "rule")?.copy()))
}

/// Frees a rule that is not part of a ruleset; NULL is nothing to free.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_rule_free(rule: Option<Box<pktt_rule>>) {
    drop(rule);
}

/// The family; 0 for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_rule_family(rule: Option<&pktt_rule>) -> FamilyNumber {
    rule.map_or(0, |rule| pktt_family::from(rule.family) as u32)
}

/// The number that the kernel gave it; 0 if it was not read from a kernel, or for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_rule_handle(rule: Option<&pktt_rule>) -> u64 {
    rule.map_or(0, |rule| rule.handle)
}

/// What it says, as it is saved, without `-A CHAIN`; empty for a rule that meets all packets and does nothing. For a
/// foreign rule its expressions in a readable form of several lines.
///
/// Lives as long as the rule and is gone when the rule is changed. NULL for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_rule_text(rule: Option<&pktt_rule>) -> *const c_char {
    get(ptr::null(), || rule.map_or(ptr::null(), |rule| rule.view().text.as_ptr()))
}

/// The line of a save file that appends it to `chain`: `-A CHAIN` and what it says, with its counters before if
/// `counters` is true. A foreign rule gives a comment.
///
/// To be freed with pktt_string_free. NULL, with PKTT_ERROR_ARGUMENT, if an argument makes no sense.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_rule_save(
    rule: Option<&pktt_rule>,
    chain: crate::ffi::Text<'_>,
    counters: bool,
    error: Option<&mut pktt_error>,
) -> *mut c_char {
    value_or(error, ptr::null_mut(), || {
        let mut text = String::new();
        let style = if counters { CounterStyle::Before } else { CounterStyle::Hidden };
        given(rule, "rule")?.save(&mut text, chain.get("chain")?, style);
        Ok(give(text.trim_end()))
    })
}

/// What it does; PKTT_ACTION_NONE for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_rule_action(rule: Option<&pktt_rule>) -> pktt_action {
    match rule.map(|rule| rule.known().map(|rule| &rule.target)) {
        None | Some(Some(Target::None)) => pktt_action::PKTT_ACTION_NONE,
        Some(Some(Target::Verdict(_))) => pktt_action::PKTT_ACTION_VERDICT,
        Some(Some(Target::Jump(_))) => pktt_action::PKTT_ACTION_JUMP,
        Some(Some(Target::Goto(_))) => pktt_action::PKTT_ACTION_GOTO,
        Some(Some(Target::Known(_) | Target::Opaque(_))) => pktt_action::PKTT_ACTION_TARGET,
        Some(None) => pktt_action::PKTT_ACTION_FOREIGN,
    }
}

/// The verdict; 0 if it has none, or for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_rule_verdict(rule: Option<&pktt_rule>) -> VerdictNumber {
    match rule.and_then(pktt_rule::known).map(|rule| &rule.target) {
        Some(Target::Verdict(verdict)) => pktt_verdict::from(*verdict) as u32,
        _ => 0,
    }
}

/// What it has counted. False, and nothing told, if nothing is known of that, or for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_rule_counters(
    rule: Option<&pktt_rule>,
    packets: Option<&mut MaybeUninit<u64>>,
    bytes: Option<&mut MaybeUninit<u64>>,
) -> bool {
    tell_counters(rule.and_then(pktt_rule::known).and_then(|rule| rule.counters), packets, bytes)
}

/// Its addresses, interfaces and protocol, as a part with parameters; NULL for NULL.
///
/// Lives as long as the rule and is gone when the rule is changed, as all its parts.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_rule_header(rule: Option<&pktt_rule>) -> Option<&pktt_part> {
    get(None, || rule.map(|rule| &rule.view().header))
}

/// How many matches it has; 0 for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_rule_match_count(rule: Option<&pktt_rule>) -> usize {
    rule.and_then(pktt_rule::known).map_or(0, |rule| rule.matches.len())
}

/// One of its matches, counted from 0; NULL if there are not so many.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_rule_match_at(rule: Option<&pktt_rule>, index: usize) -> Option<&pktt_part> {
    get(None, || rule?.view().matches.get(index))
}

/// Its target: an extension, a verdict, or a chain that is called, which have no parameters. NULL if it has none.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_rule_target(rule: Option<&pktt_rule>) -> Option<&pktt_part> {
    get(None, || rule?.view().target.as_ref())
}

/// Whether two rules have the same conditions and target, whatever they have counted. False if one is NULL.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_rule_does_the_same(rule: Option<&pktt_rule>, other: Option<&pktt_rule>) -> bool {
    get(false, || match (rule, other) {
        (Some(rule), Some(other)) => match (&rule.body, &other.body) {
            (RuleBody::Known(one), RuleBody::Known(two)) => {
                rule.family == other.family && one.does_the_same(two)
            }
            (one, two) => one == two,
        },
        _ => false,
    })
}

/// Writes counters to where the caller wants them; false if there are none.
pub(crate) fn tell_counters(
    counters: Option<Counters>,
    packets: Option<&mut MaybeUninit<u64>>,
    bytes: Option<&mut MaybeUninit<u64>>,
) -> bool {
    let Some(counters) = counters else { return false };
    put(packets, counters.packets);
    put(bytes, counters.bytes);
    true
}
