use super::sets::Sets;
use crate::domain::SetName;
use crate::model::Family;
use nfnetlink::wire::{DecodeError, EncodeError, Problem, Reader};
use std::net::{IpAddr, Ipv4Addr};
use std::ops::{Deref, DerefMut};

/// Writes an extension's kernel structure (`struct xt_*_info`), integers in host byte order unless said.
pub struct InfoWriter<'a> {
    out: &'a mut Vec<u8>,
    start: usize,
    family: Family,
    sets: &'a dyn Sets,
    error: Option<InfoError>,
}

/// Reads an extension's kernel structure: a [`Reader`] that can also find out what the kernel's numbers mean.
pub struct InfoReader<'a> {
    reader: Reader<'a>,
    sets: &'a dyn Sets,
}

/// Why an extension cannot be written as a kernel structure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InfoError {
    /// The structure's revision cannot hold the value.
    #[error(transparent)]
    Layout(#[from] EncodeError),
    /// The structure refers to a set by number, and there is no set of this name.
    #[error("Set {0} doesn't exist.")]
    UnknownSet(SetName),
    /// The set of this name holds addresses of another family.
    #[error("The protocol family of set {0} is not that of the rule.")]
    SetFamily(SetName),
}

impl<'a> InfoWriter<'a> {
    /// Appends to `out`, for a rule of `family`; alignment counts from here. `sets` tells the numbers of sets.
    pub fn new(out: &'a mut Vec<u8>, family: Family, sets: &'a dyn Sets) -> Self {
        let start = out.len();
        Self { out, start, family, sets, error: None }
    }

    /// The family of the rule.
    #[must_use]
    pub const fn family(&self) -> Family {
        self.family
    }

    /// How many bytes of the structure have been written.
    #[must_use]
    pub fn len(&self) -> usize {
        self.out.len() - self.start
    }

    /// Whether nothing has been written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes as they are.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    /// One byte.
    pub fn u8(&mut self, value: u8) {
        self.out.push(value);
    }

    /// 16 bits in host byte order.
    pub fn ne_u16(&mut self, value: u16) {
        self.bytes(&value.to_ne_bytes());
    }

    /// 32 bits in host byte order.
    pub fn ne_u32(&mut self, value: u32) {
        self.bytes(&value.to_ne_bytes());
    }

    /// 64 bits in host byte order.
    pub fn ne_u64(&mut self, value: u64) {
        self.bytes(&value.to_ne_bytes());
    }

    /// 16 bits in network byte order.
    pub fn be_u16(&mut self, value: u16) {
        self.bytes(&value.to_be_bytes());
    }

    /// 32 bits in network byte order.
    pub fn be_u32(&mut self, value: u32) {
        self.bytes(&value.to_be_bytes());
    }

    /// A fixed-size string field, filled up with NULs; what does not fit is cut off.
    pub fn c_string(&mut self, text: &[u8], size: usize) {
        let end = self.out.len() + size;
        self.bytes(text.get(..size).unwrap_or(text));
        self.out.resize(end, 0);
    }

    /// Zeros.
    pub fn zeros(&mut self, count: usize) {
        self.out.resize(self.out.len() + count, 0);
    }

    /// Zeros up to the next multiple of `alignment` within the structure.
    pub fn align(&mut self, alignment: usize) {
        self.out.resize(self.start + self.len().next_multiple_of(alignment), 0);
    }

    /// An address as `union nf_inet_addr`: 16 bytes, of which IPv4 fills the first four.
    pub fn inet_addr(&mut self, address: IpAddr) {
        match address {
            IpAddr::V4(address) => {
                self.bytes(&address.octets());
                self.zeros(12);
            }
            IpAddr::V6(address) => self.bytes(&address.octets()),
        }
    }

    /// The number of a set, 16 bits in host byte order.
    ///
    /// If there is no such set it is kept in mind and told by [`InfoWriter::finish`].
    pub fn set_index(&mut self, name: &SetName) {
        let found = self.sets.find(name);
        match found.map(|set| set.family) {
            None => _ = self.error.get_or_insert(InfoError::UnknownSet(*name)),
            Some(Some(family)) if family != self.family => {
                self.error.get_or_insert(InfoError::SetFamily(*name));
            }
            Some(_) => {}
        }
        self.ne_u16(found.map_or(SetName::NO_INDEX, |set| set.index));
    }

    /// Ends the structure; an error if it refers to a set that does not exist or is of another family.
    pub fn finish(self) -> Result<(), InfoError> {
        self.error.map_or(Ok(()), Err)
    }
}

impl<'a> InfoReader<'a> {
    /// Reads what `reader` holds. `sets` tells the names of sets.
    #[must_use]
    pub const fn new(reader: Reader<'a>, sets: &'a dyn Sets) -> Self {
        Self { reader, sets }
    }

    /// An address of `family` in `union nf_inet_addr`: 16 bytes, of which IPv4 uses the first four.
    pub fn inet_addr(&mut self, family: Family, what: &'static str) -> Result<IpAddr, DecodeError> {
        let octets: [u8; 16] = self.reader.array(what)?;
        let [a, b, c, d, ..] = octets;
        Ok(match family {
            Family::Ipv4 => Ipv4Addr::new(a, b, c, d).into(),
            Family::Ipv6 => octets.into(),
        })
    }

    /// A set by its number, 16 bits in host byte order; `None` for the number that no set has, and an error if
    /// nothing is known of the number.
    pub fn set_name(&mut self, what: &'static str) -> Result<Option<SetName>, DecodeError> {
        let at = self.reader;
        match self.reader.ne_u16(what)? {
            SetName::NO_INDEX => Ok(None),
            index => match self.sets.name(index) {
                Some(name) => Ok(Some(name)),
                None => Err(at.error(what, Problem::Value(index.into()))),
            },
        }
    }
}

impl<'a> Deref for InfoReader<'a> {
    type Target = Reader<'a>;

    fn deref(&self) -> &Self::Target {
        &self.reader
    }
}

impl DerefMut for InfoReader<'_> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.reader
    }
}
