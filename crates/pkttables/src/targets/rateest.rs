//! `-j RATEEST`: estimates the rate of packets.
use crate::domain::RateEstimatorName;
use crate::extension;
use crate::model::{Counters, Families};
use crate::packet::{HZ, Packet, jiffies};
use crate::registry::{
    Action, Context, Domain, Extension, Lister, Revision, RuleScope, Scope, Shared, Value, ValueError,
};
use std::fmt::Write as _;

/// The `RATEEST` target.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rateest {
    /// The estimator's name.
    pub name: Option<RateEstimatorName>,
    /// How often the rate is computed: every quarter of a second times two to the power of this number and two.
    pub interval: i8,
    /// Over how many intervals the rate is averaged, as a power of two.
    pub ewma_log: u8,
    /// What was asked for, until the rule is complete: each of the two depends on the other.
    wanted: Option<(EstimatorTime, EstimatorTime)>,
}

/// A time in microseconds, written with a unit: `s`, `ms` or `us`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EstimatorTime(pub u32);

extension! {
    /// Estimate the rate of the packets that come here, for the `rateest` match.
    ///
    /// Rules that name the same estimator count together. The next rules still see the packet.
    target "RATEEST" => Rateest {} params {
        /// The estimator's name.
        "rateest-name": RateEstimatorName {
            set: |m, name, _| m.name = Some(name),
            get: |m| m.name.clone().map(|name| (name, false)),
            required: true,
        }
        /// How often the rate is computed.
        ///
        /// It becomes the next longer of 250ms, 500ms, 1s, 2s, 4s and 8s.
        "rateest-interval": EstimatorTime {
            set: |m, time, _| m.wanted = Some((time, m.wanted.unwrap_or_default().1)),
            get: |m| Some((m.interval_time(), false)),
            required: true,
        }
        /// Over which time the rate is averaged: a longer time gives a steadier rate that follows changes later.
        ///
        /// It becomes the next shorter of the interval times 2, 4, 8 and so on.
        "rateest-ewmalog": EstimatorTime {
            set: |m, time, _| m.wanted = Some((m.wanted.unwrap_or_default().0, time)),
            get: |m| Some((m.average_time(), false)),
            required: true,
        }
    }
}

impl Rateest {
    fn estimator<'s>(&self, shared: &'s mut Shared) -> Option<&'s mut Estimator> {
        let name = self.name.as_ref()?;
        let (interval, ewma_log) = (self.interval, self.ewma_log);
        Some(shared.get_or(name.as_str(), || Estimator { interval, ewma_log, ..Estimator::default() }))
    }
}

/// How many packets and bytes come per second, on average (net/core/gen_estimator.c).
///
/// Its clock begins with the first packet.
#[derive(Debug, Default)]
pub(crate) struct Estimator {
    interval: i8,
    ewma_log: u8,
    /// What was counted since the last estimate.
    counted: Counters,
    /// 256 times the estimates per second.
    bytes: u64,
    packets: u64,
    /// The jiffy of the next estimate; `None` before the first packet.
    next: Option<u64>,
}

impl Estimator {
    fn count(&mut self, packet: &Packet<'_>) {
        self.advance(jiffies(packet.meta.time));
        self.counted.packets += 1;
        self.counted.bytes += packet.data.len() as u64;
    }

    /// Bytes and packets per second.
    pub(crate) fn rates(&mut self, packet: &Packet<'_>) -> (u64, u64) {
        self.advance(jiffies(packet.meta.time));
        (self.bytes >> 8, self.packets >> 8)
    }

