//! Fetching the rules of chains, as bytes to be decoded later.

use crate::model::{Family, TableName};
use nfnetlink::wire::NETFILTER_HEADER_LEN;
use nfnetlink::{Connection, Error, Flags, Transport};
use pkttnetlink::nft::{self, Body, Message};
use std::panic::resume_unwind;
use std::sync::mpsc;
use std::thread;

/// A chunk is handed on when it has this many bytes.
const CHUNK: usize = 256 << 10;
/// How many chunks of a thread wait to be looked at.
const AHEAD: usize = 8;
/// How many chains a thread fetches before it is another thread's turn.
const RUN: usize = 64;

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

/// Further connections, each used by a thread of its own for the time of a stream.
pub(super) struct ReadAhead<T>(Vec<Connection<T>>);

/// A part of what a thread has fetched.
struct Part {
    chunk: Chunk,
    /// Whether the thread's run of chains ends here, and the next run is the next thread's.
    last: bool,
}

/// What a thread hands its chunks to, and where it gets empty ones from.
struct Outlet {
    parts: mpsc::SyncSender<Part>,
    empty: mpsc::Receiver<Chunk>,
}

/// What is left of an outlet on the other side.
struct Inlet {
    parts: mpsc::Receiver<Part>,
    returned: mpsc::Sender<Chunk>,
}

impl<T: Transport> ReadAhead<T> {
    pub(super) fn new(transports: impl IntoIterator<Item = T>) -> Self {
        Self(transports.into_iter().map(Connection::new).collect())
    }
}

impl<T: Transport + Send> Source for ReadAhead<T> {
    fn stream(&mut self, wanted: Wanted<'_>, each: &mut dyn FnMut(&Chunk) -> bool) -> Result<(), Error> {
        let threads = self.0.len();
        thread::scope(|scope| {
            let mut inlets = Vec::with_capacity(threads);
            let mut fetchers = Vec::with_capacity(threads);
            for (number, connection) in self.0.iter_mut().enumerate() {
                let (sender, parts) = mpsc::sync_channel(AHEAD);
                let (returned, empty) = mpsc::channel();
                inlets.push(Inlet { parts, returned });
                let outlet = Outlet { parts: sender, empty };
                fetchers.push(scope.spawn(move || outlet.fetch(wanted, connection, number, threads)));
            }
            consume(&inlets, each);
            drop(inlets);
            // Every thread has to end before an error is told.
            let results = fetchers.into_iter().map(|fetcher| fetcher.join());
            let results: Vec<_> =
                results.map(|result| result.unwrap_or_else(|panic| resume_unwind(panic))).collect();
            results.into_iter().collect()
        })
    }
}

/// Looks at the runs of all threads in turn, which is the order of the chains.
fn consume(inlets: &[Inlet], each: &mut dyn FnMut(&Chunk) -> bool) {
    for inlet in inlets.iter().cycle() {
        loop {
            // A thread that has ended has no more runs, and neither have those behind it.
            let Ok(Part { mut chunk, last }) = inlet.parts.recv() else { return };
            if !each(&chunk) {
                return;
            }
            chunk.clear();
            // The thread may have ended.
            let _ = inlet.returned.send(chunk);
            if last {
                break;
            }
        }
    }
}

impl Outlet {
    /// Fetches every run of chains whose turn it is.
    fn fetch<T: Transport>(
        &self,
        wanted: Wanted<'_>,
        connection: &mut Connection<T>,
        number: usize,
        threads: usize,
    ) -> Result<(), Error> {
        let count = wanted.chains.len();
        for start in (number * RUN..count).step_by(RUN * threads) {
            let mut chunk = self.empty.try_recv().unwrap_or_default();
            let mut listening = true;
            for place in start..count.min(start + RUN) {
                wanted.fetch(connection, place, |rule| {
                    chunk.push(place, rule);
                    if chunk.bytes.len() >= CHUNK {
                        let next = self.empty.try_recv().unwrap_or_default();
                        let chunk = std::mem::replace(&mut chunk, next);
                        listening &= self.parts.send(Part { chunk, last: false }).is_ok();
                    }
                    Ok(())
                })?;
                if !listening {
                    return Ok(());
                }
            }
            if self.parts.send(Part { chunk, last: true }).is_err() {
                return Ok(());
            }
        }
        Ok(())
    }
}
