use super::chains::Editor;
use super::error::EditError;
use crate::model::{Counters, Family, Policy, Rule, TableName};
use crate::text::save::{CounterStyle, write_rule};
use nfnetlink::Transport;

/// A change of a table, of chains by their names.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Edit {
    /// A rule comes to the end of a chain.
    Append { chain: Box<str>, rule: Box<Rule> },
    /// A rule gets this number, from 1; those behind it move on.
    Insert { chain: Box<str>, number: u32, rule: Box<Rule> },
    /// A rule goes.
    Delete { chain: Box<str>, which: Which },
    /// A rule comes into the place of another one.
    Replace { chain: Box<str>, which: Which, rule: Box<Rule> },
    /// A rule goes on counting from here.
    SetCounters { chain: Box<str>, which: Which, counters: Counters },
    /// A chain is made.
    NewChain { chain: Box<str> },
    /// A chain is deleted.
    DeleteChain { chain: Box<str> },
    /// A chain gets another name.
    RenameChain { chain: Box<str>, new: Box<str> },
    /// A built-in chain gets a policy, and goes on counting from these counters if there are any.
    SetPolicy { chain: Box<str>, policy: Policy, counters: Option<Counters> },
    /// All rules of a chain go.
    Flush { chain: Box<str> },
}

/// Which rule of a chain is meant.
#[derive(Clone, Debug, PartialEq)]
pub enum Which {
    /// The first one that does the same as this.
    Same(Box<Rule>),
    /// The one of this number, from 1, after the edits before.
    Number(u32),
    /// The one to which the kernel has given this number.
    Handle(u64),
}

impl Edit {
    pub(super) fn make<T: Transport>(
        &self,
        editor: &mut Editor<'_, '_, T>,
        table: TableName,
    ) -> Result<(), EditError> {
        match self {
            Self::Append { chain, rule } => editor.append(table, chain, rule),
            Self::Insert { chain, number, rule } => editor.insert(table, chain, *number, rule),
            Self::Delete { chain, which } => {
                let number = editor.number_of(table, chain, which)?;
                editor.delete_number(table, chain, number)
            }
            Self::Replace { chain, which, rule } => {
                let number = editor.number_of(table, chain, which)?;
                editor.replace(table, chain, number, rule)
            }
            Self::SetCounters { chain, which, counters } => {
                let number = editor.number_of(table, chain, which)?;
                editor.set_counters(table, chain, number, *counters)
            }
            Self::NewChain { chain } => editor.new_chain(table, chain),
            Self::DeleteChain { chain } => editor.delete_chain(table, chain),
            Self::RenameChain { chain, new } => editor.rename_chain(table, chain, new),
            Self::SetPolicy { chain, policy, counters } => {
                editor.set_policy(table, chain, (Some(*policy), *counters))
            }
            Self::Flush { chain } => editor.flush_chain(table, chain),
        }
    }

    /// The edit as a command of iptables.
    pub(super) fn text(&self, family: Family, table: TableName) -> String {
        let rule = |rule: &Rule| {
            let mut text = String::new();
            write_rule(&mut text, family, rule, CounterStyle::Hidden);
            text
        };
        let which = |which: &Which| match which {
            Which::Same(same) => rule(same),
            Which::Number(number) => format!(" {number}"),
            Which::Handle(handle) => format!(" (handle {handle})"),
        };
        let command = match self {
            Self::Append { chain, rule: new } => format!("-A {chain}{}", rule(new)),
            Self::Insert { chain, number, rule: new } => format!("-I {chain} {number}{}", rule(new)),
            Self::Delete { chain, which: old } => format!("-D {chain}{}", which(old)),
            Self::Replace { chain, which: old, rule: new } => {
                format!("-R {chain}{}{}", which(old), rule(new))
            }
            Self::SetCounters { chain, which: old, counters: Counters { packets, bytes } } => {
                format!("-R {chain}{} -c {packets} {bytes}", which(old))
            }
            Self::NewChain { chain } => format!("-N {chain}"),
            Self::DeleteChain { chain } => format!("-X {chain}"),
            Self::RenameChain { chain, new } => format!("-E {chain} {new}"),
            Self::SetPolicy { chain, policy, .. } => format!("-P {chain} {}", policy.name()),
            Self::Flush { chain } => format!("-F {chain}"),
        };
        format!("-t {} {command}", table.name())
    }
}
