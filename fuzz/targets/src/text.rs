use pkttables::model::{Family, Ruleset};
use pkttables::registry::Registry;
use pkttables::text::save::{CounterStyle, write_ruleset};
use pkttables::text::{Parser, ReadOptions, Reader, Words, read_ruleset};

/// A save file, IPv6 if its first byte is a `6`. What is read can be written, and is then read as the same text;
/// errors can be shown.
pub fn save_file(text: &[u8]) {
    let family = family(text);
    match read(text, family) {
        Ok(ruleset) => {
            let once = write(&ruleset);
            if let Ok(again) = read(once.as_bytes(), family) {
                assert_eq!(write(&again), once);
            }
        }
        Err(errors) => {
            for error in errors {
                assert!(error.line.is_some());
                let _ = (error.to_string(), error.render());
            }
        }
    }
}

/// The words of a command line, separated by NUL.
pub fn arguments(text: &[u8]) {
    let text = String::from_utf8_lossy(text);
    let arguments: Vec<&str> = text.split('\0').collect();
    let mut words = Words::new();
    words.read_args(&arguments);
    for family in Family::ALL {
        if let Err(error) = parser(family).command_line(&words) {
            let _ = (error.to_string(), error.render());
        }
    }
}

pub(crate) fn family(text: &[u8]) -> Family {
    if text.first() == Some(&b'6') { Family::Ipv6 } else { Family::Ipv4 }
}

pub(crate) fn parser(family: Family) -> Parser<'static> {
    // No name server is asked.
    Parser::new(family, Registry::builtin()).with_resolver(|_, _| Vec::new())
}

/// Reads a save file; the digit that says of which family it is is not part of it.
pub(crate) fn read(text: &[u8], family: Family) -> Result<Ruleset, Vec<pkttables::text::Diagnostic>> {
    let text = text.strip_prefix(b"6").unwrap_or(text);
    let options = ReadOptions { counters: false, table: None };
    read_ruleset(&mut Reader::new(text, parser(family), options))
}

pub(crate) fn write(ruleset: &Ruleset) -> String {
    let mut text = String::new();
    write_ruleset(&mut text, ruleset, CounterStyle::Before);
    text
}
