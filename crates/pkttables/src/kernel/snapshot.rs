use super::chain::ChainEntry;
use super::connection::Kernel;
use super::error::KernelError;
use super::fetch::{Chunk, Wanted};
use crate::model::{Family, Hook, TableName};
use crate::nft::{RuleBody, read_rule};
use nfnetlink::wire::{Attributes, Reader};
use nfnetlink::{Errno, Error, Flags, Message, Transport};
use pkttnetlink::nft::{self, Body};
use std::rc::Rc;

/// The ruleset at one generation, read as far as it is asked for.
///
/// If it turns out that the generation has passed, [`Kernel::read`] throws away what came of it.
#[derive(Debug)]
pub struct Snapshot<'k, T> {
    kernel: &'k mut Kernel<T>,
    generation: u32,
    interrupted: bool,
    chains: Vec<(Family, AllChains)>,
    chunk: Chunk,
}

/// For fewer chains than this, reading ahead costs more than it gains.
const WORTH_READING_AHEAD: usize = 128;

type AllChains = Vec<(TableName, Rc<[ChainEntry]>)>;

/// A rule as the kernel has it.
#[derive(Clone, Debug, PartialEq)]
pub struct RuleEntry {
    /// The number that the kernel gave it.
    pub handle: u64,
    /// What it does.
    pub body: RuleBody,
}

impl<'k, T: Transport> Snapshot<'k, T> {
    pub(super) fn new(kernel: &'k mut Kernel<T>, generation: u32) -> Self {
        kernel.sets.forget();
        Self { kernel, generation, interrupted: false, chains: Vec::new(), chunk: Chunk::default() }
    }

    /// The generation's number.
    #[must_use]
    pub const fn generation(&self) -> u32 {
        self.generation
    }

    /// The kernel that is read, for writing rules into a transaction.
    pub const fn kernel(&mut self) -> &mut Kernel<T> {
        self.kernel
    }

    /// Which of the tables that an iptables knows exist, in the kernel's order.
    pub fn tables(&mut self, family: Family) -> Result<Vec<TableName>, KernelError> {
        let mut tables = Vec::new();
        let all = Body::GetTable(nft::Table::default());
        let dumped = self.dump(nft::kind::GET_TABLE, family, all, |message| {
            let table = nft::Table::decode(message.netfilter()?.1)?;
            tables.extend(table.name.as_ref().and_then(|name| TableName::from_name(name.as_str()?)));
            Ok(())
        });
        self.note(dumped)?;
        Ok(tables)
    }

    /// A table's chains in the kernel's order; none if there is no such table.
    ///
    /// The kernel tells the chains of all tables at once; they are kept for the next call.
    pub fn chains(&mut self, family: Family, table: TableName) -> Result<Rc<[ChainEntry]>, KernelError> {
        if !self.chains.iter().any(|(of, _)| *of == family) {
            let all = self.all_chains(family)?;
            self.chains.push((family, all));
        }
        let all = self.chains.iter().filter(|(of, _)| *of == family).flat_map(|(_, all)| all);
        let mut of_table = all.filter(|(name, _)| *name == table);
        Ok(of_table.next().map_or_else(|| Rc::from([]), |(_, chains)| Rc::clone(chains)))
    }

    /// One chain, if there is such; asks for that one alone.
    pub fn chain(
        &mut self,
        family: Family,
        table: TableName,
        name: &str,
    ) -> Result<Option<ChainEntry>, KernelError> {
        let chain =
            nft::Chain { table: Some(table.name().into()), name: Some(name.into()), ..nft::Chain::default() };
        let question = request(family, Body::GetChain(chain));
        let answer = self.kernel.connection.get(
            nft::kind::GET_CHAIN,
            Flags::default(),
            |writer| question.encode_payload(writer),
            |message| Ok::<_, Error>(ChainEntry::new(table, &nft::Chain::decode(message.netfilter()?.1)?)),
        );
        match answer {
            Err(error) if error.errno() == Some(Errno::ENOENT) => Ok(None),
            answer => Ok(Some(answer?)),
        }
    }

    /// The hook of the built-in chain called `name`, if the table is to have one and does not: a rule put there
    /// needs [`TableEdit::create`](super::TableEdit::create) and
    /// [`TableEdit::create_builtin`](super::TableEdit::create_builtin) first.
    pub fn missing_builtin(
        &mut self,
        family: Family,
        table: TableName,
        name: &str,
    ) -> Result<Option<Hook>, KernelError> {
        match table.hook(name) {
            Some(hook) if self.chain(family, table, name)?.is_none() => Ok(Some(hook)),
            _ => Ok(None),
        }
    }

