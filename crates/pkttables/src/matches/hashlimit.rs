//! `-m hashlimit`: a token bucket per address or port, so that each has a limit of its own.
mod bucket;
#[cfg(test)]
mod tests;
mod written;

use crate::domain::{Name, Period, PrefixLen, RateUnit, parse_decimal};
use crate::model::Families;
use crate::packet::Packet;
use crate::registry::{
    Context, Domain, Extension, Flag, InfoReader, InfoWriter, Lister, Outcome, Require, Revision, RuleScope,
    Scope, Shared, Value, ValueError,
};
use crate::{extension, flag_set};
use bucket::Table;
use nfnetlink::wire::{DecodeError, EncodeError, Problem};
use std::fmt::Write as _;
use written::{Burst, MAX_PACKETS, WrittenRate, bytes_of};

/// The `hashlimit` match.
///
/// Two are equal that do the same, whatever interval they have over which nothing is measured.
#[derive(Clone, Debug, Default, Eq)]
pub struct Hashlimit {
    /// Whether the rule matches above the limit instead of within it.
    pub above: bool,
    /// The limit.
    pub rate: HashRate,
    /// How many packets may come at once; for a rate of bytes, how many times its bytes per second (0: no burst).
    pub burst: u64,
    /// What packets must have in common to share a bucket.
    pub mode: HashMode,
    /// The name of the table that holds the buckets.
    pub name: Name<254>,
    /// The number of hash chains; 0 lets the kernel choose.
    pub size: u32,
    /// The most buckets that there may be; 0 lets the kernel choose.
    pub max: u32,
    /// Milliseconds between two searches for buckets to remove.
    pub gc_interval: u32,
    /// Milliseconds after which an unused bucket is removed.
    pub expire: u32,
    /// How many bits of the source address count; `None` if all do.
    pub source_prefix: Option<PrefixLen>,
    /// How many bits of the destination address count; `None` if all do.
    pub destination_prefix: Option<PrefixLen>,
    /// Whether the rate is only measured, without a bucket.
    pub rate_match: bool,
    /// Seconds over which it is measured.
    pub interval: u32,
    /// What was written and is not settled before the whole rule is known.
    written: Written,
}

impl PartialEq for Hashlimit {
    fn eq(&self, other: &Self) -> bool {
        let limit = |m: &Self| (m.above, m.rate, m.burst, m.mode, m.rate_match.then_some(m.interval));
        let table = |m: &Self| [m.size, m.max, m.gc_interval, m.expire];
        let prefixes = |m: &Self| [m.source_prefix, m.destination_prefix];
        limit(self) == limit(other)
            && self.name == other.name
            && table(self) == table(other)
            && prefixes(self) == prefixes(other)
            && self.written == other.written
    }
}

/// What a limit counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HashRate {
    /// Packets, at most a million per second.
    Packets(Period<1_000_000>),
    /// Bytes: how much of a 32-bit budget each 16 bytes cost.
    Bytes {
        /// The kernel's number.
        cost: u64,
    },
}

flag_set! {
    /// What packets must have in common to share a bucket (`XT_HASHLIMIT_HASH_*`).
    #[derive(Default)]
    pub struct HashMode: u32, ',' | '|', exact {
        /// The source address.
        SRCIP = 4 => "srcip",
        /// The source port.
        SRCPORT = 8 => "srcport",
        /// The destination address.
        DSTIP = 1 => "dstip",
        /// The destination port.
        DSTPORT = 2 => "dstport",
    }
}

