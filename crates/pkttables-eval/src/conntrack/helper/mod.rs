//! Helpers: they read control connections and announce the connections that will follow.

mod ftp;
mod payload;
mod sequence;

use pkttables::model::protocol;
use pkttables::packet::{Data, Direction, Status, TrackState};

use super::entry::{Connection, ConnectionId};
use super::expect::{Expectation, Expected, Refused};
use super::headers::View;
use super::nat::Random;
use super::track::{Conntrack, Pass, Tracking};
use super::tuple::Tuple;
use payload::replace;

pub(crate) use super::expect::Follow;
pub(crate) use sequence::Shift;

macro_rules! helpers {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal,)+) => {
        /// A helper that `-j CT --helper` can assign. Those of FTP and TFTP read packets; the others are [`Unread`].
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Helper {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl Helper {
            /// All helpers.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The name in rules.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }
        }
    };
}

helpers! {
    /// Amanda backup.
    Amanda = "amanda",
    /// The file transfer protocol.
    Ftp = "ftp",
    /// Internet relay chat.
    Irc = "irc",
    /// NetBIOS name service.
    NetbiosNs = "netbios-ns",
    /// Point-to-point tunnelling.
    Pptp = "pptp",
    /// H.323 call signalling.
    Q931 = "Q.931",
    /// H.323 registration.
    Ras = "RAS",
    /// Network scanners.
    Sane = "sane",
    /// The session initiation protocol.
    Sip = "sip",
    /// The simple network management protocol.
    Snmp = "snmp",
    /// The trivial file transfer protocol.
    Tftp = "tftp",
}

impl Helper {
    /// The helper of a name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|helper| helper.name() == name)
    }
}

/// A packet that a helper would read which is not evaluated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the helper `{}` reads the packet, and cannot be evaluated", .0.name())]
pub struct Unread(pub Helper);

/// What helpers remember of a connection.
#[derive(Clone, Debug, Default)]
pub(crate) struct HelperState {
    lines: [ftp::LineStarts; 2],
    announced: Option<Expected>,
    /// Of both directions.
    shifts: [Shift; 2],
}

/// How long an announced connection is waited for.
const EXPECTED_MS: u64 = 300_000;

impl Conntrack {
    /// Lets the helper of a packet's connection read the whole packet, in the last hook before
    /// [`confirm`](Self::confirm). Of a translated connection it may change what it reads.
    pub fn help(
        &mut self,
        packet: &mut Vec<u8>,
        tracking: &Tracking,
        random: &mut dyn Random,
    ) -> Result<Pass, Unread> {
        let Some(id) = tracking.connection else { return Ok(Pass::Accept) };
        let Some(helper) = self.connection(id).and_then(Connection::helper) else { return Ok(Pass::Accept) };
        let Some(view) = View::parse(Data::new(packet)) else { return Ok(Pass::Accept) };
        match (helper, view.protocol) {
            (Helper::Ftp, protocol::TCP) if tracking.state == TrackState::Established => {
                Ok(self.help_ftp(id, packet, tracking.direction, random))
            }
            (Helper::Tftp, protocol::UDP) => Ok(self.help_tftp(id, &view)),
            (Helper::Ftp | Helper::Tftp, _) => Ok(Pass::Accept),
            _ if has_payload(&view) => Err(Unread(helper)),
            _ => Ok(Pass::Accept),
        }
    }

    /// Whether the connection's helper puts all of the packet in one piece to read it.
    #[must_use]
    pub fn reads_whole(&self, packet: Data<'_>, tracking: &Tracking) -> bool {
        let connection = tracking.connection.and_then(|id| self.connection(id));
        tracking.state == TrackState::Established
            && connection.and_then(Connection::helper) == Some(Helper::Ftp)
            && View::parse(packet).is_some_and(|view| view.protocol == protocol::TCP)
    }

    /// Whether the connection's sequence numbers are shifted; to be asked before [`help`](Self::help), which may begin to.
    #[must_use]
    pub fn is_shifted(&self, tracking: &Tracking) -> bool {
        let connection = tracking.connection.and_then(|id| self.connection(id));
        connection.is_some_and(|connection| connection.status.contains(Status::SEQ_ADJUST))
    }

    /// Shifts the sequence numbers of a segment by what helpers made others longer.
    pub fn shift(&self, packet: &mut [u8], tracking: &Tracking) -> Pass {
        let connection = tracking.connection.and_then(|id| self.connection(id));
        let Some(state) = connection.and_then(|connection| connection.helper_state.as_ref()) else {
            return Pass::Accept;
        };
        let Some(transport) = View::parse(Data::new(packet)).map(|view| view.offset) else {
            return Pass::Accept;
        };
        match sequence::adjust(packet, transport, &state.shifts, tracking.direction) {
            Some(()) => Pass::Accept,
            None => Pass::Drop,
        }
    }

    /// How many connections are announced and have not come.
    #[must_use]
    pub fn expected(&self) -> usize {
        self.expectations.len()
    }

