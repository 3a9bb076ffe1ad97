//! Conversations of two hosts over protocols with ports.

use super::wire::{self, number};
use super::{Draft, addresses, control, pool};
use crate::Manner;
use fastrand::Rng;
use pkttables::model::Family;
use std::net::IpAddr;

/// One end: the address and port as the host there sees the conversation, and behind which port of the router it is.
#[derive(Clone, Copy, Debug)]
struct End {
    port: usize,
    own: (IpAddr, u16),
    other: (IpAddr, u16),
    /// The next sequence number, and what was received of the other's.
    next: u32,
    tag: u32,
}

/// A conversation.
#[derive(Clone, Debug)]
pub(super) struct Flow {
    protocol: u8,
    /// Who began, and who answers.
    ends: [End; 2],
    said: u8,
    manner: Manner,
    /// A port that was told to the other end, which may begin a conversation there.
    told: Option<u16>,
}

impl Flow {
    pub(super) fn new(rng: &mut Rng, family: Family, manner: Manner) -> Self {
        let (port, source) = pool::host_behind(rng, family, None);
        let (far, destination) = match rng.u8(..8) {
            0 => (0, pool::odd(rng, family)),
            _ => pool::host_behind(rng, family, None),
        };
        let protocol = rng
            .choice([
                number::TCP,
                number::TCP,
                number::TCP,
                number::TCP,
                number::UDP,
                number::UDP,
                number::SCTP,
                number::UDPLITE,
                number::DCCP,
            ])
            .unwrap_or(number::TCP);
        let controls = rng.u8(..if manner.helpers { 2 } else { 8 }) == 0;
        let service = match protocol {
            number::TCP if controls => control::FTP,
            number::UDP if controls => control::TFTP,
            _ => pool::port(rng),
        };
        let (from, to) = ((source, pool::port(rng)), (destination, service));
        Self::between(rng, protocol, (port, from), (far, to), manner)
    }

    fn between(
        rng: &mut Rng,
        protocol: u8,
        (port, from): (usize, (IpAddr, u16)),
        (far, to): (usize, (IpAddr, u16)),
        manner: Manner,
    ) -> Self {
        let end = |rng: &mut Rng, port, own, other| End {
            port,
            own,
            other,
            next: one_of(rng, &[1000, 0xffff_fff0, 77_777_777]),
            tag: rng.u32(1..),
        };
        let ends = [end(rng, port, from, to), end(rng, far, to, from)];
        Self { protocol, ends, said: 0, manner, told: None }
    }

    /// The conversation that was announced by what just arrived: from there to the port that was told.
    pub(super) fn announced(&mut self, rng: &mut Rng, forth: bool) -> Option<Self> {
        let port = self.told.take()?;
        let [sender, receiver] = [self.ends[usize::from(!forth)], self.ends[usize::from(forth)]];
        let from = (receiver.own.0, one_of(rng, &[20, 1024, 40000]));
        let to = (receiver.other.0, port);
        let mut flow =
            Self::between(rng, self.protocol, (receiver.port, from), (sender.port, to), self.manner);
        // The other end may know itself by another address.
        flow.ends[1].own = (sender.own.0, port);
        Some(flow)
    }

    /// Lets it come by another port of the router.
    pub(super) fn misdirect(&mut self, rng: &mut Rng) {
        let [first, _] = &mut self.ends;
        first.port = rng.usize(..4);
    }

    /// Learns how a packet of the conversation looks where it arrives.
    pub(super) fn saw(&mut self, packet: &[u8], port: usize, forth: bool) {
        let Some((source, destination)) = addresses(packet) else { return };
        let start = if source.is_ipv4() { 20 } else { 40 };
        let Some(&[s1, s2, d1, d2]) = packet.get(start..).and_then(<[u8]>::first_chunk) else { return };
        let plain = packet.get(if source.is_ipv4() { 9 } else { 6 }) == Some(&self.protocol);
        if !plain || (source.is_ipv4() && packet.first() != Some(&0x45)) {
            return;
        }
        let end = &mut self.ends[usize::from(forth)];
        end.port = port;
        end.own = (destination, u16::from_be_bytes([d1, d2]));
        end.other = (source, u16::from_be_bytes([s1, s2]));
    }

