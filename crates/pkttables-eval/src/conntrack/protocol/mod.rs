//! The trackers of the protocols: what a packet does to its connection's state.

mod sctp;
mod stateless;
mod tcp;
mod tcp_segment;
mod tcp_states;
mod tcp_window;

pub(crate) use stateless::IcmpKind;
pub(crate) use tcp_segment::after;

use pkttables::model::protocol;
use pkttables::packet::{Direction, Status};

use super::headers::View;
use super::helper::Shift;
use super::settings::Settings;
use super::tuple::GRE;

/// What a tracker remembers of a connection.
#[derive(Clone, Debug)]
pub(crate) enum State {
    Tcp(tcp::Tcp),
    /// When UDP counts as a stream, in milliseconds.
    Udp(u64),
    Sctp(sctp::Sctp),
    /// Addresses and time are all there is.
    Plain,
}

/// What a tracker needs to know besides the packet and its own state.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Context<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) direction: Direction,
    pub(crate) status: Status,
    /// Milliseconds of the packets' clock.
    pub(crate) now: u64,
    /// Milliseconds until the connection expires.
    pub(crate) remaining: u64,
    /// Checksums are to be verified.
    pub(crate) verify: bool,
    /// Type and code of the query, where an ICMP query began the connection.
    pub(crate) query: u16,
    /// By how much a helper shifted the sequence numbers of the other direction.
    pub(crate) shift: Shift,
}

impl Context<'_> {
    const fn answered(&self) -> bool {
        self.status.contains(Status::SEEN_REPLY)
    }

    const fn confirmed(&self) -> bool {
        self.status.contains(Status::CONFIRMED)
    }
}

/// What becomes of a packet and its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It belongs to the connection, which lasts so many seconds from now.
    Lasts { seconds: u32, assured: bool },
    /// It belongs to the connection and changes nothing.
    Ignored,
    /// It belongs to the connection and ends it.
    Ends,
    /// It is invalid.
    Invalid,
    /// It is invalid, and the connection lasts at most so many seconds from now.
    InvalidShortens(u32),
    /// The connection is over: it is to be deleted and the packet looked up again.
    Reopens,
}

impl Outcome {
    const fn lasts(seconds: u32) -> Self {
        Self::Lasts { seconds, assured: false }
    }
}

impl State {
    pub(crate) fn of(number: u8) -> Self {
        match number {
            protocol::TCP => Self::Tcp(tcp::Tcp::default()),
            protocol::UDP => Self::Udp(0),
            protocol::SCTP => Self::Sctp(sctp::Sctp::default()),
            _ => Self::Plain,
        }
    }

    /// Judges a packet of the connection.
    pub(crate) fn packet(&mut self, view: &View<'_>, context: &Context<'_>) -> Outcome {
        match (self, view.protocol) {
            (Self::Tcp(state), _) => state.packet(view, context),
            (Self::Udp(stream_from), _) => stateless::udp(stream_from, view, context),
            (Self::Sctp(state), _) => state.packet(view, context),
            (Self::Plain, protocol::UDPLITE) => stateless::udplite(view, context),
            (Self::Plain, protocol::ICMP) => stateless::icmp(view, context),
            (Self::Plain, protocol::ICMPV6) => stateless::icmpv6(view, context),
            (Self::Plain, GRE) => stateless::gre(context),
            (Self::Plain, _) => Outcome::lasts(context.settings.generic),
        }
    }

    /// Closes a TCP connection; false if it is none or is closed.
    pub(crate) fn close(&mut self) -> bool {
        match self {
            Self::Tcp(tcp) => tcp.close(),
            _ => false,
        }
    }

    /// The name of the state, for protocols that have states.
    pub(crate) const fn name(&self) -> Option<&'static str> {
        match self {
            Self::Tcp(tcp) => Some(tcp.state.name()),
            Self::Sctp(sctp) => Some(sctp.state.name()),
            Self::Udp(_) | Self::Plain => None,
        }
    }
}

/// Whether the Internet checksum of a transport header with pseudo header is right.
fn checksum_is_right(view: &View<'_>) -> bool {
    view.sum_with_pseudo_header(usize::MAX) == 0xffff
}

/// Whether an ICMP or ICMPv6 message has a right checksum.
pub(crate) fn icmp_checksum_is_right(view: &View<'_>) -> bool {
    if view.protocol == protocol::ICMP { view.sum() == 0xffff } else { checksum_is_right(view) }
}
