//! What happens to packets on their way: options, extension headers, fragmentation, damage.

use super::MTU;
use super::wire::{fix_header, number};
use fastrand::Rng;

/// IPv4 options, a multiple of four bytes.
pub(super) fn options(rng: &mut Rng) -> Vec<u8> {
    match rng.u8(..12) {
        0 => vec![1, 1, 1, 0],
        1 => vec![0x94, 4, 0, 0],
        2 => vec![1; 8],
        3 => vec![0x88, 4, 1, 2],
        // Record route, with room and without.
        4 => vec![7, 7, 4, 0, 0, 0, 0, 0],
        5 => vec![7, 7, 8, 10, 9, 8, 7, 0],
        // Timestamps that are full, alone and with addresses: those put in are the kernel's milliseconds.
        6 => vec![0x44, 8, 9, 0, 0, 0, 0, 0],
        7 => vec![0x44, 12, 13, 1, 0, 0, 0, 0, 0, 0, 0, 0],
        // Source routes, loose and strict, that are over.
        8 => vec![0x83, 7, 8, 10, 1, 0, 1, 0],
        9 => vec![0x89, 7, 8, 10, 1, 0, 1, 0],
        // Security, and one whose length is wrong.
        10 => vec![0x82, 11, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        _ if rng.bool() => vec![7, 30, 4, 0],
        _ => vec![0, 0, 0, 0],
    }
}

/// IPv6 extension headers, each from its second byte on.
pub(super) fn extensions(rng: &mut Rng) -> Vec<(u8, Vec<u8>)> {
    let mut chain = Vec::new();
    if rng.bool() {
        chain.push((0, options_header(rng)));
    }
    if rng.u8(..3) == 0 {
        chain.push((60, options_header(rng)));
    }
    if rng.u8(..4) == 0 {
        chain.push((43, routing_header(rng)));
    }
    if rng.u8(..4) == 0 {
        chain.push((number::AH, [vec![4, 0, 0, 0, 0, 0, 100], vec![1; 16]].concat()));
    }
    if rng.u8(..4) == 0 {
        // A whole packet that says it is a fragment.
        chain.push((44, vec![0, 0, 0, 0, 0, 0, rng.u8(..9)]));
    }
    if rng.u8(..6) == 0 {
        // Behind the others, where hosts read it but routers do not.
        chain.push((60, options_header(rng)));
    }
    chain
}

/// Hop-by-hop or destination options from the header's second byte on.
fn options_header(rng: &mut Rng) -> Vec<u8> {
    match rng.u8(..8) {
        0..3 => vec![0, 1, 4, 0, 0, 0, 0],
        3 => vec![0, 5, 2, 0, 0, 1, 0],
        4 => vec![0, 30, 1, 9, 1, 1, 0],
        5 => vec![1, 1, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        // Such as must be known or are out of place, and one that is longer than the header.
        6 => vec![0, rng.choice([0x41, 0x81, 0xc1, 5, 7, 0x31]).unwrap_or(0x41), 4, 0, 0, 0, 0],
        _ => vec![0, 30, 9, 0, 0, 0, 0],
    }
}

/// A routing header from its second byte on; with segments left it is for this host to send on, which hosts do not.
fn routing_header(rng: &mut Rng) -> Vec<u8> {
    let kind = rng.choice([0, 2, 4]).unwrap_or(0);
    match rng.u8(..4) {
        0 => [vec![2, kind, 1, 0, 0, 0, 0, 0xfd, 0, 0, 2], vec![0; 11], vec![3]].concat(),
        1 => [vec![2, kind, 0, 0, 0, 0, 0, 0xfd, 0, 0, 2], vec![0; 11], vec![3]].concat(),
        _ => vec![0, kind, 0, 0, 0, 0, 0],
    }
}

/// Cuts a packet, and loses, doubles, reorders or overlaps pieces now and then.
pub(super) fn fragments(rng: &mut Rng, packet: &[u8], id: u32) -> Vec<Vec<u8>> {
    let v6 = packet[0] >> 4 == 6;
    let header = if v6 { 40 } else { usize::from(packet[0] & 15) * 4 };
    let (head, body) = packet.split_at(header.min(packet.len()));
    let step = if body.len() > 1000 { 8 * rng.usize(60..170) } else { 8 * rng.usize(1..8) };
    let mut starts: Vec<usize> = (0..body.len()).step_by(step).take(12).collect();
    if starts.len() < 2 {
        return vec![packet.to_vec()];
    }
    let last = starts.last().copied();
    let accident = rng.u8(..8);
    match accident {
        0 => starts.reverse(),
        1 => rng.shuffle(&mut starts),
        2 => drop(starts.remove(rng.usize(..starts.len()))),
        3 => starts.insert(rng.usize(..starts.len()), starts[0]),
        _ => {}
    }
    let cut = |start: usize, rng: &mut Rng| {
        let more = Some(start) != last;
        let mut end = if more { start + step } else { body.len() };
        if accident == 4 && more && rng.u8(..3) == 0 {
            end += 8;
        }
        if accident == 5 && more && rng.u8(..4) == 0 {
            end -= rng.usize(1..8);
        }
        piece(v6, head, &body[start..end.min(body.len())], start as u16, more, id)
    };
    starts.into_iter().map(|start| cut(start, rng)).collect()
}

fn piece(v6: bool, head: &[u8], part: &[u8], offset: u16, more: bool, id: u32) -> Vec<u8> {
    let mut packet = head.to_vec();
    if v6 {
        let next = std::mem::replace(&mut packet[6], 44);
        packet[4..6].copy_from_slice(&((part.len() + 8) as u16).to_be_bytes());
        packet.extend([next, 0]);
        packet.extend((offset | u16::from(more)).to_be_bytes());
        packet.extend(id.to_be_bytes());
    } else {
        packet[2..4].copy_from_slice(&((head.len() + part.len()) as u16).to_be_bytes());
        let flags = offset >> 3 | if more { 0x2000 } else { 0 };
        packet[6..8].copy_from_slice(&flags.to_be_bytes());
        fix_header(&mut packet);
    }
    packet.extend(part);
    packet
}

/// Damages a packet in one way.
pub(super) fn damage(rng: &mut Rng, packet: &mut Vec<u8>) {
    let v6 = packet[0] >> 4 == 6;
    let header = if v6 { 40 } else { 20 };
    match rng.u8(..7) {
        // Cut off, the length telling so.
        0 | 1 if packet.len() > header => {
            let len = rng.usize(header..packet.len());
            packet.truncate(len);
            if v6 {
                packet[4..6].copy_from_slice(&((len - 40) as u16).to_be_bytes());
            } else if usize::from(packet[0] & 15) * 4 <= len {
                packet[2..4].copy_from_slice(&(len as u16).to_be_bytes());
                fix_header(packet);
            }
        }
        // Cut off without a word.
        2 => packet.truncate(rng.usize(1..=packet.len())),
        // A bit turned behind the network header.
        3 | 4 if packet.len() > header => {
            let at = rng.usize(header..packet.len());
            packet[at] ^= 1 << rng.u8(..8);
        }
        // A bit turned anywhere.
        5 => {
            let at = rng.usize(1..packet.len());
            packet[at] ^= 1 << rng.u8(..8);
        }
        // Ethernet's padding.
        _ => packet.extend(vec![0; rng.usize(1..20).min(MTU.saturating_sub(packet.len()))]),
    }
}
