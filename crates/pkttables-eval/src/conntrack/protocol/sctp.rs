use pkttables::packet::Direction;

use super::{Context, Outcome};
use crate::conntrack::crc32c::crc32c;
use crate::conntrack::headers::View;
use crate::conntrack::settings::Settings;

/// What is remembered of an SCTP association.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sctp {
    pub(super) state: SctpState,
    /// The verification tag of each direction's packets.
    tags: [u32; 2],
    /// Which sides sent an INIT since the association was last established.
    inits: [bool; 2],
    /// A heartbeat from this side had another tag.
    moved: Option<Direction>,
}

/// The states of an SCTP association as seen from between the two sides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum SctpState {
    #[default]
    None,
    Closed,
    CookieWait,
    CookieEchoed,
    Established,
    ShutdownSent,
    ShutdownReceived,
    ShutdownAckSent,
    HeartbeatSent,
}

/// Chunk types (RFC 9260) that the tracker looks at.
mod chunk {
    pub(super) const DATA: u8 = 0;
    pub(super) const INIT: u8 = 1;
    pub(super) const INIT_ACK: u8 = 2;
    pub(super) const HEARTBEAT: u8 = 4;
    pub(super) const HEARTBEAT_ACK: u8 = 5;
    pub(super) const ABORT: u8 = 6;
    pub(super) const SHUTDOWN: u8 = 7;
    pub(super) const SHUTDOWN_ACK: u8 = 8;
    pub(super) const ERROR: u8 = 9;
    pub(super) const COOKIE_ECHO: u8 = 10;
    pub(super) const COOKIE_ACK: u8 = 11;
    pub(super) const SHUTDOWN_COMPLETE: u8 = 14;
}

use chunk::{
    ABORT, COOKIE_ACK, COOKIE_ECHO, DATA, ERROR, HEARTBEAT, HEARTBEAT_ACK, INIT, INIT_ACK, SHUTDOWN,
    SHUTDOWN_ACK, SHUTDOWN_COMPLETE,
};

/// Per chunk type the next state from the original and the reply side; one letter per state in the order of
/// [`SctpState`]: `c`losed, cookie `w`ait, cookie `e`choed, `E`stablished, `s`hutdown sent, shutdown `r`eceived,
/// shutdown `a`ck sent, `h`eartbeat sent; `-` invalid.
const STEPS: [(u8, &[u8; 9], &[u8; 9]); 11] = [
    //                  ncweEsrah    ncweEsrah
    (INIT, b"ccweEccaw", b"-cweEsra-"),
    (INIT_ACK, b"ccweEsrac", b"-wweEsra-"),
    (ABORT, b"ccccccccc", b"-ccccccc-"),
    (SHUTDOWN, b"ccwessrac", b"-cwersra-"),
    (SHUTDOWN_ACK, b"acweEaaaa", b"-cweEaaa-"),
    (ERROR, b"ccweEsrac", b"-cwcEsra-"),
    (COOKIE_ECHO, b"cceeEsrac", b"-ceeEsra-"),
    (COOKIE_ACK, b"ccwEEsrac", b"-cwEEsra-"),
    (SHUTDOWN_COMPLETE, b"ccweEsrcc", b"-cweEsrc-"),
    (HEARTBEAT, b"hcweEsrah", b"-cweEsrah"),
    (HEARTBEAT_ACK, b"ccweEsrah", b"-cweEsraE"),
];

impl SctpState {
    /// Where a chunk leads; chunks with data and acknowledgements lead nowhere.
    fn step(self, kind: u8, direction: Direction) -> Option<Self> {
        let Some((_, original, reply)) = STEPS.iter().find(|(of, ..)| *of == kind) else { return Some(self) };
        let row = match direction {
            Direction::Original => original,
            Direction::Reply => reply,
        };
        Some(match row.get(self as usize)? {
            b'c' => Self::Closed,
            b'w' => Self::CookieWait,
            b'e' => Self::CookieEchoed,
            b'E' => Self::Established,
            b's' => Self::ShutdownSent,
            b'r' => Self::ShutdownReceived,
            b'a' => Self::ShutdownAckSent,
            b'h' => Self::HeartbeatSent,
            _ => return None,
        })
    }

    const fn seconds(self, settings: &Settings) -> u32 {
        match self {
            Self::None | Self::Closed => settings.sctp_closed,
            Self::CookieWait => settings.sctp_cookie_wait,
            Self::CookieEchoed => settings.sctp_cookie_echoed,
            Self::Established => settings.sctp_established,
            Self::ShutdownSent => settings.sctp_shutdown_sent,
            Self::ShutdownReceived => settings.sctp_shutdown_recd,
            Self::ShutdownAckSent => settings.sctp_shutdown_ack_sent,
            Self::HeartbeatSent => settings.sctp_heartbeat_sent,
        }
    }

