//! Medians, ratios and bounds, as text and as JSON.

use crate::contender::{Contender, IPTABLES2, NFT_RESTORE, NFT_SAVE, REPLAY};
use crate::measure::Usage;
use serde_json::{Value, json};
use std::fmt;
use std::time::Duration;

/// All that was measured.
pub(crate) struct Report {
    rounds: usize,
    /// How many others wanted to compute when it began.
    load: Option<f64>,
    pub(crate) sizes: Vec<Size>,
    pub(crate) growth: Option<Growth>,
}

/// The races with one ruleset.
pub(crate) struct Size {
    pub(crate) rules: usize,
    pub(crate) chains: usize,
    pub(crate) races: Vec<Race>,
}

/// Programs that did the same in turn.
pub(crate) struct Race {
    what: &'static str,
    runs: Vec<(&'static str, Vec<Usage>)>,
    missing: Vec<&'static str>,
}

/// What iptables2 took to load rulesets of several sizes.
pub(crate) struct Growth {
    pub(crate) medians: Vec<(usize, Usage)>,
}

/// A promise, and what was measured.
struct Bound {
    what: &'static str,
    measured: f64,
    limit: f64,
}

impl Report {
    pub(crate) fn new(rounds: usize) -> Self {
        let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
        let load = load.split(' ').next().and_then(|load| load.parse().ok());
        Self { rounds, load, sizes: Vec::new(), growth: None }
    }

    pub(crate) fn json(&self) -> Value {
        let sizes = self.sizes.iter().map(|size| {
            let races = size.races.iter().map(Race::json);
            let bounds = size.bounds();
            json!({
                "rules": size.rules, "chains": size.chains, "races": races.collect::<Vec<_>>(),
                "bounds": bounds.iter().map(Bound::json).collect::<Vec<_>>(),
            })
        });
        let growth = self.growth.as_ref().map(|growth| {
            let medians = growth.medians.iter().map(|(rules, usage)| {
                json!({"rules": rules, "median": usage_json(usage), "us_per_rule": per_rule(*rules, usage)})
            });
            json!({"medians": medians.collect::<Vec<_>>(), "bound": growth.bound().map(|bound| bound.json())})
        });
        json!({"rounds": self.rounds, "load": self.load, "sizes": sizes.collect::<Vec<_>>(), "growth": growth})
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(load) = self.load.filter(|load| *load >= 1.0) {
            writeln!(f, "The load was {load} at the beginning: the times on the wall contain waiting.\n")?;
        }
        for size in &self.sizes {
            let Size { rules, chains, races } = size;
            writeln!(f, "{rules} rules in {chains} chains, medians of {} runs", self.rounds)?;
            for race in races {
                writeln!(f)?;
                race.write(f)?;
            }
            let bounds = size.bounds();
            if !bounds.is_empty() {
                writeln!(f)?;
            }
            bounds.iter().try_for_each(|bound| bound.write(f))?;
            writeln!(f)?;
        }
        if let Some(growth) = &self.growth {
            for (rules, usage) in &growth.medians {
                let (wall, per_rule, peak) = (ms(usage.wall), per_rule(*rules, usage), mb(usage));
                writeln!(f, "{rules:>8} rules: {wall:8.1} ms, {per_rule:.2} µs a rule, {peak:.0} MB")?;
            }
            growth.bound().map_or(Ok(()), |bound| bound.write(f))?;
        }
        Ok(())
    }
}

impl Size {
    /// What is promised for 100,000 rules; of smaller rulesets starting the programs takes too large a part.
    fn bounds(&self) -> Vec<Bound> {
        if self.rules < 100_000 {
            return Vec::new();
        }
        let median = |race: usize, name| self.races.get(race).and_then(|race| race.median(name));
        let mut bounds = Vec::new();
        let mut add = |what, measured: Option<f64>, limit| {
            bounds.extend(measured.map(|measured| Bound { what, measured, limit }));
        };
        let both = |race, peer| Some((median(race, IPTABLES2)?, median(race, peer)?));
        let restore = both(0, NFT_RESTORE);
        add(
            "restore: user time / iptables-nft-restore",
            restore.map(|(own, peer)| ratio(own.user, peer.user)),
            0.2,
        );
        let replay = both(0, REPLAY);
        add(
            "restore: wall time / replay of its batch",
            replay.map(|(own, peer)| ratio(own.wall, peer.wall)),
            1.1,
        );
        add("restore: peak memory, MB", median(0, IPTABLES2).map(|own| mb(&own)), 80.0);
        let save = both(1, NFT_SAVE);
        add(
            "save: user time / iptables-nft-save",
            save.map(|(own, peer)| ratio(own.user, peer.user)),
            1.0 / 3.0,
        );
        add("save: wall time / iptables-nft-save", save.map(|(own, peer)| ratio(own.wall, peer.wall)), 0.6);
        bounds
    }
}

impl Race {
    pub(crate) fn new(what: &'static str, contenders: &[Contender], missing: Vec<&'static str>) -> Self {
        let runs = contenders.iter().map(|contender| (contender.name, Vec::new())).collect();
        Self { what, runs, missing }
    }

