//! Rules made from what the registry says about itself: what is printed reads back as the same rule.

use pkttables::model::{Family, Rule};
use pkttables::registry::{Descriptor, Domain, Kind, Registry};
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

/// A value that the domain accepts, as it stands in a rule.
fn value(domain: &'static Domain, family: Family) -> BoxedStrategy<String> {
    prop::collection::vec(any::<u64>(), 0..24)
        .prop_map(move |numbers| {
            let mut numbers = numbers.into_iter();
            let mut pick = |below: u64| numbers.next().map_or(0, |number| number % below.max(1));
            let value = domain.sample(family, &mut pick);
            match domain {
                Domain::Nothing | Domain::Words(_) => value,
                _ => quoted(value),
            }
        })
        .boxed()
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

/// What a line that is accepted is saved as, if that does not read back as the same rule.
fn changed(family: Family, line: &str) -> Option<String> {
    let rule = parse(family, line)?;
    let printed = print(family, &rule);
    (parse(family, &printed) != Some(rule)).then_some(printed)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_printed_reads_back((family, _, line) in rule()) {
        prop_assert_eq!(changed(family, &line), None, "{}", line);
    }
}

#[test]
fn every_extension_reads_back() {
    use proptest::strategy::ValueTree as _;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut wrong = Vec::new();
    for descriptor in Registry::builtin().all() {
        for family in Family::ALL.into_iter().filter(|family| descriptor.families.has(*family)) {
            let rule = (protocol(&[*descriptor]), extension(descriptor, family))
                .prop_map(|(protocol, extension)| format!("-A user{protocol}{extension}"));
            let lines = (0..300).map(|_| rule.new_tree(&mut runner).expect("a rule").current());
            let mut changed = lines.filter_map(|line| Some((changed(family, &line)?, line)));
            wrong.extend(changed.next().map(|(printed, line)| format!("{family:?} {line}\n  is {printed}")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
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