    /// The name in `/proc/net/nf_conntrack`.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::None => "NONE",
            Self::Closed => "CLOSED",
            Self::CookieWait => "COOKIE_WAIT",
            Self::CookieEchoed => "COOKIE_ECHOED",
            Self::Established => "ESTABLISHED",
            Self::ShutdownSent => "SHUTDOWN_SENT",
            Self::ShutdownReceived => "SHUTDOWN_RECD",
            Self::ShutdownAckSent => "SHUTDOWN_ACK_SENT",
            Self::HeartbeatSent => "HEARTBEAT_SENT",
        }
    }
}

/// What an INIT and its acknowledgement have behind the chunk's type and length, but for parameters (RFC 9260, 3.3.2).
const INIT_HEADER: usize = 16;

#[derive(Clone, Copy, Debug)]
struct Chunk {
    kind: u8,
    flags: u8,
    length: u16,
    /// The initiate tag, or what stands there; none if there is no room for what else an INIT has.
    tag: Option<u32>,
}

/// The chunk types of a packet.
#[derive(Clone, Copy, Debug, Default)]
struct Kinds([u64; 4]);

impl Kinds {
    fn add(&mut self, kind: u8) {
        if let Some(word) = self.0.get_mut(usize::from(kind / 64)) {
            *word |= 1 << (kind % 64);
        }
    }

    fn has_any(&self, kinds: &[u8]) -> bool {
        // All chunk types that the tracker looks at are small.
        kinds.iter().any(|kind| self.0.first().is_some_and(|word| word >> kind & 1 == 1))
    }
}

impl Sctp {
    pub(super) fn packet(&mut self, view: &View<'_>, context: &Context<'_>) -> Outcome {
        let Some(tag) = view.be32(4).filter(|_| view.transport_len() >= 12) else { return Outcome::Invalid };
        if context.verify && !checksum_is_right(view) {
            return Outcome::Invalid;
        }
        let Some(kinds) = kinds(view) else { return Outcome::Invalid };
        if !context.confirmed() {
            if kinds.has_any(&[ABORT, SHUTDOWN_COMPLETE, COOKIE_ACK]) {
                return Outcome::Invalid;
            }
            let Some(begun) = Self::begin(view, tag) else { return Outcome::Invalid };
            *self = begun;
        }
        const OWN_RULES: [u8; 7] =
            [INIT, SHUTDOWN_COMPLETE, COOKIE_ECHO, ABORT, SHUTDOWN_ACK, HEARTBEAT, HEARTBEAT_ACK];
        if !kinds.has_any(&OWN_RULES) && tag != self.tag(context.direction) {
            return Outcome::Invalid;
        }
        self.chunks(view, tag, &kinds, context)
    }

    /// The first packet of an association; none if it cannot be one.
    fn begin(view: &View<'_>, tag: u32) -> Option<Self> {
        let [mut original, mut reply] = [0; 2];
        for chunk in chunks(view) {
            SctpState::None
                .step(chunk.kind, Direction::Original)
                .filter(|state| *state != SctpState::None)?;
            match chunk.kind {
                INIT => reply = chunk.tag.filter(|_| tag == 0)?,
                HEARTBEAT => original = tag,
                SHUTDOWN_ACK => reply = tag,
                _ => {}
            }
        }
        Some(Self { tags: [original, reply], ..Self::default() })
    }

    fn chunks(&mut self, view: &View<'_>, tag: u32, kinds: &Kinds, context: &Context<'_>) -> Outcome {
        let direction = context.direction;
        let mut keeps_timeout = false;
        let mut new = self.state;
        let mut assured = false;
        for chunk in chunks(view) {
            let own = self.tag(direction);
            let other = self.tag(direction.other());
            match chunk.kind {
                INIT if tag != 0 => return Outcome::Invalid,
                // The T flag says that the tag is the other side's (RFC 9260, 8.5.1).
                ABORT | SHUTDOWN_COMPLETE if tag != if chunk.flags & 1 == 0 { own } else { other } => {
                    return Outcome::Invalid;
                }
                COOKIE_ECHO if tag != own => return Outcome::Invalid,
                COOKIE_ACK => self.inits = [false; 2],
                HEARTBEAT | HEARTBEAT_ACK if own == 0 => self.set_tag(direction, tag),
                HEARTBEAT | HEARTBEAT_ACK if tag == own => self.moved = None,
                HEARTBEAT | HEARTBEAT_ACK if keeps_timeout || kinds.has_any(&[DATA]) => {
                    return Outcome::Invalid;
                }
                HEARTBEAT => {
                    self.moved = Some(direction);
                    keeps_timeout = true;
                    continue;
                }
                HEARTBEAT_ACK => {
                    if self.moved != Some(direction.other()) {
                        return Outcome::Invalid;
                    }
                    self.moved = None;
                    self.set_tag(direction, tag);
                    self.set_tag(direction.other(), 0);
                }
                _ => {}
            }
            let old = self.state;
            let Some(next) = old.step(chunk.kind, direction) else { return Outcome::Invalid };
            new = next;
            if matches!(chunk.kind, INIT | INIT_ACK) {
                let Some(announced) = chunk.tag else { return Outcome::Invalid };
                if !self.announce(chunk.kind, direction, announced, context.confirmed()) {
                    return Outcome::Invalid;
                }
                if chunk.kind == INIT
                    && old == SctpState::Closed
                    && new == SctpState::Closed
                    && context.confirmed()
                {
                    keeps_timeout = true;
                }
            }
            self.state = new;
            assured |= new == SctpState::Established;
        }
        if keeps_timeout {
            return Outcome::Ignored;
        }
        Outcome::Lasts { seconds: new.seconds(context.settings), assured }
    }

