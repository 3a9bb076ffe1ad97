//! `iptables` and `ip6tables`: one command each.

use crate::connect::{AnyKernel, Options};
use crate::failure::Failure;
use crate::personality::{Personality, VERSION};
use crate::{Result, restore};
use crate::{help, listing};
use nfnetlink::Transport;
use pkttables::edit::{EditError, Editor};
use pkttables::kernel::{RuleRef, Transaction, Zero};
use pkttables::model::{Counters, TableName};
use pkttables::registry::Registry;
use pkttables::text::{self, Command, Invocation, Listing, Parser, Words};
use std::io::Write as _;

const ZERO_ALL: text::Zero<'_> = text::Zero { chain: None, number: None };

pub(crate) fn run(personality: &Personality, options: &Options, args: &[String]) -> Result<()> {
    let mut words = Words::new();
    words.read_args(args);
    let mut parser = Parser::new(personality.family, Registry::builtin());
    let parsed = parser.command_line(&words);
    for warning in parser.take_warnings() {
        eprintln!("{warning}");
    }
    let invocation = parsed?;
    match &invocation.command {
        Command::Version => {
            println!("{} {VERSION}", personality.name);
            return Ok(());
        }
        Command::Help { extensions } => {
            print!("{}", help::text(personality, extensions));
            return Ok(());
        }
        _ => {}
    }
    let mut kernel = options.open()?;
    let verbose = invocation.output.verbose > 0;
    let users = match invocation.command {
        // They are told as they were before.
        Command::Flush { chain: None }
        | Command::Zero(ZERO_ALL)
        | Command::List(Listing { zero: Some(ZERO_ALL), .. })
        | Command::ListRules(Listing { zero: Some(ZERO_ALL), .. })
        | Command::DeleteChain { chain: None }
            if verbose =>
        {
            kernel.read(|snapshot| listing::user_chains(snapshot, personality.family, invocation.table))?
        }
        _ => Vec::new(),
    };
    match invocation.command {
        Command::List(_) | Command::ListRules(_) => list(&mut kernel, personality, &invocation),
        Command::Zero(what) => zero(&mut kernel, personality, invocation.table, what),
        Command::Check { .. } => check(&mut kernel, personality, &invocation),
        _ => edit(&mut kernel, personality, &invocation, &args.join(" ")),
    }?;
    if verbose {
        print!("{}", listing::edited(personality, &invocation, &users));
    }
    Ok(())
}

/// Prints the listing and sets counters to zero, if that is asked for too.
fn list(kernel: &mut AnyKernel, personality: &Personality, invocation: &Invocation<'_>) -> Result<()> {
    let (text, zeroed) = kernel.read(|snapshot| listing::text(snapshot, personality, invocation))?;
    std::io::stdout().lock().write_all(text.as_bytes())?;
    zeroed.map_or(Ok(()), |what| zero(kernel, personality, invocation.table, what))
}

/// Sets counters to zero.
pub(crate) fn zero(
    kernel: &mut AnyKernel,
    personality: &Personality,
    table: TableName,
    what: text::Zero<'_>,
) -> Result<()> {
    let family = personality.family;
    let handle = kernel.read(|snapshot| {
        let mut none = Transaction::new();
        let mut editor = Editor::new(snapshot, &mut none, family, true);
        let Some(chain) = what.chain else { return Ok(None) };
        if !editor.has_chain(table, chain)? {
            let error = if what.number.is_some() { EditError::NoRule } else { EditError::NoChain };
            return Err(error(chain.into()));
        }
        match what.number.map(|number| editor.rule_at(table, chain, number)).transpose()? {
            Some(RuleRef::Handle(handle)) => Ok(Some(handle)),
            None | Some(RuleRef::Id(_)) => Ok(None),
        }
    })?;
    let what = match (what.chain, handle) {
        (None, _) => Zero::Table,
        (Some(chain), None) => Zero::Chain(chain),
        (Some(chain), Some(handle)) => Zero::Rule(chain, handle),
    };
    Ok(kernel.zero(family, table, what)?)
}

fn check(kernel: &mut AnyKernel, personality: &Personality, invocation: &Invocation<'_>) -> Result<()> {
    let Command::Check { chain, rules } = &invocation.command else { return Ok(()) };
    kernel.read(|snapshot| {
        let mut none = Transaction::new();
        let mut editor = Editor::new(snapshot, &mut none, personality.family, true);
        for rule in rules.iter() {
            if !editor.check(invocation.table, chain, rule)? {
                return Err(EditError::NoRule((*chain).into()));
            }
        }
        Ok(())
    })?;
    Ok(())
}

fn edit(
    kernel: &mut AnyKernel,
    personality: &Personality,
    invocation: &Invocation<'_>,
    text: &str,
) -> Result<()> {
    let mut tracked = false;
    loop {
        let edited = kernel.update(|snapshot, transaction| {
            let mut editor = Editor::new(snapshot, transaction, personality.family, tracked);
            apply(&mut editor, invocation)?;
            editor.finish();
            Ok(())
        });
        match edited {
            Err(EditError::Untracked) if !tracked => tracked = true,
            Err(error) => return Err(restore::explain(kernel, error, |_| text.to_owned())),
            Ok(()) => return Ok(()),
        }
    }
}

/// Makes the edit that a command line, or a line of a save file, asks for.
pub(crate) fn apply<T: Transport>(
    editor: &mut Editor<'_, '_, T>,
    invocation: &Invocation<'_>,
) -> std::result::Result<(), EditError> {
    let table = invocation.table;
    match &invocation.command {
        Command::Append { chain, rules } => {
            rules.iter().try_for_each(|rule| editor.append(table, chain, rule))
        }
        Command::Insert { chain, number, rules } => {
            rules.iter().try_for_each(|rule| editor.insert(table, chain, *number, rule))
        }
        Command::Delete { chain, rules } => {
            rules.iter().try_for_each(|rule| editor.delete(table, chain, rule))
        }
        Command::DeleteNumber { chain, number } => editor.delete_number(table, chain, *number),
        Command::Replace { chain, number, rule } => editor.replace(table, chain, *number, rule),
        Command::Flush { chain: Some(chain) } => editor.flush_chain(table, chain),
        Command::Flush { chain: None } => editor.flush(table),
        Command::NewChain { chain } => editor.new_chain(table, chain),
        Command::DeleteChain { chain: Some(chain) } => editor.delete_chain(table, chain),
        Command::DeleteChain { chain: None } => editor.delete_chains(table),
        Command::RenameChain { chain, name } => editor.rename_chain(table, chain, name),
        // As iptables-nft does it, the policy counts anew, whatever counters are given.
        Command::Policy { chain, policy, .. } => {
            editor.set_policy(table, chain, (Some(*policy), Some(Counters::default())))
        }
        Command::Check { chain, rules } => {
            for rule in rules.iter() {
                if !editor.check(table, chain, rule)? {
                    return Err(EditError::NoRule((*chain).into()));
                }
            }
            Ok(())
        }
        Command::Zero(_)
        | Command::List(_)
        | Command::ListRules(_)
        | Command::Help { .. }
        | Command::Version => Ok(()),
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::Other(1, error.to_string())
    }
}
