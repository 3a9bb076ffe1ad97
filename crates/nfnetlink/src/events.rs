use std::os::fd::{AsFd, BorrowedFd};

use crate::error::Error;
use crate::socket::Socket;
use crate::transport::Transport;
use crate::wire::Messages;

/// A multicast group of the netfilter subsystems (`NFNLGRP_*`, `linux/netfilter/nfnetlink.h`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Group(pub u32);

impl Group {
    /// New connections.
    pub const CONNTRACK_NEW: Self = Self(1);
    /// Changed connections.
    pub const CONNTRACK_UPDATE: Self = Self(2);
    /// Ended connections.
    pub const CONNTRACK_DESTROY: Self = Self(3);
    /// New expectations.
    pub const EXPECTATION_NEW: Self = Self(4);
    /// Changed expectations.
    pub const EXPECTATION_UPDATE: Self = Self(5);
    /// Ended expectations.
    pub const EXPECTATION_DESTROY: Self = Self(6);
    /// Changes of the nf_tables ruleset.
    pub const NFTABLES: Self = Self(7);
    /// Exceeded quotas of accounting objects.
    pub const ACCT_QUOTA: Self = Self(8);
    /// Packets that pass traced rules.
    pub const NFTRACE: Self = Self(9);
}

/// A subscription to what happens in the netfilter subsystems.
///
/// ```no_run
/// use nfnetlink::{Error, Events, Group};
///
/// let mut events = Events::subscribe(&[Group::NFTABLES])?;
/// loop {
///     match events.receive() {
///         Ok(messages) => {
///             for message in messages {
///                 println!("{:?}", message?.header);
///             }
///         }
///         Err(Error::EventsLost) => println!("read everything again"),
///         Err(error) => return Err(error),
///     }
/// }
/// # #[allow(unreachable_code)]
/// # Ok(())
/// ```
#[derive(Debug)]
pub struct Events {
    socket: Socket,
}

impl Events {
    /// Opens a socket of its own for the events of these groups; it waits without end unless told otherwise.
    pub fn subscribe(groups: &[Group]) -> Result<Self, Error> {
        let mut socket = Socket::open()?;
        socket.set_timeout(std::time::Duration::ZERO)?;
        groups.iter().try_for_each(|group| socket.join(*group))?;
        Ok(Self { socket })
    }

    /// Adds a group.
    pub fn join(&mut self, group: Group) -> Result<(), Error> {
        self.socket.join(group)
    }

    /// Takes a group away.
    pub fn leave(&mut self, group: Group) -> Result<(), Error> {
        self.socket.leave(group)
    }

    /// The socket, to set its timeout or make room for many events.
    pub const fn socket_mut(&mut self) -> &mut Socket {
        &mut self.socket
    }

    /// The socket, which goes on receiving the events; lost ones are [`Error::RepliesLost`] there.
    #[must_use]
    pub fn into_socket(self) -> Socket {
        self.socket
    }

    /// Waits for the next events. After [`Error::EventsLost`] the subscription goes on with those that came since.
    pub fn receive(&mut self) -> Result<Messages<'_>, Error> {
        self.socket.receive().map(Messages::new).map_err(lost)
    }

    /// Takes the next events if there are any.
    pub fn try_receive(&mut self) -> Result<Option<Messages<'_>>, Error> {
        self.socket.try_receive().map(|datagram| datagram.map(Messages::new)).map_err(lost)
    }
}

impl AsFd for Events {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

pub(crate) fn lost(error: Error) -> Error {
    if error == Error::RepliesLost { Error::EventsLost } else { error }
}
