//! Rules put together: from words, or parameter by parameter.

use crate::error::{pktt_error, pktt_status};
use crate::failure::{Failure, given};
use crate::ffi::{Text, Words};
use crate::guard::{handle, status};
use crate::names::{FamilyNumber, KindNumber, VerdictNumber, pktt_family, pktt_kind, pktt_verdict};
use crate::rule::pktt_rule;
use pkttables::model::{Counters, Family, Header, Match, Rule, Target};
use pkttables::registry::{Builder, Kind, Registry, RuleScope, Scope};
use pkttables::text::{Command, Parser, Words as Line};

/// A match or target that is being put together.
#[derive(Debug)]
pub struct pktt_builder {
    family: Family,
    builder: Builder,
}

/// What is put before a rule's words to make a command of them.
const COMMAND: &str = "-A - ";

/// Reads a rule; errors tell places as if nothing had been put before its words.
fn read(family: Family, line: &Line) -> Result<Rule, Failure> {
    let mut parser = Parser::new(family, Registry::builtin());
    let invocation = parser.command_line(line).map_err(|mut error| {
        error.source = error.source.strip_prefix(COMMAND).unwrap_or(&error.source).into();
        error.offset = error.offset.saturating_sub(COMMAND.len());
        error
    })?;
    match invocation.command {
        Command::Append { rules, .. } if rules.len() == 1 => Ok(rules.into_first()),
        Command::Append { .. } => Err(Failure::argument("several addresses make several rules, not one")),
        _ => Err(Failure::argument("these words are a command, not a rule")),
    }
}

/// Reads words that the shell has split, or a program put together.
fn read_words(family: Family, words: &[&str]) -> Result<Rule, Failure> {
    let mut line = Line::new();
    line.read_args(&[&["-A", "-"], words].concat());
    read(family, &line)
}

/// Makes a rule that meets all packets and does nothing but count. To be freed with pktt_rule_free.
///
/// NULL, with PKTT_ERROR_ARGUMENT, if `family` is no family.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_rule_new(
    family: FamilyNumber,
    error: Option<&mut pktt_error>,
) -> Option<Box<pktt_rule>> {
    handle(error, || Ok(pktt_rule::new(pktt_family::read(family)?, Rule::default())))
}

/// Reads a rule from a line, as it stands in a save file behind `-A CHAIN`, such as
/// `-s 10.0.0.0/8 -p tcp --dport 22 -j ACCEPT`. Words with blanks stand in quotes.
///
/// To be freed with pktt_rule_free. NULL, with PKTT_ERROR_SYNTAX and the column, if it makes no sense.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_rule_parse(
    family: FamilyNumber,
    text: Text<'_>,
    error: Option<&mut pktt_error>,
) -> Option<Box<pktt_rule>> {
    handle(error, || {
        let family = pktt_family::read(family)?;
        let mut line = Line::new();
        line.read_line(&format!("{COMMAND}{}", text.get("text")?), 0).map_err(Failure::argument)?;
        Ok(pktt_rule::new(family, read(family, &line)?))
    })
}

/// Reads a rule from words, such as the arguments of a program, as they stand behind `-A CHAIN`. `words` are `count`
/// of them.
///
/// To be freed with pktt_rule_free. NULL, with PKTT_ERROR_SYNTAX, if they make no sense.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_rule_from_words(
    family: FamilyNumber,
    words: Words<'_>,
    count: usize,
    error: Option<&mut pktt_error>,
) -> Option<Box<pktt_rule>> {
    handle(error, || {
        let family = pktt_family::read(family)?;
        Ok(pktt_rule::new(family, read_words(family, &words.get(count, "words")?)?))
    })
}

