//! Why rules did not match: the first condition that failed, and what the packet has instead.

use crate::program::{Compiled, Condition};
use crate::walk::{Place, World, context};
use pkttables::model::{AddressMask, Family, Header, Match, Negatable, protocol};
use pkttables::packet::{InterfaceName, Packet};
use pkttables::registry::{Context, Instance, Outcome, Scope, Shared, Sink, Slot, Value as _, WriteValue};
use std::fmt;
use std::net::IpAddr;

/// The condition of a rule that a packet does not meet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// The condition as it stands in the rule: `-s 192.168.0.0/16`, `--dport 22`.
    pub condition: String,
    /// What the packet has instead, in words; `None` if the extension does not tell.
    pub found: Option<String>,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.found {
            Some(found) => write!(f, "{}: {found}", self.condition),
            None => write!(f, "{}: does not hold", self.condition),
        }
    }
}

/// The first condition that fails; `failed` is the place of the match which did, if it was one.
pub(crate) fn reason(
    rule: &mut Compiled,
    failed: usize,
    packet: &Packet<'_>,
    at: Place,
    world: &mut World<'_>,
) -> Reason {
    if let Some(reason) = of_header(&rule.header, packet) {
        return reason;
    }
    match rule.matches.get_mut(failed) {
        Some(Condition { test: Match::Known(instance), own }) => {
            of_match(&**instance, own, &rule.header, packet, at, world)
        }
        Some(Condition { test: Match::Opaque(opaque), .. }) => {
            Reason { condition: format!("-m {}", opaque.name), found: None }
        }
        None => Reason { condition: String::new(), found: None },
    }
}

/// Whether a match holds that stands alone and remembers nothing.
fn holds(instance: &dyn Instance, packet: &Packet<'_>, at: Place, world: &mut World<'_>) -> bool {
    let mut context = Context {
        table: at.table,
        hook: at.hook,
        backend: world.backend,
        environment: world.environment,
        connections: world.connections,
        own: &mut Slot::default(),
        shared: &mut Shared::default(),
        edits: &mut Vec::new(),
    };
    instance.matches(packet, &mut context) == Outcome::Match
}

fn of_header(header: &Header, packet: &Packet<'_>) -> Option<Reason> {
    let layout = &packet.layout;
    address("-s", header.source, layout.source, "source address")
        .or_else(|| address("-d", header.destination, layout.destination, "destination address"))
        .or_else(|| {
            let wanted = header.in_interface?;
            let met = wanted.value.fits(packet.meta.input) != wanted.not;
            (!met).then(|| interface("-i", wanted.not, &wanted.value, packet.meta.input, "it came in by"))
        })
        .or_else(|| {
            let wanted = header.out_interface?;
            let met = wanted.value.fits(packet.meta.output) != wanted.not;
            (!met).then(|| interface("-o", wanted.not, &wanted.value, packet.meta.output, "it goes out by"))
        })
        .or_else(|| {
            let wanted = header.protocol?;
            let met = layout.protocol.is_some_and(|number| (number == wanted.value) != wanted.not);
            (!met).then(|| Reason {
                condition: format!("{}-p {}", bang(wanted.not), protocol::name(wanted.value)),
                found: Some(match layout.protocol {
                    Some(number) => format!("the protocol is {}", protocol::name(number)),
                    None => "the protocol cannot be found".into(),
                }),
            })
        })
        .or_else(|| {
            let wanted = header.fragment?;
            let later = layout.fragment.offset != 0;
            (later == wanted.not).then(|| Reason {
                condition: format!("{}-f", bang(wanted.not)),
                found: Some(match later {
                    true => format!("it is a fragment, from byte {} on", layout.fragment.offset),
                    false => "it is no second or further fragment".into(),
                }),
            })
        })
}

const fn bang(not: bool) -> &'static str {
    if not { "! " } else { "" }
}

fn address(
    option: &str,
    wanted: Option<Negatable<AddressMask>>,
    found: IpAddr,
    what: &str,
) -> Option<Reason> {
    let wanted = wanted?;
    if wanted.value.contains(found) != wanted.not {
        return None;
    }
    let mut text = String::new();
    let family = if found.is_ipv4() { Family::Ipv4 } else { Family::Ipv6 };
    wanted.value.write(&mut text, &Scope { family, protocol: None });
    let condition = format!("{}{option} {text}", bang(wanted.not));
    Some(Reason { condition, found: Some(format!("the {what} is {found}")) })
}

fn interface(
    option: &str,
    not: bool,
    wanted: &dyn fmt::Debug,
    found: Option<InterfaceName>,
    what: &str,
) -> Reason {
    let found = match found {
        Some(name) => format!("{what} {name}"),
        None => format!("{what} no interface"),
    };
    Reason { condition: format!("{}{option} {wanted:?}", bang(not)), found: Some(found) }
}

/// A parameter as it is printed.
struct Printed {
    name: &'static str,
    not: bool,
    text: String,
}

struct Printer {
    printed: Vec<Printed>,
    scope: Scope,
}

impl Sink for Printer {
    fn param(&mut self, name: &'static str, not: bool, value: &dyn WriteValue) {
        let mut text = String::new();
        value.write_value(&mut text, &self.scope);
        self.printed.push(Printed { name, not, text });
    }
}

impl fmt::Display for Printed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let separator = if self.text.is_empty() { "" } else { " " };
        write!(f, "{}--{}{separator}{}", bang(self.not), self.name, self.text)
    }
}

/// Of an extension the parameter that fails when it stands alone, if the packet's value for it is known.
fn of_match(
    instance: &dyn Instance,
    own: &mut Slot,
    header: &Header,
    packet: &Packet<'_>,
    at: Place,
    world: &mut World<'_>,
) -> Reason {
    let family = packet.family();
    let scope = Scope { family, protocol: header.protocol };
    let mut printer = Printer { printed: Vec::new(), scope };
    instance.params(&mut printer);
    let descriptor = instance.descriptor();
    let alone = printer.printed.len() == 1;
    for printed in &printer.printed {
        let Some(param) = descriptor.param(printed.name, family) else { continue };
        let Some(sees) = param.sees else { continue };
        let fails = alone || {
            let mut probe = descriptor.instance();
            let set = param.set(&mut *probe, &printed.text, printed.not, &scope);
            set.is_ok() && !holds(&*probe, packet, at, world)
        };
        if fails {
            return Reason { condition: printed.to_string(), found: sees(packet) };
        }
    }
    let mut condition = format!("-m {}", descriptor.name);
    for printed in &printer.printed {
        condition.push(' ');
        condition.push_str(&printed.to_string());
    }
    let found = instance.found(packet, &mut context(at, world, own));
    Reason { condition, found }
}
