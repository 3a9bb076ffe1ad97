use super::address::{Addresses, Resolver, resolve_host};
use super::command::{Invocation, Wait};
use super::diagnostic::Diagnostic;
use super::draft::{Commands, Draft};
use super::header::{interface_condition, lowercase, protocol_condition, protocol_match};
use super::lex::Words;
use super::number::{leading_u64, strict_number};
use super::options::{Base, Cursor, Item, KNOWN, Known, Takes};
use super::problem::Problem;
use super::suggest;
use crate::model::{Counters, Family, Negatable, TableName, Target, Verdict};
use crate::registry::{Builder, Descriptor, Kind, Param, ParamProblem, Registry, Scope};
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
    joined: String,
    /// Chains that are named like targets, and come before these.
    chains: Vec<Box<str>>,
    warnings: Vec<Warning>,
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

/// The words that are being read, and what came of them so far.
struct Line<'p, 'r, 'a> {
    parser: &'p mut Parser<'r>,
    words: &'a Words,
    cursor: Cursor<'a>,
    draft: Draft<'a>,
    /// Whether `!` came before.
    not: bool,
    /// The place of the option that is being read.
    at: usize,
}

/// What an option's name stands for.
enum Meaning {
    Base(&'static Known),
    /// A parameter of the extension loaded at this place.
    Param(usize, &'static Param),
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
        Line::new(self, words, Draft::default()).read()?.finish_command_line()
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
        let mut line = Line::new(self, words, Draft::restore(table, counters)).read()?;
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
        name.contains(|c: char| c.is_ascii_whitespace()).then(|| Problem::ChainBlank(name.into()))
    }

    fn target(&self, name: &str) -> Option<&'static Descriptor> {
        if self.chains.iter().any(|chain| **chain == *name) {
            return None;
        }
        self.registry.find(Kind::Target, name, self.family)
    }

    fn find_match(&self, name: &str) -> Option<&'static Descriptor> {
        let name = if matches!(name, "icmpv6" | "ipv6-icmp") { "icmp6" } else { name };
        self.registry.find(Kind::Match, name, self.family)
    }
}

/// The longest name of a chain, match or target, in bytes (`XT_EXTENSION_MAXNAMELEN` less the NUL).
pub(super) const MAX_NAME: usize = 28;

impl<'p, 'r, 'a> Line<'p, 'r, 'a> {
    fn new(parser: &'p mut Parser<'r>, words: &'a Words, draft: Draft<'a>) -> Self {
        parser.loaded.clear();
        Self { parser, words, cursor: Cursor::new(words), draft, not: false, at: 0 }
    }

    /// Reads all words.
    fn read(mut self) -> Result<Self> {
        while !self.draft.is_over() {
            let Some(item) = self.cursor.step() else { break };
            self.at = self.cursor.last();
            match item {
                Item::Word("!") if self.not => return Err(self.error(Problem::TwiceNot)),
                Item::Word("!") => {
                    self.not = true;
                    continue;
                }
                Item::Word(word) => return Err(self.bad_argument(word)),
                Item::Short(letter) => self.short(letter)?,
                Item::Long(name) => self.long(name)?,
                Item::End if self.cursor.has_more() => return Err(self.error(Problem::UnknownArguments)),
                Item::End => break,
            }
            self.not = false;
        }
        Ok(self)
    }

    fn short(&mut self, letter: char) -> Result<()> {
        match Base::by_letter(letter) {
            Some(known) => self.base(known),
            None => Err(self.error(Problem::UnknownOption(format!("-{letter}").into()))),
        }
    }

    fn long(&mut self, name: &'a str) -> Result<()> {
        loop {
            match self.meaning(name) {
                Some(Meaning::Base(known)) => return self.base(known),
                Some(Meaning::Param(index, param)) => return self.param(index, param),
                None if self.load_protocol() => {}
                None => return Err(self.unknown_option(name)),
            }
        }
    }

