//! Results as JUnit XML, the form that continuous integration systems read.

use super::{Outcome, Suite};
use std::fmt::Write as _;

/// The whole document.
pub(super) fn document(suites: &[Suite]) -> String {
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
    suites.iter().for_each(|each| suite(&mut text, each));
    text.push_str("</testsuites>\n");
    text
}

fn suite(text: &mut String, suite: &Suite) {
    let failed = suite.outcomes.iter().filter(|outcome| !outcome.failures.is_empty()).count();
    let seconds: f64 = suite.outcomes.iter().map(|outcome| outcome.took.as_secs_f64()).sum();
    let _ = writeln!(
        text,
        "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{failed}\" errors=\"0\" skipped=\"0\" time=\"{seconds:.6}\">",
        escaped(&suite.file),
        suite.outcomes.len(),
    );
    suite.outcomes.iter().for_each(|outcome| case(text, &suite.file, outcome));
    text.push_str("  </testsuite>\n");
}

fn case(text: &mut String, file: &str, outcome: &Outcome) {
    let _ = write!(
        text,
        "    <testcase classname=\"{file}\" name=\"{}\" file=\"{file}\" line=\"{}\" time=\"{:.6}\"",
        escaped(&outcome.name),
        outcome.line,
        outcome.took.as_secs_f64(),
        file = escaped(file),
    );
    if outcome.failures.is_empty() {
        text.push_str("/>\n");
        return;
    }
    text.push_str(">\n");
    for mismatch in &outcome.failures {
        let message = format!("packet {}: {}", mismatch.number, mismatch.reasons.join("; "));
        let lines = [&mismatch.words, &mismatch.fate].into_iter().chain(&mismatch.misses);
        let details = lines.filter(|line| !line.is_empty()).map(|line| escaped(line)).collect::<Vec<_>>();
        let _ = writeln!(
            text,
            "      <failure message=\"{}\">{}</failure>",
            escaped(&message),
            details.join("\n")
        );
    }
    text.push_str("    </testcase>\n");
}

/// Text as it stands in XML; characters that XML cannot have are left out.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' => out.push_str("&#10;"),
            '\t' => out.push('\t'),
            control if control.is_control() => {}
            character => out.push(character),
        }
    }
    out
}
