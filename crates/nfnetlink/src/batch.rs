use crate::wire::{EncodeError, Flags, Header, Mark, Message, Messages, NetfilterHeader, Writer, kind};

const GENERATION_ID: u16 = 1;
const BEGIN_SEQUENCE: u32 = 0;
/// Where the begin message has the generation: behind netlink's, netfilter's and the attribute's header.
const GENERATION_OFFSET: usize = 24;

/// A batch being written: messages of one subsystem that the kernel applies all or not at all.
///
/// Each message carries a tag of the caller's choice, by which a failure names it. No message asks for an
/// acknowledgement but the first and the last: those tell a failed commit from a failed message, and that the
/// kernel has seen the whole batch.
///
/// ```
/// use nfnetlink::{BatchBuilder, Flags, NetfilterHeader, kind};
///
/// const NF_TABLES: u8 = 10;
/// const NEW_TABLE: u16 = kind::netfilter(NF_TABLES, 0);
/// let line = 7;
/// let mut batch = BatchBuilder::new(NF_TABLES);
/// batch.push(line, NEW_TABLE, Flags::CREATE, |writer| {
///     writer.netfilter_header(&NetfilterHeader::new(2, 0));
///     writer.put_string(1, b"filter");
/// })?;
/// let batch = batch.end();
/// assert_eq!(batch.len(), 1);
/// # Ok::<(), nfnetlink::EncodeError>(())
/// ```
#[derive(Debug)]
pub struct BatchBuilder {
    writer: Writer,
    tags: Vec<u32>,
    subsystem: u8,
    /// Where the first and the last message begin.
    ends: Option<(usize, usize)>,
    has_generation: bool,
}

impl BatchBuilder {
    /// Begins a batch for a subsystem (`NFNL_SUBSYS_*`), 10 for nf_tables.
    #[must_use]
    pub fn new(subsystem: u8) -> Self {
        Self::begin(subsystem, None)
    }

    /// Begins a batch that the kernel refuses with `ERESTART` where its generation is not `generation` any more.
    #[must_use]
    pub fn with_generation(subsystem: u8, generation: u32) -> Self {
        Self::begin(subsystem, Some(generation))
    }

    fn begin(subsystem: u8, generation: Option<u32>) -> Self {
        let mut this = Self {
            writer: Writer::new(),
            tags: Vec::new(),
            subsystem,
            ends: None,
            has_generation: generation.is_some(),
        };
        let mark = this.control(kind::BATCH_BEGIN, BEGIN_SEQUENCE);
        if let Some(generation) = generation {
            this.writer.put_be_u32(GENERATION_ID, generation);
        }
        this.close(mark);
        this
    }

    /// Has the kernel apply the batch at any generation.
    pub fn forget_generation(&mut self) {
        if self.has_generation {
            self.writer.patch(GENERATION_OFFSET, &[0; 4]);
        }
    }

    /// Adds a message: `body` writes what follows the netlink header. [`Flags::REQUEST`] is set anyway.
    ///
    /// A message that cannot be written is left out.
    pub fn push(
        &mut self,
        tag: u32,
        kind: u16,
        flags: Flags,
        body: impl FnOnce(&mut Writer),
    ) -> Result<(), EncodeError> {
        let start = self.writer.len();
        let header = Header { kind, flags: flags | Flags::REQUEST, sequence: self.next_sequence(), port: 0 };
        let mark = self.writer.begin_message(&header);
        body(&mut self.writer);
        self.writer.finish_message(mark)?;
        self.ends = Some((self.ends.map_or(start, |(first, _)| first), start));
        self.tags.push(tag);
        Ok(())
    }

    /// How many messages there are, begin and end not counted.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.tags.len()
    }

    /// Whether there is no message.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.tags.is_empty()
    }

    /// Ends the batch.
    #[must_use]
    pub fn end(mut self) -> Batch {
        if let Some((first, last)) = self.ends {
            self.writer.add_flags(first, Flags::ACK);
            self.writer.add_flags(last, Flags::ACK);
        }
        let sequence = self.next_sequence();
        let mark = self.control(kind::BATCH_END, sequence);
        self.close(mark);
        Batch { writer: self.writer, tags: self.tags }
    }

    fn next_sequence(&self) -> u32 {
        last_sequence(self.tags.as_slice()).wrapping_add(1)
    }

    fn control(&mut self, kind: u16, sequence: u32) -> Mark {
        let mark = self.writer.begin_message(&Header { kind, flags: Flags::REQUEST, sequence, port: 0 });
        self.writer.netfilter_header(&NetfilterHeader::new(0, u16::from(self.subsystem)));
        mark
    }

    fn close(&mut self, mark: Mark) {
        let closed = self.writer.finish_message(mark);
        debug_assert!(closed.is_ok(), "begin and end have 28 bytes at most");
    }
}

/// A batch that is ready to be sent, any number of times.
#[derive(Debug)]
pub struct Batch {
    writer: Writer,
    tags: Vec<u32>,
}

