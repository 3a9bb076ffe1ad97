use crate::model::{AddressMask, Counters, Policy, Rule, TableName};
use crate::registry::Kind;

/// What a command line, or a line of a save file, asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct Invocation<'a> {
    /// The table to work on.
    pub table: TableName,
    /// What to do.
    pub command: Command<'a>,
    /// How to show things.
    pub output: Output,
    /// `-w`: how many seconds to wait for others; without a number as long as it takes.
    pub wait: Option<Wait>,
}

/// How long to wait for others who work on the rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// So many seconds.
    Seconds(u32),
    /// As long as it takes.
    Forever,
}

/// How to show things.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Output {
    /// `-v`, how many times.
    pub verbose: u8,
    /// `-n`: addresses and ports as numbers.
    pub numeric: bool,
    /// `-x`: counters in full.
    pub exact: bool,
    /// `--line-numbers`
    pub line_numbers: bool,
}

/// Something to do; names are borrowed from the words.
#[derive(Clone, Debug, PartialEq)]
pub enum Command<'a> {
    /// `-A`
    Append {
        /// The chain.
        chain: &'a str,
        /// The rules: one, or one for each pair of addresses.
        rules: Rules,
    },
    /// `-I`
    Insert {
        /// The chain.
        chain: &'a str,
        /// Which number the rule gets, from 1.
        number: u32,
        /// The rules; each one gets that number, one after another.
        rules: Rules,
    },
    /// `-D` with a rule
    Delete {
        /// The chain.
        chain: &'a str,
        /// The rules; the first that is equal goes.
        rules: Rules,
    },
    /// `-D` with a number
    DeleteNumber {
        /// The chain.
        chain: &'a str,
        /// The number, from 1.
        number: u32,
    },
    /// `-R`
    Replace {
        /// The chain.
        chain: &'a str,
        /// The number, from 1.
        number: u32,
        /// What comes in its place.
        rule: Box<Rule>,
    },
    /// `-C`
    Check {
        /// The chain.
        chain: &'a str,
        /// The rules that must be there.
        rules: Rules,
    },
    /// `-L`
    List(Listing<'a>),
    /// `-S`
    ListRules(Listing<'a>),
    /// `-F`
    Flush {
        /// The chain; `None` for all.
        chain: Option<&'a str>,
    },
    /// `-Z`
    Zero(Zero<'a>),
    /// `-N`
    NewChain {
        /// The new chain.
        chain: &'a str,
    },
    /// `-X`
    DeleteChain {
        /// The chain; `None` for all that can go.
        chain: Option<&'a str>,
    },
    /// `-E`
    RenameChain {
        /// The chain.
        chain: &'a str,
        /// Its new name.
        name: &'a str,
    },
    /// `-P`
    Policy {
        /// The chain.
        chain: &'a str,
        /// Its new policy.
        policy: Policy,
        /// What its counters are set to.
        counters: Option<Counters>,
    },
    /// `-h`
    Help {
        /// The extensions that were named before, which help is wanted on as well.
        extensions: Vec<(Kind, &'static str)>,
    },
    /// `-V`
    Version,
}

/// What to list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listing<'a> {
    /// The chain; `None` for all.
    pub chain: Option<&'a str>,
    /// The rule, from 1; `None` for all.
    pub number: Option<u32>,
    /// What to set to zero after that.
    pub zero: Option<Zero<'a>>,
}

/// Counters to set to zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Zero<'a> {
    /// The chain; `None` for all.
    pub chain: Option<&'a str>,
    /// The rule, from 1; `None` for all, and the policy.
    pub number: Option<u32>,
}

/// The rules of one line: usually one, several where it names several addresses.
#[derive(Clone, Debug, PartialEq)]
pub struct Rules {
    /// Boxed, so that a command is moved cheaply.
    first: Box<Rule>,
    others: Vec<Rule>,
}

impl Rules {
    /// The rule with each source and each destination; an empty list leaves its own.
    pub(super) fn expand(first: Box<Rule>, sources: &[AddressMask], destinations: &[AddressMask]) -> Self {
        let mut others = Vec::new();
        if sources.len() > 1 || destinations.len() > 1 {
            for source in 0..sources.len().max(1) {
                for destination in 0..destinations.len().max(1) {
                    let mut rule = (*first).clone();
                    if let Some(address) = sources.get(source) {
                        rule.header.source = super::header::address_condition(*address, false);
                    }
                    if let Some(address) = destinations.get(destination) {
                        rule.header.destination = super::header::address_condition(*address, false);
                    }
                    others.push(rule);
                }
            }
            others.remove(0);
        }
        Self { first, others }
    }

    /// How many there are; at least one.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "it never is")]
    pub const fn len(&self) -> usize {
        1 + self.others.len()
    }

    /// The first.
    #[must_use]
    pub fn first(&self) -> &Rule {
        &self.first
    }

    /// Only the first.
    #[must_use]
    pub fn into_first(self) -> Rule {
        *self.first
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Rule> {
        std::iter::once(&*self.first).chain(&self.others)
    }
}

impl IntoIterator for Rules {
    type Item = Rule;
    type IntoIter = std::iter::Chain<std::iter::Once<Rule>, std::vec::IntoIter<Rule>>;

    fn into_iter(self) -> Self::IntoIter {
        std::iter::once(*self.first).chain(self.others)
    }
}
