//! One ruleset, and packets through it.

use crate::kernel::{Observed, Router, program};
use crate::packets::Traffic;
use crate::{Manner, PORTS, Sent, Source, compare, rules, sets, topology};
use fastrand::Rng;
use pkttables::model::Family;
use pkttables::packet::{Data, Link, Meta, PacketKind};
use pkttables::registry::{Backend, Registry};
use pkttables::text::save::{CounterStyle, write_ruleset};
use pkttables::text::{Parser, ReadOptions, Reader, read_ruleset};
use pkttables_eval::ipset::Sets;
use pkttables_eval::{Evaluator, Event, Fate, Host, Observer, Origin, Setup};
use std::fmt::Write as _;

/// Rules and packets that can be run again.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The family of rules and packets.
    pub family: Family,
    /// Who loads and judges.
    pub backend: Backend,
    /// What else the kernel is told first: sets as `ipset restore` reads them, and settings as `set NAME VALUE`.
    pub world: Vec<String>,
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

pub(crate) type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Makes a random ruleset of extensions that can be evaluated from a seed and sends up to `packets` random packets through it.
pub fn random(seed: u64, family: Family, backend: Backend, packets: usize) -> Result<Outcome> {
    let mut rng = Rng::with_seed(seed);
    let manner = Manner::random(&mut rng);
    let world = manner.world(&mut rng);
    let rules = rules::random(&mut rng, family, manner);
    let mut trial = Trial::new(Plan { family, backend, world, rules, packets: Vec::new() })?;
    let mut traffic = Traffic::new(rng, family, manner);
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

/// Runs a plan again and tells what the evaluator does with each packet, rule by rule.
pub fn traced(plan: &Plan) -> Result<(Outcome, String)> {
    let mut trial = Trial::new(Plan { packets: Vec::new(), ..plan.clone() })?;
    trial.evaluator.trace_all(true);
    let mut story = Story::default();
    for (number, sent) in (1..).zip(&plan.packets) {
        let _ = writeln!(story.0, "# {number}");
        match trial.send(sent, &mut story)? {
            Step::Agreed(_) => {}
            Step::Chance => break,
            Step::Failed(differences) => {
                return Ok((Outcome::Failed(Failure { plan: trial.plan, differences }), story.0));
            }
        }
    }
    Ok((trial.finish()?, story.0))
}

/// The rules that packets meet, as the kernel's TRACE names them, and their connection's state there.
#[derive(Debug, Default)]
struct Story(String);

impl Observer for Story {
    fn event(&mut self, event: Event<'_>) {
        if let Event::Trace { table, chain, kind, rule, packet } = event {
            let _ = writeln!(self.0, "  {}:{chain}:{kind}:{rule} {:?}", table.name(), packet.meta.state);
        }
    }
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
        let router = world(&plan)?;
        loop {
            let error = match router.load(&plan.text()) {
                Ok(()) => break,
                Err(error) => error.to_string(),
            };
            let line = refused_line(&error).and_then(|line| line.checked_sub(1));
            match line.and_then(|line| Some((line, plan.rules.get(line)?))) {
                Some((line, rule)) if rule.starts_with("-A") => drop(plan.rules.remove(line)),
                // ip_tables does not say which rule of a table it does not take.
                Some((end, rule)) if rule == "COMMIT" => {
                    let start =
                        plan.rules.iter().take(end).rposition(|line| line.starts_with('*')).unwrap_or(0);
                    let mut at = 0;
                    plan.rules.retain(|line| {
                        at += 1;
                        at <= start || at > end || !line.starts_with("-A")
                    });
                }
                _ => {
                    return Err(format!(
                        "{}: {error}\n{}",
                        program(plan.family, plan.backend, "restore"),
                        plan.text()
                    )
                    .into());
                }
            }
        }
        let evaluator = evaluator(&plan)?;
        Ok(Self { plan, router, evaluator })
    }

    fn send(&mut self, sent: &Sent, observer: &mut dyn Observer) -> Result<Step> {
        self.plan.packets.push(sent.clone());
        let observed = self.router.send(sent)?;
        let draws = self.evaluator.environment().draws();
        let fate = judge(&mut self.evaluator, sent, observed.time, observer)?;
        let differences = compare::packet(&observed, &fate);
        if self.evaluator.environment().draws() != draws {
            return Ok(Step::Chance);
        }
        Ok(if differences.is_empty() { Step::Agreed(observed) } else { Step::Failed(differences) })
    }

    /// Compares the counters.
    fn finish(mut self) -> Result<Outcome> {
        let kernel = self.router.save()?;
        let differences = compare::differences(&kernel, &counted(&mut self.evaluator));
        Ok(if differences.is_empty() {
            Outcome::Agreed(self.plan.packets.len())
        } else {
            Outcome::Failed(Failure { plan: self.plan, differences })
        })
    }
}

/// A router in the thread's network namespace with the plan's rules.
pub(crate) fn router(plan: &Plan) -> Result<Router> {
    let router = world(plan)?;
    router.load(&plan.text())?;
    Ok(router)
}

