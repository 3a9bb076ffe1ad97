//! `-m rateest`: compares rates that the RATEEST target estimates.
use crate::domain::{RateEstimatorName, parse_bounded};
use crate::model::Families;
use crate::packet::Packet;
use crate::registry::{
    Context, Domain, Extension, Flag, Lister, Outcome, Require, Revision, RuleScope, Scope, Sink, Value,
    ValueError, WriteValue,
};
use crate::targets::rateest::Estimator;
use crate::{choices, extension};
use nfnetlink::wire::Problem;
use std::fmt::Write as _;

/// The `rateest` match.
///
/// Two are equal that do the same, whatever rates they have that are not compared.
#[derive(Clone, Debug, Default, Eq)]
pub struct Rateest {
    /// The estimator whose rate is compared.
    pub first: Option<RateEstimatorName>,
    /// The estimator that it is compared with, if it is not compared with a given rate.
    pub second: Option<RateEstimatorName>,
    /// Whether the rates are subtracted from given ones before they are compared.
    pub delta: bool,
    /// How they are compared; `None` before the rule is complete.
    pub comparison: Option<Comparison>,
    /// Whether the rule matches when the comparison does not hold.
    pub not: bool,
    /// Bytes per second for the first and the second side, if bytes are compared.
    pub bytes: Option<[u32; 2]>,
    /// Packets per second for the first and the second side, if packets are compared.
    pub packets: Option<[u32; 2]>,
}

impl PartialEq for Rateest {
    fn eq(&self, other: &Self) -> bool {
        let compared = |m: &Self| (m.delta, m.comparison, m.not, m.used(m.bytes), m.used(m.packets));
        self.first == other.first && self.second == other.second && compared(self) == compared(other)
    }
}

choices! {
    /// How two rates are compared.
    pub enum Comparison: u16 {
        /// They are equal.
        Equal = 1 => "eq",
        /// The first is less than the second.
        Less = 2 => "lt",
        /// The first is greater than the second.
        Greater = 3 => "gt",
    }
}

extension! {
    /// Match by the rate of packets that an estimator measures: one that a rule with the RATEEST target feeds.
    ///
    /// The rate is compared with a given one, or with that of a second estimator. With `--rateest-delta` what is
    /// compared is how much is left: a given rate minus the estimated one.
    match "rateest" => Rateest {
        by_kernel: true,
        require: Require::ExactlyOneOf(&["rateest-lt", "rateest-gt", "rateest-eq"]),
    } params {
        /// The estimator whose rate is compared.
        "rateest1" | "rateest": RateEstimatorName {
            set: |m, name, _| m.first = Some(name),
            get: |m| m.first.clone().map(|name| (name, false)),
            required: true,
            by_kernel: true,
        }
        /// A second estimator to compare with, instead of a given rate.
        "rateest2": RateEstimatorName {
            set: |m, name, _| m.second = Some(name),
            get: |m| m.second.clone().map(|name| (name, false)),
            by_kernel: true,
        }
        /// Compare differences: each rate is subtracted from one that is given for it.
        "rateest-delta": Flag {
            set: |m, _, _| m.delta = true,
            get: |m| m.delta.then_some((Flag, false)),
        }
        /// Compare bytes; the rate from which that of the first estimator is subtracted.
        ///
        /// Bits per second, or with a unit such as kbit, mbit, KBps or MiBps; kept in whole bytes per second.
        "rateest-bps1": ByteRate {
            set: |m, ByteRate(rate), _| m.bytes.get_or_insert_default()[0] = rate,
            get: |m| m.bytes.map(|[rate, _]| (ByteRate(rate), false)),
            optional_word: true,
        }
        /// Compare packets per second; the rate from which that of the first estimator is subtracted.
        "rateest-pps1": PacketRate {
            set: |m, PacketRate(rate), _| m.packets.get_or_insert_default()[0] = rate,
            get: |m| m.packets.map(|[rate, _]| (PacketRate(rate), false)),
            optional_word: true,
        }
        /// Compare bytes; the rate to compare with, or from which that of the second estimator is subtracted.
        ///
        /// Bits per second, or with a unit such as kbit, mbit, KBps or MiBps; kept in whole bytes per second.
        "rateest-bps2" | "rateest-bps": ByteRate {
            set: |m, ByteRate(rate), _| m.bytes.get_or_insert_default()[1] = rate,
            get: |m| m.bytes.map(|[_, rate]| (ByteRate(rate), false)),
            optional_word: true,
        }
        /// Compare packets per second; the rate to compare with, or from which that of the second estimator is
        /// subtracted.
        "rateest-pps2" | "rateest-pps": PacketRate {
            set: |m, PacketRate(rate), _| m.packets.get_or_insert_default()[1] = rate,
            get: |m| m.packets.map(|[_, rate]| (PacketRate(rate), false)),
            optional_word: true,
        }
        /// The first rate is less than the second.
        [!] "rateest-lt": Flag {
            set: |m, _, not| (m.comparison, m.not) = (Some(Comparison::Less), not),
            get: |m| (m.comparison == Some(Comparison::Less)).then_some((Flag, m.not)),
        }
        /// The first rate is greater than the second.
        [!] "rateest-gt": Flag {
            set: |m, _, not| (m.comparison, m.not) = (Some(Comparison::Greater), not),
            get: |m| (m.comparison == Some(Comparison::Greater)).then_some((Flag, m.not)),
        }
        /// The rates are equal.
        [!] "rateest-eq": Flag {
            set: |m, _, not| (m.comparison, m.not) = (Some(Comparison::Equal), not),
            get: |m| (m.comparison == Some(Comparison::Equal)).then_some((Flag, m.not)),
        }
    }
}

