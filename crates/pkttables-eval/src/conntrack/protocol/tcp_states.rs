use pkttables::packet::Direction;

use super::tcp_segment::Segment;
use crate::conntrack::settings::Settings;

/// The states of a TCP connection as seen from between the two sides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum TcpState {
    #[default]
    None,
    SynSent,
    SynReceived,
    Established,
    FinWait,
    CloseWait,
    LastAck,
    TimeWait,
    Close,
    /// Both sides sent a SYN.
    SynSent2,
}

/// What a segment is for the state table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Event {
    Syn,
    SynAck,
    Fin,
    Ack,
    Rst,
    #[default]
    None,
}

/// What the state table says to an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    To(TcpState),
    /// Perhaps the two sides know better: the packet passes and changes nothing.
    Ignore,
    Invalid,
}

impl Event {
    pub(super) const fn of(segment: &Segment) -> Self {
        match segment {
            Segment { rst: true, .. } => Self::Rst,
            Segment { syn: true, ack: true, .. } => Self::SynAck,
            Segment { syn: true, .. } => Self::Syn,
            Segment { fin: true, .. } => Self::Fin,
            Segment { ack: true, .. } => Self::Ack,
            _ => Self::None,
        }
    }
}

/// One letter per state in the order of [`TcpState`]: `s`yn sent, syn `r`eceived, `e`stablished, `f`in wait,
/// close `w`ait, `l`ast ack, `t`ime wait, `c`lose, `2` both SYNs; `.` ignore, `-` invalid.
const STEPS: [(Event, Direction, &[u8; 10]); 10] = {
    use Direction::{Original, Reply};
    [
        //                        n s r e f w l t c 2
        (Event::Syn, Original, b"ss.....ss2"),
        (Event::Syn, Reply, b"-2-----s-2"),
        (Event::SynAck, Original, b"--r------r"),
        (Event::SynAck, Reply, b"-r.......r"),
        (Event::Fin, Original, b"--fflllTc-"),
        (Event::Fin, Reply, b"--fflllTc-"),
        (Event::Ack, Original, b"e-eewwTTc-"),
        (Event::Ack, Reply, b"-.rewwTTc."),
        (Event::Rst, Original, b"-ccccccccc"),
        (Event::Rst, Reply, b"-ccccccccc"),
    ]
};

impl TcpState {
    /// Where an event from a side leads.
    pub(super) fn step(self, event: Event, direction: Direction) -> Step {
        let row = STEPS.iter().find(|(of, from, _)| (*of, *from) == (event, direction));
        match row.and_then(|(_, _, row)| row.get(self as usize)).unwrap_or(&b'-') {
            b's' => Step::To(Self::SynSent),
            b'r' => Step::To(Self::SynReceived),
            b'e' => Step::To(Self::Established),
            b'f' => Step::To(Self::FinWait),
            b'w' => Step::To(Self::CloseWait),
            b'l' => Step::To(Self::LastAck),
            b'T' => Step::To(Self::TimeWait),
            b'c' => Step::To(Self::Close),
            b'2' => Step::To(Self::SynSent2),
            b'.' => Step::Ignore,
            _ => Step::Invalid,
        }
    }

    /// Whether the connection is closing or closed.
    pub(super) const fn is_closing(self) -> bool {
        matches!(self, Self::FinWait | Self::CloseWait | Self::LastAck | Self::TimeWait | Self::Close)
    }

    /// How long a connection in the state lasts without packets.
    pub(super) const fn seconds(self, settings: &Settings) -> u32 {
        match self {
            Self::None | Self::SynSent => settings.tcp_syn_sent,
            // There is no setting of it.
            Self::SynSent2 => 120,
            Self::SynReceived => settings.tcp_syn_recv,
            Self::Established => settings.tcp_established,
            Self::FinWait => settings.tcp_fin_wait,
            Self::CloseWait => settings.tcp_close_wait,
            Self::LastAck => settings.tcp_last_ack,
            Self::TimeWait => settings.tcp_time_wait,
            Self::Close => settings.tcp_close,
        }
    }

    /// The name in `/proc/net/nf_conntrack`.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::None => "NONE",
            Self::SynSent => "SYN_SENT",
            Self::SynReceived => "SYN_RECV",
            Self::Established => "ESTABLISHED",
            Self::FinWait => "FIN_WAIT",
            Self::CloseWait => "CLOSE_WAIT",
            Self::LastAck => "LAST_ACK",
            Self::TimeWait => "TIME_WAIT",
            Self::Close => "CLOSE",
            Self::SynSent2 => "SYN_SENT2",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Direction::{Original, Reply};

    fn walk(events: &[(Event, Direction)]) -> Vec<&'static str> {
        let mut state = TcpState::None;
        events
            .iter()
            .map(|(event, direction)| match state.step(*event, *direction) {
                Step::To(next) => {
                    state = next;
                    state.name()
                }
                Step::Ignore => "ignored",
                Step::Invalid => "invalid",
            })
            .collect()
    }

    #[test]
    fn a_connection_opens_and_closes() {
        use Event::{Ack, Fin, Syn, SynAck};
        let states = walk(&[
            (Syn, Original),
            (Ack, Reply),
            (SynAck, Reply),
            (Syn, Original),
            (Ack, Original),
            (Fin, Original),
            (Ack, Reply),
            (Fin, Reply),
            (Ack, Original),
            (Syn, Original),
        ]);
        let wanted = [
            "SYN_SENT",
            "ignored",
            "SYN_RECV",
            "ignored",
            "ESTABLISHED",
            "FIN_WAIT",
            "CLOSE_WAIT",
            "LAST_ACK",
            "TIME_WAIT",
            "SYN_SENT",
        ];
        assert_eq!(states, wanted);
    }

    #[test]
    fn only_a_syn_or_an_acknowledgement_begins_a_connection() {
        use Event::{Ack, Fin, None, Rst, Syn, SynAck};
        for (event, first) in [(Syn, "SYN_SENT"), (Ack, "ESTABLISHED")] {
            assert_eq!(walk(&[(event, Original)]), [first]);
        }
        for event in [SynAck, Fin, Rst, None] {
            assert_eq!(walk(&[(event, Original)]), ["invalid"]);
        }
    }

    #[test]
    fn both_sides_may_open_at_once() {
        use Event::{Syn, SynAck};
        assert_eq!(
            walk(&[(Syn, Original), (Syn, Reply), (SynAck, Reply)]),
            ["SYN_SENT", "SYN_SENT2", "SYN_RECV"]
        );
    }

    #[test]
    fn every_state_but_none_ends_with_a_reset() {
        for (_, _, row) in STEPS.iter().filter(|(event, ..)| *event == Event::Rst) {
            assert!(row.starts_with(b"-") && row[1..].iter().all(|step| *step == b'c'));
        }
    }
}
