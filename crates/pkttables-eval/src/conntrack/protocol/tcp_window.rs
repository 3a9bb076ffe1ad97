use pkttables::packet::Direction;

use super::tcp_segment::{Segment, after, before};
use super::tcp_states::TcpState;

/// What one side has sent and may send (after van Rooij, "Real Stateful TCP Packet Filtering").
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Side {
    /// The highest sequence number sent.
    pub(super) end: u32,
    /// The highest sequence number it may send.
    pub(super) max_end: u32,
    /// The largest window it advertised; 0 if it was not heard.
    pub(super) max_window: u32,
    /// The highest acknowledgement it sent.
    pub(super) max_ack: Option<u32>,
    pub(super) scale: u8,
    pub(super) offers_scale: bool,
    pub(super) sack: bool,
    /// The connection was picked up in the middle: nothing is out of the window.
    pub(super) liberal: bool,
    /// It began to close.
    pub(super) closes: bool,
    /// It sent data not acknowledged yet.
    pub(super) unacknowledged: bool,
}

/// How a segment lies to the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fit {
    Inside,
    /// Not inside, but nobody minds: it passes and changes no window.
    Tolerated,
    /// Old: it passes and changes nothing.
    Below,
    Outside,
}

/// The window that late acknowledgements are still taken in, at least.
const LATE_ACK_WINDOW: u32 = 66_000;

impl Side {
    /// Takes what a SYN of this side says.
    pub(super) fn open(&mut self, segment: &Segment) {
        self.end = segment.end;
        self.max_end = segment.end;
        self.max_window = u32::from(segment.window).max(1);
        let offer = segment.offer();
        let liberal = self.liberal;
        *self = Self {
            scale: offer.scale.unwrap_or(0),
            offers_scale: offer.scale.is_some(),
            sack: offer.sack,
            closes: false,
            unacknowledged: false,
            max_ack: None,
            liberal,
            ..*self
        };
    }

    /// Begins in the middle of a connection.
    pub(super) fn pick_up(&mut self, segment: &Segment) {
        self.end = segment.end;
        self.max_window = u32::from(segment.window).max(1);
        self.max_end = self.end.wrapping_add(self.max_window);
    }
}

/// Compares a segment with the windows of both sides and takes over what it says.
pub(super) fn check(
    sender: &mut Side,
    receiver: &mut Side,
    state: TcpState,
    direction: Direction,
    segment: &Segment,
    liberal: bool,
) -> Fit {
    let mut highest = if receiver.sack { segment.highest_acknowledged() } else { segment.acknowledged };
    let mut acknowledged = segment.acknowledged;
    let (mut sequence, mut end) = (segment.sequence, segment.end);
    let mut window = u32::from(segment.window);
    let opening = matches!(state, TcpState::SynSent | TcpState::SynReceived);

    if sender.max_window == 0 {
        if segment.syn {
            open_answering(sender, receiver, direction, segment);
            if !segment.ack {
                return Fit::Inside;
            }
        } else {
            sender.end = end;
            sender.max_window = (window << sender.scale).max(1);
            sender.max_end = end.wrapping_add(sender.max_window);
            if receiver.max_window == 0 {
                receiver.end = highest;
                receiver.max_end = highest;
            } else if highest == receiver.end.wrapping_add(1) {
                // Likely the answer to a keep-alive.
                receiver.end = receiver.end.wrapping_add(1);
            }
        }
    } else if segment.syn && opening && after(end, sender.end) {
        open_answering(sender, receiver, direction, segment);
        if direction == Direction::Reply && !segment.ack {
            return Fit::Inside;
        }
    }

    if !segment.ack || segment.rst && acknowledged == 0 {
        acknowledged = receiver.end;
        highest = receiver.end;
    }
    if segment.rst && sequence == 0 && state == TcpState::SynSent {
        sequence = sender.end;
        end = sender.end;
    }

    let outside = if liberal || sender.liberal { Fit::Tolerated } else { Fit::Outside };
    let late = receiver.end.wrapping_sub(sender.max_window.max(LATE_ACK_WINDOW)).wrapping_sub(1);
    let lowest = sender.end.wrapping_sub(receiver.max_window).wrapping_sub(1);
    let acknowledges_sent = before(highest, receiver.end.wrapping_add(1));
    if !before(sequence, sender.max_end.wrapping_add(1)) {
        let beyond = end.wrapping_sub(sender.max_end).wrapping_add(1);
        let heard = receiver.max_window != 0 && after(end, lowest);
        if heard && after(highest, late) && beyond <= receiver.max_window && acknowledges_sent {
            // Some send more than the window allows; if it is let through, its acknowledgement must be known.
            sender.end = end;
            sender.unacknowledged = true;
            return if outside == Fit::Outside { Fit::Below } else { outside };
        }
        return outside;
    }
    if !acknowledges_sent {
        return outside;
    }
    let below = if liberal || sender.liberal { Fit::Tolerated } else { Fit::Below };
    if receiver.max_window != 0 && !after(end, lowest) || !after(highest, late) {
        return below;
    }

    if !segment.syn {
        window <<= sender.scale;
    }
    sender.max_window = sender.max_window.max(window.wrapping_add(highest.wrapping_sub(acknowledged)));
    if after(end, sender.end) {
        sender.end = end;
        sender.unacknowledged = true;
    }
    if segment.ack && sender.max_ack.is_none_or(|known| after(acknowledged, known)) {
        sender.max_ack = Some(acknowledged);
    }
    if receiver.max_window != 0 && after(end, sender.max_end) {
        receiver.max_window = receiver.max_window.wrapping_add(end.wrapping_sub(sender.max_end));
    }
    let may_send = highest.wrapping_add(window);
    if after(may_send, receiver.max_end.wrapping_sub(1)) {
        receiver.max_end = may_send.wrapping_add(u32::from(window == 0));
    }
    if acknowledged == receiver.end {
        receiver.unacknowledged = false;
    }
    Fit::Inside
}

/// Window scaling counts only if both SYNs offer it.
fn open_answering(sender: &mut Side, receiver: &mut Side, direction: Direction, segment: &Segment) {
    sender.open(segment);
    if direction == Direction::Reply && !(sender.offers_scale && receiver.offers_scale) {
        sender.scale = 0;
        receiver.scale = 0;
    }
}
