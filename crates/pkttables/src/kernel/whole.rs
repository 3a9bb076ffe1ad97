use super::chain::ChainKind;
use super::error::KernelError;
use super::snapshot::Snapshot;
use crate::model::{Chain, Family, Ruleset, Table, TableName};
use crate::nft::RuleBody;
use nfnetlink::Transport;
use std::fmt;
use std::sync::Arc;

/// All tables of a family, and what is in them that no iptables could have written.
#[derive(Clone, Debug, PartialEq)]
pub struct Whole {
    /// The tables with their chains and rules and what these have counted.
    pub ruleset: Ruleset,
    /// What is missing there.
    pub foreign: Vec<Foreign>,
}

/// A chain or rule that another program made and an iptables cannot express.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Foreign {
    /// The table.
    pub table: TableName,
    /// The chain.
    pub chain: Box<str>,
    /// The rule's number; `None` if the chain itself is foreign.
    pub rule: Option<usize>,
}

impl fmt::Display for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (chain, table) = (&self.chain, self.table.name());
        match self.rule {
            Some(rule) => write!(f, "rule {rule} of chain {chain} in table {table}"),
            None => write!(f, "chain {chain} in table {table}"),
        }
    }
}

impl<T: Transport> Snapshot<'_, T> {
    /// Reads all tables of a family.
    pub fn whole(&mut self, family: Family) -> Result<Whole, KernelError> {
        let mut foreign = Vec::new();
        let mut tables = Vec::new();
        for name in self.tables(family)? {
            let chains = self.whole_table(family, name, &mut foreign)?;
            tables.push(Table { name, chains: chains.into_iter().map(Arc::new).collect() });
        }
        Ok(Whole { ruleset: Ruleset { family, tables }, foreign })
    }

    fn whole_table(
        &mut self,
        family: Family,
        table: TableName,
        foreign: &mut Vec<Foreign>,
    ) -> Result<Vec<Chain>, KernelError> {
        let mut chains = Vec::new();
        for entry in self.chains(family, table)?.iter() {
            let (policy, counters) = match entry.kind {
                ChainKind::Builtin { policy, counters, .. } => (Some(policy), counters),
                ChainKind::User => (None, None),
                _ => {
                    foreign.push(Foreign { table, chain: entry.name.clone(), rule: None });
                    continue;
                }
            };
            chains.push(Chain { name: entry.name.clone(), policy, counters, rules: Vec::new() });
        }
        let names: Vec<Box<str>> = chains.iter().map(|chain| chain.name.clone()).collect();
        let names: Vec<&str> = names.iter().map(|name| &**name).collect();
        let mut numbers = vec![0; names.len()];
        self.for_each_rule(family, table, &names, |place, rule| {
            let (Some(chain), Some(number)) = (chains.get_mut(place), numbers.get_mut(place)) else {
                return Ok(());
            };
            *number += 1;
            match rule.body {
                RuleBody::Known(rule) => chain.rules.push(rule),
                RuleBody::Foreign(_) => {
                    foreign.push(Foreign { table, chain: chain.name.clone(), rule: Some(*number) });
                }
            }
            Ok::<_, KernelError>(())
        })?;
        Ok(chains)
    }
}
