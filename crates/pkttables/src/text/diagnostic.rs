use super::lex::Words;
use super::problem::Problem;
use std::fmt;
use std::sync::Arc;

/// A problem, where it is, and what may have been meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// The file; `None` for a command line, or where the reader was not told.
    pub file: Option<Arc<str>>,
    /// The number of the line, from 1; `None` for a command line.
    pub line: Option<usize>,
    /// The line itself.
    pub source: Box<str>,
    /// Where the offending word stands in the line, in bytes from its start.
    pub offset: usize,
    /// How long the word is there, in bytes; 0 where something is missing.
    pub width: usize,
    /// What is wrong.
    pub problem: Problem,
    /// What may have been meant, or what to do.
    pub hint: Option<Box<str>>,
}

impl Diagnostic {
    /// A problem with a word, or with the end of the line if there is no such word.
    #[must_use]
    pub fn at(words: &Words, word: usize, problem: Problem) -> Box<Self> {
        let (offset, width) = words.place(word);
        Self::within(words.source(), offset, width, problem)
    }

    /// A problem with a part of a line.
    #[must_use]
    pub fn within(source: &str, offset: usize, width: usize, problem: Problem) -> Box<Self> {
        Box::new(Self { file: None, line: None, source: source.into(), offset, width, problem, hint: None })
    }

    /// The same with a hint, where there is one.
    #[must_use]
    pub fn hint(mut self: Box<Self>, hint: Option<String>) -> Box<Self> {
        self.hint = hint.map(String::into_boxed_str).or(self.hint);
        self
    }

    /// The offending word as it stands in the line, with its quotes.
    #[must_use]
    pub fn word(&self) -> &str {
        self.source.get(self.offset..self.offset + self.width).unwrap_or_default()
    }

    /// The column of the word, in characters from 1.
    #[must_use]
    pub fn column(&self) -> usize {
        self.source.get(..self.offset).map_or(0, |before| before.chars().count()) + 1
    }

    /// The exit code that iptables gives.
    #[must_use]
    pub const fn exit_code(&self) -> u8 {
        self.problem.exit_code()
    }

    /// The line with a caret below the word, and the hint.
    #[must_use]
    pub fn render(&self) -> String {
        let mut text = self.to_string();
        let number = self.line.map(|line| line.to_string()).unwrap_or_default();
        // The caret line repeats tabs so that the caret stands where the word does, however wide a tab is.
        let before = self.source.get(..self.offset).unwrap_or_default();
        let indent: String = before.chars().map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
        let carets = "^".repeat(self.word().chars().count().max(1));
        text.push_str(&format!("\n{number} | {}\n", self.source.trim_end()));
        text.push_str(&format!("{:1$} | {indent}{carets}", "", number.len()));
        if let Some(hint) = &self.hint {
            text.push_str(&format!(" {hint}"));
        }
        text
    }
}

impl fmt::Display for Diagnostic {
    /// Writes `FILE:LINE:COLUMN: PROBLEM`, as far as these are known.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(file) = &self.file {
            write!(f, "{file}:")?;
        } else if self.line.is_some() {
            write!(f, "line ")?;
        }
        if let Some(line) = self.line {
            write!(f, "{line}:{}: ", self.column())?;
        }
        write!(f, "{}", self.problem.to_string().trim())
    }
}

impl std::error::Error for Diagnostic {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.problem)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_caret_stands_below_the_word() {
        let mut words = Words::new();
        words.read_line("\t-A Füßer --dprot 22", 0).expect("words");
        let mut diagnostic = Diagnostic::at(&words, 2, Problem::UnknownOption("--dprot".into()))
            .hint(Some("did you mean `--dport'?".into()));
        diagnostic.file = Some("rules.v4".into());
        diagnostic.line = Some(12);
        assert_eq!((diagnostic.column(), diagnostic.word()), (11, "--dprot"));
        assert_eq!(
            diagnostic.render(),
            "rules.v4:12:11: unknown option \"--dprot\"\n12 | \t-A Füßer --dprot 22\n   | \t         ^^^^^^^ did you mean `--dport'?"
        );
    }

    #[test]
    fn what_is_missing_is_missed_at_the_end() {
        let mut words = Words::new();
        words.read_args(&["-A"]);
        let diagnostic = Diagnostic::at(&words, 1, Problem::NeedsArgument("-A".into()));
        assert_eq!(diagnostic.render(), "option \"-A\" requires an argument\n | -A\n |   ^");
    }
}
