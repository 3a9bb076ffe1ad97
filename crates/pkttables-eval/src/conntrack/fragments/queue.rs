use pkttables::model::Family;
use pkttables::packet::{Authentication, Data, Layout};

use super::{Cuts, Key, OVERHEAD, Place};
use crate::conntrack::headers::{octets, upper_header};

/// The headers of a fragment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fragment {
    family: Family,
    offset: usize,
    more: bool,
    /// Where what is before the fragmented part ends.
    head: usize,
    /// Where the fragment's own part starts.
    body: usize,
    end: usize,
    dont_fragment: bool,
    /// Traffic class bits of congestion notification.
    congestion: u8,
    /// IPv6: where the number of the fragment header stands, and the number behind it.
    next: (usize, u8),
    id: u32,
}

/// The fragments of one packet that have come.
#[derive(Debug)]
pub(super) struct Queue {
    pub(super) started: u64,
    pieces: Vec<Piece>,
    /// Stretches that were put in front to back, in order.
    runs: Vec<(usize, usize)>,
    head: Vec<u8>,
    first: Option<Fragment>,
    /// The end of the packet as far as it is known, and whether that is its last word.
    len: usize,
    last_seen: bool,
    gathered: usize,
    largest: usize,
    largest_unfragmentable: usize,
    congestion: u8,
}

#[derive(Debug)]
struct Piece {
    offset: usize,
    bytes: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Added {
    Kept,
    /// The fragment is not taken, the others stay.
    Refused,
    /// All fragments are thrown away.
    Spoilt,
    /// All fragments are thrown away but this one, which is left alone: it is not the last and ends unevenly.
    Uneven,
    Complete,
}

enum Fit {
    New,
    Duplicate,
    Overlap,
}

const LONGEST: usize = 65_535;
const FRAGMENT_HEADER: usize = 8;
const DONT_FRAGMENT: u16 = 0x4000;

impl Fragment {
    /// Whether a packet is a fragment that ends within its fragment header.
    pub(super) fn is_cut_off(packet: &Data<'_>) -> bool {
        let Ok(layout) = Layout::parse(packet, Authentication::Skip) else { return false };
        let v6 = layout.family == Family::Ipv6 && !may_be_jumbo(packet);
        let header = v6.then(|| fragment_header(packet)).flatten();
        header.is_some_and(|(head, _)| {
            let first = packet.be16(head + 2).is_some_and(|word| word & 0xfff8 == 0);
            let left_alone = first && lacks_headers(packet, head, layout.len);
            head <= layout.len && head + FRAGMENT_HEADER > layout.len && !left_alone
        })
    }

    /// Reads a packet; none if it is no fragment.
    pub(super) fn read(packet: &Data<'_>, place: Place) -> Option<(Key, Self)> {
        let layout = Layout::parse(packet, Authentication::Skip).ok()?;
        let ((_, source), (_, destination)) = (octets(layout.source), octets(layout.destination));
        let mut key = Key { source, destination, id: layout.fragment.id, protocol: 0, place };
        let fragment = match layout.family {
            Family::Ipv4 => {
                let word = packet.be16(6)?;
                if word & 0x3fff == 0 {
                    return None;
                }
                key.protocol = layout.protocol?;
                Self {
                    family: Family::Ipv4,
                    offset: usize::from(word & 0x1fff) * 8,
                    more: word & 0x2000 != 0,
                    head: layout.transport,
                    body: layout.transport,
                    end: layout.len,
                    dont_fragment: word & DONT_FRAGMENT != 0,
                    congestion: packet.u8(1)? & 3,
                    next: (0, 0),
                    id: key.id,
                }
            }
            Family::Ipv6 if may_be_jumbo(packet) => return None,
            Family::Ipv6 => {
                let (head, next) = fragment_header(packet)?;
                let word = packet.be16(head + 2)?;
                if word & 0xfff8 == 0 && lacks_headers(packet, head, layout.len) {
                    return None;
                }
                key.id = packet.be32(head + 4)?;
                Self {
                    family: Family::Ipv6,
                    offset: usize::from(word & 0xfff8),
                    more: word & 1 != 0,
                    head,
                    body: head + FRAGMENT_HEADER,
                    end: layout.len,
                    dont_fragment: false,
                    congestion: packet.u8(1)? >> 4 & 3,
                    next: (next, packet.u8(head)?),
                    id: key.id,
                }
            }
        };
        (fragment.body <= fragment.end).then_some((key, fragment))
    }

