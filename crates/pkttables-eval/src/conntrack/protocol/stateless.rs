//! Protocols with at most "answered or not" as their state.

use pkttables::model::{Family, protocol};

use super::{Context, Outcome, checksum_is_right};
use crate::conntrack::headers::View;

const STREAM_AFTER_MS: u64 = 2000;

pub(super) fn udp(stream_from: &mut u64, view: &View<'_>, context: &Context<'_>) -> Outcome {
    let Some([_, _, _, _, length @ .., check, check2]) = view.array::<8>(0) else { return Outcome::Invalid };
    let length = usize::from(u16::from_be_bytes(length));
    if length < 8 || length > view.transport_len() {
        return Outcome::Invalid;
    }
    if context.verify && (check, check2) != (0, 0) && !checksum_is_right(view) {
        return Outcome::Invalid;
    }
    if !context.confirmed() {
        *stream_from = context.now + STREAM_AFTER_MS;
    }
    if context.answered() && context.now > *stream_from {
        return Outcome::Lasts { seconds: context.settings.udp_stream, assured: true };
    }
    Outcome::lasts(context.settings.udp)
}

/// UDP-Lite (RFC 3828): the length field says how far the checksum reaches.
pub(super) fn udplite(view: &View<'_>, context: &Context<'_>) -> Outcome {
    let Some([_, _, _, _, covered @ .., check, check2]) = view.array::<8>(0) else { return Outcome::Invalid };
    let covered = match usize::from(u16::from_be_bytes(covered)) {
        0 => view.transport_len(),
        short if short < 8 => return Outcome::Invalid,
        covered => covered,
    };
    if covered > view.transport_len() || (check, check2) == (0, 0) {
        return Outcome::Invalid;
    }
    // The kernel takes UDP's number into the pseudo header, so that checksums as RFC 3828 wants them are wrong to it,
    // and for IPv4 the length's low byte only, having exchanged it with the number.
    let len = match view.family {
        Family::Ipv4 => view.transport_len() & 0xff,
        Family::Ipv6 => view.transport_len(),
    };
    if context.verify && view.sum_as(protocol::UDP, len, covered) != 0xffff {
        return Outcome::Invalid;
    }
    if context.answered() {
        return Outcome::Lasts { seconds: context.settings.udp_stream, assured: true };
    }
    Outcome::lasts(context.settings.udp)
}

pub(super) fn icmp(view: &View<'_>, context: &Context<'_>) -> Outcome {
    if view.family != Family::Ipv4 || !matches!(context.query >> 8, 8 | 13 | 15 | 17) {
        return Outcome::Invalid;
    }
    Outcome::lasts(context.settings.icmp)
}

pub(super) fn icmpv6(view: &View<'_>, context: &Context<'_>) -> Outcome {
    if view.family != Family::Ipv6 || !matches!(context.query >> 8, 128 | 139) {
        return Outcome::Invalid;
    }
    Outcome::lasts(context.settings.icmpv6)
}

pub(super) const fn gre(context: &Context<'_>) -> Outcome {
    if context.answered() {
        return Outcome::Lasts { seconds: context.settings.gre_stream, assured: true };
    }
    Outcome::lasts(context.settings.gre)
}

/// What the type of an ICMP or ICMPv6 message says before its connection is looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IcmpKind {
    Query,
    /// An error about another packet.
    Error,
    /// Neighbour and group discovery, which is not tracked.
    Discovery,
    Unknown,
}

impl IcmpKind {
    pub(crate) const fn of(protocol_number: u8, kind: u8) -> Self {
        match (protocol_number, kind) {
            (protocol::ICMP, 3 | 4 | 5 | 11 | 12) => Self::Error,
            (protocol::ICMP, 19..) => Self::Unknown,
            (protocol::ICMP, _) => Self::Query,
            (_, 130..=136 | 143) => Self::Discovery,
            (_, ..=127) => Self::Error,
            _ => Self::Query,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn icmp_types_fall_into_queries_errors_and_discovery() {
        let kinds = |number| (0..=255).map(move |kind| IcmpKind::of(number, kind));
        assert_eq!(kinds(protocol::ICMP).filter(|kind| *kind == IcmpKind::Error).count(), 5);
        assert_eq!(kinds(protocol::ICMP).filter(|kind| *kind == IcmpKind::Unknown).count(), 237);
        assert_eq!(kinds(protocol::ICMPV6).filter(|kind| *kind == IcmpKind::Discovery).count(), 8);
        assert_eq!(IcmpKind::of(protocol::ICMPV6, 137), IcmpKind::Query);
    }
}
