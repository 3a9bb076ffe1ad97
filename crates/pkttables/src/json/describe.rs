use super::FAMILIES;
use crate::model::{Families, Hook, Hooks, TableName, Tables, protocol};
use crate::registry::{Choice, Descriptor, Domain, Kind, Param, Require};
use serde_json::{Map, Value, json};

/// All that an extension says about itself, as JSON.
#[must_use]
pub fn extension(descriptor: &Descriptor) -> Value {
    let revisions: Vec<Value> = FAMILIES
        .iter()
        .filter(|(family, _)| descriptor.families.has(*family))
        .flat_map(|(family, name)| {
            descriptor.revisions(*family).map(
                move |revision| json!({ "family": name, "revision": revision.number, "size": revision.size }),
            )
        })
        .collect();
    let params: Vec<Value> = descriptor.params.iter().map(parameter).collect();
    json!({
        "kind": match descriptor.kind { Kind::Match => "match", Kind::Target => "target" },
        "name": descriptor.name,
        "aliases": descriptor.aliases,
        "kernel-name": descriptor.xt_name,
        "summary": descriptor.help.summary(),
        "help": descriptor.help.text(),
        "families": families(descriptor.families),
        "tables": tables(descriptor.tables),
        "hooks": hooks(descriptor.hooks),
        "protocols": descriptor.protocols.iter().map(|&number| protocol::name(number)).collect::<Vec<_>>(),
        "require": require(descriptor.require),
        "revisions": revisions,
        "native": descriptor.from_native.is_some(),
        "parameters": params,
    })
}

/// All that a parameter of an extension says about itself, as JSON.
#[must_use]
pub fn parameter(param: &Param) -> Value {
    json!({
        "name": param.name,
        "aliases": param.aliases,
        "summary": param.help.summary(),
        "help": param.help.text(),
        "families": families(param.families),
        "hooks": hooks(param.hooks),
        "negatable": param.negatable,
        "required": param.required,
        "repeatable": param.repeatable,
        "excludes": param.excludes,
        "needs": param.needs,
        "default": param.default,
        "words": param.words,
        "optional-word": param.optional_word,
        "domain": domain(param.domain),
    })
}

fn families(families: Families) -> Value {
    FAMILIES.iter().filter(|(family, _)| families.has(*family)).map(|(_, name)| *name).collect()
}

fn tables(tables: Tables) -> Value {
    TableName::ALL.into_iter().filter(|table| tables.contains(table.as_set())).map(TableName::name).collect()
}

fn hooks(hooks: Hooks) -> Value {
    Hook::ALL.into_iter().filter(|hook| hooks.contains(hook.as_set())).map(Hook::chain).collect()
}

fn require(require: Require) -> Value {
    match require {
        Require::Any => json!({ "least": 0 }),
        Require::AtLeastOne => json!({ "least": 1 }),
        Require::ExactlyOne => json!({ "least": 1, "most": 1 }),
        Require::AtLeastOneOf(names) => json!({ "least": 1, "of": names }),
        Require::ExactlyOneOf(names) => json!({ "least": 1, "most": 1, "of": names }),
    }
}

fn domain(of: &Domain) -> Value {
    let (kind, rest) = match *of {
        Domain::Nothing => ("nothing", json!({})),
        Domain::Integer { min, max, unit } => ("integer", json!({ "min": min, "max": max, "unit": unit })),
        Domain::Decimal { min, max, unit } => ("decimal", json!({ "min": min, "max": max, "unit": unit })),
        Domain::Masked { bits } => ("masked", json!({ "bits": bits })),
        Domain::Fraction { min, max } => ("fraction", json!({ "min": min, "max": max })),
        Domain::Choice(choices) => ("choice", json!({ "choices": self::choices(choices) })),
        Domain::Flags { choices, separator } => {
            ("flags", json!({ "choices": self::choices(choices), "separator": separator.to_string() }))
        }
        Domain::Address => ("address", json!({})),
        Domain::Prefix => ("prefix", json!({})),
        Domain::Network { max_bits } => ("network", json!({ "max-bits": max_bits })),
        Domain::PrefixLen => ("prefix-length", json!({})),
        Domain::Endpoints => ("endpoints", json!({})),
        Domain::Mac { multicast } => ("mac", json!({ "multicast": multicast })),
        Domain::Interface => ("interface", json!({})),
        Domain::Port => ("port", json!({})),
        Domain::Rate { units, max_per_second } => {
            ("rate", json!({ "units": units, "max-per-second": max_per_second }))
        }
        Domain::TimeOfDay => ("time-of-day", json!({})),
        Domain::Date => ("date", json!({})),
        Domain::Text { min, max, forbidden } => {
            let max = (max < usize::MAX).then_some(max);
            ("text", json!({ "min": min, "max": max, "forbidden": forbidden }))
        }
        Domain::Bytes { max } => ("bytes", json!({ "max": max })),
        Domain::Object { kind, max } => ("object", json!({ "of": kind.describe(), "max": max })),
        Domain::Chain => ("chain", json!({})),
        Domain::Expression { language, examples, .. } => {
            ("expression", json!({ "language": language, "examples": examples }))
        }
        Domain::Range { of, separator } => {
            ("range", json!({ "of": domain(of), "separator": separator.to_string() }))
        }
        Domain::Pair { of, separator } => {
            ("pair", json!({ "of": domain(of), "separator": separator.to_string() }))
        }
        Domain::List { of, max, separator } => {
            ("list", json!({ "of": domain(of), "max": max, "separator": separator.to_string() }))
        }
        Domain::Joined { parts, separator } => {
            ("joined", json!({ "parts": domains(parts), "separator": separator.to_string() }))
        }
        Domain::Words(parts) => ("words", json!({ "parts": domains(parts) })),
        Domain::PerFamily { ipv4, ipv6 } => {
            ("per-family", json!({ "ipv4": domain(ipv4), "ipv6": domain(ipv6) }))
        }
        Domain::OneOf(kinds) => ("one-of", json!({ "kinds": domains(kinds) })),
    };
    let mut object = Map::new();
    object.insert("kind".into(), kind.into());
    object.insert("accepts".into(), of.describe().into());
    if let Value::Object(rest) = rest {
        object.extend(rest);
    }
    object.into()
}

fn domains(all: &[Domain]) -> Vec<Value> {
    all.iter().map(domain).collect()
}

fn choices(choices: &[Choice]) -> Vec<Value> {
    let choice = |choice: &Choice| {
        json!({
            "name": choice.name,
            "aliases": choice.aliases,
            "help": choice.meaning(),
            "families": families(choice.families),
        })
    };
    choices.iter().map(choice).collect()
}
