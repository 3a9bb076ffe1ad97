use super::align;
use super::attr::Attribute;
use super::error::EncodeError;
use super::header::{Flags, Header, NetfilterHeader};

const NESTED: u16 = 1 << 15;

/// Writes messages and attributes into one growing buffer; lengths are patched when a nest or message closes.
///
/// The first error sticks and is told by [`Writer::finish_message`], so the calls in between need no check.
///
/// ```
/// use nfnetlink::{Flags, Header, NetfilterHeader, Writer, kind};
///
/// let mut writer = Writer::new();
/// let header = Header { kind: kind::netfilter(10, 3), flags: Flags::REQUEST, sequence: 1, port: 0 };
/// let message = writer.begin_message(&header);
/// writer.netfilter_header(&NetfilterHeader::new(2, 0));
/// writer.put_string(1, b"filter");
/// writer.nest(4, |hook| {
///     hook.put_be_u32(1, 3);
///     hook.put_be_u32(2, 0);
/// });
/// writer.finish_message(message)?;
/// assert_eq!(writer.len(), 16 + 4 + 12 + (4 + 8 + 8));
/// # Ok::<(), nfnetlink::EncodeError>(())
/// ```
#[derive(Debug, Default)]
pub struct Writer {
    buffer: Vec<u8>,
    error: Option<EncodeError>,
}

/// Where an open message or nest began; hand it back to close it.
#[derive(Debug)]
#[must_use = "what is opened must be closed"]
pub struct Mark(usize);

macro_rules! puts {
    ($($name:ident: $type:ty, $doc:literal;)*) => { $(
        #[doc = concat!("Writes an attribute of ", $doc, ".")]
        #[inline]
        pub fn $name(&mut self, kind: u16, value: $type) {
            const LEN: usize = 4 + size_of::<$type>();
            #[expect(clippy::cast_possible_truncation, reason = "at most 12")]
            const LEN_FIELD: [u8; 2] = (LEN as u16).to_ne_bytes();
            // Header, value and padding at once: most attributes are of this kind.
            let mut attribute = [0; align(LEN)];
            attribute[..2].copy_from_slice(&LEN_FIELD);
            attribute[2..4].copy_from_slice(&kind.to_ne_bytes());
            attribute[4..LEN].copy_from_slice(&value.to_be_bytes());
            self.buffer.extend_from_slice(&attribute);
        }
    )* };
}

impl Writer {
    /// An empty writer.
    #[must_use]
    pub const fn new() -> Self {
        Self { buffer: Vec::new(), error: None }
    }

    /// An empty writer with room for `bytes` bytes.
    #[must_use]
    pub fn with_capacity(bytes: usize) -> Self {
        Self { buffer: Vec::with_capacity(bytes), error: None }
    }

