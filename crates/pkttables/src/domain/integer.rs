use crate::registry::{Domain, Scope, Value, ValueError};
use std::fmt::Write as _;

/// Reads a whole number as C's `strtoul` with base 0 does: `0x` is hexadecimal, a leading `0` octal, and spaces and
/// a `+` may stand before it.
///
/// Negative numbers and trailing characters are not accepted.
pub fn parse_unsigned(text: &str) -> Result<u64, ValueError> {
    let text = text.trim_ascii_start();
    let text = text.strip_prefix('+').unwrap_or(text);
    let (digits, radix) = match text.as_bytes() {
        [b'0', b'x' | b'X', ..] => (text.get(2..).unwrap_or_default(), 16),
        [b'0', _, ..] => (text.get(1..).unwrap_or_default(), 8),
        _ => (text, 10),
    };
    if digits.is_empty() || digits.starts_with('+') {
        return Err(ValueError::Form);
    }
    u64::from_str_radix(digits, radix).map_err(|error| match error.kind() {
        std::num::IntErrorKind::PosOverflow => ValueError::OutOfRange { min: 0, max: u64::MAX },
        _ => ValueError::Form,
    })
}

/// Reads a whole number and checks its limits.
pub fn parse_bounded(text: &str, min: u64, max: u64) -> Result<u64, ValueError> {
    let number = match parse_unsigned(text) {
        Err(ValueError::OutOfRange { .. }) => return Err(ValueError::OutOfRange { min, max }),
        parsed => parsed?,
    };
    if (min..=max).contains(&number) { Ok(number) } else { Err(ValueError::OutOfRange { min, max }) }
}

/// Reads a whole number in decimal, as C's `strtoul` with base 10 does, and checks its limits.
pub fn parse_decimal(text: &str, min: u64, max: u64) -> Result<u64, ValueError> {
    let digits = text.trim_ascii_start();
    let digits = digits.strip_prefix('+').unwrap_or(digits);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(ValueError::Form);
    }
    let number = digits.parse().ok().filter(|number| (min..=max).contains(number));
    number.ok_or(ValueError::OutOfRange { min, max })
}

/// Makes a whole number with limits of its own: a [`Value`](crate::registry::Value) printed in decimal.
///
/// ```
/// pkttables::integer! {
///     /// A percentage.
///     pub struct Percent(u8): 0..=100, "percent";
/// }
/// ```
#[macro_export]
macro_rules! integer {
    ($($(#[$meta:meta])* $vis:vis struct $type:ident($int:ty): $min:literal..=$max:expr, $unit:literal;)+) => {$(
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
        $vis struct $type(pub $int);

        impl $crate::registry::Value for $type {
            const DOMAIN: $crate::registry::Domain =
                $crate::registry::Domain::Integer { min: $min, max: $max as u64, unit: $unit };

            fn parse(text: &str, _: &$crate::registry::Scope) -> Result<Self, $crate::registry::ValueError> {
                let number = $crate::domain::parse_bounded(text, $min, $max as u64)?;
                <$int>::try_from(number).map(Self).map_err(|_| $crate::registry::ValueError::Form)
            }

            fn write(&self, out: &mut String, _: &$crate::registry::Scope) {
                use std::fmt::Write as _;
                let _ = write!(out, "{}", self.0);
            }
        }
    )+};
}

macro_rules! plain_integers {
    ($($int:ty),*) => {$(
        impl Value for $int {
            const DOMAIN: Domain = Domain::Integer { min: 0, max: Self::MAX as u64, unit: "" };

            fn parse(text: &str, _: &Scope) -> Result<Self, ValueError> {
                Self::try_from(parse_bounded(text, 0, Self::MAX as u64)?).map_err(|_| ValueError::Form)
            }

            fn write(&self, out: &mut String, _: &Scope) {
                let _ = write!(out, "{self}");
            }
        }
    )*};
}

plain_integers!(u8, u16, u32, u64);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn radix_follows_the_prefix() {
        assert_eq!(parse_unsigned("0x1F"), Ok(31));
        assert_eq!(parse_unsigned("017"), Ok(15));
        assert_eq!(parse_unsigned("0"), Ok(0));
        assert_eq!((parse_unsigned(" +5"), parse_unsigned("\t0x5")), (Ok(5), Ok(5)));
        for bad in ["", "+", " ", "-1", "+-1", "++1", "+ 1", "0x", "08", "1 ", "0x+1"] {
            assert_eq!(parse_unsigned(bad), Err(ValueError::Form), "{bad:?}");
        }
    }

    #[test]
    fn decimal_numbers_have_no_prefix() {
        assert_eq!((parse_decimal("010", 0, 10), parse_decimal(" +5", 0, 10)), (Ok(10), Ok(5)));
        assert_eq!(parse_decimal("11", 0, 10), Err(ValueError::OutOfRange { min: 0, max: 10 }));
        for bad in ["", "0x5", "-1", "5 ", "+ 5", "++5"] {
            assert_eq!(parse_decimal(bad, 0, 10), Err(ValueError::Form), "{bad:?}");
        }
    }

    #[test]
    fn limits_are_named() {
        let error = ValueError::OutOfRange { min: 1, max: 10 };
        assert_eq!(parse_bounded("11", 1, 10), Err(error.clone()));
        assert_eq!(parse_bounded("99999999999999999999", 1, 10), Err(error));
    }
}
