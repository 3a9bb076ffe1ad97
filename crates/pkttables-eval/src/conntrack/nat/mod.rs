//! Network address translation: what a new connection is translated to, and every packet accordingly.

mod choose;
mod range;
mod rewrite;
#[cfg(test)]
mod tests;

use pkttables::model::{Family, protocol};
use pkttables::packet::{Data, Direction, Status, TrackState};

use super::entry::{Connection, ConnectionId};
use super::expect::Follow;
use super::headers::{ICMP_HEADER, View, address};
use super::protocol::{IcmpKind, icmp_checksum_is_right};
use super::track::{Conntrack, Pass, Tracking};
use super::tuple::Tuple;
use rewrite::{Rewrite, has_keys};

pub use range::NatRange;

/// Where numbers that the kernel would draw at random come from.
pub trait Random {
    /// Sixteen bits.
    fn u16(&mut self) -> u16;
}

/// What it returns.
impl<F: FnMut() -> u16> Random for F {
    fn u16(&mut self) -> u16 {
        self()
    }
}

/// Which part of a packet is translated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Manipulation {
    /// The source, in INPUT and POSTROUTING.
    Source,
    /// The destination, in PREROUTING and OUTPUT.
    Destination,
}

impl Manipulation {
    const fn opposite(self) -> Self {
        match self {
            Self::Source => Self::Destination,
            Self::Destination => Self::Source,
        }
    }

    const fn done(self) -> Status {
        match self {
            Self::Source => Status::SRC_NAT_DONE,
            Self::Destination => Status::DST_NAT_DONE,
        }
    }

    /// The status bit that says packets of a direction are translated so.
    const fn translated(self, direction: Direction) -> Status {
        match (self, direction) {
            (Self::Source, Direction::Original) | (Self::Destination, Direction::Reply) => Status::SRC_NAT,
            _ => Status::DST_NAT,
        }
    }

    const fn address(self, tuple: &mut Tuple) -> &mut [u8; 16] {
        match self {
            Self::Source => &mut tuple.source,
            Self::Destination => &mut tuple.destination,
        }
    }

    /// The port; of ICMP queries the identifier, whichever is translated.
    const fn key(self, tuple: &mut Tuple) -> &mut u16 {
        match (self, tuple.protocol) {
            (Self::Destination, protocol::ICMP | protocol::ICMPV6) | (Self::Source, _) => {
                &mut tuple.source_key
            }
            (Self::Destination, _) => &mut tuple.destination_key,
        }
    }
}

impl Conntrack {
    /// Whether the rules of a nat chain are to be asked about a packet: it is of a new connection, no ICMP error,
    /// and the translation was not settled yet.
    #[must_use]
    pub fn wants_nat_rules(&self, tracking: &Tracking, manipulation: Manipulation) -> bool {
        matches!(tracking.state, TrackState::New | TrackState::Related)
            && tracking.connection.and_then(|id| self.connection(id)).is_some_and(|connection| {
                !connection.confirmed() && !connection.status.contains(manipulation.done())
            })
    }

    /// Settles the translation of a connection by what a rule said: `nf_nat_setup_info`.
    pub fn set_up_nat(
        &mut self,
        id: ConnectionId,
        range: &NatRange,
        manipulation: Manipulation,
        random: &mut dyn Random,
    ) {
        let Some(connection) = self.table.get(id).filter(|connection| !connection.confirmed()) else {
            return;
        };
        let Some(current) = connection.tuple(Direction::Reply).inverse() else { return };
        let chosen = self.choose(id, &current, range, manipulation, random);
        let Some(connection) = self.table.get_mut(id) else { return };
        if chosen != current {
            let Some(answer) = chosen.inverse() else { return };
            let [_, reply] = &mut connection.tuples;
            *reply = answer;
            connection.status.insert(manipulation.translated(Direction::Original));
        }
        connection.status.insert(manipulation.done());
        if manipulation == Manipulation::Source {
            self.table.note_source(id);
        }
    }

    /// Translates an expected connection as the one that announced it: `nf_nat_follow_master`.
    pub(super) fn follow_master(
        &mut self,
        id: ConnectionId,
        master: ConnectionId,
        follow: Follow,
        random: &mut dyn Random,
    ) {
        let Some(master) = self.table.get(master) else { return };
        let there = *master.tuple(follow.direction.other());
        let source = NatRange::address(address(there.family, there.destination));
        self.set_up_nat(id, &source, Manipulation::Source, random);
        let port = (follow.port, follow.port);
        let destination =
            NatRange { ports: Some(port), ..NatRange::address(address(there.family, there.source)) };
        self.set_up_nat(id, &destination, Manipulation::Destination, random);
    }

