//! The buckets of a table and how they fill (net/netfilter/xt_hashlimit.c), in the units of revisions 2 and 3.

use super::written::{BYTE_SHIFT, bytes_of};
use super::{HashMode, HashRate, Hashlimit};
use crate::domain::PrefixLen;
use crate::model::AddressMask;
use crate::packet::{HZ, Packet, jiffies, jiffies_of_millis};
use crate::registry::Outcome;
use std::collections::HashMap;
use std::net::IpAddr;

/// What rules of one name share.
#[derive(Debug)]
pub(super) struct Table {
    /// The first of the rules, whose options hold for all.
    options: Hashlimit,
    /// The most buckets.
    max: usize,
    buckets: HashMap<Key, Bucket>,
    /// The jiffy of the next search for buckets to remove; `None` before the first packet.
    next_search: Option<u64>,
}

/// What packets have in common that share a bucket; what does not count is absent or 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Key {
    source: Option<IpAddr>,
    destination: Option<IpAddr>,
    source_port: u16,
    destination_port: u16,
}

#[derive(Debug)]
struct Bucket {
    /// The jiffy from which on it may be removed.
    expires: u64,
    /// The jiffy up to which the content is reckoned.
    reckoned: u64,
    content: Content,
}

#[derive(Debug)]
enum Content {
    /// Packets cost credit, which comes with time.
    Packets { credit: u64, most: u64, cost: u64 },
    /// Bytes cost credit, and when that is used up it can be filled up again some times.
    Bytes { credit: u64, refills: u64, cost: u64 },
    /// What came in an interval is compared with what may come.
    Measured { interval: u64, was_above: bool, current: u64, rate: u64, burst: u64 },
}

/// The power of two that is at most so large.
const fn power_below(number: u64) -> u64 {
    1 << number.ilog2()
}

/// What a bucket of packets gains per jiffy (`CREDITS_PER_JIFFY`).
const CREDIT: u64 = power_below(u64::MAX / (HZ * 60 * 60 * 24));
/// What a bucket of bytes gains per jiffy (`CREDITS_PER_JIFFY_BYTES`).
const BYTE_CREDIT: u64 = power_below(u32::MAX as u64 / HZ);
const MOST_BYTE_CREDIT: u64 = BYTE_CREDIT * HZ;
/// `XT_HASHLIMIT_SCALE_v2`
const SCALE: u64 = 1_000_000;
/// The hash chains of a table whose rule names none, on a machine with more than 1 GiB.
const DEFAULT_SIZE: u32 = 8192;
/// `HASHLIMIT_MAX_SIZE`
const MAX_SIZE: u32 = 1_048_576;

const fn credits(period: u64) -> u64 {
    period.wrapping_mul(HZ * CREDIT / SCALE)
}

impl Table {
    pub(super) fn new(options: &Hashlimit) -> Self {
        let size = if options.size == 0 { DEFAULT_SIZE } else { options.size.min(MAX_SIZE) };
        let max = match options.max.min(MAX_SIZE) {
            0 => size.saturating_mul(8),
            max => max.max(size),
        };
        Self { options: options.clone(), max: max as usize, buckets: HashMap::new(), next_search: None }
    }

    /// Whether the packet is within the limit, by which it is counted.
    pub(super) fn within(&mut self, rule: &Hashlimit, packet: &Packet<'_>) -> Result<bool, Outcome> {
        let now = jiffies(packet.meta.time);
        self.remove_expired(now);
        let key = self.key(packet).ok_or(Outcome::Drop)?;
        if !self.buckets.contains_key(&key) {
            if self.buckets.len() >= self.max {
                return Err(Outcome::Drop);
            }
            let content = Content::new(&self.options);
            self.buckets.insert(key, Bucket { expires: now, reckoned: now, content });
        }
        let Some(bucket) = self.buckets.get_mut(&key) else { return Err(Outcome::Drop) };
        bucket.expires = now.saturating_add(jiffies_of_millis(self.options.expire));
        bucket.reckon(now);
        let bytes = matches!(rule.rate, HashRate::Bytes { .. });
        Ok(bucket.content.take(bytes, packet.data.len() as u64))
    }

