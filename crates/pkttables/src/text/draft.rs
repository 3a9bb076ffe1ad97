use super::address::Addresses;
use super::command::{Command, Invocation, Listing, Output, Rules, Wait, Zero};
use super::diagnostic::Diagnostic;
use super::header::address_condition;
use super::lex::Words;
use super::options::Base;
use super::parser::{MAX_NAME, Parser};
use super::problem::Problem;
use crate::model::{AddressMask, Counters, Header, Match, Opaque, Policy, Rule, TableName, Target};
use crate::registry::{Kind, RuleScope};
use bitflags::bitflags;
use std::borrow::Cow;

bitflags! {
    /// Commands; listing and setting to zero can go together.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub(super) struct Commands: u16 {
        const INSERT = 1;
        const DELETE = 1 << 1;
        const DELETE_NUMBER = 1 << 2;
        const REPLACE = 1 << 3;
        const APPEND = 1 << 4;
        const LIST = 1 << 5;
        const FLUSH = 1 << 6;
        const ZERO = 1 << 7;
        const NEW_CHAIN = 1 << 8;
        const DELETE_CHAIN = 1 << 9;
        const POLICY = 1 << 10;
        const RENAME_CHAIN = 1 << 11;
        const LIST_RULES = 1 << 12;
        const ZERO_NUMBER = 1 << 13;
        const CHECK = 1 << 14;
        /// Ends the reading at once, as version does.
        const HELP = 1 << 15;
        const VERSION = 0xffff;

        /// Those that take a rule.
        const WITH_RULE = Self::INSERT.bits() | Self::DELETE.bits() | Self::REPLACE.bits()
            | Self::APPEND.bits() | Self::CHECK.bits();
        const ANY_ZERO = Self::ZERO.bits() | Self::ZERO_NUMBER.bits();
        const ANY_LIST = Self::LIST.bits() | Self::LIST_RULES.bits();
    }
}

