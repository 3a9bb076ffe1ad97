//! `iptables-restore` and `ip6tables-restore`: a save file becomes one transaction.

mod teller;

use crate::Result;
use crate::arguments::{self, Argument, Known, Takes, option};
use crate::connect::{AnyKernel, Options};
use crate::failure::Failure;
use crate::iptables::{self, apply};
use crate::json;
use crate::listing;
use crate::personality::{Personality, VERSION};
use nfnetlink::{Errno, Transport};
use pkttables::cache::{Cache, Endless, callee};
use pkttables::edit::{EditError, Editor};
use pkttables::kernel::{KernelError, RefusedOperation, RefusedTransaction, Snapshot, Transaction};
use pkttables::model::TableName;
use pkttables::registry::Registry;
use pkttables::text::{Command, Diagnostic, Event, Invocation, Parser, ReadOptions, Reader, Zero};
use std::io::Read as _;
use teller::Teller;

/// What the arguments ask for.
#[derive(Debug, Default)]
struct Wanted {
    counters: bool,
    no_flush: bool,
    test: bool,
    verbose: bool,
    json: bool,
    /// Only this one; the inner `None` is one that there is not, so that nothing is restored.
    table: Option<Option<TableName>>,
    file: Option<String>,
}

/// Counters to be set to zero when the rules are there: the kernel does that rule by rule, not in transactions.
#[derive(Debug)]
struct Later {
    table: TableName,
    chain: Option<Box<str>>,
    number: Option<u32>,
}

impl Later {
    fn new(table: TableName, zero: Zero<'_>) -> Self {
        Self { table, chain: zero.chain.map(Into::into), number: zero.number }
    }
}

/// What is left to do when the rules are there.
#[derive(Debug, Default)]
struct Rest {
    zero: Vec<Later>,
    /// What is told: listings, and with `-v` comments, chains and rules.
    told: String,
}

/// What stops a restore while it is planned.
enum Stop {
    /// A line that only asks for this.
    Told(String),
    Text(Vec<Diagnostic>),
    Edit(Option<usize>, EditError),
}

impl From<KernelError> for Stop {
    fn from(error: KernelError) -> Self {
        Self::Edit(None, error.into())
    }
}

pub(crate) fn run(personality: &Personality, options: &Options, args: &[String]) -> Result<()> {
    let Some(wanted) = Wanted::read(personality, args)? else { return Ok(()) };
    let input = match &wanted.file {
        Some(file) => std::fs::read(file)
            .map_err(|error| Failure::Plain(1, format!("Can't open {file}: {}", reason(&error))))?,
        None => {
            let mut input = Vec::new();
            std::io::stdin().lock().read_to_end(&mut input)?;
            input
        }
    };
    let input = match wanted.json {
        true => json::to_saved(&input, personality, wanted.counters)?.into_bytes(),
        false => input,
    };
    if wanted.table == Some(None) {
        return Ok(());
    }
    let mut kernel = options.open()?;
    let mut tracked = false;
    loop {
        let planned = kernel.update(|snapshot, transaction| {
            let mut rest = plan(personality, &wanted, &input, snapshot, transaction, tracked)?;
            if wanted.test {
                *transaction = Transaction::new();
                rest.zero.clear();
            }
            Ok(rest)
        });
        return match planned {
            Ok(rest) => {
                print!("{}", rest.told);
                rest.zero.iter().try_for_each(|zero| {
                    let what = Zero { chain: zero.chain.as_deref(), number: zero.number };
                    iptables::zero(&mut kernel, personality, zero.table, what)
                })
            }
            Err(Stop::Told(text)) => {
                print!("{text}");
                Ok(())
            }
            Err(Stop::Edit(_, EditError::Untracked)) if !tracked => {
                tracked = true;
                continue;
            }
            Err(Stop::Text(diagnostics)) => Err(Failure::Text(diagnostics)),
            Err(Stop::Edit(None, error)) => Err(explain(&mut kernel, error, |line| line_of(&input, line))),
            Err(Stop::Edit(line, error)) => Err(Failure::Edit(line, error)),
        };
    }
}

