use super::connection::Kernel;
use crate::model::{Family, Rule, TableName};
use crate::nft::{RuleBody, read_rule};
use nfnetlink::{Batch, BatchFailure, BatchRefusal, Flags, Message, Refusal};
use pkttnetlink::nft::expr::Expression;
use pkttnetlink::nft::{self, Body, Place};
use std::fmt;

/// The operations of a transaction that a kernel refused; there is at least one.
#[derive(Clone, Debug, PartialEq)]
pub struct RefusedTransaction {
    /// The operations, in the order in which the kernel told them.
    pub failures: Vec<RefusedOperation>,
    /// Whether some were lost because the receive buffer was full.
    pub incomplete: bool,
}

/// An operation that a kernel refused, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct RefusedOperation {
    /// The tag that it was given; none if the transaction as a whole was refused.
    pub tag: Option<u32>,
    /// What it was to do.
    pub subject: Option<Subject>,
    /// The kernel's reason.
    pub refusal: Refusal,
    /// The attribute that the kernel points at, by the names of those around it.
    pub place: Option<String>,
    /// The match or target that the kernel points at, by its name there.
    pub extension: Option<Box<str>>,
}

/// What a refused operation was about.
#[derive(Clone, Debug, PartialEq)]
pub struct Subject {
    /// What was to be done.
    pub operation: Operation,
    /// The family.
    pub family: Option<Family>,
    /// The table.
    pub table: Option<TableName>,
    /// The chain, if it was about a chain or its rules.
    pub chain: Option<Box<str>>,
    /// The rule that was to be put there.
    pub rule: Option<Box<Rule>>,
}

/// The kinds of operations, as iptables-nft tells them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the names say it")]
pub enum Operation {
    AddTable,
    FlushTable,
    AddBuiltinChain,
    AddChain,
    RenameChain,
    DeleteChain,
    AppendRule,
    InsertRule,
    ReplaceRule,
    DeleteRule,
    FlushRules,
}

impl Operation {
    /// What iptables-nft calls it in messages.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::AddTable => "TABLE_ADD",
            Self::FlushTable => "TABLE_FLUSH",
            Self::AddBuiltinChain => "CHAIN_ADD",
            Self::AddChain => "CHAIN_USER_ADD",
            Self::RenameChain => "CHAIN_RENAME",
            Self::DeleteChain => "CHAIN_DEL",
            Self::AppendRule => "RULE_APPEND",
            Self::InsertRule => "RULE_INSERT",
            Self::ReplaceRule => "RULE_REPLACE",
            Self::DeleteRule => "RULE_DELETE",
            Self::FlushRules => "RULE_FLUSH",
        }
    }

    /// Whether it is about rules.
    #[must_use]
    pub const fn is_about_rules(self) -> bool {
        matches!(
            self,
            Self::AppendRule | Self::InsertRule | Self::ReplaceRule | Self::DeleteRule | Self::FlushRules
        )
    }
}

impl fmt::Display for RefusedTransaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.failures.as_slice() {
            [] => f.write_str("transaction refused")?,
            [only] => write!(f, "transaction refused: {only}")?,
            [first, rest @ ..] => write!(f, "transaction refused: {first}, and {} more", rest.len())?,
        }
        if self.incomplete {
            f.write_str(" (some errors were lost)")?;
        }
        Ok(())
    }
}

impl fmt::Display for RefusedOperation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(tag) = self.tag {
            write!(f, "operation {tag}: ")?;
        }
        if let Some(subject) = &self.subject {
            write!(f, "{subject}: ")?;
        }
        write!(f, "{}", self.refusal)?;
        self.place.as_ref().map_or(Ok(()), |place| write!(f, " ({place})"))
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.operation.name())?;
        match (&self.chain, self.table) {
            (Some(chain), _) if self.operation.is_about_rules() => write!(f, " in chain {chain}"),
            (Some(chain), _) => write!(f, " of chain {chain}"),
            (None, Some(table)) => write!(f, " in table {}", table.name()),
            (None, None) => Ok(()),
        }
    }
}