/// What the words have said so far.
#[derive(Debug, Default)]
pub(super) struct Draft<'a> {
    pub(super) restore: bool,
    /// A line for the other family only.
    pub(super) other_family: bool,
    pub(super) commands: Commands,
    /// Names with the places of their words.
    pub(super) table: Option<(&'a str, usize)>,
    pub(super) chain: Option<(&'a str, usize)>,
    pub(super) policy: Option<(&'a str, usize)>,
    pub(super) number: Option<u32>,
    pub(super) new_name: Option<&'a str>,
    pub(super) header: Header,
    /// The protocol whose match may still be loaded, in small letters.
    pub(super) protocol_match: Option<(Cow<'a, str>, usize)>,
    /// Matches given by their bytes, each with how many extensions were loaded before it.
    pub(super) opaque: Vec<(usize, Opaque)>,
    pub(super) jump: Option<&'a str>,
    pub(super) target: Target,
    pub(super) counters: Option<Counters>,
    pub(super) output: Output,
    pub(super) wait: Option<Wait>,
    /// The first of what iptables leaves to the kernel to refuse, which it tells if nothing else is wrong.
    by_kernel: Option<Box<Diagnostic>>,
    /// Filled only where several addresses were given.
    sources: Vec<AddressMask>,
    destinations: Vec<AddressMask>,
    seen: u64,
    /// Where each option was seen.
    places: [u16; 32],
}

type Result<T> = std::result::Result<T, Box<Diagnostic>>;

impl Commands {
    /// The letter that messages use.
    pub(super) fn letter(self) -> char {
        let letters = "IDDRALFZNXPESZC";
        letters.chars().nth(self.bits().trailing_zeros() as usize).unwrap_or('h')
    }

    /// The commands that may stand together with this one.
    const fn partners(self) -> Self {
        match self {
            Self::LIST | Self::LIST_RULES => Self::ANY_ZERO,
            Self::ZERO => Self::ANY_LIST,
            _ => Self::empty(),
        }
    }
}

impl<'a> Draft<'a> {
    /// Starts a line of a save file.
    pub(super) fn restore(table: TableName, counters: Option<Counters>) -> Self {
        let mut draft = Self { restore: true, counters, table: Some((table.name(), 0)), ..Self::default() };
        if counters.is_some() {
            draft.see(Base::Counters, 0);
        }
        draft
    }

    /// Whether no further word matters.
    pub(super) fn is_over(&self) -> bool {
        self.other_family || self.commands.contains(Commands::HELP)
    }

    /// Adds a command; returns those it cannot go with.
    pub(super) fn add_command(&mut self, command: Commands) -> Option<Commands> {
        let conflict = self.commands.difference(command.partners());
        self.commands |= command;
        (!conflict.is_empty()).then_some(conflict)
    }

    /// Notes an option; false if it was there before.
    pub(super) fn see(&mut self, option: Base, word: usize) -> bool {
        let new = self.seen & bit(option) == 0;
        self.seen |= bit(option);
        if let Some(place) = self.places.get_mut(option as usize) {
            *place = u16::try_from(word).unwrap_or(u16::MAX);
        }
        new
    }

    /// Keeps what iptables leaves to the kernel to refuse.
    pub(super) fn leave(&mut self, error: Box<Diagnostic>) {
        self.by_kernel.get_or_insert(error);
    }

    pub(super) fn set_addresses(&mut self, option: Base, addresses: Addresses, not: bool) {
        let condition = address_condition(addresses.first, not);
        let several = addresses.several();
        if option == Base::Source {
            (self.header.source, self.sources) = (condition, several);
        } else {
            (self.header.destination, self.destinations) = (condition, several);
        }
    }

    /// Checks the whole and makes the command of it.
    pub(super) fn finish(
        &mut self,
        parser: &mut Parser<'_>,
        words: &'a Words,
        table: TableName,
    ) -> Result<Invocation<'a>> {
        let (output, wait) = (self.output, self.wait);
        let command = if self.commands == Commands::VERSION {
            Command::Version
        } else if self.commands.contains(Commands::HELP) {
            let extensions = parser.loaded.iter().map(|loaded| loaded.builder.descriptor());
            Command::Help {
                extensions: extensions.map(|extension| (extension.kind, extension.name)).collect(),
            }
        } else {
            self.check(words, table)?;
            let rule = self.rule(parser, words, table)?;
            self.command(words, rule)?
        };
        Ok(Invocation { table, command, output, wait })
    }

    fn check(&self, words: &Words, table: TableName) -> Result<()> {
        if table == TableName::Nat {
            let policy = self.policy.is_some_and(|(policy, _)| policy == "DROP");
            if policy || self.jump == Some("DROP") {
                let word = self.policy.map_or_else(|| self.place(Base::Jump) + 1, |(_, word)| word);
                return Err(Diagnostic::at(words, word, Problem::DropInNat));
            }
        }
        if self.commands.is_empty() {
            return Err(Diagnostic::at(words, words.len(), Problem::NoCommand));
        }
        for (option, commands) in ALLOWED {
            if self.seen & bit(*option) != 0 && !commands.contains(self.commands) {
                let problem = Problem::IllegalOption(option.name());
                return Err(Diagnostic::at(words, self.place(*option), problem));
            }
        }
        let Some((chain, word)) = self.chain else {
            return Ok(());
        };
        if chain.len() > MAX_NAME {
            return Err(Diagnostic::at(words, word, Problem::ChainTooLong(chain.into())));
        }
        let unsuitable = match chain {
            "PREROUTING" | "INPUT" => Base::OutInterface,
            "POSTROUTING" | "OUTPUT" => Base::InInterface,
            _ => return Ok(()),
        };
        if self.commands.intersects(Commands::WITH_RULE) && self.seen & bit(unsuitable) != 0 {
            let problem = Problem::InterfaceInChain(unsuitable.name(), chain.into());
            return Err(Diagnostic::at(words, self.place(unsuitable), problem));
        }
        Ok(())
    }

    /// Puts the rule together from what the words said and the extensions that they named.
    fn rule(&mut self, parser: &mut Parser<'_>, words: &Words, table: TableName) -> Result<Box<Rule>> {
        let mut rule = Box::new(Rule {
            header: std::mem::take(&mut self.header),
            matches: Vec::new(),
            target: std::mem::take(&mut self.target),
            counters: self.counters,
        });
        let is_match = |loaded: &super::parser::Loaded| loaded.builder.descriptor().kind == Kind::Match;
        rule.matches.reserve_exact(parser.loaded.iter().filter(|loaded| is_match(loaded)).count());
        let mut opaque = std::mem::take(&mut self.opaque).into_iter().peekable();
        for (place, loaded) in parser.loaded.drain(..).enumerate() {
            while let Some((_, kept)) = opaque.next_if(|(before, _)| *before <= place) {
                rule.matches.push(Match::Opaque(kept));
            }
            let kind = loaded.builder.descriptor().kind;
            let scope = RuleScope {
                family: parser.family,
                table: Some(table),
                chain: self.chain.map(|(chain, _)| chain),
                header: &rule.header,
            };
            let finished = loaded.builder.finish_as_iptables(&scope);
            let (instance, by_kernel) =
                finished.map_err(|error| Diagnostic::at(words, loaded.word, Problem::Param(error)))?;
            if let Some(error) = by_kernel {
                self.leave(Diagnostic::at(words, loaded.word, Problem::ByKernel(error)));
            }
            match kind {
                Kind::Match => rule.add_match(Match::Known(instance)),
                Kind::Target => rule.target = Target::Known(instance),
            }
        }
        rule.matches.extend(opaque.map(|(_, kept)| Match::Opaque(kept)));
        match self.by_kernel.take() {
            // No rule is like this one, which is told soon enough.
            Some(error) if !self.commands.intersects(Commands::DELETE | Commands::CHECK) => Err(error),
            _ => Ok(rule),
        }
    }

    fn command(&self, words: &Words, rule: Box<Rule>) -> Result<Command<'a>> {
        let name = self.chain.map(|(chain, _)| chain);
        let chain = name.unwrap_or_default();
        let number = self.number.unwrap_or(1);
        let rules = |rule| Rules::expand(rule, &self.sources, &self.destinations);
        let zero = Zero {
            chain: name,
            number: self.number.filter(|_| self.commands.contains(Commands::ZERO_NUMBER)),
        };
        let listing = Listing {
            chain: name,
            number: self.number,
            zero: self.commands.intersects(Commands::ANY_ZERO).then_some(zero),
        };
        Ok(match self.commands {
            Commands::APPEND => Command::Append { chain, rules: rules(rule) },
            Commands::INSERT => Command::Insert { chain, number, rules: rules(rule) },
            Commands::DELETE => Command::Delete { chain, rules: rules(rule) },
            Commands::DELETE_NUMBER => Command::DeleteNumber { chain, number },
            Commands::REPLACE => Command::Replace { chain, number, rule },
            Commands::CHECK => Command::Check { chain, rules: rules(rule) },
            Commands::FLUSH => Command::Flush { chain: name },
            Commands::NEW_CHAIN => Command::NewChain { chain },
            Commands::DELETE_CHAIN => Command::DeleteChain { chain: name },
            Commands::RENAME_CHAIN => Command::RenameChain { chain, name: self.new_name.unwrap_or_default() },
            Commands::POLICY => {
                let (policy, word) = self.policy.unwrap_or_default();
                let policy = Policy::from_name(policy)
                    .ok_or_else(|| Diagnostic::at(words, word, Problem::BadPolicy))?;
                Command::Policy { chain, policy, counters: self.counters }
            }
            commands if commands.contains(Commands::LIST) => Command::List(listing),
            commands if commands.contains(Commands::LIST_RULES) => Command::ListRules(listing),
            _ => Command::Zero(zero),
        })
    }

    fn place(&self, option: Base) -> usize {
        self.places.get(option as usize).copied().unwrap_or_default().into()
    }
}

/// The commands that an option goes with, in the order in which they are checked.
const ALLOWED: &[(Base, Commands)] = &[
    (Base::Numeric, Commands::LIST),
    (Base::Source, Commands::WITH_RULE),
    (Base::Destination, Commands::WITH_RULE),
    (Base::Protocol, Commands::WITH_RULE),
    (Base::Jump, Commands::WITH_RULE),
    (Base::Exact, Commands::LIST),
    (Base::InInterface, Commands::WITH_RULE),
    (Base::OutInterface, Commands::WITH_RULE),
    (Base::LineNumbers, Commands::LIST),
    (
        Base::Counters,
        Commands::INSERT.union(Commands::REPLACE).union(Commands::APPEND).union(Commands::POLICY),
    ),
    (Base::Fragments, Commands::WITH_RULE),
];

const fn bit(option: Base) -> u64 {
    1 << option as u64
}
