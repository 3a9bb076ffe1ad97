use super::FAMILIES;
use crate::domain::ProtocolNumber;
use crate::model::{
    Chain, Counters, Family, Header, InterfacePattern, Match, Negatable, Opaque, Policy, Rule, Ruleset,
    Table, TableName, Target, Verdict,
};
use crate::registry::{Builder, Instance, Kind, Registry, RuleScope, Scope, Value as _};
use serde_json::{Map, Value};
use std::sync::Arc;

/// What is wrong with JSON that should be a ruleset, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {problem}")]
pub struct JsonError {
    /// The place as a JSON Pointer (RFC 6901).
    pub place: String,
    /// What is wrong there.
    pub problem: String,
}

pub(super) type Result<T> = std::result::Result<T, JsonError>;

/// Reads a ruleset as [`ruleset`](super::ruleset) writes it.
pub fn read_ruleset(value: &Value, registry: &Registry) -> Result<Ruleset> {
    let at = Place::root();
    at.refuse_nul(value)?;
    let object = at.object(value)?;
    let family = at.family(object)?;
    let tables = at.list(object, "tables", |at, value| read_table(&at, value, family, registry))?;
    Ok(Ruleset { family, tables })
}

fn read_table(at: &Place, value: &Value, family: Family, registry: &Registry) -> Result<Table> {
    let object = at.object(value)?;
    let name = at.table(object, "name")?;
    let chains =
        at.list(object, "chains", |at, value| read_chain(&at, value, family, name, registry).map(Arc::new))?;
    Ok(Table { name, chains })
}

fn read_chain(
    at: &Place,
    value: &Value,
    family: Family,
    table: TableName,
    registry: &Registry,
) -> Result<Chain> {
    let object = at.object(value)?;
    let name = at.text(object, "name")?;
    let policy = object.get("policy").map(|policy| at.to("policy").policy(policy)).transpose()?;
    let rules = at.list(object, "rules", |at, value| {
        read_rule_at(&at, value, &Stands { family, table: Some(table), chain: Some(name) }, registry)
    })?;
    Ok(Chain { name: name.into(), policy, counters: read_counters(at, object)?, rules })
}

/// Reads a rule as [`rule`](super::rule) writes it.
pub fn read_rule(value: &Value, family: Family, registry: &Registry) -> Result<Rule> {
    let at = Place::root();
    at.refuse_nul(value)?;
    read_rule_at(&at, value, &Stands { family, table: None, chain: None }, registry)
}

/// The chain in which a rule stands.
pub(super) struct Stands<'a> {
    pub(super) family: Family,
    pub(super) table: Option<TableName>,
    pub(super) chain: Option<&'a str>,
}

pub(super) fn read_rule_at(
    at: &Place,
    value: &Value,
    stands: &Stands<'_>,
    registry: &Registry,
) -> Result<Rule> {
    let object = at.object(value)?;
    let header = read_header(at, object, stands.family)?;
    let scope =
        RuleScope { family: stands.family, table: stands.table, chain: stands.chain, header: &header };
    let matches = at.list(object, "matches", |at, value| {
        Ok(match read_extension(&at, value, Kind::Match, &scope, registry)? {
            Extension::Known(instance) => Match::Known(instance),
            Extension::Opaque(opaque) => Match::Opaque(opaque),
        })
    })?;
    let target = match object.get("target") {
        None => Target::None,
        Some(target) => read_target(&at.to("target"), target, &scope, registry)?,
    };
    let counters = read_counters(at, object)?;
    for name in object.keys() {
        if !RULE_MEMBERS.contains(&name.as_str()) {
            return Err(at.to(name).error("a rule has nothing of this name"));
        }
    }
    let mut rule = Rule { header, matches: Vec::with_capacity(matches.len()), target, counters };
    matches.into_iter().for_each(|added| rule.add_match(added));
    Ok(rule)
}

const RULE_MEMBERS: [&str; 9] = [
    "source",
    "destination",
    "in-interface",
    "out-interface",
    "protocol",
    "fragment",
    "matches",
    "target",
    "counters",
];

