//! `-L`, `-S` and `-h`.

use crate::Result;
use crate::connect::AnyKernel;
use crate::layout::{About, Layout};
use crate::personality::Personality;
use nfnetlink::Transport;
use pkttables::edit::EditError;
use pkttables::kernel::{ChainKind, KernelError, RuleEntry, Snapshot};
use pkttables::model::{Counters, Family, Policy, Rule, TableName};
use pkttables::nft::RuleBody;
use pkttables::text::save::{self, CounterStyle};
use pkttables::text::{Command, Invocation, Listing, Output, Zero};
use std::io::Write as _;

/// A chain to be listed, and if it is built-in its policy and counters.
#[derive(Debug)]
struct Listed {
    name: Box<str>,
    builtin: Option<(Policy, Counters)>,
    uses: u32,
}

type Edited<T> = std::result::Result<T, EditError>;

/// The chains that a listing is about, built-in ones first and there in any case.
fn chains<T: Transport>(
    snapshot: &mut Snapshot<'_, T>,
    family: Family,
    table: TableName,
    only: Option<&str>,
) -> Edited<Vec<Listed>> {
    let entries = snapshot.chains(family, table)?;
    let mut listed: Vec<Listed> = Vec::new();
    for &hook in table.hooks() {
        let found = entries.iter().find_map(|entry| match entry.kind {
            ChainKind::Builtin { hook: own, policy, counters } if own == hook => {
                Some((policy, counters.unwrap_or_default()))
            }
            _ => None,
        });
        let builtin = Some(found.unwrap_or_else(|| (Policy::Accept, Counters::default())));
        listed.push(Listed { name: hook.chain().into(), builtin, uses: 0 });
    }
    let users = entries.iter().filter(|entry| entry.kind == ChainKind::User);
    let users = users.map(|entry| Listed { name: entry.name.clone(), builtin: None, uses: entry.uses });
    let builtins = listed.len();
    listed.extend(users);
    listed.get_mut(builtins..).unwrap_or_default().sort_unstable_by(|one, other| one.name.cmp(&other.name));
    if let Some(only) = only {
        listed.retain(|chain| *chain.name == *only);
        if listed.is_empty() {
            return Err(EditError::NoChain(only.into()));
        }
    }
    Ok(listed)
}

/// Hands each rule of some chains to `each`: the place of the chain, the rule's number, the rule.
fn each_rule<T: Transport>(
    snapshot: &mut Snapshot<'_, T>,
    family: Family,
    table: TableName,
    chains: &[Listed],
    only: Option<u32>,
    mut each: impl FnMut(usize, u32, &RuleEntry),
) -> Edited<()> {
    let names: Vec<&str> = chains.iter().map(|chain| &*chain.name).collect();
    let (mut last, mut number) = (usize::MAX, 0);
    snapshot.for_each_rule(family, table, &names, |place, rule| {
        number = if place == last { number + 1 } else { 1 };
        last = place;
        if only.is_none_or(|only| only == number) {
            each(place, number, &rule);
        }
        Ok(())
    })
}

pub(crate) fn list_rules(
    kernel: &mut AnyKernel,
    personality: &Personality,
    invocation: &Invocation<'_>,
    what: Listing<'_>,
) -> Result<()> {
    let (family, table) = (personality.family, invocation.table);
    let verbose = invocation.output.verbose > 0;
    let style = if verbose { CounterStyle::Option } else { CounterStyle::Hidden };
    let text = kernel.read(|snapshot| {
        let mut text = String::new();
        let chains = chains(snapshot, family, table, what.chain)?;
        for Listed { name, builtin, .. } in &chains {
            match builtin {
                _ if what.number.is_some() => {}
                None => text.push_str(&format!("-N {name}\n")),
                Some((policy, Counters { packets, bytes })) => {
                    text.push_str(&format!("-P {name} {}", policy.name()));
                    if verbose {
                        text.push_str(&format!(" -c {packets} {bytes}"));
                    }
                    text.push('\n');
                }
            }
        }
        each_rule(snapshot, family, table, &chains, what.number, |place, _, entry| {
            let name = chains.get(place).map_or("", |chain| &chain.name);
            match &entry.body {
                RuleBody::Known(rule) => save::write_append(&mut text, family, name, rule, style),
                RuleBody::Foreign(rule) => text.push_str(&foreign_rule(name, entry.handle, rule)),
            }
            text.push('\n');
        })?;
        if what.number.is_none() {
            foreign_chains(&mut text, snapshot, family, table)?;
        }
        Ok::<_, EditError>(text)
    })?;
    finish(kernel, personality, table, what, &text)
}

