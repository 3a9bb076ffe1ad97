//! Sums as the kernel updates them in place (RFC 1624), so that even 0 and 0xffff come out the same.

/// What a checksum becomes when 32 bits of what it covers change.
pub(crate) fn replace32(sum: u16, old: u32, new: u32) -> u16 {
    fold(add(add(!u32::from(sum), !old), new))
}

/// What a checksum becomes when 16 bits of what it covers change.
pub(crate) fn replace16(sum: u16, old: u16, new: u16) -> u16 {
    replace32(sum, old.into(), new.into())
}

/// What a checksum becomes when a byte of what it covers changes; `odd` if it is the second one of its word.
pub(crate) fn replace8(sum: u16, old: u8, new: u8, odd: bool) -> u16 {
    let word = |byte: u8| if odd { u16::from(byte) } else { u16::from(byte) << 8 };
    replace16(sum, word(old), word(new))
}

fn add(left: u32, right: u32) -> u32 {
    let (sum, carry) = left.overflowing_add(right);
    sum.wrapping_add(carry.into())
}

/// The checksum of a sum: folded and complemented.
pub(crate) fn fold(sum: u32) -> u16 {
    let folded = sum.wrapping_add(sum.rotate_right(16)) >> 16;
    !u16::try_from(folded).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use pkttables::packet::Data;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn replaced_is_computed(mut bytes: [u8; 20], at in 0_usize..20, new: u8) {
            let sum = fold(Data::new(&bytes).sum(0, 20, 0));
            let replaced = replace8(sum, bytes[at], new, at % 2 == 1);
            bytes[at] = new;
            let computed = fold(Data::new(&bytes).sum(0, 20, 0));
            prop_assert!(replaced == computed || (replaced ^ computed) == 0xffff);
        }
    }
}
