use super::family_name;
use crate::model::{
    Chain, Counters, Family, Match, Negatable, Opaque, Rule, Ruleset, Table, Target, protocol,
};
use crate::registry::{Descriptor, Domain, Instance, Scope, Sink, WriteValue};
use crate::text::Words;
use serde_json::{Map, Value, json};

/// A ruleset as JSON.
#[must_use]
pub fn ruleset(ruleset: &Ruleset) -> Value {
    let tables: Vec<Value> = ruleset.tables.iter().map(|each| table(each, ruleset.family)).collect();
    json!({ "family": family_name(ruleset.family), "tables": tables })
}

fn table(table: &Table, family: Family) -> Value {
    let chains: Vec<Value> = table.chains.iter().map(|each| chain(each, family)).collect();
    json!({ "name": table.name.name(), "chains": chains })
}

fn chain(chain: &Chain, family: Family) -> Value {
    let mut object = Map::new();
    object.insert("name".into(), json!(chain.name));
    if let Some(policy) = chain.policy {
        object.insert("policy".into(), json!(policy.name()));
    }
    if let Some(count) = chain.counters {
        object.insert("counters".into(), counters(count));
    }
    let rules: Vec<Value> = chain.rules.iter().map(|each| rule(each, family)).collect();
    object.insert("rules".into(), rules.into());
    object.into()
}

/// A rule as JSON.
#[must_use]
pub fn rule(rule: &Rule, family: Family) -> Value {
    let scope = Scope { family, protocol: rule.header.protocol };
    let header = &rule.header;
    let mut object = Map::new();
    let mut put = |name: &str, given: Option<(Value, bool)>| {
        if let Some((value, not)) = given {
            object.insert(name.into(), negated(value, not));
        }
    };
    let written = |value: &dyn WriteValue| Value::String(unquoted(value, &scope));
    put("source", header.source.map(|given| (written(&given.value), given.not)));
    put("destination", header.destination.map(|given| (written(&given.value), given.not)));
    put("in-interface", header.in_interface.map(|given| (written(&given.value), given.not)));
    put("out-interface", header.out_interface.map(|given| (written(&given.value), given.not)));
    let number = |Negatable { value, not }| match protocol::known_name(value) {
        Some(name) => (json!(name), not),
        None => (json!(value), not),
    };
    put("protocol", header.protocol.map(number));
    put("fragment", header.fragment.map(|given| (Value::Bool(true), given.not)));
    if !rule.matches.is_empty() {
        let matches = rule.matches.iter().map(|each| match each {
            Match::Known(instance) => known(&**instance, &scope),
            Match::Opaque(kept) => opaque(kept),
        });
        object.insert("matches".into(), matches.collect::<Vec<_>>().into());
    }
    let target = match &rule.target {
        Target::None => None,
        Target::Verdict(verdict) => Some(json!({ "verdict": verdict.name() })),
        Target::Jump(chain) => Some(json!({ "jump": chain })),
        Target::Goto(chain) => Some(json!({ "goto": chain })),
        Target::Known(instance) => Some(known(&**instance, &scope)),
        Target::Opaque(kept) => Some(opaque(kept)),
    };
    if let Some(target) = target {
        object.insert("target".into(), target);
    }
    if let Some(count) = rule.counters {
        object.insert("counters".into(), counters(count));
    }
    object.into()
}

pub(super) fn counters(Counters { packets, bytes }: Counters) -> Value {
    json!({ "packets": packets, "bytes": bytes })
}

fn opaque(opaque: &Opaque) -> Value {
    let info: String = opaque.info.iter().map(|byte| format!("{byte:02x}")).collect();
    json!({ "name": opaque.name, "revision": opaque.revision, "info": info })
}

fn known(instance: &dyn Instance, scope: &Scope) -> Value {
    let mut options = Options { descriptor: instance.descriptor(), given: Vec::new(), scope };
    instance.params(&mut options);
    let mut object = Map::new();
    object.insert("name".into(), json!(instance.descriptor().name));
    if !options.given.is_empty() {
        object.insert("options".into(), options.into_json());
    }
    object.into()
}

struct Options<'a> {
    descriptor: &'static Descriptor,
    given: Vec<(&'static str, Value)>,
    scope: &'a Scope,
}

impl Options<'_> {
    fn into_json(self) -> Value {
        let mut names: Vec<&str> = self.given.iter().map(|(name, _)| *name).collect();
        names.sort_unstable();
        if names.is_sorted_by(|before, after| before < after) {
            return self
                .given
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect::<Map<_, _>>()
                .into();
        }
        let single = |(name, value): (&str, Value)| Value::from(Map::from_iter([(name.to_owned(), value)]));
        self.given.into_iter().map(single).collect::<Vec<_>>().into()
    }
}

impl Sink for Options<'_> {
    fn param(&mut self, name: &'static str, not: bool, value: &dyn WriteValue) {
        let domain = value.domain();
        let value = match domain {
            Domain::Nothing => Value::Bool(true),
            domain => of_domain(unquoted(value, self.scope), &domain),
        };
        // Some extensions print an alias.
        let name = self.descriptor.param(name, self.scope.family).map_or(name, |param| param.name);
        self.given.push((name, negated(value, not)));
    }
}

/// Text as the kind of JSON that the domain asks for.
fn of_domain(text: String, domain: &Domain) -> Value {
    match *domain {
        Domain::Integer { .. } | Domain::Decimal { .. } => match text.parse::<u64>() {
            Ok(number) => number.into(),
            Err(_) => text.into(),
        },
        Domain::Flags { separator, .. } if !text.is_empty() => {
            text.split(separator).map(Value::from).collect::<Vec<_>>().into()
        }
        _ => text.into(),
    }
}

fn negated(value: Value, not: bool) -> Value {
    if not { json!({ "not": value }) } else { value }
}

/// What a value is without the quotes that a saved rule needs.
fn unquoted(value: &dyn WriteValue, scope: &Scope) -> String {
    let mut text = String::new();
    value.write_value(&mut text, scope);
    let mut words = Words::new();
    match words.read_line(&text, 0) {
        Ok(()) => (0..).map_while(|place| words.get(place)).collect::<Vec<_>>().join(" "),
        Err(_) => text,
    }
}