    /// What a name means: exactly, else as an abbreviation of one option only.
    fn meaning(&self, name: &str) -> Option<Meaning> {
        if let Some(known) = Base::by_name(name) {
            return Some(Meaning::Base(known));
        }
        for (index, loaded) in self.parser.loaded.iter().enumerate().rev() {
            if let Some(param) = loaded.builder.descriptor().param(name, self.parser.family) {
                return Some(Meaning::Param(index, param));
            }
        }
        let mut candidates = self.abbreviated(name);
        let found = candidates.next()?.1;
        if candidates.all(|(_, other)| other.is_same(&found)) { Some(found) } else { None }
    }

    /// The options whose names begin with `name`, the newest extension's first.
    fn abbreviated<'n>(&'n self, name: &'n str) -> impl Iterator<Item = (&'static str, Meaning)> + 'n {
        let family = self.parser.family;
        let base = KNOWN.iter().flat_map(move |known| {
            let names = known.names.iter().filter(move |long| long.starts_with(name));
            names.map(move |long| (*long, Meaning::Base(known)))
        });
        let loaded = self.parser.loaded.iter().enumerate().rev();
        let params = loaded.flat_map(move |(index, loaded)| {
            let params = loaded.builder.descriptor().params.iter();
            params.filter(move |param| param.families.has(family)).flat_map(move |param| {
                let names = std::iter::once(&param.name).chain(param.aliases);
                let names = names.filter(move |long| long.starts_with(name));
                names.map(move |long| (*long, Meaning::Param(index, param)))
            })
        });
        base.chain(params)
    }

    /// Loads the match of the protocol that `-p` names, once.
    fn load_protocol(&mut self) -> bool {
        let Some((name, word)) = self.draft.protocol_match.take() else {
            return false;
        };
        let descriptor = protocol_match(&name).and_then(|name| self.parser.find_match(name));
        if let Some(descriptor) = descriptor {
            self.parser.loaded.push(Loaded { builder: Builder::new(descriptor), word });
        }
        descriptor.is_some()
    }

    fn param(&mut self, index: usize, param: &'static Param) -> Result<()> {
        let mut joined = std::mem::take(&mut self.parser.joined);
        joined.clear();
        let value = match param.words {
            0 if self.cursor.has_value() => {
                return Err(self.error(Problem::TakesNoArgument(self.word(self.at).into())));
            }
            0 => "",
            1 => self.value()?,
            words => {
                joined.push_str(self.value()?);
                for _ in 1..words {
                    let next = self.cursor.plain_word();
                    joined.push(' ');
                    joined.push_str(next.ok_or_else(|| self.needs_argument())?);
                }
                &joined
            }
        };
        let scope = Scope { family: self.parser.family, protocol: self.draft.header.protocol };
        let loaded = self.parser.loaded.get_mut(index);
        let set = loaded.map_or(Ok(()), |loaded| loaded.builder.set(param, value, self.not, &scope));
        self.parser.joined = joined;
        set.map_err(|error| {
            let at = if matches!(error.problem, ParamProblem::Value { .. }) {
                self.cursor.last()
            } else {
                self.at
            };
            Diagnostic::at(self.words, at, Problem::Param(error))
        })
    }

    fn base(&mut self, known: &'static Known) -> Result<()> {
        let value = match known.takes {
            Takes::Value => self.value()?,
            Takes::Perhaps => return self.command_or_wait(known.option),
            Takes::Nothing if self.cursor.has_value() => {
                return Err(self.error(Problem::TakesNoArgument(self.word(self.at).into())));
            }
            Takes::Nothing => "",
        };
        match known.option {
            Base::Append => self.command(Commands::APPEND, value),
            Base::Check => self.command(Commands::CHECK, value),
            Base::Delete => {
                self.command(Commands::DELETE, value)?;
                if let Some(number) = self.cursor.plain_word() {
                    self.draft.number = Some(self.delete_number(number)?);
                    self.draft.commands = Commands::DELETE_NUMBER;
                }
                Ok(())
            }
            Base::Insert => {
                self.command(Commands::INSERT, value)?;
                self.draft.number = Some(self.plain_number()?.unwrap_or(1));
                Ok(())
            }
            Base::Replace => {
                self.command(Commands::REPLACE, value)?;
                let number = self.plain_number()?;
                let number =
                    number.ok_or_else(|| self.missing(Problem::CommandNeeds('R', "a rule number")))?;
                self.draft.number = Some(number);
                Ok(())
            }
            Base::NewChain => {
                self.check_chain_name(value)?;
                self.command(Commands::NEW_CHAIN, value)
            }
            Base::RenameChain => {
                self.command(Commands::RENAME_CHAIN, value)?;
                let problem = Problem::CommandNeeds('E', "old-chain-name and new-chain-name");
                let name = self.cursor.plain_word().ok_or_else(|| self.missing(problem))?;
                self.check_chain_name(name)?;
                self.draft.new_name = Some(name);
                Ok(())
            }
            Base::Policy => {
                self.command(Commands::POLICY, value)?;
                let problem = Problem::CommandNeeds('P', "a chain and a policy");
                let policy = self.cursor.plain_word().ok_or_else(|| self.missing(problem))?;
                self.draft.policy = Some((policy, self.cursor.last()));
                Ok(())
            }
            Base::Source | Base::Destination => {
                self.once(known.option)?;
                let addresses = Addresses::parse(value, self.parser.family, self.parser.resolver);
                let addresses = addresses.map_err(|problem| self.value_error(problem))?;
                if self.not && !addresses.others.is_empty() {
                    return Err(self.value_error(Problem::NotSeveralAddresses));
                }
                self.draft.set_addresses(known.option, addresses, self.not);
                Ok(())
            }
            Base::Protocol => self.protocol(value),
            Base::InInterface | Base::OutInterface => self.interface(known.option, value),
            Base::Jump => self.jump(value),
            Base::Goto => {
                self.once(Base::Jump)?;
                self.check_target_name(value)?;
                self.draft.jump = Some(value);
                self.draft.target = Target::Goto(value.into());
                Ok(())
            }
            Base::Match => self.load_match(value),
            Base::Fragments => {
                if self.parser.family == Family::Ipv6 {
                    return Err(self.error(Problem::FragmentIpv6));
                }
                self.once(Base::Fragments)?;
                self.draft.header.fragment = Some(Negatable { value: (), not: self.not });
                Ok(())
            }
            Base::Table if self.not => Err(self.error(Problem::UnexpectedNot("table"))),
            Base::Table if self.draft.restore => Err(self.error(Problem::TableInRestore)),
            Base::Table => {
                self.draft.table = Some((value, self.cursor.last()));
                Ok(())
            }
            Base::Counters => self.counters(value),
            Base::Verbose => {
                if self.draft.output.verbose == 0 {
                    self.once(Base::Verbose)?;
                }
                self.draft.output.verbose = self.draft.output.verbose.saturating_add(1);
                Ok(())
            }
            Base::Numeric => {
                self.draft.output.numeric = true;
                self.once(Base::Numeric)
            }
            Base::Exact => {
                self.draft.output.exact = true;
                self.once(Base::Exact)
            }
            Base::LineNumbers => {
                self.draft.output.line_numbers = true;
                self.once(Base::LineNumbers)
            }
            Base::Ipv4 => self.family('4', Family::Ipv4),
            Base::Ipv6 => self.family('6', Family::Ipv6),
            Base::Version => {
                self.draft.commands = Commands::VERSION;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Options whose value may be missing; then the next word can be it.
    fn command_or_wait(&mut self, option: Base) -> Result<()> {
        let attached = self.cursor.attached();
        let commands = match option {
            Base::Wait => return self.wait(attached),
            Base::WaitInterval => return self.wait_interval(attached),
            Base::Help => {
                self.load_protocol_for_help();
                self.draft.commands = Commands::HELP;
                return Ok(());
            }
            Base::List => Commands::LIST,
            Base::ListRules => Commands::LIST_RULES,
            Base::Flush => Commands::FLUSH,
            Base::Zero => Commands::ZERO,
            _ => Commands::DELETE_CHAIN,
        };
        self.add_command(commands)?;
        if let Some(chain) = attached.or_else(|| self.cursor.plain_word()) {
            self.draft.chain = Some((chain, self.cursor.last()));
        }
        if matches!(option, Base::List | Base::ListRules | Base::Zero)
            && let Some(number) = self.plain_number()?
        {
            self.draft.number = Some(number);
            if option == Base::Zero {
                self.draft.commands = Commands::ZERO_NUMBER;
            }
        }
        Ok(())
    }

    fn command(&mut self, command: Commands, chain: &'a str) -> Result<()> {
        self.add_command(command)?;
        self.draft.chain = Some((chain, self.cursor.last()));
        Ok(())
    }

    fn add_command(&mut self, command: Commands) -> Result<()> {
        if self.not {
            return Err(self.error(Problem::NotCommand));
        }
        match self.draft.add_command(command) {
            Some(other) => Err(self.error(Problem::TwoCommands(command.letter(), other.letter()))),
            None => Ok(()),
        }
    }

    /// Notes an option that may stand only once, and refuses `!` where it has no opposite.
    fn once(&mut self, option: Base) -> Result<()> {
        if !self.draft.see(option, self.at) {
            return Err(self.error(Problem::Repeated(option.name())));
        }
        let negatable = matches!(
            option,
            Base::Source
                | Base::Destination
                | Base::Protocol
                | Base::InInterface
                | Base::OutInterface
                | Base::Fragments
        );
        if self.not && !negatable { Err(self.error(Problem::NotOption(option.name()))) } else { Ok(()) }
    }

    fn protocol(&mut self, value: &'a str) -> Result<()> {
        self.once(Base::Protocol)?;
        let name = lowercase(value);
        let protocol = protocol_condition(&name, self.not).map_err(|problem| {
            let names = ["tcp", "udp", "icmp", "icmpv6", "sctp", "dccp", "esp", "ah", "gre", "all"];
            let hint = suggest::nearest(&name, names).map(did_you_mean);
            self.value_error(problem).hint(hint)
        })?;
        // Routing, fragment, authentication and destination options headers.
        if self.parser.family == Family::Ipv6
            && protocol.is_some_and(|protocol| !protocol.not && matches!(protocol.value, 43 | 44 | 51 | 60))
        {
            self.parser.warnings.push(Warning::NeverMatchedProtocol(name.as_ref().into()));
        }
        self.draft.header.protocol = protocol;
        self.draft.protocol_match = Some((name, self.cursor.last()));
        Ok(())
    }

    fn interface(&mut self, option: Base, value: &'a str) -> Result<()> {
        self.once(option)?;
        let condition = interface_condition(value, self.not).map_err(|problem| self.value_error(problem))?;
        if value.contains(['/', ' ']) {
            self.parser.warnings.push(Warning::OddInterface(value.into()));
        }
        if option == Base::InInterface {
            self.draft.header.in_interface = condition;
        } else {
            self.draft.header.out_interface = condition;
        }
        Ok(())
    }

    fn jump(&mut self, name: &'a str) -> Result<()> {
        self.once(Base::Jump)?;
        self.check_target_name(name)?;
        if name == "CONTINUE" {
            return Ok(());
        }
        self.draft.jump = Some(name);
        let verdict = Verdict::ALL.into_iter().find(|verdict| verdict.name() == name);
        self.draft.target = if let Some(verdict) = verdict {
            Target::Verdict(verdict)
        } else if let Some(descriptor) = self.parser.target(name) {
            self.parser.loaded.push(Loaded { builder: Builder::new(descriptor), word: self.cursor.last() });
            Target::None
        } else {
            Target::Jump(name.into())
        };
        Ok(())
    }

    fn load_match(&mut self, name: &'a str) -> Result<()> {
        if self.not {
            return Err(self.error(Problem::UnexpectedNot("match")));
        }
        if name.len() > MAX_NAME {
            return Err(self.value_error(Problem::MatchTooLong(name.into())));
        }
        let Some(descriptor) = self.parser.find_match(name) else {
            return Err(self.unknown_match(name));
        };
        self.parser.loaded.push(Loaded { builder: Builder::new(descriptor), word: self.cursor.last() });
        Ok(())
    }

    fn counters(&mut self, value: &'a str) -> Result<()> {
        self.once(Base::Counters)?;
        let (packets, bytes) = match value.split_once(',') {
            Some(pair) => pair,
            None => match self.cursor.plain_word() {
                Some(bytes) => (value, bytes),
                None => return Err(self.missing(Problem::CountersNeeded)),
            },
        };
        let number =
            |text, what| leading_u64(text).ok_or_else(|| self.value_error(Problem::CounterNotNumeric(what)));
        let counters = Counters { packets: number(packets, "packet")?, bytes: number(bytes, "byte")? };
        self.draft.counters = Some(counters);
        Ok(())
    }

    fn wait(&mut self, attached: Option<&'a str>) -> Result<()> {
        if self.draft.restore {
            return Err(self.error(Problem::NotInRestore('w')));
        }
        self.draft.wait = Some(match attached.or_else(|| self.cursor.plain_word()) {
            None => Wait::Forever,
            Some(text) => {
                let seconds = leading_u64(text).ok_or_else(|| self.value_error(Problem::WaitNotNumeric))?;
                u32::try_from(seconds).map_or(Wait::Forever, Wait::Seconds)
            }
        });
        Ok(())
    }

    fn wait_interval(&mut self, attached: Option<&'a str>) -> Result<()> {
        if self.draft.restore {
            return Err(self.error(Problem::NotInRestore('W')));
        }
        let text = attached.or_else(|| self.cursor.plain_word());
        let text = text.ok_or_else(|| self.missing(Problem::WaitInterval("value required")))?;
        match leading_u64(text) {
            None => Err(self.value_error(Problem::WaitInterval("not numeric"))),
            Some(1_000_000..) => Err(self.value_error(Problem::WaitInterval("is longer than 999999 µs"))),
            Some(_) => {
                self.parser.warnings.push(Warning::WaitInterval);
                Ok(())
            }
        }
    }

    fn family(&mut self, letter: char, family: Family) -> Result<()> {
        if family == self.parser.family {
            Ok(())
        } else if self.draft.restore {
            self.draft.other_family = true;
            Ok(())
        } else {
            Err(self.error(Problem::OtherFamily(letter)))
        }
    }

    /// `-p tcp -h` also tells about the match that belongs to the protocol.
    fn load_protocol_for_help(&mut self) {
        if !self.parser.loaded.iter().any(|loaded| loaded.builder.descriptor().kind == Kind::Match) {
            self.load_protocol();
        }
    }

    fn check_chain_name(&self, name: &str) -> Result<()> {
        self.parser.chain_name_problem(name).map_or(Ok(()), |problem| Err(self.value_error(problem)))
    }

    fn check_target_name(&self, name: &str) -> Result<()> {
        let problem = if name.is_empty() {
            Problem::TargetEmpty
        } else if name.len() > MAX_NAME {
            Problem::TargetTooLong(name.into())
        } else if name.contains(|c: char| c.is_ascii_whitespace()) {
            Problem::TargetBlank(name.into())
        } else {
            return Ok(());
        };
        Err(self.value_error(problem))
    }

    fn plain_number(&mut self) -> Result<Option<u32>> {
        let Some(text) = self.cursor.plain_word() else {
            return Ok(None);
        };
        let number = strict_number(text).filter(|number| (1..=0x7fff_ffff).contains(number));
        number.map(Some).ok_or_else(|| self.value_error(Problem::RuleNumber(text.into())))
    }

    fn delete_number(&self, text: &str) -> Result<u32> {
        if text.contains(':') {
            return Err(self.value_error(Problem::RuleRange));
        }
        let number = text.parse().ok().filter(|number| *number != 0);
        number.ok_or_else(|| self.value_error(Problem::RuleNumber(text.into())))
    }

    fn value(&mut self) -> Result<&'a str> {
        match self.cursor.value() {
            Some(value) => Ok(value),
            None => Err(self.needs_argument()),
        }
    }

    fn finish_command_line(mut self) -> Result<Invocation<'a>> {
        let table = match self.draft.table {
            None => TableName::Filter,
            Some((name, word)) => TableName::from_name(name).ok_or_else(|| {
                let names = TableName::ALL.map(TableName::name);
                let hint = suggest::nearest(name, names).map(did_you_mean);
                Diagnostic::at(self.words, word, Problem::UnknownTable(name.into())).hint(hint)
            })?,
        };
        self.finish(table)
    }

    fn finish(&mut self, table: TableName) -> Result<Invocation<'a>> {
        if self.not {
            return Err(self.error(Problem::LoneNot));
        }
        std::mem::take(&mut self.draft).finish(self.parser, self.words, table)
    }

    // Errors; none of this runs for a line without one.

    fn word(&self, index: usize) -> &'a str {
        self.words.get(index).unwrap_or_default()
    }

    /// A problem with the option.
    fn error(&self, problem: Problem) -> Box<Diagnostic> {
        Diagnostic::at(self.words, self.at, problem)
    }

    /// A problem with the option's value.
    fn value_error(&self, problem: Problem) -> Box<Diagnostic> {
        Diagnostic::at(self.words, self.cursor.last(), problem)
    }

    /// Something is missing behind the word that was read last.
    fn missing(&self, problem: Problem) -> Box<Diagnostic> {
        let (offset, width) = self.words.place(self.cursor.last());
        Diagnostic::within(self.words.source(), offset + width, 0, problem)
    }

    fn needs_argument(&self) -> Box<Diagnostic> {
        self.missing(Problem::NeedsArgument(self.word(self.at).into()))
    }

    fn bad_argument(&self, word: &str) -> Box<Diagnostic> {
        let hint = if word == "COMMIT" {
            Some("COMMIT stands alone in its line".to_owned())
        } else if word.starts_with('*') && self.draft.restore {
            Some("the table before is not closed by COMMIT".to_owned())
        } else if self.at > 0 && self.not {
            Some("`!' comes before the option, not before its value".to_owned())
        } else {
            None
        };
        self.error(Problem::BadArgument(word.into())).hint(hint)
    }

    fn unknown_match(&self, name: &str) -> Box<Diagnostic> {
        let (registry, family) = (self.parser.registry, self.parser.family);
        let all =
            registry.all().iter().filter(|other| other.kind == Kind::Match && other.families.has(family));
        let names = all.flat_map(|other| std::iter::once(&other.name).chain(other.aliases)).copied();
        let hint = if registry.find(Kind::Target, name, family).is_some() {
            Some(format!("`{name}' is a target: it goes behind -j"))
        } else {
            suggest::nearest(name, names).map(did_you_mean)
        };
        self.value_error(Problem::UnknownMatch(name.into())).hint(hint)
    }

    fn unknown_option(&self, name: &str) -> Box<Diagnostic> {
        let problem = Problem::UnknownOption(self.word(self.at).split('=').next().unwrap_or_default().into());
        self.error(problem).hint(self.option_hint(name))
    }

    fn option_hint(&self, name: &str) -> Option<String> {
        let mut candidates: Vec<&str> = self.abbreviated(name).map(|(long, _)| long).collect();
        candidates.sort_unstable();
        candidates.dedup();
        if let [_, _, ..] = *candidates {
            return Some(format!("it could mean --{}", candidates.join(", --")));
        }
        let family = self.parser.family;
        let owners = self.parser.registry.all().iter().filter(|owner| owner.families.has(family));
        let owner = owners.clone().find(|owner| owner.param(name, family).is_some());
        if let Some(owner) = owner {
            let option = if owner.kind == Kind::Match { "-m" } else { "-j" };
            return Some(match (owner.kind, owner.protocols) {
                (Kind::Match, [protocol]) => format!(
                    "it belongs to -m {}, which needs -p {} before it",
                    owner.name,
                    crate::model::protocol::name(*protocol)
                ),
                _ => format!("it belongs to {option} {}, which must come before it", owner.name),
            });
        }
        let loaded = self.parser.loaded.iter().flat_map(|loaded| loaded.builder.descriptor().params);
        let params = loaded.filter(|param| param.families.has(family)).map(|param| param.name);
        let base = KNOWN.iter().flat_map(|known| known.names).copied();
        let near = suggest::nearest(name, params.chain(base)).or_else(|| {
            let all = owners.flat_map(|owner| owner.params).map(|param| param.name);
            suggest::nearest(name, all)
        });
        near.map(|near| did_you_mean(&format!("--{near}")))
    }
}

impl Meaning {
    fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Base(one), Self::Base(other)) => one.option == other.option,
            (Self::Param(one, param), Self::Param(other, second)) => {
                one == other && std::ptr::eq(*param, *second)
            }
            _ => false,
        }
    }
}

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

pub(super) fn did_you_mean(word: &str) -> String {
    format!("did you mean `{word}'?")
}
