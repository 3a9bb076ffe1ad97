//! The added extensions parse, print, answer questions and have their layouts, like those that are built in.

use pkttables::model::Hook;
use pkttables::model::{Family, Match, Rule, TableName, Target};
use pkttables::packet::{Authentication, Data, Layout, Meta, Packet};
use pkttables::registry::{
    Action, Backend, Context, Edit, Environment, Instance, Kind, NoSets, Outcome, Registry, Scope, Shared,
    Slot,
};
use pkttables::text::save::{CounterStyle, write_append};
use pkttables::text::{Command, Parser, Words};
use std::any::Any;
use third_party::{Color, Odd, Paint, registry};

const V4: Family = Family::Ipv4;

fn parse(registry: &Registry, line: &str) -> Result<Rule, String> {
    let mut words = Words::new();
    words.read_line(line, 0).map_err(|error| error.to_string())?;
    let mut parser = Parser::new(V4, registry);
    match parser.restore_line(&words, TableName::Mangle, None).map_err(|error| error.render())? {
        Some(invocation) => match invocation.command {
            Command::Append { rules, .. } => Ok(rules.into_first()),
            other => Err(format!("{other:?}")),
        },
        None => Err("for the other family".into()),
    }
}

#[test]
fn they_parse_and_print() {
    let registry = registry();
    let line = "-A FORWARD -m odd ! --length-odd -j PAINT --color green";
    let rule = parse(&registry, &line.replace("--color", "--colour")).expect(line);
    let mut printed = String::new();
    write_append(&mut printed, V4, "FORWARD", &rule, CounterStyle::Hidden);
    assert_eq!(printed, line);

    let Some(Match::Known(odd)) = rule.matches.first() else { panic!("{rule:?}") };
    let odd: &dyn Any = &**odd;
    assert_eq!(odd.downcast_ref(), Some(&Odd { not: true }));
    let Target::Known(paint) = &rule.target else { panic!("{rule:?}") };
    let paint: &dyn Any = &**paint;
    assert!(paint.is::<Paint>());

    let error = parse(&registry, "-A FORWARD -j PAINT --color blue").expect_err("no such colour");
    assert!(error.contains("red, green"), "{error}");
    assert!(parse(&registry, "-A FORWARD -m odd").is_err());
    assert!(parse(Registry::builtin(), line).is_err());
}

#[test]
fn they_answer_questions() {
    let registry = registry();
    let found: Vec<&str> = registry.about("colour").map(|(found, _)| found.name).collect();
    assert_eq!(found, ["PAINT"]);
    assert!(registry.in_place(TableName::Mangle, None).any(|found| found.name == "PAINT"));
    assert!(!registry.in_place(TableName::Nat, None).any(|found| found.name == "PAINT"));
    let paint = registry.find(Kind::Target, "PAINT", V4).expect("just added");
    let color = paint.param("colour", V4).expect("an alias");
    let completed: Vec<String> = color.domain.complete("g", V4).into_iter().map(|found| found.text).collect();
    assert_eq!(completed, ["green"]);
    let refusal = paint.why_refused(color, "blue", false, &Scope { family: V4, protocol: None });
    assert!(refusal.expect("no such colour").to_string().contains("red, green"));
}

#[test]
fn their_layouts_are_written_and_read() {
    let odd = Odd { not: true };
    let mut info = Vec::new();
    Instance::encode(&odd, 0, V4, &NoSets, &mut info).expect("a layout");
    assert_eq!(info, [1, 0, 0, 0, 0, 0, 0, 0]);
    let registry = registry();
    let descriptor = registry.find(Kind::Match, "odd", V4).expect("just added");
    let decoded = descriptor.decode(0, V4, &info, &NoSets).expect("its own").expect("good");
    assert!(decoded.equals(&odd));
    assert!(descriptor.decode(0, V4, &[2, 0, 0, 0, 0, 0, 0, 0], &NoSets).expect("its own").is_err());
}

#[derive(Debug)]
struct Nowhere;

impl Environment for Nowhere {}

#[test]
fn they_judge_packets() {
    // A UDP packet of 29 bytes.
    let mut bytes = [0; 29];
    let header = [0x45, 0, 0, 29, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];
    bytes[..20].copy_from_slice(&header);
    let data = Data::new(&bytes);
    let layout = Layout::parse(&data, Authentication::default()).expect("a packet");
    let meta = Meta::default();
    let packet = Packet::new(data, layout, &meta);
    let (mut own, mut shared, mut edits) = (Slot::default(), Shared::default(), Vec::new());
    let mut context = Context {
        connections: &(),
        table: TableName::Mangle,
        hook: Hook::Forward,
        backend: Backend::Nft,
        environment: &mut Nowhere,
        own: &mut own,
        shared: &mut shared,
        edits: &mut edits,
    };
    assert_eq!(Instance::matches(&Odd { not: false }, &packet, &mut context), Outcome::Match);
    assert_eq!(Instance::matches(&Odd { not: true }, &packet, &mut context), Outcome::NoMatch);
    assert_eq!(Instance::act(&Paint { color: Color::Green }, &packet, &mut context), Action::Continue);
    assert_eq!(edits, [Edit::Mark(2)]);
}
