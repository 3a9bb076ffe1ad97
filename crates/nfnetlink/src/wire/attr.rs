use super::align;
use super::error::{DecodeError, Problem};
use super::reader::Reader;

const NESTED: u16 = 1 << 15;
const NET_BYTE_ORDER: u16 = 1 << 14;
const HEADER_LEN: usize = 4;

/// One netlink attribute (`struct nlattr`), its value borrowed from the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attribute<'a> {
    kind: u16,
    /// The value without header and padding.
    pub value: &'a [u8],
    /// Where the value starts in the outermost buffer.
    pub offset: usize,
}

macro_rules! values {
    ($($name:ident: $type:ty, $doc:literal;)*) => { $(
        #[doc = concat!("The value as ", $doc, "; any other length is an error.")]
        #[inline]
        pub fn $name(&self, what: &'static str) -> Result<$type, DecodeError> {
            self.array(what).map(<$type>::from_be_bytes)
        }
    )* };
}

impl<'a> Attribute<'a> {
    /// An attribute that does not come from a buffer, for instance one to be written again.
    #[must_use]
    pub const fn new(raw_kind: u16, value: &'a [u8]) -> Self {
        Self { kind: raw_kind, value, offset: 0 }
    }

    /// The number that says what it is, without the two flag bits.
    #[must_use]
    pub const fn kind(&self) -> u16 {
        self.kind & !(NESTED | NET_BYTE_ORDER)
    }

    /// The number as it stands on the wire, with `NLA_F_NESTED` and `NLA_F_NET_BYTEORDER`.
    #[must_use]
    pub const fn raw_kind(&self) -> u16 {
        self.kind
    }

    /// Whether `NLA_F_NESTED` is set. Nested attributes of older kernels do not set it.
    #[must_use]
    pub const fn is_nested(&self) -> bool {
        self.kind & NESTED != 0
    }

    /// The value as an array; any other length is an error.
    #[inline]
    pub fn array<const N: usize>(&self, what: &'static str) -> Result<[u8; N], DecodeError> {
        self.value.try_into().map_err(|_| self.error(what, Problem::Length(self.value.len())))
    }

    values! {
        u8: u8, "one byte";
        be_u16: u16, "16 bits in network byte order";
        be_u32: u32, "32 bits in network byte order";
        be_u64: u64, "64 bits in network byte order";
    }

    /// The value as a string without its closing NUL; a NUL anywhere else is an error.
    #[inline]
    pub fn string(&self, what: &'static str) -> Result<&'a [u8], DecodeError> {
        let text = self.value.strip_suffix(&[0]).unwrap_or(self.value);
        if text.contains(&0) { Err(self.error(what, Problem::String)) } else { Ok(text) }
    }

    /// The attributes inside.
    #[must_use]
    pub const fn nested(&self) -> Attributes<'a> {
        Attributes(Reader::at(self.value, self.offset))
    }

    /// A reader over the value.
    #[must_use]
    pub const fn reader(&self) -> Reader<'a> {
        Reader::at(self.value, self.offset)
    }

    /// Where the header starts in the outermost buffer.
    pub(super) const fn start(&self) -> usize {
        self.offset.saturating_sub(HEADER_LEN)
    }

    /// An error about this attribute.
    #[must_use]
    pub const fn error(&self, what: &'static str, problem: Problem) -> DecodeError {
        DecodeError { what, problem, offset: self.offset }
    }
}

/// Iterates over a run of attributes; ends after the first malformed one.
///
/// ```
/// use nfnetlink::{Attributes, Reader, Writer};
///
/// let mut writer = Writer::new();
/// writer.put_be_u32(1, 443);
/// writer.put_string(2, b"https");
/// for attribute in Attributes::new(Reader::new(writer.as_bytes())) {
///     let attribute = attribute?;
///     match attribute.kind() {
///         1 => assert_eq!(attribute.be_u32("port")?, 443),
///         2 => assert_eq!(attribute.string("service")?, b"https"),
///         _ => {} // What a newer kernel has added.
///     }
/// }
/// # Ok::<(), nfnetlink::DecodeError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Attributes<'a>(Reader<'a>);

impl<'a> Attributes<'a> {
    /// The attributes in `reader`'s remaining bytes.
    #[must_use]
    pub const fn new(reader: Reader<'a>) -> Self {
        Self(reader)
    }

    #[inline]
    fn read(&mut self) -> Result<Attribute<'a>, DecodeError> {
        const WHAT: &str = "attribute header";
        let start = self.0;
        let len = usize::from(self.0.ne_u16(WHAT)?);
        let kind = self.0.ne_u16(WHAT)?;
        let Some(value_len) = len.checked_sub(HEADER_LEN) else {
            return Err(start.error(WHAT, Problem::Length(len)));
        };
        let offset = self.0.offset();
        let value = self.0.take(value_len, "attribute")?;
        let padding = (align(value_len) - value_len).min(self.0.remaining());
        self.0.take(padding, "padding")?;
        Ok(Attribute { kind, value, offset })
    }
}

impl<'a> Iterator for Attributes<'a> {
    type Item = Result<Attribute<'a>, DecodeError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let attribute = self.read();
        if attribute.is_err() {
            self.0.rest();
        }
        Some(attribute)
    }
}

impl std::iter::FusedIterator for Attributes<'_> {}
