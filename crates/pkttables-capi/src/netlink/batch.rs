//! Batches: messages that the kernel applies all or not at all.

use super::writer::pktt_writer;
use crate::error::{pktt_error, pktt_status};
use crate::failure::{Failure, given};
use crate::ffi::put;
use crate::guard::{get, handle, status};
use nfnetlink::{Batch, BatchBuilder, Flags};
use std::mem::MaybeUninit;
use std::ptr;

/// Messages of one subsystem that the kernel applies all or not at all.
#[derive(Debug)]
pub struct pktt_batch {
    /// None once the batch has ended.
    builder: Option<BatchBuilder>,
    ended: Option<Batch>,
}

impl pktt_batch {
    /// Ends the batch, if that is not done yet.
    pub(crate) fn end(&mut self) -> &Batch {
        let builder = &mut self.builder;
        self.ended.get_or_insert_with(|| builder.take().unwrap_or_else(|| BatchBuilder::new(0)).end())
    }
}

/// Begins a batch for a subsystem (`NFNL_SUBSYS_*`), 10 for nf_tables. If `generation` is not NULL, the kernel refuses
/// the batch with PKTT_ERROR_CHANGED where its generation is another one by then.
///
/// To be freed with pktt_batch_free.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_batch_new(subsystem: u8, generation: Option<&u32>) -> Option<Box<pktt_batch>> {
    handle(None, || {
        let builder = match generation {
            None => BatchBuilder::new(subsystem),
            Some(generation) => BatchBuilder::with_generation(subsystem, *generation),
        };
        Ok(pktt_batch { builder: Some(builder), ended: None })
    })
}

/// Frees a batch; NULL is nothing to free.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_batch_free(batch: Option<Box<pktt_batch>>) {
    drop(batch);
}

/// Adds a message: `kind` has the subsystem in its high byte and the message in the low one, `flags` are NLM_F_*
/// (PKTT_NLM_REQUEST is set anyway), `payload` is what follows the netlink header and is copied. A failure names the
/// message by `tag`. Sequence numbers are given by the batch.
///
/// PKTT_ERROR_ARGUMENT if a nest of the payload is still open, or the batch was sent already; PKTT_ERROR_TOO_LONG if
/// the message is longer than netlink can carry. Nothing is added then.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_batch_add(
    batch: Option<&mut pktt_batch>,
    tag: u32,
    kind: u16,
    flags: u16,
    payload: Option<&pktt_writer>,
    error: Option<&mut pktt_error>,
) -> pktt_status {
    status(error, || {
        let payload = given(payload, "payload")?.payload()?;
        let builder = given(batch, "batch")?.builder.as_mut();
        let builder = builder.ok_or_else(|| Failure::argument("the batch was sent already"))?;
        Ok(builder.push(tag, kind, Flags(flags), |writer| writer.bytes(payload))?)
    })
}

/// How many messages it has, begin and end not counted; 0 for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_batch_count(batch: Option<&pktt_batch>) -> usize {
    let Some(pktt_batch { builder, ended }) = batch else { return 0 };
    builder.as_ref().map(BatchBuilder::len).or_else(|| ended.as_ref().map(Batch::len)).unwrap_or_default()
}

/// Ends the batch, if that is not done yet, and gives it as one datagram, for pktt_socket_send, with its length in
/// `*len`. Nothing can be added after that.
///
/// Lives as long as the batch. NULL for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_batch_bytes(
    batch: Option<&mut pktt_batch>,
    len: Option<&mut MaybeUninit<usize>>,
) -> *const u8 {
    get(ptr::null(), || {
        let Some(batch) = batch else { return ptr::null() };
        let bytes = batch.end().as_bytes();
        put(len, bytes.len());
        bytes.as_ptr()
    })
}
