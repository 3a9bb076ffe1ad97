//! Random packets: conversations with their accidents, and damaged and odd ones.

mod control;
mod flow;
pub mod pool;
mod spoil;
mod wire;

use crate::kernel::Observed;
use crate::{Manner, PORTS, Sent, Source};
use fastrand::Rng;
use flow::Flow;
use pkttables::model::Family;
use std::collections::VecDeque;
use std::net::IpAddr;
use wire::{Ip, number};

/// Makes packets one after another.
#[derive(Debug)]
pub struct Traffic {
    rng: Rng,
    family: Family,
    manner: Manner,
    flows: Vec<Flow>,
    /// Pieces and copies that are still to be sent.
    waiting: VecDeque<Sent>,
    /// What left lately: port and bytes.
    seen: VecDeque<(usize, Vec<u8>)>,
    /// The flow that spoke last, and whether it was the side that began.
    spoke: Option<(usize, bool)>,
    id: u16,
}

/// A packet before its network header: addresses, protocol, payload, and the port by which it comes.
#[derive(Clone, Debug)]
struct Draft {
    port: usize,
    source: IpAddr,
    destination: IpAddr,
    protocol: u8,
    payload: Vec<u8>,
}

const REMEMBERED: usize = 16;
/// The longest packet that a link takes.
const MTU: usize = 1500;

impl Traffic {
    /// Packets of a family.
    #[must_use]
    pub fn new(rng: Rng, family: Family, manner: Manner) -> Self {
        Self {
            rng,
            family,
            manner,
            flows: Vec::new(),
            waiting: VecDeque::new(),
            seen: VecDeque::new(),
            spoke: None,
            id: 0x1000,
        }
    }

    /// Makes the next packet.
    pub fn make(&mut self) -> Sent {
        self.spoke = None;
        let sent = self.waiting.pop_front().unwrap_or_else(|| self.begin());
        Sent { after: self.manner.pause(&mut self.rng), ..sent }
    }

    fn begin(&mut self) -> Sent {
        // Where few talk, little else is said.
        let kinds = if self.manner.flows < 3 { 60 } else { 20 };
        let draft = match self.rng.u8(..kinds) {
            0 | 1 => self.error().unwrap_or_else(|| self.query()),
            2 | 3 => self.query(),
            4 => self.answer().unwrap_or_else(|| self.query()),
            5 => self.stray(),
            _ => self.speak(),
        };
        self.wrap(&draft)
    }

    /// Learns what became of the last packet.
    pub fn saw(&mut self, observed: &Observed) {
        for (name, packet) in &observed.left {
            let Some(port) = PORTS.iter().position(|port| port.name == *name) else { continue };
            if let Some((flow, forth)) = self.spoke
                && let Some(flow) = self.flows.get_mut(flow)
            {
                flow.saw(packet, port, forth);
                if let Some(announced) = flow.announced(&mut self.rng, forth) {
                    self.flows.push(announced);
                }
            }
            self.seen.push_back((port, packet.clone()));
            if self.seen.len() > REMEMBERED {
                self.seen.pop_front();
            }
        }
    }

    /// One side of a conversation says something.
    fn speak(&mut self) -> Draft {
        if self.flows.len() < self.manner.flows && self.rng.u8(..3) == 0 || self.flows.is_empty() {
            let flow = Flow::new(&mut self.rng, self.family, self.manner);
            self.flows.push(flow);
        }
        if self.flows.len() > self.manner.flows + 2 || self.rng.u8(..40) == 0 {
            self.flows.remove(self.rng.usize(..self.flows.len()));
            return self.query();
        }
        let number = self.rng.usize(..self.flows.len());
        let Some(flow) = self.flows.get_mut(number) else { return self.query() };
        let (draft, forth) = flow.speak(&mut self.rng);
        self.spoke = Some((number, forth));
        draft
    }