    fn advance(&mut self, now: u64) {
        let place = u32::try_from(self.interval + 2).unwrap_or_default().min(5);
        let interval = (HZ / 4) << place;
        let mut next = *self.next.get_or_insert_with(|| now.saturating_add(interval));
        while next <= now {
            let Counters { packets, bytes } = std::mem::take(&mut self.counted);
            let average = |old: u64, counted: u64| {
                let rate = counted << (10 - place);
                old.wrapping_add(rate >> self.ewma_log).wrapping_sub(old >> self.ewma_log)
            };
            let (old_bytes, old_packets) = (self.bytes, self.packets);
            self.bytes = average(old_bytes, bytes);
            self.packets = average(old_packets, packets);
            // Once nothing changes any more, the rest of a long pause can be skipped.
            let settled = packets == 0 && self.bytes == old_bytes && self.packets == old_packets;
            let skipped = if settled { (now - next) / interval } else { 0 };
            next = next.saturating_add(interval.saturating_mul(skipped + 1));
        }
        self.next = Some(next);
    }
}

/// The shortest interval in microseconds.
const QUARTER: u32 = 250_000;

impl Extension for Rateest {
    fn install(&self, shared: &mut Shared) {
        self.estimator(shared);
    }

    fn act(&self, packet: &Packet<'_>, context: &mut Context<'_>) -> Action {
        if let Some(estimator) = self.estimator(context.shared) {
            estimator.count(packet);
        }
        Action::Continue
    }

    // `struct xt_rateest_target_info` in linux/netfilter/xt_RATEEST.h, which ends in a pointer of the kernel.
    const REVISIONS: &'static [Revision<Self>] = &[Revision {
        number: 0,
        size: 32,
        families: Families::all(),
        encode: |m, w| {
            RateEstimatorName::write_field(m.name.as_ref(), w);
            w.bytes(&m.interval.to_ne_bytes());
            w.u8(m.ewma_log);
            w.zeros(6 + 8);
            Ok(())
        },
        decode: |r, _| {
            let name = RateEstimatorName::read(r)?;
            let interval = i8::from_ne_bytes(r.array("interval")?);
            let ewma_log = r.u8("ewma_log")?;
            r.take(6 + 8, "kernel's own")?;
            Ok(Some(Self { name, interval, ewma_log, wanted: None }))
        },
    }];

    fn check(&mut self, _: &RuleScope<'_>) -> Result<(), ValueError> {
        let Some((EstimatorTime(interval), EstimatorTime(average))) = self.wanted.take() else {
            return Ok(());
        };
        let place = (0_i8..=5).find(|place| interval <= QUARTER << place);
        let place = place.ok_or(ValueError::Because("the interval is longer than 8s"))?;
        self.interval = place - 2;
        // The weight of the newest value is such that the average forgets within the wanted time.
        let forgets_later = |log: &u8| {
            let weight = 1.0 - 1.0 / f64::from(1_u32 << log);
            f64::from(interval) / -weight.ln() > f64::from(average)
        };
        let log = (1..32).find(forgets_later).unwrap_or(32) - 1;
        if !(1..31).contains(&log) {
            return Err(ValueError::Because("the time for the average does not suit the interval"));
        }
        self.ewma_log = log;
        Ok(())
    }

    fn list(&self, out: &mut Lister<'_>) {
        out.each(self, |out, name, _, text| {
            out.add(format_args!(" {} {text}", name.trim_start_matches("rateest-")));
        });
    }
}

impl Rateest {
    /// How often the rate is computed.
    #[must_use]
    pub fn interval_time(&self) -> EstimatorTime {
        let place = u32::try_from(self.interval.saturating_add(2)).unwrap_or(0);
        EstimatorTime(QUARTER.wrapping_shl(place))
    }

    /// Over which time the rate is averaged.
    #[must_use]
    pub fn average_time(&self) -> EstimatorTime {
        EstimatorTime(self.interval_time().0.wrapping_mul(1_u32.wrapping_shl(self.ewma_log.into())))
    }
}

impl Value for EstimatorTime {
    const DOMAIN: Domain = Domain::Expression {
        language: "time with a unit, such as 0.5s, 250ms or 500us",
        examples: &["0.5s", "250ms", "500us"],
        refused: &["word", "5h", "s"],
    };

