//! What the kernel did with a plan, kept as text, so that the evaluator can be compared with it where no kernel is at hand.

use crate::kernel::Observed;
use crate::trial::{self, Plan, Result};
use crate::{PORTS, compare};
use pkttables_eval::Evaluator;
use std::fmt;
use std::str::FromStr;

/// A plan, and what the kernel did.
#[derive(Clone, Debug)]
pub struct Recording {
    plan: Plan,
    observed: Vec<Observed>,
    /// The rules with counters in the end.
    counters: String,
}

/// When the first packet comes when a recording is judged: some time in 2023, in nanoseconds.
const START: u64 = 1_700_000_000_000_000_000;
/// Between packets.
const STEP: u64 = 1_000_000;

impl Recording {
    /// Sends the plan's packets through the kernel.
    pub fn new(plan: Plan) -> Result<Self> {
        let mut router = trial::router(&plan)?;
        let observed = plan.packets.iter().map(|sent| router.send(sent)).collect::<Result<_>>()?;
        let saved = router.save()?;
        let counters = saved.lines().filter(|line| !line.starts_with('#')).map(|line| line.to_owned() + "\n");
        Ok(Self { counters: counters.collect(), plan, observed })
    }

    /// What the evaluator does otherwise, in words.
    pub fn differences(&self) -> Result<Vec<String>> {
        let mut evaluator: Evaluator = trial::evaluator(&self.plan)?;
        let mut found = Vec::new();
        let mut time = START;
        for (sent, observed) in self.plan.packets.iter().zip(&self.observed) {
            time += STEP + sent.after * 1_000_000;
            let fate = trial::judge(&mut evaluator, sent, time, &mut ())?;
            found.extend(compare::packet(observed, &fate));
        }
        found.extend(compare::differences(&self.counters, &trial::counted(&mut evaluator)));
        Ok(found)
    }
}

impl fmt::Display for Recording {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.plan)?;
        for (number, Observed { left, delivered, replies, .. }) in (1..).zip(&self.observed) {
            for (name, packet) in left {
                writeln!(f, "> {number} left {name} {}", trial::hex(packet))?;
            }
            for (what, packets) in [("delivered", delivered), ("reply", replies)] {
                for packet in packets {
                    writeln!(f, "> {number} {what} {}", trial::hex(packet))?;
                }
            }
        }
        self.counters.lines().try_for_each(|line| writeln!(f, "= {line}"))
    }
}

impl FromStr for Recording {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let plan: Plan = text.parse()?;
        let mut observed = vec![Observed::default(); plan.packets.len()];
        let counters =
            text.lines().filter_map(|line| line.strip_prefix("= ")).map(|line| line.to_owned() + "\n");
        for line in text.lines() {
            let Some(words) = line.strip_prefix("> ") else { continue };
            let mut words = words.split(' ');
            let wrong = || format!("{line}: not understood");
            let number: usize = words.next().and_then(|number| number.parse().ok()).ok_or_else(wrong)?;
            let of = number.checked_sub(1).and_then(|at| observed.get_mut(at)).ok_or_else(wrong)?;
            let packet = |hex: Option<&str>| hex.and_then(trial::bytes).ok_or_else(wrong);
            match words.next() {
                Some("left") => {
                    let name = words.next().unwrap_or_default();
                    let port = PORTS.iter().find(|port| port.name == name).ok_or_else(wrong)?;
                    of.left.push((port.name, packet(words.next())?));
                }
                Some("delivered") => of.delivered.push(packet(words.next())?),
                Some("reply") => of.replies.push(packet(words.next())?),
                _ => return Err(wrong()),
            }
        }
        Ok(Self { counters: counters.collect(), plan, observed })
    }
}
