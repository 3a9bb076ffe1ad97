//! `-m time`: compares the time at which the packet arrives.
use crate::domain::parse_decimal;
use crate::model::Families;
use crate::packet::Packet;
use crate::registry::{
    Context, Domain, Extension, Flag, Lister, Outcome, Revision, RuleScope, Scope, Value, ValueError,
};
use crate::{extension, flag_set};
use std::fmt::Write as _;

/// The `time` match: all conditions must hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Time {
    /// The first second that is meant, counted from the beginning of 1970.
    pub from_date: Date,
    /// The last second that is meant.
    pub to_date: Date,
    /// When the daily interval begins.
    pub from_time: TimeOfDay,
    /// When it ends; if that is earlier than its beginning it goes on over midnight.
    pub to_time: TimeOfDay,
    /// Days of the month.
    pub month_days: MonthDays,
    /// Days of the week.
    pub week_days: WeekDays,
    /// Whether the time zone of the kernel is meant instead of UTC.
    pub kernel_time_zone: bool,
    /// Whether what follows midnight belongs to the day on which the interval began.
    pub contiguous: bool,
}

/// A second, counted from the beginning of 1970.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Date(pub u32);

/// A second of the day, counted from midnight.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TimeOfDay(pub u32);

/// Days of the month: bit 1 is the first day, bit 31 the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MonthDays(pub u32);

flag_set! {
    /// Days of the week.
    pub struct WeekDays: u8, ',', exact {
        /// Monday, also 1.
        MONDAY = 1 << 1 => "Mon",
        /// Tuesday, also 2.
        TUESDAY = 1 << 2 => "Tue",
        /// Wednesday, also 3.
        WEDNESDAY = 1 << 3 => "Wed",
        /// Thursday, also 4.
        THURSDAY = 1 << 4 => "Thu",
        /// Friday, also 5.
        FRIDAY = 1 << 5 => "Fri",
        /// Saturday, also 6.
        SATURDAY = 1 << 6 => "Sat",
        /// Sunday, also 7.
        SUNDAY = 1 << 7 => "Sun",
    }
}

extension! {
    /// Match by the time at which the packet arrives.
    ///
    /// Times are UTC unless `--kerneltz` is given: whoever means local time has to convert it, and to mind daylight
    /// saving time.
    match "time" => Time {} params {
        /// The time of day is not earlier than this.
        "timestart": TimeOfDay {
            set: |m, time, _| m.from_time = time,
            get: |m| m.has_times().then_some((m.from_time, false)),
            default: Some("00:00:00"),
        }
        /// The time of day is not later than this; if it is before `--timestart` the interval goes on over midnight.
        "timestop": TimeOfDay {
            set: |m, time, _| m.to_time = time,
            get: |m| m.has_times().then_some((m.to_time, false)),
            default: Some("23:59:59"),
        }
        /// It is one of these days of the month, such as `1,15,31`.
        [!] "monthdays": MonthDays {
            set: |m, days, not| m.month_days = if not { MonthDays(days.0 ^ MonthDays::ALL.0) } else { days },
            get: |m| (m.month_days != MonthDays::ALL).then_some((m.month_days, false)),
            default: Some("all days"),
        }
        /// It is one of these days of the week, such as `Sat,Sun`.
        [!] "weekdays": WeekDayList {
            set: |m, WeekDayList(days), not| {
                m.week_days = if not { days.complement() } else { days };
                if m.week_days.is_empty() { Err(ValueError::Because("no day is left")) } else { Ok(()) }
            },
            get: |m| (m.week_days != WeekDays::all()).then_some((WeekDayList(m.week_days), false)),
            default: Some("all days"),
        }
        /// The date is not earlier than this, from 1970 to 2038.
        "datestart": Date {
            set: |m, date, _| m.from_date = date,
            get: |m| (m.from_date.0 != 0).then_some((m.from_date, false)),
            default: Some("1970-01-01T00:00:00"),
        }
        /// The date is not later than this, from 1970 to 2038.
        "datestop": Date {
            set: |m, date, _| m.to_date = date,
            get: |m| Some((m.to_date, false)),
            default: Some("2038-01-19T03:14:07"),
        }
        /// Use the kernel's time zone instead of UTC.
        ///
        /// It is what some program told the kernel, usually once at start; it does not follow daylight saving time.
        "kerneltz" | "localtz": Flag {
            set: |m, _, _| m.kernel_time_zone = true,
            get: |m| m.kernel_time_zone.then_some((Flag, false)),
            excludes: &["utc"],
        }
        /// Use UTC; this is the default.
        "utc": Flag {
            set: |_, _, _| (),
            get: |_| None,
            excludes: &["kerneltz"],
        }
        /// Let an interval that goes on over midnight belong to the day on which it began.
        ///
        /// With `--weekdays Mon --timestart 23:00 --timestop 01:00` the first hour of Tuesday is meant with this
        /// option, without it the first hour of Monday. It needs a `--timestop` that is not after `--timestart`.
        "contiguous": Flag {
            set: |m, _, _| m.contiguous = true,
            get: |m| m.contiguous.then_some((Flag, false)),
        }
    }
}

