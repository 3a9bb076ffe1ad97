use std::iter::once;

use pkttables::packet::Data;

/// How a packet was fragmented when it came, and so how it is cut again when it leaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cuts {
    /// How long the part was that every fragment carried.
    pub(super) head: usize,
    /// How much of the whole packet came in the first fragment, that part included.
    pub(super) first: usize,
    /// How much came in each of the others.
    pub(super) others: Vec<u16>,
    /// The largest fragment, headers included.
    pub(super) largest: usize,
    pub(super) dont_fragment: bool,
    pub(super) id: u32,
}

const MORE: u16 = 0x2000;
const DONT_FRAGMENT: u16 = 0x4000;
const FRAGMENT_HEADER: usize = 8;
/// What every link carries in IPv6 (RFC 8200, 5).
const LEAST_MTU: usize = 1280;

impl Cuts {
    /// The largest fragment that came, which bounds those that leave.
    #[must_use]
    pub const fn largest(&self) -> usize {
        self.largest
    }

    /// How much of the whole packet came in its first fragment, from the network header on.
    #[must_use]
    pub const fn first(&self) -> usize {
        self.first
    }

    /// Cuts a packet for a link: along the old seams if those fit, else evenly; none if it may not be cut so small.
    ///
    /// Seams within the first `contiguous` bytes are gone: whoever read or changed those needed them in one piece.
    /// IPv6 fragments keep the identification they came with; the kernel draws a new one.
    #[must_use]
    pub fn apply(&self, packet: &[u8], mtu: usize, contiguous: usize) -> Option<Vec<Vec<u8>>> {
        let v6 = packet.first()? >> 4 == 6;
        if mtu < self.largest && (v6 || self.dont_fragment) {
            return None;
        }
        let linear = contiguous.max(self.first).min(packet.len());
        let (head, number_at) =
            if v6 { unfragmentable(packet.get(..linear)?)? } else { (header_v4(packet)?, 0) };
        let mtu = if v6 { self.largest.max(LEAST_MTU) } else { mtu.min(self.largest) };
        let room = mtu.checked_sub(head + if v6 { FRAGMENT_HEADER } else { 0 }).filter(|room| *room >= 8)?;
        let (head, body) = packet.split_at_checked(head)?;
        let seams = self.seams(packet.len(), head.len(), room, contiguous);
        let mut fragments = Vec::new();
        let mut offset = 0;
        while offset < body.len() {
            let left = body.len() - offset;
            let size = match &seams {
                Some(sizes) => *sizes.get(fragments.len())?,
                None if left <= room => left,
                None => room & !7,
            };
            let end = (offset + size).min(body.len());
            let more = end < body.len();
            let piece = body.get(offset..end)?;
            fragments.push(if v6 {
                self.fragment_v6(head, piece, offset as u16 | u16::from(more), number_at)?
            } else {
                fragment_v4(head, piece, self.word_v4(offset, more, seams.is_some()), offset > 0)?
            });
            offset = end;
        }
        Some(fragments)
    }

    /// The sizes of the pieces if the packet can be cut along the old seams.
    fn seams(&self, len: usize, head: usize, room: usize, contiguous: usize) -> Option<Vec<usize>> {
        let mut pieces: Vec<usize> =
            once(self.first).chain(self.others.iter().copied().map(usize::from)).collect();
        if pieces.iter().sum::<usize>() != len {
            return None;
        }
        // What is put in one piece with the first is taken from those behind it.
        let mut taken = contiguous.saturating_sub(self.first);
        for piece in pieces.iter_mut().skip(1) {
            let part = taken.min(*piece);
            *piece -= part;
            taken -= part;
            // The headers go into the room that the fragment's own headers, and what was taken, have left before it.
            if *piece > 0 && head > self.head + part {
                return None;
            }
        }
        let first = pieces.first_mut()?;
        *first = contiguous.max(self.first).checked_sub(head)?;
        pieces.retain(|piece| *piece > 0);
        let (last, others) = pieces.split_last()?;
        let fit = *last <= room && others.iter().all(|size| *size <= room && size.is_multiple_of(8));
        (fit && !others.is_empty()).then_some(pieces)
    }

    const fn word_v4(&self, offset: usize, more: bool, along_seams: bool) -> u16 {
        let flags =
            if more { MORE } else { 0 } | if self.dont_fragment && !along_seams { DONT_FRAGMENT } else { 0 };
        (offset / 8) as u16 | flags
    }

    fn fragment_v6(&self, head: &[u8], piece: &[u8], word: u16, number_at: usize) -> Option<Vec<u8>> {
        let mut fragment = head.to_vec();
        let number = std::mem::replace(fragment.get_mut(number_at)?, 44);
        fragment.extend([number, 0]);
        fragment.extend(word.to_be_bytes());
        fragment.extend(self.id.to_be_bytes());
        fragment.extend(piece);
        let len = u16::try_from(fragment.len().checked_sub(40)?).ok()?;
        *fragment.get_mut(4..)?.first_chunk_mut()? = len.to_be_bytes();
        Some(fragment)
    }
}

fn header_v4(packet: &[u8]) -> Option<usize> {
    Some(usize::from(packet.first()? & 15) * 4)
}

/// How long the part of an IPv6 packet is that each fragment repeats, and where the number of what follows stands
/// (RFC 8200, 4.5): hop-by-hop options, a routing header, and destination options before that.
///
/// The kernel reads these headers only as far as they lie in one piece; none if they go on behind it.
fn unfragmentable(packet: &[u8]) -> Option<(usize, usize)> {
    let (mut end, mut number_at, mut routed) = (40, 6, false);
    loop {
        match packet.get(number_at)? {
            0 => {}
            43 => routed = true,
            60 if !routed => {}
            _ => return Some((end, number_at)),
        }
        number_at = end;
        end += (usize::from(*packet.get(end + 1)?) + 1) * 8;
        if end > packet.len() {
            return None;
        }
    }
}

fn fragment_v4(head: &[u8], piece: &[u8], word: u16, later: bool) -> Option<Vec<u8>> {
    let mut fragment = head.to_vec();
    if later {
        blank_options(fragment.get_mut(20..)?);
    }
    let len = u16::try_from(head.len() + piece.len()).ok()?;
    *fragment.get_mut(2..)?.first_chunk_mut()? = len.to_be_bytes();
    *fragment.get_mut(6..)?.first_chunk_mut()? = word.to_be_bytes();
    fragment.get_mut(10..12)?.fill(0);
    let sum = !(Data::new(&fragment).sum(0, head.len(), 0) as u16);
    *fragment.get_mut(10..)?.first_chunk_mut()? = sum.to_be_bytes();
    fragment.extend(piece);
    Some(fragment)
}

/// Options without the copy bit stand in the first fragment only (RFC 791).
pub(super) fn blank_options(mut options: &mut [u8]) {
    const COPIED: u8 = 0x80;
    const NO_OPERATION: u8 = 1;
    while let [kind, rest @ ..] = options {
        let len = match (*kind, rest.first()) {
            (0, _) => return,
            (NO_OPERATION, _) => 1,
            (_, Some(len)) if *len >= 2 => usize::from(*len),
            _ => return,
        };
        if len > rest.len() + 1 {
            return;
        }
        let (option, behind) = std::mem::take(&mut options).split_at_mut(len);
        if option.first().is_some_and(|kind| kind & COPIED == 0) {
            option.fill(NO_OPERATION);
        }
        options = behind;
    }
}
