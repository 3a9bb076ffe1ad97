use super::command::Invocation;
use super::diagnostic::Diagnostic;
use super::lex::{LexError, Words};
use super::number::leading_u64;
use super::parser::{Parser, Warning};
use super::problem::Problem;
use super::suggest::{self, did_you_mean};
use crate::model::{Counters, Family, Hook, Policy, TableName};
use std::borrow::Cow;
use std::io::{BufRead, Read as _};
use std::sync::Arc;

/// Walks through a save file line by line; nothing of the file is kept.
///
/// After an error it can go on with the next line, so that one pass finds all errors.
#[derive(Debug)]
pub struct Reader<'r, R> {
    input: R,
    parser: Parser<'r>,
    options: ReadOptions,
    file: Option<Arc<str>>,
    words: Words,
    buffer: Vec<u8>,
    line: usize,
    section: Section,
}

/// How a save file is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReadOptions {
    /// Counters in the file count; then every policy must have them (`iptables-restore -c`).
    pub counters: bool,
    /// Only this table (`iptables-restore -T`).
    pub table: Option<TableName>,
}

/// What a line of a save file says.
#[derive(Clone, Debug, PartialEq)]
pub enum Event<'a> {
    /// `# …`
    Comment(Cow<'a, str>),
    /// `*TABLE`
    Table(TableName),
    /// `:CHAIN POLICY [PACKETS:BYTES]`
    Chain(ChainLine<'a>),
    /// A command, usually `-A CHAIN …`.
    Command(Invocation<'a>),
    /// A command for the other family only.
    OtherFamily,
    /// `COMMIT`
    Commit,
}

/// The line of a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChainLine<'a> {
    /// The name.
    pub name: &'a str,
    /// The hook, if it is a built-in chain.
    pub hook: Option<Hook>,
    /// The policy, if it is a built-in chain and the line has one; `-` leaves it as it is.
    pub policy: Option<Policy>,
    /// The counters, if they count.
    pub counters: Option<Counters>,
}

/// Where in the file the reader is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Section {
    Outside,
    Table(TableName),
    /// A table that is not asked for.
    Skipped,
    /// All has been read.
    End,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Comment,
    Table,
    Chain,
    Commit,
    Command,
    Stray,
}

type Result<T> = std::result::Result<T, Box<Diagnostic>>;

/// The longest line that is read, in bytes.
const MAX_LINE: u64 = 1 << 20;

impl<'r, R: BufRead> Reader<'r, R> {
    /// Reads `input` with the family and the extensions of `parser`.
    pub fn new(input: R, parser: Parser<'r>, options: ReadOptions) -> Self {
        Self {
            input,
            parser,
            options,
            file: None,
            words: Words::new(),
            buffer: Vec::new(),
            line: 0,
            section: Section::Outside,
        }
    }

    /// Names the file in errors.
    #[must_use]
    pub fn with_file(mut self, name: &str) -> Self {
        self.file = Some(name.into());
        self
    }

    /// The number of the line that was read last, from 1.
    #[must_use]
    pub const fn line(&self) -> usize {
        self.line
    }

    /// Takes the warnings that have gathered.
    pub fn take_warnings(&mut self) -> Vec<Warning> {
        self.parser.take_warnings()
    }

