//! Fetching the rules of chains, as bytes to be decoded later.

use crate::model::{Family, TableName};
use nfnetlink::wire::NETFILTER_HEADER_LEN;
use nfnetlink::{Connection, Error, Flags, Transport};
use pkttnetlink::nft::{self, Body, Message};
use std::sync::mpsc;
use std::thread;

/// A chunk is handed on when it has this many bytes.
const CHUNK: usize = 256 << 10;
/// How many chunks wait to be looked at.
const AHEAD: usize = 8;

/// The rules of some chains, undecoded.
#[derive(Debug, Default)]
pub(super) struct Chunk {
    bytes: Vec<u8>,
    /// The place of the chain in the list of chains, and where the rule's bytes end.
    rules: Vec<(usize, usize)>,
}

/// Which chains' rules are wanted.
#[derive(Clone, Copy)]
pub(super) struct Wanted<'a> {
    pub(super) family: Family,
    pub(super) table: TableName,
    pub(super) chains: &'a [&'a str],
}

/// Something that fetches rules on a thread of its own.
pub(super) trait Source: Send {
    /// Fetches the rules and has `each` look at them in chunks, as long as it says `true`.
    fn stream(&mut self, wanted: Wanted<'_>, each: &mut dyn FnMut(&Chunk) -> bool) -> Result<(), Error>;
}

impl Chunk {
    /// The rules: the place of the chain, and the attributes.
    pub(super) fn rules(&self) -> impl Iterator<Item = (usize, &[u8])> {
        let mut start = 0;
        self.rules.iter().map(move |&(chain, end)| {
            let bytes = self.bytes.get(start..end).unwrap_or_default();
            start = end;
            (chain, bytes)
        })
    }

    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.rules.clear();
    }

    fn push(&mut self, chain: usize, attributes: &[u8]) {
        self.bytes.extend_from_slice(attributes);
        self.rules.push((chain, self.bytes.len()));
    }
}

/// Has `each` see the attributes of each rule of a chain.
pub(super) fn dump_rules<T: Transport>(
    connection: &mut Connection<T>,
    kind: u16,
    family: Family,
    table: TableName,
    chain: &str,
    mut each: impl FnMut(&[u8]) -> Result<(), Error>,
) -> Result<(), Error> {
    let rule =
        nft::Rule { table: Some(table.name().into()), chain: Some(chain.into()), ..nft::Rule::default() };
    let question = Message::new(nft::Family(family.nfproto()), Body::GetRule(rule));
    connection.dump(
        kind,
        Flags::default(),
        |writer| question.encode_payload(writer),
        |message| {
            let mut payload = message.payload;
            payload.take(NETFILTER_HEADER_LEN, "netfilter header")?;
            each(payload.rest())
        },
    )
}

impl Wanted<'_> {
    /// Fetches the rules of the chain at `place`.
    fn fetch<T: Transport>(
        &self,
        connection: &mut Connection<T>,
        place: usize,
        add: impl FnMut(&[u8]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let Some(chain) = self.chains.get(place) else { return Ok(()) };
        dump_rules(connection, nft::kind::GET_RULE, self.family, self.table, chain, add)
    }

    /// Fetches the rules of the chain at `place` into `chunk`.
    pub(super) fn fetch_into<T: Transport>(
        &self,
        connection: &mut Connection<T>,
        place: usize,
        chunk: &mut Chunk,
    ) -> Result<(), Error> {
        self.fetch(connection, place, |rule| {
            chunk.push(place, rule);
            Ok(())
        })
    }
}

/// A second connection, used by a thread for the time of a stream.
pub(super) struct ReadAhead<T>(Connection<T>);

impl<T: Transport> ReadAhead<T> {
    pub(super) fn new(transport: T) -> Self {
        Self(Connection::new(transport))
    }
}

impl<T: Transport + Send> Source for ReadAhead<T> {
    fn stream(&mut self, wanted: Wanted<'_>, each: &mut dyn FnMut(&Chunk) -> bool) -> Result<(), Error> {
        let (sender, receiver) = mpsc::sync_channel::<Chunk>(AHEAD);
        let (returned, empty) = mpsc::channel::<Chunk>();
        thread::scope(|scope| {
            let fetcher = scope.spawn(move || self.fetch_all(wanted, &sender, &empty));
            while let Ok(mut chunk) = receiver.recv() {
                if !each(&chunk) {
                    break;
                }
                chunk.clear();
                // The fetcher may have ended.
                let _ = returned.send(chunk);
            }
            drop(receiver);
            fetcher.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }
}

impl<T: Transport> ReadAhead<T> {
    fn fetch_all(
        &mut self,
        wanted: Wanted<'_>,
        sender: &mpsc::SyncSender<Chunk>,
        empty: &mpsc::Receiver<Chunk>,
    ) -> Result<(), Error> {
        let mut chunk = Chunk::default();
        let mut listening = true;
        for place in 0..wanted.chains.len() {
            wanted.fetch(&mut self.0, place, |rule| {
                chunk.push(place, rule);
                if chunk.bytes.len() >= CHUNK {
                    let next = empty.try_recv().unwrap_or_default();
                    listening &= sender.send(std::mem::replace(&mut chunk, next)).is_ok();
                }
                Ok(())
            })?;
            if !listening {
                return Ok(());
            }
        }
        if !chunk.rules.is_empty() {
            // Nobody may want it any more.
            let _ = sender.send(chunk);
        }
        Ok(())
    }
}