extension! {
    /// Match only so many packets or bytes per unit of time, counted separately for each address or port.
    ///
    /// Like limit, with a bucket for each combination of what `--hashlimit-mode` names. Rules with the same table
    /// name share the buckets, and the options of the first of them hold. The buckets can be read at
    /// /proc/net/ipt_hashlimit/NAME, for IPv6 /proc/net/ip6t_hashlimit/NAME.
    match "hashlimit" => Hashlimit {
        require: Require::AtLeastOneOf(&["hashlimit-upto", "hashlimit-above"]),
    } params {
        /// The rate is within this limit, such as 10/second or 512kb/s.
        ///
        /// A number of packets per second, minute, hour or day, or a number of bytes per second with `b/s`, `kb/s`
        /// or `mb/s`, in units of 1024. The kernel rounds both.
        [!] "hashlimit-upto" | "hashlimit": WrittenRate {
            set: |m, rate, not| m.set_rate(rate, not),
            get: |m| (!m.above).then(|| (m.rate.into(), false)),
            excludes: &["hashlimit-above"],
        }
        /// The rate is above this limit; written like that of `--hashlimit-upto`.
        [!] "hashlimit-above": WrittenRate {
            set: |m, rate, not| m.set_rate(rate, !not),
            get: |m| m.above.then(|| (m.rate.into(), false)),
            excludes: &["hashlimit-upto"],
        }
        /// How many packets may come at once after a pause; for a rate of bytes, how many bytes.
        ///
        /// A number of bytes can end in `b`, `kb` or `mb`, and is rounded up to a multiple of the rate. Without this
        /// option a rate of bytes has no burst.
        "hashlimit-burst": Burst {
            set: |m, Burst { amount, .. }, _| m.written.burst = Some(amount),
            get: |m| m.burst_text().map(|burst| (burst, false)),
            default: Some("5 packets"),
        }
        /// What packets must have in common to be counted together; without it all are.
        "hashlimit-mode": HashMode {
            set: |m, mode, _| m.mode = mode,
            get: |m| (!m.mode.is_empty()).then_some((m.mode, false)),
        }
        /// The name of the table that holds the buckets; rules with the same name share it.
        "hashlimit-name": Name<254> {
            set: |m, name, _| name.for_proc().map(|name| m.name = name),
            get: |m| Some((m.name.clone(), false)),
            required: true,
            domain: &Domain::Text { min: 1, max: 254, forbidden: "/" },
        }
        /// How many hash chains the table has; without it the kernel chooses by the memory of the machine.
        "hashlimit-htable-size": u32 {
            set: |m, size, _| m.size = size,
            get: |m| (m.size != 0).then_some((m.size, false)),
        }
        /// How many buckets the table can have; without it eight for each hash chain.
        ///
        /// Packets for which there is no bucket left are dropped.
        "hashlimit-htable-max": u32 {
            set: |m, max, _| m.max = max,
            get: |m| (m.max != 0).then_some((m.max, false)),
        }
        /// Milliseconds between two searches for buckets that can be removed.
        "hashlimit-htable-gcinterval": Milliseconds {
            set: |m, Milliseconds(interval), _| m.written.gc_interval = Some(interval),
            get: |m| (m.gc_interval != GC_INTERVAL).then_some((Milliseconds(m.gc_interval), false)),
            default: Some("1000"),
        }
        /// Milliseconds after which a bucket is removed that no packet has used.
        ///
        /// By default the unit of time of the rate; for a rate of bytes 15 seconds, with a burst one minute.
        "hashlimit-htable-expire": Milliseconds {
            set: |m, Milliseconds(expire), _| m.written.expire = Some(expire),
            get: |m| (u64::from(m.expire) != m.usual_expire()).then_some((Milliseconds(m.expire), false)),
        }
        /// How many leading bits of the source address count, so that a network shares a bucket.
        "hashlimit-srcmask": PrefixLen {
            set: |m, prefix, _| m.source_prefix = Some(prefix),
            get: |m| m.source_prefix.map(|prefix| (prefix, false)),
            default: Some("32, for IPv6 128"),
        }
        /// How many leading bits of the destination address count, so that a network shares a bucket.
        "hashlimit-dstmask": PrefixLen {
            set: |m, prefix, _| m.destination_prefix = Some(prefix),
            get: |m| m.destination_prefix.map(|prefix| (prefix, false)),
            default: Some("32, for IPv6 128"),
        }
        /// Only compare the rate of what came during the last interval, without a token bucket.
        "hashlimit-rate-match": Flag {
            set: |m, _, _| m.rate_match = true,
            get: |m| m.rate_match.then_some((Flag, false)),
        }
        /// Seconds over which `--hashlimit-rate-match` measures; by default the unit of time of the rate.
        "hashlimit-rate-interval": Interval {
            set: |m, Interval(interval), _| m.interval = interval,
            get: |m| (m.rate_match && m.interval != 1).then_some((Interval(m.interval), false)),
        }
    }
}

