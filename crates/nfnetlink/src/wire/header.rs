use super::align;
use super::attr::{Attribute, Attributes};
use super::error::{DecodeError, Problem};
use super::reader::Reader;

/// Length of `struct nlmsghdr`.
pub const NETLINK_HEADER_LEN: usize = 16;
/// Length of `struct nfgenmsg`.
pub const NETFILTER_HEADER_LEN: usize = 4;

/// Message kinds of netlink itself and of nfnetlink's batches (`linux/netlink.h`, `linux/netfilter/nfnetlink.h`).
pub mod kind {
    /// Nothing.
    pub const NOOP: u16 = 1;
    /// An acknowledgement (code 0) or an error.
    pub const ERROR: u16 = 2;
    /// The end of a dump.
    pub const DONE: u16 = 3;
    /// Data were lost.
    pub const OVERRUN: u16 = 4;
    /// Opens a batch.
    pub const BATCH_BEGIN: u16 = 0x10;
    /// Closes a batch.
    pub const BATCH_END: u16 = 0x11;

    /// The kind of a netfilter message: the subsystem (`NFNL_SUBSYS_*`) and the message number within it.
    #[must_use]
    pub const fn netfilter(subsystem: u8, command: u8) -> u16 {
        u16::from_be_bytes([subsystem, command])
    }
}

/// Flags of a netlink message (`NLM_F_*`). Some bits mean different things by message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Flags(pub u16);

impl Flags {
    /// A request.
    pub const REQUEST: Self = Self(0x1);
    /// Part of a dump that ends with [`kind::DONE`].
    pub const MULTI: Self = Self(0x2);
    /// The sender wants an acknowledgement.
    pub const ACK: Self = Self(0x4);
    /// Echo this change to the sender.
    pub const ECHO: Self = Self(0x8);
    /// The dump was interrupted by a change and is not consistent.
    pub const DUMP_INTERRUPTED: Self = Self(0x10);
    /// All entries are wanted.
    pub const DUMP: Self = Self(0x300);
    /// Replace what exists.
    pub const REPLACE: Self = Self(0x100);
    /// Fail if it exists.
    pub const EXCL: Self = Self(0x200);
    /// Create if it does not exist.
    pub const CREATE: Self = Self(0x400);
    /// Add at the end.
    pub const APPEND: Self = Self(0x800);
    /// Do not delete recursively (deletions).
    pub const NONREC: Self = Self(0x100);
    /// The request is left out of the error message (errors and acks).
    pub const CAPPED: Self = Self(0x100);
    /// Extended acknowledgement attributes follow (errors and acks).
    pub const ACK_TLVS: Self = Self(0x200);

    /// Whether all bits of `other` are set.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

impl std::ops::BitOr for Flags {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// `struct nlmsghdr` without its length, which the framing keeps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// What the message is; for nfnetlink, subsystem in the high byte and message in the low one.
    pub kind: u16,
    /// `NLM_F_*`.
    pub flags: Flags,
    /// The request this belongs to.
    pub sequence: u32,
    /// The netlink port of the requester.
    pub port: u32,
}

impl Header {
    /// Where the flags are in `struct nlmsghdr`.
    pub(super) const FLAGS_OFFSET: usize = 6;

    pub(super) fn to_bytes(self) -> [u8; NETLINK_HEADER_LEN] {
        let mut bytes = [0; NETLINK_HEADER_LEN];
        bytes[4..6].copy_from_slice(&self.kind.to_ne_bytes());
        bytes[6..8].copy_from_slice(&self.flags.0.to_ne_bytes());
        bytes[8..12].copy_from_slice(&self.sequence.to_ne_bytes());
        bytes[12..16].copy_from_slice(&self.port.to_ne_bytes());
        bytes
    }
}

/// `struct nfgenmsg`: the header of every nfnetlink message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NetfilterHeader {
    /// Protocol family (`NFPROTO_*`).
    pub family: u8,
    /// Always 0 (`NFNETLINK_V0`).
    pub version: u8,
    /// Depends on the subsystem: batch target, generation, queue number.
    pub resource: u16,
}

impl NetfilterHeader {
    /// A header of version 0.
    #[must_use]
    pub const fn new(family: u8, resource: u16) -> Self {
        Self { family, version: 0, resource }
    }