    /// The next packet, and whether it is of who began.
    pub(super) fn speak(&mut self, rng: &mut Rng) -> (Draft, bool) {
        let forth = match self.said {
            0 => rng.u8(..20) != 0,
            1 => rng.u8(..4) == 0,
            2 => rng.u8(..4) != 0,
            _ => rng.bool(),
        };
        let end = self.ends[usize::from(!forth)];
        let ((source, from), (destination, to)) = (end.own, end.other);
        let mut payload = [from.to_be_bytes(), to.to_be_bytes()].concat();
        match self.protocol {
            number::TCP => self.tcp(rng, forth, &mut payload),
            number::SCTP => self.sctp(rng, forth, &mut payload),
            number::DCCP => self.dccp(rng, forth, &mut payload),
            _ => self.datagram(rng, forth, &mut payload),
        }
        self.said = self.said.saturating_add(1);
        let pseudo = |protocol| Some((source, destination, protocol));
        match self.protocol {
            number::TCP => wire::fix(&mut payload, 16, pseudo(number::TCP), usize::MAX),
            number::UDP if rng.u8(..10) != 0 => wire::fix(&mut payload, 6, pseudo(number::UDP), usize::MAX),
            number::UDPLITE => {
                let covered = usize::from(u16::from_be_bytes([payload[4], payload[5]]));
                let covered = if covered == 0 { usize::MAX } else { covered };
                // The kernel's connection tracking takes UDP's number.
                let number = if rng.u8(..4) == 0 { number::UDPLITE } else { number::UDP };
                wire::fix(&mut payload, 6, pseudo(number), covered);
            }
            number::DCCP => wire::fix(&mut payload, 6, pseudo(number::DCCP), usize::MAX),
            _ => {}
        }
        (Draft { port: end.port, source, destination, protocol: self.protocol, payload }, forth)
    }

    fn tcp(&mut self, rng: &mut Rng, forth: bool, segment: &mut Vec<u8>) {
        const FIN: u8 = 1;
        const SYN: u8 = 2;
        const RST: u8 = 4;
        const PSH: u8 = 8;
        const ACK: u8 = 16;
        const URG: u8 = 32;
        let mut flags = match (self.said, forth) {
            (0, _) => SYN,
            (1, false) => SYN | ACK,
            (1, true) => SYN,
            _ => *[ACK, ACK, PSH | ACK, PSH | ACK, ACK, FIN | ACK, RST, RST | ACK]
                .get(rng.usize(..if self.said < 6 { 5 } else { 8 }))
                .unwrap_or(&ACK),
        };
        if rng.u8(..self.manner.oddity) == 0 {
            flags = rng
                .choice([
                    SYN,
                    SYN | ACK,
                    ACK,
                    FIN,
                    RST,
                    0,
                    SYN | FIN,
                    FIN | ACK,
                    URG,
                    SYN | PSH,
                    SYN | 0xc0,
                    SYN | RST,
                    FIN | PSH | URG,
                ])
                .unwrap_or(SYN);
        }
        let data =
            if flags & (SYN | RST) == 0 || rng.u8(..20) == 0 { self.text(rng, forth) } else { Vec::new() };
        let [first, second] = &mut self.ends;
        let (own, other) = if forth { (first, second) } else { (second, first) };
        let astray = |rng: &mut Rng, number: u32| match rng.u8(..10) {
            0 => {
                let any = rng.u32(..);
                let far = [1, -1, 1000, 0xffff, 70_000, -1000, -70_000, 1 << 30, any.cast_signed()];
                number.wrapping_add_signed(one_of(rng, &far))
            }
            _ => number,
        };
        let sequence = astray(rng, own.next);
        let acknowledged = if flags & ACK != 0 || rng.u8(..8) == 0 { astray(rng, other.next) } else { 0 };
        let mut options = Vec::new();
        if flags & SYN != 0 {
            match rng.u8(..5) {
                0 => options.extend([2, 4, 5, 0xb4]),
                1 => options.extend([2, 4, 2, 0, 1, 3, 3, rng.u8(..16), 4, 2, 1, 1]),
                2 => options.extend([4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0]),
                3 => options.extend([1, 3, 3, 2]),
                _ => {}
            }
        } else if rng.u8(..6) == 0 {
            match rng.u8(..4) {
                0 => options.extend([1, 1, 8, 10, 0, 0, 0, 3, 0, 0, 0, 1]),
                1 => {
                    options.extend([1, 1, 5, 10]);
                    options.extend(other.next.wrapping_add(10).to_be_bytes());
                    options.extend(other.next.wrapping_add(rng.u32(..100)).to_be_bytes());
                }
                2 => options.extend([0, 0, 0, 0]),
                _ => options.extend([8, 20, 1, 1]),
            }
        }
        segment.extend(sequence.to_be_bytes());
        segment.extend(acknowledged.to_be_bytes());
        segment.extend([0x50 + options.len() as u8 * 4, flags]);
        segment.extend(rng.choice([0xfaf0_u16, 0xfaf0, 8192, 1000, 1, 0]).unwrap_or(0).to_be_bytes());
        segment.extend([0; 4]);
        segment.extend(options);
        segment.extend(&data);
        let used = data.len() as u32 + u32::from(flags & SYN != 0) + u32::from(flags & FIN != 0);
        // Now and then the same is sent again.
        if rng.u8(..8) != 0 {
            own.next = own.next.wrapping_add(used);
        }
    }

