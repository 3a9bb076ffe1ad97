use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::time::{Duration, Instant};

use netlink_sys::protocols::NETLINK_NETFILTER;
use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::{RecvFlags, SendFlags, sockopt};

use crate::errno::Errno;
use crate::error::Error;
use crate::events::Group;
use crate::transport::Transport;

/// The kernel cuts a dump into parts of at most 32 KiB, and a queued packet takes 64 KiB and a little.
///
/// From this size on, allocators take zeroed memory fresh from the system and touch none of it, so that a program that
/// asks little pays for little.
const RECEIVE_CAPACITY: usize = 1 << 17;
/// A batch refused for a thousand reasons fits in; an error takes about 1 KiB of it.
const RECEIVE_BUFFER: usize = 1 << 20;
/// The kernel wants this much more than the datagram (`netlink_sendmsg`).
const SEND_OVERHEAD: usize = 32;
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);

/// A socket to the netfilter subsystems of the kernel, in the network namespace of the thread that opens it.
///
/// It asks for extended acknowledgements, for strict checking and for errors without the request repeated. Only
/// datagrams of the kernel itself are received.
///
/// ```no_run
/// use nfnetlink::{Connection, Flags, NetfilterHeader, Socket};
///
/// let mut connection = Connection::new(Socket::open()?);
/// // The generation of the nf_tables ruleset (NFT_MSG_GETGEN of subsystem 10).
/// let attributes = connection.get(
///     10 << 8 | 16,
///     Flags::default(),
///     |writer| writer.netfilter_header(&NetfilterHeader::default()),
///     |reply| Ok::<_, nfnetlink::Error>(reply.netfilter()?.1.count()),
/// )?;
/// assert!(attributes > 0);
/// # Ok::<(), nfnetlink::Error>(())
/// ```
#[derive(Debug)]
pub struct Socket {
    // Never cloned: a clone would close the same descriptor again.
    socket: netlink_sys::Socket,
    port: u32,
    timeout: Duration,
    buffer: Vec<u8>,
    /// How much of the buffer the last datagram fills.
    received: usize,
    send_limit: usize,
    receive_limit: usize,
}

impl Socket {
    /// Opens and binds a socket. No privilege is needed for that, but for most requests.
    pub fn open() -> Result<Self, Error> {
        let mut socket = netlink_sys::Socket::new(NETLINK_NETFILTER).map_err(|e| failed("socket", &e))?;
        let port = socket.bind_auto().map_err(|e| failed("bind", &e))?.port_number();
        for option in
            [socket.set_ext_ack(true), socket.set_cap_ack(true), socket.set_netlink_get_strict_chk(true)]
        {
            match option.map_err(|e| errno_of(&e)) {
                // A kernel older than the option works as well, with less to say.
                Ok(()) | Err(Errno::ENOPROTOOPT) => {}
                Err(errno) => return Err(Error::system("setsockopt", errno)),
            }
        }
        let mut this = Self {
            port,
            timeout: DEFAULT_TIMEOUT,
            buffer: vec![0; RECEIVE_CAPACITY],
            received: 0,
            send_limit: sockopt::socket_send_buffer_size(&socket).map_err(|e| call("getsockopt", e))?,
            receive_limit: sockopt::socket_recv_buffer_size(&socket).map_err(|e| call("getsockopt", e))?,
            socket,
        };
        this.set_timeout(DEFAULT_TIMEOUT)?;
        match this.reserve_replies(RECEIVE_BUFFER) {
            Ok(()) | Err(Error::BufferLimit { .. }) => Ok(this),
            Err(error) => Err(error),
        }
    }

    /// Sets how long [`Transport::receive`] waits; 10 seconds unless told. Zero means without end.
    ///
    /// The kernel works while the request is sent, however long that takes; its replies are there at once.
    pub fn set_timeout(&mut self, timeout: Duration) -> Result<(), Error> {
        let limit = (!timeout.is_zero()).then_some(timeout);
        sockopt::set_socket_timeout(&self.socket, sockopt::Timeout::Recv, limit)
            .map_err(|e| call("setsockopt", e))?;
        self.timeout = timeout;
        Ok(())
    }

    #[cfg(feature = "tokio")]
    pub(crate) const fn timeout(&self) -> Duration {
        self.timeout
    }

    /// The last datagram.
    pub(crate) fn received(&self) -> &[u8] {
        self.buffer.get(..self.received).unwrap_or_default()
    }

    /// Has the socket receive what is told to a group, too; [`crate::Events`] is a socket for nothing else.
    pub fn join(&self, group: Group) -> Result<(), Error> {
        self.socket.add_membership(group.0).map_err(|e| failed("setsockopt", &e))
    }

