//! The reference of all extensions, `docs/extensions.md`, is made from what they say about themselves.
//!
//! `UPDATE_DOCS=1 cargo test -p pkttables --test reference` writes it anew.

use pkttables::model::{Families, Family, Hook, Hooks, TableName, Tables, protocol};
use pkttables::registry::{Choice, Descriptor, Domain, Kind, Param, Registry, Require};
use std::collections::BTreeSet;
use std::fmt::Write as _;

const INTRODUCTION: &str = "\
# Matches and targets

Every extension that the library knows, generated from the descriptions in the code: `UPDATE_DOCS=1 cargo test -p \
pkttables --test reference` writes this file anew. `iptables2 query` answers the same questions on the command line, \
and tells what the running kernel has.
";

fn reference() -> String {
    let mut out = String::from(INTRODUCTION);
    for (kind, title) in [(Kind::Match, "Matches"), (Kind::Target, "Targets")] {
        let mut all: Vec<&Descriptor> =
            Registry::builtin().all().iter().copied().filter(|descriptor| descriptor.kind == kind).collect();
        all.sort_by_key(|descriptor| descriptor.name);
        let _ = writeln!(out, "\n## {title}\n");
        for descriptor in &all {
            let _ = writeln!(
                out,
                "- [`{0}`](#{1}): {2}",
                descriptor.name,
                anchor(descriptor),
                cell(&descriptor.help.summary())
            );
        }
        all.iter().for_each(|descriptor| extension(&mut out, descriptor));
    }
    out
}

fn title(descriptor: &Descriptor) -> String {
    let kind = if descriptor.kind == Kind::Match { "match" } else { "target" };
    match families(descriptor.families) {
        "" => format!("{kind} {}", descriptor.name),
        family => format!("{kind} {} ({family})", descriptor.name),
    }
}

/// As GitHub makes it of a heading.
fn anchor(descriptor: &Descriptor) -> String {
    let title = title(descriptor).to_lowercase().replace(' ', "-");
    title.chars().filter(|character| character.is_alphanumeric() || *character == '-').collect()
}

fn extension(out: &mut String, descriptor: &Descriptor) {
    let _ = writeln!(out, "\n### {}\n\n{}\n", title(descriptor), descriptor.help.text());
    let mut fact = |name: &str, text: String| {
        if !text.is_empty() {
            let _ = writeln!(out, "- {name}: {text}");
        }
    };
    fact("also called", code(descriptor.aliases));
    fact("tables", tables(descriptor.tables));
    fact("reached from", hooks(descriptor.hooks));
    let protocols: Vec<String> = descriptor.protocols.iter().map(|&number| protocol::name(number)).collect();
    fact("needs `-p` with", code(&protocols));
    let revisions: BTreeSet<u8> = Family::ALL
        .into_iter()
        .flat_map(|family| descriptor.revisions(family).map(|revision| revision.number).collect::<Vec<_>>())
        .collect();
    let revisions: Vec<String> = revisions.iter().map(u8::to_string).collect();
    let own = descriptor.own_layouts.iter().map(|layout| layout.revision.to_string());
    let own: Vec<String> = own.collect();
    let own = match own.is_empty() {
        true => String::new(),
        false => format!("; read also as `{}`, revisions {}", descriptor.name, own.join(", ")),
    };
    fact("kernel", format!("`{}`, revisions {}{own}", descriptor.xt_name, revisions.join(", ")));
    fact("options", require(descriptor.require));
    for param in descriptor.params {
        self::param(out, param);
    }
}

fn param(out: &mut String, param: &Param) {
    let not = if param.negatable { "[!] " } else { "" };
    let value = if *param.domain == Domain::Nothing { "" } else { " VALUE" };
    let value = if param.optional_word { format!(" [{}]", value.trim()) } else { value.to_owned() };
    let _ = writeln!(out, "\n#### `{not}--{}{value}`\n\n{}\n", param.name, param.help.text());
    let mut fact = |name: &str, text: String| {
        if !text.is_empty() {
            let _ = writeln!(out, "- {name}: {text}");
        }
    };
    let names = |names: &[&str]| code(&names.iter().map(|name| format!("--{name}")).collect::<Vec<_>>());
    if *param.domain != Domain::Nothing {
        fact("takes", cell(&param.domain.describe()));
    }
    fact("also", names(param.aliases));
    fact("default", param.default.map(str::to_owned).unwrap_or_default());
    fact("only for", families(param.families).to_owned());
    fact("reached from", hooks(param.hooks));
    fact("must be given", if param.required { "yes".into() } else { String::new() });
    fact("may be repeated", if param.repeatable { "yes".into() } else { String::new() });
    fact("not together with", names(param.excludes));
    fact("only together with", names(param.needs));
    let of_family = |family| param.domain.choices(family);
    let choices: Vec<&Choice> = of_family(Family::Ipv4);
    let more = of_family(Family::Ipv6)
        .into_iter()
        .filter(|choice| !choices.iter().any(|known| known.name == choice.name));
    let choices: Vec<&Choice> = choices.iter().copied().chain(more).collect();
    if !choices.is_empty() {
        let _ = writeln!(out, "\n| value | meaning |\n|---|---|");
    }
    for choice in choices {
        let names: Vec<&str> = std::iter::once(choice.name).chain(choice.aliases.iter().copied()).collect();
        let _ = writeln!(out, "| {} | {} |", code(&names), cell(&choice.meaning()));
    }
}

fn families(families: Families) -> &'static str {
    match families {
        Families::IPV4 => "IPv4",
        Families::IPV6 => "IPv6",
        _ => "",
    }
}

fn tables(of: Tables) -> String {
    if of.is_all() {
        return String::new();
    }
    let names: Vec<&str> =
        TableName::ALL.into_iter().filter(|table| of.contains(table.as_set())).map(TableName::name).collect();
    code(&names)
}

fn hooks(of: Hooks) -> String {
    if of.is_all() {
        return String::new();
    }
    let names: Vec<&str> =
        Hook::ALL.into_iter().filter(|hook| of.contains(hook.as_set())).map(Hook::chain).collect();
    code(&names)
}

fn require(require: Require) -> String {
    let options = |names: &[&str]| code(&names.iter().map(|name| format!("--{name}")).collect::<Vec<_>>());
    match require {
        Require::Any => String::new(),
        Require::AtLeastOne => "at least one must be given".into(),
        Require::ExactlyOne => "one must be given, and no more".into(),
        Require::AtLeastOneOf(names) => format!("at least one of {} must be given", options(names)),
        Require::ExactlyOneOf(names) => format!("one of {} must be given, and no more", options(names)),
    }
}

fn code<T: AsRef<str>>(names: &[T]) -> String {
    names.iter().map(|name| format!("`{}`", name.as_ref())).collect::<Vec<_>>().join(", ")
}

fn cell(text: &str) -> String {
    text.replace('\n', " ").replace('|', "\\|")
}

#[test]
fn the_reference_is_up_to_date() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/extensions.md");
    let wanted = reference();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(path, &wanted).expect(path);
    }
    let there = std::fs::read_to_string(path).unwrap_or_default();
    let first = there.lines().zip(wanted.lines()).position(|(there, wanted)| there != wanted);
    assert!(
        there == wanted,
        "docs/extensions.md is stale from line {first:?} on; UPDATE_DOCS=1 writes it anew"
    );
}
