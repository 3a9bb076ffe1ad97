use super::FamilyName;
use crate::Result;
use crate::connect::{AnyKernel, Options};
use crate::failure::Failure;
use anstyle::Style;
use clap::{Args, Subcommand};
use pkttables::model::{Families, Family, Hook, Hooks, TableName, protocol};
use pkttables::registry::{Descriptor, Kind, Param, Registry, Require};
use serde_json::{Value, json};
use std::process::ExitCode;

/// `iptables2 query`
#[derive(Debug, Args)]
pub(super) struct Query {
    #[command(subcommand)]
    question: Question,
    /// Only what this family has
    #[arg(long, short, global = true)]
    family: Option<FamilyName>,
    /// Answer in JSON
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Question {
    /// Which matches there are
    Matches,
    /// Which targets there are
    Targets,
    /// What a match does, or one of its parameters
    Match {
        /// The match, as after -m
        name: String,
        /// The parameter, without dashes
        param: Option<String>,
    },
    /// What a target does, or one of its parameters
    Target {
        /// The target, as after -j
        name: String,
        /// The parameter, without dashes
        param: Option<String>,
    },
}

const BOLD: Style = Style::new().bold();

impl Query {
    pub(super) fn run(&self, options: &Options) -> Result<ExitCode> {
        let mut kernel = options.open().ok();
        match &self.question {
            Question::Matches => self.list(Kind::Match, &mut kernel),
            Question::Targets => self.list(Kind::Target, &mut kernel),
            Question::Match { name, param } => self.one(Kind::Match, name, param.as_deref(), &mut kernel)?,
            Question::Target { name, param } => {
                self.one(Kind::Target, name, param.as_deref(), &mut kernel)?
            }
        }
        Ok(ExitCode::SUCCESS)
    }

    fn is_wanted(&self, families: Families) -> bool {
        self.family.is_none_or(|family| families.has(family.into()))
    }

    fn list(&self, kind: Kind, kernel: &mut Option<AnyKernel>) {
        let all = Registry::builtin().all().iter().copied();
        let all = all.filter(|extension| extension.kind == kind && self.is_wanted(extension.families));
        if self.json {
            let answer: Vec<Value> = all.map(|extension| brief(extension, kernel)).collect();
            println!("{:#}", Value::from(answer));
            return;
        }
        for extension in all {
            let missing = if is_missing(extension, kernel) { " (not in this kernel)" } else { "" };
            let families = match extension.families {
                Families::IPV4 => "IPv4 only: ",
                Families::IPV6 => "IPv6 only: ",
                _ => "",
            };
            let summary = extension.help.summary();
            anstream::println!("{BOLD}{:<12}{BOLD:#} {families}{summary}{missing}", extension.name);
        }
    }

