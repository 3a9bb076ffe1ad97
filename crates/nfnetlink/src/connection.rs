use crate::batch::Batch;
use crate::error::Error;
use crate::exchange::{Acknowledged, Commit, Dump, Exchange, Single, Step};
use crate::requests::Requests;
use crate::transport::Transport;
use crate::wire::{Flags, Message, Writer};

/// How often a dump that a change has interrupted is begun again.
pub(crate) const DUMP_TRIES: u32 = 16;

/// Requests and their answers over a [`Transport`].
///
/// In every call `body` writes what follows the netlink header: the netfilter header and the attributes.
///
/// ```no_run
/// use nfnetlink::{Connection, Error, Flags, NetfilterHeader, Socket, kind};
///
/// let mut connection = Connection::new(Socket::open()?);
/// // The names of all nf_tables tables (NFT_MSG_GETTABLE = 1, NFTA_TABLE_NAME = 1).
/// let names = connection.dump_consistent(
///     kind::netfilter(10, 1),
///     Flags::default(),
///     |writer| writer.netfilter_header(&NetfilterHeader::default()),
///     |names: &mut Vec<Vec<u8>>, message| {
///         for attribute in message.netfilter()?.1 {
///             let attribute = attribute?;
///             if attribute.kind() == 1 {
///                 names.push(attribute.string("table name")?.to_vec());
///             }
///         }
///         Ok::<_, Error>(())
///     },
/// )?;
/// # Ok::<(), Error>(())
/// ```
#[derive(Debug)]
pub struct Connection<T> {
    transport: T,
    requests: Requests,
}

impl<T: Transport> Connection<T> {
    /// A connection over `transport`, which nothing else uses meanwhile.
    pub const fn new(transport: T) -> Self {
        Self { transport, requests: Requests::new() }
    }

    /// What it works on.
    pub const fn transport(&self) -> &T {
        &self.transport
    }

    /// What it works on, for instance to set its options.
    pub const fn transport_mut(&mut self) -> &mut T {
        &mut self.transport
    }

    /// Gives the transport back.
    pub fn into_transport(self) -> T {
        self.transport
    }

    /// Sends a request and waits until the kernel acknowledges it.
    pub fn request(&mut self, kind: u16, flags: Flags, body: impl FnOnce(&mut Writer)) -> Result<(), Error> {
        self.settle()?;
        let sequence = self.requests.write(kind, flags | Flags::ACK, body)?;
        self.transport.send(self.requests.as_bytes())?;
        self.run(&mut Acknowledged { port: self.transport.port(), sequence })
    }

    /// Sends a request that has one message for an answer, and reads that with `read`.
    pub fn get<R, E: From<Error>>(
        &mut self,
        kind: u16,
        flags: Flags,
        body: impl FnOnce(&mut Writer),
        read: impl FnOnce(&Message<'_>) -> Result<R, E>,
    ) -> Result<R, E> {
        self.settle()?;
        let sequence = self.requests.write(kind, flags, body)?;
        self.transport.send(self.requests.as_bytes())?;
        let mut exchange = Single::new(self.transport.port(), sequence, read);
        self.run(&mut exchange)?;
        exchange.finish()?
    }

    /// Asks for all entries, and has `each` read one after the other. [`Flags::DUMP`] is set anyway.
    ///
    /// Where a change comes between, the entries do not belong together and [`Error::DumpInterrupted`] is given:
    /// what `each` has collected is to be thrown away. [`Connection::dump_consistent`] does that.
    pub fn dump<E: From<Error>>(
        &mut self,
        kind: u16,
        flags: Flags,
        body: impl FnOnce(&mut Writer),
        each: impl FnMut(&Message<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        if self.try_dump(kind, flags, body, each)? { Ok(()) } else { Err(Error::DumpInterrupted.into()) }
    }

    /// Like [`Connection::dump`], but begins again with a new collection until no change comes between.
    ///
    /// After 16 tries it gives up with [`Error::DumpInterrupted`].
    pub fn dump_consistent<C: Default, E: From<Error>>(
        &mut self,
        kind: u16,
        flags: Flags,
        body: impl Fn(&mut Writer),
        mut each: impl FnMut(&mut C, &Message<'_>) -> Result<(), E>,
    ) -> Result<C, E> {
        for _ in 0..DUMP_TRIES {
            let mut collection = C::default();
            if self.try_dump(kind, flags, &body, |message| each(&mut collection, message))? {
                return Ok(collection);
            }
        }
        Err(Error::DumpInterrupted.into())
    }

    /// Sends a batch; the kernel applies all of it or, with an error, nothing.
    ///
    /// All failures that the kernel tells are in [`Error::BatchRefused`], each with the tag of its message. A batch
    /// without messages is not sent.
    pub fn commit(&mut self, batch: &Batch) -> Result<(), Error> {
        self.commit_with(batch, |_, _| {})
    }

    /// Like [`Connection::commit`], and has `each` read what the kernel echoes ([`Flags::ECHO`]), with the tag of
    /// the message that caused it. nf_tables tells the new generation too if the first message is to be echoed.
    ///
    /// Many echoes need room before: [`Transport::reserve_replies`].
    pub fn commit_with(
        &mut self,
        batch: &Batch,
        each: impl FnMut(Option<u32>, &Message<'_>),
    ) -> Result<(), Error> {
        if batch.is_empty() {
            return Ok(());
        }
        self.settle()?;
        // A batch numbers its messages from 1, so nothing older may be left to be taken for an answer.
        while self.transport.try_receive()?.is_some() {}
        self.transport.send(batch.as_bytes())?;
        let mut exchange = Commit::new(self.transport.port(), batch, each);
        self.run(&mut exchange)?;
        exchange.finish()
    }

    /// Whether the dump was consistent.
    fn try_dump<E: From<Error>>(
        &mut self,
        kind: u16,
        flags: Flags,
        body: impl FnOnce(&mut Writer),
        each: impl FnMut(&Message<'_>) -> Result<(), E>,
    ) -> Result<bool, E> {
        self.settle()?;
        let sequence = self.requests.write(kind, flags | Flags::DUMP, body)?;
        self.transport.send(self.requests.as_bytes())?;
        self.requests.dump_began(sequence);
        let mut exchange = Dump::new(self.transport.port(), sequence, each);
        self.run(&mut exchange)?;
        self.requests.dump_ended();
        exchange.finish()
    }

    /// Reads what is left of a dump that was given up, so that the kernel takes the next request.
    fn settle(&mut self) -> Result<(), Error> {
        match self.requests.take_dump() {
            None => Ok(()),
            Some(sequence) => {
                let nothing = |_: &Message<'_>| Ok::<_, Error>(());
                self.run(&mut Dump::new(self.transport.port(), sequence, nothing))
            }
        }
    }

    fn run(&mut self, exchange: &mut impl Exchange) -> Result<(), Error> {
        let mut step = Step::Wait;
        loop {
            let received = match step {
                Step::Wait => self.transport.receive().map(Some),
                Step::Drain => self.transport.try_receive(),
                Step::End => return Ok(()),
            };
            step = match received {
                Ok(Some(datagram)) => exchange.datagram(datagram)?,
                Ok(None) => return Ok(()),
                Err(Error::RepliesLost) => exchange.lost()?,
                Err(error) => return Err(error),
            };
        }
    }
}
