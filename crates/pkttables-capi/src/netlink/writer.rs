//! Writing the payload of a message: attributes, one after another and nested.

use crate::error::{pktt_error, pktt_status};
use crate::failure::{Failure, given};
use crate::ffi::{Bytes, Text, put};
use crate::guard::{handle, status};
use nfnetlink::wire::{Mark, Writer};
use nfnetlink::{EncodeError, NetfilterHeader};
use std::mem::MaybeUninit;

/// What follows the netlink header of a message: the netfilter header and attributes, in one growing buffer.
#[derive(Debug)]
pub struct pktt_writer {
    writer: Writer,
    /// The nests that are open, and where they began.
    nests: Vec<(Mark, usize)>,
    /// The length of a nest that has become too long.
    too_long: Option<EncodeError>,
}

impl pktt_writer {
    /// What is written, for the payload of a message.
    pub(crate) fn payload(&self) -> Result<&[u8], Failure> {
        match self.too_long {
            Some(error) => Err(error.into()),
            None if self.nests.is_empty() => Ok(self.writer.as_bytes()),
            None => Err(Failure::argument("a nest is still open")),
        }
    }
}

/// Writes, unless it was told before that this leads to nothing.
fn write(
    writer: Option<&mut pktt_writer>,
    error: Option<&mut pktt_error>,
    work: impl FnOnce(&mut Writer) -> Result<(), Failure>,
) -> pktt_status {
    status(error, || work(&mut given(writer, "writer")?.writer))
}

fn put_value(
    writer: Option<&mut pktt_writer>,
    kind: u16,
    value: &[u8],
    error: Option<&mut pktt_error>,
) -> pktt_status {
    write(writer, error, |writer| {
        writer.put(kind, value);
        Ok(())
    })
}

/// An attribute's header and value have to be counted in 16 bits.
fn check_length(kind: u16, value: usize) -> Result<(), EncodeError> {
    let len = value.saturating_add(4);
    if len > usize::from(u16::MAX) { Err(EncodeError::AttributeTooLong { kind, len }) } else { Ok(()) }
}

/// Makes an empty writer. To be freed with pktt_writer_free.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_writer_new() -> Option<Box<pktt_writer>> {
    handle(None, || Ok(pktt_writer { writer: Writer::new(), nests: Vec::new(), too_long: None }))
}

/// Frees a writer; NULL is nothing to free.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_writer_free(writer: Option<Box<pktt_writer>>) {
    drop(writer);
}

/// Empties a writer, so that it can be used for the next message. Nothing is done for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_writer_clear(writer: Option<&mut pktt_writer>) {
    if let Some(writer) = writer {
        writer.writer.clear();
        writer.nests.clear();
        writer.too_long = None;
    }
}

/// What is written up to now, with its length in `*len`. NULL for NULL. Lives until the writer is used again.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_writer_bytes(
    writer: Option<&pktt_writer>,
    len: Option<&mut MaybeUninit<usize>>,
) -> *const u8 {
    let Some(writer) = writer else { return std::ptr::null() };
    put(len, writer.writer.len());
    writer.writer.as_bytes().as_ptr()
}

/// Writes a netfilter header (`struct nfgenmsg`), which comes before the attributes: `family` is an NFPROTO_* number,
/// `resource` is in host byte order and 0 for most messages.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_put_netfilter_header(
    writer: Option<&mut pktt_writer>,
    family: u8,
    resource: u16,
    error: Option<&mut pktt_error>,
) -> pktt_status {
    write(writer, error, |writer| {
        writer.netfilter_header(&NetfilterHeader::new(family, resource));
        Ok(())
    })
}

/// Writes an attribute of bytes, which are not those of the writer itself.
///
/// PKTT_ERROR_TOO_LONG if they are more than 65531; PKTT_ERROR_ARGUMENT if an argument makes no sense. Nothing is
/// written then; so it is with all attributes.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_put_bytes(
    writer: Option<&mut pktt_writer>,
    kind: u16,
    bytes: Bytes<'_>,
    len: usize,
    error: Option<&mut pktt_error>,
) -> pktt_status {
    write(writer, error, |writer| {
        let bytes = bytes.get(len, "bytes")?;
        check_length(kind, bytes.len())?;
        writer.put(kind, bytes);
        Ok(())
    })
}

