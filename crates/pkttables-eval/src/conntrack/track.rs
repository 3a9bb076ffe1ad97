use std::time::Duration;

use pkttables::model::{Family, protocol};
use pkttables::packet::{self, Data, Direction, Packet, Status, TrackState};
use pkttables::registry::Connections;

use super::entry::{Connection, ConnectionId, Zone};
use super::expect::{Expectation, Expectations};
use super::headers::View;
use super::helper::{Helper, Shift};
use super::nat::Random;
use super::protocol::{Context, IcmpKind, Outcome, icmp_checksum_is_right};
use super::settings::Settings;
use super::table::Table;
use super::tuple::Tuple;

/// Connection tracking: what the kernel's would know after the packets it was given.
///
/// A packet goes through [`incoming`](Self::incoming) and, if it is not dropped, through
/// [`confirm`](Self::confirm); [`release`](Self::release) ends its stay in either case. The clock is the packets'
/// own and never goes back.
#[derive(Debug, Default)]
pub struct Conntrack {
    /// The kernel settings.
    pub settings: Settings,
    pub(crate) table: Table,
    pub(crate) expectations: Expectations,
    pub(crate) now: u64,
}

/// What connection tracking makes of a packet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tracking {
    /// The state of the packet.
    pub state: TrackState,
    /// Which side of the connection it is from.
    pub direction: Direction,
    /// The connection, unless the state is invalid or untracked.
    pub connection: Option<ConnectionId>,
}

/// How a packet enters connection tracking.
#[derive(Clone, Copy, Debug, Default)]
pub struct Entry {
    /// It came by an interface; otherwise it was made on this host, and its checksums are not verified.
    pub received: bool,
    /// The zone that a rule chose.
    pub zone: Zone,
    /// The helper that a rule chose, for a new connection.
    pub helper: Option<Helper>,
}

/// Whether connection tracking itself drops a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pass {
    /// The packet goes on.
    Accept,
    /// The packet is dropped.
    Drop,
}

impl Tracking {
    /// A packet that rules said not to track.
    pub const UNTRACKED: Self =
        Self { state: TrackState::Untracked, direction: Direction::Original, connection: None };

    const INVALID: Self =
        Self { state: TrackState::Invalid, direction: Direction::Original, connection: None };
}