impl Rateest {
    /// Whether a rate is given for the second side.
    const fn has_second_rate(&self) -> bool {
        self.delta || self.second.is_none()
    }

    /// Of the given rates those that count; the others are 0.
    fn used(&self, rates: Option<[u32; 2]>) -> Option<[u32; 2]> {
        let if_used = |rate, is: bool| if is { rate } else { 0 };
        rates.map(|[first, second]| [if_used(first, self.delta), if_used(second, self.has_second_rate())])
    }

    /// Compares two estimated rates, or what is left of the given ones.
    fn compare(&self, given: [u32; 2], first: u64, second: u64) -> bool {
        let [first_given, second_given] = given;
        let side = |given: u32, rate: u64| match self.delta {
            true => u64::from(given).saturating_sub(rate) as u32,
            false => rate as u32,
        };
        let first = side(first_given, first);
        let second = if self.second.is_some() { side(second_given, second) } else { second_given };
        match self.comparison {
            Some(Comparison::Less) => first < second,
            Some(Comparison::Greater) => first > second,
            _ => first == second,
        }
    }
}

impl Extension for Rateest {
    fn matches(&self, packet: &Packet<'_>, context: &mut Context<'_>) -> Outcome {
        let mut rates = |name: &Option<RateEstimatorName>| match name {
            Some(name) => context.shared.get_or(name.as_str(), Estimator::default).rates(packet),
            None => (0, 0),
        };
        // Rates are kept in 32 bits.
        let (first_bytes, first_packets) = rates(&self.first);
        let (second_bytes, second_packets) = rates(&self.second);
        let bytes = self.bytes.is_none_or(|given| self.compare(given, first_bytes, second_bytes));
        let packets = self.packets.is_none_or(|given| self.compare(given, first_packets, second_packets));
        ((bytes && packets) != self.not).into()
    }

    fn found(&self, packet: &Packet<'_>, context: &mut Context<'_>) -> Option<String> {
        let named = [&self.first, &self.second].into_iter().flatten();
        let rates = named.map(|name| {
            let (bytes, packets) = context.shared.get_or(name.as_str(), Estimator::default).rates(packet);
            format!("{} measures {bytes} bytes and {packets} packets per second", name.as_str())
        });
        Some(rates.collect::<Vec<_>>().join(", "))
    }