fn read_header(at: &Place, object: &Map<String, Value>, family: Family) -> Result<Header> {
    let scope = Scope { family, protocol: None };
    let given = |name: &str| object.get(name).map(|value| (at.to(name), unwrap_not(value)));
    let address = |name: &str| match given(name) {
        None => Ok(None),
        Some((at, (value, not))) => {
            let text = value.as_str().ok_or_else(|| at.error("text is expected"))?;
            crate::model::AddressMask::parse(text, &scope)
                .map(|value| Some(Negatable { value, not }))
                .map_err(|error| at.error(error))
        }
    };
    let interface = |name: &str| match given(name) {
        None => Ok(None),
        Some((at, (value, not))) => {
            let text = value.as_str().ok_or_else(|| at.error("text is expected"))?;
            InterfacePattern::parse(text, &scope)
                .map(|value| Some(Negatable { value, not }))
                .map_err(|error| at.error(error))
        }
    };
    let protocol = match given("protocol") {
        None => None,
        Some((at, (value, not))) => {
            let text = scalar(value).ok_or_else(|| at.error("text or a number is expected"))?;
            let ProtocolNumber(value) =
                ProtocolNumber::parse(&text, &scope).map_err(|error| at.error(error))?;
            Some(Negatable { value, not })
        }
    };
    Ok(Header {
        source: address("source")?,
        destination: address("destination")?,
        in_interface: interface("in-interface")?,
        out_interface: interface("out-interface")?,
        protocol,
        fragment: given("fragment").map(|(_, (_, not))| Negatable { value: (), not }),
    })
}

fn read_target(at: &Place, value: &Value, scope: &RuleScope<'_>, registry: &Registry) -> Result<Target> {
    let object = at.object(value)?;
    if let Some(verdict) = object.get("verdict") {
        let found = Verdict::ALL.into_iter().find(|known| verdict.as_str() == Some(known.name()));
        return found.map(Target::Verdict).ok_or_else(|| at.to("verdict").error("no such verdict"));
    }
    if object.contains_key("jump") {
        return Ok(Target::Jump(at.text(object, "jump")?.into()));
    }
    if object.contains_key("goto") {
        return Ok(Target::Goto(at.text(object, "goto")?.into()));
    }
    Ok(match read_extension(at, value, Kind::Target, scope, registry)? {
        Extension::Known(instance) => Target::Known(instance),
        Extension::Opaque(opaque) => Target::Opaque(opaque),
    })
}

enum Extension {
    Known(Box<dyn Instance>),
    Opaque(Opaque),
}

fn read_extension(
    at: &Place,
    value: &Value,
    kind: Kind,
    rule: &RuleScope<'_>,
    registry: &Registry,
) -> Result<Extension> {
    let object = at.object(value)?;
    let name = at.text(object, "name")?;
    if object.contains_key("info") {
        let revision =
            object.get("revision").and_then(Value::as_u64).and_then(|number| u8::try_from(number).ok());
        let revision = revision.ok_or_else(|| at.to("revision").error("a number up to 255 is expected"))?;
        let info = hexadecimal(at.text(object, "info")?)
            .ok_or_else(|| at.to("info").error("hexadecimal is expected"))?;
        return Ok(Extension::Opaque(Opaque { name: name.into(), revision, info: info.into() }));
    }
    let found = registry.find(kind, name, rule.family);
    let descriptor = found.ok_or_else(|| at.to("name").error("no extension of this name"))?;
    let mut builder = Builder::new(descriptor);
    let scope = Scope { family: rule.family, protocol: rule.header.protocol };
    let mut set = |at: Place, name: &str, value: &Value| {
        let param = descriptor.param(name, rule.family).ok_or_else(|| at.error("no option of this name"))?;
        let (value, not) = unwrap_not(value);
        let text = option_text(value).ok_or_else(|| at.error("this is no value of an option"))?;
        builder.set(param, &text, not, &scope).map_err(|error| at.error(error))
    };
    let options_at = at.to("options");
    match object.get("options") {
        None => {}
        // The description's order is that in which options are written.
        Some(Value::Object(options)) => {
            let place = |name: &str| descriptor.params.iter().position(|param| param.is_called(name));
            let mut options: Vec<(&String, &Value)> = options.iter().collect();
            options.sort_by_key(|(name, _)| place(name));
            for (name, value) in options {
                set(options_at.to(name), name, value)?;
            }
        }
        Some(Value::Array(options)) => {
            for (place, option) in options.iter().enumerate() {
                let at = options_at.to(place);
                for (name, value) in at.object(option)? {
                    set(at.to(name), name, value)?;
                }
            }
        }
        Some(_) => return Err(options_at.error("an object or an array of objects is expected")),
    }
    builder.finish(rule).map(Extension::Known).map_err(|error| at.error(error))
}

