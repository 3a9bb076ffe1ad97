//! What the benchmarks share: the way of a save file into a batch.
#![forbid(unsafe_code)]

use nfnetlink::{Batch, Transport};
use pkttables::edit::{EditError, Editor};
use pkttables::kernel::{Kernel, Snapshot, Transaction};
use pkttables::model::{Family, Rule, TableName};
use pkttables::registry::Registry;
use pkttables::text::{Command, Event, Parser, ReadOptions, Reader};
use rustix::time::{ClockId, clock_gettime};
use std::time::Duration;

/// A failure of a benchmark's preparation.
pub type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Rules and chains of the rulesets that are measured.
pub const SIZES: [(usize, usize); 2] = [(10_000, 1_000), (100_000, 10_000)];

/// The CPU time of this thread so far: unlike the time on the wall it does not grow with what else the machine does.
#[must_use]
pub fn cpu_time() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(now.tv_sec.unsigned_abs(), u32::try_from(now.tv_nsec).unwrap_or_default())
}

/// Reads save files line by line.
#[must_use]
pub fn reader(text: &str) -> Reader<'static, &[u8]> {
    let parser = Parser::new(Family::Ipv4, Registry::builtin());
    Reader::new(text.as_bytes(), parser, ReadOptions::default())
}

/// Reads a save file to its end and gives the number of rules.
///
/// # Errors
/// Where its text has one.
pub fn parse(text: &str) -> Result<usize> {
    let mut reader = reader(text);
    let mut rules = 0;
    while let Some(event) = reader.next_event()? {
        if let Event::Command(invocation) = event
            && let Command::Append { rules: appended, .. } = invocation.command
        {
            rules += appended.len();
        }
    }
    Ok(rules)
}

/// The rules of a save file with the tables and chains that they are in.
///
/// # Errors
/// Where its text has one.
pub fn rules(text: &str) -> Result<Vec<(TableName, String, Rule)>> {
    let mut reader = reader(text);
    let mut found = Vec::new();
    while let Some(event) = reader.next_event()? {
        if let Event::Command(invocation) = event
            && let Command::Append { chain, rules } = invocation.command
        {
            found.extend(rules.into_iter().map(|rule| (invocation.table, chain.to_owned(), rule)));
        }
    }
    Ok(found)
}

/// Plans what `iptables-restore` does with a save file that declares chains and appends rules.
///
/// # Errors
/// Where the text has one, or what it asks for cannot be done.
pub fn plan<T: Transport>(
    text: &str,
    snapshot: &mut Snapshot<'_, T>,
    transaction: &mut Transaction,
) -> Result<()> {
    let mut reader = reader(text);
    let mut editor = Editor::new(snapshot, transaction, Family::Ipv4, false);
    let mut table = TableName::Filter;
    loop {
        let line = u32::try_from(reader.line() + 1)?;
        let Some(event) = reader.next_event()? else { return Ok(()) };
        editor.set_tag(line);
        match event {
            Event::Table(name) => {
                table = name;
                editor.clear(table)?;
            }
            Event::Chain(chain) if chain.hook.is_some() => {
                editor.set_policy(table, chain.name, (chain.policy, chain.counters))?;
            }
            Event::Chain(chain) => editor.declare_chain(table, chain.name, (None, None))?,
            Event::Command(invocation) => {
                if let Command::Append { chain, rules } = &invocation.command {
                    rules.iter().try_for_each(|rule| editor.append(table, chain, rule))?;
                }
            }
            Event::Comment(_) | Event::OtherFamily | Event::Commit => {}
        }
    }
}

/// The batch that `iptables-restore` sends for a save file to a kernel in its present state.
///
/// # Errors
/// As [`plan`] does, and if the kernel cannot be asked.
pub fn batch<T: Transport>(text: &str, kernel: &mut Kernel<T>) -> Result<Batch> {
    let mut batch = None;
    kernel.update(|snapshot, transaction| {
        let planned = plan(text, snapshot, transaction);
        // Taken out, so that nothing is committed.
        let generation = snapshot.generation();
        batch = Some(std::mem::replace(transaction, Transaction::at(generation)));
        planned.map_err(Failed)
    })?;
    batch.map(Transaction::into_batch).ok_or_else(|| "nothing was planned".into())
}

/// An error of any kind, among which may be the kernel's.
#[derive(Debug)]
struct Failed(Box<dyn std::error::Error>);

impl std::fmt::Display for Failed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Failed {}

impl From<pkttables::kernel::KernelError> for Failed {
    fn from(error: pkttables::kernel::KernelError) -> Self {
        Self(EditError::from(error).into())
    }
}
