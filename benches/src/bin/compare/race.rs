//! Programs that do the same in turn, and what each of them took.

use crate::contender::Contender;
use crate::measure::Usage;
use serde_json::{Value, json};
use std::fmt;
use std::time::Duration;

/// Programs that did the same in turn. The first one is what the others are compared with.
pub(crate) struct Race {
    what: &'static str,
    runs: Vec<(&'static str, Vec<Usage>)>,
    missing: Vec<&'static str>,
}

impl Race {
    pub(crate) fn new(what: &'static str, contenders: &[Contender], missing: &[&'static str]) -> Self {
        let runs = contenders.iter().map(|contender| (contender.name, Vec::new())).collect();
        Self { what, runs, missing: missing.to_vec() }
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

    /// What `part` of two contenders' usages comes to, the first divided by the second.
    pub(crate) fn ratio(&self, one: &str, other: &str, part: fn(&Usage) -> Duration) -> Option<f64> {
        let (one, other) = (self.median(one)?, self.median(other)?);
        Some(ratio(part(&one), part(&other)))
    }

    /// The same of their whole CPU time, which says more than the wall where the machine has other things to do.
    pub(crate) fn cpu_ratio(&self, one: &str, other: &str) -> Option<f64> {
        self.ratio(one, other, |usage| usage.user + usage.system)
    }

    pub(crate) fn json(&self) -> Value {
        let runs = self.runs.iter().map(|(name, runs)| {
            let all: Vec<Value> = runs.iter().map(usage_json).collect();
            json!({"program": name, "median": usage_json(&median(runs)), "runs": all})
        });
        json!({"what": self.what, "programs": runs.collect::<Vec<_>>(), "skipped": self.missing})
    }
}

impl fmt::Display for Race {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let own = self.runs.first().map(|(_, runs)| median(runs)).unwrap_or_default();
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
        self.missing.iter().try_for_each(|name| writeln!(f, "{name:24} is not installed: skipped"))
    }
}

/// The median of each number for itself.
fn median(runs: &[Usage]) -> Usage {
    Usage {
        wall: middle(runs.iter().map(|run| run.wall)),
        user: middle(runs.iter().map(|run| run.user)),
        system: middle(runs.iter().map(|run| run.system)),
        peak: middle(runs.iter().map(|run| run.peak)),
        told: middle(runs.iter().map(|run| run.told)),
    }
}

/// The one in the middle; the default of none.
pub(crate) fn middle<T: Ord + Copy + Default>(values: impl Iterator<Item = T>) -> T {
    let mut values: Vec<T> = values.collect();
    values.sort_unstable();
    values.get(values.len() / 2).copied().unwrap_or_default()
}

fn usage_json(usage: &Usage) -> Value {
    json!({
        "wall_ms": ms(usage.wall), "user_ms": ms(usage.user), "system_ms": ms(usage.system), "peak_mb": mb(usage),
        "sendmsg_ms": usage.told.map(ms),
    })
}

pub(crate) fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

pub(crate) fn mb(usage: &Usage) -> f64 {
    usage.peak as f64 / 1e6
}

pub(crate) fn ratio(one: Duration, other: Duration) -> f64 {
    one.as_secs_f64() / other.as_secs_f64()
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
}
