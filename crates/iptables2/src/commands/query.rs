use super::FamilyName;
use super::facts::{chains, conditions, families, kind_name, protocols, requirement, tables};
use crate::Result;
use crate::connect::{AnyKernel, Options};
use crate::failure::Failure;
use anstyle::Style;
use clap::{Args, Subcommand};
use pkttables::json;
use pkttables::kernel::Support;
use pkttables::model::{Families, Family, Negatable, TableName, protocol};
use pkttables::registry::{Descriptor, Domain, Kind, Param, Registry, Scope};
use pkttables::system::Protocols;
use serde_json::{Value, json as object};
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
        /// The parameter, with or without dashes
        #[arg(allow_hyphen_values = true)]
        param: Option<String>,
    },
    /// What a target does, or one of its parameters
    Target {
        /// The target, as after -j
        name: String,
        /// The parameter, with or without dashes
        #[arg(allow_hyphen_values = true)]
        param: Option<String>,
    },
    /// Which extensions may stand in a table, or in one of its chains
    At {
        /// The table
        table: String,
        /// The built-in chain, such as POSTROUTING
        chain: Option<String>,
    },
    /// Which extensions carry a word in their names or help
    About {
        /// The word, or part of one
        word: String,
    },
    /// Why an option does not take a value
    Why {
        /// The match or target
        name: String,
        /// The parameter, with or without dashes
        #[arg(allow_hyphen_values = true)]
        param: String,
        /// The value; several words in one
        #[arg(allow_hyphen_values = true)]
        value: String,
        /// With `!` before the option
        #[arg(long)]
        not: bool,
        /// The protocol that the rule names, as after -p
        #[arg(long, short, value_parser = protocol_number)]
        protocol: Option<u8>,
    },
    /// The JSON Schema of a ruleset, or of one match or target
    Schema {
        /// The match or target
        name: Option<String>,
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
            Question::At { table, chain } => self.at(table, chain.as_deref(), &mut kernel)?,
            Question::About { word } => self.about(word, &mut kernel),
            Question::Why { name, param, value, not, protocol } => {
                return self.why(name, param, value, *not, *protocol);
            }
            Question::Schema { name } => self.schema(name.as_deref())?,
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
        self.print_all(Registry::builtin().all().iter().copied().filter(|one| one.kind == kind), kernel);
    }

    fn at(&self, table: &str, chain: Option<&str>, kernel: &mut Option<AnyKernel>) -> Result<()> {
        let unknown = |what: &str, name: &str| Failure::Other(1, format!("there is no {what} {name}"));
        let found = TableName::from_name(table).ok_or_else(|| unknown("table", table))?;
        let hook = chain
            .map(|chain| found.hook(chain).ok_or_else(|| unknown("built-in chain", chain)))
            .transpose()?;
        self.print_all(Registry::builtin().in_place(found, hook), kernel);
        Ok(())
    }

    fn about(&self, word: &str, kernel: &mut Option<AnyKernel>) {
        let found = Registry::builtin().about(word).filter(|(one, _)| self.is_wanted(one.families));
        let found: Vec<(&Descriptor, Vec<&Param>)> = found.collect();
        if self.json {
            let answer = found.iter().map(|(extension, params)| {
                let mut answer = brief(extension, kernel);
                if let Some(answer) = answer.as_object_mut() {
                    let names: Vec<&str> = params.iter().map(|param| param.name).collect();
                    answer.insert("parameters".into(), names.into());
                }
                answer
            });
            println!("{:#}", Value::from(answer.collect::<Vec<_>>()));
            return;
        }
        for (extension, params) in found {
            print_brief(extension, kernel);
            for param in params {
                println!("    --{}: {}", param.name, param.help.summary());
            }
        }
    }

    fn print_all(&self, all: impl Iterator<Item = &'static Descriptor>, kernel: &mut Option<AnyKernel>) {
        let all = all.filter(|extension| self.is_wanted(extension.families));
        if self.json {
            let answer: Vec<Value> = all.map(|extension| brief(extension, kernel)).collect();
            println!("{:#}", Value::from(answer));
            return;
        }
        if kernel.as_mut().is_some_and(has_no_compat) {
            eprintln!("This kernel has no nft_compat, and so only what nf_tables itself can do.");
        }
        all.for_each(|extension| print_brief(extension, kernel));
    }

    /// The extension of this name, whichever it is.
    fn find(&self, name: &str) -> Result<(&'static Descriptor, Family)> {
        let only = self.family.map(Family::from);
        let families = || Family::ALL.into_iter().filter(|family| only.is_none_or(|only| only == *family));
        let mut found = [Kind::Match, Kind::Target].into_iter().flat_map(|kind| {
            families().filter_map(move |family| {
                Registry::builtin().find(kind, name, family).map(|one| (one, family))
            })
        });
        found.next().ok_or_else(|| Failure::Other(1, format!("there is no match or target {name}")))
    }

    fn why(&self, name: &str, param: &str, value: &str, not: bool, protocol: Option<u8>) -> Result<ExitCode> {
        let (extension, family) = self.find(name)?;
        let missing = || no_parameter(name, param, extension.params.iter());
        let param = extension.param(param.trim_start_matches('-'), family).ok_or_else(missing)?;
        let protocol = protocol.or_else(|| extension.protocols.first().copied());
        let scope = Scope { family, protocol: protocol.map(|value| Negatable { value, not: false }) };
        let refusal = extension.why_refused(param, value, not, &scope);
        if self.json {
            let why = refusal.as_ref().map(ToString::to_string);
            let accepts = param.domain.describe();
            println!("{:#}", object!({ "accepted": why.is_none(), "why": why, "accepts": accepts }));
        } else {
            match &refusal {
                Some(refusal) => println!("{refusal}"),
                None => println!("it is accepted"),
            }
        }
        Ok(if refusal.is_none() { ExitCode::SUCCESS } else { ExitCode::from(1) })
    }

    fn schema(&self, name: Option<&str>) -> Result<()> {
        let schema = match name {
            Some(name) => json::extension_schema(self.find(name)?.0),
            None => json::schema(Registry::builtin()),
        };
        println!("{schema:#}");
        Ok(())
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
            let other = if kind == Kind::Match { Kind::Target } else { Kind::Match };
            let hint = match self.find(name).is_ok() {
                true => format!(", but a {}", kind_name(other)),
                false => String::new(),
            };
            return Err(Failure::Other(1, format!("there is no {} {name}{hint}", kind_name(kind))));
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
            return Err(no_parameter(name, param, found.iter().flat_map(|one| one.params)));
        }
        if self.json {
            println!("{:#}", Value::from(params.into_iter().map(json::parameter).collect::<Vec<_>>()));
        } else {
            params.into_iter().for_each(|param| explain_param(param, true));
        }
        Ok(())
    }
}