impl Default for Time {
    fn default() -> Self {
        Self {
            from_date: Date(0),
            to_date: Date(i32::MAX as u32),
            from_time: TimeOfDay(0),
            to_time: TimeOfDay::LAST,
            month_days: MonthDays::ALL,
            week_days: WeekDays::all(),
            kernel_time_zone: false,
            contiguous: false,
        }
    }
}

const MINUTE: i64 = 60;
const DAY: i64 = 24 * 60 * MINUTE;

impl Time {
    /// The time by which the packet is judged, in seconds since 1970.
    fn now(&self, packet: &Packet<'_>, context: &mut Context<'_>) -> i64 {
        let now = (packet.meta.time / 1_000_000_000).cast_signed();
        if self.kernel_time_zone { now - MINUTE * i64::from(context.environment.minutes_west()) } else { now }
    }
}

impl Extension for Time {
    fn matches(&self, packet: &Packet<'_>, context: &mut Context<'_>) -> Outcome {
        let mut now = self.now(packet, context);
        if now < self.from_date.0.into() || now > self.to_date.0.into() {
            return Outcome::NoMatch;
        }
        let (from, to) = (i64::from(self.from_time.0), i64::from(self.to_time.0));
        let time = now.rem_euclid(DAY);
        let within = if from < to { from <= time && time <= to } else { from <= time || time <= to };
        if from >= to && self.contiguous && time <= to {
            now -= DAY;
        }
        let days = now.div_euclid(DAY);
        // 1970 began on a Thursday.
        let week_day = (days + 3).rem_euclid(7) + 1;
        let week_day = self.week_days.bits() >> week_day & 1 != 0;
        let month_day = || u32::try_from(days).map(|days| civil(days).2).unwrap_or_default();
        let month_day = self.month_days == MonthDays::ALL || self.month_days.0 >> month_day() & 1 != 0;
        (within && week_day && month_day).into()
    }

    fn found(&self, packet: &Packet<'_>, context: &mut Context<'_>) -> Option<String> {
        let seconds = self.now(packet, context);
        let (days, time) = (seconds.div_euclid(DAY), seconds.rem_euclid(DAY));
        let (year, month, day) = civil(u32::try_from(days).unwrap_or_default());
        // 1970 began on a Thursday.
        let names = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
        let name = usize::try_from(days.rem_euclid(7)).ok().and_then(|day| names.get(day)).copied()?;
        let (hours, minutes) = (time / 3600, time / 60 % 60);
        Some(format!("it is {name} {year}-{month:02}-{day:02} {hours:02}:{minutes:02}:{:02}", time % 60))
    }