    pub(super) const fn to_bytes(self) -> [u8; NETFILTER_HEADER_LEN] {
        let [high, low] = self.resource.to_be_bytes();
        [self.family, self.version, high, low]
    }
}

/// One netlink message, its payload borrowed from the datagram.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    /// The header.
    pub header: Header,
    /// What follows the header, padding excluded.
    pub payload: Reader<'a>,
    /// Where the message starts in the datagram.
    pub offset: usize,
}

impl<'a> Message<'a> {
    /// The nfnetlink subsystem.
    #[must_use]
    pub const fn subsystem(&self) -> u8 {
        self.header.kind.to_be_bytes()[0]
    }

    /// The message number within the subsystem.
    #[must_use]
    pub const fn command(&self) -> u8 {
        self.header.kind.to_be_bytes()[1]
    }

    /// Splits the payload of an nfnetlink message into its header and its attributes.
    pub fn netfilter(&self) -> Result<(NetfilterHeader, Attributes<'a>), DecodeError> {
        const WHAT: &str = "netfilter header";
        let mut payload = self.payload;
        let header = NetfilterHeader {
            family: payload.u8(WHAT)?,
            version: payload.u8(WHAT)?,
            resource: payload.be_u16(WHAT)?,
        };
        Ok((header, Attributes::new(payload)))
    }

    /// The attribute at `offset` bytes from the start of the message, after those it is nested in.
    ///
    /// The kernel's extended acknowledgements point at an attribute this way. Empty if there is none.
    #[must_use]
    pub fn attributes_at(&self, offset: u32) -> Vec<Attribute<'a>> {
        let target = self.offset.saturating_add(offset as usize);
        let mut path = Vec::new();
        let mut level = self.netfilter().ok().map(|(_, attributes)| attributes);
        while let Some(attributes) = level.take() {
            let reaches = |attribute: &Attribute<'_>| attribute.offset + attribute.value.len() > target;
            let found = attributes.map_while(Result::ok).find(|a| a.start() == target || reaches(a));
            if let Some(attribute) = found.filter(|attribute| attribute.start() <= target) {
                path.push(attribute);
                level = (attribute.start() < target).then(|| attribute.nested());
            }
        }
        path
    }
}

/// Iterates over the messages of a datagram; ends after the first malformed one.
///
/// ```
/// use nfnetlink::{BatchBuilder, Messages, kind};
///
/// let batch = BatchBuilder::new(10).end();
/// let mut messages = Messages::new(batch.as_bytes());
/// let begin = messages.next().unwrap()?;
/// assert_eq!(begin.header.kind, kind::BATCH_BEGIN);
/// assert_eq!(begin.netfilter()?.0.resource, 10);
/// assert_eq!(messages.next().unwrap()?.header.kind, kind::BATCH_END);
/// assert!(messages.next().is_none());
/// # Ok::<(), nfnetlink::DecodeError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Messages<'a>(Reader<'a>);

impl<'a> Messages<'a> {
    /// The messages in `datagram`.
    #[must_use]
    pub const fn new(datagram: &'a [u8]) -> Self {
        Self(Reader::new(datagram))
    }

    fn read(&mut self) -> Result<Message<'a>, DecodeError> {
        const WHAT: &str = "netlink header";
        let start = self.0;
        let len = self.0.ne_u32(WHAT)? as usize;
        let header = Header {
            kind: self.0.ne_u16(WHAT)?,
            flags: Flags(self.0.ne_u16(WHAT)?),
            sequence: self.0.ne_u32(WHAT)?,
            port: self.0.ne_u32(WHAT)?,
        };
        let Some(payload_len) = len.checked_sub(NETLINK_HEADER_LEN) else {
            return Err(start.error(WHAT, Problem::Length(len)));
        };
        let payload = self.0.sub(payload_len, "netlink message")?;
        let padding = (align(payload_len) - payload_len).min(self.0.remaining());
        self.0.take(padding, "padding")?;
        Ok(Message { header, payload, offset: start.offset() })
    }
}

impl<'a> Iterator for Messages<'a> {
    type Item = Result<Message<'a>, DecodeError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let message = self.read();
        if message.is_err() {
            self.0.rest();
        }
        Some(message)
    }
}

impl std::iter::FusedIterator for Messages<'_> {}