pub(super) fn read_counters(at: &Place, object: &Map<String, Value>) -> Result<Option<Counters>> {
    let Some(value) = object.get("counters") else { return Ok(None) };
    let at = at.to("counters");
    let number = |name: &str| {
        value.get(name).and_then(Value::as_u64).ok_or_else(|| at.to(name).error("a whole number is expected"))
    };
    Ok(Some(Counters { packets: number("packets")?, bytes: number("bytes")? }))
}

fn unwrap_not(value: &Value) -> (&Value, bool) {
    value.get("not").map_or((value, false), |value| (value, true))
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn option_text(value: &Value) -> Option<String> {
    match value {
        Value::Bool(true) => Some(String::new()),
        Value::Array(items) => {
            items.iter().map(scalar).collect::<Option<Vec<_>>>().map(|items| items.join(","))
        }
        value => scalar(value),
    }
}

fn hexadecimal(text: &str) -> Option<Vec<u8>> {
    let bytes = text.as_bytes().chunks(2);
    bytes.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}

/// A place in JSON.
#[derive(Clone)]
pub(super) struct Place(String);

impl Place {
    /// The whole value.
    pub(super) const fn root() -> Self {
        Self(String::new())
    }

    pub(super) fn to(&self, member: impl std::fmt::Display) -> Self {
        Self(format!("{}/{}", self.0, member.to_string().replace('~', "~0").replace('/', "~1")))
    }

    pub(super) fn error(&self, problem: impl std::fmt::Display) -> JsonError {
        JsonError { place: self.0.clone(), problem: problem.to_string() }
    }

    /// The kernel's names and texts end at a NUL.
    pub(super) fn refuse_nul(&self, value: &Value) -> Result<()> {
        match value {
            Value::String(text) if text.contains('\0') => Err(self.error("a NUL cannot be part of a text")),
            Value::Array(items) => {
                items.iter().enumerate().try_for_each(|(place, item)| self.to(place).refuse_nul(item))
            }
            Value::Object(members) => {
                members.iter().try_for_each(|(name, member)| self.to(name).refuse_nul(member))
            }
            _ => Ok(()),
        }
    }

    pub(super) fn object<'v>(&self, value: &'v Value) -> Result<&'v Map<String, Value>> {
        value.as_object().ok_or_else(|| self.error("an object is expected"))
    }

    pub(super) fn field<'v>(&self, object: &'v Map<String, Value>, name: &str) -> Result<(Self, &'v Value)> {
        let value = object.get(name).ok_or_else(|| self.to(name).error("it is missing"))?;
        Ok((self.to(name), value))
    }

    pub(super) fn text<'v>(&self, object: &'v Map<String, Value>, name: &str) -> Result<&'v str> {
        let (at, value) = self.field(object, name)?;
        value.as_str().ok_or_else(|| at.error("text is expected"))
    }

    pub(super) fn family(&self, object: &Map<String, Value>) -> Result<Family> {
        let (at, name) = self.field(object, "family")?;
        let found = FAMILIES.iter().find(|(_, known)| name.as_str() == Some(known));
        found.map(|(family, _)| *family).ok_or_else(|| at.error("ipv4 or ipv6 is expected"))
    }

    pub(super) fn table(&self, object: &Map<String, Value>, name: &str) -> Result<TableName> {
        let (at, name) = self.field(object, name)?;
        name.as_str().and_then(TableName::from_name).ok_or_else(|| at.error("no table of this name"))
    }

    pub(super) fn policy(&self, value: &Value) -> Result<Policy> {
        value.as_str().and_then(Policy::from_name).ok_or_else(|| self.error("ACCEPT or DROP is expected"))
    }

    /// The items of an array, which may be left out.
    pub(super) fn list<T>(
        &self,
        object: &Map<String, Value>,
        name: &str,
        mut read: impl FnMut(Self, &Value) -> Result<T>,
    ) -> Result<Vec<T>> {
        let at = self.to(name);
        let Some(value) = object.get(name) else { return Ok(Vec::new()) };
        let items = value.as_array().ok_or_else(|| at.error("an array is expected"))?;
        items.iter().enumerate().map(|(place, item)| read(at.to(place), item)).collect()
    }
}
