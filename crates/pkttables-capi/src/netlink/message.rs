//! Reading the messages of a datagram.

use crate::error::{pktt_error, pktt_status};
use crate::failure::given;
use crate::ffi::{Bytes, give, put};
use crate::guard::{status, value_or};
use nfnetlink::wire::Reader;
use nfnetlink::{Error, Header, Message, Messages, Refusal};
use pkttnetlink::Readable;
use std::ffi::c_char;
use std::mem::MaybeUninit;
use std::ptr;

/// `NLM_F_REQUEST`: a request.
pub const PKTT_NLM_REQUEST: u16 = 0x1;
/// `NLM_F_MULTI`: part of a dump.
pub const PKTT_NLM_MULTI: u16 = 0x2;
/// `NLM_F_ACK`: the sender wants an acknowledgement.
pub const PKTT_NLM_ACK: u16 = 0x4;
/// `NLM_F_ECHO`: echo this change to the sender.
pub const PKTT_NLM_ECHO: u16 = 0x8;
/// `NLM_F_DUMP_INTR`: the dump was interrupted by a change.
pub const PKTT_NLM_DUMP_INTERRUPTED: u16 = 0x10;
/// `NLM_F_DUMP`: all entries are wanted.
pub const PKTT_NLM_DUMP: u16 = 0x300;
/// `NLM_F_REPLACE`: replace what exists.
pub const PKTT_NLM_REPLACE: u16 = 0x100;
/// `NLM_F_EXCL`: fail if it exists.
pub const PKTT_NLM_EXCL: u16 = 0x200;
/// `NLM_F_CREATE`: create if it does not exist.
pub const PKTT_NLM_CREATE: u16 = 0x400;
/// `NLM_F_APPEND`: add at the end.
pub const PKTT_NLM_APPEND: u16 = 0x800;

/// `NLMSG_NOOP`: nothing.
pub const PKTT_NLMSG_NOOP: u16 = 1;
/// `NLMSG_ERROR`: an acknowledgement or an error.
pub const PKTT_NLMSG_ERROR: u16 = 2;
/// `NLMSG_DONE`: the end of a dump.
pub const PKTT_NLMSG_DONE: u16 = 3;
/// `NLMSG_OVERRUN`: data were lost.
pub const PKTT_NLMSG_OVERRUN: u16 = 4;

/// A message of a datagram, which it points into.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct pktt_message<'a> {
    /// What it is: for netfilter the subsystem in the high byte and the message in the low one, else one of
    /// PKTT_NLMSG_*.
    pub kind: u16,
    /// `NLM_F_*`.
    pub flags: u16,
    /// The request that it answers.
    pub sequence: u32,
    /// The netlink port of the requester.
    pub port: u32,
    /// The family (`NFPROTO_*`) in the netfilter header; 0 if it has none.
    pub family: u8,
    /// The resource in the netfilter header, in host byte order; 0 if it has none.
    pub resource: u16,
    /// What follows the netlink header.
    pub payload: Bytes<'a>,
    /// How many bytes that has.
    pub payload_len: usize,
    /// What follows the netfilter header, for pktt_attribute_next; NULL if it has none.
    pub attributes: Bytes<'a>,
    /// How many bytes that has.
    pub attributes_len: usize,
}

impl<'a> pktt_message<'a> {
    pub(crate) fn of(message: &Message<'a>) -> Self {
        let mut payload = message.payload;
        let payload = payload.rest();
        let netfilter = if message.subsystem() == 0 { None } else { message.netfilter().ok() };
        let (family, resource) = netfilter.map_or((0, 0), |(header, _)| (header.family, header.resource));
        let attributes = netfilter.and_then(|_| payload.get(nfnetlink::wire::NETFILTER_HEADER_LEN..));
        Self {
            kind: message.header.kind,
            flags: message.header.flags.0,
            sequence: message.header.sequence,
            port: message.header.port,
            family,
            resource,
            payload: Bytes::of(payload),
            payload_len: payload.len(),
            attributes: attributes.map_or(Bytes::null(), Bytes::of),
            attributes_len: attributes.map_or(0, <[u8]>::len),
        }
    }
}

/// Reads the message at `*offset` of a datagram and moves `*offset`, which begins with 0, behind it.
///
/// PKTT_END at the end of the datagram; PKTT_ERROR_MALFORMED if what is there is no message.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_message_next<'a>(
    datagram: Bytes<'a>,
    len: usize,
    offset: Option<&mut usize>,
    message: Option<&mut MaybeUninit<pktt_message<'a>>>,
    error: Option<&mut pktt_error>,
) -> pktt_status {
    let mut ended = false;
    let done = status(error, || {
        let (datagram, offset) = (datagram.get(len, "datagram")?, given(offset, "offset")?);
        let rest = datagram.get(*offset..).unwrap_or_default();
        match Messages::new(rest).next() {
            None => ended = true,
            Some(next) => {
                let next = next?;
                let length = nfnetlink::wire::NETLINK_HEADER_LEN + next.payload.remaining();
                *offset += length.next_multiple_of(4);
                put(message, pktt_message::of(&next));
            }
        }
        Ok(())
    });
    if ended { pktt_status::PKTT_END } else { done }
}

/// What an answer of the kind PKTT_NLMSG_ERROR says: PKTT_OK if it acknowledges, PKTT_ERROR_REFUSED or
/// PKTT_ERROR_PERMISSION if the kernel refuses. Then the problem in `error` has the kernel's error number, its words,
/// and the offset of the attribute to blame.
///
/// PKTT_ERROR_MALFORMED if it cannot be read, PKTT_ERROR_ARGUMENT if it is of another kind.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_message_answer(
    message: Option<&pktt_message<'_>>,
    error: Option<&mut pktt_error>,
) -> pktt_status {
    status(error, || {
        let message = given(message, "message")?;
        if message.kind != PKTT_NLMSG_ERROR {
            return Err(crate::failure::Failure::argument("the message is no answer of the kind error"));
        }
        let payload = message.payload.get(message.payload_len, "payload")?;
        let header =
            Header { kind: message.kind, flags: nfnetlink::Flags(message.flags), ..Header::default() };
        match Refusal::decode(&Message { header, payload: Reader::new(payload), offset: 0 })? {
            None => Ok(()),
            Some(refusal) if refusal.errno == nfnetlink::Errno::EPERM => Err(Error::PermissionDenied.into()),
            Some(refusal) => Err(Error::Refused(refusal).into()),
        }
    })
}

/// A datagram in a readable form: each message a line, below it an attribute a line, nests indented.
///
/// To be freed with pktt_string_free. NULL, with PKTT_ERROR_ARGUMENT, if an argument makes no sense.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_datagram_text(
    datagram: Bytes<'_>,
    len: usize,
    error: Option<&mut pktt_error>,
) -> *mut c_char {
    value_or(error, ptr::null_mut(), || Ok(give(&Readable(datagram.get(len, "datagram")?).to_string())))
}
