//! `save --json` and `restore --json`: the same rules in another form.

use crate::Result;
use crate::failure::Failure;
use crate::personality::Personality;
use pkttables::json::{read_ruleset, ruleset};
use pkttables::registry::Registry;
use pkttables::text::save::{CounterStyle, write_ruleset};
use pkttables::text::{self, Parser, ReadOptions, Reader};

/// A save file as JSON.
pub(crate) fn of_saved(saved: &str, personality: &Personality) -> Result<String> {
    let parser = Parser::new(personality.family, Registry::builtin());
    let mut reader = Reader::new(saved.as_bytes(), parser, ReadOptions { counters: true, table: None });
    let read = text::read_ruleset(&mut reader).map_err(Failure::Text)?;
    Ok(format!("{:#}\n", ruleset(&read)))
}

/// JSON as a save file.
pub(crate) fn to_saved(input: &[u8], personality: &Personality, counters: bool) -> Result<String> {
    let wrong = |text: String| Failure::Other(1, text);
    let value = serde_json::from_slice(input).map_err(|error| wrong(error.to_string()))?;
    let read = read_ruleset(&value, Registry::builtin()).map_err(|error| wrong(error.to_string()))?;
    if read.family != personality.family {
        return Err(wrong("this ruleset is for the other family".into()));
    }
    let mut saved = String::new();
    let style = if counters { CounterStyle::Before } else { CounterStyle::Hidden };
    write_ruleset(&mut saved, &read, style);
    Ok(saved)
}
