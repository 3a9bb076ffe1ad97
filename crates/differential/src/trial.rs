//! One ruleset, and packets through it.

use crate::kernel::{Observed, Router, program};
use crate::packets::Traffic;
use crate::{PORTS, Sent, Source, compare, rules, topology};
use fastrand::Rng;
use pkttables::model::Family;
use pkttables::packet::{Data, Link, Meta, PacketKind};
use pkttables::registry::{Backend, Registry};
use pkttables::text::save::{CounterStyle, write_ruleset};
use pkttables::text::{Parser, ReadOptions, Reader, read_ruleset};
use pkttables_eval::{Evaluator, Host, Observer, Origin};
use std::fmt::Write as _;

/// Rules and packets that can be run again.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The family of rules and packets.
    pub family: Family,
    /// Who loads and judges.
    pub backend: Backend,
    /// The rules, a line each.
    pub rules: Vec<String>,
    /// The packets.
    pub packets: Vec<Sent>,
}

/// What came of a trial.
#[derive(Debug)]
pub enum Outcome {
    /// Both agree; so many packets were sent.
    Agreed(usize),
    /// They do not.
    Failed(Failure),
}

/// A disagreement.
#[derive(Clone, Debug)]
pub struct Failure {
    /// What was run, up to the disagreement.
    pub plan: Plan,
    /// What differs, in words.
    pub differences: Vec<String>,
}

/// The kernel and the evaluator side by side.
#[derive(Debug)]
pub struct Trial {
    plan: Plan,
    router: Router,
    evaluator: Evaluator<Host>,
}

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Makes a random ruleset of extensions that can be evaluated from a seed and sends up to `packets` random packets through it.
pub fn random(seed: u64, family: Family, backend: Backend, packets: usize) -> Result<Outcome> {
    let mut rng = Rng::with_seed(seed);
    let rules = rules::random(&mut rng, family);
    let mut trial = Trial::new(Plan { family, backend, rules, packets: Vec::new() })?;
    let mut traffic = Traffic::new(rng, family);
    for _ in 0..packets {
        let sent = traffic.make();
        let observed = match trial.send(&sent, &mut ())? {
            Step::Agreed(observed) => observed,
            Step::Chance => break,
            Step::Failed(differences) => {
                return Ok(Outcome::Failed(Failure { plan: trial.plan, differences }));
            }
        };
        traffic.saw(&observed);
    }
    trial.finish()
}

/// Runs a plan again.
pub fn replay(plan: &Plan) -> Result<Outcome> {
    replay_for(plan, &mut ())
}

/// Runs a plan again and tells what happens in the evaluator.
pub fn replay_for(plan: &Plan, observer: &mut dyn Observer) -> Result<Outcome> {
    let mut trial = Trial::new(Plan { packets: Vec::new(), ..plan.clone() })?;
    for sent in &plan.packets {
        match trial.send(sent, observer)? {
            Step::Agreed(_) => {}
            Step::Chance => break,
            Step::Failed(differences) => {
                return Ok(Outcome::Failed(Failure { plan: trial.plan, differences }));
            }
        }
    }
    trial.finish()
}

/// What came of one packet.
enum Step {
    Agreed(Observed),
    /// The kernel drew a random number, so that the rest cannot be foretold.
    Chance,
    Failed(Vec<String>),
}

impl Trial {
    /// Loads the rules into both; lines that the kernel does not take are left away.
    fn new(mut plan: Plan) -> Result<Self> {
        let router = Router::new(plan.family, plan.backend)?;
        loop {
            let error = match router.load(&plan.text()) {
                Ok(()) => break,
                Err(error) => error.to_string(),
            };
            let line = refused_line(&error).and_then(|line| line.checked_sub(1));
            match line.filter(|line| plan.rules.get(*line).is_some_and(|line| line.starts_with("-A"))) {
                Some(line) => drop(plan.rules.remove(line)),
                None => {
                    return Err(format!(
                        "{}: {error}\n{}",
                        program(plan.family, plan.backend, "restore"),
                        plan.text()
                    )
                    .into());
                }
            }
        }
        let text = plan.text();
        let parser = Parser::new(plan.family, Registry::builtin());
        let ruleset = read_ruleset(&mut Reader::new(text.as_bytes(), parser, ReadOptions::default()))
            .map_err(|errors| format!("{errors:?}\n{text}"))?;
        let evaluator = Evaluator::new(ruleset, topology::host(plan.family), plan.backend)?;
        Ok(Self { plan, router, evaluator })
    }

