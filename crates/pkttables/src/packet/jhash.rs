//! Bob Jenkins' hash as the kernel has it (linux/jhash.h).

const INITIAL: u32 = 0xdead_beef;

/// The hash of words, with a seed (`jhash2`).
#[must_use]
pub fn words(words: &[u32], seed: u32) -> u32 {
    let start = INITIAL.wrapping_add((words.len() as u32) << 2).wrapping_add(seed);
    let (mut a, mut b, mut c) = (start, start, start);
    let mut rest = words;
    while let [x, y, z, following @ ..] = rest {
        (a, b, c) = (a.wrapping_add(*x), b.wrapping_add(*y), c.wrapping_add(*z));
        rest = following;
        // Three words or fewer at the end are not mixed, but finished.
        if rest.is_empty() {
            return finished(a, b, c);
        }
        (a, b, c) = mixed(a, b, c);
    }
    match rest {
        [x, y] => finished(a.wrapping_add(*x), b.wrapping_add(*y), c),
        [x] => finished(a.wrapping_add(*x), b, c),
        _ => c,
    }
}

/// The part of `limit` that a hash falls to (`reciprocal_scale`).
#[must_use]
pub const fn scaled(hash: u32, limit: u32) -> u32 {
    ((hash as u64 * limit as u64) >> 32) as u32
}

fn mixed(mut a: u32, mut b: u32, mut c: u32) -> (u32, u32, u32) {
    for (first, second, third) in [(4, 6, 8), (16, 19, 4)] {
        a = a.wrapping_sub(c) ^ c.rotate_left(first);
        c = c.wrapping_add(b);
        b = b.wrapping_sub(a) ^ a.rotate_left(second);
        a = a.wrapping_add(c);
        c = c.wrapping_sub(b) ^ b.rotate_left(third);
        b = b.wrapping_add(a);
    }
    (a, b, c)
}

fn finished(mut a: u32, mut b: u32, mut c: u32) -> u32 {
    c = (c ^ b).wrapping_sub(b.rotate_left(14));
    a = (a ^ c).wrapping_sub(c.rotate_left(11));
    b = (b ^ a).wrapping_sub(a.rotate_left(25));
    c = (c ^ b).wrapping_sub(b.rotate_left(16));
    a = (a ^ c).wrapping_sub(c.rotate_left(4));
    b = (b ^ a).wrapping_sub(a.rotate_left(14));
    (c ^ b).wrapping_sub(b.rotate_left(24))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_and_parts() {
        assert_eq!(words(&[], 7), 0xdead_beef_u32.wrapping_add(7));
        assert_eq!([scaled(0, 9), scaled(u32::MAX, 9), scaled(1 << 31, 9)], [0, 8, 4]);
    }

    /// The steps of lookup3's `mix` written out, as Jenkins published them.
    fn published([first, second, third, fourth]: [u32; 4], seed: u32) -> u32 {
        let start = 0xdead_beef_u32.wrapping_add(16).wrapping_add(seed);
        let (mut a, mut b, mut c) =
            (start.wrapping_add(first), start.wrapping_add(second), start.wrapping_add(third));
        for (step, bits) in [4, 6, 8, 16, 19, 4].into_iter().enumerate() {
            let (x, y, z) = match step % 3 {
                0 => (&mut a, &mut c, &mut b),
                1 => (&mut b, &mut a, &mut c),
                _ => (&mut c, &mut b, &mut a),
            };
            *x = x.wrapping_sub(*y);
            *x ^= y.rotate_left(bits);
            *y = y.wrapping_add(*z);
        }
        a = a.wrapping_add(fourth);
        for (step, bits) in [14, 11, 25, 16, 4, 14, 24].into_iter().enumerate() {
            let (x, y) = match step % 3 {
                0 => (&mut c, b),
                1 => (&mut a, c),
                _ => (&mut b, a),
            };
            *x = (*x ^ y).wrapping_sub(y.rotate_left(bits));
        }
        c
    }

    proptest::proptest! {
        #[test]
        fn four_words_as_published(words: [u32; 4], seed: u32) {
            proptest::prop_assert_eq!(super::words(&words, seed), published(words, seed));
        }
    }
}