    /// Something that is said once: ICMP, or of a protocol without conversations.
    fn query(&mut self) -> Draft {
        let rng = &mut self.rng;
        let (port, source) = pool::host_behind(rng, self.family, None);
        let destination = pool::address(rng, self.family);
        let (protocol, payload) = match rng.u8(..10) {
            0..6 => icmp_query(rng, source, destination),
            6 => (
                number::ESP,
                [vec![0, 0, 0, rng.choice([50, 100, 150, 250]).unwrap_or(1)], vec![7; 20]].concat(),
            ),
            7 => (number::GRE, gre(rng)),
            8 => (number::AH, [vec![253, 4, 0, 0, 0, 0, 0, 100], vec![1; 16], vec![2; 12]].concat()),
            _ => match rng.u8(..4) {
                0 => (number::AH, ah_with(rng, source, destination)),
                1 => (rng.choice([4, 41, 135, 103]).unwrap_or(4), vec![59, 0, rng.u8(..8), 0, 0, 0, 0, 0]),
                _ => {
                    (rng.choice([253, 108, 2, 0, 59]).unwrap_or(253), vec![0, 0, 0, rng.u8(..10), 5, 6, 7, 8])
                }
            },
        };
        Draft { port, source, destination, protocol, payload }
    }

    /// Says that a packet which left did not arrive, from its destination or a router on the way.
    fn error(&mut self) -> Option<Draft> {
        let (port, quoted) = self.seen.get(self.rng.usize(..self.seen.len().max(1)))?.clone();
        let (source, destination) = addresses(&quoted)?;
        let rng = &mut self.rng;
        let from =
            if rng.u8(..3) == 0 { pool::host_behind(rng, self.family, Some(port)).1 } else { destination };
        let to = if rng.u8(..12) == 0 { pool::host(rng, self.family) } else { source };
        let mut payload = match self.family {
            Family::Ipv4 => {
                let (kind, code) =
                    rng.choice([(3, 1), (3, 3), (3, 4), (11, 0), (12, 0), (5, 1), (4, 0)]).unwrap_or((3, 3));
                vec![kind, code, 0, 0, 0, 0, 5, 0]
            }
            Family::Ipv6 => {
                let (kind, code) =
                    rng.choice([(1, 4), (1, 0), (2, 0), (3, 0), (4, 1), (100, 0)]).unwrap_or((1, 4));
                vec![kind, code, 0, 0, 0, 0, 5, 0]
            }
        };
        let whole = quoted.len();
        let cut = match rng.u8(..4) {
            0 => whole.min(28),
            1 => whole.min(rng.usize(16..80)),
            _ => whole.min(500),
        };
        payload.extend(quoted.get(..cut)?);
        let protocol = self.finish_icmp(&mut payload, from, to);
        Some(Draft { port, source: from, destination: to, protocol, payload })
    }

    /// Answers a ping that left.
    fn answer(&mut self) -> Option<Draft> {
        let (port, packet) = self.seen.iter().rev().find(|(_, packet)| is_ping(packet))?.clone();
        let (source, destination) = addresses(&packet)?;
        let start = match self.family {
            Family::Ipv4 => 20,
            Family::Ipv6 => 40,
        };
        // A ping may have lost its end.
        let mut payload = packet.get(start..).filter(|payload| payload.len() >= 8)?.to_vec();
        *payload.first_mut()? = match self.family {
            Family::Ipv4 => 0,
            Family::Ipv6 => 129,
        };
        let protocol = self.finish_icmp(&mut payload, destination, source);
        Some(Draft { port, source: destination, destination: source, protocol, payload })
    }

    fn finish_icmp(&self, payload: &mut [u8], from: IpAddr, to: IpAddr) -> u8 {
        let (protocol, pseudo) = match self.family {
            Family::Ipv4 => (number::ICMP, None),
            Family::Ipv6 => (number::ICMPV6, Some((from, to, number::ICMPV6))),
        };
        wire::fix(payload, 2, pseudo, usize::MAX);
        protocol
    }

