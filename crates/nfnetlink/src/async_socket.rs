use std::time::Duration;

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::errno::Errno;
use crate::error::Error;
use crate::events::{Group, lost};
use crate::socket::Socket;
use crate::transport::Transport;
use crate::wire::Messages;

/// A [`Socket`] whose replies are awaited; the runtime needs its I/O and its time driver.
///
/// Only waiting is asynchronous: the kernel does its work while a request is sent, and a batch of 100,000 rules
/// takes it half a second. Where that matters, commit on a thread for blocking work.
#[derive(Debug)]
pub struct AsyncSocket {
    socket: AsyncFd<Socket>,
}

impl AsyncSocket {
    /// Opens and binds a socket.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn open() -> Result<Self, Error> {
        Socket::open()?.try_into()
    }

    /// The netlink port that requests come from and replies go to.
    #[must_use]
    pub fn port(&self) -> u32 {
        self.socket.get_ref().port()
    }

    /// Sets how long [`AsyncSocket::receive`] waits; 10 seconds unless told. Zero means without end.
    pub fn set_timeout(&mut self, timeout: Duration) -> Result<(), Error> {
        self.socket.get_mut().set_timeout(timeout)
    }

    /// Makes room for replies that take about `bytes` bytes before the first of them is received.
    pub fn reserve_replies(&mut self, bytes: usize) -> Result<(), Error> {
        self.socket.get_mut().reserve_replies(bytes)
    }

    /// Hands over one datagram whole; the kernel handles it before this returns.
    pub fn send(&mut self, datagram: &[u8]) -> Result<(), Error> {
        self.socket.get_mut().send(datagram)
    }

    /// Awaits the next datagram of the kernel, as long as the socket's timeout allows.
    pub async fn receive(&mut self) -> Result<&[u8], Error> {
        let timeout = self.socket.get_ref().timeout();
        if timeout == Duration::ZERO {
            self.ready().await?;
        } else {
            tokio::time::timeout(timeout, self.ready()).await.map_err(|_| Error::Timeout)??;
        }
        Ok(self.socket.get_ref().received())
    }

    /// Takes the next datagram of the kernel if there is one.
    pub fn try_receive(&mut self) -> Result<Option<&[u8]>, Error> {
        self.socket.get_mut().try_receive()
    }

    /// Waits until a datagram has been received.
    async fn ready(&mut self) -> Result<(), Error> {
        loop {
            // A full receive buffer is told as an error of the socket, perhaps without anything to read.
            let ready = self.socket.ready_mut(Interest::READABLE | Interest::ERROR).await;
            let mut ready = ready.map_err(|error| system("epoll", &error))?;
            if ready.get_inner_mut().try_receive()?.is_some() {
                return Ok(());
            }
            ready.clear_ready();
        }
    }
}

impl TryFrom<Socket> for AsyncSocket {
    type Error = Error;

    /// Registers the socket with the current tokio runtime; panics outside of one.
    #[allow(unsafe_code)]
    fn try_from(socket: Socket) -> Result<Self, Error> {
        // SAFETY: a `Socket` owns one descriptor from its opening to its drop, and nobody outside gets hold of this
        // one to drop it or put another in its place.
        unsafe { AsyncFd::register_with_interest(socket, Interest::READABLE | Interest::ERROR) }
            .map(|socket| Self { socket })
            .map_err(|error| system("epoll_ctl", &error.into()))
    }
}

/// A subscription as [`Events`](crate::Events), awaited.
///
/// ```no_run
/// # async fn watch() -> Result<(), nfnetlink::Error> {
/// use nfnetlink::{AsyncEvents, Group};
///
/// let mut events = AsyncEvents::subscribe(&[Group::NFTABLES])?;
/// for message in events.receive().await? {
///     println!("{:?}", message?.header);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct AsyncEvents {
    socket: AsyncSocket,
}

impl AsyncEvents {
    /// Opens a socket of its own for the events of these groups; it waits without end unless told otherwise.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn subscribe(groups: &[Group]) -> Result<Self, Error> {
        let mut socket = Socket::open()?;
        socket.set_timeout(Duration::ZERO)?;
        groups.iter().try_for_each(|group| socket.join(*group))?;
        Ok(Self { socket: socket.try_into()? })
    }

    /// The socket, to set its timeout or make room for many events.
    pub const fn socket_mut(&mut self) -> &mut AsyncSocket {
        &mut self.socket
    }

    /// Awaits the next events. After [`Error::EventsLost`] the subscription goes on with those that came since.
    pub async fn receive(&mut self) -> Result<Messages<'_>, Error> {
        self.socket.receive().await.map(Messages::new).map_err(lost)
    }
}

fn system(call: &'static str, error: &std::io::Error) -> Error {
    Error::system(call, error.raw_os_error().map_or(Errno::EIO, Errno::new))
}
