//! What each step between text and kernel costs a rule, with few rules and with many.

use crate::one_size::HELPED;
use crate::progress;
use crate::report::{Section, Table};
use crate::rounds::{Rounds, child as process, in_namespace, told};
use benches::Result;
use clap::ValueEnum;
use serde_json::{Map, Value};
use std::fmt::Write as _;
use std::process::{Command, Stdio};

/// Time per rule may grow by so much from the smallest to the largest ruleset.
const GROWTH: f64 = 1.3;

/// How rules are spread over chains.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Shape {
    /// Ten in each chain.
    Tens,
    /// All in one.
    One,
    /// All in one, and each jumps to one of 10,000 chains.
    Jumps,
}

impl Shape {
    const fn words(self) -> &'static str {
        match self {
            Self::Tens => "10 a chain",
            Self::One => "one chain",
            Self::Jumps => "jumps",
        }
    }

    pub(crate) fn text(self, rules: usize) -> String {
        match self {
            Self::Tens => testkit::ruleset(rules, rules.div_ceil(10)),
            Self::One => testkit::ruleset(rules, 1),
            Self::Jumps => testkit::jumps(rules, rules.min(10_000)),
        }
    }
}

/// Measures rulesets of 1000 rules and more; so many of each size that there are `most` rules in all.
pub(crate) fn steps(rounds: &Rounds, most: usize) -> Result<Section> {
    let sizes: Vec<usize> =
        std::iter::successors(Some(1000), |size| Some(size * 10)).take_while(|size| *size <= most).collect();
    let mut section = Section::new("Steps, nanoseconds of CPU time a rule");
    let mut rows: Vec<(String, Vec<f64>)> = Vec::new();
    for shape in Shape::value_variants() {
        let mut columns = Vec::new();
        for size in &sizes {
            progress::say(&format!("steps: {}, {size} rules", shape.words()));
            let mut least = Map::<String, Value>::new();
            for _ in 0..rounds.number {
                let name =
                    shape.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default();
                let told = told(process()?.args(["steps", &name, &size.to_string(), &most.to_string()]))?;
                for (step, ns) in told.as_object().into_iter().flatten() {
                    let ns = ns.as_f64().unwrap_or_default();
                    let before = least.get(step).and_then(Value::as_f64).unwrap_or(f64::INFINITY);
                    least.insert(step.clone(), ns.min(before).into());
                }
            }
            columns.push(least);
        }
        let steps: Vec<String> =
            columns.first().map(|first| first.keys().cloned().collect()).unwrap_or_default();
        for step in steps {
            let numbers: Vec<f64> =
                columns.iter().filter_map(|column| column.get(&step).and_then(Value::as_f64)).collect();
            let growth = numbers.first().zip(numbers.last()).map(|(small, large)| large / small);
            let what = format!("{}: {step}", shape.words());
            if !HELPED.contains(&&*step) {
                section.at_most(format!("{what}, largest / smallest"), growth, GROWTH);
            }
            rows.push((what, numbers));
        }
    }
    progress::end();
    let columns = sizes.iter().map(|size| format!("{size} rules")).collect();
    section.at_most("batches sent of chains that call one another too deep", Some(ladder(rounds)?), 0.0);
    section.table = Some(Table { what: "step", columns, rows });
    Ok(section)
}

/// Restores chains that call one another deeper than the kernel allows, which is to be refused with their names;
/// tells how many batches were sent.
fn ladder(rounds: &Rounds) -> Result<f64> {
    const STEPS: usize = 20;
    let mut text = String::from("*filter\n:INPUT ACCEPT [0:0]\n");
    (0..STEPS).try_for_each(|step| writeln!(text, ":step-{step} - [0:0]"))?;
    text.push_str("-A INPUT -j step-0\n");
    (1..STEPS).try_for_each(|step| writeln!(text, "-A step-{} -j step-{step}", step - 1))?;
    text.push_str("COMMIT\n");
    let file = tempfile::NamedTempFile::new()?;
    std::fs::write(file.path(), text)?;
    let mut command = Command::new(&rounds.programs.iptables2);
    command.args(["iptables-restore", "--debug=netlink"]).arg(file.path()).stdin(Stdio::null());
    let output = in_namespace(|| Ok(command.output()?))?;
    let said = String::from_utf8_lossy(&output.stderr);
    if output.status.success() || !said.contains("step-15") {
        return Err(format!("a ladder was not refused by name: {said}").into());
    }
    Ok(said.matches("NFNL_MSG_BATCH_BEGIN").count() as f64)
}
