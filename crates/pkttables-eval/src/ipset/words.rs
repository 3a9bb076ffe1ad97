use thiserror::Error;

/// What is wrong in a file of sets, and where.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{line}:{column}: {problem}")]
pub struct Error {
    /// The line, from 1.
    pub line: usize,
    /// The column in bytes, from 1.
    pub column: usize,
    /// What is wrong.
    pub problem: Problem,
}

/// What is wrong in a file of sets.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Problem {
    /// The line begins with no command of `ipset restore`.
    #[error("`{0}' is no command; expected create, add, del, flush or destroy")]
    Command(Box<str>),
    /// There is no such type of sets.
    #[error("there is no set type `{0}'; there are {types}", types = super::kind::Kind::names().collect::<Vec<_>>().join(", "))]
    Type(Box<str>),
    /// The set's type does not know the option.
    #[error("`{option}' is no option of sets of type {kind}")]
    Option {
        /// The option.
        option: Box<str>,
        /// The type.
        kind: &'static str,
    },
    /// The set was made without what the option needs.
    #[error("`{option}' needs a set that was created with `{needs}'")]
    Needs {
        /// The option.
        option: Box<str>,
        /// What it needs.
        needs: &'static str,
    },
    /// Something is not there.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// A word is not what it should be.
    #[error("`{word}': expected {expected}")]
    Value {
        /// The word, or the part of it that is wrong.
        word: Box<str>,
        /// What it should be.
        expected: &'static str,
    },
    /// There is such a set already.
    #[error("there is a set `{0}' already")]
    SetExists(Box<str>),
    /// There is no such set.
    #[error("there is no set `{0}'")]
    NoSet(Box<str>),
    /// The set has this entry already.
    #[error("`{0}' is in the set already")]
    Exists(Box<str>),
    /// The set does not have this entry.
    #[error("`{0}' is not in the set")]
    Absent(Box<str>),
    /// The set takes no more entries.
    #[error("the set is full: it takes {0} entries")]
    Full(usize),
    /// The entry does not lie in the set's range.
    #[error("`{0}' is outside the set's range")]
    Range(Box<str>),
    /// The line stands for too many entries.
    #[error("`{word}' stands for more than {max} entries")]
    TooMany {
        /// The entry.
        word: Box<str>,
        /// How many are allowed.
        max: u128,
    },
}

/// The words of a line. A quoted word may have spaces.
#[derive(Clone, Debug)]
pub(super) struct Words<'a> {
    line: &'a str,
    number: usize,
    at: usize,
    /// Where the word that was read last begins.
    last: usize,
}

impl<'a> Words<'a> {
    pub(super) const fn new(line: &'a str, number: usize) -> Self {
        Self { line, number, at: 0, last: 0 }
    }

    /// A word that must be there; `what` names it.
    pub(super) fn expect(&mut self, what: &'static str) -> Result<&'a str, Error> {
        match self.next() {
            Some(word) => Ok(word),
            None => {
                self.last = self.line.len();
                Err(self.error(Problem::Missing(what)))
            }
        }
    }

    /// A problem with the word that was read last.
    pub(super) const fn error(&self, problem: Problem) -> Error {
        Error { line: self.number, column: self.last + 1, problem }
    }

    /// That the word that was read last is something else than expected.
    pub(super) fn unexpected(&self, word: &str, expected: &'static str) -> Error {
        self.error(Problem::Value { word: word.into(), expected })
    }

    /// A number in decimal, or hexadecimal with 0x.
    pub(super) fn number(&mut self, expected: &'static str, max: u64) -> Result<u64, Error> {
        let word = self.expect(expected)?;
        number(word).filter(|number| *number <= max).ok_or_else(|| self.unexpected(word, expected))
    }
}

impl<'a> Iterator for Words<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let rest = self.line.get(self.at..)?;
        let skipped = rest.len() - rest.trim_start().len();
        let rest = rest.trim_start();
        self.last = self.at + skipped;
        if let Some(quoted) = rest.strip_prefix('"') {
            let word = quoted.split('"').next()?;
            self.at = self.last + word.len() + 2;
            return Some(word);
        }
        let word = rest.split(char::is_whitespace).next().filter(|word| !word.is_empty())?;
        self.at = self.last + word.len();
        Some(word)
    }
}

pub(super) fn number(text: &str) -> Option<u64> {
    if text.starts_with('+') {
        return None;
    }
    match text.strip_prefix("0x") {
        Some(digits) if !digits.starts_with('+') => u64::from_str_radix(digits, 16).ok(),
        Some(_) => None,
        None => text.parse().ok(),
    }
}
