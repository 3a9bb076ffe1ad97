use super::address::{Resolver, resolve_host};
use super::command::Invocation;
use super::diagnostic::Diagnostic;
use super::draft::Draft;
use super::lex::Words;
use super::line::Line;
use super::problem::Problem;
use crate::model::{Counters, Family, TableName, Verdict};
use crate::registry::{Builder, Descriptor, Kind, Registry};
use std::fmt;

/// Reads commands of the iptables language, from command lines and from lines of save files.
#[derive(Debug)]
pub struct Parser<'r> {
    pub(super) registry: &'r Registry,
    pub(super) family: Family,
    pub(super) resolver: Resolver,
    /// The extensions of the rule that is being read, in the order in which they were named.
    pub(super) loaded: Vec<Loaded>,
    /// The words of a value of several words.
    pub(super) joined: String,
    /// Chains that are named like targets, and come before these.
    chains: Vec<Box<str>>,
    pub(super) warnings: Vec<Warning>,
    /// The match that was found last: the next one is mostly the same.
    recent_match: Option<&'static Descriptor>,
}

/// An extension of the rule that is being read.
#[derive(Debug)]
pub(super) struct Loaded {
    pub(super) builder: Builder,
    /// The place of the word that named it.
    pub(super) word: usize,
}

/// Something that is done, but may not be what was meant.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Warning {
    /// An interface name with characters that the kernel's names do not have.
    OddInterface(Box<str>),
    /// An extension header of IPv6, which is never the transport protocol.
    NeverMatchedProtocol(Box<str>),
    /// `-W`, which means nothing any more.
    WaitInterval,
}

type Result<T> = std::result::Result<T, Box<Diagnostic>>;

impl<'r> Parser<'r> {
    /// A parser for the rules of `family` with the extensions of `registry`.
    #[must_use]
    pub const fn new(family: Family, registry: &'r Registry) -> Self {
        Self {
            registry,
            family,
            resolver: resolve_host,
            loaded: Vec::new(),
            joined: String::new(),
            chains: Vec::new(),
            warnings: Vec::new(),
            recent_match: None,
        }
    }

    /// Asks `resolver` for the addresses of hosts instead of the system.
    #[must_use]
    pub const fn with_resolver(mut self, resolver: Resolver) -> Self {
        self.resolver = resolver;
        self
    }

    /// The family.
    #[must_use]
    pub const fn family(&self) -> Family {
        self.family
    }

    /// Reads the words of a command line, without the program's name.
    pub fn command_line<'a>(&mut self, words: &'a Words) -> Result<Invocation<'a>> {
        let mut line = Line::new(self, words, Draft::default());
        line.read()?;
        line.finish_command_line()
    }

    /// Reads a line of a save file that is within `table`.
    ///
    /// `counters` are those that stand before the rule, if they count. `None` for a line that is meant for
    /// the other family only (`-4`, `-6`).
    pub fn restore_line<'a>(
        &mut self,
        words: &'a Words,
        table: TableName,
        counters: Option<Counters>,
    ) -> Result<Option<Invocation<'a>>> {
        let mut line = Line::new(self, words, Draft::restore(table, counters));
        line.read()?;
        if line.draft.other_family { Ok(None) } else { line.finish(table).map(Some) }
    }

    /// Lets `-j NAME` mean the chain even if there is a target of that name.
    pub fn announce_chain(&mut self, name: &str) {
        if self.registry.find(Kind::Target, name, self.family).is_some()
            && !self.chains.iter().any(|chain| **chain == *name)
        {
            self.chains.push(name.into());
        }
    }

    /// Forgets the chains that were announced.
    pub fn forget_chains(&mut self) {
        self.chains.clear();
    }

    /// Takes the warnings that have gathered.
    pub fn take_warnings(&mut self) -> Vec<Warning> {
        std::mem::take(&mut self.warnings)
    }

    /// What is wrong with a name for a new chain, if anything is.
    #[must_use]
    pub fn chain_name_problem(&self, name: &str) -> Option<Problem> {
        if name.len() > MAX_NAME {
            return Some(Problem::ChainTooLong(name.into()));
        }
        if let Some(start) = name.chars().next().filter(|start| matches!(start, '-' | '!')) {
            return Some(Problem::ChainStart(start));
        }
        if self.target(name).is_some()
            || Verdict::ALL.iter().any(|verdict| verdict.name() == name)
            || name.is_empty()
        {
            return Some(Problem::ChainIsTarget);
        }
        name.bytes().any(|byte| byte.is_ascii_whitespace()).then(|| Problem::ChainBlank(name.into()))
    }

    pub(super) fn target(&self, name: &str) -> Option<&'static Descriptor> {
        if self.chains.iter().any(|chain| **chain == *name) {
            return None;
        }
        self.registry.find(Kind::Target, name, self.family)
    }

    /// The names of all targets that rules can have.
    pub(super) fn target_names(&self) -> Vec<&'static str> {
        let all = self.registry.all().iter();
        let targets = all.filter(|other| other.kind == Kind::Target && other.families.has(self.family));
        targets.map(|target| target.name).chain(Verdict::ALL.map(Verdict::name)).collect()
    }

    pub(super) fn find_match(&mut self, name: &str) -> Option<&'static Descriptor> {
        if let Some(recent) = self.recent_match.filter(|recent| recent.name == name) {
            return Some(recent);
        }
        let name = if matches!(name, "icmpv6" | "ipv6-icmp") { "icmp6" } else { name };
        let found = self.registry.find(Kind::Match, name, self.family);
        self.recent_match = found;
        found
    }
}

/// The longest name of a chain, match or target, in bytes (`XT_EXTENSION_MAXNAMELEN` less the NUL).
pub(super) const MAX_NAME: usize = 28;

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OddInterface(name) => write!(
                f,
                "Warning: weird character in interface `{name}' ('/' and ' ' are not allowed by the kernel)."
            ),
            Self::NeverMatchedProtocol(name) => {
                write!(f, "Warning: never matched protocol: {name}. use extension match instead.")
            }
            Self::WaitInterval => write!(f, "Ignoring deprecated --wait-interval option."),
        }
    }
}