    /// What is in the packet's bucket, in words.
    pub(super) fn tell(&self, packet: &Packet<'_>) -> String {
        let Some(key) = self.key(packet) else { return "the ports are cut off".into() };
        match self.buckets.get(&key).map(|bucket| &bucket.content) {
            None => "the table is full".into(),
            Some(Content::Packets { credit, cost, .. }) if credit < cost => {
                format!("the next packet is due in {} ms", (cost - credit).div_ceil(CREDIT) * 1000 / HZ)
            }
            Some(Content::Packets { credit, cost, .. }) => {
                format!("there is credit for {} more packets", credit.checked_div(*cost).unwrap_or_default())
            }
            Some(Content::Bytes { credit, refills, cost }) => {
                let units = credit.checked_div(*cost).unwrap_or_default()
                    + refills * MOST_BYTE_CREDIT.checked_div(*cost).unwrap_or_default();
                format!("there is credit for {} more bytes", units << BYTE_SHIFT)
            }
            Some(Content::Measured { current, was_above, .. }) => {
                let before = if *was_above { "above" } else { "within" };
                format!("{current} have come in this interval, the one before was {before} the limit")
            }
        }
    }

    fn remove_expired(&mut self, now: u64) {
        let interval = jiffies_of_millis(self.options.gc_interval).max(1);
        let next = *self.next_search.get_or_insert_with(|| now.saturating_add(interval));
        if now >= next {
            let last = now - (now - next) % interval;
            self.buckets.retain(|_, bucket| bucket.expires > last);
            self.next_search = Some(last.saturating_add(interval));
        }
    }

    /// `None` if the ports are needed and cut off.
    fn key(&self, packet: &Packet<'_>) -> Option<Key> {
        let has = |mode| self.options.mode.contains(mode);
        let mut key = Key::default();
        if has(HashMode::SRCIP) {
            key.source = Some(masked(packet.layout.source, self.options.source_prefix));
        }
        if has(HashMode::DSTIP) {
            key.destination = Some(masked(packet.layout.destination, self.options.destination_prefix));
        }
        if has(HashMode::SRCPORT) || has(HashMode::DSTPORT) {
            let [source, destination] = packet.ports_or_zero()?;
            key.source_port = if has(HashMode::SRCPORT) { source } else { 0 };
            key.destination_port = if has(HashMode::DSTPORT) { destination } else { 0 };
        }
        Some(key)
    }
}

impl Bucket {
    /// Adds what came with the time since it was last reckoned.
    fn reckon(&mut self, now: u64) {
        let passed = now.saturating_sub(self.reckoned);
        if passed == 0 {
            return;
        }
        match &mut self.content {
            Content::Packets { credit, most, .. } => {
                *credit = credit.wrapping_add(passed.wrapping_mul(CREDIT)).min(*most);
            }
            Content::Bytes { credit, .. } => {
                *credit = credit.saturating_add(passed.saturating_mul(BYTE_CREDIT)).min(MOST_BYTE_CREDIT);
            }
            Content::Measured { interval, was_above, current, rate, .. } => {
                if passed < *interval {
                    return;
                }
                *was_above = current.wrapping_mul(*interval) > passed.wrapping_mul(*rate);
                *current = 0;
            }
        }
        self.reckoned = now;
    }
}

impl Content {
    fn new(options: &Hashlimit) -> Self {
        let burst = options.burst;
        match options.rate {
            HashRate::Packets(period) if options.rate_match => {
                let rate = SCALE.checked_div(period.0).unwrap_or_default();
                Self::measured(options, rate, burst.wrapping_add(rate))
            }
            HashRate::Packets(period) => {
                let most = credits(period.0.wrapping_mul(burst));
                Self::Packets { credit: most, most, cost: credits(period.0) }
            }
            HashRate::Bytes { cost } if options.rate_match => {
                let rate = bytes_of(cost);
                Self::measured(options, rate, burst.max(1).wrapping_mul(rate))
            }
            HashRate::Bytes { cost } => {
                let cost = ((cost & u64::from(u32::MAX)) * MOST_BYTE_CREDIT) >> 32;
                Self::Bytes { credit: MOST_BYTE_CREDIT, refills: burst, cost }
            }
        }
    }

    fn measured(options: &Hashlimit, rate: u64, burst: u64) -> Self {
        let interval = u64::from(options.interval) * HZ;
        Self::Measured { interval, was_above: false, current: 0, rate, burst }
    }