    /// What has been written so far.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.buffer
    }

    /// How many bytes have been written.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.buffer.len()
    }

    /// Whether nothing has been written.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.buffer.is_empty()
    }

    /// Forgets everything, the sticky error too, and keeps the memory.
    pub fn clear(&mut self) {
        self.buffer.clear();
        self.error = None;
    }

    /// The bytes, or the first error.
    pub fn into_bytes(self) -> Result<Vec<u8>, EncodeError> {
        self.error.map_or(Ok(self.buffer), Err)
    }

    /// Notes an error; the first one is kept and told when the message is finished.
    pub fn fail(&mut self, error: EncodeError) {
        self.error.get_or_insert(error);
    }

    /// Opens a netlink message. Its length is written by [`Writer::finish_message`].
    pub fn begin_message(&mut self, header: &Header) -> Mark {
        let mark = Mark(self.buffer.len());
        self.buffer.extend_from_slice(&header.to_bytes());
        mark
    }

    /// Writes the netfilter header, which follows the netlink header in every nfnetlink message.
    #[inline]
    pub fn netfilter_header(&mut self, header: &NetfilterHeader) {
        self.buffer.extend_from_slice(&header.to_bytes());
    }

    /// Closes a message and pads it, so that the next may follow. On an error the message is taken out of the buffer again and the error returned.
    pub fn finish_message(&mut self, mark: Mark) -> Result<(), EncodeError> {
        let len = self.buffer.len().saturating_sub(mark.0);
        match u32::try_from(len) {
            Ok(len) => self.patch(mark.0, &len.to_ne_bytes()),
            Err(_) => self.fail(EncodeError::MessageTooLong(len)),
        }
        match self.error.take() {
            None => {
                self.pad();
                Ok(())
            }
            Some(error) => {
                self.buffer.truncate(mark.0);
                Err(error)
            }
        }
    }

    /// Sets more flags of the message that begins at `start`.
    pub(crate) fn add_flags(&mut self, start: usize, flags: Flags) {
        let at = start + Header::FLAGS_OFFSET;
        if let Some(&[low, high]) = self.buffer.get(at..at + 2) {
            let present = Flags(u16::from_ne_bytes([low, high]));
            self.patch(at, &(present | flags).0.to_ne_bytes());
        }
    }

    /// Writes an attribute with these bytes as its value, and pads it.
    #[inline]
    pub fn put(&mut self, kind: u16, value: &[u8]) {
        let len = value.len() + 4;
        let Ok(len16) = u16::try_from(len) else {
            return self.fail(EncodeError::AttributeTooLong { kind, len });
        };
        self.buffer.reserve(align(len));
        self.buffer.extend_from_slice(&len16.to_ne_bytes());
        self.buffer.extend_from_slice(&kind.to_ne_bytes());
        self.buffer.extend_from_slice(value);
        self.pad();
    }

    puts! {
        put_u8: u8, "one byte";
        put_be_u16: u16, "16 bits in network byte order";
        put_be_u32: u32, "32 bits in network byte order";
        put_be_u64: u64, "64 bits in network byte order";
    }

    /// Writes a string attribute with its closing NUL; text with a NUL in it is an error.
    #[inline]
    pub fn put_string(&mut self, kind: u16, text: &[u8]) {
        if text.contains(&0) {
            return self.fail(EncodeError::NotRepresentable("text with a NUL"));
        }
        let mark = self.begin(kind);
        self.buffer.extend_from_slice(text);
        self.buffer.push(0);
        self.end(mark);
    }

    /// Writes an attribute again as it was read, flags included.
    pub fn put_raw(&mut self, attribute: &Attribute<'_>) {
        self.put(attribute.raw_kind(), attribute.value);
    }

    /// Opens an attribute whose value is written by [`Writer::bytes`] and the like. No flag is set.
    #[inline]
    pub fn begin(&mut self, kind: u16) -> Mark {
        let mark = Mark(self.buffer.len());
        self.buffer.extend_from_slice(&[0, 0]);
        self.buffer.extend_from_slice(&kind.to_ne_bytes());
        mark
    }

    /// Opens a nest, with `NLA_F_NESTED` set.
    #[inline]
    pub fn begin_nest(&mut self, kind: u16) -> Mark {
        self.begin(kind | NESTED)
    }

    /// Closes an attribute or nest: its length is filled in and its end padded.
    #[inline]
    pub fn end(&mut self, mark: Mark) {
        let len = self.buffer.len().saturating_sub(mark.0);
        match u16::try_from(len) {
            Ok(len) => self.patch(mark.0, &len.to_ne_bytes()),
            Err(_) => {
                let kind = self.buffer.get(mark.0 + 2..).and_then(<[u8]>::first_chunk);
                let kind = kind.map_or(0, |kind| u16::from_ne_bytes(*kind));
                self.fail(EncodeError::AttributeTooLong { kind: kind & !NESTED, len });
            }
        }
        self.pad();
    }

    /// Writes a nest whose content `content` writes.
    #[inline]
    pub fn nest(&mut self, kind: u16, content: impl FnOnce(&mut Self)) {
        let mark = self.begin_nest(kind);
        content(self);
        self.end(mark);
    }

    /// Writes bytes as they are, for instance a prepared run of attributes.
    #[inline]
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// Writes over what is there, beginning `from_end` bytes before the end; nothing if `bytes` would go beyond it.
    #[inline]
    pub fn overwrite(&mut self, from_end: usize, bytes: &[u8]) {
        if let Some(at) = self.buffer.len().checked_sub(from_end) {
            self.patch(at, bytes);
        }
    }

    /// Pads with zeros to a multiple of `alignment` bytes since `mark`'s value began.
    pub fn pad_value(&mut self, mark: &Mark, alignment: usize) {
        let value_len = self.buffer.len().saturating_sub(mark.0 + 4);
        self.buffer.resize(mark.0 + 4 + value_len.next_multiple_of(alignment.max(1)), 0);
    }

    #[inline]
    fn pad(&mut self) {
        let aligned = align(self.buffer.len());
        self.buffer.resize(aligned, 0);
    }

    #[inline]
    pub(crate) fn patch(&mut self, at: usize, bytes: &[u8]) {
        if let Some(field) = self.buffer.get_mut(at..at + bytes.len()) {
            field.copy_from_slice(bytes);
        }
    }
}