impl Conntrack {
    /// Connection tracking with these settings and no connections.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self { settings, ..Self::default() }
    }

    /// Moves the clock on; what has timed out is gone.
    pub fn advance(&mut self, now: Duration) {
        self.now = self.now.max(now.as_millis().min(u128::from(u64::MAX)) as u64);
        self.table.expire(self.now);
    }

    /// Looks a packet up, after the raw table: `nf_conntrack_in` of the kernel.
    ///
    /// The packet must be whole, see [`Reassembly`](super::Reassembly).
    pub fn incoming(&mut self, packet: Data<'_>, entry: &Entry, random: &mut dyn Random) -> (Tracking, Pass) {
        let invalid = (Tracking::INVALID, Pass::Accept);
        let Some(view) = View::parse(packet) else { return invalid };
        let own_icmp = match view.family {
            Family::Ipv6 => protocol::ICMPV6,
            Family::Ipv4 => protocol::ICMP,
        };
        let tracking = if view.protocol == own_icmp { self.icmp(&view, entry) } else { None };
        if let Some(tracking) = tracking {
            return (tracking, Pass::Accept);
        }
        let Some(tuple) = Tuple::of(&view) else { return invalid };
        // A second look is needed at most once: then the old connection is gone.
        for _ in 0..2 {
            let known = self.find(&tuple, entry.zone);
            let Some((id, direction)) = known.or_else(|| self.begin(&tuple, entry, random)) else {
                let full = self.is_full() && tuple.inverse().is_some();
                return if full { (Tracking::INVALID, Pass::Drop) } else { invalid };
            };
            match self.judge(id, direction, &view, entry.received) {
                Verdict::Belongs => return (self.tracking(id, direction), Pass::Accept),
                Verdict::Invalid => {
                    self.free_unconfirmed(id);
                    return invalid;
                }
                Verdict::Again => self.table.free(id),
            }
        }
        invalid
    }

    /// How much of a packet the kernel puts in one piece to look it up.
    #[must_use]
    pub fn read_header(&self, packet: Data<'_>, entry: &Entry) -> usize {
        const SCTP_HEADER: usize = 12;
        if !entry.received || self.settings.checksum == 0 {
            return 0;
        }
        let view = View::parse(packet).filter(|view| view.protocol == protocol::SCTP);
        view.map_or(0, |view| view.offset + SCTP_HEADER)
    }

    /// Puts the connection of a packet that passed all rules into the table: `nf_conntrack_confirm`.
    pub fn confirm(&mut self, tracking: &Tracking) -> Pass {
        let Some(id) = tracking.connection else { return Pass::Accept };
        let Some(connection) = self.table.get(id) else { return Pass::Accept };
        if connection.confirmed() {
            return Pass::Accept;
        }
        let taken = [Direction::Original, Direction::Reply]
            .iter()
            .any(|direction| self.taken(connection, *direction));
        if taken {
            return Pass::Drop;
        }
        self.table.confirm(id, self.now);
        Pass::Accept
    }

    /// Ends the stay of a packet: a connection that it began and that was not confirmed is forgotten.
    pub fn release(&mut self, tracking: &Tracking) {
        if let Some(id) = tracking.connection {
            self.free_unconfirmed(id);
        }
    }

    /// Notes that a rule answered a packet with a reset: `nf_ct_set_closing` of the kernel.
    pub fn close(&mut self, tracking: &Tracking) {
        let Some(id) = tracking.connection else { return };
        let (now, seconds) = (self.now, self.settings.tcp_close);
        let Some(connection) = self.table.get_mut(id).filter(|connection| connection.confirmed()) else {
            return;
        };
        if connection.protocol.close() {
            connection.lasts(now, seconds);
            let deadline = connection.deadline;
            self.table.refile(id, deadline);
        }
    }

    /// A connection.
    #[must_use]
    pub fn connection(&self, id: ConnectionId) -> Option<&Connection> {
        self.table.get(id)
    }

    /// A connection, to change its mark, labels or helper.
    pub fn connection_mut(&mut self, id: ConnectionId) -> Option<&mut Connection> {
        self.table.get_mut(id)
    }

    /// What rules can ask about the connection of a packet.
    #[must_use]
    pub fn describe(&self, tracking: &Tracking) -> Option<packet::Connection> {
        let connection = self.table.get(tracking.connection?)?;
        let master = connection.master.and_then(|id| self.table.get(id));
        Some(connection.public(tracking.direction, self.now, master))
    }

    /// All connections in the table.
    pub fn connections(&self) -> impl Iterator<Item = (ConnectionId, &Connection)> {
        self.table.iter()
    }

    /// How many connections are in the table.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.table.len()
    }

    /// Whether no connection is in the table.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The memory that connections and indexes take.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.table.bytes()
    }

    pub(crate) fn find(&self, tuple: &Tuple, zone: Zone) -> Option<(ConnectionId, Direction)> {
        let (id, direction) = self.table.find(tuple, zone)?;
        let over = self.table.get(id)?.deadline <= self.now;
        (!over).then_some((id, direction))
    }

    /// Whether another connection has one of this one's tuples, in the zone of that direction.
    fn taken(&self, connection: &Connection, direction: Direction) -> bool {
        let zone = connection.zone;
        self.other(connection.tuple(direction), zone.of(direction), zone).is_some()
    }

    /// The connection in the table to which packets of a tuple belong, of those that are filed under a zone's number.
    pub(super) fn other(&self, tuple: &Tuple, id: u16, zone: Zone) -> Option<&Connection> {
        let (found, _) = self.table.find_in(tuple, id, zone)?;
        self.table.get(found).filter(|other| other.deadline > self.now)
    }

    fn known(&self, tuple: &packet::Tuple, zone: u16) -> Option<&Connection> {
        let (id, _) = self.find(&Tuple::from_public(tuple), Zone::new(zone))?;
        self.table.get(id)
    }

    fn is_full(&self) -> bool {
        self.settings.max != 0 && self.table.len() >= self.settings.max as usize
    }

    /// An unconfirmed connection for a packet that belongs to none.
    fn begin(
        &mut self,
        tuple: &Tuple,
        entry: &Entry,
        random: &mut dyn Random,
    ) -> Option<(ConnectionId, Direction)> {
        let reply = tuple.inverse()?;
        if let Some((id, _)) = self.table.find(tuple, entry.zone) {
            // Found here but not above: it has timed out within the second.
            self.table.free(id);
        }
        if self.is_full() && !self.table.evict(tuple) {
            return None;
        }
        let mut connection = Connection::new(*tuple, reply, entry.zone);
        let expected = self.fulfilled(tuple, entry.zone);
        if let Some(expectation) = expected {
            connection.status.insert(Status::EXPECTED);
            connection.master = Some(expectation.master);
            connection.mark = self.table.get(expectation.master).map_or(0, |master| master.mark);
        } else if entry.helper.is_some() {
            connection.set_helper(entry.helper);
        }
        let id = self.table.add(connection)?;
        if let Some(Expectation { master, follow: Some(follow), .. }) = expected {
            self.follow_master(id, master, follow, random);
        }
        Some((id, Direction::Original))
    }

    /// The expectation that a new connection fulfils, which is taken away.
    fn fulfilled(&mut self, tuple: &Tuple, zone: Zone) -> Option<Expectation> {
        let (expected, expectation) = self.expectations.find(tuple, zone.id, self.now)?;
        if !self.table.get(expectation.master)?.lives(self.now) {
            return None;
        }
        self.expectations.withdraw(&expected, expectation.master);
        Some(expectation)
    }

    fn judge(&mut self, id: ConnectionId, direction: Direction, view: &View<'_>, received: bool) -> Verdict {
        let (now, settings) = (self.now, &self.settings);
        let Some(connection) = self.table.get_mut(id) else { return Verdict::Invalid };
        let context = Context {
            settings,
            direction,
            status: connection.status,
            now,
            remaining: if connection.confirmed() { connection.deadline.saturating_sub(now) } else { 0 },
            verify: received && settings.checksum != 0,
            query: connection.tuple(Direction::Original).destination_key,
            shift: match &connection.helper_state {
                Some(state) => state.shift(direction.other()),
                None => Shift::default(),
            },
        };
        let mut ends = false;
        match connection.protocol.packet(view, &context) {
            Outcome::Lasts { seconds, assured } => {
                connection.lasts(now, seconds);
                connection.status.set(Status::ASSURED, assured || context.status.contains(Status::ASSURED));
                if settings.acct != 0 {
                    connection.count(direction, view.len());
                }
            }
            Outcome::Ignored => {}
            Outcome::Ends => {
                ends = true;
                if settings.acct != 0 {
                    connection.count(direction, view.len());
                }
            }
            Outcome::Invalid => return Verdict::Invalid,
            Outcome::InvalidShortens(seconds) => {
                if context.remaining > u64::from(seconds) * 1000 {
                    connection.lasts(now, seconds);
                    let deadline = connection.deadline;
                    self.table.refile(id, deadline);
                }
                return Verdict::Invalid;
            }
            Outcome::Reopens => return Verdict::Again,
        }
        let (confirmed, deadline) = (connection.confirmed(), connection.deadline);
        if ends {
            self.table.unlist(id);
        } else if confirmed {
            self.table.refile(id, deadline);
        }
        Verdict::Belongs
    }

    /// State and direction of a packet that belongs to a connection; an answer is noted after that.
    fn tracking(&mut self, id: ConnectionId, direction: Direction) -> Tracking {
        let Some(connection) = self.table.get_mut(id) else { return Tracking::INVALID };
        let state = match direction {
            Direction::Reply => TrackState::Established,
            Direction::Original if connection.status.contains(Status::SEEN_REPLY) => TrackState::Established,
            Direction::Original if connection.status.contains(Status::EXPECTED) => TrackState::Related,
            Direction::Original => TrackState::New,
        };
        connection.status.set(
            Status::SEEN_REPLY,
            direction == Direction::Reply || connection.status.contains(Status::SEEN_REPLY),
        );
        Tracking { state, direction, connection: Some(id) }
    }

    fn free_unconfirmed(&mut self, id: ConnectionId) {
        let over = |entry: &Connection| !entry.confirmed() || entry.status.contains(Status::DYING);
        if self.table.get(id).is_some_and(over) {
            self.table.free(id);
        }
    }

    /// ICMP errors belong to the connection of the packet they quote; none for queries, which are looked up as others.
    fn icmp(&self, view: &View<'_>, entry: &Entry) -> Option<Tracking> {
        let Some([kind, ..]) = view.array::<8>(0) else { return Some(Tracking::INVALID) };
        if entry.received && self.settings.checksum != 0 && !icmp_checksum_is_right(view) {
            return Some(Tracking::INVALID);
        }
        match IcmpKind::of(view.protocol, kind) {
            IcmpKind::Query => None,
            IcmpKind::Unknown => Some(Tracking::INVALID),
            IcmpKind::Discovery => Some(Tracking::UNTRACKED),
            IcmpKind::Error => Some(self.icmp_error(view, entry.zone).unwrap_or(Tracking::INVALID)),
        }
    }

    fn icmp_error(&self, view: &View<'_>, zone: Zone) -> Option<Tracking> {
        let quote = view.quote()?;
        let inner = Tuple::of(&quote)?.inverse()?;
        let (id, direction) = self.find(&inner, zone)?;
        let to = self.table.get(id)?.tuple(direction).destination;
        (to == view.destination).then_some(Tracking {
            state: TrackState::Related,
            direction,
            connection: Some(id),
        })
    }
}

impl Connections for Conntrack {
    fn is_closed(&self, tuple: &packet::Tuple, zone: u16) -> Option<bool> {
        let state = self.known(tuple, zone)?.state_name();
        Some(matches!(state, Some("TIME_WAIT" | "CLOSE")))
    }

    fn is_assured(&self, tuple: &packet::Tuple, zone: u16) -> bool {
        self.known(tuple, zone).is_some_and(|connection| connection.status.contains(Status::ASSURED))
    }

    fn tuple(&self, packet: &Packet<'_>) -> Option<packet::Tuple> {
        Some(Tuple::of(&View::parse(packet.data)?)?.public())
    }
}

enum Verdict {
    Belongs,
    Invalid,
    /// The old connection is over: look again.
    Again,
}