    const REVISIONS: &'static [Revision<Self>] = &[Revision {
        number: 0,
        size: 24,
        families: Families::all(),
        encode: |m, w| {
            for number in [m.from_date.0, m.to_date.0, m.from_time.0, m.to_time.0, m.month_days.0] {
                w.ne_u32(number);
            }
            w.u8(m.week_days.bits());
            w.u8(u8::from(m.kernel_time_zone) * KERNEL_TIME_ZONE + u8::from(m.contiguous) * CONTIGUOUS);
            w.align(8);
            Ok(())
        },
        decode: |r, _| {
            let (from_date, to_date) = (Date(r.ne_u32("date_start")?), Date(r.ne_u32("date_stop")?));
            let from_time = TimeOfDay(r.ne_u32("daytime_start")?);
            let to_time = TimeOfDay(r.ne_u32("daytime_stop")?);
            let month_days = MonthDays(r.ne_u32("monthdays_match")?);
            let week_days = WeekDays::from_bits_retain(r.u8("weekdays_match")?);
            let flags = r.u8("flags")?;
            r.rest();
            let (kernel_time_zone, contiguous) = (flags & KERNEL_TIME_ZONE != 0, flags & CONTIGUOUS != 0);
            Ok(Some(Self {
                from_date,
                to_date,
                from_time,
                to_time,
                month_days,
                week_days,
                kernel_time_zone,
                contiguous,
            }))
        },
    }];

    fn check(&mut self, _: &RuleScope<'_>) -> Result<(), ValueError> {
        match self.contiguous && self.from_time < self.to_time {
            true => Err(ValueError::Because("--contiguous needs a --timestop that is not after --timestart")),
            false => Ok(()),
        }
    }

    fn list(&self, out: &mut Lister<'_>) {
        out.add(" TIME");
        if self.has_times() {
            let time = |TimeOfDay(time)| format!("{:02}:{:02}:{:02}", time / 3600, time / 60 % 60, time % 60);
            out.add(format_args!(" from {} to {}", time(self.from_time), time(self.to_time)));
        }
        if self.week_days != WeekDays::all() {
            out.add(" on ");
            out.value(&self.week_days);
        }
        out.each(self, |out, name, _, text| match name {
            "monthdays" => {
                let days: Vec<String> = text.split(',').filter(|day| !day.is_empty()).map(ordinal).collect();
                out.add(format_args!(" on {}", days.join(",")));
            }
            "datestart" => out.add(format_args!(" starting from {}", text.replace('T', " "))),
            "datestop" if self.to_date != Date(i32::MAX as u32) => {
                out.add(format_args!(" until date {}", text.replace('T', " ")));
            }
            _ => {}
        });
        out.add(if self.kernel_time_zone { "" } else { " UTC" });
        out.add(if self.contiguous { " contiguous" } else { "" });
    }
}

/// `XT_TIME_LOCAL_TZ`
const KERNEL_TIME_ZONE: u8 = 1;
/// `XT_TIME_CONTIGUOUS`
const CONTIGUOUS: u8 = 2;

impl Time {
    fn has_times(&self) -> bool {
        (self.from_time, self.to_time) != (TimeOfDay(0), TimeOfDay::LAST)
    }
}

impl TimeOfDay {
    /// The last second of the day.
    pub const LAST: Self = Self(24 * 60 * 60 - 1);
}

impl MonthDays {
    /// All days.
    pub const ALL: Self = Self(!1);
}

/// A number with the ending of its last digit, as listings have it: `1st`, `2nd`, `11st`.
fn ordinal(number: &str) -> String {
    let ending = match number.bytes().last() {
        Some(b'1') => "st",
        Some(b'2') => "nd",
        Some(b'3') => "rd",
        _ => "th",
    };
    format!("{number}{ending}")
}

/// Reads decimal digits up to a limit.
fn digits(text: &str, min: u32, max: u32) -> Result<u32, ValueError> {
    let number = parse_decimal(text, min.into(), max.into())?;
    u32::try_from(number).map_err(|_| ValueError::Form)
}

impl Value for TimeOfDay {
    const DOMAIN: Domain = Domain::TimeOfDay;

    fn parse(text: &str, _: &Scope) -> Result<Self, ValueError> {
        let (hour, rest) = text.split_once(':').ok_or(ValueError::Form)?;
        let (minute, second) = rest.split_once(':').unwrap_or((rest, "0"));
        Ok(Self(digits(hour, 0, 23)? * 3600 + digits(minute, 0, 59)? * 60 + digits(second, 0, 59)?))
    }

    fn write(&self, out: &mut String, _: &Scope) {
        let (hour, minute, second) = (self.0 / 3600, self.0 / 60 % 60, self.0 % 60);
        let _ = write!(out, "{hour:02}:{minute:02}:{second:02}");
    }
}

impl Value for Date {
    const DOMAIN: Domain = Domain::Date;

