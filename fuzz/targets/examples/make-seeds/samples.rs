//! Seeds from what the extensions say about themselves.

use std::collections::BTreeMap;
use std::io;

use pkttables::cache::CachedRule;
use pkttables::domain::write_quoted;
use pkttables::kernel::RuleRef;
use pkttables::model::{Family, Hook, Policy, Rule, Ruleset, TableName};
use pkttables::nft::RuleBody;
use pkttables::plan::{Plan, Step};
use pkttables::registry::{Builder, Descriptor, Domain, Kind, NoSets, Registry, RuleScope, Scope};
use pkttables::text::{Parser, ReadOptions, Reader, read_ruleset};

use crate::{RULES, Seeds};

/// How many rules stand in one file.
const RULES_PER_FILE: usize = 12;

const EDITS: &str = "\
N00web
A00web -p tcp -m tcp --dport 80 -j ACCEPT
A00INPUT -j web
I01INPUT -s 10.0.0.0/8 -j DROP
P05OUTPUT

Z00INPUT
E00web www
D01INPUT

F00www
X00other
";

pub(crate) fn write(seeds: &Seeds) -> io::Result<()> {
    layouts(seeds)?;
    seeds.add("c_edits", "some", EDITS)?;
    for (index, table) in RULES.split_inclusive("COMMIT\n").enumerate() {
        for target in ["save_file", "written_rule", "c_api"] {
            seeds.add(target, &format!("table-{index}"), table)?;
        }
        let ruleset = read(table, Family::Ipv4).expect("a save file");
        seeds.add(
            "json_ruleset",
            &format!("table-{index}"),
            pkttables::json::ruleset(&ruleset).to_string(),
        )?;
        let plan = Plan { family: Family::Ipv4, table: TableName::Filter, steps: steps(&ruleset) };
        seeds.add("json_plan", &format!("table-{index}"), pkttables::json::plan(&plan).to_string())?;
        let fewer: String =
            table.lines().filter(|line| !line.contains("-m ")).map(|line| format!("{line}\n")).collect();
        seeds.add("plan", &format!("table-{index}"), format!("{table}\0{fewer}"))?;
    }
    seeds.add("extension_options", "numbers", (0..=255).collect::<Vec<u8>>())?;
    for family in Family::ALL {
        let lines = lines(family);
        for (index, lines) in lines.chunks(RULES_PER_FILE).enumerate() {
            let mut text = String::from(if family == Family::Ipv6 {
                "6*filter\n:x - [0:0]\n"
            } else {
                "*filter\n:x - [0:0]\n"
            });
            lines.iter().for_each(|line| text.extend(["-A x ", line, "\n"]));
            text.push_str("COMMIT\n");
            let name = format!("{family:?}-{index}").to_lowercase();
            seeds.add("save_file", &name, &text)?;
            seeds.add("written_rule", &name, &text)?;
        }
        if let Some(line) = lines.last() {
            let words: Vec<&str> = line.split(' ').collect();
            seeds.add(
                "arguments",
                &format!("{family:?}").to_lowercase(),
                ["-A", "INPUT"].iter().chain(&words).copied().collect::<Vec<_>>().join("\0"),
            )?;
        }
    }
    for command in [
        "-t nat -N web",
        "-I INPUT 2 ! -s 10.0.0.0/8 -p tcp -m tcp --dport 22:23 -j ACCEPT",
        "-vnxL INPUT --line-numbers",
        "-P FORWARD DROP",
        "-D INPUT 1",
        "-E a b",
        "-C INPUT -j LOG --log-pre x",
        "-Z INPUT 3",
        "-R FORWARD 1 -i eth+ -g web -c 1 2",
        "-p tcp -h",
    ] {
        seeds.add("arguments", &command.replace(['/', ' '], "_"), command.replace(' ', "\0"))?;
    }
    Ok(())
}

