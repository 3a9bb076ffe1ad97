//! Extensions put together from their descriptions alone.
#![allow(dead_code, reason = "not every test needs all of it")]

use pkttables::model::{Family, Header, Hooks, Negatable};
use pkttables::registry::{
    Builder, Descriptor, Domain, Instance, Kind, ObjectKind, Param, ParamError, Registry, Require, RuleScope,
    Scope,
};

/// Takes its choices from a list of numbers, and 0 when that is used up.
pub(crate) fn picks(numbers: &[u64]) -> impl FnMut(u64) -> u64 {
    let mut numbers = numbers.iter();
    move |below| numbers.next().map_or(0, |number| number % below.max(1))
}

/// Draws without end; the same for the same seed.
pub(crate) fn draws(mut seed: u64) -> impl FnMut(u64) -> u64 {
    move |below| {
        // splitmix64
        seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut number = seed;
        number = (number ^ number >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        number = (number ^ number >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        (number ^ number >> 31) % below.max(1)
    }
}

/// An option of a generated extension.
#[derive(Clone, Debug)]
pub(crate) struct Given {
    pub(crate) param: &'static Param,
    pub(crate) not: bool,
    pub(crate) value: String,
}

/// Every extension in every family that has it.
pub(crate) fn extensions() -> impl Iterator<Item = (&'static Descriptor, Family)> {
    Registry::builtin().all().iter().flat_map(|descriptor| {
        Family::ALL
            .into_iter()
            .filter(|family| descriptor.families.has(*family))
            .map(|family| (*descriptor, family))
    })
}

/// A header that names a protocol with which the extension works.
pub(crate) fn header(descriptor: &Descriptor) -> Header {
    let protocol = descriptor.protocols.first().copied().unwrap_or(6);
    Header { protocol: Some(Negatable { value: protocol, not: false }), ..Header::default() }
}

/// Options that the description allows together, in its order.
pub(crate) fn options(
    descriptor: &'static Descriptor,
    family: Family,
    hooks: Hooks,
    pick: &mut dyn FnMut(u64) -> u64,
) -> Vec<Given> {
    let params: Vec<&'static Param> = descriptor
        .params
        .iter()
        .filter(|param| param.families.has(family) && param.hooks.contains(hooks))
        .collect();
    let few = pick(3) == 0;
    let mut wanted: Vec<&str> =
        params.iter().filter(|_| pick(if few { 8 } else { 3 }) == 1).map(|param| param.name).collect();
    let all: Vec<&str> = params.iter().map(|param| param.name).collect();
    match descriptor.require {
        Require::Any => {}
        Require::AtLeastOne if !wanted.is_empty() => {}
        Require::AtLeastOneOf(names) if names.iter().any(|name| wanted.contains(name)) => {}
        Require::AtLeastOne => wanted.extend(one(&all, pick)),
        Require::AtLeastOneOf(names) => wanted.extend(one(names, pick)),
        Require::ExactlyOne => wanted = one(&all, pick).into_iter().collect(),
        Require::ExactlyOneOf(names) => {
            wanted.retain(|name| !names.contains(name));
            wanted.splice(0..0, one(names, pick));
        }
    }
    wanted.splice(0..0, params.iter().filter(|param| param.required).map(|param| param.name));
    let find = |name: &str| params.iter().copied().find(|param| param.name == name);
    let mut given: Vec<&'static Param> = Vec::new();
    while !wanted.is_empty() {
        let Some(param) = find(wanted.remove(0)) else { continue };
        let excluded =
            |other: &&Param| other.excludes.contains(&param.name) || param.excludes.contains(&other.name);
        if given.iter().any(|known| known.name == param.name) || given.iter().any(excluded) {
            continue;
        }
        given.push(param);
        wanted.splice(0..0, param.needs.iter().copied());
    }
    loop {
        let names: Vec<&str> = given.iter().map(|param| param.name).collect();
        given.retain(|param| param.needs.iter().all(|name| names.contains(name)));
        if given.len() == names.len() {
            break;
        }
    }
    given.sort_by_key(|param| params.iter().position(|known| known.name == param.name));
    given
        .into_iter()
        .map(|param| Given {
            param,
            not: param.negatable && pick(3) == 1,
            value: param.domain.sample(family, pick),
        })
        .collect()
}

/// Puts an extension together.
pub(crate) fn build(
    descriptor: &'static Descriptor,
    family: Family,
    header: &Header,
    options: &[Given],
) -> Result<Box<dyn Instance>, ParamError> {
    let scope = Scope { family, protocol: header.protocol };
    let mut builder = Builder::new(descriptor);
    for Given { param, not, value } in options {
        builder.set(param, value, *not, &scope)?;
    }
    builder.finish(&RuleScope { family, table: None, chain: None, header })
}

/// The option as it is written.
pub(crate) fn line(descriptor: &Descriptor, options: &[Given]) -> String {
    let letter = if descriptor.kind == Kind::Match { 'm' } else { 'j' };
    let mut line = format!("-{letter} {}", descriptor.name);
    for Given { param, not, value } in options {
        line.push_str(if *not { " ! --" } else { " --" });
        line.push_str(param.name);
        match param.domain {
            Domain::Nothing => {}
            Domain::Words(_) => line.extend([" ", value]),
            _ => {
                line.push(' ');
                pkttables::domain::write_quoted(&mut line, value);
            }
        }
    }
    line
}

/// The kinds of things of the kernel that a value names.
pub(crate) fn objects(domain: &Domain) -> Vec<ObjectKind> {
    match *domain {
        Domain::Object { kind, .. } => vec![kind],
        Domain::Range { of, .. } | Domain::Pair { of, .. } | Domain::List { of, .. } => objects(of),
        Domain::Words(parts) | Domain::Joined { parts, .. } | Domain::OneOf(parts) => {
            parts.iter().flat_map(objects).collect()
        }
        _ => Vec::new(),
    }
}

fn one<'t>(of: &[&'t str], pick: &mut dyn FnMut(u64) -> u64) -> Option<&'t str> {
    of.get(usize::try_from(pick(of.len() as u64)).ok()?).copied()
}
