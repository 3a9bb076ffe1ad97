//! Which address and port a translated connection gets.

use pkttables::model::{Family, protocol};
use pkttables::packet::{Direction, jhash};

use super::{Manipulation, NatRange, Random};
use crate::conntrack::entry::{Connection, ConnectionId, Zone};
use crate::conntrack::headers::octets;
use crate::conntrack::track::Conntrack;
use crate::conntrack::tuple::{GRE, Tuple};

/// How many ports are tried from one start.
const ATTEMPTS: u32 = 128;

impl Conntrack {
    /// The tuple, as packets of the original direction carry it after translation, that fits the range and whose
    /// answers belong to no other connection if that can be had.
    pub(super) fn choose(
        &self,
        id: ConnectionId,
        current: &Tuple,
        range: &NatRange,
        manipulation: Manipulation,
        random: &mut dyn Random,
    ) -> Tuple {
        let Some(connection) = self.table.get(id) else { return *current };
        let zone = connection.zone;
        if manipulation == Manipulation::Source && !range.random_fully {
            if in_range(current, range) {
                if !self.is_taken(current, zone) {
                    return *current;
                }
            } else if let Some(same) = self.as_the_same_source(connection, current, range)
                && !self.is_taken(&same, zone)
            {
                return same;
            }
        }
        let mut tuple = *current;
        choose_address(&mut tuple, zone, range, manipulation);
        if !range.random_fully {
            let keeps_port = match range.ports {
                Some((first, last)) => {
                    range.base_port.is_none()
                        && range.contains_port(*manipulation.key(&mut tuple))
                        && (first == last || !self.is_taken(&tuple, zone))
                }
                None => !self.is_taken(&tuple, zone),
            };
            if keeps_port {
                return tuple;
            }
        }
        self.choose_port(tuple, connection, range, manipulation, random)
    }

    /// Whether answers to the tuple belong to a connection already, in the zone of answers.
    fn is_taken(&self, tuple: &Tuple, zone: Zone) -> bool {
        tuple.inverse().is_some_and(|answer| self.other(&answer, zone.of(Direction::Reply), zone).is_some())
    }

    /// The mapping that another connection from the same address and port has.
    fn as_the_same_source(
        &self,
        connection: &Connection,
        current: &Tuple,
        range: &NatRange,
    ) -> Option<Tuple> {
        let mapped = |other: &Connection| {
            let theirs = other.tuple(Direction::Reply).inverse()?;
            let same = Tuple { source: theirs.source, source_key: theirs.source_key, ..*current };
            in_range(&same, range).then_some(same)
        };
        mapped(self.table.same_source(current, connection.zone, |other| mapped(other).is_some())?)
    }

    fn choose_port(
        &self,
        mut tuple: Tuple,
        connection: &Connection,
        range: &NatRange,
        manipulation: Manipulation,
        random: &mut dyn Random,
    ) -> Tuple {
        let Some((first, size)) = ports(&tuple, connection, range, manipulation) else { return tuple };
        let key = u32::from(*manipulation.key(&mut tuple));
        let mut offset = match range.base_port {
            Some(base) => key.wrapping_sub(u32::from(base)) & 0xffff,
            None if range.random_fully || range.random || manipulation == Manipulation::Source => {
                u32::from(random.u16())
            }
            None => 0,
        };
        let mut attempts = size.min(ATTEMPTS);
        loop {
            for _ in 0..attempts {
                *manipulation.key(&mut tuple) = (first + offset % size) as u16;
                if !self.is_taken(&tuple, connection.zone) {
                    return tuple;
                }
                offset = offset.wrapping_add(1);
            }
            if attempts >= size || attempts < 16 {
                return tuple;
            }
            attempts /= 2;
            offset = u32::from(random.u16());
        }
    }
}

fn in_range(tuple: &Tuple, range: &NatRange) -> bool {
    range.contains_address(tuple.family, tuple.source) && range.contains_port(tuple.source_key)
}

/// The first port to try and how many there are; none if the protocol or direction leaves no choice.
fn ports(
    tuple: &Tuple,
    connection: &Connection,
    range: &NatRange,
    manipulation: Manipulation,
) -> Option<(u32, u32)> {
    let span = |first: u16, last: u16| {
        let (first, last) = (first.min(last), first.max(last));
        (u32::from(first), u32::from(last - first) + 1)
    };
    let given = range.ports.map(|(first, last)| span(first, last));
    match tuple.protocol {
        protocol::ICMP | protocol::ICMPV6 => Some(given.unwrap_or((0, 0x1_0000))),
        GRE => connection.master.map(|_| given.unwrap_or((1, 0xffff))),
        protocol::TCP | protocol::UDP | protocol::UDPLITE | protocol::SCTP => given.or_else(|| {
            if manipulation == Manipulation::Destination {
                return None;
            }
            // Privileged ports stay privileged, and so do those that stand for credentials.
            Some(match tuple.source_key {
                ..512 => span(1, 511),
                512..1024 => span(600, 1023),
                1024.. => span(1024, 65535),
            })
        }),
        _ => None,
    }
}

/// Spreads connections over the addresses of a range by a hash, as the kernel does: who comes again gets the same.
fn choose_address(tuple: &mut Tuple, zone: Zone, range: &NatRange, manipulation: Manipulation) {
    let Some((first, last)) = range.addresses else { return };
    let ((_, first), (_, last)) = (octets(first), octets(last));
    if first == last {
        *manipulation.address(tuple) = first;
        return;
    }
    let (source, destination) = (words(tuple.source), words(tuple.destination));
    let count = match tuple.family {
        Family::Ipv4 => 1,
        Family::Ipv6 => 4,
    };
    let seed = match destination.get(count - 1) {
        Some(word) if !range.persistent => word.to_be() ^ u32::from(zone.id),
        _ => 0,
    };
    let mut hash = jhash::words(&source.map(u32::to_be), seed);
    let mut free = false;
    let limits = words(first).into_iter().zip(words(last)).zip(destination).take(count);
    for (octets, ((low, high), to)) in manipulation.address(tuple).chunks_exact_mut(4).zip(limits) {
        let (low, distance) =
            if free { (0, u32::MAX) } else { (low, high.wrapping_sub(low).wrapping_add(1)) };
        let chosen = low.wrapping_add(jhash::scaled(hash, distance));
        octets.copy_from_slice(&chosen.to_be_bytes());
        free |= chosen != high;
        if !range.persistent {
            // The kernel writes into the tuple that it mixes in, so a new destination counts.
            let to = if manipulation == Manipulation::Destination { chosen } else { to };
            hash ^= to.to_be();
        }
    }
}

fn words(octets: [u8; 16]) -> [u32; 4] {
    let whole = u128::from_be_bytes(octets);
    [(whole >> 96) as u32, (whole >> 64) as u32, (whole >> 32) as u32, whole as u32]
}
