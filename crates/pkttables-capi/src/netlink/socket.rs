//! Sockets: requests, dumps and batches, and datagrams as they are.

use super::batch::pktt_batch;
use super::message::pktt_message;
use super::writer::pktt_writer;
use crate::error::pktt_status::PKTT_ERROR_STOPPED;
use crate::error::{pktt_error, pktt_status};
use crate::failure::{Failure, given};
use crate::ffi::{Bytes, put};
use crate::guard::{handle, status};
use crate::kernel::pktt_kernel;
use crate::link::{Link, timeout};
use nfnetlink::{Connection, Error, Flags, Message, Transport as _};
use std::ffi::c_void;
use std::mem::MaybeUninit;

/// A socket to the netfilter subsystems of a kernel.
#[derive(Debug)]
pub struct pktt_socket(Connection<Link>);

/// A multicast group of netfilter: what a socket can be told of.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum pktt_group {
    /// New connections.
    PKTT_GROUP_CONNTRACK_NEW = 1,
    /// Changed connections.
    PKTT_GROUP_CONNTRACK_UPDATE = 2,
    /// Ended connections.
    PKTT_GROUP_CONNTRACK_DESTROY = 3,
    /// Changes of the ruleset of nf_tables.
    PKTT_GROUP_NFTABLES = 7,
    /// Packets that pass traced rules.
    PKTT_GROUP_NFTRACE = 9,
}

/// Is called with each message of an answer and with the caller's own pointer. To go on it gives 0; anything else
/// stops the call, which gives PKTT_ERROR_STOPPED then. The message lives during the call. The socket is not to be
/// used meanwhile, and no C++ exception may leave it.
pub type pktt_message_callback =
    Option<extern "C" fn(message: *const pktt_message<'_>, user: *mut c_void) -> i32>;

/// Why an answer was not read to its end.
enum Stop {
    Asked,
    Failed(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl From<Stop> for Failure {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Asked => Self::new(PKTT_ERROR_STOPPED, "the callback has stopped the call"),
            Stop::Failed(error) => error.into(),
        }
    }
}

fn call(each: pktt_message_callback, user: *mut c_void, message: &Message<'_>) -> Result<(), Stop> {
    let Some(each) = each else { return Ok(()) };
    if each(&pktt_message::of(message), user) == 0 { Ok(()) } else { Err(Stop::Asked) }
}

/// Sends a request with a payload and works on what comes back.
fn ask(
    socket: Option<&mut pktt_socket>,
    payload: Option<&pktt_writer>,
    error: Option<&mut pktt_error>,
    work: impl FnOnce(&mut Connection<Link>, &[u8]) -> Result<(), Failure>,
) -> pktt_status {
    status(error, || {
        let payload = given(payload, "payload")?.payload()?;
        work(&mut given(socket, "socket")?.0, payload)
    })
}

/// Opens a socket to the running kernel, in the network namespace of the calling thread, or to the embedded kernel that
/// `kernel` is connected to. `kernel` may be NULL, which means the running one.
///
/// To be freed with pktt_socket_free. NULL, with PKTT_ERROR_SYSTEM, if none can be opened.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_socket_open(
    kernel: Option<&pktt_kernel>,
    error: Option<&mut pktt_error>,
) -> Option<Box<pktt_socket>> {
    handle(error, || {
        let link = match kernel.and_then(|kernel| kernel.embedded.as_ref()) {
            Some(embedded) => Link::Embedded(embedded.connect()),
            None => Link::open()?,
        };
        Ok(pktt_socket(Connection::new(link)))
    })
}

/// Closes a socket; NULL is nothing to close.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_socket_free(socket: Option<Box<pktt_socket>>) {
    drop(socket);
}

/// The netlink port that requests come from; 0 for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_socket_port(socket: Option<&pktt_socket>) -> u32 {
    socket.map_or(0, |socket| socket.0.transport().port())
}

/// The descriptor to wait on with poll; -1 for one to an embedded kernel, or for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_socket_descriptor(socket: Option<&pktt_socket>) -> i32 {
    socket.map_or(-1, |socket| socket.0.transport().descriptor())
}

/// Sets how many milliseconds are waited for an answer; without end if it is less than 0. At first it is 10 seconds.
///
/// PKTT_ERROR_SYSTEM if the system refuses.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_socket_set_timeout(
    socket: Option<&mut pktt_socket>,
    milliseconds: i32,
    error: Option<&mut pktt_error>,
) -> pktt_status {
    status(error, || Ok(given(socket, "socket")?.0.transport_mut().set_timeout(timeout(milliseconds))?))
}

/// Has the socket receive, too, what is told to a multicast group of netfilter, from now on: one of pktt_group, or any
/// other number of `linux/netfilter/nfnetlink.h`. Of an embedded kernel's groups only PKTT_GROUP_NFTABLES ever tells.
///
/// Events come in datagrams of pktt_socket_receive, as messages with the port and the sequence number of whoever made the
/// change. Requests, dumps and batches on the same socket pass over those that come between: use one socket to listen
/// and another one to ask. How many wait is limited; then PKTT_ERROR_LOST is received once.
///
/// PKTT_ERROR_SYSTEM or PKTT_ERROR_PERMISSION if the system refuses.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_socket_join(
    socket: Option<&mut pktt_socket>,
    group: u32,
    error: Option<&mut pktt_error>,
) -> pktt_status {
    status(error, || Ok(given(socket, "socket")?.0.transport_mut().join(group)?))
}

