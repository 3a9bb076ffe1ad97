use pkttables::packet::{Direction, Status};

use super::tcp_segment::{Segment, before};
use super::tcp_states::{Event, Step, TcpState};
use super::tcp_window::{Fit, Side, check};
use super::{Context, Outcome};
use crate::conntrack::headers::View;

/// What is remembered of a TCP connection.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tcp {
    pub(super) state: TcpState,
    sides: [Side; 2],
    retransmissions: u8,
    last: Last,
    /// Both sides sent a SYN, and no other of the original side was ignored since.
    simultaneous: bool,
}

/// The last packet, also an ignored one: the two sides may know better than the tracker.
#[derive(Clone, Copy, Debug, Default)]
struct Last {
    event: Event,
    direction: Direction,
    sequence: u32,
    acknowledged: u32,
    end: u32,
    window: u16,
    scale: Option<u8>,
    sack: bool,
    /// The ignored SYN may be answered by a challenge (RFC 5961).
    challenge: bool,
}

enum Course {
    /// To the window check.
    Check(TcpState, TcpState),
    /// Past it.
    Skip(TcpState, TcpState),
    Done(Outcome),
}

impl Tcp {
    pub(super) fn packet(&mut self, view: &View<'_>, context: &Context<'_>) -> Outcome {
        let Some(mut segment) = Segment::read(view, context.verify) else { return Outcome::Invalid };
        if !context.confirmed() && !self.begin(&segment, context) {
            return Outcome::Invalid;
        }
        let event = Event::of(&segment);
        let direction = context.direction;
        let (old, new) = match self.course(event, &segment, context) {
            Course::Done(outcome) => return outcome,
            Course::Skip(old, new) => (old, new),
            Course::Check(old, new) => {
                segment.unshift(&context.shift);
                let [original, reply] = &mut self.sides;
                let (sender, receiver) = match direction {
                    Direction::Original => (original, reply),
                    Direction::Reply => (reply, original),
                };
                let liberal = context.settings.tcp_be_liberal != 0;
                match check(sender, receiver, self.state, direction, &segment, liberal) {
                    Fit::Inside => self.note_retransmission(event, &segment, direction),
                    Fit::Tolerated => {}
                    Fit::Below => return Outcome::Ignored,
                    Fit::Outside => return self.outside(event, context),
                }
                (old, new)
            }
        };
        self.last.event = event;
        self.last.direction = direction;
        self.state = new;
        if old != new && new == TcpState::FinWait {
            self.side(direction).closes = true;
        }
        self.result(event, old, new, context)
    }

    /// Closes the connection whatever its sides know; false if it is closed.
    pub(crate) fn close(&mut self) -> bool {
        std::mem::replace(&mut self.state, TcpState::Close) != TcpState::Close
    }

    /// The first packet of a connection; false if it cannot be one.
    fn begin(&mut self, segment: &Segment, context: &Context<'_>) -> bool {
        *self = Self::default();
        let [original, reply] = &mut self.sides;
        match TcpState::None.step(Event::of(segment), Direction::Original) {
            Step::To(TcpState::SynSent) => original.open(segment),
            Step::To(_) if context.settings.tcp_loose != 0 => {
                original.pick_up(segment);
                for side in [original, reply] {
                    side.sack = true;
                    side.liberal = true;
                }
            }
            _ => return false,
        }
        true
    }

    /// What the state table says to a packet, and where it does not know better.
    fn course(&mut self, event: Event, segment: &Segment, context: &Context<'_>) -> Course {
        let (old, direction) = (self.state, context.direction);
        match old.step(event, direction) {
            Step::Invalid => Course::Done(Outcome::Invalid),
            Step::Ignore => self.ignore(event, segment, direction),
            Step::To(TcpState::SynSent) if matches!(old, TcpState::TimeWait | TcpState::Close) => {
                let closing = self.sides.iter().any(|side| side.closes);
                if closing || self.last.direction == direction && self.last.event == Event::Rst {
                    return Course::Done(Outcome::Reopens);
                }
                self.ignore(event, segment, direction)
            }
            Step::To(TcpState::TimeWait)
                if old == TcpState::LastAck
                    && event == Event::Ack
                    && self.last.direction != direction
                    && self.last.event == Event::Syn
                    && self.last.challenge =>
            {
                self.last.challenge = false;
                Course::Done(Outcome::Ignored)
            }
            Step::To(new @ TcpState::SynSent2) => {
                self.simultaneous = true;
                Course::Check(old, new)
            }
            Step::To(TcpState::SynReceived)
                if direction == Direction::Reply && event == Event::Ack && self.simultaneous =>
            {
                Course::Check(old, TcpState::Established)
            }
            Step::To(new @ TcpState::Close) if event == Event::Rst => self.reset(new, segment, context),
            Step::To(new) => Course::Check(old, new),
        }
    }