/// A number of seconds that is not 0, in decimal.
struct Interval(u32);

impl Value for Interval {
    const DOMAIN: Domain = Domain::Decimal { min: 1, max: i32::MAX as u64, unit: "seconds" };

    fn parse(text: &str, _: &Scope) -> Result<Self, ValueError> {
        let seconds = parse_decimal(text, 1, i32::MAX as u64)?;
        u32::try_from(seconds).map(Self).map_err(|_| ValueError::Form)
    }

    fn write(&self, out: &mut String, _: &Scope) {
        let _ = write!(out, "{}", self.0);
    }
}

/// A number of milliseconds that is not 0, which iptables takes too.
struct Milliseconds(u32);

impl Value for Milliseconds {
    const DOMAIN: Domain = Domain::Integer { min: 1, max: u32::MAX as u64, unit: "milliseconds" };

    fn parse(text: &str, scope: &Scope) -> Result<Self, ValueError> {
        match u32::parse(text, scope)? {
            0 => Err(ValueError::OutOfRange { min: 1, max: u32::MAX.into() }.by_kernel()),
            number => Ok(Self(number)),
        }
    }

    fn write(&self, out: &mut String, _: &Scope) {
        let _ = write!(out, "{}", self.0);
    }
}

impl Extension for Hashlimit {
    fn install(&self, shared: &mut Shared) {
        shared.get_or(self.name.as_str(), || Table::new(self));
    }

    fn matches(&self, packet: &Packet<'_>, context: &mut Context<'_>) -> Outcome {
        let table = context.shared.get_or(self.name.as_str(), || Table::new(self));
        match table.within(self, packet) {
            Ok(within) => (within != self.above).into(),
            Err(outcome) => outcome,
        }
    }

    fn found(&self, packet: &Packet<'_>, context: &mut Context<'_>) -> Option<String> {
        let table = context.shared.get_or(self.name.as_str(), || Table::new(self));
        Some(table.tell(packet))
    }

    const REVISIONS: &'static [Revision<Self>] = &[
        Revision {
            number: 3,
            size: 312,
            families: Families::all(),
            encode: |m, w| m.write(w, 3),
            decode: |r, family| Self::read(r, 3, family.address_bits()).map(Some),
        },
        Revision {
            number: 2,
            size: 304,
            families: Families::all(),
            encode: |m, w| m.write(w, 2),
            decode: |r, family| Self::read(r, 2, family.address_bits()).map(Some),
        },
        Revision {
            number: 1,
            size: 56,
            families: Families::all(),
            encode: |m, w| m.write(w, 1),
            decode: |r, family| Self::read(r, 1, family.address_bits()).map(Some),
        },
    ];

    fn check(&mut self, rule: &RuleScope<'_>) -> Result<(), ValueError> {
        let written = std::mem::take(&mut self.written);
        let unit = written.unit.map_or(1, RateUnit::seconds);
        let seconds = match &mut self.rate {
            HashRate::Packets(period) => {
                self.burst = written.burst.unwrap_or(DEFAULT_BURST);
                if self.burst > MAX_PACKETS {
                    return Err(ValueError::OutOfRange { min: 1, max: MAX_PACKETS });
                }
                if self.rate_match {
                    period.0 /= unit;
                    self.interval = if self.interval == 0 { unit as u32 } else { self.interval };
                }
                unit
            }
            HashRate::Bytes { cost } => {
                let per_second = bytes_of(*cost);
                self.burst = match written.burst {
                    None => 0,
                    Some(bytes) if bytes < per_second || per_second == 0 => {
                        return Err(ValueError::Because(
                            "the burst cannot be smaller than the bytes per second",
                        ));
                    }
                    Some(bytes) if bytes > u32::MAX.into() => {
                        return Err(ValueError::OutOfRange { min: 1, max: u32::MAX.into() });
                    }
                    Some(bytes) => bytes.div_ceil(per_second),
                };
                if self.rate_match && self.interval == 0 {
                    self.interval = 1;
                }
                if self.burst == 0 { BYTE_EXPIRE } else { BYTE_EXPIRE_WITH_BURST }
            }
        };
        self.gc_interval = written.gc_interval.unwrap_or(GC_INTERVAL);
        self.expire = written.expire.unwrap_or((seconds * 1000) as u32);
        let all = PrefixLen(rule.family.address_bits());
        self.source_prefix = self.source_prefix.filter(|prefix| *prefix != all);
        self.destination_prefix = self.destination_prefix.filter(|prefix| *prefix != all);
        Ok(())
    }

    fn list(&self, out: &mut Lister<'_>) {
        let mut shown = self.clone();
        if self.interval != 0
            && let HashRate::Packets(period) = &mut shown.rate
        {
            // What comes in the whole interval.
            period.0 = period.0.wrapping_mul(self.interval.into());
        }
        out.each(&shown, |out, name, _, text| match name {
            "hashlimit-upto" => out.add(format_args!(" limit: up to {text}")),
            "hashlimit-above" => out.add(format_args!(" limit: above {text}")),
            "hashlimit-mode" => out.add(format_args!(" mode {}", text.replace(',', "-"))),
            "hashlimit-name" => {}
            name => {
                let label = name.strip_prefix("hashlimit-").unwrap_or(name);
                out.add(format_args!(" {label}{}{text}", if text.is_empty() { "" } else { " " }));
            }
        });
    }
}

