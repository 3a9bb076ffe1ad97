//! What was measured, and whether it is what was promised, as text and as JSON.

use crate::race::Race;
use serde_json::{Value, json};
use std::fmt;

/// All that was measured.
pub(crate) struct Report {
    rounds: usize,
    /// How many others wanted to compute when it began.
    load: Option<f64>,
    pub(crate) sections: Vec<Section>,
}

/// What belongs together: some races, some numbers, and what they are to be.
#[derive(Default)]
pub(crate) struct Section {
    pub(crate) title: String,
    pub(crate) races: Vec<Race>,
    pub(crate) table: Option<Table>,
    pub(crate) figures: Vec<Figure>,
    pub(crate) bounds: Vec<Bound>,
}

/// Numbers in rows and columns.
pub(crate) struct Table {
    pub(crate) what: &'static str,
    pub(crate) columns: Vec<String>,
    pub(crate) rows: Vec<(String, Vec<f64>)>,
}

/// A number that nothing was promised of.
pub(crate) struct Figure {
    pub(crate) what: String,
    pub(crate) measured: f64,
}

/// A promise, and what was measured.
pub(crate) struct Bound {
    what: String,
    measured: f64,
    limit: Limit,
}

#[derive(Clone, Copy)]
enum Limit {
    AtMost(f64),
    AtLeast(f64),
}

impl Report {
    pub(crate) fn new(rounds: usize) -> Self {
        let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
        let load = load.split(' ').next().and_then(|load| load.parse().ok());
        Self { rounds, load, sections: Vec::new() }
    }

    pub(crate) fn json(&self) -> Value {
        let sections: Vec<Value> = self.sections.iter().map(Section::json).collect();
        json!({"rounds": self.rounds, "load": self.load, "sections": sections})
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(load) = self.load.filter(|load| *load >= 1.0) {
            writeln!(f, "The load was {load} at the beginning: the times on the wall contain waiting.\n")?;
        }
        for section in &self.sections {
            writeln!(f, "## {}, medians of {}\n", section.title, self.rounds)?;
            section.fmt(f)?;
        }
        Ok(())
    }
}

impl Section {
    pub(crate) fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), ..Self::default() }
    }

    /// Notes what is to be no more than `limit`; nothing if it could not be measured.
    pub(crate) fn at_most(&mut self, what: impl Into<String>, measured: Option<f64>, limit: f64) {
        self.bound(what.into(), measured, Limit::AtMost(limit));
    }

    /// Notes what is to be no less than `limit`; nothing if it could not be measured.
    pub(crate) fn at_least(&mut self, what: impl Into<String>, measured: Option<f64>, limit: f64) {
        self.bound(what.into(), measured, Limit::AtLeast(limit));
    }

    /// Notes a number that nothing was promised of; nothing if it could not be measured.
    pub(crate) fn figure(&mut self, what: impl Into<String>, measured: Option<f64>) {
        self.figures.extend(measured.map(|measured| Figure { what: what.into(), measured }));
    }

    fn bound(&mut self, what: String, measured: Option<f64>, limit: Limit) {
        self.bounds.extend(measured.map(|measured| Bound { what, measured, limit }));
    }

    fn json(&self) -> Value {
        let figures = self.figures.iter().map(|figure| (figure.what.clone(), figure.measured.into()));
        json!({
            "title": self.title,
            "races": self.races.iter().map(Race::json).collect::<Vec<_>>(),
            "table": self.table.as_ref().map(Table::json),
            "figures": figures.collect::<serde_json::Map<_, _>>(),
            "bounds": self.bounds.iter().map(Bound::json).collect::<Vec<_>>(),
        })
    }
}

impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.races.iter().try_for_each(|race| writeln!(f, "{race}"))?;
        if let Some(table) = &self.table {
            writeln!(f, "{table}")?;
        }
        for Figure { what, measured } in &self.figures {
            writeln!(f, "      {what:52} {measured:11.3}")?;
        }
        self.bounds.iter().try_for_each(|bound| bound.fmt(f))?;
        writeln!(f)
    }
}

impl Table {
    fn json(&self) -> Value {
        let rows = self.rows.iter().map(|(name, numbers)| (name.clone(), numbers.clone().into()));
        json!({"what": self.what, "columns": self.columns, "rows": rows.collect::<serde_json::Map<_, _>>()})
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:28}", self.what)?;
        self.columns.iter().try_for_each(|column| write!(f, " {column:>11}"))?;
        writeln!(f)?;
        for (name, numbers) in &self.rows {
            write!(f, "{name:28}")?;
            numbers.iter().try_for_each(|number| write!(f, " {number:11.1}"))?;
            writeln!(f)?;
        }
        Ok(())
    }
}

impl Bound {
    fn holds(&self) -> bool {
        match self.limit {
            Limit::AtMost(limit) => self.measured <= limit,
            Limit::AtLeast(limit) => self.measured >= limit,
        }
    }

    fn json(&self) -> Value {
        let (word, limit) = self.limit.parts();
        json!({"what": self.what, "measured": self.measured, word: limit, "holds": self.holds()})
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = if self.holds() { "pass" } else { "FAIL" };
        let (word, limit) = self.limit.parts();
        let word = word.replace('_', " ");
        writeln!(f, "{verdict}  {:52} {:11.3}  {word} {limit:.3}", self.what, self.measured)
    }
}

impl Limit {
    const fn parts(self) -> (&'static str, f64) {
        match self {
            Self::AtMost(limit) => ("at_most", limit),
            Self::AtLeast(limit) => ("at_least", limit),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_hold_up_to_their_limit() {
        let mut section = Section::new("some");
        section.at_most("most", Some(1.2), 1.2);
        section.at_most("more", Some(1.21), 1.2);
        section.at_least("least", Some(100.0), 100.0);
        section.at_least("less", Some(99.0), 100.0);
        section.at_least("unknown", None, 100.0);
        let holds: Vec<bool> = section.bounds.iter().map(Bound::holds).collect();
        assert_eq!(holds, [true, false, true, false]);
        assert!(section.to_string().contains("FAIL  more"));
    }
}