    fn ignore(&mut self, event: Event, segment: &Segment, direction: Direction) -> Course {
        let last = self.last;
        let answers_ignored_syn = event == Event::SynAck
            && last.event == Event::Syn
            && last.direction != direction
            && segment.acknowledged == last.end;
        if answers_ignored_syn {
            // The two sides are in step, the tracker was not: it starts anew from what it noted of the SYN.
            *self.side(last.direction) = Side {
                end: last.end,
                max_end: last.end,
                max_window: u32::from(last.window).max(1),
                scale: last.scale.unwrap_or(0),
                offers_scale: last.scale.is_some(),
                sack: last.sack,
                ..Side::default()
            };
            *self.side(direction) = Side { liberal: self.side(direction).liberal, ..Side::default() };
            self.last.challenge = false;
            return Course::Check(TcpState::SynSent, TcpState::SynReceived);
        }
        self.last = Last {
            event,
            direction,
            sequence: segment.sequence,
            end: segment.end,
            window: segment.window,
            ..last
        };
        if event == Event::Syn && direction == Direction::Original {
            let offer = segment.offer();
            self.last.scale = offer.scale;
            self.last.sack = offer.sack;
            self.last.challenge = self.state == TcpState::LastAck;
            self.simultaneous = false;
        }
        if self.state == TcpState::SynSent && event == Event::Ack && direction == Direction::Reply {
            self.last.acknowledged = segment.acknowledged;
        }
        Course::Done(Outcome::Ignored)
    }

    fn reset(&mut self, new: TcpState, segment: &Segment, context: &Context<'_>) -> Course {
        let (old, direction, last) = (self.state, context.direction, self.last);
        if old.is_closing() {
            // The two sides may have begun anew, so what is remembered proves nothing.
            return Course::Skip(old, new);
        }
        let assured = context.status.contains(Status::ASSURED);
        let established = old == TcpState::Established && assured;
        let expected = self.side(direction.other()).max_ack;
        if let Some(expected) = expected.filter(|_| last.event != Event::Syn) {
            if segment.sequence == 0 && !established {
                return Course::Check(old, new);
            }
            if before(segment.sequence, expected) && context.settings.tcp_ignore_invalid_rst == 0 {
                return Course::Done(Outcome::Invalid);
            }
            let follows =
                last.event == Event::Ack && last.direction == direction && segment.sequence == last.end;
            if !established || segment.sequence == expected || follows {
                return Course::Check(old, new);
            }
            // Not exactly the next number: the other side may answer with a challenge, so nothing ends yet.
            return self.reset_of_ignored(old, old, segment, context);
        }
        self.reset_of_ignored(old, new, segment, context)
    }

    /// A reset that answers a packet which passed unchecked is not checked either.
    fn reset_of_ignored(
        &self,
        old: TcpState,
        new: TcpState,
        segment: &Segment,
        context: &Context<'_>,
    ) -> Course {
        let last = self.last;
        let assured = context.status.contains(Status::ASSURED);
        let answers_syn = last.event == Event::Syn && last.direction != context.direction;
        let answers_ignored = (context.answered() && answers_syn || !assured && last.event == Event::Ack)
            && segment.acknowledged == last.end;
        let answers_challenge = old == TcpState::SynSent
            && last.event == Event::Ack
            && last.direction == Direction::Reply
            && last.acknowledged == segment.sequence;
        if answers_ignored || answers_challenge { Course::Skip(old, new) } else { Course::Check(old, new) }
    }

    /// A FIN or RST outside the window: the two sides may be done already, so the connection does not stay for days.
    fn outside(&mut self, event: Event, context: &Context<'_>) -> Outcome {
        const LONG_MS: u64 = 120_000;
        let assured = context.status.contains(Status::ASSURED);
        if !matches!(event, Event::Fin | Event::Rst) || !assured {
            return Outcome::Invalid;
        }
        if self.last.direction == context.direction || !matches!(self.last.event, Event::Fin | Event::Rst) {
            self.last.event = event;
            self.last.direction = context.direction;
            return Outcome::Invalid;
        }
        if context.remaining < LONG_MS {
            return Outcome::Invalid;
        }
        Outcome::InvalidShortens(context.settings.tcp_unacknowledged)
    }

    fn note_retransmission(&mut self, event: Event, segment: &Segment, direction: Direction) {
        if event != Event::Ack {
            return;
        }
        let last = &mut self.last;
        let same = last.direction == direction
            && last.sequence == segment.sequence
            && last.acknowledged == segment.acknowledged
            && last.end == segment.end
            && last.window == segment.window;
        if same {
            self.retransmissions = self.retransmissions.saturating_add(1);
            return;
        }
        *last = Last {
            direction,
            sequence: segment.sequence,
            acknowledged: segment.acknowledged,
            end: segment.end,
            window: segment.window,
            ..*last
        };
        self.retransmissions = 0;
    }

    fn result(&self, event: Event, old: TcpState, new: TcpState, context: &Context<'_>) -> Outcome {
        let settings = context.settings;
        let usual = new.seconds(settings);
        let mut seconds = if u32::from(self.retransmissions) >= settings.tcp_max_retrans {
            usual.min(settings.tcp_retrans)
        } else if event == Event::Rst {
            settings.tcp_close
        } else if usual > settings.tcp_unacknowledged && self.sides.iter().any(|side| side.unacknowledged) {
            settings.tcp_unacknowledged
        } else if self.last.window == 0 {
            usual.min(settings.tcp_retrans)
        } else {
            usual
        };
        let mut assured = false;
        if !context.answered() {
            if event == Event::Rst {
                return Outcome::Ends;
            }
            if event == Event::Syn && old == TcpState::SynSent {
                return Outcome::Ignored;
            }
            if new == TcpState::Established {
                seconds = seconds.min(settings.tcp_unacknowledged);
            }
        } else {
            assured =
                matches!(old, TcpState::SynReceived | TcpState::Established) && new == TcpState::Established;
        }
        Outcome::Lasts { seconds, assured }
    }

    fn side(&mut self, direction: Direction) -> &mut Side {
        let [original, reply] = &mut self.sides;
        match direction {
            Direction::Original => original,
            Direction::Reply => reply,
        }
    }
}
