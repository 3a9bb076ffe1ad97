//! What descriptions of extensions say, in words, for answers and for manual pages.

use pkttables::model::{Families, Family, Hook, Hooks, TableName, protocol};
use pkttables::registry::{Descriptor, Kind, Param, Require};

/// When the parameter may or must be given.
pub(super) fn conditions(param: &Param) -> Vec<String> {
    let options = |names: &[&str]| format!("--{}", names.join(", --"));
    let mut conditions = Vec::new();
    if param.families != Families::all() {
        conditions
            .push(format!("Only for {}", if param.families.has(Family::Ipv6) { "IPv6" } else { "IPv4" }));
    }
    if param.required {
        conditions.push("It must be given".into());
    }
    if param.repeatable {
        conditions.push("It can be given several times".into());
    }
    if !param.excludes.is_empty() {
        conditions.push(format!("Not together with {}", options(param.excludes)));
    }
    if !param.needs.is_empty() {
        conditions.push(format!("Only together with {}", options(param.needs)));
    }
    if param.hooks != Hooks::all() {
        conditions.push(format!("Only at {}", chains(param.hooks).join(", ")));
    }
    conditions
}

pub(super) const fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Match => "match",
        Kind::Target => "target",
    }
}

pub(super) fn families(of: Families) -> Vec<&'static str> {
    let names = [(Family::Ipv4, "ipv4"), (Family::Ipv6, "ipv6")];
    names.into_iter().filter(|(family, _)| of.has(*family)).map(|(_, name)| name).collect()
}

pub(super) fn tables(extension: &Descriptor) -> Vec<&'static str> {
    let tables = TableName::ALL.into_iter().filter(|table| extension.tables.contains(table.as_set()));
    tables.map(TableName::name).collect()
}

/// The built-in chains of these hooks.
pub(super) fn chains(of: Hooks) -> Vec<&'static str> {
    let hooks = Hook::ALL.into_iter().filter(|hook| of.contains(hook.as_set()));
    hooks.map(Hook::chain).collect()
}

pub(super) fn protocols(extension: &Descriptor) -> Vec<String> {
    extension.protocols.iter().map(|&number| protocol::name(number)).collect()
}

pub(super) fn requirement(require: Require) -> Option<String> {
    match require {
        Require::Any => None,
        Require::AtLeastOne => Some("at least one must be given".into()),
        Require::ExactlyOne => Some("exactly one must be given".into()),
        Require::AtLeastOneOf(names) => {
            Some(format!("at least one of --{} must be given", names.join(", --")))
        }
        Require::ExactlyOneOf(names) => {
            Some(format!("exactly one of --{} must be given", names.join(", --")))
        }
    }
}