    /// Settles that no rule translates: addresses stay, and so does the port unless its answers would belong to
    /// another connection.
    pub fn set_up_nat_to_nothing(
        &mut self,
        id: ConnectionId,
        manipulation: Manipulation,
        random: &mut dyn Random,
    ) {
        let Some(connection) = self.table.get(id) else { return };
        let answer = connection.tuple(Direction::Reply);
        let stays = match manipulation {
            Manipulation::Source => answer.destination,
            Manipulation::Destination => answer.source,
        };
        let range = NatRange::address(address(answer.family, stays));
        self.set_up_nat(id, &range, manipulation, random);
    }

    /// How much of the packet the kernel puts in one piece to translate one such as this; 0 if it leaves it alone.
    #[must_use]
    pub fn translated_header(
        &self,
        packet: Data<'_>,
        tracking: &Tracking,
        manipulation: Manipulation,
    ) -> usize {
        let Some(connection) = tracking.connection.and_then(|id| self.connection(id)) else { return 0 };
        let Some(view) = View::parse(packet) else { return 0 };
        let translated = connection.status.contains(manipulation.translated(tracking.direction));
        if !is_error(&view, tracking) {
            return if translated { writable(&view) } else { 0 };
        }
        let quoted = match view.family {
            Family::Ipv4 => 20,
            Family::Ipv6 => 40,
        };
        // Options and extension headers of the quoted packet are read where they are.
        let header = view.offset + ICMP_HEADER + quoted;
        view.quote().filter(|_| translated).map_or(header, |quote| header.max(writable(&quote)))
    }

    /// Whether a packet is an ICMP error about a connection.
    pub(crate) fn is_error(&self, packet: Data<'_>, tracking: &Tracking) -> bool {
        View::parse(packet).is_some_and(|view| is_error(&view, tracking))
    }

    /// Whether the checksum of an ICMP message is right.
    pub(crate) fn sums_up(&self, packet: Data<'_>) -> bool {
        View::parse(packet).is_some_and(|view| icmp_checksum_is_right(&view))
    }

    /// Translates a packet as its connection says, in a hook where `manipulation` is done.
    ///
    /// The whole packet, from the network header on, is in `packet`. ICMP errors are translated with what they quote.
    pub fn translate(&self, packet: &mut [u8], tracking: &Tracking, manipulation: Manipulation) -> Pass {
        let Some(connection) = tracking.connection.and_then(|id| self.connection(id)) else {
            return Pass::Accept;
        };
        let Some(view) = View::parse(Data::new(packet)) else { return Pass::Accept };
        let error = is_error(&view, tracking);
        if error && is_redirect(&view) && !may_redirect(connection) {
            return Pass::Drop;
        }
        if !connection.status.contains(manipulation.translated(tracking.direction)) {
            return Pass::Accept;
        }
        // Packets are made to look like what the other side answers.
        let other = connection.tuple(tracking.direction.other());
        let Some(target) = other.inverse() else { return Pass::Accept };
        let done = if error {
            Rewrite::error(packet, other, &target, manipulation)
        } else {
            Rewrite::packet(packet, &target, manipulation)
        };
        if done.is_some() { Pass::Accept } else { Pass::Drop }
    }
}

/// How much of a packet the kernel needs in one piece to change the transport header, be it that of a quoted packet; 0
/// if nothing changes there.
fn writable(view: &View<'_>) -> usize {
    let header = match view.protocol {
        protocol::TCP if view.transport_len() >= 20 => 20,
        protocol::SCTP if view.transport_len() >= 12 => 12,
        number if has_keys(number) => 8,
        _ => return 0,
    };
    view.offset + header
}

fn is_error(view: &View<'_>, tracking: &Tracking) -> bool {
    tracking.state == TrackState::Related
        && matches!(view.protocol, protocol::ICMP | protocol::ICMPV6)
        && IcmpKind::of(view.protocol, view.u8(0).unwrap_or_default()) == IcmpKind::Error
}

fn is_redirect(view: &View<'_>) -> bool {
    view.family == Family::Ipv4 && view.u8(0) == Some(5)
}

/// A redirect between translated hosts would make them talk past the translation.
fn may_redirect(connection: &Connection) -> bool {
    let status = connection.status;
    status.contains(Status::SRC_NAT_DONE.union(Status::DST_NAT_DONE))
        && !status.intersects(Status::SRC_NAT.union(Status::DST_NAT))
}
