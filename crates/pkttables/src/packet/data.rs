/// The bytes of a packet, which may lie in several pieces one after another.
///
/// Fields that straddle two pieces are read correctly; nothing is copied together and nothing allocated.
#[derive(Clone, Copy)]
pub struct Data<'a> {
    first: &'a [u8],
    rest: &'a [&'a [u8]],
    len: usize,
}

impl<'a> Data<'a> {
    /// Bytes in one piece.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { first: bytes, rest: &[], len: bytes.len() }
    }

    /// Bytes in several pieces.
    #[must_use]
    pub fn from_pieces(pieces: &'a [&'a [u8]]) -> Self {
        let (first, rest) = pieces.split_first().map_or((&[][..], &[][..]), |(first, rest)| (*first, rest));
        Self { first, rest, len: pieces.iter().map(|piece| piece.len()).sum() }
    }

    /// How many bytes there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The first `len` bytes, or all if there are fewer.
    #[must_use]
    pub fn truncated(self, len: usize) -> Self {
        Self { len: self.len.min(len), ..self }
    }

    /// `N` bytes from `offset` on; `None` if there are not so many.
    #[must_use]
    #[inline]
    pub fn array<const N: usize>(&self, offset: usize) -> Option<[u8; N]> {
        let end = offset.checked_add(N)?;
        if end > self.len {
            return None;
        }
        if let Some(bytes) = self.first.get(offset..end) {
            return bytes.try_into().ok();
        }
        let mut out = [0; N];
        self.read(offset, &mut out)?;
        Some(out)
    }

    /// The byte at `offset`.
    #[must_use]
    #[inline]
    pub fn u8(&self, offset: usize) -> Option<u8> {
        self.array(offset).map(|[byte]| byte)
    }

    /// The two bytes at `offset` as a number in network order.
    #[must_use]
    #[inline]
    pub fn be16(&self, offset: usize) -> Option<u16> {
        self.array(offset).map(u16::from_be_bytes)
    }

    /// The four bytes at `offset` as a number in network order.
    #[must_use]
    #[inline]
    pub fn be32(&self, offset: usize) -> Option<u32> {
        self.array(offset).map(u32::from_be_bytes)
    }

    /// Fills `out` with the bytes from `offset` on; `None`, and nothing promised about `out`, if there are too few.
    #[must_use]
    pub fn read(&self, offset: usize, out: &mut [u8]) -> Option<()> {
        let end = offset.checked_add(out.len())?;
        if end > self.len {
            return None;
        }
        let mut filled = 0;
        for chunk in self.chunks(offset, end) {
            out.get_mut(filled..filled + chunk.len())?.copy_from_slice(chunk);
            filled += chunk.len();
        }
        (filled == out.len()).then_some(())
    }

    /// The pieces of the bytes from `start` up to but without `end`, or to the last.
    pub fn chunks(&self, start: usize, end: usize) -> impl Iterator<Item = &'a [u8]> + Clone + use<'a> {
        let end = end.min(self.len);
        let mut position = 0_usize;
        std::iter::once(self.first).chain(self.rest.iter().copied()).filter_map(move |piece| {
            let (from, to) = (position, position.saturating_add(piece.len()));
            position = to;
            let chunk = piece.get(start.max(from).min(to) - from..end.max(from).min(to) - from)?;
            (!chunk.is_empty()).then_some(chunk)
        })
    }

    /// Appends all bytes to `out`.
    pub fn append_to(&self, out: &mut Vec<u8>) {
        out.reserve(self.len);
        for chunk in self.chunks(0, self.len) {
            out.extend_from_slice(chunk);
        }
    }

    /// The sum that the Internet checksum is the complement of, over the bytes from `start` to `end` (RFC 1071),
    /// continuing from `sum`, for data that begins at an even place of what is summed.
    #[must_use]
    pub fn sum(&self, start: usize, end: usize, sum: u32) -> u32 {
        let mut sum = u64::from(sum);
        let mut odd = false;
        for byte in self.chunks(start, end).flatten() {
            sum += if odd { u64::from(*byte) } else { u64::from(*byte) << 8 };
            odd = !odd;
        }
        while sum > 0xffff {
            sum = (sum & 0xffff) + (sum >> 16);
        }
        u32::try_from(sum).unwrap_or_default()
    }
}

impl std::fmt::Debug for Data<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for chunk in self.chunks(0, self.len) {
            for byte in chunk {
                write!(f, "{byte:02x}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn pieces_read_as_one(bytes: Vec<u8>, cuts in proptest::collection::vec(0_usize..64, 0..5), at in 0_usize..64, end in 0_usize..64) {
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
            cuts.sort_unstable();
            let mut pieces = Vec::new();
            let mut from = 0;
            for cut in cuts.into_iter().chain([bytes.len()]) {
                pieces.push(&bytes[from..cut]);
                from = cut;
            }
            let (whole, cut) = (Data::new(&bytes), Data::from_pieces(&pieces));
            prop_assert_eq!(whole.array::<6>(at), cut.array::<6>(at));
            prop_assert_eq!(whole.be16(at), bytes.get(at..at + 2).map(|b| u16::from_be_bytes([b[0], b[1]])));
            prop_assert_eq!(whole.truncated(end).be32(at), cut.truncated(end).be32(at));
            prop_assert_eq!(whole.sum(at, end, 7), cut.sum(at, end, 7));
            let mut copy = Vec::new();
            cut.truncated(end).append_to(&mut copy);
            prop_assert_eq!(&copy[..], &bytes[..end.min(bytes.len())]);
        }
    }
}
