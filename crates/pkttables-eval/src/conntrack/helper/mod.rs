//! Helpers: they read control connections and announce the connections that will follow.

mod ftp;

use pkttables::model::protocol;
use pkttables::packet::{Data, Direction, TrackState};

use super::entry::{Connection, ConnectionId};
use super::expect::{Expectation, Expected};
use super::headers::View;
use super::track::{Conntrack, Pass, Tracking};

macro_rules! helpers {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal,)+) => {
        /// A helper that `-j CT --helper` can assign. FTP and TFTP announce connections; the others only have names.
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

/// What helpers remember of a connection.
#[derive(Clone, Debug, Default)]
pub(crate) struct HelperState {
    lines: [ftp::LineStarts; 2],
    announced: Option<Expected>,
}

/// How long an announced connection is waited for.
const EXPECTED_MS: u64 = 300_000;

impl Conntrack {
    /// Lets the helper of a packet's connection read the packet, in the last hook before
    /// [`confirm`](Self::confirm).
    pub fn help(&mut self, packet: Data<'_>, tracking: &Tracking) -> Pass {
        let Some(id) = tracking.connection else { return Pass::Accept };
        let Some(helper) = self.connection(id).and_then(Connection::helper) else { return Pass::Accept };
        let Some(view) = View::parse(packet) else { return Pass::Accept };
        match (helper, view.protocol) {
            (Helper::Ftp, protocol::TCP) if tracking.state == TrackState::Established => {
                self.help_ftp(id, &view, tracking.direction)
            }
            (Helper::Tftp, protocol::UDP) => {
                self.help_tftp(id, &view);
                Pass::Accept
            }
            _ => Pass::Accept,
        }
    }

    /// How many connections are announced and have not come.
    #[must_use]
    pub fn expected(&self) -> usize {
        self.expectations.len()
    }

    fn help_tftp(&mut self, id: ConnectionId, view: &View<'_>) {
        const READ_REQUEST: u16 = 1;
        const WRITE_REQUEST: u16 = 2;
        if !matches!(view.be16(8), Some(READ_REQUEST | WRITE_REQUEST)) {
            return;
        }
        let Some(connection) = self.table.get(id) else { return };
        let answer = connection.tuple(Direction::Reply);
        let expected = Expected {
            source: answer.source,
            destination: answer.destination,
            port: answer.destination_key,
            protocol: protocol::UDP,
            family: answer.family,
        };
        self.expect(id, expected);
    }

    /// Announces a connection; the one announced before by the same master is withdrawn.
    fn expect(&mut self, master: ConnectionId, expected: Expected) {
        let now = self.now;
        let Some(connection) = self.table.get_mut(master) else { return };
        let zone = connection.zone;
        let state = connection.helper_state.get_or_insert_default();
        if let Some(earlier) = state.announced.replace(expected) {
            self.expectations.withdraw(&earlier, master);
        }
        let expectation = Expectation { master, zone, expires: now + EXPECTED_MS };
        self.expectations.add(expected, expectation, now, self.settings.expect_max as usize);
    }
}
