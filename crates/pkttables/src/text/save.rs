//! Prints rules, chains and tables as iptables-save does.

use super::opaque::write_opaque;
use crate::domain::write_quoted;
use crate::model::{
    AddressMask, Chain, Counters, Family, InterfacePattern, Match, Negatable, Policy, Rule, Ruleset, Table,
    Target, protocol,
};
use crate::registry::{Domain, Instance, Scope, Sink, WriteValue};
use std::fmt::Write as _;

/// How a rule's counters are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CounterStyle {
    /// Not at all.
    #[default]
    Hidden,
    /// `[PACKETS:BYTES] -A …`, as `iptables-save -c` does.
    Before,
    /// `-c PACKETS BYTES` before the target, as `iptables -v -S` does.
    Option,
}

/// Appends all tables.
pub fn write_ruleset(out: &mut String, ruleset: &Ruleset, style: CounterStyle) {
    for table in &ruleset.tables {
        write_table(out, ruleset.family, table, style);
    }
}

/// Appends a table from `*name` to `COMMIT`.
pub fn write_table(out: &mut String, family: Family, table: &Table, style: CounterStyle) {
    let _ = writeln!(out, "*{}", table.name.name());
    for chain in &table.chains {
        write_chain(out, chain);
    }
    for chain in &table.chains {
        for rule in &chain.rules {
            write_append(out, family, &chain.name, rule, style);
            out.push('\n');
        }
    }
    out.push_str("COMMIT\n");
}

/// Appends a chain's own line: name, policy and counters.
pub fn write_chain(out: &mut String, chain: &Chain) {
    let Counters { packets, bytes } = chain.counters.unwrap_or_default();
    let _ = writeln!(out, ":{} {} [{packets}:{bytes}]", chain.name, policy_name(chain.policy));
}

/// Appends `-A CHAIN` and the rule, without a newline.
pub fn write_append(out: &mut String, family: Family, chain: &str, rule: &Rule, style: CounterStyle) {
    if style == CounterStyle::Before {
        let Counters { packets, bytes } = rule.counters.unwrap_or_default();
        let _ = write!(out, "[{packets}:{bytes}] ");
    }
    out.push_str("-A ");
    write_name(out, chain);
    write_rule(out, family, rule, style);
}

/// Appends what follows the chain: each part with a space before it.
pub fn write_rule(out: &mut String, family: Family, rule: &Rule, style: CounterStyle) {
    let header = &rule.header;
    write_address(out, 's', header.source);
    write_address(out, 'd', header.destination);
    write_interface(out, 'i', header.in_interface);
    write_interface(out, 'o', header.out_interface);
    if let Some(Negatable { value, not }) = header.protocol {
        out.push_str(if not { " ! -p " } else { " -p " });
        match protocol::known_name(value) {
            Some(name) => out.push_str(name),
            None => write_small(out, value),
        }
    }
    if let Some(fragment) = header.fragment {
        out.push_str(if fragment.not { " ! -f" } else { " -f" });
    }
    let scope = Scope { family, protocol: header.protocol };
    for part in &rule.matches {
        out.push_str(" -m ");
        match part {
            Match::Known(instance) => write_extension(out, &**instance, &scope),
            Match::Opaque(opaque) => write_opaque(out, opaque),
        }
    }
    if style == CounterStyle::Option {
        let Counters { packets, bytes } = rule.counters.unwrap_or_default();
        let _ = write!(out, " -c {packets} {bytes}");
    }
    match &rule.target {
        Target::None => {}
        Target::Verdict(verdict) => write_named(out, " -j ", verdict.name()),
        Target::Jump(chain) => write_named(out, " -j ", chain),
        Target::Goto(chain) => write_named(out, " -g ", chain),
        Target::Known(instance) => {
            out.push_str(" -j ");
            write_extension(out, &**instance, &scope);
        }
        Target::Opaque(opaque) => {
            out.push_str(" -j ");
            write_opaque(out, opaque);
        }
    }
}

/// Appends an extension's name and its options.
pub fn write_extension(out: &mut String, instance: &dyn Instance, scope: &Scope) {
    out.push_str(instance.descriptor().name);
    instance.params(&mut Options { out, scope });
}

/// Writes each parameter as an option.
struct Options<'a> {
    out: &'a mut String,
    scope: &'a Scope,
}

impl Sink for Options<'_> {
    fn param(&mut self, name: &'static str, not: bool, value: &dyn WriteValue) {
        self.out.push_str(if not { " ! --" } else { " --" });
        self.out.push_str(name);
        if !matches!(value.domain(), Domain::Nothing) {
            self.out.push(' ');
            value.write_value(self.out, self.scope);
        }
    }
}

fn write_address(out: &mut String, letter: char, address: Option<Negatable<AddressMask>>) {
    if let Some(Negatable { value, not }) = address {
        out.push_str(if not { " ! -" } else { " -" });
        out.push(letter);
        out.push(' ');
        match (value, value.prefix_len()) {
            (AddressMask::V4 { address, .. }, Some(bits)) => {
                for (place, octet) in address.octets().into_iter().enumerate() {
                    if place > 0 {
                        out.push('.');
                    }
                    write_small(out, octet);
                }
                out.push('/');
                write_small(out, bits);
            }
            _ => {
                let _ = write!(out, "{value}");
            }
        }
    }
}

/// Appends a small number; an address has five of them, for which formatting in the usual way takes long.
fn write_small(out: &mut String, number: u8) {
    let digit = |number: u8| char::from(b'0' + number % 10);
    if number >= 100 {
        out.push(digit(number / 100));
    }
    if number >= 10 {
        out.push(digit(number / 10));
    }
    out.push(digit(number));
}

fn write_interface(out: &mut String, letter: char, interface: Option<Negatable<InterfacePattern>>) {
    let Some(Negatable { value, not }) = interface else {
        return;
    };
    out.push_str(if not { " ! -" } else { " -" });
    out.push(letter);
    out.push(' ');
    match std::str::from_utf8(value.name()) {
        Ok(name) => out.push_str(name),
        Err(_) => out.push_str(&String::from_utf8_lossy(value.name())),
    }
    if value.is_prefix() {
        out.push('+');
    }
}

fn write_named(out: &mut String, option: &str, name: &str) {
    out.push_str(option);
    write_name(out, name);
}

/// Appends a chain's name, quoted if it could not be read back otherwise.
fn write_name(out: &mut String, name: &str) {
    if name.contains([' ', '\t', '"']) {
        write_quoted(out, name);
    } else {
        out.push_str(name);
    }
}

const fn policy_name(policy: Option<Policy>) -> &'static str {
    match policy {
        Some(policy) => policy.name(),
        None => "-",
    }
}