    pub(super) const fn is_v6(&self) -> bool {
        matches!(self.family, Family::Ipv6)
    }
}

/// Whether the length of an IPv6 packet would stand in an option (RFC 2675), which fragments cannot have.
fn may_be_jumbo(packet: &Data<'_>) -> bool {
    packet.be16(4) == Some(0)
}

/// The place of the fragment header and of its number; only headers of the unfragmentable part may precede it.
fn fragment_header(packet: &Data<'_>) -> Option<(usize, usize)> {
    let (mut number, mut at) = (6, 40);
    loop {
        let next = match packet.u8(number)? {
            44 => return Some((at, number)),
            0 | 43 | 60 => at + (usize::from(packet.u8(at + 1)?) + 1) * 8,
            51 => at + (usize::from(packet.u8(at + 1)?) + 2) * 4,
            _ => return None,
        };
        (number, at) = (at, next);
    }
}

/// Whether the upper header of a first fragment, whose header is at `at`, does not lie within it (RFC 8200, 4.5).
fn lacks_headers(packet: &Data<'_>, at: usize, len: usize) -> bool {
    const TCP: u8 = 6;
    const UDP: u8 = 17;
    const ICMPV6: u8 = 58;
    let Some((upper, start)) = upper_header(packet, 44, at) else { return false };
    let size = match upper {
        TCP => 20,
        UDP | ICMPV6 => 8,
        _ => 1,
    };
    start + size > len
}

impl Queue {
    pub(super) const fn new(started: u64) -> Self {
        Self {
            started,
            pieces: Vec::new(),
            runs: Vec::new(),
            head: Vec::new(),
            first: None,
            len: 0,
            last_seen: false,
            gathered: 0,
            largest: 0,
            largest_unfragmentable: 0,
            congestion: 0,
        }
    }

    pub(super) fn bytes(&self) -> usize {
        self.gathered + self.pieces.len() * OVERHEAD + OVERHEAD
    }

    pub(super) fn add(&mut self, fragment: Fragment, packet: &Data<'_>) -> Added {
        let v6 = fragment.is_v6();
        let wrong = if v6 { Added::Refused } else { Added::Spoilt };
        let mut end = fragment.offset + fragment.end - fragment.body;
        if v6 && end > LONGEST {
            return Added::Refused;
        }
        if fragment.more {
            if v6 && !end.is_multiple_of(8) {
                return Added::Uneven;
            }
            end &= !7;
            if end > self.len {
                if self.last_seen {
                    return wrong;
                }
                self.len = end;
            }
        } else {
            if end < self.len || self.last_seen && end != self.len {
                return wrong;
            }
            self.last_seen = true;
            self.len = end;
        }
        if end <= fragment.offset {
            return wrong;
        }
        match self.find_place(fragment.offset, end) {
            Fit::New => {}
            // Sent twice: the first one counts.
            Fit::Duplicate => return Added::Kept,
            Fit::Overlap => return Added::Spoilt,
        }
        self.take(fragment, end, packet);
        let complete = self.first.is_some() && self.last_seen && self.gathered == self.len;
        if complete { Added::Complete } else { Added::Kept }
    }

