//! Rules made from what the registry says about itself: what is printed reads back as the same rule.

use pkttables::model::{Family, Rule};
use pkttables::registry::{Choice, Descriptor, Domain, Kind, Registry};
use pkttables::text::save::{CounterStyle, write_append};
use pkttables::text::{Command, Parser, Words};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use std::collections::HashMap;

/// The rule of a saved line, if it is accepted.
fn parse(family: Family, line: &str) -> Option<Rule> {
    let mut words = Words::new();
    words.read_line(line, 0).ok()?;
    let mut parser = Parser::new(family, Registry::builtin()).with_resolver(|_, _| Vec::new());
    let table = pkttables::model::TableName::Mangle;
    match parser.restore_line(&words, table, None).ok()??.command {
        Command::Append { rules, .. } => Some(rules.into_first()),
        _ => None,
    }
}

fn print(family: Family, rule: &Rule) -> String {
    let mut text = String::new();
    write_append(&mut text, family, "user", rule, CounterStyle::Hidden);
    text
}

/// Text that the domain accepts, or nearly so.
fn value(domain: &'static Domain, family: Family) -> BoxedStrategy<String> {
    let names = |choices: &'static [Choice]| {
        let known = choices.iter().filter(move |choice| choice.families.has(family));
        let names: Vec<&str> = known
            .flat_map(|choice| [choice.name].into_iter().chain(choice.aliases.iter().copied()))
            .collect();
        select(names)
    };
    match *domain {
        Domain::Nothing => Just(String::new()).boxed(),
        Domain::Integer { min, max, .. } => {
            prop_oneof![Just(min), Just(max), min..=max, min..=max.min(min + 20)]
                .prop_map(|number| number.to_string())
                .boxed()
        }
        Domain::Masked { bits } => {
            let max = if bits >= 64 { u64::MAX } else { (1 << bits) - 1 };
            (0..=max, prop::option::of(0..=max))
                .prop_map(|(value, mask)| match mask {
                    Some(mask) => format!("{value:#x}/{mask:#x}"),
                    None => value.to_string(),
                })
                .boxed()
        }
        Domain::Fraction { min, max } => (min..=max).prop_map(|number| format!("{number:.5}")).boxed(),
        Domain::Choice(choices) => names(choices).prop_map(str::to_owned).boxed(),
        Domain::Flags { choices, separator } => prop::collection::vec(names(choices), 1..4)
            .prop_map(move |names| names.join(&separator.to_string()))
            .boxed(),
        Domain::Address => address(family),
        Domain::Prefix => (address(family), prop::option::of(0..=family.address_bits()))
            .prop_map(|(address, bits)| {
                bits.map_or_else(|| address.clone(), |bits| format!("{address}/{bits}"))
            })
            .boxed(),
        Domain::Mac => {
            any::<[u8; 6]>().prop_map(|bytes| bytes.map(|byte| format!("{byte:02x}")).join(":")).boxed()
        }
        Domain::Interface => "[a-z]{1,8}[0-9]?\\+?".boxed(),
        Domain::Port => (0..=65535_u16).prop_map(|port| port.to_string()).boxed(),
        Domain::Rate { units, max_per_second } => {
            (1..=max_per_second, select(units)).prop_map(|(number, unit)| format!("{number}/{unit}")).boxed()
        }
        Domain::TimeOfDay => {
            (0..24, 0..60).prop_map(|(hour, minute)| format!("{hour:02}:{minute:02}")).boxed()
        }
        Domain::Date => (1971..2037, 1..13, 1..29).prop_map(|(y, m, d)| format!("{y}-{m:02}-{d:02}")).boxed(),
        Domain::Text { max, .. } => prop::collection::vec(prop::char::range(' ', '~'), 1..=max.min(20))
            .prop_map(|text| quoted(text.into_iter().collect()))
            .boxed(),
        Domain::Bytes { max } => prop::collection::vec(prop::char::range('a', 'z'), 1..=max.min(20))
            .prop_map(|text| text.into_iter().collect())
            .boxed(),
        Domain::Chain | Domain::Object(_) => "[a-z]{1,8}".boxed(),
        Domain::Range { of, separator } => (value(of, family), prop::option::of(value(of, family)))
            .prop_map(move |(first, last)| match last {
                Some(last) => format!("{first}{separator}{last}"),
                None => first,
            })
            .boxed(),
        Domain::List { of, max, separator } => prop::collection::vec(value(of, family), 1..=max.min(4))
            .prop_map(move |items| items.join(&separator.to_string()))
            .boxed(),
        Domain::Words(words) => words
            .iter()
            .fold(Just(String::new()).boxed(), |before, word| {
                (before, value(word, family)).prop_map(|(before, word)| format!("{before} {word}")).boxed()
            })
            .boxed(),
        Domain::OneOf(kinds) => select(kinds)
            .prop_flat_map(move |kind| {
                // The table of kinds lives as long as the program.
                let kind: &'static Domain =
                    kinds.iter().find(|other| **other == kind).unwrap_or(&Domain::Nothing);
                value(kind, family)
            })
            .boxed(),
        _ => "[0-9a-z]{1,8}".boxed(),
    }
}