/// Ends what pktt_socket_join began. What has come until then can still be received.
///
/// PKTT_ERROR_SYSTEM if the system refuses.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_socket_leave(
    socket: Option<&mut pktt_socket>,
    group: u32,
    error: Option<&mut pktt_error>,
) -> pktt_status {
    status(error, || Ok(given(socket, "socket")?.0.transport_mut().leave(group)?))
}

/// Sends a datagram as it is: one request, or one batch of any size. What the kernel answers is for
/// pktt_socket_receive.
///
/// PKTT_ERROR_PERMISSION or PKTT_ERROR_SYSTEM if it cannot be sent.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_socket_send(
    socket: Option<&mut pktt_socket>,
    datagram: Bytes<'_>,
    len: usize,
    error: Option<&mut pktt_error>,
) -> pktt_status {
    status(error, || {
        let socket = given(socket, "socket")?;
        Ok(socket.0.transport_mut().send(datagram.get(len, "datagram")?)?)
    })
}

/// Receives the next datagram of the kernel: `*datagram` becomes its first byte and `*len` how many there are, for
/// pktt_message_next. It lives until the socket is used again.
///
/// PKTT_ERROR_TIMEOUT if none comes in time, PKTT_ERROR_LOST if some were lost.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_socket_receive(
    socket: Option<&mut pktt_socket>,
    datagram: Option<&mut MaybeUninit<*const u8>>,
    len: Option<&mut MaybeUninit<usize>>,
    error: Option<&mut pktt_error>,
) -> pktt_status {
    status(error, || {
        let received = given(socket, "socket")?.0.transport_mut().receive()?;
        put(datagram, received.as_ptr());
        put(len, received.len());
        Ok(())
    })
}

/// Sends a request and waits until the kernel acknowledges it. `kind`, `flags` and `payload` are as of
/// pktt_batch_add; the acknowledgement is asked for.
///
/// PKTT_ERROR_REFUSED, with the kernel's reason, or another error if it does not.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_socket_request(
    socket: Option<&mut pktt_socket>,
    kind: u16,
    flags: u16,
    payload: Option<&pktt_writer>,
    error: Option<&mut pktt_error>,
) -> pktt_status {
    ask(socket, payload, error, |connection, payload| {
        Ok(connection.request(kind, Flags(flags), |writer| writer.bytes(payload))?)
    })
}

/// Sends a request that has one message for an answer, and has `each` read it, once. `kind`, `flags` and `payload` are
/// as of pktt_batch_add.
///
/// PKTT_ERROR_REFUSED, with the kernel's reason, or another error if there is none.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_socket_get(
    socket: Option<&mut pktt_socket>,
    kind: u16,
    flags: u16,
    payload: Option<&pktt_writer>,
    each: pktt_message_callback,
    user: *mut c_void,
    error: Option<&mut pktt_error>,
) -> pktt_status {
    ask(socket, payload, error, |connection, payload| {
        let read = |message: &Message<'_>| call(each, user, message);
        Ok(connection.get(kind, Flags(flags), |writer| writer.bytes(payload), read)?)
    })
}

/// Asks for all entries, and has `each` read them one after another. `kind`, `flags` and `payload` are as of
/// pktt_batch_add; PKTT_NLM_DUMP is set anyway.
///
/// PKTT_ERROR_CHANGED if a change came between: the entries do not belong together, and what was collected is to be
/// thrown away. PKTT_ERROR_STOPPED if `each` has stopped it; the socket can be used for something else then.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_socket_dump(
    socket: Option<&mut pktt_socket>,
    kind: u16,
    flags: u16,
    payload: Option<&pktt_writer>,
    each: pktt_message_callback,
    user: *mut c_void,
    error: Option<&mut pktt_error>,
) -> pktt_status {
    ask(socket, payload, error, |connection, payload| {
        let read = |message: &Message<'_>| call(each, user, message);
        Ok(connection.dump(kind, Flags(flags), |writer| writer.bytes(payload), read)?)
    })
}

/// Ends a batch, if that is not done yet, and sends it: the kernel applies all of it or, with an error, nothing. It can
/// be sent again. A batch without messages is not sent.
///
/// PKTT_ERROR_REFUSED if it refuses: `error` then has a problem for each message that fails, with its tag as
/// `operation`, the kernel's error number and words. PKTT_ERROR_CHANGED if the generation is another one.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_socket_commit(
    socket: Option<&mut pktt_socket>,
    batch: Option<&mut pktt_batch>,
    error: Option<&mut pktt_error>,
) -> pktt_status {
    status(error, || {
        let batch = given(batch, "batch")?.end();
        Ok(given(socket, "socket")?.0.commit(batch)?)
    })
}