pub(crate) fn list(
    kernel: &mut AnyKernel,
    personality: &Personality,
    invocation: &Invocation<'_>,
    what: Listing<'_>,
) -> Result<()> {
    let (family, table) = (personality.family, invocation.table);
    let layout = Layout { family, output: invocation.output, columns: true };
    let text = kernel.read(|snapshot| {
        let chains = chains(snapshot, family, table, what.chain)?;
        let mut rows = vec![(0, String::new()); chains.len()];
        each_rule(snapshot, family, table, &chains, what.number, |place, number, entry| {
            if let Some((count, rows)) = rows.get_mut(place) {
                *count = number;
                layout.row(rows, number, entry.handle, &entry.body);
            }
        })?;
        if what.number.is_some() {
            return Ok(rows.into_iter().map(|(_, rows)| rows).collect());
        }
        let mut text = String::new();
        for (Listed { name, builtin, uses }, (count, rows)) in chains.iter().zip(&rows) {
            if !text.is_empty() {
                text.push('\n');
            }
            let about = match *builtin {
                Some((policy, counters)) => About::Builtin(policy, counters),
                None => About::User { references: uses.saturating_sub(*count) },
            };
            layout.heading(&mut text, name, about);
            text.push_str(rows);
        }
        foreign_chains(&mut text, snapshot, family, table)?;
        Ok::<_, EditError>(text)
    })?;
    finish(kernel, personality, table, what, &text)
}

/// Prints the listing and sets counters to zero, if that is asked for too.
fn finish(
    kernel: &mut AnyKernel,
    personality: &Personality,
    table: TableName,
    what: Listing<'_>,
    text: &str,
) -> Result<()> {
    std::io::stdout().lock().write_all(text.as_bytes())?;
    what.zero.map_or(Ok(()), |zero| crate::iptables::zero(kernel, personality, table, zero))
}

/// A comment about a rule that no iptables has made.
pub(crate) fn foreign_rule(chain: &str, handle: u64, rule: &pkttnetlink::nft::Rule<'_>) -> String {
    let names: Vec<String> =
        rule.expressions.iter().map(|expression| expression.name().to_string()).collect();
    format!("# foreign rule in {chain} (handle {handle}): {}", names.join(", "))
}

/// Comments about the chains that an iptables has no place for.
fn foreign_chains<T: Transport>(
    text: &mut String,
    snapshot: &mut Snapshot<'_, T>,
    family: Family,
    table: TableName,
) -> Edited<()> {
    for entry in snapshot.chains(family, table)?.iter().filter(|entry| entry.is_foreign()) {
        text.push_str(&format!("# foreign chain {} (handle {})\n", entry.name, entry.handle));
    }
    Ok(())
}

/// What was done, in the words that `-v` asks for. `users` are the chains of the table that are not built in.
pub(crate) fn edited(personality: &Personality, invocation: &Invocation<'_>, users: &[Box<str>]) -> String {
    let output = Output { numeric: true, ..invocation.output };
    let layout = Layout { family: personality.family, output, columns: false };
    let mut text = String::new();
    let of_all = |doing: &str| {
        let builtin = invocation.table.hooks().iter().map(|hook| hook.chain());
        of_chains(doing, builtin) + &of_chains(doing, users.iter().map(|user| &**user))
    };
    let mut rule = |rule: &Rule| {
        layout.rule(&mut text, rule);
        text.push('\n');
    };
    match &invocation.command {
        Command::Append { rules, .. } | Command::Insert { rules, .. } | Command::Delete { rules, .. } => {
            rules.iter().for_each(rule);
        }
        Command::Check { rules, .. } => rules.iter().for_each(rule),
        Command::Replace { rule: new, .. } => rule(new),
        Command::Flush { chain: Some(chain) } => text = of_chains("Flushing", [*chain]),
        Command::Flush { chain: None } => text = of_all("Flushing"),
        Command::Zero(Zero { chain: None, .. }) => text = of_all("Zeroing"),
        Command::DeleteChain { chain: Some(chain) } => text = of_chains("Deleting", [*chain]),
        Command::DeleteChain { chain: None } => {
            text = of_chains("Deleting", users.iter().map(|user| &**user));
        }
        _ => {}
    }
    text
}

/// A line for each chain.
pub(crate) fn of_chains<'c>(doing: &str, chains: impl IntoIterator<Item = &'c str>) -> String {
    chains.into_iter().map(|chain| format!("{doing} chain `{chain}'\n")).collect()
}

/// The chains of a table that are not built in, in the order of their names.
pub(crate) fn user_chains<T: Transport>(
    snapshot: &mut Snapshot<'_, T>,
    family: Family,
    table: TableName,
) -> std::result::Result<Vec<Box<str>>, KernelError> {
    let chains = snapshot.chains(family, table)?;
    let users = chains.iter().filter(|chain| chain.kind == ChainKind::User);
    let mut names: Vec<Box<str>> = users.map(|chain| chain.name.as_ref().into()).collect();
    names.sort_unstable();
    Ok(names)
}