    /// A day that its month does not have is counted on into the next, as `mktime` does.
    fn parse(text: &str, scope: &Scope) -> Result<Self, ValueError> {
        let (date, time) = text.split_once('T').map_or((text, None), |(date, time)| (date, Some(time)));
        let mut parts = date.splitn(3, '-');
        let mut part = |min, max| parts.next().map(|text| digits(text, min, max)).transpose();
        let year = part(1970, 2038)?.ok_or(ValueError::Form)?;
        let (month, day) = (part(1, 12)?, part(1, 31)?);
        let seconds = match time {
            None => 0,
            Some(_) if day.is_none() => return Err(ValueError::Form),
            Some(hour) if !hour.contains(':') => digits(hour, 0, 23)? * 3600,
            Some(time) => TimeOfDay::parse(time, scope)?.0,
        };
        let days = days_before(year, month.unwrap_or(1)) + day.unwrap_or(1) - 1;
        days.checked_mul(24 * 60 * 60)
            .and_then(|days| days.checked_add(seconds))
            .map(Self)
            .ok_or(ValueError::Form)
    }

    fn write(&self, out: &mut String, scope: &Scope) {
        let (days, seconds) = (self.0 / (24 * 60 * 60), self.0 % (24 * 60 * 60));
        let (year, month, day) = civil(days);
        let _ = write!(out, "{year:04}-{month:02}-{day:02}T");
        TimeOfDay(seconds).write(out, scope);
    }
}

/// Year, month and day of the month, so many days after the beginning of 1970.
fn civil(days: u32) -> (u32, u32, u32) {
    // The first guess is never too early, since no year has more than 366 days.
    let year = (1970..=1970 + days / 365).rev().find(|year| days_before(*year, 1) <= days).unwrap_or(1970);
    let month = (1..=12).rev().find(|month| days_before(year, *month) <= days).unwrap_or(1);
    (year, month, days - days_before(year, month) + 1)
}

