use nfnetlink::wire::{DecodeError, EncodeError, Reader};

use crate::Bytes;

/// Reads what programs keep with tables, chains, rules, sets and elements: entries of type, length, value.
///
/// The kernel only stores these bytes; the format is that of libnftnl (one byte of type, one of length), and
/// what the types mean depends on the object. Iteration ends after the first malformed entry.
#[derive(Clone, Copy, Debug)]
pub struct UserData<'a>(Reader<'a>);

impl<'a> UserData<'a> {
    /// The comment of a table, chain, rule, object or element; its value ends with NUL.
    pub const COMMENT: u8 = 0;
    /// The comment of a set.
    pub const SET_COMMENT: u8 = 7;
    /// How much the kernel stores with a rule, set or element (`NFT_USERDATA_MAXLEN`).
    pub const MAX_LEN: usize = 256;

    /// The entries in these bytes.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self(Reader::new(bytes))
    }

    /// The value of the first entry of this type, if the bytes up to it are well-formed.
    #[must_use]
    pub fn find(self, kind: u8) -> Option<&'a [u8]> {
        self.map_while(Result::ok).find(|entry| entry.kind == kind).map(|entry| entry.value)
    }

    /// The comment of a table, chain, rule, object or element.
    #[must_use]
    pub fn comment(self) -> Option<&'a [u8]> {
        self.find(Self::COMMENT).map(|value| value.strip_suffix(&[0]).unwrap_or(value))
    }

    /// User data that hold nothing but a comment.
    pub fn with_comment(comment: &str) -> Result<Bytes<'static>, EncodeError> {
        let value = [comment.as_bytes(), &[0]].concat();
        UserDataEntry { kind: Self::COMMENT, value: &value }.encode(Vec::new()).map(Bytes::from)
    }

    fn read(&mut self) -> Result<UserDataEntry<'a>, DecodeError> {
        const WHAT: &str = "user data";
        let kind = self.0.u8(WHAT)?;
        let len = self.0.u8(WHAT)?;
        Ok(UserDataEntry { kind, value: self.0.take(len.into(), WHAT)? })
    }
}

impl<'a> Iterator for UserData<'a> {
    type Item = Result<UserDataEntry<'a>, DecodeError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let entry = self.read();
        if entry.is_err() {
            self.0.rest();
        }
        Some(entry)
    }
}

/// One entry of user data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UserDataEntry<'a> {
    /// What it is; depends on the object.
    pub kind: u8,
    /// Its value, at most 255 bytes.
    pub value: &'a [u8],
}

impl UserDataEntry<'_> {
    /// Appends the entry to the user data before it.
    pub fn encode(&self, mut data: Vec<u8>) -> Result<Vec<u8>, EncodeError> {
        let len = u8::try_from(self.value.len()).ok();
        match len.filter(|_| data.len() + 2 + self.value.len() <= UserData::MAX_LEN) {
            None => Err(EncodeError::NotRepresentable("user data of more than 256 bytes")),
            Some(len) => {
                data.extend_from_slice(&[self.kind, len]);
                data.extend_from_slice(self.value);
                Ok(data)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn comment_is_what_nft_stores() {
        let data = UserData::with_comment("hello").unwrap();
        assert_eq!(*data, *b"\x00\x06hello\0");
        assert_eq!(UserData::new(&data).comment(), Some(&b"hello"[..]));
        assert!(UserData::with_comment(&"x".repeat(253)).is_ok());
        assert!(UserData::with_comment(&"x".repeat(254)).is_err());
    }

    #[test]
    fn cut_entry_is_an_error() {
        let entries: Vec<_> = UserData::new(b"\x00\x01a\x07\x09x").collect();
        assert_eq!(entries.len(), 2);
        assert_eq!(entries[0].unwrap(), UserDataEntry { kind: 0, value: b"a" });
        assert!(entries[1].is_err());
    }

    proptest! {
        #[test]
        fn entries_read_back(entries in proptest::collection::vec((any::<u8>(), proptest::collection::vec(any::<u8>(), 0..60)), 0..4)) {
            let mut data = Vec::new();
            for (kind, value) in &entries {
                data = UserDataEntry { kind: *kind, value }.encode(data).unwrap();
            }
            let read: Vec<_> = UserData::new(&data).map(|entry| entry.map(|entry| (entry.kind, entry.value.to_vec())).unwrap()).collect();
            prop_assert_eq!(read, entries);
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = UserData::new(&bytes).count();
            let _ = UserData::new(&bytes).comment();
        }
    }
}