    /// The next line that says something; `None` at the end.
    pub fn next_event(&mut self) -> Result<Option<Event<'_>>> {
        let Some(kind) = self.next_line()? else {
            return Ok(None);
        };
        let Self { parser, words, options, section, buffer, line, file, .. } = self;
        let event = event(kind, buffer, section, *options, parser, words);
        event.map(Some).map_err(|mut error| {
            (error.line, error.file) = (Some(*line), file.clone());
            error
        })
    }

    /// The family.
    #[must_use]
    pub const fn family(&self) -> Family {
        self.parser.family()
    }

    /// A problem with the last word of this text in the line that was read last, or else with its end.
    #[must_use]
    pub fn error_at(&self, word: &str, problem: Problem) -> Box<Diagnostic> {
        let words = (0..self.words.len()).rev();
        let found = words.into_iter().find(|index| self.words.get(*index) == Some(word));
        let mut error = Diagnostic::at(&self.words, found.unwrap_or(self.words.len()), problem);
        (error.line, error.file) = (Some(self.line), self.file.clone());
        error
    }

    /// The names of all targets that rules can have.
    pub(super) fn target_names(&self) -> Vec<&'static str> {
        self.parser.target_names()
    }

    /// Reads up to a line that is not blank and does not belong to a table that is not asked for.
    fn next_line(&mut self) -> Result<Option<Kind>> {
        loop {
            if self.section == Section::End {
                return Ok(None);
            }
            self.buffer.clear();
            self.line += 1;
            match (&mut self.input).take(MAX_LINE).read_until(b'\n', &mut self.buffer) {
                Ok(0) => {
                    let open = matches!(self.section, Section::Table(_));
                    self.section = Section::End;
                    return if open { Err(self.bare_error(Problem::CommitExpected)) } else { Ok(None) };
                }
                Ok(_) => {}
                Err(error) => {
                    self.section = Section::End;
                    return Err(self.bare_error(Problem::Read(error.kind())));
                }
            }
            if self.buffer.last() == Some(&b'\n') {
                self.buffer.pop();
            } else if self.buffer.len() as u64 == MAX_LINE {
                self.section = Section::End;
                return Err(self.bare_error(Problem::LineTooLong));
            }
            let kind = match (self.buffer.first(), self.section) {
                (None, _) => continue,
                (Some(b'#'), _) => Kind::Comment,
                (Some(b'*'), Section::Outside | Section::Skipped) if self.is_unwanted_table() => {
                    self.section = Section::Skipped;
                    continue;
                }
                (Some(b'*'), Section::Outside | Section::Skipped) => Kind::Table,
                (_, Section::Skipped) => continue,
                (_, Section::Outside | Section::End) => Kind::Stray,
                (_, Section::Table(_)) if self.buffer == b"COMMIT" => Kind::Commit,
                (Some(b':'), Section::Table(_)) => Kind::Chain,
                (_, Section::Table(_)) => Kind::Command,
            };
            return Ok(Some(kind));
        }
    }

    /// Whether the line names a table that is not asked for.
    fn is_unwanted_table(&self) -> bool {
        let table = std::str::from_utf8(&self.buffer).ok().and_then(|line| table_line(line).ok());
        self.options.table.is_some_and(|wanted| table.is_some_and(|table| table != wanted))
    }

    fn bare_error(&self, problem: Problem) -> Box<Diagnostic> {
        let mut error = Diagnostic::within("", 0, 0, problem);
        (error.line, error.file) = (Some(self.line), self.file.clone());
        error
    }
}

/// What a line says.
fn event<'a>(
    kind: Kind,
    line: &'a [u8],
    section: &mut Section,
    options: ReadOptions,
    parser: &mut Parser<'_>,
    words: &'a mut Words,
) -> Result<Event<'a>> {
    if kind == Kind::Comment {
        return Ok(Event::Comment(String::from_utf8_lossy(line)));
    }
    let Ok(line) = std::str::from_utf8(line) else {
        let text = String::from_utf8_lossy(line);
        return Err(Diagnostic::within(&text, 0, 0, Problem::NotUtf8));
    };
    // Commands are looked through for their words in any case.
    if kind != Kind::Command {
        refuse_nul(line, line.len())?;
    }
    let event = match (kind, *section) {
        (Kind::Table, _) => {
            let table = table_line(line)?;
            *section = Section::Table(table);
            parser.forget_chains();
            Ok(Event::Table(table))
        }
        (Kind::Commit, _) => {
            *section = Section::Outside;
            Ok(Event::Commit)
        }
        (Kind::Chain, Section::Table(table)) => {
            chain_line(line, table, options.counters, parser).map(Event::Chain)
        }
        (Kind::Command, Section::Table(table)) => command_line(line, table, options.counters, parser, words),
        _ => Err(Diagnostic::within(line, 0, line.len(), Problem::OutsideTable)),
    };
    event.map_err(|error| {
        let dos = line.ends_with('\r').then(|| "the line ends in a carriage return".to_owned());
        error.hint(dos)
    })
}

/// Refuses a NUL among the first bytes of a line.
fn refuse_nul(line: &str, len: usize) -> Result<()> {
    match line.bytes().take(len).position(|byte| byte == 0) {
        None => Ok(()),
        Some(offset) => Err(Diagnostic::within(line, offset, 1, Problem::Lex(LexError::Nul { offset }))),
    }
}

fn table_line(line: &str) -> Result<TableName> {
    let (offset, name) = tokens(line).next().unwrap_or((line.len(), ""));
    TableName::from_name(name).ok_or_else(|| {
        let hint = suggest::nearest(name, TableName::ALL.map(TableName::name)).map(did_you_mean);
        Diagnostic::within(line, offset, name.len(), Problem::TableLine(name.into())).hint(hint)
    })
}

