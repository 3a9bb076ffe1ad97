//! Rules with one extension, valid ones at first.

use crate::common::{self, Given};
use crate::spoil;
use pkttables::model::{Family, Hook, TableName};
use pkttables::registry::{Descriptor, Domain, Kind};
use std::fmt;

/// A rule as words, and where it is to stand.
#[derive(Clone, Debug)]
pub(crate) struct RuleCase {
    pub(crate) family: Family,
    pub(crate) table: TableName,
    pub(crate) chain: &'static str,
    pub(crate) extensions: Vec<&'static str>,
    pub(crate) words: Vec<String>,
    /// Whether it is added by a save file, not by a command.
    pub(crate) restored: bool,
}

/// The sets that the namespaces have, by family.
pub(crate) const SETS: [(Family, &str); 2] = [(Family::Ipv4, "four"), (Family::Ipv6, "six")];

/// An option as it is written.
#[derive(Clone, Debug)]
pub(crate) struct Piece {
    pub(crate) not: bool,
    pub(crate) option: String,
    pub(crate) values: Vec<String>,
}

impl RuleCase {
    /// Whether one of these extensions is in it.
    pub(crate) fn has(&self, names: &[&str]) -> bool {
        self.extensions.iter().any(|name| names.contains(name))
    }

    /// How many rules it makes: one for each pair of addresses.
    pub(crate) fn rules(&self) -> usize {
        let mut rules = 1;
        for (place, word) in self.words.iter().enumerate() {
            let before = place.checked_sub(1).and_then(|before| self.words.get(before));
            let (option, value) = match word.split_once('=') {
                Some((option, value)) if option.starts_with("--") => (option, value),
                _ => (before.map_or("", String::as_str), word.as_str()),
            };
            if option == "-s" || (option.len() > 3 && "--destination".starts_with(option)) {
                rules *= value.matches(',').count() + 1;
            }
        }
        rules
    }

    /// The name of the program, with an ending such as `-save`.
    pub(crate) fn program(family: Family, ending: &str) -> String {
        let name = match family {
            Family::Ipv4 => "iptables",
            Family::Ipv6 => "ip6tables",
        };
        format!("{name}{ending}")
    }
}

impl fmt::Display for RuleCase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (program, table) = (Self::program(self.family, ""), self.table.name());
        write!(f, "{program} -t {table} -A {}", self.chain)?;
        if self.restored {
            f.write_str(" (restored)")?;
        }
        for word in &self.words {
            let plain = |c: char| c.is_ascii_alphanumeric() || "-_:/.,=+".contains(c);
            match !word.is_empty() && word.chars().all(plain) {
                true => write!(f, " {word}")?,
                false => write!(f, " '{}'", word.replace('\'', "'\\''"))?,
            }
        }
        Ok(())
    }
}