impl Batch {
    /// The whole batch, one datagram.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.writer.as_bytes()
    }

    /// How many messages there are, begin and end not counted.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.tags.len()
    }

    /// Whether there is no message.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.tags.is_empty()
    }

    /// The messages with their tags.
    pub fn messages(&self) -> impl Iterator<Item = (u32, Message<'_>)> {
        // The first is the begin, and the tags end before the end.
        let messages = Messages::new(self.as_bytes()).map_while(Result::ok).skip(1);
        self.tags.iter().copied().zip(messages)
    }

    /// One of the messages, counted from 0, to tell what the kernel has refused.
    #[must_use]
    pub fn message(&self, index: usize) -> Option<Message<'_>> {
        self.messages().nth(index).map(|(_, message)| message)
    }

    /// The tag of the message with this sequence number; none for the begin, the end and numbers not of this batch.
    #[must_use]
    pub fn tag(&self, sequence: u32) -> Option<u32> {
        self.index(sequence).and_then(|index| self.tags.get(index).copied())
    }

    pub(crate) fn index(&self, sequence: u32) -> Option<usize> {
        let index = sequence.checked_sub(self.first_sequence())? as usize;
        (index < self.tags.len()).then_some(index)
    }

    pub(crate) const fn first_sequence(&self) -> u32 {
        BEGIN_SEQUENCE + 1
    }

    pub(crate) const fn last_sequence(&self) -> u32 {
        last_sequence(self.tags.as_slice())
    }
}

/// The sequence number of the last message before the end.
#[expect(clippy::cast_possible_truncation, reason = "sequence numbers wrap around")]
const fn last_sequence(tags: &[u32]) -> u32 {
    BEGIN_SEQUENCE.wrapping_add(tags.len() as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEW_TABLE: u16 = kind::netfilter(10, 0);

    fn table(name: &'static [u8]) -> impl Fn(&mut Writer) {
        move |writer| {
            writer.netfilter_header(&NetfilterHeader::new(2, 0));
            writer.put_string(1, name);
        }
    }

    #[test]
    fn bytes_are_those_that_the_kernel_takes() {
        let mut batch = BatchBuilder::with_generation(10, 5);
        batch.push(70, NEW_TABLE, Flags::CREATE, table(b"a")).unwrap();
        batch.push(71, NEW_TABLE, Flags::CREATE, table(b"filter")).unwrap();
        let batch = batch.end();
        #[rustfmt::skip]
        let expected: &[u8] = &[
            28, 0, 0, 0, 16, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 10, 8, 0, 1, 0, 0, 0, 0, 5,
            28, 0, 0, 0, 0, 10, 5, 4, 1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 6, 0, 1, 0, b'a', 0, 0, 0,
            32, 0, 0, 0, 0, 10, 5, 4, 2, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0,
            11, 0, 1, 0, b'f', b'i', b'l', b't', b'e', b'r', 0, 0,
            20, 0, 0, 0, 17, 0, 1, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 10,
        ];
        if cfg!(target_endian = "little") {
            assert_eq!(batch.as_bytes(), expected);
        }
    }

    #[test]
    fn a_generation_can_be_forgotten() {
        let mut batch = BatchBuilder::with_generation(10, u32::MAX);
        batch.forget_generation();
        let mut plain = BatchBuilder::with_generation(10, 0);
        plain.forget_generation();
        assert_eq!(batch.end().as_bytes(), plain.end().as_bytes());
        let mut without = BatchBuilder::new(10);
        without.forget_generation();
        assert_eq!(without.end().as_bytes(), BatchBuilder::new(10).end().as_bytes());
    }

    #[test]
    fn a_message_that_cannot_be_written_is_left_out() {
        let mut batch = BatchBuilder::new(10);
        batch.push(1, NEW_TABLE, Flags::CREATE, table(b"a")).unwrap();
        let error = batch.push(2, NEW_TABLE, Flags::CREATE, |writer| writer.put(1, &[0; 1 << 16]));
        assert_eq!(error, Err(EncodeError::AttributeTooLong { kind: 1, len: (1 << 16) + 4 }));
        batch.push(3, NEW_TABLE, Flags::CREATE, table(b"b")).unwrap();
        batch.push(4, NEW_TABLE, Flags::CREATE, table(b"c")).unwrap();
        let batch = batch.end();

        let tags: Vec<_> = (0..6).map(|sequence| batch.tag(sequence)).collect();
        assert_eq!(tags, [None, Some(1), Some(3), Some(4), None, None]);
        let messages: Vec<_> =
            batch.messages().map(|(tag, message)| (tag, message.header.sequence)).collect();
        assert_eq!(messages, [(1, 1), (3, 2), (4, 3)]);
        let acks = batch.messages().map(|(_, message)| message.header.flags.contains(Flags::ACK));
        assert_eq!(acks.collect::<Vec<_>>(), [true, false, true]);
    }

    #[test]
    fn an_empty_batch_is_a_begin_and_an_end() {
        let batch = BatchBuilder::new(10).end();
        assert!(batch.is_empty());
        assert_eq!(batch.messages().count(), 0);
        let kinds = Messages::new(batch.as_bytes()).map(|message| message.unwrap().header.kind);
        assert_eq!(kinds.collect::<Vec<_>>(), [kind::BATCH_BEGIN, kind::BATCH_END]);
    }
}