    /// Notes a run of the contender at `place`.
    pub(crate) fn add(&mut self, place: usize, usage: Usage) {
        if let Some((_, runs)) = self.runs.get_mut(place) {
            runs.push(usage);
        }
    }

    pub(crate) fn median(&self, name: &str) -> Option<Usage> {
        self.runs.iter().find(|(own, _)| *own == name).map(|(_, runs)| median(runs))
    }

    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let own = self.median(IPTABLES2).unwrap_or_default();
        writeln!(
            f,
            "{:24} {:>9} {:>9} {:>9} {:>8}   {:>6} {:>6}",
            self.what, "wall ms", "user ms", "sys ms", "peak MB", "wall", "user"
        )?;
        for (name, runs) in &self.runs {
            let usage = median(runs);
            writeln!(
                f,
                "{name:24} {:9.1} {:9.1} {:9.1} {:8.1}   {:6.2} {:6.2}",
                ms(usage.wall),
                ms(usage.user),
                ms(usage.system),
                mb(&usage),
                ratio(usage.wall, own.wall),
                ratio(usage.user, own.user),
            )?;
            if let Some(told) = usage.told {
                let (told, times) = (ms(told), ratio(told, own.wall));
                writeln!(
                    f,
                    "{:24} {told:9.1} {:9} {:9} {:8}   {times:6.2}",
                    "  its sendmsg alone", "", "", ""
                )?;
            }
        }
        for name in &self.missing {
            writeln!(f, "{name:24} is not installed: skipped")?;
        }
        Ok(())
    }

    fn json(&self) -> Value {
        let runs = self.runs.iter().map(|(name, runs)| {
            let all: Vec<Value> = runs.iter().map(usage_json).collect();
            json!({"program": name, "median": usage_json(&median(runs)), "runs": all})
        });
        json!({"what": self.what, "programs": runs.collect::<Vec<_>>(), "skipped": self.missing})
    }
}

impl Growth {
    fn bound(&self) -> Option<Bound> {
        let ((few, small), (many, large)) = (self.medians.first()?, self.medians.last()?);
        let measured = per_rule(*many, large) / per_rule(*few, small);
        Some(Bound { what: "time per rule at 1,000,000 / at 10,000", measured, limit: 1.2 })
    }
}

impl Bound {
    fn holds(&self) -> bool {
        self.measured <= self.limit
    }

    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, measured, limit } = self;
        let verdict = if self.holds() { "pass" } else { "FAIL" };
        writeln!(f, "{verdict}  {what:44} {measured:7.3}  at most {limit:.3}")
    }

    fn json(&self) -> Value {
        json!({"what": self.what, "measured": self.measured, "limit": self.limit, "holds": self.holds()})
    }
}

/// The median of each number for itself.
fn median(runs: &[Usage]) -> Usage {
    fn middle<T: Ord + Copy + Default>(values: impl Iterator<Item = T>) -> T {
        let mut values: Vec<T> = values.collect();
        values.sort_unstable();
        values.get(values.len() / 2).copied().unwrap_or_default()
    }
    Usage {
        wall: middle(runs.iter().map(|run| run.wall)),
        user: middle(runs.iter().map(|run| run.user)),
        system: middle(runs.iter().map(|run| run.system)),
        peak: middle(runs.iter().map(|run| run.peak)),
        told: middle(runs.iter().map(|run| run.told)),
    }
}

fn usage_json(usage: &Usage) -> Value {
    json!({
        "wall_ms": ms(usage.wall), "user_ms": ms(usage.user), "system_ms": ms(usage.system), "peak_mb": mb(usage),
        "sendmsg_ms": usage.told.map(ms),
    })
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

fn mb(usage: &Usage) -> f64 {
    usage.peak as f64 / 1e6
}

fn ratio(one: Duration, other: Duration) -> f64 {
    one.as_secs_f64() / other.as_secs_f64()
}

fn per_rule(rules: usize, usage: &Usage) -> f64 {
    usage.wall.as_secs_f64() * 1e6 / rules as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(wall: u64) -> Usage {
        Usage { wall: Duration::from_millis(wall), ..Usage::default() }
    }

    #[test]
    fn the_median_is_the_one_in_the_middle() {
        assert_eq!(median(&[usage(9), usage(1), usage(2)]).wall, Duration::from_millis(2));
        assert_eq!(median(&[]).wall, Duration::ZERO);
    }

    #[test]
    fn time_per_rule_may_grow_by_a_fifth() {
        let growth = |wall| Growth { medians: vec![(10, usage(10)), (1000, usage(wall))] };
        assert!(growth(1200).bound().is_some_and(|bound| bound.holds()));
        assert!(!growth(1201).bound().is_some_and(|bound| bound.holds()));
    }
}
