//! The added extensions parse, print, answer questions and have their layouts, like those that are built in.

use pkttables::model::{Family, Match, Rule, TableName, Target};
use pkttables::registry::{Instance, Kind, NoSets, Registry, Scope};
use pkttables::text::save::{CounterStyle, write_append};
use pkttables::text::{Command, Parser, Words};
use std::any::Any;
use third_party::{Odd, Paint, registry};

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
