//! Rules made from the descriptions alone, as JSON: the generated schema holds for them, as another program's validator
//! sees it, and they read back as the same.

mod common;

use common::{build, draws, extensions, header, line, options};
use pkttables::cache::Cache;
use pkttables::json;
use pkttables::kernel::Kernel;
use pkttables::model::{Family, Hooks, Match, Rule, Target};
use pkttables::plan::{PlanError, Scope, apply};
use pkttables::registry::{Kind, Registry};
use pkttables::text::{Parser, ReadOptions, Reader, read_ruleset};
use pkttables_embedded::EmbeddedKernel;
use serde_json::json;
use std::collections::BTreeSet;

/// Extensions whose saved form, which is that of iptables, leaves out what some values say.
const LOSSY: [&str; 13] = [
    "CONNMARK",
    "CT",
    "DNPT",
    "HMARK",
    "SNPT",
    "connbytes",
    "conntrack",
    "frag",
    "hashlimit",
    "ipcomp",
    "ipvs",
    "policy",
    "rateest",
];

#[test]
fn generated_rules_fit_the_schema_and_come_back() {
    let schema = json::schema(Registry::builtin());
    let validator = jsonschema::draft202012::new(&schema).expect("a schema");
    let mut wrong = Vec::new();
    for (descriptor, family) in extensions() {
        for seed in 0..30 {
            let header = header(descriptor);
            let given = options(descriptor, family, Hooks::empty(), &mut draws(seed));
            let Ok(instance) = build(descriptor, family, &header, &given) else { continue };
            let mut rule = Rule { header, ..Rule::default() };
            match descriptor.kind {
                Kind::Match => rule.matches.push(Match::Known(instance)),
                Kind::Target => rule.target = Target::Known(instance),
            }
            let written = json::rule(&rule, family);
            let table = json!({ "name": "mangle", "chains": [{ "name": "user", "rules": [written] }] });
            let ruleset =
                json!({ "family": if family.nfproto() == 2 { "ipv4" } else { "ipv6" }, "tables": [table] });
            let line = line(descriptor, &given);
            if !validator.is_valid(&ruleset) {
                let alone =
                    jsonschema::draft202012::new(&json::extension_schema(descriptor)).expect("a schema");
                let part = match descriptor.kind {
                    Kind::Match => &written["matches"][0],
                    Kind::Target => &written["target"],
                };
                let errors: Vec<String> = alone.iter_errors(part).map(|error| error.to_string()).collect();
                wrong.push(format!("{line}: {written}: {errors:?}"));
                break;
            }
            let again = json::read_rule(&written, family, Registry::builtin());
            if !LOSSY.contains(&descriptor.name) && again.as_ref() != Ok(&rule) {
                wrong.push(format!("{line}: {written} becomes {again:?}"));
                break;
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_is_no_ruleset_does_not_fit() {
    let schema = json::schema(Registry::builtin());
    let validator = jsonschema::draft202012::new(&schema).expect("a schema");
    let with = |rule: serde_json::Value| json!({ "family": "ipv4", "tables": [{ "name": "filter", "chains": [{ "name": "INPUT", "rules": [rule] }] }] });
    assert!(validator.is_valid(&with(json!({ "target": { "verdict": "ACCEPT" } }))));
    for bad in [
        json!({ "target": { "verdict": "PERHAPS" } }),
        json!({ "matches": [{ "name": "no-such-match" }] }),
        json!({ "matches": [{ "name": "length" }] }),
        json!({ "matches": [{ "name": "length", "options": { "no-such-option": 1 } }] }),
        json!({ "matches": [{ "name": "ttl", "options": { "ttl-eq": 256 } }] }),
        json!({ "matches": [{ "name": "ttl", "options": { "ttl-eq": 1, "ttl-lt": 2 } }] }),
        json!({ "matches": [{ "name": "conntrack", "options": { "ctstate": ["NEW", "OLD"], "ctproto": true } }] }),
    ] {
        assert!(!validator.is_valid(&with(bad.clone())), "{bad}");
    }
}

#[test]
fn no_text_has_a_nul() {
    let value = json!({ "family": "ipv4", "tables": [{ "name": "filter", "chains": [{ "name": "a\0b" }] }] });
    let error = json::read_ruleset(&value, Registry::builtin()).expect_err("a NUL in a name");
    assert_eq!(error.to_string(), "/tables/0/chains/0/name: a NUL cannot be part of a text");
}

/// Plans of every kind of step fit what the schema says of plans, and read back as the same.
#[test]
fn plans_fit_the_schema_and_come_back() {
    const FIRST: &str = "*filter\n:INPUT DROP [1:2]\n:a - [0:0]\n:b - [0:0]\n-A INPUT -j a\n-A a -p tcp\n-A a -p udp\n\
        -A a -p icmp\n-A b -j DROP\n-A b -j ACCEPT\nCOMMIT\n";
    const SECOND: &str = "*filter\n:INPUT ACCEPT [0:0]\n:new - [0:0]\n-A INPUT -j new\n-A new -p tcp\n-A new -p sctp\n\
        -A new -p icmp\n-A new -p udp\nCOMMIT\n";
    let third = SECOND.replace("-A new -p icmp\n", "");
    let fourth = third.replace("new", "renamed");
    let mut schema = json::schema(Registry::builtin());
    schema["$ref"] = json!("#/$defs/plan");
    for member in ["type", "properties", "required", "additionalProperties"] {
        schema.as_object_mut().expect("an object").remove(member);
    }
    let validator = jsonschema::draft202012::new(&schema).expect("a schema");
    let mut kernel = Kernel::new(EmbeddedKernel::new().connect());
    let mut seen = BTreeSet::new();
    for (text, counters) in [
        (FIRST, true),
        (SECOND, false),
        (&*third, false),
        (&*fourth, false),
        (FIRST, false),
        ("*filter\nCOMMIT\n", false),
    ] {
        let parser = Parser::new(Family::Ipv4, Registry::builtin());
        let mut reader = Reader::new(text.as_bytes(), parser, ReadOptions { counters, table: None });
        let wanted = read_ruleset(&mut reader).expect("a save file");
        let plans = apply(&mut kernel, &mut Cache::new(), &wanted, &Scope::Table, |_| Ok::<_, PlanError>(()));
        for plan in plans.expect("a plan") {
            let written = json::plan(&plan);
            assert_eq!(json::read_plan(&written, Registry::builtin()).as_ref(), Ok(&plan));
            let errors: Vec<_> = validator.iter_errors(&written).map(|error| error.to_string()).collect();
            assert!(errors.is_empty(), "{written:#}\n{errors:?}");
            let steps = written["steps"].as_array().expect("steps");
            seen.extend(steps.iter().filter_map(|step| Some(step["do"].as_str()?.to_owned())));
        }
    }
    let kinds = [
        "create-chain",
        "create-table",
        "delete",
        "delete-chain",
        "rename-chain",
        "flush",
        "insert",
        "replace",
        "set-policy",
    ];
    assert!(kinds.iter().all(|kind| seen.contains(*kind)), "{seen:?}");
    assert!(
        !validator.is_valid(&json!({ "family": "ipv4", "table": "filter", "steps": [{ "do": "delete" }] }))
    );
    assert!(
        !validator.is_valid(&json!({ "family": "ipv4", "table": "filter", "steps": [{ "do": "else" }] }))
    );
}

#[test]
fn errors_of_plans_say_where() {
    let insert = json!({ "do": "insert", "chain": "a", "before": null, "rule": { "protocol": "tcp" } });
    let with = |place: &str, value: serde_json::Value| {
        let mut plan = json!({ "family": "ipv4", "table": "nat", "steps": [insert] });
        *plan.pointer_mut(place).expect("a place") = value;
        json::read_plan(&plan, Registry::builtin())
    };
    assert!(with("/steps/0/before", json!(7)).is_ok());
    let drop =
        json!({ "do": "set-policy", "chain": "FORWARD", "old": null, "new": "DROP", "counters": null });
    let gone = |old: serde_json::Value| json!({ "do": "delete", "chain": "a", "old": old });
    for (place, value, expected) in [
        ("/family", json!("arp"), "/family: ipv4 or ipv6 is expected"),
        ("/table", json!("arp"), "/table: no table of this name"),
        ("/steps", json!(1), "/steps: an array is expected"),
        ("/steps/0/do", json!("dance"), "/steps/0/do: no such step"),
        ("/steps/0/before", json!("7"), "/steps/0/before: the kernel's number for it is expected"),
        ("/steps/0/rule/protocol", json!([]), "/steps/0/rule/protocol: text or a number is expected"),
        ("/steps/0", drop, "/steps/0/chain: the table has no such built-in chain"),
        ("/steps/0", gone(json!({ "rule": null })), "/steps/0/old/handle: it is missing"),
        ("/steps/0", gone(json!({ "handle": 1 })), "/steps/0/old/rule: it is missing"),
        (
            "/steps/0",
            json!({ "do": "rename-chain", "chain": "a", "new": "b" }),
            "/steps/0/handle: it is missing",
        ),
    ] {
        assert_eq!(with(place, value).expect_err("wrong").to_string(), expected);
    }
}

/// The kernel's form does not tell two matches of ports from one.
#[test]
fn matches_that_the_kernel_puts_in_one_change_nothing_the_second_time() {
    let one = |option: &str| {
        let text =
            format!("*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -p tcp -m tcp {option} -j ACCEPT\nCOMMIT\n");
        let parser = Parser::new(Family::Ipv4, Registry::builtin());
        let reader = &mut Reader::new(text.as_bytes(), parser, ReadOptions::default());
        json::ruleset(&read_ruleset(reader).expect("a save file"))
    };
    let (mut ruleset, other) = (one("--dport 22"), one("--sport 1024"));
    let place = "/tables/0/chains/0/rules/0/matches";
    let added = other.pointer(&format!("{place}/0")).expect("a match").clone();
    ruleset.pointer_mut(place).and_then(|matches| matches.as_array_mut()).expect("matches").push(added);
    let wanted = json::read_ruleset(&ruleset, Registry::builtin()).expect("a ruleset");
    let mut kernel = Kernel::new(EmbeddedKernel::new().connect());
    let mut steps = || {
        let plans = apply(&mut kernel, &mut Cache::new(), &wanted, &Scope::Table, |_| Ok::<_, PlanError>(()));
        plans.expect("a plan").iter().map(|plan| plan.steps.len()).sum::<usize>()
    };
    assert!(steps() > 0);
    assert_eq!(steps(), 0);
}
