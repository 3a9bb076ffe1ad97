use super::FAMILIES;
use crate::model::{Policy, TableName, Verdict};
use crate::registry::{Choice, Descriptor, Domain, Kind, Param, Registry, Require};
use serde_json::{Map, Value, json};

const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// The JSON Schema (draft 2020-12) of a ruleset whose extensions are those of `registry`.
///
/// `$defs/rule` describes a rule, `$defs/match-NAME` and `$defs/target-NAME` the extensions, of which there are two
/// where the families differ: `$defs/match-ah` and `$defs/match-ah-ipv6`. `$defs/plan` describes what [`plan`](super::plan())
/// gives.
#[must_use]
pub fn schema(registry: &Registry) -> Value {
    let mut defs = Map::new();
    let mut matches = vec![json!({ "$ref": "#/$defs/opaque" })];
    let mut targets = vec![
        json!({ "$ref": "#/$defs/verdict" }),
        json!({ "$ref": "#/$defs/jump" }),
        json!({ "$ref": "#/$defs/goto" }),
        json!({ "$ref": "#/$defs/opaque" }),
    ];
    for descriptor in registry.all() {
        let (kind, list) = match descriptor.kind {
            Kind::Match => ("match", &mut matches),
            Kind::Target => ("target", &mut targets),
        };
        let mut name = format!("{kind}-{}", descriptor.name);
        if defs.contains_key(&name) {
            let families = FAMILIES.iter().filter(|(family, _)| descriptor.families.has(*family));
            families.for_each(|(_, family)| name.extend(["-", *family]));
        }
        list.push(json!({ "$ref": format!("#/$defs/{name}") }));
        defs.insert(name, of_extension(descriptor));
    }
    let negatable = |of: Value| json!({ "anyOf": [of, negated(&of)] });
    let address = json!({ "type": "string", "description": Domain::Prefix.describe() });
    let interface = json!({ "type": "string", "description": Domain::Interface.describe() });
    let protocol =
        json!({ "anyOf": [{ "type": "string" }, { "type": "integer", "minimum": 1, "maximum": 255 }] });
    defs.insert(
        "rule".into(),
        closed(
            json!({
                "source": negatable(address.clone()),
                "destination": negatable(address),
                "in-interface": negatable(interface.clone()),
                "out-interface": negatable(interface),
                "protocol": negatable(protocol),
                "fragment": negatable(json!({ "const": true })),
                "matches": { "type": "array", "items": { "anyOf": matches } },
                "target": { "anyOf": targets },
                "counters": { "$ref": "#/$defs/counters" },
            }),
            &[],
        ),
    );
    let chain_name = json!({ "type": "string", "minLength": 1, "maxLength": 28 });
    let verdicts = Verdict::ALL.map(Verdict::name);
    defs.insert("verdict".into(), closed(json!({ "verdict": { "enum": verdicts } }), &["verdict"]));
    defs.insert("jump".into(), closed(json!({ "jump": chain_name }), &["jump"]));
    defs.insert("goto".into(), closed(json!({ "goto": chain_name }), &["goto"]));
    let opaque = json!({
        "name": { "type": "string" },
        "revision": { "type": "integer", "minimum": 0, "maximum": 255 },
        "info": { "type": "string", "pattern": "^([0-9a-f]{2})*$" },
    });
    defs.insert("opaque".into(), closed(opaque, &["name", "revision", "info"]));
    let count = json!({ "type": "integer", "minimum": 0 });
    defs.insert(
        "counters".into(),
        closed(json!({ "packets": count, "bytes": count }), &["packets", "bytes"]),
    );
    let policies = [Policy::Accept, Policy::Drop].map(Policy::name);
    let chain = json!({
        "name": chain_name,
        "policy": { "enum": policies },
        "counters": { "$ref": "#/$defs/counters" },
        "rules": { "type": "array", "items": { "$ref": "#/$defs/rule" } },
    });
    defs.insert("chain".into(), closed(chain, &["name"]));
    let table = json!({
        "name": { "enum": TableName::ALL.map(TableName::name) },
        "chains": { "type": "array", "items": { "$ref": "#/$defs/chain" } },
    });
    defs.insert("table".into(), closed(table, &["name"]));
    add_plan(&mut defs);
    let ruleset = json!({
        "family": { "enum": FAMILIES.map(|(_, name)| name) },
        "tables": { "type": "array", "items": { "$ref": "#/$defs/table" } },
    });
    let mut root = closed(ruleset, &["family", "tables"]);
    if let Some(root) = root.as_object_mut() {
        root.insert("$schema".into(), DIALECT.into());
        root.insert("title".into(), "The tables of one family".into());
        root.insert("$defs".into(), defs.into());
    }
    root
}

