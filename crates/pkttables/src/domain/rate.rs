use crate::registry::{Domain, Scope, Value, ValueError};
use std::fmt::{self, Write as _};

/// The time between two events, in units of 1/`SCALE` second: how the kernel holds a rate such as `3/hour`.
///
/// The kernel's number is rounded, so not every rate can be told from every other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Period<const SCALE: u64>(pub u64);

/// The units of time in which a rate is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RateUnit {
    /// `sec`
    Second,
    /// `min`
    Minute,
    /// `hour`
    Hour,
    /// `day`
    Day,
}

impl RateUnit {
    /// The units, the longest first.
    const LONGEST_FIRST: [Self; 4] = [Self::Day, Self::Hour, Self::Minute, Self::Second];

    /// How long it is.
    #[must_use]
    pub const fn seconds(self) -> u64 {
        match self {
            Self::Second => 1,
            Self::Minute => 60,
            Self::Hour => 60 * 60,
            Self::Day => 24 * 60 * 60,
        }
    }

    /// The unit that has this many seconds.
    #[must_use]
    pub fn from_seconds(seconds: u64) -> Option<Self> {
        Self::LONGEST_FIRST.into_iter().find(|unit| unit.seconds() == seconds)
    }

    /// How it is written in a saved rule.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Second => "sec",
            Self::Minute => "min",
            Self::Hour => "hour",
            Self::Day => "day",
        }
    }

    /// The unit whose full name begins with `text`, in any case.
    #[must_use]
    pub fn from_prefix(text: &str) -> Option<Self> {
        let begins =
            |name: &str| name.get(..text.len()).is_some_and(|start| start.eq_ignore_ascii_case(text));
        let names =
            [(Self::Second, "second"), (Self::Minute, "minute"), (Self::Hour, "hour"), (Self::Day, "day")];
        names.into_iter().find(|(_, name)| !text.is_empty() && begins(name)).map(|(unit, _)| unit)
    }
}

impl<const SCALE: u64> Period<SCALE> {
    /// The period of `count` events per `unit`; `None` if that is none at all, or too many to be held.
    #[must_use]
    pub const fn of_rate(count: u64, unit: RateUnit) -> Option<Self> {
        match (SCALE * unit.seconds()).checked_div(count) {
            None | Some(0) => None,
            Some(period) => Some(Self(period)),
        }
    }

    /// The rate in the unit in which it is printed: the shortest that loses less than one event.
    ///
    /// `None` for the period 0.
    #[must_use]
    pub fn rate(self) -> Option<(u64, RateUnit)> {
        let in_unit = |unit: RateUnit| {
            let whole = SCALE * unit.seconds();
            let count = whole.checked_div(self.0)?;
            Some((count, whole % self.0, unit))
        };
        let mut units = RateUnit::LONGEST_FIRST.into_iter().filter_map(in_unit);
        let (mut count, _, mut unit) = units.next()?;
        for (shorter_count, rest, shorter) in units {
            if shorter_count == 0 || shorter_count < rest {
                break;
            }
            (count, unit) = (shorter_count, shorter);
        }
        Some((count, unit))
    }

    /// Reads `COUNT/UNIT`, and tells the unit apart, in which it was written.
    ///
    /// As with C's `atoi`, spaces and a `+` may stand before the count, and what follows its digits does not matter.
    pub fn parse_with_unit(text: &str) -> Result<(Self, RateUnit), ValueError> {
        let (count, unit) = match text.split_once('/') {
            Some((count, unit)) => (count, RateUnit::from_prefix(unit).ok_or(ValueError::UnknownName)?),
            None => (text, RateUnit::Second),
        };
        let count = count.trim_ascii_start();
        let count = count.strip_prefix('+').unwrap_or(count);
        let digits = count.bytes().take_while(u8::is_ascii_digit).count();
        let count = count.get(..digits).unwrap_or_default();
        let too_fast = ValueError::OutOfRange { min: 1, max: SCALE * unit.seconds() };
        let count = match count.parse() {
            Ok(count) => count,
            Err(_) if count.is_empty() => return Err(ValueError::Form),
            Err(_) => return Err(too_fast),
        };
        Self::of_rate(count, unit).map(|period| (period, unit)).ok_or(too_fast)
    }
}

impl<const SCALE: u64> fmt::Display for Period<SCALE> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.rate() {
            Some((count, unit)) => write!(f, "{count}/{}", unit.name()),
            None => f.write_str("inf"),
        }
    }
}

impl<const SCALE: u64> Value for Period<SCALE> {
    const DOMAIN: Domain =
        Domain::Rate { units: &["second", "minute", "hour", "day"], max_per_second: SCALE };

    fn parse(text: &str, _: &Scope) -> Result<Self, ValueError> {
        Self::parse_with_unit(text).map(|(period, _)| period)
    }

    fn write(&self, out: &mut String, _: &Scope) {
        let _ = write!(out, "{self}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn printed_in_the_unit_that_keeps_most() {
        for (text, printed) in [
            ("5", "5/sec"),
            ("60/min", "1/sec"),
            ("59/m", "59/min"),
            ("10000/sec", "10000/sec"),
            ("9999/sec", "10000/sec"),
            ("20000/min", "333/sec"),
            ("1000000/day", "694/min"),
            ("7201/hour", "2/sec"),
            ("010/s", "10/sec"),
            ("1/DAY", "1/day"),
            (" 5/sec", "5/sec"),
            ("+5/sec", "5/sec"),
            ("5x/sec", "5/sec"),
            ("1.5/min", "1/min"),
        ] {
            let period = Period::<10_000>::parse_with_unit(text).map(|(period, _)| period.to_string());
            assert_eq!(period.as_deref(), Ok(printed), "{text}");
        }
        for bad in ["", "/sec", "0/sec", "10001/sec", "1/", "1/days", "1/second/", "0x1/sec", "-1", "x5/min"]
        {
            assert!(Period::<10_000>::parse_with_unit(bad).is_err(), "{bad}");
        }
        let beyond = "99999999999999999999/min";
        let max = 600_000;
        assert_eq!(Period::<10_000>::parse_with_unit(beyond), Err(ValueError::OutOfRange { min: 1, max }));
    }

    proptest! {
        #[test]
        fn printing_settles_after_one_round(period in 1..=864_000_000_u64) {
            let again = |period: Period<10_000>| Period::parse_with_unit(&period.to_string()).map(|(period, _)| period);
            let once = again(Period(period)).expect("a rate");
            prop_assert_eq!(again(once), Ok(once));
        }
    }
}
