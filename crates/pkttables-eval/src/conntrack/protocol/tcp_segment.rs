use super::checksum_is_right;
use crate::conntrack::headers::View;
use crate::conntrack::helper::Shift;

/// A TCP header as the tracker reads it.
#[derive(Clone, Debug)]
pub(super) struct Segment {
    pub(super) sequence: u32,
    pub(super) acknowledged: u32,
    pub(super) window: u16,
    /// The sequence number after the segment; SYN and FIN count as one each.
    pub(super) end: u32,
    pub(super) syn: bool,
    pub(super) ack: bool,
    pub(super) fin: bool,
    pub(super) rst: bool,
    /// What was taken away from the acknowledgement to have it in the receiver's own numbers.
    shift: u32,
    options: [u8; 40],
    options_len: usize,
}

/// What a SYN says in its options.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Offer {
    pub(super) sack: bool,
    pub(super) scale: Option<u8>,
}

const FIN: u8 = 1;
const SYN: u8 = 2;
const RST: u8 = 4;
const ACK: u8 = 16;
const URG: u8 = 32;

const WINDOW_SCALE: u8 = 3;
const SACK_PERMITTED: u8 = 4;
const SACK: u8 = 5;
const LARGEST_SCALE: u8 = 14;

impl Segment {
    /// Reads the header; none if lengths, checksum or flags are wrong.
    pub(super) fn read(view: &View<'_>, verify: bool) -> Option<Self> {
        let [offset, flags, window @ ..] = view.array::<4>(12)?;
        let header = usize::from(offset >> 4) * 4;
        if header < 20 || header > view.transport_len() || view.transport_len() < 20 {
            return None;
        }
        if verify && !checksum_is_right(view) || !legal(flags) {
            return None;
        }
        let mut options = [0; 40];
        let options_len = header - 20;
        view.data().read(view.offset + 20, options.get_mut(..options_len)?)?;
        let sequence = view.be32(4)?;
        let (syn, fin) = (flags & SYN != 0, flags & FIN != 0);
        let length = (view.transport_len() - header) as u32 + u32::from(syn) + u32::from(fin);
        Some(Self {
            sequence,
            acknowledged: view.be32(8)?,
            window: u16::from_be_bytes([*window.first()?, *window.get(1)?]),
            end: sequence.wrapping_add(length),
            syn,
            fin,
            ack: flags & ACK != 0,
            rst: flags & RST != 0,
            shift: 0,
            options,
            options_len,
        })
    }

    /// What a SYN offers.
    pub(super) fn offer(&self) -> Offer {
        let mut offer = Offer::default();
        for (kind, value) in self.options() {
            match (kind, value) {
                (SACK_PERMITTED, []) => offer.sack = true,
                (WINDOW_SCALE, [scale]) => offer.scale = Some((*scale).min(LARGEST_SCALE)),
                _ => {}
            }
        }
        offer
    }

    /// Takes back by how much a helper shifted the numbers that are acknowledged.
    pub(super) fn unshift(&mut self, receiver: &Shift) {
        self.shift = receiver.at(self.acknowledged.wrapping_sub(1));
        self.acknowledged = self.acknowledged.wrapping_sub(self.shift);
    }

    /// The highest sequence number that the segment acknowledges, selective acknowledgements included.
    pub(super) fn highest_acknowledged(&self) -> u32 {
        let mut highest = self.acknowledged;
        for (_, blocks) in self.options().filter(|(kind, value)| *kind == SACK && value.len() % 8 == 0) {
            for block in blocks.chunks_exact(8) {
                let right = block.last_chunk().copied().map_or(highest, u32::from_be_bytes);
                let right = right.wrapping_sub(self.shift);
                if after(right, highest) {
                    highest = right;
                }
            }
        }
        highest
    }

    /// Kinds and values up to the end of the list or the first option with a wrong length.
    fn options(&self) -> impl Iterator<Item = (u8, &[u8])> {
        let mut rest = self.options.get(..self.options_len).unwrap_or_default();
        std::iter::from_fn(move || {
            loop {
                let (kind, tail) = rest.split_first()?;
                match kind {
                    0 => return None,
                    1 => rest = tail,
                    _ => {
                        let length = usize::from(*tail.first()?);
                        let value = rest.get(2..length)?;
                        rest = rest.get(length..)?;
                        return Some((*kind, value));
                    }
                }
            }
        })
    }
}

/// Whether the flags may stand together; PSH and the congestion flags do not matter.
const fn legal(flags: u8) -> bool {
    let urgent = flags & URG != 0;
    match flags & (FIN | SYN | RST | ACK) {
        SYN | ACK => true,
        0b1_0001 => true,
        0b1_0010 | RST | 0b1_0100 => !urgent,
        _ => false,
    }
}

/// Whether one sequence number comes after another one.
pub(crate) const fn after(one: u32, other: u32) -> bool {
    (other.wrapping_sub(one) as i32) < 0
}

/// Whether one sequence number comes before another one.
pub(super) const fn before(one: u32, other: u32) -> bool {
    after(other, one)
}

#[cfg(test)]
mod tests {
    use super::*;
    use pkttables::packet::Data;

    fn read(tcp: &[u8]) -> Option<Segment> {
        let mut packet =
            vec![0x45, 0, 0, 20 + tcp.len() as u8, 0, 0, 0, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];
        packet.extend(tcp);
        Segment::read(&View::parse(Data::new(&packet)).unwrap(), false)
    }

    fn with_options(flags: u8, options: &[u8]) -> Option<Segment> {
        let words = 5 + options.len().div_ceil(4) as u8;
        let mut tcp = vec![0, 1, 0, 2, 0, 0, 0, 9, 0, 0, 0, 7, words << 4, flags, 1, 0, 0, 0, 0, 0];
        tcp.extend(options);
        tcp.resize(usize::from(words) * 4, 0);
        read(&tcp)
    }

    #[test]
    fn of_all_flag_combinations_only_sensible_ones_are_legal() {
        let legal: Vec<u8> = (0..64).filter(|flags| flags & 8 == 0 && legal(*flags)).collect();
        assert_eq!(legal, [2, 4, 16, 17, 18, 20, 34, 48, 49]);
        assert!((0..=255).all(|flags| super::legal(flags) == super::legal(flags & !0xc8)));
    }

    #[test]
    fn options_of_a_syn_are_found_behind_padding_and_others() {
        let offer = with_options(SYN, &[1, 2, 4, 5, 180, SACK_PERMITTED, 2, WINDOW_SCALE, 3, 99]);
        assert_eq!(offer.unwrap().offer(), Offer { sack: true, scale: Some(14) });
        let cut = with_options(SYN, &[WINDOW_SCALE, 0, SACK_PERMITTED, 2]);
        assert_eq!(cut.unwrap().offer(), Offer::default());
    }

    #[test]
    fn selective_acknowledgements_count() {
        let blocks = [1, 1, SACK, 18, 0, 0, 0, 20, 0, 0, 0, 30, 0, 0, 0, 12, 0, 0, 0, 16];
        assert_eq!(with_options(ACK, &blocks).unwrap().highest_acknowledged(), 30);
        assert_eq!(with_options(ACK, &[]).unwrap().highest_acknowledged(), 7);
    }

    #[test]
    fn syn_and_fin_take_a_sequence_number() {
        assert_eq!(with_options(SYN, &[]).unwrap().end, 10);
        assert_eq!(with_options(ACK, &[]).unwrap().end, 9);
        assert!(read(&[0; 19]).is_none());
    }
}
