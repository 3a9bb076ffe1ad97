use super::command::{Invocation, Wait};
use super::diagnostic::Diagnostic;
use super::draft::{Commands, Draft};
use super::header::protocol_match;
use super::lex::Words;
use super::meaning::Meaning;
use super::number::{leading_u64, strict_number};
use super::options::{Base, Cursor, Item, Known, Takes};
use super::parser::{Loaded, Parser, Warning};
use super::problem::Problem;
use super::suggest;
use crate::model::{Family, TableName};
use crate::registry::{Builder, Kind, Param, ParamProblem, Scope};

/// The words that are being read, and what came of them so far.
pub(super) struct Line<'p, 'r, 'a> {
    pub(super) parser: &'p mut Parser<'r>,
    pub(super) words: &'a Words,
    pub(super) cursor: Cursor<'a>,
    pub(super) draft: Draft<'a>,
    /// Whether `!` came before.
    pub(super) not: bool,
    /// The place of the option that is being read.
    pub(super) at: usize,
}

type Result<T> = std::result::Result<T, Box<Diagnostic>>;

impl<'p, 'r, 'a> Line<'p, 'r, 'a> {
    pub(super) fn new(parser: &'p mut Parser<'r>, words: &'a Words, draft: Draft<'a>) -> Self {
        parser.loaded.clear();
        Self { parser, words, cursor: Cursor::new(words), draft, not: false, at: 0 }
    }

    /// Reads all words.
    pub(super) fn read(&mut self) -> Result<()> {
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
        Ok(())
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
            0 if param.optional_word => self.cursor.plain_word().unwrap_or_default(),
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
        let Err(error) = set else { return Ok(()) };
        let at = |at, problem| Diagnostic::at(self.words, at, problem);
        match &error.problem {
            ParamProblem::Value { reason, .. } if reason.is_by_kernel() => {
                self.draft.leave(at(self.cursor.last(), Problem::ByKernel(error)));
                Ok(())
            }
            ParamProblem::Value { .. } => Err(at(self.cursor.last(), Problem::Param(error))),
            _ => Err(at(self.at, Problem::Param(error))),
        }
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
            Base::Source | Base::Destination => self.addresses(known.option, value),
            Base::Protocol => self.protocol(value),
            Base::InInterface | Base::OutInterface => self.interface(known.option, value),
            Base::Jump => self.jump(value),
            Base::Goto => self.goto(value),
            Base::Match => self.load_match(value),
            Base::Fragments => self.fragments(),
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
    pub(super) fn once(&mut self, option: Base) -> Result<()> {
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

    pub(super) fn value(&mut self) -> Result<&'a str> {
        match self.cursor.value() {
            Some(value) => Ok(value),
            None => Err(self.needs_argument()),
        }
    }

    pub(super) fn finish_command_line(&mut self) -> Result<Invocation<'a>> {
        let table = match self.draft.table {
            None => TableName::Filter,
            Some((name, word)) => TableName::from_name(name).ok_or_else(|| {
                let names = TableName::ALL.map(TableName::name);
                let hint = suggest::nearest(name, names).map(suggest::did_you_mean);
                Diagnostic::at(self.words, word, Problem::UnknownTable(name.into())).hint(hint)
            })?,
        };
        self.finish(table)
    }

    pub(super) fn finish(&mut self, table: TableName) -> Result<Invocation<'a>> {
        if self.not {
            return Err(self.error(Problem::LoneNot));
        }
        self.draft.finish(self.parser, self.words, table)
    }
}