/// A line for each extension: its required options, or else its first one, with the simplest values.
fn lines(family: Family) -> Vec<String> {
    let simplest = |descriptor: &&'static Descriptor| {
        let mut line = match descriptor.protocols.first() {
            Some(protocol) => format!("-p {protocol} "),
            None => String::new(),
        };
        line += &format!("-{} {}", if descriptor.kind == Kind::Match { "m" } else { "j" }, descriptor.name);
        for param in options(descriptor, family) {
            line.extend([" --", param.name]);
            let value = param.domain.sample(family, &mut |_| 0);
            match param.domain {
                Domain::Nothing => {}
                Domain::Words(_) => line.extend([" ", &value]),
                _ => {
                    line.push(' ');
                    write_quoted(&mut line, &value);
                }
            }
        }
        line
    };
    let all = Registry::builtin().all().iter().filter(|descriptor| descriptor.families.has(family));
    all.map(simplest)
        .filter(|line| {
            read(&format!("*mangle\n:x - [0:0]\n-A x {line}\nCOMMIT\n"), family).is_some()
                || read(&format!("*filter\n:x - [0:0]\n-A x {line}\nCOMMIT\n"), family).is_some()
        })
        .collect()
}

fn options(descriptor: &'static Descriptor, family: Family) -> Vec<&'static pkttables::registry::Param> {
    let params = || descriptor.params.iter().filter(|param| param.families.has(family));
    let required: Vec<_> = params().filter(|param| param.required).collect();
    if required.is_empty() { params().take(1).collect() } else { required }
}

fn read(text: &str, family: Family) -> Option<Ruleset> {
    let parser = Parser::new(family, Registry::builtin()).with_resolver(|_, _| Vec::new());
    read_ruleset(&mut Reader::new(text.as_bytes(), parser, ReadOptions::default())).ok()
}

/// The structure of each extension in its newest revision.
fn layouts(seeds: &Seeds) -> io::Result<()> {
    let mut written = BTreeMap::new();
    for (index, descriptor) in Registry::builtin().all().iter().enumerate() {
        let families: Vec<Family> =
            Family::ALL.into_iter().filter(|family| descriptor.families.has(*family)).collect();
        let Some(&family) = families.first() else { continue };
        let header = pkttables::model::Header::default();
        let mut builder = Builder::new(descriptor);
        for param in options(descriptor, family) {
            let value = param.domain.sample(family, &mut |_| 0);
            let _ = builder.set(param, &value, false, &Scope { family, protocol: None });
        }
        let rule = RuleScope { family, table: None, chain: None, header: &header };
        let Ok(instance) = builder.finish(&rule) else { continue };
        let revisions: Vec<_> = descriptor.revisions(family).collect();
        let Some(newest) = revisions.last() else { continue };
        let mut info = Vec::new();
        if instance.encode(newest.number, family, &NoSets, &mut info).is_err() {
            continue;
        }
        let mut seed = vec![index as u8];
        // Nothing is chosen, and no byte taken, where there is one possibility.
        seed.extend((families.len() > 1).then_some(0));
        seed.extend((revisions.len() > 1).then_some(revisions.len() as u8 - 1));
        seed.extend(info);
        written.insert(descriptor.name, seed);
    }
    written.iter().try_for_each(|(name, seed)| seeds.add("extension_layout", name, seed))
}

/// Steps of all kinds about a ruleset's rules.
fn steps(ruleset: &Ruleset) -> Vec<Step> {
    let old = |rule: &Rule, handle| CachedRule::new(RuleRef::Handle(handle), RuleBody::Known(rule.clone()));
    let mut steps = vec![
        Step::CreateTable,
        Step::SetPolicy { hook: Hook::Input, old: None, new: Policy::Drop, counters: None },
        Step::CreateChain("made".into()),
    ];
    for (chain, number) in ruleset.tables.iter().flat_map(|table| &table.chains).zip(1..) {
        let name = || chain.name.clone();
        for (rule, handle) in chain.rules.iter().zip(1..) {
            steps.push(Step::Insert { chain: name(), before: Some(handle), rule: rule.clone() });
            steps.push(Step::Replace { chain: name(), old: old(rule, handle), rule: rule.clone() });
            steps.push(Step::Delete { chain: name(), old: old(rule, handle) });
        }
        let all = chain.rules.iter().zip(1..).map(|(rule, handle)| old(rule, handle));
        steps.push(Step::Flush { chain: name(), old: all.collect() });
        steps.push(Step::DeleteChain { chain: name(), handle: number });
        steps.push(Step::RenameChain { old: name(), new: "other".into(), handle: number });
    }
    steps.push(Step::DeleteTable);
    steps
}