    fn parse(text: &str, _: &Scope) -> Result<Self, ValueError> {
        let end = text.find(|part: char| !part.is_ascii_digit() && part != '.').unwrap_or(text.len());
        let (number, unit) = text.split_at(end);
        let number: f64 = number.parse().map_err(|_| ValueError::Form)?;
        let scale = match unit.to_ascii_lowercase().as_str() {
            "s" | "sec" | "secs" => 1e6,
            "ms" | "msec" | "msecs" => 1e3,
            "" | "us" | "usec" | "usecs" => 1.0,
            _ => return Err(ValueError::UnknownName),
        };
        let time = number * scale;
        if time > u32::MAX.into() {
            return Err(ValueError::OutOfRange { min: 0, max: u32::MAX.into() });
        }
        Ok(Self(time as u32))
    }

    fn write(&self, out: &mut String, _: &Scope) {
        let time = f64::from(self.0);
        let _ = match self.0 {
            1_000_000.. => write!(out, "{:.1}s", time / 1e6),
            1_000.. => write!(out, "{:.1}ms", time / 1e3),
            _ => write!(out, "{}us", self.0),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Family;
    use crate::registry::testing::{encoded, text_cases};

    #[test]
    fn saved_forms() {
        text_cases! { Rateest, Ipv4:
            "--rateest-name RE1 --rateest-interval 250.0ms --rateest-ewmalog 500.0ms" => same,
            "--rateest-name RE2 --rateest-interval 1s --rateest-ewmalog 2s" =>
                "--rateest-name RE2 --rateest-interval 1.0s --rateest-ewmalog 2.0s",
            "--rateest-name RE3 --rateest-interval 250us --rateest-ewmalog 500us" =>
                "--rateest-name RE3 --rateest-interval 250.0ms --rateest-ewmalog 500.0ms",
            "--rateest-name RE4 --rateest-interval 8s --rateest-ewmalog 16s" =>
                "--rateest-name RE4 --rateest-interval 8.0s --rateest-ewmalog 16.0s",
            "--rateest-name RE6 --rateest-interval 250ms --rateest-ewmalog 1000s" =>
                "--rateest-name RE6 --rateest-interval 250.0ms --rateest-ewmalog 512.0s",
            "--rateest-ewmalog 500000 --rateest-interval 250000 --rateest-name RE8" =>
                "--rateest-name RE8 --rateest-interval 250.0ms --rateest-ewmalog 500.0ms",
            "--rateest-name RE9 --rateest-interval 0.5SECS --rateest-ewmalog 1.5Sec" =>
                "--rateest-name RE9 --rateest-interval 500.0ms --rateest-ewmalog 1.0s",
            "--rateest-name RE10 --rateest-interval 3s --rateest-ewmalog 100s" =>
                "--rateest-name RE10 --rateest-interval 4.0s --rateest-ewmalog 128.0s",
            "--rateest-name RE5 --rateest-interval 9s --rateest-ewmalog 16s" => fails,
            "--rateest-name RE7 --rateest-interval 250ms --rateest-ewmalog 1ms" => fails,
            "--rateest-name RE11 --rateest-interval 1s" => fails, "--rateest-interval 1s --rateest-ewmalog 2s" => fails,
            "--rateest-name RE12 --rateest-interval 1m --rateest-ewmalog 1s" => fails, "" => fails,
            "--rateest-name RE12 --rateest-interval ms --rateest-ewmalog 1s" => fails,
        }
    }

    #[test]
    fn layout() {
        let text = "--rateest-name RE --rateest-interval 250ms --rateest-ewmalog 1s";
        let info = [&b"RE"[..], &[0; 14], &[0xfe, 2], &[0; 14]].concat();
        assert_eq!(encoded::<Rateest>(Family::Ipv4, text, 0), Some(info));
    }
}