    fn send(&mut self, sent: &Sent, observer: &mut dyn Observer) -> Result<Step> {
        self.plan.packets.push(sent.clone());
        let observed = self.router.send(sent)?;
        let (meta, origin) = meta(sent, observed.time);
        let draws = self.evaluator.environment().draws();
        let fate = self.evaluator.process(Data::new(&sent.bytes), &meta, origin, observer)?;
        let differences = compare::packet(&observed, &fate);
        if self.evaluator.environment().draws() != draws {
            return Ok(Step::Chance);
        }
        Ok(if differences.is_empty() { Step::Agreed(observed) } else { Step::Failed(differences) })
    }

    /// Compares the counters.
    fn finish(mut self) -> Result<Outcome> {
        let kernel = self.router.save()?;
        let mut evaluator = String::new();
        write_ruleset(&mut evaluator, self.evaluator.ruleset(), CounterStyle::Before);
        let differences = compare::differences(&kernel, &evaluator);
        Ok(if differences.is_empty() {
            Outcome::Agreed(self.plan.packets.len())
        } else {
            Outcome::Failed(Failure { plan: self.plan, differences })
        })
    }
}

impl Plan {
    /// The rules as the loader reads them.
    #[must_use]
    pub fn text(&self) -> String {
        self.rules.iter().fold(String::new(), |text, line| text + line + "\n")
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Plan { family, backend, packets, .. } = &self.plan;
        writeln!(f, "# {family:?} {backend:?}\n{}", self.plan.text())?;
        for (number, Sent { source, bytes }) in (1..).zip(packets) {
            let hex = bytes.iter().fold(String::new(), |mut text, byte| {
                let _ = write!(text, "{byte:02x}");
                text
            });
            match source {
                Source::Wire { port, destination: [first, .., last] } => {
                    let name = PORTS.get(*port).map_or("", |port| port.name);
                    writeln!(f, "# {number}: {name} to {first:02x}..{last:02x} {hex}")?;
                }
                Source::Own { .. } => writeln!(f, "# {number}: own {hex}")?,
            }
        }
        self.differences.iter().try_for_each(|difference| writeln!(f, "! {difference}"))
    }
}

fn meta(sent: &Sent, time: u64) -> (Meta, Origin) {
    match sent.source {
        Source::Wire { port, destination } => {
            let own = PORTS.get(port).map(|port| port.mac);
            let kind = match destination {
                [0xff, 0xff, 0xff, 0xff, 0xff, 0xff] => PacketKind::Broadcast,
                [first, ..] if first & 1 != 0 => PacketKind::Multicast,
                mac if Some(mac) == own => PacketKind::Host,
                _ => PacketKind::Other,
            };
            let ethertype =
                if sent.bytes.first().is_some_and(|first| first >> 4 == 6) { 0x86dd } else { 0x0800 };
            let link = Some(Link { destination, source: [2, 0, 0, 0, 10, port as u8 + 1], ethertype });
            let input = PORTS.get(port).map(|port| port.interface());
            (Meta { input, kind, link, time, ..Meta::default() }, Origin::Received)
        }
        Source::Own { port } => {
            let output = PORTS.get(port).map(|port| port.interface());
            (Meta { output, time, ..Meta::default() }, Origin::Local)
        }
    }
}

/// The line that a loader complains of.
fn refused_line(error: &str) -> Option<usize> {
    let after = |words: &str| error.split_once(words).map(|(_, rest)| rest.trim_start());
    let rest = after("occurred at line:").or_else(|| after("line "))?;
    rest.split(|character: char| !character.is_ascii_digit()).next()?.parse().ok()
}
