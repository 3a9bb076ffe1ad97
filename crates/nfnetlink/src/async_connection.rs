use crate::async_socket::AsyncSocket;
use crate::batch::Batch;
use crate::connection::DUMP_TRIES;
use crate::error::Error;
use crate::exchange::{Acknowledged, Commit, Dump, Exchange, Single, Step};
use crate::requests::Requests;
use crate::wire::{Flags, Message, Writer};

/// Requests and their awaited answers; each call means what that of [`Connection`](crate::Connection) means.
///
/// A call may be dropped before it has ended: what is left of its answer is skipped by the next one. A batch may
/// have been applied then.
///
/// ```no_run
/// # async fn tables() -> Result<(), nfnetlink::Error> {
/// use nfnetlink::{AsyncConnection, AsyncSocket, Flags, NetfilterHeader, kind};
///
/// let mut connection = AsyncConnection::new(AsyncSocket::open()?);
/// let mut tables = 0;
/// connection
///     .dump(
///         kind::netfilter(10, 1),
///         Flags::default(),
///         |writer| writer.netfilter_header(&NetfilterHeader::default()),
///         |_| {
///             tables += 1;
///             Ok::<_, nfnetlink::Error>(())
///         },
///     )
///     .await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct AsyncConnection {
    socket: AsyncSocket,
    requests: Requests,
}

impl AsyncConnection {
    /// A connection over `socket`.
    #[must_use]
    pub const fn new(socket: AsyncSocket) -> Self {
        Self { socket, requests: Requests::new() }
    }

    /// What it works on, for instance to set its options.
    pub const fn socket_mut(&mut self) -> &mut AsyncSocket {
        &mut self.socket
    }

    /// Sends a request and awaits its acknowledgement.
    pub async fn request(
        &mut self,
        kind: u16,
        flags: Flags,
        body: impl FnOnce(&mut Writer),
    ) -> Result<(), Error> {
        self.settle().await?;
        let sequence = self.requests.write(kind, flags | Flags::ACK, body)?;
        self.socket.send(self.requests.as_bytes())?;
        self.run(&mut Acknowledged { port: self.socket.port(), sequence }).await
    }

    /// Sends a request that has one message for an answer, and reads that with `read`.
    pub async fn get<R, E: From<Error>>(
        &mut self,
        kind: u16,
        flags: Flags,
        body: impl FnOnce(&mut Writer),
        read: impl FnOnce(&Message<'_>) -> Result<R, E>,
    ) -> Result<R, E> {
        self.settle().await?;
        let sequence = self.requests.write(kind, flags, body)?;
        self.socket.send(self.requests.as_bytes())?;
        let mut exchange = Single::new(self.socket.port(), sequence, read);
        self.run(&mut exchange).await?;
        exchange.finish()?
    }

    /// Asks for all entries, and has `each` read one after the other.
    pub async fn dump<E: From<Error>>(
        &mut self,
        kind: u16,
        flags: Flags,
        body: impl FnOnce(&mut Writer),
        each: impl FnMut(&Message<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let consistent = self.try_dump(kind, flags, body, each).await?;
        if consistent { Ok(()) } else { Err(Error::DumpInterrupted.into()) }
    }

    /// Like [`AsyncConnection::dump`], but begins again with a new collection until no change comes between.
    pub async fn dump_consistent<C: Default, E: From<Error>>(
        &mut self,
        kind: u16,
        flags: Flags,
        body: impl Fn(&mut Writer),
        mut each: impl FnMut(&mut C, &Message<'_>) -> Result<(), E>,
    ) -> Result<C, E> {
        for _ in 0..DUMP_TRIES {
            let mut collection = C::default();
            if self.try_dump(kind, flags, &body, |message| each(&mut collection, message)).await? {
                return Ok(collection);
            }
        }
        Err(Error::DumpInterrupted.into())
    }

    /// Sends a batch; the kernel applies all of it or, with an error, nothing.
    pub async fn commit(&mut self, batch: &Batch) -> Result<(), Error> {
        self.commit_with(batch, |_, _| {}).await
    }

    /// Like [`AsyncConnection::commit`], and has `each` read what the kernel echoes.
    pub async fn commit_with(
        &mut self,
        batch: &Batch,
        each: impl FnMut(Option<u32>, &Message<'_>),
    ) -> Result<(), Error> {
        if batch.is_empty() {
            return Ok(());
        }
        self.settle().await?;
        // A batch numbers its messages from 1, so nothing older may be left to be taken for an answer.
        while self.socket.try_receive()?.is_some() {}
        self.socket.send(batch.as_bytes())?;
        let mut exchange = Commit::new(self.socket.port(), batch, each);
        self.run(&mut exchange).await?;
        exchange.finish()
    }

    /// Whether the dump was consistent.
    async fn try_dump<E: From<Error>>(
        &mut self,
        kind: u16,
        flags: Flags,
        body: impl FnOnce(&mut Writer),
        each: impl FnMut(&Message<'_>) -> Result<(), E>,
    ) -> Result<bool, E> {
        self.settle().await?;
        let sequence = self.requests.write(kind, flags | Flags::DUMP, body)?;
        self.socket.send(self.requests.as_bytes())?;
        self.requests.dump_began(sequence);
        let mut exchange = Dump::new(self.socket.port(), sequence, each);
        self.run(&mut exchange).await?;
        self.requests.dump_ended();
        exchange.finish()
    }

    /// Reads what is left of a dump that was given up, so that the kernel takes the next request.
    async fn settle(&mut self) -> Result<(), Error> {
        match self.requests.take_dump() {
            None => Ok(()),
            Some(sequence) => {
                let nothing = |_: &Message<'_>| Ok::<_, Error>(());
                self.run(&mut Dump::new(self.socket.port(), sequence, nothing)).await
            }
        }
    }

    async fn run(&mut self, exchange: &mut impl Exchange) -> Result<(), Error> {
        let mut step = Step::Wait;
        loop {
            let received = match step {
                Step::Wait => self.socket.receive().await.map(Some),
                Step::Drain => self.socket.try_receive(),
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