const DEFAULT_BURST: u64 = 5;
/// Milliseconds.
const GC_INTERVAL: u32 = 1000;
/// Seconds after which buckets for bytes are removed.
const BYTE_EXPIRE: u64 = 15;
const BYTE_EXPIRE_WITH_BURST: u64 = 60;
/// Bits of `mode` beside [`HashMode`].
const ABOVE: u32 = 1 << 4;
const BYTES: u32 = 1 << 5;
const RATE_MATCH: u32 = 1 << 6;

/// What the options say before the rule is complete; all absent afterwards.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Written {
    unit: Option<RateUnit>,
    burst: Option<u64>,
    gc_interval: Option<u32>,
    expire: Option<u32>,
}

impl Default for HashRate {
    fn default() -> Self {
        Self::Packets(Period(1_000_000))
    }
}

impl Hashlimit {
    fn set_rate(&mut self, WrittenRate { rate, unit }: WrittenRate, above: bool) {
        self.rate = rate;
        self.above = above;
        self.written.unit = Some(unit);
    }

    /// Milliseconds that buckets last if nothing was said, judging by the rate as it is printed.
    fn usual_expire(&self) -> u64 {
        let seconds = match self.rate {
            HashRate::Packets(period) => period.rate().map_or(0, |(_, unit)| unit.seconds()),
            HashRate::Bytes { .. } if self.burst == 0 => BYTE_EXPIRE,
            HashRate::Bytes { .. } => BYTE_EXPIRE_WITH_BURST,
        };
        seconds * 1000
    }

    fn burst_text(&self) -> Option<Burst> {
        match self.rate {
            HashRate::Packets(_) => Some(Burst { amount: self.burst, per_second: None }),
            HashRate::Bytes { .. } if self.burst == 0 => None,
            HashRate::Bytes { cost } => {
                let rate = bytes_of(cost);
                Some(Burst { amount: rate.wrapping_mul(self.burst), per_second: Some(rate) })
            }
        }
    }