fn chain_line<'a>(
    line: &'a str,
    table: TableName,
    counters: bool,
    parser: &mut Parser<'_>,
) -> Result<ChainLine<'a>> {
    let mut words = tokens(line);
    let missing = |what| Diagnostic::within(line, line.len(), 0, Problem::ChainLine(what));
    let error =
        |(offset, word): (usize, &str), problem| Diagnostic::within(line, offset, word.len(), problem);
    let name_at = words.next().ok_or_else(|| missing("chain name"))?;
    let name = name_at.1;
    parser.announce_chain(name);
    if let Some(problem) = parser.chain_name_problem(name) {
        return Err(error(name_at, problem));
    }
    let policy_at = words.next().ok_or_else(|| missing("policy"))?;
    let Some(hook) = table.hook(name) else {
        return Ok(ChainLine { name, hook: None, policy: None, counters: None });
    };
    let counters_at = words.next();
    let found = counters_at.and_then(|(_, text)| policy_counters(text));
    if found.is_none() && (counters || counters_at.is_some()) {
        let at = counters_at.unwrap_or((line.len(), ""));
        return Err(error(at, Problem::PolicyCounters(name.into())));
    }
    let policy = match policy_at.1 {
        "-" => None,
        policy => Some(Policy::from_name(policy).ok_or_else(|| error(policy_at, Problem::BadPolicy))?),
    };
    Ok(ChainLine { name, hook: Some(hook), policy, counters: found.filter(|_| counters) })
}

/// The words behind the first character of a line, and where they stand.
fn tokens(line: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut at = 1;
    std::iter::from_fn(move || {
        let rest = line.get(at..)?;
        let start = at + rest.find(|c| !matches!(c, ' ' | '\t'))?;
        let rest = line.get(start..)?;
        let word = rest.split([' ', '\t']).next()?;
        at = start + word.len();
        Some((start, word))
    })
}

fn command_line<'a>(
    line: &'a str,
    table: TableName,
    with_counters: bool,
    parser: &mut Parser<'_>,
    words: &'a mut Words,
) -> Result<Event<'a>> {
    let (mut counters, mut from) = (None, 0);
    if let Some(rest) = line.strip_prefix('[') {
        let need = |what| Diagnostic::within(line, 0, line.len(), Problem::RuleCounters(what));
        let end = rest.find(']').ok_or_else(|| need(']'))?;
        let inside = rest.get(..end).unwrap_or_default();
        let parts = inside.split_once(':').filter(|(packets, _)| !packets.is_empty());
        let (packets, bytes) = parts.ok_or_else(|| need(':'))?;
        from = end + 2;
        refuse_nul(line, from)?;
        if with_counters {
            let number = |text, what| {
                let problem = Problem::CounterNotNumeric(what);
                leading_u64(text).ok_or_else(|| Diagnostic::within(line, 1, inside.len(), problem))
            };
            counters = Some(Counters { packets: number(packets, "packet")?, bytes: number(bytes, "byte")? });
        }
    }
    words
        .read_line(line, from)
        .map_err(|problem| Diagnostic::within(line, problem.offset(), 1, Problem::Lex(problem)))?;
    let invocation = parser.restore_line(words, table, counters)?;
    Ok(invocation.map_or(Event::OtherFamily, Event::Command))
}

