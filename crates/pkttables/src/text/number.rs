//! Numbers as C's functions read them where the language leans on these.

use crate::domain::parse_unsigned;

/// Reads the number at the start of `text` as `scanf`'s `%llu` does; what follows it does not matter.
pub(super) fn leading_u64(text: &str) -> Option<u64> {
    let text = text.trim_ascii_start();
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let end = digits.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(digits.len());
    let digits = digits.get(..end).filter(|digits| !digits.is_empty())?;
    let number = digits.parse().unwrap_or(u64::MAX);
    Some(if negative && number != u64::MAX { number.wrapping_neg() } else { number })
}

/// Reads a whole word as a number as `strtoul` with base 0 does.
pub(super) fn strict_number(text: &str) -> Option<u32> {
    u32::try_from(parse_unsigned(text).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leading_numbers() {
        for (text, expected) in [
            ("12", Some(12)),
            (" +12x", Some(12)),
            ("-1", Some(u64::MAX)),
            ("99999999999999999999", Some(u64::MAX)),
            ("", None),
            ("x1", None),
            ("-", None),
        ] {
            assert_eq!(leading_u64(text), expected, "{text}");
        }
        assert_eq!((strict_number("0x10"), strict_number("1x")), (Some(16), None));
    }
}