impl std::error::Error for RefusedTransaction {}

impl<T> Kernel<T> {
    /// Finds out what the refused messages of a batch were to do.
    pub(super) fn explain(&self, refusal: BatchRefusal, batch: &Batch) -> RefusedTransaction {
        let failures = refusal.failures.into_iter().map(|failure| self.explain_one(failure, batch));
        RefusedTransaction { failures: failures.collect(), incomplete: refusal.incomplete }
    }

    fn explain_one(&self, failure: BatchFailure, batch: &Batch) -> RefusedOperation {
        let message = failure.index.and_then(|index| batch.message(index));
        let place = message.as_ref().zip(failure.refusal.offset());
        let place = place.and_then(|(message, offset)| Place::find(message, offset));
        let expression = place.as_ref().and_then(Place::expression);
        RefusedOperation {
            tag: failure.tag,
            extension: expression.and_then(|index| extension(message.as_ref()?, index)),
            subject: message.as_ref().and_then(|message| self.subject(message)),
            refusal: failure.refusal,
            place: place.map(|place| place.to_string()),
        }
    }

    fn subject(&self, message: &Message<'_>) -> Option<Subject> {
        let flags = message.header.flags;
        let nft::Message { family, body, .. } = nft::Message::decode(message).ok()?;
        let family = [Family::Ipv4, Family::Ipv6].into_iter().find(|known| known.nfproto() == family.0);
        let name = |text: Option<pkttnetlink::Text<'_>>| text.map(|text| text.to_string_lossy().into());
        let table_name =
            |text: &Option<pkttnetlink::Text<'_>>| TableName::from_name(text.as_ref()?.as_str()?);
        let about_table = |operation, table: nft::Table<'_>| {
            (operation, table_name(&table.name), None::<Box<str>>, None::<Box<Rule>>)
        };
        let about_chain =
            |operation, chain: nft::Chain<'_>| (operation, table_name(&chain.table), name(chain.name), None);
        let (operation, table, chain, rule) = match body {
            Body::NewTable(table) => about_table(Operation::AddTable, table),
            Body::DeleteTable(table) => about_table(Operation::FlushTable, table),
            Body::NewChain(chain) if chain.hook.is_some() => about_chain(Operation::AddBuiltinChain, chain),
            Body::NewChain(chain) if chain.handle.is_some() => about_chain(Operation::RenameChain, chain),
            Body::NewChain(chain) => about_chain(Operation::AddChain, chain),
            Body::DeleteChain(chain) => about_chain(Operation::DeleteChain, chain),
            Body::NewRule(rule) => {
                let table = table_name(&rule.table);
                let operation = if flags.contains(Flags::REPLACE) {
                    Operation::ReplaceRule
                } else if flags.contains(Flags::APPEND)
                    && rule.position.is_none()
                    && rule.position_id.is_none()
                {
                    Operation::AppendRule
                } else {
                    Operation::InsertRule
                };
                let body = family.map(|family| read_rule(&rule, family, table, self.registry, &*self.sets));
                let typed = match body {
                    Some(RuleBody::Known(rule)) => Some(Box::new(rule)),
                    _ => None,
                };
                (operation, table, name(rule.chain), typed)
            }
            Body::DeleteRule(rule) => {
                let single = rule.handle.is_some() || rule.id.is_some();
                let operation = if single { Operation::DeleteRule } else { Operation::FlushRules };
                (operation, table_name(&rule.table), name(rule.chain), None)
            }
            _ => return None,
        };
        Some(Subject { operation, family, table, chain, rule })
    }
}

/// The extension that this expression of a rule calls.
fn extension(message: &Message<'_>, index: usize) -> Option<Box<str>> {
    let Body::NewRule(rule) = nft::Message::decode(message).ok()?.body else { return None };
    match rule.expressions.get(index)? {
        Expression::Match(called) => called.name.as_ref().map(|name| name.to_string_lossy().into()),
        Expression::Target(called) => called.name.as_ref().map(|name| name.to_string_lossy().into()),
        _ => None,
    }
}