    fn help_tftp(&mut self, id: ConnectionId, view: &View<'_>) -> Pass {
        const READ_REQUEST: u16 = 1;
        const WRITE_REQUEST: u16 = 2;
        if !matches!(view.be16(8), Some(READ_REQUEST | WRITE_REQUEST)) {
            return Pass::Accept;
        }
        let Some(connection) = self.table.get(id) else { return Pass::Accept };
        let answer = connection.tuple(Direction::Reply);
        let expected = connection.expected_by_answers(answer, protocol::UDP, answer.destination_key);
        let port = connection.tuple(Direction::Original).source_key;
        let follow = connection.is_translated().then_some(Follow { direction: Direction::Reply, port });
        self.expect(id, expected, follow)
    }

    /// Announces a connection; a packet that announces one which another connection announced is dropped.
    fn expect(&mut self, master: ConnectionId, expected: Expected, follow: Option<Follow>) -> Pass {
        match self.try_to_expect(master, expected, follow) {
            Ok(()) => Pass::Accept,
            Err(_) => Pass::Drop,
        }
    }

    /// Announces a connection to the port in `expected` or, if that is announced already, to one drawn above it.
    fn expect_at_free_port(
        &mut self,
        master: ConnectionId,
        mut expected: Expected,
        follow: Follow,
        random: &mut dyn Random,
    ) -> Option<u16> {
        const ATTEMPTS: u16 = 128;
        let first = expected.port;
        let range = u16::MAX - first;
        for _ in 0..=range.min(ATTEMPTS) {
            match self.try_to_expect(master, expected, Some(follow)) {
                Ok(()) => return Some(expected.port).filter(|port| *port != 0),
                Err(Refused::Taken) => {
                    let drawn = (u32::from(random.u16()) * u32::from(range)) >> 16;
                    expected.port = first + drawn as u16;
                }
                Err(Refused::Full) => return None,
            }
        }
        None
    }

    /// The one announced before by the same master is withdrawn.
    fn try_to_expect(
        &mut self,
        master: ConnectionId,
        expected: Expected,
        follow: Option<Follow>,
    ) -> Result<(), Refused> {
        let Self { table, expectations, settings, now, .. } = self;
        let other = expectations.get(&expected, *now).filter(|other| other.master != master);
        if other.is_some_and(|other| table.get(other.master).is_some_and(|other| other.lives(*now))) {
            return Err(Refused::Taken);
        }
        let Some(connection) = table.get_mut(master) else { return Err(Refused::Full) };
        let state = connection.helper_state.get_or_insert_default();
        if let Some(earlier) = state.announced.take() {
            expectations.withdraw(&earlier, master);
        }
        let expectation = Expectation { master, follow, expires: *now + EXPECTED_MS };
        expectations.add(expected, expectation, *now, settings.expect_max as usize)?;
        state.announced = Some(expected);
        Ok(())
    }

    /// Withdraws what a connection announced.
    fn withdraw(&mut self, master: ConnectionId) {
        let state = self.table.get_mut(master).and_then(|connection| connection.helper_state.as_mut());
        if let Some(announced) = state.and_then(|state| state.announced.take()) {
            self.expectations.withdraw(&announced, master);
        }
    }

    /// Notes that a segment became longer.
    fn note_shift(&mut self, id: ConnectionId, direction: Direction, sequence: u32, longer: u32) {
        let Some(connection) = self.table.get_mut(id) else { return };
        connection.status.insert(Status::SEQ_ADJUST);
        let [original, reply] = &mut connection.helper_state.get_or_insert_default().shifts;
        match direction {
            Direction::Original => original.note(sequence, longer),
            Direction::Reply => reply.note(sequence, longer),
        }
    }
}

impl HelperState {
    /// By how much the numbers of a direction are shifted.
    pub(crate) const fn shift(&self, direction: Direction) -> Shift {
        let [original, reply] = self.shifts;
        match direction {
            Direction::Original => original,
            Direction::Reply => reply,
        }
    }
}

impl Connection {
    /// What an announced connection from the other side looks like, which begins where `from` does.
    fn expected_by_answers(&self, from: &Tuple, protocol: u8, port: u16) -> Expected {
        Expected {
            source: from.source,
            destination: from.destination,
            port,
            protocol,
            family: from.family,
            zone: self.zone.id,
        }
    }

    const fn is_translated(&self) -> bool {
        self.status.intersects(Status::SRC_NAT.union(Status::DST_NAT))
    }

    /// Whether it is in the table, so that what it announced counts.
    pub(super) const fn lives(&self, now: u64) -> bool {
        self.confirmed() && !self.status.contains(Status::DYING) && self.deadline > now
    }
}

/// Whether there is something behind the header of TCP or UDP, which helpers read.
fn has_payload(view: &View<'_>) -> bool {
    let header = match view.protocol {
        protocol::TCP => view.u8(12).map_or(0, |byte| usize::from(byte >> 4) * 4),
        protocol::UDP => 8,
        _ => return false,
    };
    view.transport_len() > header
}