/// A router without rules.
fn world(plan: &Plan) -> Result<Router> {
    let router = Router::new(plan.family, plan.backend)?;
    router.make_sets(&plan.sets())?;
    plan.settings().try_for_each(|(name, value)| router.set(&name.replace('.', "/"), value))?;
    Ok(router)
}

/// An evaluator with the plan's rules.
pub(crate) fn evaluator(plan: &Plan) -> Result<Evaluator<Host>> {
    let text = plan.text();
    let parser = Parser::new(plan.family, Registry::builtin());
    let ruleset = read_ruleset(&mut Reader::new(text.as_bytes(), parser, ReadOptions::default()))
        .map_err(|errors| format!("{errors:?}\n{text}"))?;
    let mut host = topology::host(plan.family);
    host.set_sets(Sets::parse(&(sets::text(plan.family) + &plan.sets()))?);
    let setup = Setup::new(ruleset).host(host).backend(plan.backend);
    Ok(plan.settings().try_fold(setup, |setup, (name, value)| setup.sysctl(name, value))?.evaluator()?)
}

/// What the evaluator makes of a packet.
pub(crate) fn judge<'e>(
    evaluator: &'e mut Evaluator<Host>,
    sent: &Sent,
    time: u64,
    observer: &mut dyn Observer,
) -> Result<Fate<'e>> {
    let (meta, origin) = meta(sent, time);
    Ok(evaluator.process(Data::new(&sent.bytes), &meta, origin, observer)?)
}

/// The evaluator's rules with what they counted.
pub(crate) fn counted(evaluator: &mut Evaluator<Host>) -> String {
    let mut text = String::new();
    write_ruleset(&mut text, evaluator.ruleset(), CounterStyle::Before);
    text
}

impl Plan {
    /// The rules as the loader reads them.
    #[must_use]
    pub fn text(&self) -> String {
        self.rules.iter().fold(String::new(), |text, line| text + line + "\n")
    }

    fn sets(&self) -> String {
        let lines = self.world.iter().filter(|line| !line.starts_with("set "));
        lines.fold(String::new(), |text, line| text + line + "\n")
    }

    fn settings(&self) -> impl Iterator<Item = (&str, &str)> {
        self.world.iter().filter_map(|line| line.strip_prefix("set ")?.split_once(' '))
    }
}

impl std::str::FromStr for Plan {
    type Err = String;

    /// Reads a plan as a [`Failure`] is printed; other lines are left out.
    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let family = if text.contains("# Ipv6") { Family::Ipv6 } else { Family::Ipv4 };
        let backend = if text.contains(" Legacy\n") { Backend::Legacy } else { Backend::Nft };
        let is_rule = |line: &&str| line.starts_with(['*', ':', '-']) || *line == "COMMIT";
        let rules = text.lines().filter(is_rule).map(str::to_owned).collect();
        let is_world = |line: &&str| ["set ", "create ", "add "].iter().any(|word| line.starts_with(word));
        let world = text.lines().filter(is_world).map(str::to_owned).collect();
        let packets = text.lines().filter_map(|line| sent(line.strip_prefix("# ")?.split_once(": ")?.1));
        Ok(Self { family, backend, world, rules, packets: packets.collect::<std::result::Result<_, _>>()? })
    }
}

/// Reads a packet as it is printed; none if the line is about something else.
fn sent(words: &str) -> Option<std::result::Result<Sent, String>> {
    let words: Vec<&str> = words.split(' ').collect();
    let number = |name: &str| PORTS.iter().position(|port| port.name == name);
    let (after, words) = match words.as_slice() {
        ["after", after, words @ ..] => (after.parse().ok()?, words),
        words => (0, words),
    };
    let source = match *words {
        ["own", name, _] => Source::Own { port: number(name)? },
        [name, "to", link, _] => {
            let destination = bytes(link).and_then(|link| <[u8; 6]>::try_from(link).ok())?;
            Source::Wire { port: number(name)?, destination }
        }
        _ => return None,
    };
    let hex = words.last()?;
    Some(bytes(hex).map(|bytes| Sent { source, after, bytes }).ok_or_else(|| format!("{hex}: no bytes")))
}

pub(crate) fn bytes(hex: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> =
        hex.chars().map(|digit| digit.to_digit(16).map(|digit| digit as u8)).collect::<Option<_>>()?;
    let pairs = digits.chunks_exact(2);
    pairs
        .remainder()
        .is_empty()
        .then(|| pairs.map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit)).collect())
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

impl std::fmt::Display for Plan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "# {:?} {:?}", self.family, self.backend)?;
        self.world.iter().try_for_each(|line| writeln!(f, "{line}"))?;
        writeln!(f, "{}", self.text())?;
        for (number, Sent { source, after, bytes }) in (1..).zip(&self.packets) {
            let name = |port: &usize| PORTS.get(*port).map_or("", |port| port.name);
            let after = if *after == 0 { String::new() } else { format!("after {after} ") };
            match source {
                Source::Wire { port, destination } => {
                    writeln!(f, "# {number}: {after}{} to {} {}", name(port), hex(destination), hex(bytes))?;
                }
                Source::Own { port } => writeln!(f, "# {number}: {after}own {} {}", name(port), hex(bytes))?,
            }
        }
        Ok(())
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.plan)?;
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
