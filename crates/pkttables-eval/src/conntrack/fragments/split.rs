use pkttables::packet::Data;

/// How a packet was fragmented when it came, and so how it is cut again when it leaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cuts {
    /// How long the part is that every fragment carries.
    pub(super) head: usize,
    pub(super) sizes: Vec<u16>,
    /// The largest fragment, headers included.
    pub(super) largest: usize,
    pub(super) dont_fragment: bool,
    pub(super) id: u32,
    /// IPv6: where the number of the header behind the unfragmentable part stands.
    pub(super) number_at: usize,
}

const MORE: u16 = 0x2000;
const DONT_FRAGMENT: u16 = 0x4000;
const FRAGMENT_HEADER: usize = 8;

impl Cuts {
    /// The largest fragment that came, which bounds those that leave.
    #[must_use]
    pub const fn largest(&self) -> usize {
        self.largest
    }

    /// Cuts a packet for a link: along the old seams if those fit, else evenly; none if it may not be cut so small.
    ///
    /// IPv6 fragments keep the identification they came with; the kernel draws a new one.
    #[must_use]
    pub fn apply(&self, packet: &[u8], mtu: usize) -> Option<Vec<Vec<u8>>> {
        let v6 = packet.first()? >> 4 == 6;
        if mtu < self.largest && (v6 || self.dont_fragment) {
            return None;
        }
        let overhead = self.head + if v6 { FRAGMENT_HEADER } else { 0 };
        let room = mtu.min(self.largest).checked_sub(overhead)? & !7;
        let (head, body) = packet.split_at_checked(self.head)?;
        if room == 0 {
            return None;
        }
        let total: usize = self.sizes.iter().copied().map(usize::from).sum();
        let (last, others) = self.sizes.split_last()?;
        let limit = mtu.min(self.largest) - overhead;
        let fits = total == body.len()
            && usize::from(*last) <= limit
            && others.iter().all(|size| size % 8 == 0 && usize::from(*size) <= limit);
        let mut fragments = Vec::new();
        let mut offset = 0;
        let mut seams = self.sizes.iter();
        while offset < body.len() {
            let size = if fits { usize::from(*seams.next()?) } else { room };
            let end = (offset + size).min(body.len());
            let more = end < body.len();
            let piece = body.get(offset..end)?;
            let word = if v6 { offset as u16 | u16::from(more) } else { self.word_v4(offset, more, fits) };
            fragments.push(if v6 {
                self.fragment_v6(head, piece, word)?
            } else {
                fragment_v4(head, piece, word, offset > 0)?
            });
            offset = end;
        }
        Some(fragments)
    }

    const fn word_v4(&self, offset: usize, more: bool, along_seams: bool) -> u16 {
        let flags =
            if more { MORE } else { 0 } | if self.dont_fragment && !along_seams { DONT_FRAGMENT } else { 0 };
        (offset / 8) as u16 | flags
    }

    fn fragment_v6(&self, head: &[u8], piece: &[u8], word: u16) -> Option<Vec<u8>> {
        let mut fragment = head.to_vec();
        let number = std::mem::replace(fragment.get_mut(self.number_at)?, 44);
        fragment.extend([number, 0]);
        fragment.extend(word.to_be_bytes());
        fragment.extend(self.id.to_be_bytes());
        fragment.extend(piece);
        let len = u16::try_from(fragment.len().checked_sub(40)?).ok()?;
        *fragment.get_mut(4..)?.first_chunk_mut()? = len.to_be_bytes();
        Some(fragment)
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