    /// A fragment within one stretch is a duplicate; one that overlaps otherwise spoils the packet.
    fn find_place(&mut self, offset: usize, end: usize) -> Fit {
        let at = self.runs.partition_point(|(_, run_end)| *run_end <= offset);
        match self.runs.get(at) {
            Some((start, _)) if end <= *start => {}
            Some((start, run_end)) if *start <= offset && end <= *run_end => return Fit::Duplicate,
            Some(_) => return Fit::Overlap,
            None => {
                if let Some((_, run_end)) = self.runs.last_mut().filter(|(_, run_end)| *run_end == offset) {
                    *run_end = end;
                    return Fit::New;
                }
            }
        }
        self.runs.insert(at, (offset, end));
        Fit::New
    }

    fn take(&mut self, fragment: Fragment, end: usize, packet: &Data<'_>) {
        let len = end - fragment.offset;
        let mut bytes = Vec::with_capacity(len);
        for chunk in packet.chunks(fragment.body, fragment.body + len) {
            bytes.extend_from_slice(chunk);
        }
        let size = fragment.body + len;
        self.gathered += len;
        self.largest = self.largest.max(size);
        if fragment.dont_fragment {
            self.largest_unfragmentable = self.largest_unfragmentable.max(size);
        }
        self.congestion |= 1 << fragment.congestion;
        if fragment.offset == 0 {
            self.first = Some(fragment);
            self.head.clear();
            for chunk in packet.chunks(0, fragment.head) {
                self.head.extend_from_slice(chunk);
            }
        }
        let at = self.pieces.partition_point(|piece| piece.offset < fragment.offset);
        self.pieces.insert(at, Piece { offset: fragment.offset, bytes });
    }

    /// The whole packet; none if it would be too long or its fragments disagree on congestion notification.
    pub(super) fn join(self) -> Option<(Vec<u8>, Cuts)> {
        let first = self.first?;
        let congestion = joined_congestion(self.congestion)?;
        let mut packet = self.head;
        let dont_fragment = self.largest_unfragmentable == self.largest;
        let len = packet.len() + self.len;
        match first.family {
            Family::Ipv4 => {
                put16(&mut packet, 2, u16::try_from(len).ok()?)?;
                put16(&mut packet, 6, if dont_fragment { DONT_FRAGMENT } else { 0 })?;
                *packet.get_mut(1)? |= congestion;
                put16(&mut packet, 10, 0)?;
                let sum = !(Data::new(&packet).sum(0, packet.len(), 0) as u16);
                put16(&mut packet, 10, sum)?;
            }
            Family::Ipv6 => {
                put16(&mut packet, 4, u16::try_from(len - 40).ok()?)?;
                *packet.get_mut(1)? |= congestion << 4;
                let (at, number) = first.next;
                *packet.get_mut(at)? = number;
            }
        }
        packet.reserve(self.len);
        for piece in &self.pieces {
            packet.extend_from_slice(&piece.bytes);
        }
        let (one, others) = self.pieces.split_first()?;
        let cuts = Cuts {
            head: first.head,
            first: first.head + one.bytes.len(),
            others: others.iter().map(|piece| piece.bytes.len() as u16).collect(),
            largest: self.largest,
            dont_fragment,
            id: first.id,
        };
        Some((packet, cuts))
    }
}

/// What marks of the fragments make of the whole (RFC 3168, 5.3): any that experienced congestion marks it; fragments
/// with and without the capability do not go together.
const fn joined_congestion(seen: u8) -> Option<u8> {
    const NOT_CAPABLE: u8 = 1;
    const EXPERIENCED: u8 = 1 << 3;
    if seen & NOT_CAPABLE != 0 && seen != NOT_CAPABLE {
        return None;
    }
    Some(if seen & EXPERIENCED != 0 { 3 } else { 0 })
}

fn put16(packet: &mut [u8], at: usize, value: u16) -> Option<()> {
    *packet.get_mut(at..)?.first_chunk_mut()? = value.to_be_bytes();
    Some(())
}