    /// Ends that.
    pub fn leave(&self, group: Group) -> Result<(), Error> {
        self.socket.drop_membership(group.0).map_err(|e| failed("setsockopt", &e))
    }

    /// Receives one datagram of the kernel into the buffer; false if none came.
    fn fill(&mut self, flags: RecvFlags) -> Result<bool, Error> {
        let start = Instant::now();
        loop {
            let received =
                rustix::net::recvfrom(&self.socket, &mut self.buffer[..], flags | RecvFlags::TRUNC);
            match received.map_err(|e| Errno::new(e.raw_os_error())) {
                Ok((_, len, sender)) => {
                    let sender = sender.and_then(|address| SocketAddrNetlink::try_from(address).ok());
                    if sender.is_some_and(|address| address.pid() == 0) {
                        let capacity = self.buffer.len();
                        self.received = len.min(capacity);
                        return if len <= capacity {
                            Ok(true)
                        } else {
                            Err(Error::Truncated { len, capacity })
                        };
                    }
                }
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) => return Ok(false),
                Err(Errno::ENOBUFS) => return Err(Error::RepliesLost),
                Err(errno) => return Err(Error::system("recvfrom", errno)),
            }
            if !self.timeout.is_zero() && start.elapsed() >= self.timeout {
                return Ok(false);
            }
        }
    }

    fn reserve_send(&mut self, datagram: usize) -> Result<(), Error> {
        let needed = datagram.saturating_add(SEND_OVERHEAD);
        if needed <= self.send_limit {
            return Ok(());
        }
        let half = needed.div_ceil(2).min(MAX_HALF);
        // Only a privileged caller may force; the limit that is then in force says whether it was enough.
        if sockopt::set_socket_send_buffer_size_force(&self.socket, half).is_err() {
            sockopt::set_socket_send_buffer_size(&self.socket, half).map_err(|e| call("setsockopt", e))?;
        }
        self.send_limit =
            sockopt::socket_send_buffer_size(&self.socket).map_err(|e| call("getsockopt", e))?;
        within("send", needed, self.send_limit, "net.core.wmem_max")
    }
}

impl Transport for Socket {
    fn port(&self) -> u32 {
        self.port
    }

    fn send(&mut self, datagram: &[u8]) -> Result<(), Error> {
        self.reserve_send(datagram.len())?;
        let kernel = SocketAddrNetlink::new(0, 0);
        loop {
            match rustix::net::sendto(&self.socket, datagram, SendFlags::empty(), &kernel) {
                Ok(_) => return Ok(()),
                Err(rustix::io::Errno::INTR) => {}
                Err(errno) => return Err(call("sendto", errno)),
            }
        }
    }

    fn receive(&mut self) -> Result<&[u8], Error> {
        if self.fill(RecvFlags::empty())? { Ok(self.received()) } else { Err(Error::Timeout) }
    }

    fn try_receive(&mut self) -> Result<Option<&[u8]>, Error> {
        Ok(self.fill(RecvFlags::DONTWAIT)?.then(|| self.received()))
    }

    fn reserve_replies(&mut self, bytes: usize) -> Result<(), Error> {
        if bytes <= self.receive_limit {
            return Ok(());
        }
        let half = bytes.div_ceil(2).min(MAX_HALF);
        if sockopt::set_socket_recv_buffer_size_force(&self.socket, half).is_err() {
            sockopt::set_socket_recv_buffer_size(&self.socket, half).map_err(|e| call("setsockopt", e))?;
        }
        self.receive_limit =
            sockopt::socket_recv_buffer_size(&self.socket).map_err(|e| call("getsockopt", e))?;
        within("receive", bytes, self.receive_limit, "net.core.rmem_max")
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl AsRawFd for Socket {
    fn as_raw_fd(&self) -> RawFd {
        self.socket.as_raw_fd()
    }
}

/// The kernel doubles what is set and keeps it as an `int`.
const MAX_HALF: usize = i32::MAX as usize / 2;

const fn within(
    buffer: &'static str,
    needed: usize,
    granted: usize,
    sysctl: &'static str,
) -> Result<(), Error> {
    if granted < needed { Err(Error::BufferLimit { buffer, needed, granted, sysctl }) } else { Ok(()) }
}

fn call(name: &'static str, errno: rustix::io::Errno) -> Error {
    Error::system(name, Errno::new(errno.raw_os_error()))
}

fn errno_of(error: &std::io::Error) -> Errno {
    error.raw_os_error().map_or(Errno::EIO, Errno::new)
}

fn failed(name: &'static str, error: &std::io::Error) -> Error {
    Error::system(name, errno_of(error))
}