    const REVISIONS: &'static [Revision<Self>] = &[Revision {
        number: 0,
        size: 72,
        families: Families::all(),
        encode: |m, w| {
            RateEstimatorName::write_field(m.first.as_ref(), w);
            RateEstimatorName::write_field(m.second.as_ref(), w);
            let flags = [
                (m.not, flag::INVERT),
                (m.second.is_none(), flag::ABSOLUTE),
                (m.second.is_some(), flag::RELATIVE),
                (m.delta, flag::DELTA),
                (m.bytes.is_some(), flag::BYTES),
                (m.packets.is_some(), flag::PACKETS),
            ];
            w.ne_u16(flags.into_iter().filter(|(given, _)| *given).map(|(_, flag)| flag).sum());
            w.ne_u16(m.comparison.map_or(0, Comparison::number));
            let (bytes, packets) = (m.bytes.unwrap_or_default(), m.packets.unwrap_or_default());
            for rate in [bytes[0], packets[0], bytes[1], packets[1]] {
                w.ne_u32(rate);
            }
            w.align(8);
            w.zeros(16);
            Ok(())
        },
        decode: |r, _| {
            let first = RateEstimatorName::read(r)?;
            let second = RateEstimatorName::read(r)?;
            let at = **r;
            let (flags, mode) = (r.ne_u16("flags")?, r.ne_u16("mode")?);
            let [bytes1, packets1, bytes2, packets2] =
                [r.ne_u32("bps1")?, r.ne_u32("pps1")?, r.ne_u32("bps2")?, r.ne_u32("pps2")?];
            r.rest();
            let side = if second.is_some() { flag::RELATIVE } else { flag::ABSOLUTE };
            let comparison = Comparison::from_number(mode);
            if flags & (flag::ABSOLUTE | flag::RELATIVE) != side || flags > flag::ALL || comparison.is_none()
            {
                return Err(at.error("flags", Problem::Value(flags.into())));
            }
            Ok(Some(Self {
                first,
                second,
                delta: flags & flag::DELTA != 0,
                comparison,
                not: flags & flag::INVERT != 0,
                bytes: (flags & flag::BYTES != 0).then_some([bytes1, bytes2]),
                packets: (flags & flag::PACKETS != 0).then_some([packets1, packets2]),
            }))
        },
    }];

    fn check(&mut self, _: &RuleScope<'_>) -> Result<(), ValueError> {
        match self.bytes.is_some() || self.packets.is_some() {
            true => Ok(()),
            false => Err(ValueError::Because("a rate of bytes or packets is needed, such as --rateest-bps")
                .by_kernel()),
        }
    }

    fn params(&self, sink: &mut dyn Sink) {
        if self.delta {
            sink.param("rateest-delta", false, &Flag);
        }
        if let Some(name) = &self.first {
            sink.param(if self.second.is_some() { "rateest1" } else { "rateest" }, false, name);
        }
        // Both kinds of rates are compared in the same way, which can be said once only.
        let mut comparison = self.comparison;
        if let Some([first, second]) = self.bytes {
            let names = ["rateest-bps1", "rateest-bps2", "rateest-bps"];
            self.rates(sink, names, comparison.take(), [&ByteRate(first), &ByteRate(second)]);
        }
        if let Some([first, second]) = self.packets {
            let names = ["rateest-pps1", "rateest-pps2", "rateest-pps"];
            self.rates(sink, names, comparison, [&PacketRate(first), &PacketRate(second)]);
        }
        if let Some(name) = &self.second {
            sink.param("rateest2", false, name);
        }
    }

    fn list(&self, out: &mut Lister<'_>) {
        out.add(" rateest match");
        out.each(self, |out, name, not, text| {
            let label =
                name.trim_start_matches("rateest-").trim_end_matches(|digit: char| digit.is_ascii_digit());
            out.add(format_args!(" {}", if not { "! " } else { "" }));
            out.add(match name {
                "rateest1" | "rateest2" => text.to_owned(),
                _ if text.is_empty() => label.to_owned(),
                _ => format!("{label} {text}"),
            });
        });
    }
}

