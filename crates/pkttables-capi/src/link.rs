//! What a kernel handle or socket speaks over.

use nfnetlink::{Error, Group, Socket, Transport};
use pkttables_embedded::EmbeddedSocket;
use std::os::fd::AsRawFd as _;
use std::time::Duration;

/// A socket to the running kernel, or to an embedded one.
#[derive(Debug)]
pub(crate) enum Link {
    Running(Socket),
    Embedded(EmbeddedSocket),
}

impl Link {
    pub(crate) fn open() -> Result<Self, Error> {
        Socket::open().map(Self::Running)
    }

    /// The descriptor to wait on; -1 if there is none.
    pub(crate) fn descriptor(&self) -> i32 {
        match self {
            Self::Running(socket) => socket.as_raw_fd(),
            Self::Embedded(_) => -1,
        }
    }

    /// Sets how long is waited for replies; nothing is waited for in the process.
    pub(crate) fn set_timeout(&mut self, timeout: Duration) -> Result<(), Error> {
        match self {
            Self::Running(socket) => socket.set_timeout(timeout),
            Self::Embedded(_) => Ok(()),
        }
    }

    /// Begins to receive what is told to a group.
    pub(crate) fn join(&mut self, group: u32) -> Result<(), Error> {
        match self {
            Self::Running(socket) => socket.join(Group(group)),
            Self::Embedded(socket) => {
                if Group(group) == Group::NFTABLES {
                    socket.listen();
                }
                Ok(())
            }
        }
    }

    /// Ends that.
    pub(crate) fn leave(&mut self, group: u32) -> Result<(), Error> {
        match self {
            Self::Running(socket) => socket.leave(Group(group)),
            Self::Embedded(socket) => {
                if Group(group) == Group::NFTABLES {
                    socket.stop_listening();
                }
                Ok(())
            }
        }
    }

    fn transport(&mut self) -> &mut dyn Transport {
        match self {
            Self::Running(socket) => socket,
            Self::Embedded(socket) => socket,
        }
    }
}

impl Transport for Link {
    fn port(&self) -> u32 {
        match self {
            Self::Running(socket) => socket.port(),
            Self::Embedded(socket) => socket.port(),
        }
    }

    fn send(&mut self, datagram: &[u8]) -> Result<(), Error> {
        self.transport().send(datagram)
    }

    fn receive(&mut self) -> Result<&[u8], Error> {
        self.transport().receive()
    }

    fn try_receive(&mut self) -> Result<Option<&[u8]>, Error> {
        self.transport().try_receive()
    }

    fn reserve_replies(&mut self, bytes: usize) -> Result<(), Error> {
        self.transport().reserve_replies(bytes)
    }
}

/// The time that a number of milliseconds means, where less than none is without end.
pub(crate) fn timeout(milliseconds: i32) -> Duration {
    // A socket takes zero for no limit, and no time at all for the least that there is.
    match u64::try_from(milliseconds) {
        Err(_) => Duration::ZERO,
        Ok(0) => Duration::from_micros(1),
        Ok(milliseconds) => Duration::from_millis(milliseconds),
    }
}
