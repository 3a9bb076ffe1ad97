//! What replies mean for a request, apart from how they are waited for.

use crate::batch::Batch;
use crate::errno::Errno;
use crate::error::{BatchFailure, BatchRefusal, Error, Refusal};
use crate::extack::ExtendedAck;
use crate::wire::{Attributes, DecodeError, Flags, Message, Messages, NETLINK_HEADER_LEN, kind};

/// What to do after a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Wait for the next.
    Wait,
    /// Take those that are there already; the exchange ends when there is none.
    Drain,
    /// The exchange has ended.
    End,
}

/// A request under way: takes the datagrams that come and says what to do next.
pub(crate) trait Exchange {
    fn datagram(&mut self, datagram: &[u8]) -> Result<Step, Error>;

    /// The receive buffer ran over.
    fn lost(&mut self) -> Result<Step, Error> {
        Err(Error::RepliesLost)
    }
}

enum Reply<'a> {
    Data(Message<'a>),
    Ack,
    Refused(Refusal),
    Done,
}

/// The messages of a datagram that are replies to this port, with their sequence numbers.
fn replies(datagram: &[u8], port: u32) -> impl Iterator<Item = Result<(u32, Flags, Reply<'_>), Error>> {
    Messages::new(datagram).filter_map(move |message| {
        let message = match message {
            Ok(message) => message,
            Err(error) => return Some(Err(error.into())),
        };
        let header = message.header;
        if header.port != 0 && header.port != port {
            return None;
        }
        let reply = match header.kind {
            kind::NOOP => return None,
            kind::OVERRUN => Err(Error::RepliesLost),
            kind::ERROR => acknowledgement(&message),
            kind::DONE => done(&message),
            _ => Ok(Reply::Data(message)),
        };
        Some(reply.map(|reply| (header.sequence, header.flags, reply)))
    })
}

impl Refusal {
    /// Reads an acknowledgement ([`kind::ERROR`], `struct nlmsgerr`); nothing if it tells of success.
    pub fn decode(message: &Message<'_>) -> Result<Option<Self>, DecodeError> {
        const WHAT: &str = "acknowledgement";
        let mut payload = message.payload;
        let code = payload.array(WHAT).map(i32::from_ne_bytes)?;
        let mut request = payload.sub(NETLINK_HEADER_LEN, WHAT)?;
        if code == 0 {
            return Ok(None);
        }
        // The header of the request and, unless capped, its payload; then the extension.
        if !message.header.flags.contains(Flags::CAPPED) {
            let len = request.ne_u32(WHAT)? as usize;
            let rest = crate::wire::align(len).saturating_sub(NETLINK_HEADER_LEN);
            payload.take(rest.min(payload.remaining()), WHAT)?;
        }
        refused(code, message.header.flags, Attributes::new(payload)).map(Some)
    }
}

fn acknowledgement<'a>(message: &Message<'a>) -> Result<Reply<'a>, Error> {
    Ok(Refusal::decode(message)?.map_or(Reply::Ack, Reply::Refused))
}

fn done<'a>(message: &Message<'a>) -> Result<Reply<'a>, Error> {
    let mut payload = message.payload;
    let code = if payload.is_empty() { 0 } else { payload.array("end of dump").map(i32::from_ne_bytes)? };
    if code >= 0 {
        return Ok(Reply::Done);
    }
    Ok(Reply::Refused(refused(code, message.header.flags, Attributes::new(payload))?))
}

fn refused(code: i32, flags: Flags, extension: Attributes<'_>) -> Result<Refusal, DecodeError> {
    let ack = if flags.contains(Flags::ACK_TLVS) {
        ExtendedAck::decode(extension)?
    } else {
        ExtendedAck::default()
    };
    let extack = (!ack.is_empty()).then(|| Box::new(ack));
    Ok(Refusal { errno: Errno::new(code.saturating_neg()), extack })
}

fn refusal(refusal: Refusal) -> Error {
    if refusal.errno == Errno::EPERM { Error::PermissionDenied } else { Error::Refused(refusal) }
}

/// Waits for the acknowledgement of one request.
pub(crate) struct Acknowledged {
    pub(crate) port: u32,
    pub(crate) sequence: u32,
}

impl Exchange for Acknowledged {
    fn datagram(&mut self, datagram: &[u8]) -> Result<Step, Error> {
        for reply in replies(datagram, self.port) {
            match reply? {
                (sequence, ..) if sequence != self.sequence => {}
                (.., Reply::Ack) => return Ok(Step::End),
                (.., Reply::Refused(error)) => return Err(refusal(error)),
                (.., Reply::Data(_) | Reply::Done) => {}
            }
        }
        Ok(Step::Wait)
    }
}

/// Waits for the one message that answers a request.
pub(crate) struct Single<F, R> {
    port: u32,
    sequence: u32,
    read: Option<F>,
    result: Option<R>,
}

impl<F, R> Single<F, R> {
    pub(crate) const fn new(port: u32, sequence: u32, read: F) -> Self {
        Self { port, sequence, read: Some(read), result: None }
    }

    pub(crate) fn finish(self) -> Result<R, Error> {
        self.result.ok_or(Error::UnexpectedReply { kind: kind::DONE })
    }
}