/// Sets one of the conditions that need no match: `source`, `destination`, `in-interface`, `out-interface`,
/// `protocol`, or for IPv4 `fragment`, which takes no value (NULL). It replaces what was set before. `negated` puts
/// `!` before it.
///
/// PKTT_ERROR_SYNTAX if the value makes no sense, PKTT_ERROR_NOT_FOUND if there is no such condition; the rule is
/// unchanged then.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_rule_set_header(
    rule: Option<&mut pktt_rule>,
    name: Text<'_>,
    value: Text<'_>,
    negated: bool,
    error: Option<&mut pktt_error>,
) -> pktt_status {
    status(error, || {
        let rule = given(rule, "rule")?;
        let name = name.get("name")?;
        let option = format!("--{name}");
        let mut words = if negated { vec!["!"] } else { Vec::new() };
        words.push(if name == "fragment" { "-f" } else { &option });
        words.extend(value.optional("value")?);
        let set: fn(&mut Header, Header) = match name {
            "source" => |header, read| header.source = read.source,
            "destination" => |header, read| header.destination = read.destination,
            "in-interface" => |header, read| header.in_interface = read.in_interface,
            "out-interface" => |header, read| header.out_interface = read.out_interface,
            "protocol" => |header, read| header.protocol = read.protocol,
            "fragment" => |header, read| header.fragment = read.fragment,
            _ => return Err(Failure::not_found(format!("a rule has no condition called {name}"))),
        };
        // The words may be lent by this very rule, so they are read before it is changed.
        let read = read_words(rule.family, &words)?.header;
        set(&mut changed(rule)?.header, read);
        Ok(())
    })
}

/// Sets what the rule has counted, which it starts from when it is added to a kernel's ruleset.
///
/// PKTT_ERROR_ARGUMENT if `rule` is NULL or foreign.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_rule_set_counters(
    rule: Option<&mut pktt_rule>,
    packets: u64,
    bytes: u64,
    error: Option<&mut pktt_error>,
) -> pktt_status {
    set(rule, error, |rule| rule.counters = Some(Counters { packets, bytes }))
}

/// Makes a verdict the target, instead of what was before.
///
/// PKTT_ERROR_ARGUMENT if `verdict` is none, or `rule` is NULL or foreign.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_rule_set_verdict(
    rule: Option<&mut pktt_rule>,
    verdict: VerdictNumber,
    error: Option<&mut pktt_error>,
) -> pktt_status {
    status(error, || {
        let verdict = pktt_verdict::read(verdict)?;
        changed(given(rule, "rule")?)?.target = Target::Verdict(verdict);
        Ok(())
    })
}

/// Has the rule call a chain, instead of what was before; with `comes_back` false the walk goes on there for good
/// (`-g`).
///
/// PKTT_ERROR_ARGUMENT if `chain` cannot be a chain's name, or `rule` is NULL or foreign.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_rule_set_jump(
    rule: Option<&mut pktt_rule>,
    chain: Text<'_>,
    comes_back: bool,
    error: Option<&mut pktt_error>,
) -> pktt_status {
    status(error, || {
        let rule = given(rule, "rule")?;
        let chain = chain.get("chain")?;
        check_chain_name(rule.family, chain)?;
        changed(rule)?.target =
            if comes_back { Target::Jump(chain.into()) } else { Target::Goto(chain.into()) };
        Ok(())
    })
}

/// Takes the target away, so that the rule only counts.
///
/// PKTT_ERROR_ARGUMENT if `rule` is NULL or foreign.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_rule_remove_target(
    rule: Option<&mut pktt_rule>,
    error: Option<&mut pktt_error>,
) -> pktt_status {
    set(rule, error, |rule| rule.target = Target::None)
}

/// Takes one of the matches away, counted from 0.
///
/// PKTT_ERROR_NOT_FOUND if there are not so many; PKTT_ERROR_ARGUMENT if `rule` is NULL or foreign.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_rule_remove_match(
    rule: Option<&mut pktt_rule>,
    index: usize,
    error: Option<&mut pktt_error>,
) -> pktt_status {
    status(error, || {
        let matches = &mut changed(given(rule, "rule")?)?.matches;
        if index >= matches.len() {
            return Err(Failure::not_found(format!("the rule has no match {index}")));
        }
        matches.remove(index);
        Ok(())
    })
}