    /// The rules of a chain; none if there is no such chain.
    pub fn rules(
        &mut self,
        family: Family,
        table: TableName,
        chain: &str,
    ) -> Result<Vec<RuleEntry>, KernelError> {
        let mut rules = Vec::new();
        self.for_each_rule(family, table, &[chain], |_, rule| {
            rules.push(rule);
            Ok::<_, KernelError>(())
        })?;
        Ok(rules)
    }

    /// Hands the rules of some chains to `each`, chain by chain in the order of `chains`, with the chain's place
    /// in `chains`. No more rules are held than fit into a few messages, or a chain has.
    pub fn for_each_rule<E: From<KernelError>>(
        &mut self,
        family: Family,
        table: TableName,
        chains: &[&str],
        mut each: impl FnMut(usize, RuleEntry) -> Result<(), E>,
    ) -> Result<(), E> {
        let wanted = Wanted { family, table, chains };
        let mut failure = None;
        let mut look = |kernel: &Kernel<T>, chunk: &Chunk| {
            let result = chunk
                .rules()
                .try_for_each(|(place, bytes)| each(place, kernel.decode_rule(family, table, bytes)?));
            failure = result.err();
            failure.is_none()
        };
        let fetched = match self.kernel.read_ahead.take_if(|_| chains.len() >= WORTH_READING_AHEAD) {
            Some(mut source) => {
                let streamed = source.stream(wanted, &mut |chunk| look(self.kernel, chunk));
                self.kernel.read_ahead = Some(source);
                streamed
            }
            None => self.fetch_each(wanted, look),
        };
        self.note(fetched)?;
        failure.map_or(Ok(()), Err)
    }

    fn fetch_each(
        &mut self,
        wanted: Wanted<'_>,
        mut look: impl FnMut(&Kernel<T>, &Chunk) -> bool,
    ) -> Result<(), Error> {
        for place in 0..wanted.chains.len() {
            self.chunk.clear();
            wanted.fetch_into(&mut self.kernel.connection, place, &mut self.chunk)?;
            if !look(self.kernel, &self.chunk) {
                break;
            }
        }
        Ok(())
    }

    pub(super) const fn is_interrupted(&self) -> bool {
        self.interrupted
    }

    fn all_chains(&mut self, family: Family) -> Result<AllChains, KernelError> {
        let mut all: Vec<(TableName, Vec<ChainEntry>)> = Vec::new();
        let dumped =
            self.dump(nft::kind::GET_CHAIN, family, Body::GetChain(nft::Chain::default()), |message| {
                let chain = nft::Chain::decode(message.netfilter()?.1)?;
                let table = chain.table.as_ref().and_then(|table| TableName::from_name(table.as_str()?));
                let Some(table) = table else { return Ok(()) };
                let entry = ChainEntry::new(table, &chain);
                match all.iter_mut().find(|(name, _)| *name == table) {
                    Some((_, chains)) => chains.push(entry),
                    None => all.push((table, vec![entry])),
                }
                Ok(())
            });
        self.note(dumped)?;
        Ok(all.into_iter().map(|(table, chains)| (table, chains.into())).collect())
    }

    fn dump(
        &mut self,
        kind: u16,
        family: Family,
        question: Body<'_>,
        each: impl FnMut(&Message<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let question = request(family, question);
        let connection = &mut self.kernel.connection;
        connection.dump(kind, Flags::default(), |writer| question.encode_payload(writer), each)
    }

    /// Notes that what was read is of more than one generation.
    fn note(&mut self, dumped: Result<(), Error>) -> Result<(), KernelError> {
        self.interrupted |= dumped == Err(Error::DumpInterrupted);
        Ok(dumped?)
    }
}

impl<T> Kernel<T> {
    /// Reads what the kernel says of a rule in `table`; `bytes` are its attributes.
    fn decode_rule(&self, family: Family, table: TableName, bytes: &[u8]) -> Result<RuleEntry, KernelError> {
        let rule = nft::Rule::decode(Attributes::new(Reader::new(bytes))).map_err(Error::from)?;
        let body = self.body_of(family, table, &rule);
        Ok(RuleEntry { handle: rule.handle.unwrap_or_default(), body })
    }

    /// What a rule in `table` does.
    pub(crate) fn body_of(&self, family: Family, table: TableName, rule: &nft::Rule<'_>) -> RuleBody {
        read_rule(rule, family, Some(table), self.registry, &*self.sets)
    }
}

fn request(family: Family, body: Body<'_>) -> nft::Message<'_> {
    nft::Message::new(nft::Family(family.nfproto()), body)
}
