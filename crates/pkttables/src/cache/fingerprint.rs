use crate::model::{Family, Rule};
use crate::text::save::{CounterStyle, write_rule};
use std::hash::{BuildHasher as _, RandomState};

/// Numbers that rules which do the same have in common, and others hardly ever.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fingerprints {
    text: String,
    state: RandomState,
}

impl Fingerprints {
    pub(crate) fn of(&mut self, family: Family, rule: &Rule) -> u64 {
        self.text.clear();
        write_rule(&mut self.text, family, rule, CounterStyle::Hidden);
        self.state.hash_one(&self.text)
    }
}