    fn one(&self, kind: Kind, name: &str, param: Option<&str>, kernel: &mut Option<AnyKernel>) -> Result<()> {
        let only = self.family.map(Family::from);
        let families = Family::ALL.into_iter().filter(|family| only.is_none_or(|only| only == *family));
        let mut found: Vec<&Descriptor> = Vec::new();
        for extension in families.filter_map(|family| Registry::builtin().find(kind, name, family)) {
            if !found.iter().any(|known| known.is(extension)) {
                found.push(extension);
            }
        }
        if found.is_empty() {
            return Err(Failure::Other(1, format!("there is no {} {name}", kind_name(kind))));
        }
        let Some(param) = param else {
            if self.json {
                let answer: Vec<Value> = found.iter().map(|extension| full(extension, kernel)).collect();
                println!("{:#}", Value::from(answer));
            } else {
                found.iter().for_each(|extension| explain(extension, kernel));
            }
            return Ok(());
        };
        let params = found.iter().flat_map(|extension| extension.params);
        let params: Vec<&Param> =
            params.filter(|known| known.is_called(param.trim_start_matches('-'))).collect();
        if params.is_empty() {
            let known: Vec<&str> = found.iter().flat_map(|one| one.params).map(|param| param.name).collect();
            let text = format!("{name} has no parameter {param}; it has {}", known.join(", "));
            return Err(Failure::Other(1, text));
        }
        if self.json {
            println!("{:#}", Value::from(params.into_iter().map(param_json).collect::<Vec<_>>()));
        } else {
            params.into_iter().for_each(|param| explain_param(param, true));
        }
        Ok(())
    }
}

fn explain(extension: &Descriptor, kernel: &mut Option<AnyKernel>) {
    anstream::println!("{BOLD}{} {}{BOLD:#}\n", kind_name(extension.kind), extension.name);
    println!("{}\n", extension.help.text());
    let lists = [
        ("families", families(extension.families).join(", ")),
        ("tables", tables(extension).join(", ")),
        ("hooks", hooks(extension).join(", ")),
        ("protocols", protocols(extension).join(", ")),
    ];
    for (what, list) in lists {
        if !list.is_empty() {
            println!("{what:<10} {list}");
        }
    }
    if let Some(text) = requirement(extension.require) {
        println!("{:<10} {text}", "parameters");
    }
    println!("{:<10} {}\n", "kernel", in_kernel(extension, kernel));
    extension.params.iter().for_each(|param| explain_param(param, false));
}

fn explain_param(param: &Param, whole: bool) {
    let not = if param.negatable { "[!] " } else { "" };
    anstream::println!("  {not}{BOLD}--{}{BOLD:#}", param.name);
    let help = if whole { param.help.text() } else { param.help.summary() };
    help.lines().for_each(|line| println!("      {line}"));
    println!("      It takes {}.", param.domain.describe());
    if let Some(default) = param.default {
        println!("      Without it: {default}.");
    }
    if whole && !param.aliases.is_empty() {
        println!("      Also called --{}.", param.aliases.join(", --"));
    }
}

fn in_kernel(extension: &Descriptor, kernel: &mut Option<AnyKernel>) -> String {
    match taken(extension, kernel) {
        None => "cannot be asked".into(),
        Some(revisions) if revisions.is_empty() => "does not have it".into(),
        Some(revisions) => {
            let numbers: Vec<String> = revisions.iter().map(u8::to_string).collect();
            format!("has revision {}", numbers.join(", "))
        }
    }
}

fn is_missing(extension: &Descriptor, kernel: &mut Option<AnyKernel>) -> bool {
    taken(extension, kernel).is_some_and(|revisions| revisions.is_empty())
}

/// The revisions that the kernel has in any family; `None` if it cannot be asked.
fn taken(extension: &Descriptor, kernel: &mut Option<AnyKernel>) -> Option<Vec<u8>> {
    let kernel = kernel.as_mut()?;
    let mut numbers = Vec::new();
    for family in Family::ALL.into_iter().filter(|family| extension.families.has(*family)) {
        let revisions = kernel.revisions(extension, family).ok()?;
        numbers.extend(revisions.into_iter().map(|revision| revision.number));
    }
    numbers.sort_unstable_by(|one, other| other.cmp(one));
    numbers.dedup();
    Some(numbers)
}

fn brief(extension: &Descriptor, kernel: &mut Option<AnyKernel>) -> Value {
    json!({
        "kind": kind_name(extension.kind),
        "name": extension.name,
        "families": families(extension.families),
        "summary": extension.help.summary(),
        "kernel": taken(extension, kernel),
    })
}

fn full(extension: &Descriptor, kernel: &mut Option<AnyKernel>) -> Value {
    let revisions = Family::ALL.into_iter().flat_map(|family| extension.revisions(family));
    let mut revisions: Vec<_> = revisions.map(|known| (known.number, known.size, known.families)).collect();
    revisions.dedup();
    let revisions = revisions
        .into_iter()
        .map(|(number, size, of)| json!({ "number": number, "size": size, "families": families(of) }));
    json!({
        "kind": kind_name(extension.kind),
        "name": extension.name,
        "aliases": extension.aliases,
        "xt_name": extension.xt_name,
        "families": families(extension.families),
        "tables": tables(extension),
        "hooks": hooks(extension),
        "protocols": protocols(extension),
        "requires": requirement(extension.require),
        "summary": extension.help.summary(),
        "help": extension.help.text(),
        "revisions": revisions.collect::<Vec<_>>(),
        "kernel": taken(extension, kernel),
        "params": extension.params.iter().map(param_json).collect::<Vec<_>>(),
    })
}

fn param_json(param: &Param) -> Value {
    json!({
        "name": param.name,
        "aliases": param.aliases,
        "families": families(param.families),
        "negatable": param.negatable,
        "required": param.required,
        "repeatable": param.repeatable,
        "excludes": param.excludes,
        "needs": param.needs,
        "default": param.default,
        "words": param.words,
        "accepts": param.domain.describe(),
        "summary": param.help.summary(),
        "help": param.help.text(),
    })
}

const fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Match => "match",
        Kind::Target => "target",
    }
}

fn families(of: Families) -> Vec<&'static str> {
    let names = [(Family::Ipv4, "ipv4"), (Family::Ipv6, "ipv6")];
    names.into_iter().filter(|(family, _)| of.has(*family)).map(|(_, name)| name).collect()
}

fn tables(extension: &Descriptor) -> Vec<&'static str> {
    let tables = TableName::ALL.into_iter().filter(|table| extension.tables.contains(table.as_set()));
    tables.map(TableName::name).collect()
}

fn hooks(extension: &Descriptor) -> Vec<&'static str> {
    let all = Hook::ALL.into_iter();
    let hooks = all.filter(|hook| extension.hooks.contains(Hooks::from_bits_truncate(1 << hook.number())));
    hooks.map(Hook::chain).collect()
}

fn protocols(extension: &Descriptor) -> Vec<String> {
    extension.protocols.iter().map(|&number| protocol::name(number)).collect()
}

fn requirement(require: Require) -> Option<String> {
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