/// The next rule.
pub(crate) fn rule(pick: &mut dyn FnMut(u64) -> u64) -> RuleCase {
    let wanted = std::env::var("PKTTABLES_EXTENSION").ok();
    let extensions: Vec<(&'static Descriptor, Family)> = common::extensions()
        .filter(|(descriptor, _)| wanted.as_deref().is_none_or(|wanted| descriptor.name == wanted))
        .collect();
    let (descriptor, family) = extensions[pick(extensions.len() as u64) as usize];
    let places = places(descriptor);
    let (table, hook) = places[pick(places.len() as u64) as usize];
    let mut descriptors = vec![descriptor];
    if pick(4) == 0 {
        descriptors.extend(companion(&extensions, descriptor, (family, table, hook), pick));
        descriptors.sort_by_key(|descriptor| descriptor.kind);
    }
    let mut pieces = header(&descriptors, family, pick);
    for descriptor in &descriptors {
        let letter = if descriptor.kind == Kind::Match { "-m" } else { "-j" };
        pieces.push(Piece { not: false, option: letter.into(), values: vec![descriptor.name.into()] });
        let given = common::options(descriptor, family, hook.as_set(), pick);
        pieces.extend(given.iter().map(|given| piece(given, family, pick)));
    }
    for _ in 0..[0, 0, 1, 1, 1, 2][pick(6) as usize] {
        spoil::spoil(&mut pieces, descriptor, family, pick);
    }
    let words = spoil::words(&pieces, pick);
    let extensions = descriptors.iter().map(|descriptor| descriptor.name).collect();
    RuleCase { family, table, chain: hook.chain(), extensions, words, restored: pick(4) == 0 }
}

/// Another extension that can stand in the same place, and works with the same protocols.
fn companion(
    extensions: &[(&'static Descriptor, Family)],
    beside: &Descriptor,
    (family, table, hook): (Family, TableName, Hook),
    pick: &mut dyn FnMut(u64) -> u64,
) -> Option<&'static Descriptor> {
    let fits = |other: &&'static Descriptor| {
        (other.kind == Kind::Match || beside.kind == Kind::Match)
            && places(other).contains(&(table, hook))
            && (other.protocols.is_empty()
                || beside.protocols.is_empty()
                || other.protocols == beside.protocols)
    };
    let others: Vec<_> =
        extensions.iter().filter(|(_, of)| *of == family).map(|(other, _)| *other).filter(fits).collect();
    others.get(pick(others.len() as u64) as usize).copied()
}

/// The tables and hooks in which the extension may stand, now and then others.
fn places(descriptor: &Descriptor) -> Vec<(TableName, Hook)> {
    let tables = TableName::ALL.into_iter().filter(|table| descriptor.tables.contains(table.as_set()));
    let hooks = |table: TableName| {
        table.hooks().iter().copied().filter(|hook| descriptor.hooks.contains(hook.as_set()))
    };
    tables.flat_map(|table| hooks(table).map(move |hook| (table, hook))).collect()
}

/// The conditions before the extensions.
fn header(descriptors: &[&Descriptor], family: Family, pick: &mut dyn FnMut(u64) -> u64) -> Vec<Piece> {
    let conditions = [
        ("-s", &Domain::Prefix),
        ("--destination", &Domain::Prefix),
        ("-i", &Domain::Interface),
        ("-o", &Domain::Interface),
        ("-f", &Domain::Nothing),
    ];
    let mut pieces = Vec::new();
    for (option, domain) in conditions {
        if pick(12) == 0 {
            let values = match domain {
                Domain::Nothing => Vec::new(),
                domain => vec![domain.sample(family, pick)],
            };
            pieces.push(Piece { not: pick(4) == 0, option: option.into(), values });
        }
    }
    let protocols =
        descriptors.iter().map(|descriptor| descriptor.protocols).find(|protocols| !protocols.is_empty());
    let protocol = match protocols {
        None if pick(3) == 0 => {
            let others = ["tcp", "udp", "sctp", "all", "132", "icmp", "esp", "0x11", "TCP"];
            others[pick(others.len() as u64) as usize].to_owned()
        }
        None => return pieces,
        Some(protocols) => {
            let number = protocols[pick(protocols.len() as u64) as usize];
            if pick(6) == 0 { number.to_string() } else { pkttables::model::protocol::name(number) }
        }
    };
    pieces.push(Piece { not: false, option: "-p".into(), values: vec![protocol] });
    pieces
}

fn piece(given: &Given, family: Family, pick: &mut dyn FnMut(u64) -> u64) -> Piece {
    let names = given.param.aliases.len() as u64;
    let name = match pick(2 + names).checked_sub(2) {
        Some(place) => given.param.aliases[place as usize],
        None => given.param.name,
    };
    let value = with_known_objects(&given.value, given.param.domain, family, pick);
    let values = match given.param.domain {
        Domain::Nothing => Vec::new(),
        Domain::Words(_) => value.split(' ').map(str::to_owned).collect(),
        _ => vec![value],
    };
    Piece { not: given.not, option: format!("--{name}"), values }
}

/// Puts names of what there is in place of random ones.
fn with_known_objects(
    value: &str,
    domain: &Domain,
    family: Family,
    pick: &mut dyn FnMut(u64) -> u64,
) -> String {
    use pkttables::registry::ObjectKind::{Helper, IpSet};
    let name = match common::objects(domain).first() {
        Some(IpSet) => SETS.iter().find(|(of, _)| *of == family).map(|(_, name)| *name),
        Some(Helper) => Some("ftp"),
        _ => None,
    };
    match name {
        Some(name) if pick(8) > 0 => match value.split_once(' ') {
            Some((_, rest)) => format!("{name} {rest}"),
            None => name.to_owned(),
        },
        _ => value.to_owned(),
    }
}