/// Reads `[PACKETS:BYTES]`; the closing bracket may be missing.
fn policy_counters(text: &str) -> Option<Counters> {
    let (packets, bytes) = text.strip_prefix('[')?.split_once(':')?;
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let packets = leading_u64(packets).filter(|_| digits(packets))?;
    Some(Counters { packets, bytes: leading_u64(bytes)? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::Registry;
    use crate::text::Command;

    /// What each event is, or the message of an error, with its line and column.
    fn events(family: Family, options: ReadOptions, text: &str) -> Vec<(usize, String)> {
        let parser = Parser::new(family, Registry::builtin()).with_resolver(|_, _| Vec::new());
        let mut reader = Reader::new(text.as_bytes(), parser, options);
        let mut found = Vec::new();
        loop {
            let event = match reader.next_event() {
                Ok(None) => return found,
                Ok(Some(event)) => match event {
                    Event::Command(Invocation { command: Command::Append { chain, rules }, .. }) => {
                        format!("append {chain} {:?}", rules.first().counters)
                    }
                    Event::Command(invocation) => format!("{:?}", invocation.command),
                    Event::Chain(chain) => {
                        format!("chain {} {:?} {:?}", chain.name, chain.policy, chain.counters)
                    }
                    event => format!("{event:?}"),
                },
                Err(error) => format!("{} @{} {}", error.exit_code(), error.column(), error.problem),
            };
            found.push((reader.line(), event));
        }
    }

    fn check(options: ReadOptions, text: &str, expected: &[(usize, &str)]) {
        let found = events(Family::Ipv4, options, text);
        let found: Vec<_> = found.iter().map(|(line, event)| (*line, event.as_str())).collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn a_file_without_errors() {
        let text = "# made by hand\n\n*filter\n:INPUT DROP [3:4]\n:x - [0:0]\n[5:6] -A x -j INPUT\n-4 -A x\n-6 -A x\nCOMMIT\n*raw\nCOMMIT";
        check(
            ReadOptions::default(),
            text,
            &[
                (1, "Comment(\"# made by hand\")"),
                (3, "Table(Filter)"),
                (4, "chain INPUT Some(Drop) None"),
                (5, "chain x None None"),
                (6, "append x None"),
                (7, "append x None"),
                (8, "OtherFamily"),
                (9, "Commit"),
                (10, "Table(Raw)"),
                (11, "Commit"),
            ],
        );
        let counters = ReadOptions { counters: true, table: None };
        let found = events(Family::Ipv4, counters, text);
        assert_eq!(found[2].1, "chain INPUT Some(Drop) Some(Counters { packets: 3, bytes: 4 })");
        assert_eq!(found[4].1, "append x Some(Counters { packets: 5, bytes: 6 })");
        let only = ReadOptions { counters: false, table: Some(TableName::Filter) };
        let found = events(Family::Ipv4, only, &format!("*nat\n:PREROUTING x\nfoo\nCOMMIT\n{text}"));
        let found: Vec<_> = found.iter().map(|(line, _)| *line).collect();
        assert_eq!(found, [5, 7, 8, 9, 10, 11, 12, 13]);
    }

    #[test]
    fn every_error_is_reported_with_its_line() {
        check(
            ReadOptions::default(),
            "*filtr\n-A x\n*filter\n:\n:X\n:LOG2 -\n:-x - [0:0]\n:INPUT FOO [0:0]\n:INPUT ACCEPT [x\n:INPUT ACCEPT\n:INPUT - [1:2\nfoo\n  \n\t-A X -j Y \n[1:2 -A X\n[12] -A X\n[:5] -A X\nCOMMIT \n*nat\n-A X -t nat\n-w -A X\n-A X -m comment --comment \"x\n",
            &[
                (1, "2 @2 table name 'filtr' invalid"),
                (2, "1 @1 failed: no table has been opened"),
                (3, "Table(Filter)"),
                (4, "2 @2 chain name invalid"),
                (5, "2 @3 policy invalid"),
                (6, "chain LOG2 None None"),
                (7, "2 @2 chain name not allowed to start with `-'"),
                (8, "1 @8 Bad policy name"),
                (9, "2 @15 invalid policy counters for chain 'INPUT'"),
                (10, "chain INPUT Some(Accept) None"),
                (11, "chain INPUT None None"),
                (12, "2 @1 Bad argument `foo'"),
                (13, "2 @3 no command specified"),
                (14, "append X None"),
                (15, "2 @1 need ]"),
                (16, "2 @1 need :"),
                (17, "2 @1 need :"),
                (18, "2 @1 Bad argument `COMMIT'"),
                (19, "2 @1 Bad argument `*nat'"),
                (20, "2 @6 The -t option cannot be used in iptables-restore."),
                (21, "2 @1 You cannot use `-w' from iptables-restore"),
                (22, "2 @27 the quote is never closed"),
                (23, "1 @1 COMMIT expected"),
            ],
        );
        check(
            ReadOptions { counters: true, table: None },
            "*filter\n:INPUT ACCEPT\n[x:1] -A x\n[1:2] -D x\n[1:2] -A x -c 1 2\nCOMMIT",
            &[
                (1, "Table(Filter)"),
                (2, "2 @14 invalid policy counters for chain 'INPUT'"),
                (3, "2 @2 --set-counters packet counter not numeric"),
                (4, "2 @7 Illegal option `--set-counters' with this command"),
                (5, "2 @12 multiple --set-counters options not allowed"),
                (6, "Commit"),
            ],
        );
    }

    #[test]
    fn a_declared_chain_comes_before_the_target_of_that_name() {
        let text = "*filter\n:LOG - [0:0]\n-A INPUT -j LOG\nCOMMIT\n*filter\n-A INPUT -j LOG\nCOMMIT\n";
        let parser = Parser::new(Family::Ipv4, Registry::builtin());
        let mut reader = Reader::new(text.as_bytes(), parser, ReadOptions::default());
        let mut jumps = Vec::new();
        while let Some(event) = reader.next_event().expect("no error") {
            if let Event::Command(Invocation { command: Command::Append { rules, .. }, .. }) = event {
                jumps.push(matches!(rules.first().target, crate::model::Target::Jump(_)));
            }
        }
        assert_eq!(jumps, [true, false]);
    }
}
