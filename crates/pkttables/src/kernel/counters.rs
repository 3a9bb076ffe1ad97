use super::chain::ChainKind;
use super::connection::Kernel;
use super::error::KernelError;
use super::fetch::dump_rules;
use crate::model::{Counters, Family, TableName};
use crate::nft::RuleBody;
use nfnetlink::{Errno, Error, Flags, Transport};
use pkttnetlink::nft::{self, Body, Message};

/// What is set back to zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Zero<'a> {
    /// All chains of the table.
    Table,
    /// One chain: its rules, and its policy if it has one.
    Chain(&'a str),
    /// One rule of a chain, by the kernel's number for it.
    Rule(&'a str, u64),
}

impl<T: Transport> Kernel<T> {
    /// Sets counters back to zero.
    ///
    /// Rules keep their handles and their extensions' state, and no packet goes uncounted. A kernel that cannot do
    /// that (before Linux 6.2) has the rules replaced by new ones that start at zero; there foreign rules
    /// go on counting.
    pub fn zero(&mut self, family: Family, table: TableName, what: Zero<'_>) -> Result<(), KernelError> {
        let chains = self.zero_policies(family, table, what)?;
        for chain in &chains {
            let handle = if let Zero::Rule(_, handle) = what { Some(handle) } else { None };
            match self.reset_rules(family, table, chain, handle) {
                Err(error) if is_unsupported(&error) => {
                    self.replace_rules(family, table, chain, handle)?;
                }
                done => done?,
            }
        }
        Ok(())
    }

    /// Gives the names of the chains whose rules are meant.
    fn zero_policies(
        &mut self,
        family: Family,
        table: TableName,
        what: Zero<'_>,
    ) -> Result<Vec<Box<str>>, KernelError> {
        self.update(|snapshot, transaction| {
            let chains = match what {
                Zero::Table => snapshot.chains(family, table)?.to_vec(),
                Zero::Chain(name) => snapshot.chain(family, table, name)?.into_iter().collect(),
                Zero::Rule(name, _) => return Ok(vec![name.into()]),
            };
            for chain in &chains {
                if let ChainKind::Builtin { hook, counters: Some(counters), .. } = chain.kind
                    && counters != Counters::default()
                {
                    let zero = Some(Counters::default());
                    transaction.table(family, table).set_builtin(0, hook, None, zero)?;
                }
            }
            let ours = chains.into_iter().filter(|chain| !chain.is_foreign());
            Ok::<_, KernelError>(ours.map(|chain| chain.name).collect())
        })
    }

    fn reset_rules(
        &mut self,
        family: Family,
        table: TableName,
        chain: &str,
        handle: Option<u64>,
    ) -> Result<(), Error> {
        let kind = nft::kind::GET_RULE_RESET;
        let Some(handle) = handle else {
            // What an interrupted dump has reset stays so, and the rest is reset by the next.
            return loop {
                match dump_rules(&mut self.connection, kind, family, table, chain, |_| Ok(())) {
                    Err(Error::DumpInterrupted) => {}
                    done => break done,
                }
            };
        };
        let rule = nft::Rule {
            table: Some(table.name().into()),
            chain: Some(chain.into()),
            handle: Some(handle),
            ..nft::Rule::default()
        };
        let question = Message::new(nft::Family(family.nfproto()), Body::GetRuleReset(rule));
        self.connection.get(
            kind,
            Flags::default(),
            |writer| question.encode_payload(writer),
            |_| Ok::<_, Error>(()),
        )
    }

    fn replace_rules(
        &mut self,
        family: Family,
        table: TableName,
        chain: &str,
        handle: Option<u64>,
    ) -> Result<(), KernelError> {
        self.update(|snapshot, transaction| {
            for entry in snapshot.rules(family, table, chain)? {
                let RuleBody::Known(mut rule) = entry.body else { continue };
                let wanted = handle.is_none_or(|handle| handle == entry.handle);
                if wanted && rule.counters.take().is_some_and(|counters| counters != Counters::default()) {
                    transaction.table(family, table).replace_rule(
                        0,
                        chain,
                        entry.handle,
                        &rule,
                        snapshot.kernel(),
                    )?;
                }
            }
            Ok(())
        })
    }
}

/// What nfnetlink answers to messages that it does not know.
fn is_unsupported(error: &Error) -> bool {
    matches!(error.errno(), Some(Errno::EINVAL | Errno::EOPNOTSUPP))
}
