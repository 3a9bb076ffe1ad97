//! `-L`, `-S` and `-h`.

use crate::layout::{About, Layout};
use crate::personality::Personality;
use nfnetlink::Transport;
use pkttables::edit::{EditError, Editor};
use pkttables::kernel::{ChainEntry, ChainKind, KernelError, Snapshot};
use pkttables::model::{Counters, Family, Policy, Rule, TableName};
use pkttables::nft::RuleBody;
use pkttables::text::save::{self, CounterStyle};
use pkttables::text::{Command, Invocation, Listing, Output, Zero};

/// A chain to be listed, and if it is built-in its policy and counters.
#[derive(Debug)]
struct Listed {
    name: Box<str>,
    builtin: Option<(Policy, Counters)>,
    uses: u32,
}

type Edited<T> = Result<T, EditError>;

/// What is listed: what the kernel has, or what it will have when the edits of a save file are made.
pub(crate) trait Listable {
    fn chains(&mut self, family: Family, table: TableName) -> Edited<Vec<ChainEntry>>;

    /// Hands each rule of some chains to `each`, with the place of its chain among them and its handle.
    fn each_rule(
        &mut self,
        family: Family,
        table: TableName,
        chains: &[&str],
        each: &mut dyn FnMut(usize, u64, &RuleBody),
    ) -> Edited<()>;
}

impl<T: Transport> Listable for Snapshot<'_, T> {
    fn chains(&mut self, family: Family, table: TableName) -> Edited<Vec<ChainEntry>> {
        Ok(Snapshot::chains(self, family, table)?.to_vec())
    }

    fn each_rule(
        &mut self,
        family: Family,
        table: TableName,
        chains: &[&str],
        each: &mut dyn FnMut(usize, u64, &RuleBody),
    ) -> Edited<()> {
        self.for_each_rule(family, table, chains, |place, rule| {
            each(place, rule.handle, &rule.body);
            Ok(())
        })
    }
}

impl<T: Transport> Listable for Editor<'_, '_, T> {
    fn chains(&mut self, _: Family, table: TableName) -> Edited<Vec<ChainEntry>> {
        Editor::chains(self, table)
    }

    fn each_rule(
        &mut self,
        _: Family,
        table: TableName,
        chains: &[&str],
        each: &mut dyn FnMut(usize, u64, &RuleBody),
    ) -> Edited<()> {
        for (place, chain) in chains.iter().enumerate() {
            let rules = self.rules(table, chain)?;
            rules.iter().for_each(|rule| each(place, rule.handle().unwrap_or_default(), rule.body()));
        }
        Ok(())
    }
}

/// The chains that a listing is about, built-in ones first and there in any case.
fn chains(entries: &[ChainEntry], table: TableName, only: Option<&str>) -> Edited<Vec<Listed>> {
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

/// Hands each rule of some chains to `each`: the place of the chain, the rule's number, its handle, the rule.
fn each_rule(
    tables: &mut impl Listable,
    family: Family,
    table: TableName,
    chains: &[Listed],
    only: Option<u32>,
    mut each: impl FnMut(usize, u32, u64, &RuleBody),
) -> Edited<()> {
    let names: Vec<&str> = chains.iter().map(|chain| &*chain.name).collect();
    let (mut last, mut number) = (usize::MAX, 0);
    tables.each_rule(family, table, &names, &mut |place, handle, rule| {
        number = if place == last { number + 1 } else { 1 };
        last = place;
        if only.is_none_or(|only| only == number) {
            each(place, number, handle, rule);
        }
    })
}

/// What `-L` or `-S` shows, nothing if it is neither; and what it sets to zero besides.
pub(crate) fn text<'i>(
    tables: &mut impl Listable,
    personality: &Personality,
    invocation: &Invocation<'i>,
) -> Edited<(String, Option<Zero<'i>>)> {
    match invocation.command {
        Command::List(what) => Ok((list(tables, personality, invocation, what)?, what.zero)),
        Command::ListRules(what) => Ok((list_rules(tables, personality, invocation, what)?, what.zero)),
        _ => Ok((String::new(), None)),
    }
}

fn list_rules(
    tables: &mut impl Listable,
    personality: &Personality,
    invocation: &Invocation<'_>,
    what: Listing<'_>,
) -> Edited<String> {
    let (family, table) = (personality.family, invocation.table);
    let verbose = invocation.output.verbose > 0;
    let style = if verbose { CounterStyle::Option } else { CounterStyle::Hidden };
    let mut text = String::new();
    let entries = tables.chains(family, table)?;
    let chains = chains(&entries, table, what.chain)?;
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
    each_rule(tables, family, table, &chains, what.number, |place, _, handle, body| {
        let name = chains.get(place).map_or("", |chain| &chain.name);
        match body {
            RuleBody::Known(rule) => save::write_append(&mut text, family, name, rule, style),
            RuleBody::Foreign(rule) => text.push_str(&foreign_rule(name, handle, rule)),
        }
        text.push('\n');
    })?;
    if what.number.is_none() {
        foreign_chains(&mut text, &entries);
    }
    Ok(text)
}

fn list(
    tables: &mut impl Listable,
    personality: &Personality,
    invocation: &Invocation<'_>,
    what: Listing<'_>,
) -> Edited<String> {
    let (family, table) = (personality.family, invocation.table);
    let layout = Layout { family, output: invocation.output, columns: true };
    let entries = tables.chains(family, table)?;
    let chains = chains(&entries, table, what.chain)?;
    let mut rows = vec![(0, String::new()); chains.len()];
    each_rule(tables, family, table, &chains, what.number, |place, number, handle, body| {
        if let Some((count, rows)) = rows.get_mut(place) {
            *count = number;
            layout.row(rows, number, handle, body);
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
    foreign_chains(&mut text, &entries);
    Ok(text)
}

/// A comment about a rule that no iptables has made.
pub(crate) fn foreign_rule(chain: &str, handle: u64, rule: &pkttnetlink::nft::Rule<'_>) -> String {
    let names: Vec<String> =
        rule.expressions.iter().map(|expression| expression.name().to_string()).collect();
    format!("# foreign rule in {chain} (handle {handle}): {}", names.join(", "))
}

/// Comments about the chains that an iptables has no place for.
fn foreign_chains(text: &mut String, entries: &[ChainEntry]) {
    for entry in entries.iter().filter(|entry| entry.is_foreign()) {
        text.push_str(&format!("# foreign chain {} (handle {})\n", entry.name, entry.handle));
    }
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
        Command::Zero(zero)
        | Command::List(Listing { zero: Some(zero), .. })
        | Command::ListRules(Listing { zero: Some(zero), .. }) => match *zero {
            Zero { chain: None, .. } => text = of_all("Zeroing"),
            Zero { chain: Some(chain), number: None } => text = of_chains("Zeroing", [chain]),
            Zero { number: Some(_), .. } => {}
        },
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
) -> Result<Vec<Box<str>>, KernelError> {
    let chains = snapshot.chains(family, table)?;
    let users = chains.iter().filter(|chain| chain.kind == ChainKind::User);
    let mut names: Vec<Box<str>> = users.map(|chain| chain.name.as_ref().into()).collect();
    names.sort_unstable();
    Ok(names)
}