/// Describes plans, their steps, and the rules that go.
fn add_plan(defs: &mut Map<String, Value>) {
    let (name, handle) = (json!({ "type": "string" }), json!({ "type": ["integer", "null"], "minimum": 1 }));
    let policies = [Policy::Accept, Policy::Drop].map(Policy::name);
    let (rule, old) = (json!({ "$ref": "#/$defs/rule" }), json!({ "$ref": "#/$defs/old-rule" }));
    let step = |what: &str, members: Value| {
        let mut properties = json!({ "do": { "const": what } });
        if let (Some(properties), Value::Object(members)) = (properties.as_object_mut(), members) {
            properties.extend(members);
        }
        let required: Vec<String> =
            properties.as_object().into_iter().flatten().map(|(key, _)| key.clone()).collect();
        closed(properties, &required.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let counters = json!({ "anyOf": [{ "$ref": "#/$defs/counters" }, { "type": "null" }] });
    let old_policy = json!({ "enum": [policies[0], policies[1], null] });
    let policy =
        json!({ "chain": name, "old": old_policy, "new": { "enum": policies }, "counters": counters });
    let steps = [
        step("create-table", json!({})),
        step("delete-table", json!({})),
        step("set-policy", policy),
        step("create-chain", json!({ "chain": name })),
        step("insert", json!({ "chain": name, "before": handle, "rule": rule })),
        step("replace", json!({ "chain": name, "old": old, "rule": rule })),
        step("delete", json!({ "chain": name, "old": old })),
        step("flush", json!({ "chain": name, "old": { "type": "array", "items": old } })),
        step("delete-chain", json!({ "chain": name, "handle": handle })),
        step("rename-chain", json!({ "chain": name, "new": name, "handle": handle })),
    ];
    // Of a rule that another program wrote nothing is told but its handle.
    let gone = json!({ "handle": handle, "rule": { "anyOf": [rule, { "type": "null" }] } });
    defs.insert("old-rule".into(), closed(gone, &["handle", "rule"]));
    defs.insert("step".into(), json!({ "anyOf": steps }));
    let plan = json!({
        "family": { "enum": FAMILIES.map(|(_, name)| name) },
        "table": { "enum": TableName::ALL.map(TableName::name) },
        "steps": { "type": "array", "items": { "$ref": "#/$defs/step" } },
        "diff": { "type": "array", "items": { "type": "string" }, "description": "The same as lines of a diff" },
    });
    defs.insert("plan".into(), closed(plan, &["family", "table", "steps"]));
}

/// The JSON Schema (draft 2020-12) of one extension in a rule.
#[must_use]
pub fn extension_schema(descriptor: &Descriptor) -> Value {
    let mut schema = of_extension(descriptor);
    if let Some(schema) = schema.as_object_mut() {
        schema.insert("$schema".into(), DIALECT.into());
    }
    schema
}

fn of_extension(descriptor: &Descriptor) -> Value {
    let names: Vec<&str> =
        std::iter::once(descriptor.name).chain(descriptor.aliases.iter().copied()).collect();
    let must = descriptor.params.iter().any(|param| param.required) || descriptor.require != Require::Any;
    let required: &[&str] = if must { &["name", "options"] } else { &["name"] };
    let single =
        json!({ "type": "array", "items": closed_object(descriptor.params, json!({ "maxProperties": 1 })) });
    let options = json!({ "anyOf": [together(descriptor), single] });
    let mut schema = closed(json!({ "name": { "enum": names }, "options": options }), required);
    if let Some(schema) = schema.as_object_mut() {
        schema.insert("title".into(), descriptor.name.into());
        schema.insert("description".into(), descriptor.help.text().into());
    }
    schema
}

/// Options as members of one object, with what the description says of them together.
fn together(descriptor: &Descriptor) -> Value {
    let is_required = |param: &&Param| param.required && param.families == descriptor.families;
    let required: Vec<&str> = descriptor.params.iter().filter(is_required).map(|param| param.name).collect();
    let mut rules: Vec<Value> = Vec::new();
    let mut needs = Map::new();
    for param in descriptor.params {
        if !param.needs.is_empty() {
            needs.insert(param.name.into(), json!(param.needs));
        }
        for other in param.excludes {
            rules.push(json!({ "not": { "required": [param.name, other] } }));
        }
    }
    let one_of = |names: &[&str]| names.iter().map(|name| json!({ "required": [name] })).collect::<Vec<_>>();
    let all: Vec<&str> = descriptor.params.iter().map(|param| param.name).collect();
    match descriptor.require {
        Require::Any => {}
        Require::AtLeastOne => rules.push(json!({ "minProperties": 1 })),
        Require::ExactlyOne => rules.push(json!({ "oneOf": one_of(&all) })),
        Require::AtLeastOneOf(names) => rules.push(json!({ "anyOf": one_of(names) })),
        Require::ExactlyOneOf(names) => rules.push(json!({ "oneOf": one_of(names) })),
    }
    let mut more = Map::new();
    more.insert("required".into(), json!(required));
    if !needs.is_empty() {
        more.insert("dependentRequired".into(), needs.into());
    }
    if !rules.is_empty() {
        more.insert("allOf".into(), rules.into());
    }
    closed_object(descriptor.params, more.into())
}

fn closed_object(params: &[Param], more: Value) -> Value {
    let properties: Map<String, Value> =
        params.iter().map(|param| (param.name.to_owned(), of_param(param))).collect();
    let mut schema = closed(properties.into(), &[]);
    if let (Some(schema), Value::Object(more)) = (schema.as_object_mut(), more) {
        schema.extend(more);
    }
    schema
}

fn of_param(param: &Param) -> Value {
    let mut value = of_domain(param.domain);
    if param.optional_word {
        value = json!({ "anyOf": [value, { "const": true }] });
    }
    let mut schema = match param.negatable {
        true => json!({ "anyOf": [value, negated(&value)] }),
        false => json!({ "allOf": [value] }),
    };
    if let Some(schema) = schema.as_object_mut() {
        schema.insert("description".into(), param.help.text().into());
    }
    schema
}

fn of_domain(domain: &Domain) -> Value {
    const NUMBER: &str = "(0[xX][0-9a-fA-F]+|[0-9]+)";
    let text = || json!({ "type": "string", "description": domain.describe() });
    let pattern =
        |pattern: String| json!({ "type": "string", "description": domain.describe(), "pattern": pattern });
    match *domain {
        Domain::Nothing => json!({ "const": true }),
        Domain::Integer { min, max, .. } => json!({
            "description": domain.describe(),
            "anyOf": [{ "type": "integer", "minimum": min, "maximum": max }, pattern(format!("^{NUMBER}$"))],
        }),
        Domain::Decimal { min, max, .. } => json!({
            "description": domain.describe(),
            "anyOf": [{ "type": "integer", "minimum": min, "maximum": max }, pattern("^[0-9]+$".into())],
        }),
        Domain::Masked { .. } => pattern(format!("^{NUMBER}(/{NUMBER})?$")),
        Domain::Choice(choices) => json!({ "enum": words(choices) }),
        Domain::Flags { choices, .. } => json!({
            "anyOf": [{ "type": "array", "minItems": 1, "items": { "enum": words(choices) } }, text()],
        }),
        Domain::Text { min, max, .. } if max < usize::MAX => {
            json!({ "type": "string", "minLength": min.min(1), "maxLength": max })
        }
        Domain::Object { max, .. } => {
            json!({ "type": ["string", "integer"], "maxLength": max, "description": domain.describe() })
        }
        Domain::Mac { .. } => pattern("^[0-9a-fA-F]{1,2}(:[0-9a-fA-F]{1,2}){5}$".into()),
        Domain::PrefixLen | Domain::Port => {
            json!({ "type": ["string", "integer"], "description": domain.describe() })
        }
        Domain::PerFamily { ipv4, ipv6 } => json!({ "anyOf": [of_domain(ipv4), of_domain(ipv6)] }),
        Domain::OneOf(kinds) => json!({ "anyOf": kinds.iter().map(of_domain).collect::<Vec<_>>() }),
        _ => text(),
    }
}

fn words(choices: &[Choice]) -> Vec<&'static str> {
    choices.iter().flat_map(|choice| std::iter::once(&choice.name).chain(choice.aliases)).copied().collect()
}

fn negated(of: &Value) -> Value {
    closed(json!({ "not": of }), &["not"])
}

/// An object that has these members and no others.
fn closed(properties: Value, required: &[&str]) -> Value {
    json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false })
}