impl<F: FnOnce(&Message<'_>) -> R, R> Exchange for Single<F, R> {
    fn datagram(&mut self, datagram: &[u8]) -> Result<Step, Error> {
        for reply in replies(datagram, self.port) {
            match reply? {
                (sequence, ..) if sequence != self.sequence => {}
                (.., Reply::Data(message)) => {
                    self.result = self.read.take().map(|read| read(&message));
                    return Ok(Step::End);
                }
                (.., Reply::Refused(error)) => return Err(refusal(error)),
                (.., Reply::Ack) => return Err(Error::UnexpectedReply { kind: kind::ERROR }),
                (.., Reply::Done) => return Err(Error::UnexpectedReply { kind: kind::DONE }),
            }
        }
        Ok(Step::Wait)
    }
}

/// Reads a dump to its end, whatever its reader says: the kernel runs one dump at a time for a socket.
pub(crate) struct Dump<F, E> {
    port: u32,
    sequence: u32,
    each: F,
    interrupted: bool,
    stopped: Option<E>,
}

impl<F, E> Dump<F, E> {
    pub(crate) const fn new(port: u32, sequence: u32, each: F) -> Self {
        Self { port, sequence, each, interrupted: false, stopped: None }
    }

    /// Whether the dump was consistent.
    pub(crate) fn finish(self) -> Result<bool, E> {
        match self.stopped {
            Some(error) if !self.interrupted => Err(error),
            _ => Ok(!self.interrupted),
        }
    }
}

impl<F, E> Exchange for Dump<F, E>
where
    F: FnMut(&Message<'_>) -> Result<(), E>,
    E: From<Error>,
{
    fn datagram(&mut self, datagram: &[u8]) -> Result<Step, Error> {
        for reply in replies(datagram, self.port) {
            let (sequence, flags, reply) = reply?;
            if sequence != self.sequence {
                continue;
            }
            self.interrupted |= flags.contains(Flags::DUMP_INTERRUPTED);
            match reply {
                Reply::Data(message) => {
                    if !self.interrupted && self.stopped.is_none() {
                        self.stopped = (self.each)(&message).err();
                    }
                    if !flags.contains(Flags::MULTI) {
                        return Ok(Step::End);
                    }
                }
                Reply::Refused(error) => {
                    self.stopped.get_or_insert_with(|| refusal(error).into());
                    return Ok(Step::End);
                }
                Reply::Done => return Ok(Step::End),
                Reply::Ack => {}
            }
        }
        Ok(Step::Wait)
    }
}

/// Collects all that the kernel says about a batch.
///
/// It says so while the batch is sent: the errors of all messages and the acknowledgements of the first and the last,
/// in the order of the messages. An error of the batch as a whole stands before them or alone; it carries the
/// sequence number of the begin or, if the commit failed, that of the first message, which is then acknowledged too.
pub(crate) struct Commit<'b, F> {
    port: u32,
    batch: &'b Batch,
    each: F,
    failures: Vec<BatchFailure>,
    incomplete: bool,
    /// Which failure carries the first message's number.
    first_failure: Option<usize>,
    first_acknowledged: bool,
    last_acknowledged: bool,
}

impl<'b, F> Commit<'b, F> {
    pub(crate) const fn new(port: u32, batch: &'b Batch, each: F) -> Self {
        Self {
            port,
            batch,
            each,
            failures: Vec::new(),
            incomplete: false,
            first_failure: None,
            first_acknowledged: false,
            last_acknowledged: false,
        }
    }

    pub(crate) fn finish(mut self) -> Result<(), Error> {
        if self.first_acknowledged
            && let Some(failure) = self.first_failure.and_then(|index| self.failures.get_mut(index))
        {
            (failure.tag, failure.index) = (None, None);
        }
        match self.failures.as_slice() {
            [] if self.incomplete => Err(Error::RepliesLost),
            [] => Ok(()),
            [BatchFailure { tag: None, refusal, .. }] if refusal.errno == Errno::EPERM => {
                Err(Error::PermissionDenied)
            }
            _ => Err(BatchRefusal { failures: self.failures, incomplete: self.incomplete }.into()),
        }
    }

    fn fail(&mut self, sequence: u32, refusal: Refusal) {
        if sequence == self.batch.first_sequence() {
            self.first_failure = Some(self.failures.len());
        }
        let index = self.batch.index(sequence);
        self.failures.push(BatchFailure { tag: self.batch.tag(sequence), index, refusal });
    }

    const fn step(&self) -> Step {
        // Once something is known to be wrong, what else there is to say has been said already.
        if self.incomplete || !self.failures.is_empty() {
            Step::Drain
        } else if self.last_acknowledged {
            Step::End
        } else {
            Step::Wait
        }
    }
}

impl<F: FnMut(Option<u32>, &Message<'_>)> Exchange for Commit<'_, F> {
    fn datagram(&mut self, datagram: &[u8]) -> Result<Step, Error> {
        for reply in replies(datagram, self.port) {
            let (sequence, _, reply) = reply?;
            match reply {
                Reply::Data(message) => (self.each)(self.batch.tag(sequence), &message),
                Reply::Refused(refusal) => self.fail(sequence, refusal),
                Reply::Ack => {
                    self.first_acknowledged |= sequence == self.batch.first_sequence();
                    self.last_acknowledged |= sequence == self.batch.last_sequence();
                }
                Reply::Done => {}
            }
        }
        Ok(self.step())
    }

    fn lost(&mut self) -> Result<Step, Error> {
        self.incomplete = true;
        Ok(self.step())
    }
}