    fn write(&self, w: &mut InfoWriter<'_>, revision: u8) -> Result<(), EncodeError> {
        let mut mode = self.mode.bits() | if self.above { ABOVE } else { 0 };
        let avg = match self.rate {
            HashRate::Packets(period) => period.0,
            HashRate::Bytes { cost } => {
                mode |= BYTES;
                cost
            }
        };
        if self.rate_match {
            mode |= RATE_MATCH;
        }
        if revision < 3 && (self.rate_match || self.interval != 0) {
            return Err(EncodeError::NotRepresentable("a rate without bucket"));
        }
        let name = self.name.as_str().as_bytes();
        if revision == 1 {
            if name.len() >= SHORT_NAME_LEN {
                return Err(EncodeError::NotRepresentable("so long a name"));
            }
            let coarse = match self.rate {
                HashRate::Packets(period) if refined(period.0 / REFINEMENT) == period => {
                    period.0 / REFINEMENT
                }
                HashRate::Packets(_) => return Err(EncodeError::NotRepresentable("so exact a rate")),
                HashRate::Bytes { cost } => cost,
            };
            let number = |number| {
                u32::try_from(number).map_err(|_| EncodeError::NotRepresentable("so large a number"))
            };
            w.c_string(name, SHORT_NAME_LEN);
            w.ne_u32(mode);
            w.ne_u32(number(coarse)?);
            w.ne_u32(number(self.burst)?);
        } else {
            w.c_string(name, NAME_LEN);
            w.align(8);
            w.ne_u64(avg);
            w.ne_u64(self.burst);
            w.ne_u32(mode);
        }
        for number in [self.size, self.max, self.gc_interval, self.expire] {
            w.ne_u32(number);
        }
        if revision == 3 {
            w.ne_u32(self.interval);
        }
        for prefix in [self.source_prefix, self.destination_prefix] {
            let PrefixLen(bits) = prefix.unwrap_or_else(|| PrefixLen(w.family().address_bits()));
            w.u8(bits);
        }
        w.align(8);
        w.zeros(8);
        Ok(())
    }

    fn read(r: &mut InfoReader<'_>, revision: u8, address_bits: u8) -> Result<Self, DecodeError> {
        let (name, at, mode, avg, burst);
        if revision == 1 {
            name = Name::read(r, SHORT_NAME_LEN, "name")?;
            at = **r;
            mode = r.ne_u32("mode")?;
            avg = r.ne_u32("avg")?.into();
            burst = r.ne_u32("burst")?.into();
        } else {
            name = Name::read(r, NAME_LEN, "name")?;
            r.take(1, "padding")?;
            avg = r.ne_u64("avg")?;
            burst = r.ne_u64("burst")?;
            at = **r;
            mode = r.ne_u32("mode")?;
        }
        let known = HashMode::all().bits() | ABOVE | BYTES | if revision == 3 { RATE_MATCH } else { 0 };
        if mode & !known != 0 {
            return Err(at.error("mode", Problem::Value(mode.into())));
        }
        let (size, max) = (r.ne_u32("size")?, r.ne_u32("max")?);
        let (gc_interval, expire) = (r.ne_u32("gc_interval")?, r.ne_u32("expire")?);
        let interval = if revision == 3 { r.ne_u32("interval")? } else { 0 };
        let (source, destination) = (r.u8("srcmask")?, r.u8("dstmask")?);
        r.rest();
        let prefix = |bits: u8| (bits != address_bits).then_some(PrefixLen(bits));
        let rate = match mode & BYTES != 0 {
            true => HashRate::Bytes { cost: avg },
            false if revision == 1 => HashRate::Packets(refined(avg)),
            false => HashRate::Packets(Period(avg)),
        };
        Ok(Self {
            above: mode & ABOVE != 0,
            rate,
            burst,
            mode: HashMode::from_bits_truncate(mode),
            name,
            size,
            max,
            gc_interval,
            expire,
            source_prefix: prefix(source),
            destination_prefix: prefix(destination),
            rate_match: mode & RATE_MATCH != 0,
            interval,
            written: Written::default(),
        })
    }
}

/// Bytes of the name in revision 1 (`IFNAMSIZ`), and in the later ones (`NAME_MAX`).
const SHORT_NAME_LEN: usize = 16;
const NAME_LEN: usize = 255;

/// How many times finer periods are since revision 2.
const REFINEMENT: u64 = 100;

/// The period of revision 1, made finer by taking it for the rate as which it is printed.
fn refined(coarse: u64) -> Period<1_000_000> {
    let rate = Period::<10_000>(coarse).rate();
    let exact = rate.and_then(|(count, unit)| Period::of_rate(count, unit));
    exact
        .filter(|exact| exact.0 / REFINEMENT == coarse)
        .unwrap_or_else(|| Period(coarse.wrapping_mul(REFINEMENT)))
}