    fn sctp(&mut self, rng: &mut Rng, forth: bool, packet: &mut Vec<u8>) {
        const ORDER: [u8; 4] = [1, 2, 10, 11];
        let [first, second] = &self.ends;
        let (own, other) = if forth { (first, second) } else { (second, first) };
        let mut kind = match self.said {
            said @ 0..4 => ORDER[usize::from(said)],
            _ => rng.choice([0, 3, 0, 3, 4, 5, 7, 8, 14, 6]).unwrap_or(0),
        };
        if rng.u8(..8) == 0 {
            kind = rng.choice([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 14, 192]).unwrap_or(0);
        }
        let tag = if kind == 1 { 0 } else { other.tag };
        let tag = if rng.u8(..20) == 0 { tag ^ 1 } else { tag };
        packet.extend(tag.to_be_bytes());
        packet.extend([0; 4]);
        let body = match kind {
            1 | 2 => [&own.tag.to_be_bytes()[..], &[0, 0, 16, 0, 0, 1, 0, 1, 0, 0, 0, 1]].concat(),
            0 => [&[0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0][..], b"data"].concat(),
            _ => vec![0; 4 * rng.usize(..4)],
        };
        packet.extend([kind, if kind == 0 { 3 } else { rng.u8(..2) }]);
        packet.extend((body.len() as u16 + 4).to_be_bytes());
        packet.extend(body);
        if rng.u8(..8) == 0 {
            packet.extend([3, 0, 0, 8, 0, 0, 0, 1]);
        }
        let sum = wire::crc32c(packet);
        let sum = if rng.u8(..20) == 0 { sum ^ 1 } else { sum };
        packet[8..12].copy_from_slice(&sum.to_le_bytes());
    }

    /// DCCP (RFC 4340) with long sequence numbers.
    fn dccp(&mut self, rng: &mut Rng, forth: bool, packet: &mut Vec<u8>) {
        const ORDER: [u8; 3] = [0, 1, 3];
        let mut kind = match self.said {
            said @ 0..3 => ORDER[usize::from(said)],
            _ => rng.choice([2, 3, 4, 4, 2, 5, 6, 7, 8, 9]).unwrap_or(2),
        };
        if rng.u8(..8) == 0 {
            kind = rng.u8(..12);
        }
        let [first, second] = &mut self.ends;
        let (own, other) = if forth { (first, second) } else { (second, first) };
        own.next = own.next.wrapping_add(1);
        let acknowledges = !matches!(kind, 0 | 2);
        let rest: Vec<u8> = match kind {
            0 => vec![0, 0, 0, 0],
            1 => vec![0, 0, 0, 0],
            7 => vec![0, 0, 0, 0],
            2 | 4 => b"data".to_vec(),
            _ => Vec::new(),
        };
        let words = 4 + if acknowledges { 2 } else { 0 } + usize::from(matches!(kind, 0 | 1 | 7));
        packet.extend([words as u8, 0, 0, 0, kind << 1 | 1, 0, 0, 0]);
        packet.extend(own.next.to_be_bytes());
        if acknowledges {
            packet.extend([0, 0, 0, 0]);
            packet.extend(other.next.to_be_bytes());
        }
        packet.extend(rest);
    }

    /// What is said, which may be that the other end shall begin a conversation.
    fn text(&mut self, rng: &mut Rng, forth: bool) -> Vec<u8> {
        let end = self.ends[usize::from(!forth)];
        let is_control = [end.own.1, end.other.1].contains(&control::port(self.protocol));
        if !is_control || rng.u8(..4) == 0 {
            return text(rng, self.manner.whole);
        }
        let (words, told) = control::says(rng, self.protocol, end.own);
        self.told = told;
        words
    }

    fn datagram(&mut self, rng: &mut Rng, forth: bool, packet: &mut Vec<u8>) {
        let data = self.text(rng, forth);
        let len = if self.protocol == number::UDP {
            data.len() + 8
        } else {
            rng.choice([0, 8, data.len() + 8]).unwrap_or(0)
        };
        packet.extend((len as u16).to_be_bytes());
        packet.extend([0, 0]);
        packet.extend(data);
    }
}

fn text(rng: &mut Rng, whole: bool) -> Vec<u8> {
    match rng.u8(..10) {
        0 | 1 => Vec::new(),
        2 => b"GET / HTTP/1.1\r\n".to_vec(),
        3 => b"the secret and abc".to_vec(),
        4 => b"\xde\xad\xbe\xefx".to_vec(),
        5 => vec![b'z'; 320],
        6 => vec![b'y'; rng.usize(1000..1400)],
        7 if !whole && rng.u8(..4) == 0 => vec![b'w'; rng.usize(1600..3000)],
        _ => vec![b'q'; rng.usize(..30)],
    }
}

fn one_of<T: Copy + Default>(rng: &mut Rng, choices: &[T]) -> T {
    rng.choice(choices).copied().unwrap_or_default()
}
