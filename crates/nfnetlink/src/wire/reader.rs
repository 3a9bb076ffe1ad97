use super::error::{DecodeError, Problem};

/// A cursor over borrowed bytes: every read is checked and names what it was for.
///
/// ```
/// use nfnetlink::Reader;
/// use nfnetlink::wire::Problem;
///
/// let mut reader = Reader::new(&[0, 80, 1]);
/// assert_eq!(reader.be_u16("port"), Ok(80));
/// let error = reader.be_u16("mask").unwrap_err();
/// assert_eq!(error.to_string(), "mask: 2 bytes needed, 1 left at byte 2");
/// assert_eq!(reader.finish("range").unwrap_err().problem, Problem::Leftover(1));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    offset: usize,
}

macro_rules! integers {
    ($($name:ident: $type:ty = $from:ident, $order:literal;)*) => { $(
        #[doc = concat!("Reads a `", stringify!($type), "` in ", $order, " byte order.")]
        #[inline]
        pub fn $name(&mut self, what: &'static str) -> Result<$type, DecodeError> {
            self.array(what).map(<$type>::$from)
        }
    )* };
}

impl<'a> Reader<'a> {
    /// Starts at the first byte; error offsets count from here.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self::at(bytes, 0)
    }

    /// Like [`Reader::new`], for bytes that lie `offset` bytes into a larger buffer.
    #[must_use]
    pub const fn at(bytes: &'a [u8], offset: usize) -> Self {
        Self { bytes, offset }
    }

    /// How many bytes are left.
    #[must_use]
    pub const fn remaining(&self) -> usize {
        self.bytes.len()
    }

    /// The offset of the next byte in the outermost buffer.
    #[must_use]
    pub const fn offset(&self) -> usize {
        self.offset
    }

    /// Whether nothing is left.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Takes the next `len` bytes.
    #[inline]
    pub fn take(&mut self, len: usize, what: &'static str) -> Result<&'a [u8], DecodeError> {
        let Some((head, tail)) = self.bytes.split_at_checked(len) else {
            return Err(self.error(what, Problem::Truncated { needed: len, available: self.bytes.len() }));
        };
        self.bytes = tail;
        self.offset += len;
        Ok(head)
    }

    /// Takes the next `N` bytes as an array.
    #[inline]
    pub fn array<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N], DecodeError> {
        let Some((head, tail)) = self.bytes.split_first_chunk::<N>() else {
            return Err(self.error(what, Problem::Truncated { needed: N, available: self.bytes.len() }));
        };
        self.bytes = tail;
        self.offset += N;
        Ok(*head)
    }

    integers! {
        u8: u8 = from_ne_bytes, "no";
        ne_u16: u16 = from_ne_bytes, "host";
        ne_u32: u32 = from_ne_bytes, "host";
        ne_u64: u64 = from_ne_bytes, "host";
        be_u16: u16 = from_be_bytes, "network";
        be_u32: u32 = from_be_bytes, "network";
        be_u64: u64 = from_be_bytes, "network";
    }

    /// Takes a fixed-size C string: the bytes before its first NUL. A field without NUL is taken whole.
    pub fn c_string(&mut self, size: usize, what: &'static str) -> Result<&'a [u8], DecodeError> {
        let field = self.take(size, what)?;
        Ok(field.split(|&byte| byte == 0).next().unwrap_or_default())
    }

    /// Takes a reader over the next `len` bytes.
    pub fn sub(&mut self, len: usize, what: &'static str) -> Result<Self, DecodeError> {
        let offset = self.offset;
        self.take(len, what).map(|bytes| Self::at(bytes, offset))
    }

    /// Takes everything that is left.
    #[inline]
    pub fn rest(&mut self) -> &'a [u8] {
        self.offset += self.bytes.len();
        std::mem::take(&mut self.bytes)
    }

    /// Ends reading; bytes that nothing has claimed are an error.
    pub fn finish(self, what: &'static str) -> Result<(), DecodeError> {
        match self.bytes.len() {
            0 => Ok(()),
            left => Err(self.error(what, Problem::Leftover(left))),
        }
    }

    /// An error at the current position.
    #[must_use]
    pub const fn error(&self, what: &'static str, problem: Problem) -> DecodeError {
        DecodeError { what, problem, offset: self.offset }
    }
}
