use crate::cache::Fingerprints;
use crate::model::{Family, Rule};
use std::borrow::Cow;
use std::collections::HashMap;

/// Numbers from 0 for rules; those that do the same have the same.
pub(super) struct Numbers<'r> {
    family: Family,
    pub(super) fingerprints: Fingerprints,
    /// The number of the first rule of each fingerprint.
    first: HashMap<u64, usize>,
    /// Each number's rule, and the next number of the same fingerprint.
    rules: Vec<(Numbered<'r>, Option<usize>)>,
}

/// A rule of which there may be many; so it is small.
enum Numbered<'r> {
    Borrowed(&'r Rule),
    Owned(Box<Rule>),
}

impl<'r> Numbers<'r> {
    /// No numbers yet, and room for those of so many rules.
    pub(super) fn new(family: Family, fingerprints: Fingerprints, rules: usize) -> Self {
        Self { family, fingerprints, first: HashMap::with_capacity(rules), rules: Vec::with_capacity(rules) }
    }

    pub(super) fn of(&mut self, rule: Cow<'r, Rule>) -> usize {
        let new = self.rules.len();
        let mut number = *self.first.entry(self.fingerprints.of(self.family, &rule)).or_insert(new);
        while let Some((other, next)) = self.rules.get_mut(number) {
            if other.rule().does_the_same(&rule) {
                return number;
            }
            number = *next.get_or_insert(new);
        }
        let rule = match rule {
            Cow::Borrowed(rule) => Numbered::Borrowed(rule),
            Cow::Owned(rule) => Numbered::Owned(rule.into()),
        };
        self.rules.push((rule, None));
        new
    }
}

impl Numbered<'_> {
    fn rule(&self) -> &Rule {
        match self {
            Self::Borrowed(rule) => rule,
            Self::Owned(rule) => rule,
        }
    }
}