fn address(family: Family) -> BoxedStrategy<String> {
    match family {
        Family::Ipv4 => any::<std::net::Ipv4Addr>().prop_map(|address| address.to_string()).boxed(),
        Family::Ipv6 => any::<std::net::Ipv6Addr>().prop_map(|address| address.to_string()).boxed(),
    }
}

fn quoted(text: String) -> String {
    let mut out = String::new();
    pkttables::domain::write_quoted(&mut out, &text);
    out
}

/// An extension with some of its options.
fn extension(descriptor: &'static Descriptor, family: Family) -> BoxedStrategy<String> {
    let params: Vec<_> = descriptor.params.iter().filter(|param| param.families.has(family)).collect();
    let option = if descriptor.kind == Kind::Match { "-m" } else { "-j" };
    let start = format!(" {option} {}", descriptor.name);
    if params.is_empty() {
        return Just(start).boxed();
    }
    let options: Vec<_> = params
        .into_iter()
        .map(|param| {
            let not = if param.negatable {
                prop_oneof![3 => Just(""), 1 => Just(" !")].boxed()
            } else {
                Just("").boxed()
            };
            let given = if param.required { 0.999 } else { 0.3 };
            let text = (not, value(param.domain, family))
                .prop_map(|(not, value)| format!("{not} --{} {value}", param.name));
            prop::option::weighted(given, text)
        })
        .collect();
    options
        .prop_map(move |options| format!("{start}{}", options.into_iter().flatten().collect::<String>()))
        .boxed()
}

fn header(family: Family) -> BoxedStrategy<String> {
    let not = || prop_oneof![3 => Just(""), 1 => Just(" !")];
    let part = |letter: &'static str, domain: &'static Domain| {
        let text =
            (not(), value(domain, family)).prop_map(move |(not, value)| format!("{not} -{letter} {value}"));
        prop::option::weighted(0.2, text)
    };
    let parts = (
        part("s", &Domain::Prefix),
        part("d", &Domain::Prefix),
        part("i", &Domain::Interface),
        part("o", &Domain::Interface),
    );
    parts.prop_map(|(s, d, i, o)| [s, d, i, o].into_iter().flatten().collect::<String>()).boxed()
}

fn protocol(descriptors: &[&'static Descriptor]) -> BoxedStrategy<String> {
    let needed = descriptors.iter().find_map(|descriptor| descriptor.protocols.first());
    match needed {
        Some(number) => Just(format!(" -p {number}")).boxed(),
        None => {
            prop_oneof![Just(String::new()), Just(" -p tcp".to_owned()), Just(" ! -p 47".to_owned())].boxed()
        }
    }
}

/// A rule with up to two matches and perhaps a target.
fn rule() -> impl Strategy<Value = (Family, Vec<&'static str>, String)> {
    let family = select(Family::ALL.to_vec());
    (family, prop::collection::vec(any::<Index>(), 1..4)).prop_flat_map(|(family, picks)| {
        let all: Vec<&'static Descriptor> =
            Registry::builtin().all().iter().copied().filter(|known| known.families.has(family)).collect();
        let mut picked: Vec<&'static Descriptor> = picks.iter().map(|pick| *pick.get(&all)).collect();
        picked.sort_by_key(|descriptor| descriptor.kind);
        let matches = picked.iter().filter(|descriptor| descriptor.kind == Kind::Match).count();
        picked.truncate(matches + 1);
        let names = picked.iter().map(|descriptor| descriptor.name).collect::<Vec<_>>();
        let extensions: Vec<_> = picked.iter().map(|descriptor| extension(descriptor, family)).collect();
        (header(family), protocol(&picked), extensions).prop_map(move |(header, protocol, extensions)| {
            (family, names.clone(), format!("-A user{header}{protocol}{}", extensions.concat()))
        })
    })
}

/// Extensions whose saved form, which is the reference's, leaves out what some values say.
const LOSSY: [&str; 8] = ["CONNMARK", "CT", "HMARK", "connbytes", "conntrack", "frag", "hashlimit", "ipcomp"];

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_printed_reads_back((family, names, line) in rule()) {
        if let Some(rule) = parse(family, &line) {
            let printed = print(family, &rule);
            let again = parse(family, &printed);
            prop_assert!(again.is_some(), "{} from {}", printed, line);
            if !names.iter().any(|name| LOSSY.contains(name)) {
                let again = again.unwrap_or_default();
                prop_assert_eq!(&print(family, &again), &printed, "from {}", line);
                prop_assert_eq!(again, rule, "{} from {}", printed, line);
            }
        }
    }
}

/// Shows how far the generator reaches; run with `--nocapture` after adding extensions.
#[test]
fn the_generator_reaches_most_extensions() {
    use proptest::strategy::ValueTree as _;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut reached: HashMap<&str, usize> = HashMap::new();
    let (mut accepted, rounds) = (0, 800);
    for _ in 0..rounds {
        let (family, names, line) = rule().new_tree(&mut runner).expect("a rule").current();
        if parse(family, &line).is_some() {
            accepted += 1;
            names.into_iter().for_each(|name| *reached.entry(name).or_default() += 1);
        }
    }
    let all = Registry::builtin().all();
    let missed: Vec<_> =
        all.iter().map(|known| known.name).filter(|name| !reached.contains_key(name)).collect();
    println!("{accepted} of {rounds} rules accepted; never: {missed:?}");
    assert!(missed.len() * 2 < all.len(), "too few are reached: {missed:?}");
}
