use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;

use nfnetlink::wire::{Attribute, Writer};

/// A C string: bytes without NUL, usually UTF-8.
///
/// Whatever follows a NUL in what it is made from is cut off. Its `Display` replaces bytes that are not
/// UTF-8; [`Text::as_bytes`] loses nothing.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text<'a>(Cow<'a, [u8]>);

impl<'a> Text<'a> {
    /// The text in these bytes, up to their first NUL.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(Cow::Borrowed(bytes.split(|&byte| byte == 0).next().unwrap_or_default()))
    }

    /// The bytes, without a closing NUL.
    #[inline]
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The text, if it is UTF-8.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        str::from_utf8(&self.0).ok()
    }

    /// The text, with what is not UTF-8 replaced.
    #[must_use]
    pub fn to_string_lossy(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.0)
    }

    /// The same text, independent of what it was decoded from.
    #[must_use]
    pub fn into_owned(self) -> Text<'static> {
        Text(Cow::Owned(self.0.into_owned()))
    }

    /// The text of a string attribute, which has been checked to hold no NUL.
    #[inline]
    pub(crate) const fn checked(bytes: &'a [u8]) -> Self {
        Self(Cow::Borrowed(bytes))
    }
}

impl<'a> From<&'a str> for Text<'a> {
    fn from(text: &'a str) -> Self {
        Self::new(text.as_bytes())
    }
}

impl From<String> for Text<'_> {
    fn from(text: String) -> Self {
        let mut bytes = text.into_bytes();
        bytes.truncate(bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len()));
        Self(Cow::Owned(bytes))
    }
}

impl PartialEq<str> for Text<'_> {
    fn eq(&self, other: &str) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl PartialEq<&str> for Text<'_> {
    fn eq(&self, other: &&str) -> bool {
        self == *other
    }
}

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_string_lossy())
    }
}

impl fmt::Debug for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.escape_ascii())
    }
}

/// Bytes whose meaning lies elsewhere. Its `Display` is hexadecimal.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bytes<'a>(Cow<'a, [u8]>);

impl<'a> Bytes<'a> {
    /// These bytes, borrowed.
    #[inline]
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self(Cow::Borrowed(bytes))
    }

    /// The same bytes, independent of what they were decoded from.
    #[must_use]
    pub fn into_owned(self) -> Bytes<'static> {
        Bytes(Cow::Owned(self.0.into_owned()))
    }
}

impl Deref for Bytes<'_> {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl<'a> From<&'a [u8]> for Bytes<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self::new(bytes)
    }
}

impl<'a, const N: usize> From<&'a [u8; N]> for Bytes<'a> {
    fn from(bytes: &'a [u8; N]) -> Self {
        Self::new(bytes)
    }
}

impl From<Vec<u8>> for Bytes<'_> {
    fn from(bytes: Vec<u8>) -> Self {
        Self(Cow::Owned(bytes))
    }
}

impl fmt::Display for Bytes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("(empty)");
        }
        f.write_str("0x")?;
        self.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Bytes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A number that stands on the wire in host byte order, unlike most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostOrder(
    /// The number.
    pub u32,
);

/// An attribute that the type around it does not know, kept as it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RawAttribute<'a> {
    /// Its number as it stands on the wire, with the two flag bits.
    pub raw_kind: u16,
    /// Its value.
    pub value: Bytes<'a>,
}

impl RawAttribute<'_> {
    /// The same attribute, independent of what it was decoded from.
    #[must_use]
    pub fn into_owned(self) -> RawAttribute<'static> {
        RawAttribute { raw_kind: self.raw_kind, value: self.value.into_owned() }
    }

    #[inline]
    pub(crate) fn encode(&self, writer: &mut Writer) {
        writer.put(self.raw_kind, &self.value);
    }
}

impl<'a> From<&Attribute<'a>> for RawAttribute<'a> {
    fn from(attribute: &Attribute<'a>) -> Self {
        Self { raw_kind: attribute.raw_kind(), value: Bytes::new(attribute.value) }
    }
}