/// Turns the file into edits. All that is wrong with its text is found, but the first edit that cannot be made ends it.
fn plan<T: Transport>(
    personality: &Personality,
    wanted: &Wanted,
    input: &[u8],
    snapshot: &mut Snapshot<'_, T>,
    transaction: &mut Transaction,
    tracked: bool,
) -> std::result::Result<Rest, Stop> {
    let parser = Parser::new(personality.family, Registry::builtin());
    let read_options = ReadOptions { counters: wanted.counters, table: wanted.table.flatten() };
    let mut reader = Reader::new(input, parser, read_options);
    if let Some(file) = &wanted.file {
        reader = reader.with_file(file);
    }
    let mut teller = Teller::new(personality, wanted, snapshot)?;
    let mut editor = Editor::new(snapshot, transaction, personality.family, tracked);
    let (mut wrong, mut zero_later) = (Vec::new(), Vec::new());
    let mut table = TableName::Filter;
    loop {
        let line = reader.line() + 1;
        let event = match reader.next_event() {
            Ok(Some(event)) => event,
            Ok(None) => break,
            Err(diagnostic) => {
                wrong.push(*diagnostic);
                continue;
            }
        };
        if !wrong.is_empty() {
            continue;
        }
        if let Some(text) = teller.tell(&event) {
            return Err(Stop::Told(text));
        }
        editor.set_tag(u32::try_from(line).unwrap_or(u32::MAX));
        let edited = match event {
            Event::Table(name) => {
                table = name;
                if wanted.no_flush { Ok(()) } else { editor.clear(table) }
            }
            Event::Chain(chain) if chain.hook.is_some() => {
                let counters = Some(chain.counters.unwrap_or_default());
                editor.set_policy(table, chain.name, (chain.policy, counters))
            }
            Event::Chain(chain) => editor.declare_chain(table, chain.name, (None, None)),
            Event::Command(Invocation { command: Command::Zero(zero), .. }) => {
                zero_later.push(Later::new(table, zero));
                zero.chain.map_or(Ok(()), |chain| match zero.number {
                    Some(number) => editor.rule_at(table, chain, number).map(|_| ()),
                    None if editor.has_chain(table, chain)? => Ok(()),
                    None => Err(EditError::NoChain(chain.into())),
                })
            }
            // A test lists nothing, as in iptables-restore.
            Event::Command(invocation) if lists(&invocation) && !wanted.test => {
                listing::text(&mut editor, personality, &invocation).map(|(text, zeroed)| {
                    teller.list(&invocation, &text);
                    zero_later.extend(zeroed.map(|zero| Later::new(table, zero)));
                })
            }
            Event::Command(invocation) => apply(&mut editor, &invocation),
            Event::Comment(_) | Event::OtherFamily | Event::Commit => Ok(()),
        };
        // The reader counts lines that say nothing as well.
        edited.map_err(|error| Stop::Edit(Some(reader.line()), error))?;
    }
    editor.finish();
    if wrong.is_empty() { Ok(Rest { zero: zero_later, told: teller.text }) } else { Err(Stop::Text(wrong)) }
}

const fn lists(invocation: &Invocation<'_>) -> bool {
    matches!(invocation.command, Command::List(_) | Command::ListRules(_))
}

/// Keeps with what the kernel refuses the texts that asked for it, and the chains that call one another without end;
/// `text` gives the text of a tag.
pub(crate) fn explain(kernel: &mut AnyKernel, error: EditError, text: impl Fn(u32) -> String) -> Failure {
    let EditError::Kernel(KernelError::Refused(refused)) = error else { return error.into() };
    let tags = refused.failures.iter().filter_map(|failure| failure.tag);
    let lines = tags.map(|tag| (tag, text(tag))).collect();
    let endless = endless(kernel, &refused);
    Failure::Refused(refused, lines, endless)
}