    /// A segment or datagram that belongs to nothing.
    fn stray(&mut self) -> Draft {
        let mut flow = Flow::new(&mut self.rng, self.family, self.manner);
        if self.rng.bool() {
            flow.misdirect(&mut self.rng);
        }
        flow.speak(&mut self.rng).0
    }

    /// Puts the network header before a draft, damages it perhaps, and cuts it into pieces perhaps.
    fn wrap(&mut self, draft: &Draft) -> Sent {
        self.id = self.id.wrapping_add(1);
        let rng = &mut self.rng;
        let mut ip = Ip {
            source: draft.source,
            destination: draft.destination,
            protocol: draft.protocol,
            hops: rng.choice([64, 64, 64, 128, 255, 32, 2, 1, 9]).unwrap_or(64),
            tos: rng.choice([0, 0, 0, 0x10, 0xb8, 0x02, 0x03, 0x48]).unwrap_or(0),
            id: self.id,
            do_not_fragment: rng.u8(..6) == 0,
            options: Vec::new(),
            extensions: Vec::new(),
        };
        let own = rng.u8(..16) == 0
            && !matches!(draft.protocol, number::ICMPV6 | number::DCCP)
            && draft.payload.len() < 1400
            && behind(draft.source).is_some()
            && behind(draft.destination).is_some();
        if !own && rng.u8(..8) == 0 {
            match self.family {
                Family::Ipv4 => ip.options = spoil::options(rng),
                Family::Ipv6 => ip.extensions = spoil::extensions(rng),
            }
        }
        let packet = ip.packet(&draft.payload);
        if own && let Some(port) = behind(draft.destination) {
            return Sent { source: Source::Own { port }, after: 0, bytes: packet };
        }
        let destination = self.link_destination(draft.port, draft.destination);
        let source = Source::Wire { port: draft.port, destination };
        let rng = &mut self.rng;
        let mut pieces = if !self.manner.whole && rng.u8(..14) == 0 || packet.len() > MTU {
            spoil::fragments(rng, &packet, u32::from(self.id))
        } else {
            vec![packet]
        };
        if rng.u8(..12) == 0 {
            pieces.iter_mut().for_each(|piece| spoil::damage(rng, piece));
        }
        self.waiting.extend(pieces.into_iter().map(|bytes| Sent { source, after: 0, bytes }));
        self.waiting.pop_front().unwrap_or(Sent { source, after: 0, bytes: Vec::new() })
    }

    fn link_destination(&mut self, port: usize, destination: IpAddr) -> [u8; 6] {
        let own = PORTS.get(port).map_or([0; 6], |port| port.mac);
        match (destination, self.rng.u8(..60)) {
            (_, 0) => [2, 9, 9, 9, 9, 9],
            (_, 1) => [0xff; 6],
            (_, 2) => [1, 0, 0x5e, 0, 0, 1],
            (IpAddr::V4(to), _) if to.is_broadcast() || to.octets()[3] == 255 => [0xff; 6],
            (IpAddr::V4(to), _) if to.is_multicast() => [1, 0, 0x5e, 0, 0, 1],
            (IpAddr::V6(to), _) if to.is_multicast() => [0x33, 0x33, 0, 0, 0, 1],
            _ => own,
        }
    }
}

fn icmp_query(rng: &mut Rng, source: IpAddr, destination: IpAddr) -> (u8, Vec<u8>) {
    let v6 = source.is_ipv6();
    let kind = if v6 {
        rng.choice([128, 128, 128, 129, 139, 140, 133, 135, 1, 200]).unwrap_or(128)
    } else {
        rng.choice([8, 8, 8, 8, 0, 13, 14, 15, 17, 18, 3, 30]).unwrap_or(8)
    };
    let mut payload = vec![kind, 0, 0, 0, 0, rng.u8(1..4), 0, rng.u8(..5)];
    payload.extend(b"GET / abc secret".iter().take(rng.usize(..17)));
    let (protocol, pseudo) =
        if v6 { (number::ICMPV6, Some((source, destination, number::ICMPV6))) } else { (number::ICMP, None) };
    wire::fix(&mut payload, 2, pseudo, usize::MAX);
    (protocol, payload)
}

