//! `-m limit`: a token bucket, so that the rule matches only so many packets per unit of time.
use crate::domain::{Period, RateUnit};
use crate::packet::{HZ, Packet, jiffies};
use crate::registry::{
    Backend, Context, Extension, FromNative, Lister, Native, NativeWriter, Outcome, Recognised, Revision,
    RuleScope,
};
use crate::{extension, integer, model::Families};
use nfnetlink::wire::EncodeError;
use pkttnetlink::nft::expr::{self, Expression, LimitFlags, LimitType};

/// The `limit` match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limit {
    /// How many packets match in the long run.
    pub rate: LimitRate,
    /// How many match at once after a pause.
    pub burst: u32,
}

/// A rate of at most 10,000 a second, as a period in units of 1/10,000 second (`XT_LIMIT_SCALE`).
pub type LimitRate = Period<10_000>;

integer! {
    /// How many packets may match at once.
    struct Burst(u32): 0..=10_000_u32, "packets";
}

/// The burst of a rule that names none.
const DEFAULT_BURST: u32 = 5;

impl Default for Limit {
    fn default() -> Self {
        Self { rate: Period(10_000 * RateUnit::Hour.seconds() / 3), burst: DEFAULT_BURST }
    }
}

/// What a legacy bucket gains per jiffy (`CREDITS_PER_JIFFY` of net/netfilter/xt_limit.c).
const CREDIT: u32 = 1 << (u32::MAX / (HZ as u32 * 60 * 60 * 24)).ilog2();

/// What so many periods of 1/10,000 second cost there.
const fn credits(periods: u32) -> u32 {
    const PER_SECOND: u32 = HZ as u32 * CREDIT;
    match periods.checked_mul(PER_SECOND) {
        Some(credits) => credits / 10_000,
        None => (periods / 10_000).wrapping_mul(PER_SECOND),
    }
}

impl Limit {
    /// Whether the packet is within the limit as legacy rules count it, in credits that come with jiffies.
    fn pays_by_jiffies(&self, packet: &Packet<'_>, context: &mut Context<'_>) -> bool {
        let period = u32::try_from(self.rate.0).unwrap_or(u32::MAX);
        let most = u64::from(credits(period.wrapping_mul(self.burst)));
        let now = jiffies(packet.meta.time);
        let bucket = context.own.get_or(|| Bucket { tokens: most, last: now });
        let passed = now.saturating_sub(bucket.last);
        let tokens = bucket.tokens.saturating_add(passed.saturating_mul(CREDIT.into())).min(most);
        bucket.last = now;
        let left = tokens.checked_sub(credits(period).into());
        bucket.tokens = left.unwrap_or(tokens);
        left.is_some()
    }

    /// What a packet costs, in nanoseconds.
    fn cost(&self) -> u64 {
        match self.rate.rate() {
            Some((count, unit)) => unit.seconds() * 1_000_000_000 / count.max(1),
            None => self.rate.0 * 100_000,
        }
    }

    fn from_expression(limit: &expr::Limit<'_>) -> Option<Self> {
        let plain = limit.limit_type.is_none_or(|counted| counted == LimitType::PKTS)
            && limit.flags.is_none_or(|flags| flags.is_empty())
            && limit.unknown.is_empty();
        let rate = LimitRate::of_rate(limit.rate?, RateUnit::from_seconds(limit.unit?)?)?;
        plain.then_some(Self { rate, burst: limit.burst? })
    }
}

extension! {
    /// Match only so many packets per unit of time, and not the rest.
    ///
    /// Matching costs a token. A bucket holds as many tokens as the burst says; it starts full and is refilled at
    /// the given rate. One bucket serves all packets that reach the rule: to count per address or port use
    /// hashlimit. Typically it stands before LOG, so that the log is not flooded, or accepts what is within the
    /// limit and leaves the rest to a following rule.
    match "limit" => Limit {} params {
        /// How many packets match in the long run, such as 5/second or 3/hour.
        ///
        /// Per second where no unit is given. Units can be shortened to their first letters. The kernel rounds,
        /// and the saved form tells what it works with.
        "limit": LimitRate {
            set: |m, rate, _| m.rate = as_kept(rate),
            get: |m| Some((m.rate, false)),
            default: Some("3/hour"),
        }
        /// How many packets can match at once after a time without any; 0 means the default.
        "limit-burst": Burst {
            set: |m, Burst(burst), _| m.burst = if burst == 0 { DEFAULT_BURST } else { burst },
            get: |m| (m.burst != DEFAULT_BURST).then_some((Burst(m.burst), false)),
            default: Some("5"),
        }
    }
}

impl Extension for Limit {
    fn matches(&self, packet: &Packet<'_>, context: &mut Context<'_>) -> Outcome {
        if context.backend == Backend::Legacy {
            return self.pays_by_jiffies(packet, context).into();
        }
        // `nft_limit_eval`: time is what tokens are counted in.
        let cost = self.cost();
        let most = cost.saturating_mul(self.burst.into());
        let now = packet.meta.time;
        let bucket = context.own.get_or(|| Bucket { tokens: most, last: now });
        let tokens = bucket.tokens.saturating_add(now.saturating_sub(bucket.last)).min(most);
        bucket.last = now;
        let left = tokens.checked_sub(cost);
        bucket.tokens = left.unwrap_or(tokens);
        left.is_some().into()
    }