/// Days from the beginning of 1970 to the beginning of a month.
fn days_before(year: u32, month: u32) -> u32 {
    const BEFORE: [u32; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
    let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let leap_days = |year: u32| year / 4 - year / 100 + year / 400;
    let before = BEFORE.get(month as usize - 1).copied().unwrap_or_default();
    (year - 1970) * 365 + leap_days(year - 1) - leap_days(1969) + before + u32::from(is_leap && month > 2)
}

impl Value for MonthDays {
    const DOMAIN: Domain =
        Domain::List { of: &Domain::Decimal { min: 1, max: 31, unit: "" }, max: 31, separator: ',' };

    fn parse(text: &str, _: &Scope) -> Result<Self, ValueError> {
        let day = |text| parse_decimal(text, 1, 31).map(|day| 1 << day);
        text.split(',').map(day).try_fold(0, |all, day| Ok(all | day?)).map(Self)
    }

    fn write(&self, out: &mut String, _: &Scope) {
        for (place, day) in (1..=31).filter(|day| self.0 & 1 << day != 0).enumerate() {
            let _ = write!(out, "{}{day}", if place == 0 { "" } else { "," });
        }
    }
}

/// Days of the week, by number or by name.
struct WeekDayList(WeekDays);

impl Value for WeekDayList {
    const DOMAIN: Domain = WeekDays::DOMAIN;

    fn parse(text: &str, _: &Scope) -> Result<Self, ValueError> {
        const NAMES: [&str; 7] =
            ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
        let mut days = WeekDays::empty();
        for word in text.split(',') {
            let by_name = || NAMES.iter().zip(1..).find(|(name, _)| word.len() > 1 && name.starts_with(word));
            let number = match digits(word, 1, 7) {
                Err(ValueError::Form) => {
                    by_name().map(|(_, number)| number).ok_or(ValueError::UnknownName)?
                }
                number => number?,
            };
            days |= WeekDays::from_bits_retain(1 << number);
        }
        Ok(Self(days))
    }

    fn write(&self, out: &mut String, scope: &Scope) {
        self.0.write(out, scope);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Family;
    use crate::packet::Meta;
    use crate::registry::testing::{Nowhere, Trial, ipv4};
    use crate::registry::testing::{layout_cases, text_cases};
    use proptest::prelude::*;

    #[test]
    fn saved_forms() {
        text_cases! { Time, Ipv4:
            "--timestart 02:00:00 --timestop 03:00:00 --datestart 1970-01-01T02:00:00 --datestop 1970-01-01T03:00:00" => same,
            "" => "--datestop 2038-01-19T03:14:07",
            "--timestart 1:2" => "--timestart 01:02:00 --timestop 23:59:59 --datestop 2038-01-19T03:14:07",
            "--weekdays Sun,Mo,3,Thursday --datestop 2020" => "--weekdays Mon,Wed,Thu,Sun --datestop 2020-01-01T00:00:00",
            "! --weekdays 6,7 --datestop 2020-02" => "--weekdays Mon,Tue,Wed,Thu,Fri --datestop 2020-02-01T00:00:00",
            "--weekdays 1,2,3,4,5,6,7 --datestop 2020-02-31" => "--datestop 2020-03-02T00:00:00",
            "--monthdays 31,1,+16 --datestop 2000-12-31T23" => "--monthdays 1,16,31 --datestop 2000-12-31T23:00:00",
            "! --monthdays 31,2 --datestop 2000-12-31T23:59"
                => "--monthdays 1,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30 --datestop 2000-12-31T23:59:00",
            "--utc --datestart 1999-02-28T1:2:3 --datestop 2000-02-29"
                => "--datestart 1999-02-28T01:02:03 --datestop 2000-02-29T00:00:00",
            "--monthdays 0x10" => fails,
            "--localtz --datestop 1970" => "--datestop 1970-01-01T00:00:00 --kerneltz",
            "--timestart 23:00 --timestop 01:00 --contiguous --kerneltz --datestop 2038-12-31T23:59:59"
                => "--timestart 23:00:00 --timestop 01:00:00 --datestop 2038-12-31T23:59:59 --kerneltz --contiguous",
            "--contiguous" => fails, "--contiguous --timestart 01:00 --timestop 02:00" => fails,
            "--utc --kerneltz" => fails, "--localtz --utc" => fails,
            "--timestart 24:00" => fails, "--timestart 1" => fails, "--timestart 1:60" => fails,
            "--timestart 1:2:3:4" => fails, "--timestart 1:" => fails, "--timestart -1:0" => fails,
            "--datestart 1969" => fails, "--datestart 2039" => fails, "--datestart 2000-13" => fails,
            "--datestart 2000-01-32" => fails, "--datestart 2000-01T5" => fails, "--datestart 2000-01-01T24" => fails,
            "--datestart 2000-01-01-01" => fails, "--datestart 2000-01-01T" => fails,
            "--weekdays 0" => fails, "--weekdays 8" => fails, "--weekdays M" => fails, "--weekdays Mon," => fails,
            "! --weekdays 1,2,3,4,5,6,7" => fails, "--monthdays 0" => fails, "--monthdays 32" => fails,
            "--monthdays 1,,2" => fails, "! --timestart 01:00" => fails,
        }
    }

    #[test]
    fn kernel_structures() {
        layout_cases! { Time, Ipv6:
            "--timestart 01:00 --timestop 00:00:01 --monthdays 1 --weekdays Sun --datestart 1970-01-02 --kerneltz --contiguous", 0
                => "80510100 ffffff7f 100e0000 01000000 02000000 80 03",
        }
    }

    proptest! {
        #[test]
        fn any_date_survives(seconds: u32) {
            let scope = Scope { family: Family::Ipv4, protocol: None };
            let mut text = String::new();
            Date(seconds).write(&mut text, &scope);
            let year: u32 = text[..4].parse().expect("a year");
            match Date::parse(&text, &scope) {
                Ok(date) => prop_assert_eq!(date, Date(seconds)),
                Err(_) => prop_assert!(year > 2038),
            }
        }
    }

    #[test]
    fn packets() {
        let judge = |text: &str, time: u64| {
            let meta = Meta { time: time * 1_000_000_000, ..Meta::default() };
            Trial::new::<Time>(Family::Ipv4, text, Nowhere).matches(&ipv4(17, &[]), &meta) == Outcome::Match
        };
        // Saturday, 2026-11-28, half past midnight.
        let now = 1_795_825_800;
        for (text, holds) in [
            ("--weekdays Sat --monthdays 28", true),
            ("! --weekdays Sat", false),
            ("! --monthdays 28", false),
            ("--timestart 23:00 --timestop 01:00", true),
            ("--timestart 01:00 --timestop 23:00", false),
            ("--weekdays Sat --timestart 23:00 --timestop 01:00", true),
            ("--weekdays Sat --timestart 23:00 --timestop 01:00 --contiguous", false),
            ("--weekdays Fri --monthdays 27 --timestart 23:00 --timestop 01:00 --contiguous", true),
            ("--datestart 2026-11-28T00:30:00 --datestop 2026-11-28T00:30:00", true),
            ("--datestart 2026-11-28T00:30:01", false),
            ("--datestop 2026-11-28T00:29:59", false),
        ] {
            assert_eq!(judge(text, now), holds, "{text}");
        }
    }
}