/// `XT_RATEEST_MATCH_*`
mod flag {
    pub(super) const INVERT: u16 = 1 << 0;
    pub(super) const ABSOLUTE: u16 = 1 << 1;
    pub(super) const RELATIVE: u16 = 1 << 2;
    pub(super) const DELTA: u16 = 1 << 3;
    pub(super) const BYTES: u16 = 1 << 4;
    pub(super) const PACKETS: u16 = 1 << 5;
    pub(super) const ALL: u16 = (1 << 6) - 1;
}

impl Rateest {
    fn rates(
        &self,
        sink: &mut dyn Sink,
        names: [&'static str; 3],
        comparison: Option<Comparison>,
        [first, second]: [&dyn WriteValue; 2],
    ) {
        let [first_name, second_name, only_name] = names;
        if self.delta {
            sink.param(first_name, false, first);
        }
        if let Some(comparison) = comparison {
            let name = match comparison {
                Comparison::Equal => "rateest-eq",
                Comparison::Less => "rateest-lt",
                Comparison::Greater => "rateest-gt",
            };
            sink.param(name, self.not, &Flag);
        }
        let name = if self.delta { second_name } else { only_name };
        match self.has_second_rate() {
            true => sink.param(name, false, second),
            false => sink.param(name, false, &Flag),
        }
    }
}

/// Bytes per second; 0 if nothing is written.
struct ByteRate(u32);

/// Packets per second; 0 if nothing is written.
struct PacketRate(u32);

/// Units of rates, in bits per second.
const UNITS: [(&str, f64); 19] = [
    ("", 1.),
    ("bit", 1.),
    ("Kibit", 1024.),
    ("kbit", 1e3),
    ("Mibit", 1_048_576.),
    ("mbit", 1e6),
    ("Gibit", 1_073_741_824.),
    ("gbit", 1e9),
    ("Tibit", 1_099_511_627_776.),
    ("tbit", 1e12),
    ("Bps", 8.),
    ("KiBps", 8. * 1024.),
    ("KBps", 8e3),
    ("MiBps", 8. * 1_048_576.),
    ("MBps", 8e6),
    ("GiBps", 8. * 1_073_741_824.),
    ("GBps", 8e9),
    ("TiBps", 8. * 1_099_511_627_776.),
    ("TBps", 8e12),
];

impl Value for ByteRate {
    const DOMAIN: Domain = Domain::Expression {
        language: "number of bits per second, or of another unit written behind it, such as 500kbit or 2MBps",
        examples: &["500kbit", "2MBps", "1000"],
        refused: &["word", "5parsecs"],
    };
    const WORDS: usize = 0;

    fn parse(text: &str, _: &Scope) -> Result<Self, ValueError> {
        if text.is_empty() {
            return Ok(Self(0));
        }
        let end = text.find(|character: char| !character.is_ascii_digit() && character != '.');
        let (number, unit) = text.split_at(end.unwrap_or(text.len()));
        let number: f64 = number.parse().map_err(|_| ValueError::Form)?;
        let scale = UNITS.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit));
        let (_, scale) = scale.ok_or(ValueError::UnknownName)?;
        let bytes = number * scale / 8.;
        match bytes <= f64::from(u32::MAX) {
            true => Ok(Self(bytes as u32)),
            false => Err(ValueError::OutOfRange { min: 0, max: u32::MAX.into() }),
        }
    }

    fn write(&self, out: &mut String, _: &Scope) {
        const MEGA: u64 = 1_000_000;
        let bits = u64::from(self.0) * 8;
        let _ = match bits {
            1_000_000_000.. if bits.is_multiple_of(MEGA) => write!(out, "{}Mbit", bits / MEGA),
            MEGA.. if bits.is_multiple_of(1000) => write!(out, "{}Kbit", bits / 1000),
            _ => write!(out, "{bits}bit"),
        };
    }
}