fn no_parameter<'p>(name: &str, param: &str, known: impl Iterator<Item = &'p Param>) -> Failure {
    let known: Vec<&str> = known.map(|param| param.name).collect();
    let text = match known.as_slice() {
        [] => format!("{name} has no parameters"),
        known => format!("{name} has no parameter {param}; it has {}", known.join(", ")),
    };
    Failure::Other(1, text)
}

fn print_brief(extension: &Descriptor, kernel: &mut Option<AnyKernel>) {
    let missing = if is_missing(extension, kernel) { " (not in this kernel)" } else { "" };
    let families = match extension.families {
        Families::IPV4 => "IPv4 only: ",
        Families::IPV6 => "IPv6 only: ",
        _ => "",
    };
    let summary = extension.help.summary();
    println!("{BOLD}{:<12}{BOLD:#} {families}{summary}{missing}", extension.name);
}

/// Whether the kernel has no nft_compat; tcp would be there with it.
fn has_no_compat(kernel: &mut AnyKernel) -> bool {
    let tcp = Registry::builtin().find(Kind::Match, "tcp", Family::Ipv4);
    tcp.is_some_and(|tcp| kernel.support(tcp, Family::Ipv4).is_ok_and(|support| support == Support::NoCompat))
}

fn explain(extension: &Descriptor, kernel: &mut Option<AnyKernel>) {
    println!("{BOLD}{} {}{BOLD:#}\n", kind_name(extension.kind), extension.name);
    println!("{}\n", extension.help.text());
    let lists = [
        ("also", extension.aliases.join(", ")),
        ("families", families(extension.families).join(", ")),
        ("tables", tables(extension).join(", ")),
        ("hooks", chains(extension.hooks).join(", ")),
        ("needs -p", protocols(extension).join(", ")),
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
    let value = match *param.domain {
        Domain::Nothing => "",
        _ if param.optional_word => " [VALUE]",
        _ => " VALUE",
    };
    println!("  {not}{BOLD}--{}{BOLD:#}{value}", param.name);
    let help = if whole { param.help.text() } else { param.help.summary() };
    help.lines().for_each(|line| println!("{}", format!("      {line}").trim_end()));
    println!("      It takes {}.", param.domain.describe());
    if let Some(default) = param.default {
        println!("      Without it: {default}.");
    }
    conditions(param).iter().for_each(|condition| println!("      {condition}."));
    if !whole {
        return;
    }
    for family in Family::ALL {
        let choices = param.domain.choices(family);
        if choices.is_empty() || (family == Family::Ipv6 && choices == param.domain.choices(Family::Ipv4)) {
            continue;
        }
        println!("      Words{}:", if family == Family::Ipv6 { " for IPv6" } else { "" });
        for choice in choices {
            let names = [&[choice.name], choice.aliases].concat().join(", ");
            println!("        {names:<24} {}", choice.meaning());
        }
    }
    let samples = param.domain.samples(Family::Ipv4);
    // Of text that can be anything, samples say nothing.
    let free = matches!(param.domain, Domain::Text { .. } | Domain::Object { .. } | Domain::Chain);
    if !free && samples.iter().any(|sample| !sample.is_empty()) {
        println!("      For instance {}.", samples.iter().take(3).cloned().collect::<Vec<_>>().join(", "));
    }
    if !param.aliases.is_empty() {
        println!("      Also called --{}.", param.aliases.join(", --"));
    }
}

/// A protocol by name or number.
fn protocol_number(text: &str) -> std::result::Result<u8, String> {
    let named = || protocol::known_number(text).or_else(|| Protocols::system().number(text));
    text.parse().ok().or_else(named).ok_or_else(|| format!("there is no protocol {text}"))
}

fn in_kernel(extension: &Descriptor, kernel: &mut Option<AnyKernel>) -> String {
    match taken(extension, kernel) {
        None => "cannot be asked".into(),
        Some(revisions) if revisions.is_empty() => match kernel.as_mut().is_some_and(has_no_compat) {
            true if extension.from_native.is_some() => {
                "has no nft_compat, only what nf_tables itself does".into()
            }
            true => "has no nft_compat, which this needs".into(),
            false => "does not have it".into(),
        },
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
    object!({
        "kind": kind_name(extension.kind),
        "name": extension.name,
        "families": families(extension.families),
        "summary": extension.help.summary(),
        "kernel": taken(extension, kernel),
    })
}

fn full(extension: &Descriptor, kernel: &mut Option<AnyKernel>) -> Value {
    let mut answer = json::extension(extension);
    if let Some(answer) = answer.as_object_mut() {
        answer.insert("kernel".into(), taken(extension, kernel).into());
    }
    answer
}