/// An authentication header with a datagram behind it.
fn ah_with(rng: &mut Rng, source: IpAddr, destination: IpAddr) -> Vec<u8> {
    let mut datagram =
        [pool::port(rng).to_be_bytes(), pool::port(rng).to_be_bytes(), [0, 12], [0, 0]].concat();
    datagram.extend(b"data");
    wire::fix(&mut datagram, 6, Some((source, destination, number::UDP)), usize::MAX);
    [vec![number::UDP, 4, 0, 0, 0, 0, 0, 100], vec![1; 16], datagram].concat()
}

fn gre(rng: &mut Rng) -> Vec<u8> {
    match rng.u8(..4) {
        0 => vec![0x20, 1, 0x88, 0x0b, 0, 4, 0, rng.u8(..3), 1, 2, 3, 4],
        1 => vec![0x20, 1, 8, 0, 0, 4, 0, 1, 1, 2, 3, 4],
        2 => vec![0x20, 0, 8, 0, 0, 0, 0, 7],
        _ => vec![0, 0, 8, 0, 9, 9, 9, 9],
    }
}

fn is_ping(packet: &[u8]) -> bool {
    match packet.first() {
        Some(0x45) => packet.get(9) == Some(&number::ICMP) && packet.get(20) == Some(&8),
        _ => packet.get(6) == Some(&number::ICMPV6) && packet.get(40) == Some(&128),
    }
}

fn addresses(packet: &[u8]) -> Option<(IpAddr, IpAddr)> {
    if packet.first()? >> 4 == 4 {
        let [source, destination] = [packet.get(12..16)?, packet.get(16..20)?].map(<[u8; 4]>::try_from);
        Some((source.ok()?.into(), destination.ok()?.into()))
    } else {
        let [source, destination] = [packet.get(8..24)?, packet.get(24..40)?].map(<[u8; 16]>::try_from);
        Some((source.ok()?.into(), destination.ok()?.into()))
    }
}

/// The port by which packets to a host leave.
fn behind(address: IpAddr) -> Option<usize> {
    match address {
        IpAddr::V4(address) => match address.octets() {
            [10, 1, 0 | 7, 2..8] => Some(0),
            [10, 3, 0, 2..8] => Some(1),
            [10, 2, 0, 2..8] | [192, 168, 4, 2..8] => Some(2),
            [10, 4, 0, 2..8] => Some(3),
            _ => None,
        },
        IpAddr::V6(address) => match address.segments() {
            [0xfd00, 1, 0, 0, 0, 0, 0, 2..8] => Some(0),
            [0xfd00, 3, 0, 0, 0, 0, 0, 2..8] => Some(1),
            [0xfd00, 2, 0, 0, 0, 0, 0, 2..8] | [0x2001, 0xdb8, 1, 0, 0, 0, 0, 2..8] => Some(2),
            [0xfd00, 4, 0, 0, 0, 0, 0, 2..8] => Some(3),
            _ => None,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_packet_is_longer_than_the_link_takes() {
        for (seed, family) in (0..400).flat_map(|seed| [(seed, Family::Ipv4), (seed, Family::Ipv6)]) {
            let mut rng = Rng::with_seed(seed);
            let manner = Manner::random(&mut rng);
            let mut traffic = Traffic::new(rng, family, manner);
            for _ in 0..300 {
                let packet = traffic.make().bytes;
                assert!(packet.len() <= MTU, "seed {seed}");
                // All goes through, wherever it was to go.
                let left = PORTS.iter().map(|port| (port.name, packet.clone())).collect();
                traffic.saw(&Observed { left, ..Observed::default() });
            }
        }
    }
}