    /// Takes over the tag that a side announces for the packets of the other one; false if it may not change it now.
    fn announce(&mut self, kind: u8, direction: Direction, tag: u32, confirmed: bool) -> bool {
        let known = self.tag(direction.other());
        let [original, reply] = &mut self.inits;
        let (own, other) = match direction {
            Direction::Original => (original, reply),
            Direction::Reply => (reply, original),
        };
        if kind == INIT {
            // One that says the same again begins nothing.
            if !confirmed || known != tag {
                *other &= !*own;
                *own = true;
            }
        } else {
            let unasked = !*other && known != 0;
            let both_asked = *own && *other;
            if (unasked || both_asked) && known != tag {
                return false;
            }
        }
        self.set_tag(direction.other(), tag);
        true
    }

    const fn tag(&self, direction: Direction) -> u32 {
        let [original, reply] = self.tags;
        match direction {
            Direction::Original => original,
            Direction::Reply => reply,
        }
    }

    fn set_tag(&mut self, direction: Direction, tag: u32) {
        let [original, reply] = &mut self.tags;
        match direction {
            Direction::Original => *original = tag,
            Direction::Reply => *reply = tag,
        }
    }
}

/// The chunk types; none if chunks are wrong or stand together that must not.
fn kinds(view: &View<'_>) -> Option<Kinds> {
    let mut kinds = Kinds::default();
    let mut alone = false;
    let mut count = 0;
    for chunk in chunks(view) {
        alone |= matches!(chunk.kind, INIT | INIT_ACK | SHUTDOWN_COMPLETE);
        if count > 0 && (alone || matches!(chunk.kind, COOKIE_ACK | COOKIE_ECHO)) || chunk.length == 0 {
            return None;
        }
        kinds.add(chunk.kind);
        count += 1;
    }
    (count > 0).then_some(kinds)
}

fn chunks<'a>(view: &'a View<'_>) -> impl Iterator<Item = Chunk> + 'a {
    let mut at = 12;
    let mut ended = false;
    std::iter::from_fn(move || {
        let [kind, flags, length @ ..] = view.array::<4>(at).filter(|_| !ended)?;
        let length = u16::from_be_bytes(length);
        let whole = view.array::<INIT_HEADER>(at + 4).is_some();
        let tag = view.be32(at + 4).filter(|_| whole);
        at += usize::from(length).next_multiple_of(4);
        ended = length == 0;
        Some(Chunk { kind, flags, length, tag })
    })
}

fn checksum_is_right(view: &View<'_>) -> bool {
    let Some(stands) = view.array::<4>(8) else { return false };
    let data = view.data();
    let (before, behind) =
        (data.chunks(view.offset, view.offset + 8), data.chunks(view.offset + 12, data.len()));
    let bytes = before.flatten().chain(&[0; 4]).chain(behind.flatten());
    crc32c(bytes) == u32::from_le_bytes(stands)
}

#[cfg(test)]
mod tests {
    use super::*;
    use Direction::{Original, Reply};

    #[test]
    fn an_association_opens_and_closes() {
        let mut state = SctpState::None;
        let chunks = [
            (INIT, Original),
            (INIT_ACK, Reply),
            (COOKIE_ECHO, Original),
            (COOKIE_ACK, Reply),
            (DATA, Original),
            (SHUTDOWN, Original),
            (SHUTDOWN_ACK, Reply),
            (SHUTDOWN_COMPLETE, Original),
        ];
        let names = chunks.map(|(kind, direction)| {
            state = state.step(kind, direction).unwrap();
            state.name()
        });
        let wanted = [
            "CLOSED",
            "COOKIE_WAIT",
            "COOKIE_ECHOED",
            "ESTABLISHED",
            "ESTABLISHED",
            "SHUTDOWN_SENT",
            "SHUTDOWN_ACK_SENT",
            "CLOSED",
        ];
        assert_eq!(names, wanted);
    }

    #[test]
    fn data_does_not_begin_an_association_and_nothing_begins_with_a_reply() {
        assert_eq!(SctpState::None.step(DATA, Original), Some(SctpState::None));
        assert!(STEPS.iter().all(|(kind, ..)| SctpState::None.step(*kind, Reply).is_none()));
    }
}