/// Begins to put a match or target together, with every parameter at its default.
///
/// It goes into a rule with pktt_rule_add, or is freed with pktt_builder_free. NULL, with PKTT_ERROR_NOT_FOUND or
/// PKTT_ERROR_ARGUMENT, if there is no such extension.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_builder_new(
    kind: KindNumber,
    name: Text<'_>,
    family: FamilyNumber,
    error: Option<&mut pktt_error>,
) -> Option<Box<pktt_builder>> {
    handle(error, || {
        let (kind, name, family) = (pktt_kind::read(kind)?, name.get("name")?, pktt_family::read(family)?);
        let missing = || Failure::not_found(format!("there is no extension called {name}"));
        let descriptor = Registry::builtin().find(kind, name, family).ok_or_else(missing)?;
        Ok(pktt_builder { family, builder: Builder::new(descriptor) })
    })
}

/// Sets a parameter, by its name without dashes; several words are one value with a space between them, and a
/// parameter that takes no value takes NULL. `negated` puts `!` before it. `protocol` is the transport protocol that
/// the rule will name, on which some values depend, and 0 if it names none.
///
/// PKTT_ERROR_VALUE if it is refused, PKTT_ERROR_NOT_FOUND if there is no such parameter; nothing is set then.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_builder_set(
    builder: Option<&mut pktt_builder>,
    name: Text<'_>,
    value: Text<'_>,
    negated: bool,
    protocol: u8,
    error: Option<&mut pktt_error>,
) -> pktt_status {
    status(error, || {
        let pktt_builder { family, builder } = given(builder, "builder")?;
        let name = name.get("name")?;
        let descriptor = builder.descriptor();
        let missing = || Failure::not_found(format!("{} has no parameter called {name}", descriptor.name));
        let param = descriptor.param(name, *family).ok_or_else(missing)?;
        let protocol = pkttables::model::Negatable { value: protocol, not: false };
        let scope = Scope { family: *family, protocol: (protocol.value != 0).then_some(protocol) };
        let value = value.optional("value")?.unwrap_or_default();
        Ok(builder.set(param, value, negated, &scope)?)
    })
}

/// Frees a builder that did not go into a rule; NULL is nothing to free.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_builder_free(builder: Option<Box<pktt_builder>>) {
    drop(builder);
}

/// Adds what was put together to a rule: a match behind the others, a target instead of what was before. It is checked
/// against the rule's header, which is to be set before. Where the kernel's form does not tell two matches from one, as
/// with the ports of tcp, the match becomes a part of the one before.
///
/// The builder is freed, whether it works or not. PKTT_ERROR_VALUE if a parameter is missing or the rule does not suit
/// the extension; PKTT_ERROR_ARGUMENT if the rule is foreign or of another family. The rule is unchanged then.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_rule_add(
    rule: Option<&mut pktt_rule>,
    builder: Option<Box<pktt_builder>>,
    error: Option<&mut pktt_error>,
) -> pktt_status {
    status(error, || {
        let rule = given(rule, "rule")?;
        let pktt_builder { family, builder } = *given(builder, "builder")?;
        if rule.family != family {
            return Err(Failure::argument("the extension is of another family than the rule"));
        }
        let known = changed(rule)?;
        let scope = RuleScope { family, table: None, chain: None, header: &known.header };
        let kind = builder.descriptor().kind;
        let instance = builder.finish(&scope)?;
        match kind {
            Kind::Match => known.add_match(Match::Known(instance)),
            Kind::Target => known.target = Target::Known(instance),
        }
        Ok(())
    })
}

/// Why a chain cannot have this name, if it cannot.
pub(crate) fn check_chain_name(family: Family, name: &str) -> Result<(), Failure> {
    let problem = Parser::new(family, Registry::builtin()).chain_name_problem(name);
    problem.map_or(Ok(()), |problem| Err(Failure::argument(problem)))
}

/// The rule, to be changed.
fn changed(rule: &mut pktt_rule) -> Result<&mut Rule, Failure> {
    rule.known_mut().ok_or_else(|| Failure::argument("a foreign rule cannot be changed"))
}

fn set(
    rule: Option<&mut pktt_rule>,
    error: Option<&mut pktt_error>,
    change: impl FnOnce(&mut Rule),
) -> pktt_status {
    status(error, || {
        change(changed(given(rule, "rule")?)?);
        Ok(())
    })
}
