//! How rates and bursts are written: packets or bytes in a time.
use super::HashRate;
use crate::domain::{Period, RateUnit};
use crate::registry::{Domain, Scope, Value, ValueError};
use std::fmt::Write as _;

/// Units in which bytes are written, with the letter before `b`.
const BYTE_UNITS: [(u64, &str); 3] = [(1 << 20, "m"), (1 << 10, "k"), (1, "")];

/// The largest burst of a rate of packets.
pub(super) const MAX_PACKETS: u64 = 1_000_000;
/// Bytes per second that a cost stands for.
pub(super) const fn bytes_of(cost: u64) -> u64 {
    let units = match cost {
        0 => u32::MAX as u64,
        _ => u32::MAX as u64 / cost,
    };
    units.wrapping_sub(1) << BYTE_SHIFT
}

/// The cost of so many bytes per second; `None` if they are too many. The kernel takes no cost below 2.
pub(super) fn cost_of(bytes: u64) -> Option<u64> {
    let cost = u64::from(u32::MAX) / ((bytes >> BYTE_SHIFT) + 1);
    (cost >= 2).then_some(cost)
}

/// Bytes are counted by sixteens (`XT_HASHLIMIT_BYTE_SHIFT`).
pub(super) const BYTE_SHIFT: u32 = 4;
/// The most bytes per second.
pub(super) const MAX_BYTES: u64 = ((u32::MAX as u64 / 2) << BYTE_SHIFT) - 1;

/// A rate as an option gives it. Printing takes the unit from the period.
#[derive(Clone, Copy, Debug)]
pub(super) struct WrittenRate {
    pub(super) rate: HashRate,
    pub(super) unit: RateUnit,
}

impl From<HashRate> for WrittenRate {
    fn from(rate: HashRate) -> Self {
        Self { rate, unit: RateUnit::Second }
    }
}

impl Value for WrittenRate {
    const DOMAIN: Domain = Domain::OneOf(&[
        Period::<1_000_000>::DOMAIN,
        Domain::Expression {
            language: "number of bytes per second such as 400b/s, 512kb/s or 2mb/s",
            examples: &["400b/s", "512kb/s", "2mb/s"],
            refused: &["4gb/s", "b/s", "512kb/minute"],
        },
    ]);

    fn parse(text: &str, _: &Scope) -> Result<Self, ValueError> {
        let Some((amount, second)) = text.split_once("b/") else {
            let (period, unit) = Period::parse_with_unit(text)?;
            return Ok(Self { rate: HashRate::Packets(period), unit });
        };
        let too_many = ValueError::OutOfRange { min: 1, max: MAX_BYTES };
        let (digits, factor) = split_unit(amount);
        if !"second".starts_with(second)
            || second.is_empty()
            || !digits.bytes().all(|byte| byte.is_ascii_digit())
        {
            return Err(ValueError::Form);
        }
        let number: u64 = match digits.parse() {
            Ok(0) => return Err(too_many),
            Ok(number) => number,
            Err(_) if digits.is_empty() => return Err(ValueError::Form),
            Err(_) => return Err(too_many),
        };
        let cost = number.checked_mul(factor).and_then(cost_of).ok_or(too_many)?;
        Ok(Self { rate: HashRate::Bytes { cost }, unit: RateUnit::Second })
    }

    fn write(&self, out: &mut String, scope: &Scope) {
        let cost = match self.rate {
            HashRate::Packets(period) => return period.write(out, scope),
            HashRate::Bytes { cost } => cost,
        };
        let bytes = bytes_of(cost);
        // The largest unit in which the number still means the same cost.
        let fits = |unit: u64| {
            let whole = bytes & u64::from(u32::MAX) & !(unit - 1);
            unit == 1 || (bytes >= unit && cost_of(whole) == Some(cost))
        };
        if let Some((unit, letter)) = BYTE_UNITS.into_iter().find(|(unit, _)| fits(*unit)) {
            let _ = write!(out, "{}{letter}b/s", bytes / unit);
        }
    }
}

/// A burst as it is written: packets or bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Burst {
    pub(super) amount: u64,
    /// Of a burst of bytes the rate, of which the kernel keeps multiples.
    pub(super) per_second: Option<u64>,
}

impl Value for Burst {
    const DOMAIN: Domain = Domain::OneOf(&[
        Domain::Integer { min: 1, max: MAX_PACKETS, unit: "packets" },
        Domain::Expression {
            language: "number of bytes such as 4000b, 512kb or 2mb",
            examples: &["4000b", "512kb", "2mb"],
            refused: &["4gb", "kb"],
        },
    ]);

    fn parse(text: &str, scope: &Scope) -> Result<Self, ValueError> {
        // A plain number first: the last digit of a hexadecimal one is no unit.
        let (digits, factor) = match u64::parse(text, scope) {
            Ok(_) => (text, 1),
            Err(_) => split_unit(text.strip_suffix('b').unwrap_or(text)),
        };
        let max = if digits.len() < text.len() { u64::MAX } else { MAX_PACKETS };
        let out_of_range = ValueError::OutOfRange { min: 1, max };
        match u64::parse(digits, scope)? {
            number if number == 0 || number > max => Err(out_of_range),
            number => Ok(Self { amount: number.checked_mul(factor).ok_or(out_of_range)?, per_second: None }),
        }
    }

    fn write(&self, out: &mut String, _: &Scope) {
        let multiple = |bytes: u64| bytes.div_ceil(self.per_second.filter(|rate| *rate > 0).unwrap_or(1));
        // The largest unit in which the number still means the same multiple of the rate.
        let fits = |unit: u64| {
            let whole = self.amount / unit * unit;
            unit == 1 || (whole >= unit && multiple(whole) == multiple(self.amount))
        };
        let units = if self.per_second.is_some() { &BYTE_UNITS[..] } else { &[] };
        let _ = match units.iter().find(|(unit, _)| fits(*unit)) {
            Some((unit, letter)) => write!(out, "{}{letter}b", self.amount / unit),
            None => write!(out, "{}", self.amount),
        };
    }
}

/// Takes the letter of a [`BYTE_UNITS`] unit off the end.
fn split_unit(text: &str) -> (&str, u64) {
    let unit = BYTE_UNITS.into_iter().find_map(|(unit, letter)| Some((text.strip_suffix(letter)?, unit)));
    unit.unwrap_or((text, 1))
}