/// What calls that the kernel refused would make with those that are there.
fn endless(kernel: &mut AnyKernel, refused: &RefusedTransaction) -> Option<Endless> {
    let endless = |failure: &&RefusedOperation| matches!(failure.refusal.errno, Errno::ELOOP | Errno::EMLINK);
    let subjects = refused.failures.iter().filter(endless).filter_map(|failure| failure.subject.as_ref());
    let calls: Vec<_> = subjects
        .filter_map(|subject| {
            let callee = callee(subject.rule.as_ref()?)?;
            Some((subject.family?, subject.table?, subject.chain.as_ref()?, callee))
        })
        .collect();
    let &(family, table, ..) = calls.first()?;
    let read = kernel.read(|snapshot| {
        let mut cache = Cache::new();
        Ok::<_, KernelError>(cache.table(snapshot, family, table)?.calls().clone())
    });
    let mut all = read.ok()?;
    for (.., chain, callee) in calls.iter().filter(|call| (call.0, call.1) == (family, table)) {
        if table.hook(chain).is_some() {
            all.add_base(chain);
        }
        all.add(chain, callee);
    }
    all.check().err()
}

fn line_of(input: &[u8], line: u32) -> String {
    let line = input.split(|&byte| byte == b'\n').nth((line as usize).saturating_sub(1));
    String::from_utf8_lossy(line.unwrap_or_default()).trim().to_owned()
}

/// The operating system's words for an error, without its number.
pub(crate) fn reason(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_owned()
}

impl Wanted {
    /// `None` if there is nothing more to do.
    fn read(personality: &Personality, args: &[String]) -> Result<Option<Self>> {
        let mut wanted = Self::default();
        for argument in arguments::read(personality, &OPTIONS, args)? {
            match argument {
                Argument::Option('c', _) => wanted.counters = true,
                Argument::Option('J', _) => wanted.json = true,
                Argument::Option('n', _) => wanted.no_flush = true,
                Argument::Option('t', _) => wanted.test = true,
                Argument::Option('v', _) => wanted.verbose = true,
                Argument::Option('T', table) => wanted.table = table.map(TableName::from_name),
                Argument::Option('V', _) => {
                    println!("{} {VERSION}", personality.name);
                    return Ok(None);
                }
                Argument::Option('h', _) => {
                    eprintln!("{HELP}");
                    return Ok(None);
                }
                Argument::Option(..) => {}
                Argument::Word(file) if wanted.file.is_none() => wanted.file = Some(file.to_owned()),
                Argument::Word(_) => {
                    return Err(Failure::Plain(1, "Unknown arguments found on commandline".into()));
                }
            }
        }
        Ok(Some(wanted))
    }
}

const OPTIONS: [Known; 13] = [
    option('J', "json", Takes::Nothing),
    option('c', "counters", Takes::Nothing),
    option('n', "noflush", Takes::Nothing),
    option('t', "test", Takes::Nothing),
    option('v', "verbose", Takes::Nothing),
    option('V', "version", Takes::Nothing),
    option('h', "help", Takes::Nothing),
    option('w', "wait", Takes::Number),
    option('W', "wait-interval", Takes::Number),
    option('M', "modprobe", Takes::Word),
    option('T', "table", Takes::Word),
    option('4', "ipv4", Takes::Nothing),
    option('6', "ipv6", Takes::Nothing),
];

const HELP: &str = "\
Usage: iptables-restore [OPTION]... [FILE]
Loads the rules of FILE, or of standard input, all of them or none.

  -c, --counters      restore counters too
  -n, --noflush       keep what the tables have, and add to it
  -t, --test          check only, change nothing
  -T, --table TABLE   only this table of the file
  -w, --wait [SECS]   accepted; nothing has to be waited for
  -v, --verbose       tell of comments, chains and rules
  -V, --version       print the version
  -h, --help          print this";