impl Value for PacketRate {
    const DOMAIN: Domain = Domain::Integer { min: 0, max: u32::MAX as u64, unit: "packets per second" };
    const WORDS: usize = 0;

    fn parse(text: &str, _: &Scope) -> Result<Self, ValueError> {
        let rate = if text.is_empty() { 0 } else { parse_bounded(text, 0, u32::MAX.into())? };
        u32::try_from(rate).map(Self).map_err(|_| ValueError::Form)
    }

    fn write(&self, out: &mut String, _: &Scope) {
        let _ = write!(out, "{}", self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::testing::{layout_cases, text_cases};

    #[test]
    fn saved_forms() {
        text_cases! { Rateest, Ipv4:
            "--rateest RE1 --rateest-lt --rateest-bps 8bit" => same,
            "--rateest RE1 --rateest-eq --rateest-pps 5" => same,
            "--rateest RE1 ! --rateest-gt --rateest-bps 5kbit" => "--rateest RE1 ! --rateest-gt --rateest-bps 5000bit",
            "--rateest1 RE1 --rateest-lt --rateest-bps2 2MBps" => "--rateest RE1 --rateest-lt --rateest-bps 16000Kbit",
            "--rateest RE1 --rateest-lt --rateest-bps 1.5gbit" => "--rateest RE1 --rateest-lt --rateest-bps 1500Mbit",
            "--rateest RE1 --rateest-lt --rateest-bps 80" => "--rateest RE1 --rateest-lt --rateest-bps 80bit",
            "--rateest RE1 --rateest-lt --rateest-bps 12345678" => "--rateest RE1 --rateest-lt --rateest-bps 12345672bit",
            "--rateest RE1 --rateest-lt --rateest-bps 1.000008gbit" => "--rateest RE1 --rateest-lt --rateest-bps 1000008Kbit",
            "--rateest RE1 --rateest-lt --rateest-bps 8bit --rateest-pps 5" => same,
            "--rateest-delta --rateest RE1 --rateest-bps1 8bit ! --rateest-gt --rateest-bps2 16bit --rateest-pps1 5 --rateest-pps2 6" => same,
            "--rateest-delta --rateest RE1 --rateest-bps1 8bit --rateest-gt --rateest-bps2 16bit" => same,
            "--rateest-delta --rateest RE1 --rateest-pps1 8 --rateest-eq --rateest-pps2 9" => same,
            "--rateest1 RE1 --rateest-lt --rateest-bps --rateest2 RE2" => same,
            "--rateest1 RE1 --rateest-pps1 --rateest-gt --rateest2 RE2"
                => "--rateest1 RE1 --rateest-gt --rateest-pps --rateest2 RE2",
            "--rateest-delta --rateest1 RE1 --rateest-bps1 8bit --rateest-lt --rateest-bps2 16bit --rateest2 RE2" => same,
            "--rateest RE1 --rateest-lt --rateest-bps x" => fails, "--rateest RE1 --rateest-lt --rateest-bps 5foo" => fails,
            "--rateest RE1 --rateest-lt --rateest-bps 99tbit" => fails, "--rateest RE1 --rateest-lt --rateest-pps 1k" => fails,
            "--rateest RE1 --rateest-lt --rateest-gt --rateest-pps 1" => fails,
            "--rateest RE1 --rateest-lt" => fails, "--rateest RE1 --rateest-pps 1" => fails,
            "--rateest-lt --rateest-pps 1" => fails, "! --rateest RE1 --rateest-lt --rateest-pps 1" => fails,
            "--rateest RE1 --rateest1 RE1 --rateest-lt --rateest-pps 1" => fails, "" => fails,
        }
    }

    #[test]
    fn kernel_structures() {
        layout_cases! { Rateest, Ipv6:
            "--rateest-delta --rateest1 A --rateest-bps1 16bit ! --rateest-lt --rateest-bps2 8bit --rateest2 B", 0
                => "41000000000000000000000000000000 42000000000000000000000000000000 1d00 0200 02000000 00000000 01000000",
        }
    }
}
