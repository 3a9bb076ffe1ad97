//! `iptables-restore` and `ip6tables-restore`: a save file becomes one transaction.

use crate::Result;
use crate::connect::Options;
use crate::failure::Failure;
use crate::iptables::apply;
use crate::personality::{Personality, VERSION};
use nfnetlink::Transport;
use pkttables::edit::{EditError, Editor};
use pkttables::kernel::{KernelError, Snapshot, Transaction};
use pkttables::model::TableName;
use pkttables::registry::Registry;
use pkttables::text::{Diagnostic, Event, Parser, ReadOptions, Reader};
use std::io::Read as _;

/// What the arguments ask for.
#[derive(Debug, Default)]
struct Wanted {
    counters: bool,
    no_flush: bool,
    test: bool,
    table: Option<TableName>,
    file: Option<String>,
}

/// What stops a restore while it is planned.
enum Stop {
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
            .map_err(|error| Failure::Other(1, format!("Can't open {file}: {}", reason(&error))))?,
        None => {
            let mut input = Vec::new();
            std::io::stdin().lock().read_to_end(&mut input)?;
            input
        }
    };
    let mut kernel = options.open()?;
    let mut tracked = false;
    loop {
        let planned = kernel.update(|snapshot, transaction| {
            plan(personality, &wanted, &input, snapshot, transaction, tracked)?;
            if wanted.test {
                *transaction = Transaction::new();
            }
            Ok(())
        });
        return match planned {
            Ok(()) => Ok(()),
            Err(Stop::Edit(_, EditError::Untracked)) if !tracked => {
                tracked = true;
                continue;
            }
            Err(Stop::Text(diagnostics)) => Err(Failure::Text(diagnostics)),
            Err(Stop::Edit(None, error)) => Err(explain(error, |line| line_of(&input, line))),
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
) -> std::result::Result<(), Stop> {
    let parser = Parser::new(personality.family, Registry::builtin());
    let read_options = ReadOptions { counters: wanted.counters, table: wanted.table };
    let mut reader = Reader::new(input, parser, read_options);
    if let Some(file) = &wanted.file {
        reader = reader.with_file(file);
    }
    let mut editor = Editor::new(snapshot, transaction, personality.family, tracked);
    let mut wrong = Vec::new();
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
        editor.set_tag(u32::try_from(line).unwrap_or(u32::MAX));
        let edited = match event {
            Event::Table(name) => {
                table = name;
                if wanted.no_flush { Ok(()) } else { editor.clear(table) }
            }
            Event::Chain(chain) if chain.hook.is_some() => {
                editor.set_policy(table, chain.name, (chain.policy, chain.counters))
            }
            Event::Chain(chain) => editor.declare_chain(table, chain.name, (None, None)),
            Event::Command(invocation) => apply(&mut editor, &invocation),
            Event::Comment(_) | Event::OtherFamily | Event::Commit => Ok(()),
        };
        // The reader counts lines that say nothing as well.
        edited.map_err(|error| Stop::Edit(Some(reader.line()), error))?;
    }
    if wrong.is_empty() { Ok(()) } else { Err(Stop::Text(wrong)) }
}

/// Says of what the kernel refuses which operation it was, what it is about, and why; `text` gives the text of a tag.
pub(crate) fn explain(error: EditError, text: impl Fn(u32) -> String) -> Failure {
    let EditError::Kernel(KernelError::Refused(refusal)) = &error else { return error.into() };
    let lines = refusal.failures.iter().map(|failure| {
        let place = match failure.tag {
            Some(0) | None => String::new(),
            Some(line) => format!("line {line}: "),
        };
        let rule = failure.tag.map_or(String::new(), |tag| format!(": {}", text(tag)));
        format!("{place}{failure}{rule}")
    });
    Failure::Refused(lines.collect())
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
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            let (name, attached) = match arg.split_once('=') {
                Some((name, value)) if name.starts_with("--") => (name, Some(value.to_owned())),
                _ => (arg.as_str(), None),
            };
            match name {
                "-c" | "--counters" => wanted.counters = true,
                "-n" | "--noflush" => wanted.no_flush = true,
                "-t" | "--test" => wanted.test = true,
                "-v" | "--verbose" | "-4" | "--ipv4" | "-6" | "--ipv6" => {}
                "-V" | "--version" => {
                    println!("{} {VERSION}", personality.name);
                    return Ok(None);
                }
                "-h" | "--help" => {
                    println!("{HELP}");
                    return Ok(None);
                }
                "-T" | "--table" => {
                    let table = attached.or_else(|| args.next().cloned()).unwrap_or_default();
                    wanted.table = Some(
                        TableName::from_name(&table)
                            .ok_or_else(|| Failure::Other(1, format!("Table `{table}' does not exist")))?,
                    );
                }
                "-M" | "--modprobe" => {
                    args.next();
                }
                "-w" | "--wait" | "-W" | "--wait-interval" => {
                    let number = |arg: &&String| arg.bytes().all(|byte| byte.is_ascii_digit());
                    if attached.is_none() {
                        args = skip_if(args, number);
                    }
                }
                option if option.starts_with('-') && option.len() > 1 => {
                    let name = &personality.name;
                    let text =
                        format!("unrecognized option '{option}'\nTry `{name} -h' for more information.");
                    return Err(Failure::Other(1, text));
                }
                file if wanted.file.is_none() => wanted.file = Some(file.to_owned()),
                _ => return Err(Failure::Other(1, "Unknown arguments found on commandline".into())),
            }
        }
        Ok(Some(wanted))
    }
}

fn skip_if<'a>(
    args: std::slice::Iter<'a, String>,
    test: impl Fn(&&'a String) -> bool,
) -> std::slice::Iter<'a, String> {
    let mut rest = args.clone();
    if rest.next().is_some_and(|arg| test(&arg)) { rest } else { args }
}

const HELP: &str = "\
Usage: iptables-restore [OPTION]... [FILE]
Loads the rules of FILE, or of standard input, all of them or none.

  -c, --counters      restore counters too
  -n, --noflush       keep what the tables have, and add to it
  -t, --test          check only, change nothing
  -T, --table TABLE   only this table of the file
  -w, --wait [SECS]   accepted; nothing has to be waited for
  -v, --verbose       accepted
  -V, --version       print the version
  -h, --help          print this";