/// Writes an attribute of text, with a NUL at its end.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_put_string(
    writer: Option<&mut pktt_writer>,
    kind: u16,
    text: Text<'_>,
    error: Option<&mut pktt_error>,
) -> pktt_status {
    write(writer, error, |writer| {
        let text = text.get("text")?;
        check_length(kind, text.len() + 1)?;
        writer.put_string(kind, text.as_bytes());
        Ok(())
    })
}

/// Writes an attribute of one byte.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_put_u8(
    writer: Option<&mut pktt_writer>,
    kind: u16,
    value: u8,
    error: Option<&mut pktt_error>,
) -> pktt_status {
    put_value(writer, kind, &[value], error)
}

/// Writes an attribute of 16 bits in host byte order.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_put_u16(
    writer: Option<&mut pktt_writer>,
    kind: u16,
    value: u16,
    error: Option<&mut pktt_error>,
) -> pktt_status {
    put_value(writer, kind, &value.to_ne_bytes(), error)
}

/// Writes an attribute of 32 bits in host byte order.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_put_u32(
    writer: Option<&mut pktt_writer>,
    kind: u16,
    value: u32,
    error: Option<&mut pktt_error>,
) -> pktt_status {
    put_value(writer, kind, &value.to_ne_bytes(), error)
}

/// Writes an attribute of 64 bits in host byte order.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_put_u64(
    writer: Option<&mut pktt_writer>,
    kind: u16,
    value: u64,
    error: Option<&mut pktt_error>,
) -> pktt_status {
    put_value(writer, kind, &value.to_ne_bytes(), error)
}

/// Writes an attribute of 16 bits in network byte order, as nf_tables has them; `value` is in host byte order.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_put_be16(
    writer: Option<&mut pktt_writer>,
    kind: u16,
    value: u16,
    error: Option<&mut pktt_error>,
) -> pktt_status {
    put_value(writer, kind, &value.to_be_bytes(), error)
}

/// Writes an attribute of 32 bits in network byte order, as nf_tables has them; `value` is in host byte order.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_put_be32(
    writer: Option<&mut pktt_writer>,
    kind: u16,
    value: u32,
    error: Option<&mut pktt_error>,
) -> pktt_status {
    put_value(writer, kind, &value.to_be_bytes(), error)
}

/// Writes an attribute of 64 bits in network byte order, as nf_tables has them; `value` is in host byte order.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_put_be64(
    writer: Option<&mut pktt_writer>,
    kind: u16,
    value: u64,
    error: Option<&mut pktt_error>,
) -> pktt_status {
    put_value(writer, kind, &value.to_be_bytes(), error)
}

/// Begins an attribute that holds the attributes written until pktt_nest_end. Nests can be in nests.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_nest_begin(
    writer: Option<&mut pktt_writer>,
    kind: u16,
    error: Option<&mut pktt_error>,
) -> pktt_status {
    status(error, || {
        let writer = given(writer, "writer")?;
        let start = writer.writer.len();
        let mark = writer.writer.begin_nest(kind);
        writer.nests.push((mark, start));
        Ok(())
    })
}

/// Ends the nest that was begun last.
///
/// PKTT_ERROR_ARGUMENT if none is open. PKTT_ERROR_TOO_LONG if it is longer than 65535 bytes; then nothing can be made
/// of what is written, and the writer is to be cleared.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_nest_end(
    writer: Option<&mut pktt_writer>,
    error: Option<&mut pktt_error>,
) -> pktt_status {
    status(error, || {
        let pktt_writer { writer, nests, too_long } = given(writer, "writer")?;
        let (mark, start) = nests.pop().ok_or_else(|| Failure::argument("no nest is open"))?;
        let value = writer.len().saturating_sub(start).saturating_sub(4);
        writer.end(mark);
        check_length(0, value).map_err(|error| {
            *too_long = Some(error);
            error.into()
        })
    })
}
