//! Sequence numbers of TCP after a helper made what one side wrote longer or shorter.

use pkttables::packet::Direction;

use crate::checksum::replace32;
use crate::conntrack::protocol::after;

/// By how much the sequence numbers that one side sends are shifted: before and after the last change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Shift {
    changed_at: u32,
    before: u32,
    after: u32,
}

impl Shift {
    /// Notes that the segment of this number, as its sender counts, became longer by so much.
    pub(super) const fn note(&mut self, sequence: u32, longer: u32) {
        // A segment that is sent again is changed again, but moves nothing.
        if self.before == self.after || after(sequence, self.changed_at) {
            self.changed_at = sequence;
            self.before = self.after;
            self.after = self.after.wrapping_add(longer);
        }
    }

    /// The shift at a number, as its sender counts.
    pub(crate) const fn at(&self, sequence: u32) -> u32 {
        if after(sequence, self.changed_at) { self.after } else { self.before }
    }

    /// The sender's number for one that the other side acknowledges.
    const fn undone(&self, sequence: u32) -> u32 {
        let shift = self.at(sequence.wrapping_sub(self.before));
        sequence.wrapping_sub(shift)
    }
}

const SACK: u8 = 5;

/// Shifts the numbers of a segment; `transport` is where its header starts. None if the header is cut off or its options
/// are broken.
pub(super) fn adjust(
    packet: &mut [u8],
    transport: usize,
    shifts: &[Shift; 2],
    direction: Direction,
) -> Option<()> {
    let [original, reply] = shifts;
    let (own, other) = match direction {
        Direction::Original => (original, reply),
        Direction::Reply => (reply, original),
    };
    let mut segment = Segment { bytes: packet.get_mut(transport..)? };
    let sequence = segment.get(4)?;
    segment.put(4, sequence.wrapping_add(own.at(sequence)))?;
    let [offset, flags] = *segment.bytes.get(12..)?.first_chunk()?;
    if flags & 0x10 == 0 {
        return Some(());
    }
    segment.put(8, other.undone(segment.get(8)?))?;
    let end = usize::from(offset >> 4) * 4;
    let mut at = 20;
    while at < end {
        let [kind, length] = match segment.bytes.get(at..end)? {
            [0, ..] => break,
            [1, ..] => {
                at += 1;
                continue;
            }
            options => *options.first_chunk()?,
        };
        let length = usize::from(length);
        if length < 2 || at + length > end {
            return None;
        }
        if kind == SACK && length % 8 == 2 {
            for edge in (at + 2..at + length).step_by(4) {
                segment.put(edge, other.undone(segment.get(edge)?))?;
            }
        }
        at += length;
    }
    Some(())
}

struct Segment<'a> {
    bytes: &'a mut [u8],
}

impl Segment<'_> {
    fn get(&self, at: usize) -> Option<u32> {
        Some(u32::from_be_bytes(*self.bytes.get(at..)?.first_chunk()?))
    }

    /// Writes a number and corrects the checksum for it, as the kernel as if it were at an even place.
    fn put(&mut self, at: usize, new: u32) -> Option<()> {
        let sum = u16::from_be_bytes(*self.bytes.get(16..)?.first_chunk()?);
        let sum = replace32(sum, self.get(at)?, new);
        *self.bytes.get_mut(16..)?.first_chunk_mut()? = sum.to_be_bytes();
        *self.bytes.get_mut(at..)?.first_chunk_mut()? = new.to_be_bytes();
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_before_and_after_the_change() {
        let mut shift = Shift::default();
        assert_eq!((shift.at(5), shift.undone(5)), (5 - 5, 5));
        shift.note(1000, 3);
        assert_eq!((shift.at(1000), shift.at(1001)), (0, 3));
        assert_eq!((shift.undone(1000), shift.undone(1023)), (1000, 1020));
        shift.note(1000, 3);
        assert_eq!(shift.at(2000), 3);
        shift.note(1500, 2_u32.wrapping_neg());
        assert_eq!((shift.at(1500), shift.at(1501)), (3, 1));
    }
}