    /// Counts a packet, whose bytes count if `bytes`; whether it is within the limit.
    ///
    /// A rule may count bytes in buckets that another rule made for packets, or the other way round.
    fn take(&mut self, bytes: bool, len: u64) -> bool {
        match self {
            Self::Packets { credit, cost, .. } | Self::Bytes { credit, cost, .. } if !bytes => {
                pay(credit, *cost)
            }
            Self::Packets { credit, most: refills, cost } | Self::Bytes { credit, refills, cost } => {
                let price = ((len >> BYTE_SHIFT) + 1).saturating_mul(*cost).min(MOST_BYTE_CREDIT);
                if *credit < price && *refills > 0 {
                    *refills -= 1;
                    *credit = MOST_BYTE_CREDIT;
                }
                pay(credit, price)
            }
            Self::Measured { was_above, current, burst, .. } => {
                *current = current.wrapping_add(if bytes { len } else { 1 });
                !*was_above && current <= burst
            }
        }
    }
}

fn pay(credit: &mut u64, price: u64) -> bool {
    let left = credit.checked_sub(price);
    *credit = left.unwrap_or(*credit);
    left.is_some()
}

/// The address without the bits that do not count.
fn masked(address: IpAddr, prefix: Option<PrefixLen>) -> IpAddr {
    let prefix = prefix.and_then(|prefix| AddressMask::prefix(address, prefix.0));
    prefix.map_or(address, |prefix| prefix.address())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Family;
    use crate::packet::Meta;
    use crate::registry::testing::{Nowhere, Trial, ipv4};

    /// Which packets of `len` bytes match, that come at these milliseconds.
    fn matching(options: &str, len: usize, times: &[u64]) -> Vec<u64> {
        let options = format!("{options} --hashlimit-name a");
        let mut trial = Trial::new::<Hashlimit>(Family::Ipv4, &options, Nowhere);
        let packet = ipv4(17, &vec![0; len - 20]);
        let mut matches = |time: &u64| {
            let meta = Meta { time: (1_000_000 + time) * 1_000_000, ..Meta::default() };
            trial.matches(&packet, &meta) == Outcome::Match
        };
        times.iter().copied().filter(|time| matches(time)).collect()
    }

    #[test]
    fn a_bucket_of_packets() {
        let times = [0, 1, 2, 3, 100, 200, 204, 400, 1000, 1001, 1002, 1003];
        let upto = matching("--hashlimit-upto 5/sec --hashlimit-burst 3", 100, &times);
        assert_eq!(upto, [0, 1, 2, 200, 400, 1000, 1001, 1002]);
        let above = matching("--hashlimit-above 5/sec --hashlimit-burst 3", 100, &times);
        assert_eq!(above, [3, 100, 204, 1003]);
    }

    #[test]
    fn a_bucket_of_bytes_is_filled_again_as_often_as_the_burst_says() {
        // Of 1 kB/s a packet of 1000 bytes is 63/64.
        assert_eq!(matching("--hashlimit-upto 1kb/s", 1000, &[0, 1, 2, 1000, 1500, 2000]), [0, 1000, 2000]);
        let burst = "--hashlimit-upto 1kb/s --hashlimit-burst 2kb";
        assert_eq!(matching(burst, 1000, &[0, 1, 2, 3, 1004]), [0, 1, 2, 1004]);
    }

    #[test]
    fn a_measured_rate_is_that_of_the_last_interval_and_of_this_one() {
        let options = "--hashlimit-upto 2/sec --hashlimit-burst 1 --hashlimit-rate-match --hashlimit-htable-expire 9000";
        assert_eq!(matching(options, 100, &[0, 1, 2, 3, 1004, 1005, 2004, 2008]), [0, 1, 2, 2004, 2008]);
    }

    #[test]
    fn an_unused_bucket_is_removed_by_the_next_search() {
        let options = "--hashlimit-upto 1/day --hashlimit-burst 1 --hashlimit-htable-expire 100";
        let options = format!("{options} --hashlimit-htable-gcinterval 500");
        assert_eq!(matching(&options, 100, &[0, 300, 496, 1000]), [0, 1000]);
    }

    #[test]
    fn a_packet_without_bucket_is_dropped() {
        let options = "--hashlimit-upto 1/sec --hashlimit-mode srcport --hashlimit-name a --hashlimit-htable-size 1 --hashlimit-htable-max 1";
        let mut trial = Trial::new::<Hashlimit>(Family::Ipv4, options, Nowhere);
        let mut judge = |payload: &[u8]| trial.matches(&ipv4(17, payload), &Meta::default());
        assert_eq!(judge(&[0, 1, 0, 2]), Outcome::Match);
        assert_eq!(judge(&[0, 1, 0, 3]), Outcome::Match);
        assert_eq!(judge(&[0, 2, 0, 2]), Outcome::Drop);
        assert_eq!(judge(&[0, 2, 0]), Outcome::Drop);
    }
}