    fn found(&self, _: &Packet<'_>, context: &mut Context<'_>) -> Option<String> {
        let legacy = context.backend == Backend::Legacy;
        let tokens = context.own.get::<Bucket>()?.tokens;
        let missing = if legacy {
            let period = u32::try_from(self.rate.0).unwrap_or(u32::MAX);
            let jiffies = u64::from(credits(period)).saturating_sub(tokens).div_ceil(CREDIT.into());
            jiffies * 1000 / HZ
        } else {
            self.cost().saturating_sub(tokens).div_ceil(1_000_000)
        };
        Some(format!("the next packet is due in {missing} ms"))
    }

    fn to_native(&self, _: &RuleScope<'_>, out: &mut NativeWriter<'_>) -> bool {
        let Some((count, unit)) = self.rate.rate() else { return false };
        let limit = expr::Limit {
            rate: Some(count),
            unit: Some(unit.seconds()),
            burst: Some(self.burst),
            limit_type: Some(LimitType::PKTS),
            flags: Some(LimitFlags::empty()),
            ..expr::Limit::default()
        };
        out.expression(&limit.into());
        true
    }

    const FROM_NATIVE: Option<FromNative<Self>> = Some(|native, _, _| match native {
        Native::Expression(Expression::Limit(limit)) => {
            Self::from_expression(limit).map_or(Recognised::No, Recognised::New)
        }
        _ => Recognised::No,
    });

    const REVISIONS: &'static [Revision<Self>] = &[Revision {
        number: 0,
        size: 8 + WORD + 12 + ALIGNMENT + WORD,
        families: Families::all(),
        encode: |m, w| {
            let period = u32::try_from(m.rate.0);
            w.ne_u32(period.map_err(|_| EncodeError::NotRepresentable("so slow a rate"))?);
            w.ne_u32(m.burst);
            w.zeros(KERNEL_OWN);
            Ok(())
        },
        decode: |r, _| {
            let (rate, burst) = (Period(r.ne_u32("avg")?.into()), r.ne_u32("burst")?);
            r.take(KERNEL_OWN, "kernel's own")?;
            Ok(Some(Self { rate, burst }))
        },
    }];

    fn list(&self, out: &mut Lister<'_>) {
        out.each(self, |out, name, _, text| {
            if name == "limit" {
                out.add(format_args!(" limit: avg {text}"));
            }
        });
        out.add(format_args!(" burst {}", self.burst));
    }
}

/// What was saved up, and when that was counted: nanoseconds, or the credits and jiffies of legacy rules.
#[derive(Debug)]
struct Bucket {
    tokens: u64,
    last: u64,
}

const WORD: usize = size_of::<usize>();
/// Three 32-bit numbers stand before the last pointer.
const ALIGNMENT: usize = WORD - 4;
/// Fields that the kernel uses while the rule lives, and never shows.
const KERNEL_OWN: usize = WORD + 12 + ALIGNMENT + WORD;

/// The rate as nf_tables keeps it: a whole number per unit.
fn as_kept(rate: LimitRate) -> LimitRate {
    rate.rate().and_then(|(count, unit)| Period::of_rate(count, unit)).unwrap_or(rate)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Family;
    use crate::registry::testing::{check_text, text_cases};
    use proptest::prelude::*;

    #[test]
    fn saved_forms() {
        text_cases! { Limit, Ipv4:
            "" => "--limit 3/hour",
            "--limit 1/min" => same,
            "--limit 1000/hour" => same,
            "--limit 5" => "--limit 5/sec",
            "--limit 60/min" => "--limit 1/sec",
            "--limit 59/m" => "--limit 59/min",
            "--limit 7201/hour" => "--limit 2/sec",
            "--limit 9999/sec" => "--limit 10000/sec",
            "--limit 20000/min" => "--limit 333/sec",
            "--limit 1000000/day" => "--limit 694/min",
            "--limit 864000000/day" => "--limit 10000/sec",
            "--limit 1/hour --limit-burst 0" => "--limit 1/hour",
            "--limit 1/hour --limit-burst 5" => "--limit 1/hour",
            "--limit-burst 0x10" => "--limit 3/hour --limit-burst 16",
            "--limit 1/day --limit-burst 10000" => same,
            "--limit-burst 10001" => fails, "--limit-burst -1" => fails,
            "--limit 10001/sec" => fails, "--limit 0/sec" => fails, "--limit 1/days" => fails,
            "--limit 3/" => fails, "--limit 0x10/sec" => fails,
            "! --limit 1/sec" => fails, "--limit 1/s --limit 2/s" => fails,
        }
    }

    #[test]
    fn a_rate_that_nf_tables_rounds_is_the_same_as_its_rounded_form() {
        let parse = |text| crate::registry::testing::parse::<Limit>(Family::Ipv4, text).expect("a limit");
        assert!(parse("--limit 7201/hour").equals(&*parse("--limit 2/sec")));
    }

    proptest! {
        #[test]
        fn any_rate_survives(count in 1..20_000_u64, unit in 0..4_usize, burst in 1..=10_000_u32) {
            let unit = ["sec", "min", "hour", "day"][unit];
            let text = format!("--limit {count}/{unit} --limit-burst {burst}");
            if let Ok(saved) = check_text::<Limit>(Family::Ipv6, &text) {
                let again = check_text::<Limit>(Family::Ipv6, &saved);
                prop_assert_eq!(again, Ok(saved));
            } else {
                prop_assert!(count > 10_000 && unit == "sec");
            }
        }
    }
}
