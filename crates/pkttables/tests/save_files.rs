//! Save files: what is read and printed again is the same.

use pkttables::model::Family;
use pkttables::registry::Registry;
use pkttables::text::save::{CounterStyle, write_ruleset};
use pkttables::text::{Diagnostic, Parser, Problem, ReadOptions, Reader, read_ruleset};
use proptest::prelude::*;
use std::path::Path;

fn print(family: Family, text: &[u8]) -> Result<String, Vec<Diagnostic>> {
    let parser = Parser::new(family, Registry::builtin()).with_resolver(|_, _| Vec::new());
    let ruleset = read_ruleset(&mut Reader::new(text, parser, ReadOptions::default()))?;
    let mut out = String::new();
    write_ruleset(&mut out, &ruleset, CounterStyle::Hidden);
    Ok(out)
}

/// The rules with their tables, sorted by table and chain: the reference has an order of its own for these.
fn rules(text: &str) -> Vec<(&str, &str)> {
    let mut table = "";
    let mut rules = Vec::new();
    for line in text.lines() {
        if line.starts_with('*') {
            table = line;
        } else if line.starts_with("-A") {
            rules.push((table, line));
        }
    }
    rules.sort_by_key(|(table, line)| (*table, line.split(' ').nth(1)));
    rules
}

/// Whether all that is wrong is that an extension is not there.
fn lacks_extensions(errors: &[Diagnostic]) -> bool {
    errors.iter().all(|error| {
        matches!(
            error.problem,
            Problem::UnknownMatch(_) | Problem::UnknownOption(_) | Problem::UnknownChain(_)
        )
    })
}

#[test]
fn rulesets_of_real_machines_are_printed_as_the_reference_does() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/rulesets");
    let Ok(entries) = std::fs::read_dir(&folder) else {
        eprintln!("skipped: {} is not there", folder.display());
        return;
    };
    let mut compared = 0;
    for entry in entries {
        let path = entry.expect("an entry of the folder").path();
        let family = match path.extension().and_then(|extension| extension.to_str()) {
            Some("v4") => Family::Ipv4,
            Some("v6") => Family::Ipv6,
            _ => continue,
        };
        let mut expected = path.clone().into_os_string();
        expected.push(".expected");
        let Ok(expected) = std::fs::read_to_string(expected) else { continue };
        match print(family, &std::fs::read(&path).expect("the file")) {
            Ok(printed) => {
                let (printed, expected) = (rules(&printed), rules(&expected));
                assert_eq!(printed.len(), expected.len(), "{}", path.display());
                let different = printed.iter().zip(&expected).find(|(one, other)| one != other);
                assert_eq!(different, None, "{}", path.display());
                compared += 1;
            }
            Err(errors) => assert!(lacks_extensions(&errors), "{}: {:?}", path.display(), errors.first()),
        }
    }
    assert!(compared > 0, "no ruleset could be read");
}

#[test]
fn a_line_without_end_is_refused() {
    let mut text = b"*filter\n-A INPUT -m comment --comment ".to_vec();
    text.resize(2 << 20, b'x');
    let errors = print(Family::Ipv4, &text).expect_err("an error");
    assert_eq!(errors.iter().map(|error| &error.problem).collect::<Vec<_>>(), [&Problem::LineTooLong]);
}

/// Words that bring the parser far, mixed with others.
fn word() -> impl Strategy<Value = String> {
    let names = Registry::builtin().all().iter().flat_map(|extension| {
        let options = extension.params.iter().map(|param| format!("--{}", param.name));
        std::iter::once(extension.name.to_owned()).chain(options)
    });
    let known = [
        "-A",
        "INPUT",
        "-I",
        "-D",
        "-R",
        "-C",
        "-L",
        "-S",
        "-F",
        "-Z",
        "-N",
        "-X",
        "-E",
        "-P",
        "-s",
        "-d",
        "-i",
        "-o",
        "-p",
        "-f",
        "-c",
        "-j",
        "-g",
        "-m",
        "-t",
        "-w",
        "-n",
        "!",
        "--",
        "-",
        "1",
        "1:2",
        "tcp",
        "1.2.3.4/8",
        "::1/64",
        "[1:2]",
        "\"",
        "\\",
        "ACCEPT",
        "lo+",
        "0x1/0xff",
        "a,b",
        ":INPUT",
        "COMMIT",
        "*nat",
    ];
    let known: Vec<String> = known.into_iter().map(str::to_owned).chain(names).collect();
    prop_oneof![8 => prop::sample::select(known), 1 => "[ -~]{0,12}", 1 => any::<String>()]
}

#[test]
fn no_line_has_a_nul() {
    for line in [":a\0b - [0:0]", "-A INPUT -j a\0b", ":INPUT ACCEPT\0 [0:0]"] {
        let errors = print(Family::Ipv4, format!("*filter\n{line}\nCOMMIT\n").as_bytes()).expect_err(line);
        assert!(
            matches!(errors[..], [Diagnostic { problem: Problem::Lex(_), line: Some(2), .. }]),
            "{errors:?}"
        );
    }
}

proptest! {
    #[test]
    fn whatever_is_read_prints_to_what_reads_the_same(
        lines in prop::collection::vec(prop::collection::vec(word(), 0..12), 0..8),
        family in prop::sample::select(Family::ALL.to_vec()),
    ) {
        let lines: Vec<String> = lines.iter().map(|words| words.join(" ")).collect();
        for text in [format!("*filter\n{}\nCOMMIT\n", lines.join("\n")), format!("*filter\n-A INPUT {}\nCOMMIT\n", lines.join(" "))] {
            if let Ok(printed) = print(family, text.as_bytes()) {
                let again = print(family, printed.as_bytes());
                prop_assert_eq!(again, Ok(printed));
            }
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = print(Family::Ipv4, &bytes);
        let table = [&b"*filter\n-A INPUT "[..], &bytes].concat();
        let refused = print(Family::Ipv6, &table).expect_err("COMMIT is missing");
        for error in refused {
            prop_assert!(!error.render().is_empty());
        }
    }
}
