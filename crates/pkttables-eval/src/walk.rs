use crate::copies::Copies;
use crate::program::{Chain, Compiled, Condition, Go, Linear, MAX_DEPTH, PacketKey};
use crate::working::Working;
use crate::{Error, Event, Observer, Report, header, why};
use pkttables::model::{Counters, Hook, Match, Policy, Ruleset, TableName, Verdict};
use pkttables::registry::{
    Action, Answer, Backend, Connections, Context, Edit, Environment, Handshake, Outcome, Shared, Slot,
    Translation,
};
use std::sync::Arc;

/// What a table made of a packet, and which rule did it.
#[derive(Clone, Debug, PartialEq)]
pub struct Judgement {
    /// What becomes of the packet.
    pub decision: Decision,
    /// The chain's number: its place among all chains of all tables of the ruleset.
    pub chain: usize,
    /// The rule's number in its chain; 0 is the policy.
    pub rule: usize,
}

/// What becomes of a packet in a table.
#[derive(Clone, Debug, PartialEq)]
pub enum Decision {
    /// It goes on.
    Accept,
    /// It is thrown away.
    Drop,
    /// It is handed to a program.
    Queue {
        /// The number of the queue.
        number: u16,
        /// Whether it goes on if no program listens.
        bypass: bool,
    },
    /// It is thrown away and its sender told.
    Reject(Answer),
    /// A target keeps it.
    Stolen,
    /// A target keeps it and answers in place of its receiver.
    Answered(Handshake),
    /// Its connection is translated, and it goes on.
    Translate(Translation),
}

/// Judges packets by the rules of a table.
///
/// The [`Evaluator`](crate::Evaluator) does what surrounds the tables: their order, connection tracking, translation,
/// fragments, routing. [`Linear`] walks through the rules one by one and is exact for all of them. A form that was
/// compiled from a ruleset can stand in its place, or in front of it, and must say the same and count the same:
///
/// ```
/// use pkttables::model::{Counters, Family, Hook, Ruleset, TableName};
/// use pkttables_eval::{Decision, Error, Evaluator, Host, Judge, Judgement, Linear, Place, Working, World};
/// # use pkttables::packet::{Data, Meta};
/// # use pkttables::registry::{Backend, Registry};
/// # use pkttables::text::{Parser, ReadOptions, Reader, read_ruleset};
/// # use pkttables_eval::{Origin, Verdict};
/// use std::collections::HashMap;
/// use std::net::IpAddr;
/// use std::sync::Arc;
///
/// /// For a chain PREROUTING of the table raw whose rules are all of the form `-s ADDRESS -j DROP`.
/// #[derive(Debug)]
/// struct Blocked {
///     rules: HashMap<IpAddr, usize>,
///     counters: Vec<Counters>,
///     others: Linear,
/// }
///
/// impl Judge for Blocked {
///     fn judge(
///         &mut self,
///         at: Place,
///         packet: &mut Working,
///         world: &mut World<'_>,
///     ) -> Result<Option<Judgement>, Error> {
///         if (at.table, at.hook) != (TableName::Raw, Hook::Prerouting) {
///             return self.others.judge(at, packet, world);
///         }
///         let packet = packet.packet();
///         let rule = self.rules.get(&packet.layout.source).copied().unwrap_or(0);
///         self.counters[rule].packets += 1;
///         self.counters[rule].bytes += packet.data.len() as u64;
///         let decision = if rule == 0 { Decision::Accept } else { Decision::Drop };
///         Ok(Some(Judgement { decision, chain: 0, rule }))
///     }
///
///     fn write_counters(&self, ruleset: &mut Ruleset) {
///         self.others.write_counters(ruleset);
///         let chain = Arc::make_mut(&mut ruleset.tables[0].chains[0]);
///         chain.counters = Some(self.counters[0]);
///         for (rule, counters) in chain.rules.iter_mut().zip(&self.counters[1..]) {
///             rule.counters = Some(*counters);
///         }
///     }
/// }
///
/// # let text = "*raw\n:PREROUTING ACCEPT\n-A PREROUTING -s 192.0.2.8 -j DROP\n-A PREROUTING -s 192.0.2.9 -j DROP\nCOMMIT\n";
/// # let parser = Parser::new(Family::Ipv4, Registry::builtin());
/// # let ruleset = read_ruleset(&mut Reader::new(text.as_bytes(), parser, ReadOptions::default())).expect("rules");
/// let rules = &ruleset.tables[0].chains[0].rules;
/// let address = |rule: &pkttables::model::Rule| Some(rule.header.source?.value.address());
/// let judge = Blocked {
///     rules: rules.iter().zip(1..).filter_map(|(rule, number)| Some((address(rule)?, number))).collect(),
///     counters: vec![Counters::default(); rules.len() + 1],
///     others: Linear::new(&ruleset)?,
/// };
/// let mut evaluator = Evaluator::with_judge(ruleset, Host::new(), Backend::Nft, judge);
/// # let packet = [0x45, 0, 0, 28, 0, 1, 0, 0, 64, 17, 0xae, 0xc6, 192, 0, 2, 9, 10, 0, 0, 1, 0, 53, 0, 53, 0, 8, 0, 0];
/// # let fate = evaluator.process(Data::new(&packet), &Meta::default(), Origin::Received, &mut ())?;
/// # assert_eq!((fate.verdict, fate.rule.map(|rule| rule.number)), (Verdict::Drop, Some(2)));
/// # assert_eq!(evaluator.ruleset().tables[0].chains[0].rules[1].counters, Some(Counters { packets: 1, bytes: 28 }));
/// # Ok::<(), Error>(())
/// ```
pub trait Judge: std::fmt::Debug {
    /// Sends a packet through the table's chain at a hook; `None` if there is no such chain.
    fn judge(
        &mut self,
        at: Place,
        packet: &mut Working,
        world: &mut World<'_>,
    ) -> Result<Option<Judgement>, Error>;

    /// Writes what chains and rules have counted into the ruleset.
    fn write_counters(&self, ruleset: &mut Ruleset);
}

/// Where a packet is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    /// The table.
    pub table: TableName,
    /// The hook.
    pub hook: Hook,
}

/// What rules have to do with besides the packet.
#[derive(Debug)]
pub struct World<'a> {
    pub(crate) environment: &'a mut dyn Environment,
    pub(crate) observer: &'a mut dyn Observer,
    pub(crate) memory: &'a mut Memory,
    pub(crate) connections: &'a dyn Connections,
    pub(crate) backend: Backend,
    /// Whether the observer is told why rules do not match.
    pub(crate) explains: bool,
}

impl World<'_> {
    /// What follows neither from rules nor from packets.
    pub const fn environment(&mut self) -> &mut dyn Environment {
        self.environment
    }

    /// Which kernel code is followed.
    #[must_use]
    pub const fn backend(&self) -> Backend {
        self.backend
    }

    /// Tells what happens.
    pub fn tell(&mut self, event: Event<'_>) {
        self.observer.event(event);
    }
}

/// What lasts from packet to packet besides the rules' own memory.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    shared: Shared,
    edits: Vec<Edit>,
    /// What the target `TEE` sends.
    pub(crate) copies: Copies,
    /// Which match of the rule tested last failed, if one did.
    failed: usize,
}

impl Memory {
    /// What extensions remember by name.
    pub(crate) const fn shared(&mut self) -> &mut Shared {
        &mut self.shared
    }
}

/// A place in a chain to come back to.
#[derive(Clone, Copy, Debug)]
struct Frame {
    chain: usize,
    next: usize,
}

impl Judge for Linear {
    fn judge(
        &mut self,
        at: Place,
        packet: &mut Working,
        world: &mut World<'_>,
    ) -> Result<Option<Judgement>, Error> {
        let Some(entry) = self.entry(at.table, at.hook) else { return Ok(None) };
        let Some(base) = self.chains.get(entry) else { return Ok(None) };
        let (mut next, mut end, mut chain) = (base.first, base.end, entry);
        let mut frames = [Frame { chain: 0, next: 0 }; MAX_DEPTH];
        let mut depth = 0;
        let mut key = PacketKey::new(&packet.packet());
        loop {
            let step = self.step(at, next, end, &mut key, packet, world)?;
            let number = |program: &Self, rule: usize| {
                rule + 1 - program.chains.get(chain).map_or(0, |chain| chain.first)
            };
            let ended = matches!(step, Step::End);
            let back = match step {
                Step::End => true,
                Step::Done(rule, decision) => {
                    let rule = number(self, rule);
                    return Ok(Some(Judgement { decision, chain, rule }));
                }
                Step::Return => true,
                Step::Enter { rule, target, come_back } => {
                    if come_back && let Some(frame) = frames.get_mut(depth) {
                        *frame = Frame { chain, next: rule + 1 };
                        depth += 1;
                    }
                    let Some(entered) = self.chains.get(target) else { return Ok(None) };
                    (chain, next, end) = (target, entered.first, entered.end);
                    false
                }
            };
            if !back {
                continue;
            }
            if packet.traced && chain != entry && ended {
                trace(world, &self.chains, chain, "return", self.after_last(chain), at, packet);
            }
            match depth.checked_sub(1).and_then(|depth| Some((depth, *frames.get(depth)?))) {
                Some((shallower, frame)) => {
                    depth = shallower;
                    (chain, next) = (frame.chain, frame.next);
                    end = self.chains.get(chain).map_or(0, |chain| chain.end);
                }
                None => return Ok(Some(self.policy(entry, at, packet, world))),
            }
        }
    }

    fn write_counters(&self, ruleset: &mut Ruleset) {
        let chains = ruleset.tables.iter_mut().flat_map(|table| &mut table.chains).map(Arc::make_mut);
        for (chain, compiled) in chains.zip(&self.chains) {
            chain.counters = chain.policy.map(|_| compiled.counters);
            let counted = self.rules.get(compiled.first..compiled.end).unwrap_or_default();
            for (rule, counted) in chain.rules.iter_mut().zip(counted) {
                rule.counters = Some(counted.counters);
            }
        }
    }
}

enum Step {
    End,
    Return,
    Enter { rule: usize, target: usize, come_back: bool },
    Done(usize, Decision),
}

impl Linear {
    /// Goes on to the next rule that matches and does more than count.
    fn step(
        &mut self,
        at: Place,
        mut next: usize,
        end: usize,
        key: &mut PacketKey,
        packet: &mut Working,
        world: &mut World<'_>,
    ) -> Result<Step, Error> {
        while let Some(rule) = self.next(next, end, key) {
            if world.explains {
                self.explain_skipped(next, rule, at, packet, world);
            }
            next = rule + 1;
            let Some(compiled) = self.rules.get_mut(rule) else { break };
            let outcome = test(compiled, at, packet, world);
            for edit in world.memory.edits.drain(..) {
                packet.apply(edit);
            }
            match outcome {
                Ok(Outcome::Match | Outcome::DropMatching) => {}
                Ok(Outcome::Drop) => return Ok(Step::Done(rule, Decision::Drop)),
                Ok(_) => {
                    if world.explains {
                        self.explain(rule, world.memory.failed, at, packet, world);
                    }
                    continue;
                }
                Err(extension) => return Err(self.unsupported(rule, &extension)),
            }
            compiled.counters.packets += 1;
            compiled.counters.bytes += packet.bytes.len() as u64;
            if packet.traced {
                let (chain, number) = self.locate(rule);
                trace(world, &self.chains, chain, "rule", number, at, packet);
            }
            if outcome == Ok(Outcome::DropMatching) {
                return Ok(Step::Done(rule, Decision::Drop));
            }
            let Some(compiled) = self.rules.get_mut(rule) else { break };
            let decision = match &compiled.go {
                Go::Next => continue,
                Go::Verdict(Verdict::Accept) => Decision::Accept,
                Go::Verdict(Verdict::Drop) => Decision::Drop,
                Go::Verdict(Verdict::Return) => return Ok(Step::Return),
                Go::Verdict(Verdict::Queue) => Decision::Queue { number: 0, bypass: false },
                &Go::Jump(target) => return Ok(Step::Enter { rule, target, come_back: true }),
                &Go::Goto(target) => return Ok(Step::Enter { rule, target, come_back: false }),
                Go::Unknown(name) => {
                    let name = name.clone();
                    return Err(self.unsupported(rule, &name));
                }
                Go::Target(target) => {
                    let action = {
                        let mut context = context(at, world, &mut compiled.own);
                        target.act(&packet.packet(), &mut context)
                    };
                    for edit in world.memory.edits.drain(..) {
                        packet.apply(edit);
                        if matches!(edit, Edit::Address { .. }) {
                            *key = PacketKey::new(&packet.packet());
                        }
                    }
                    match action {
                        Action::Continue => continue,
                        Action::Accept => Decision::Accept,
                        Action::Drop => Decision::Drop,
                        Action::Queue { number, bypass } => Decision::Queue { number, bypass },
                        Action::Reject(answer) => Decision::Reject(answer),
                        Action::Stolen => Decision::Stolen,
                        Action::Answered(answer) => Decision::Answered(answer),
                        Action::Translate(translation) => Decision::Translate(translation),
                        Action::Report => {
                            let Some(Go::Target(target)) = self.rules.get(rule).map(|rule| &rule.go) else {
                                continue;
                            };
                            let (chain, number) = self.locate(rule);
                            let chain = self.chains.get(chain).map_or("", |chain| &*chain.name);
                            let (target, packet) = (&**target, packet.packet());
                            let report = Report::new(target, packet, world.environment);
                            world.observer.event(Event::Report {
                                table: at.table,
                                hook: at.hook,
                                chain,
                                rule: number,
                                target,
                                report,
                                packet,
                            });
                            continue;
                        }
                        Action::Copy { gateway, interface } => {
                            // A copy is not copied again.
                            if world.memory.copies.begin(at.hook, packet, gateway, interface) {
                                let (chain, number) = self.locate(rule);
                                let chain = self.chains.get(chain).map_or("", |chain| &*chain.name);
                                world.observer.event(Event::Copy {
                                    table: at.table,
                                    hook: at.hook,
                                    chain,
                                    rule: number,
                                    gateway,
                                    interface,
                                    packet: packet.packet(),
                                });
                            }
                            continue;
                        }
                        Action::Unsupported => {
                            let name = Box::from(target.descriptor().name);
                            return Err(self.unsupported(rule, &name));
                        }
                    }
                }
            };
            return Ok(Step::Done(rule, decision));
        }
        if world.explains {
            self.explain_skipped(next, end, at, packet, world);
        }
        Ok(Step::End)
    }

    /// Explains the rules that the quick test has excluded, by their headers or the ports in their first match.
    fn explain_skipped(
        &mut self,
        start: usize,
        end: usize,
        at: Place,
        packet: &Working,
        world: &mut World<'_>,
    ) {
        for rule in start..end {
            self.explain(rule, 0, at, packet, world);
        }
    }

    /// Tells the observer why a rule does not match.
    fn explain(&mut self, rule: usize, failed: usize, at: Place, packet: &Working, world: &mut World<'_>) {
        let (chain, number) = self.locate(rule);
        let Some(compiled) = self.rules.get_mut(rule) else { return };
        let packet = packet.packet();
        let reason = why::reason(compiled, failed, &packet, at, world);
        let chain = self.chains.get(chain).map_or("", |chain| &*chain.name);
        world.observer.event(Event::Miss { table: at.table, chain, rule: number, reason: &reason, packet });
    }

    fn policy(&mut self, entry: usize, at: Place, packet: &Working, world: &mut World<'_>) -> Judgement {
        if packet.traced {
            trace(world, &self.chains, entry, "policy", self.after_last(entry), at, packet);
        }
        let mut decision = Decision::Accept;
        if let Some(chain) = self.chains.get_mut(entry) {
            let Counters { packets, bytes } = &mut chain.counters;
            *packets += 1;
            *bytes += packet.bytes.len() as u64;
            if chain.policy == Policy::Drop {
                decision = Decision::Drop;
            }
        }
        Judgement { decision, chain: entry, rule: 0 }
    }

    /// The number that the kernel gives to the end of a chain.
    fn after_last(&self, chain: usize) -> usize {
        self.chains.get(chain).map_or(0, |chain| chain.end + 1 - chain.first)
    }

    /// The chain that a rule is in, and its number there.
    fn locate(&self, rule: usize) -> (usize, usize) {
        let chain = self.chains.partition_point(|chain| chain.end <= rule);
        let first = self.chains.get(chain).map_or(0, |chain| chain.first);
        (chain, rule + 1 - first)
    }

    fn unsupported(&self, rule: usize, extension: &str) -> Error {
        let (chain, rule) = self.locate(rule);
        match self.chains.get(chain) {
            Some(Chain { table, name, .. }) => {
                Error::Unsupported { table: *table, chain: name.clone(), rule, extension: extension.into() }
            }
            None => Error::Family,
        }
    }
}

/// Tests all conditions of a rule; the name of an extension if it cannot be evaluated.
fn test(
    rule: &mut Compiled,
    at: Place,
    packet: &Working,
    world: &mut World<'_>,
) -> Result<Outcome, Box<str>> {
    let packet = packet.packet();
    match header::test(&rule.header, &packet, world.backend) {
        Outcome::Match => {}
        other => return Ok(other),
    }
    let mut broken = false;
    for (place, Condition { test, own }) in rule.matches.iter_mut().enumerate() {
        let Match::Known(instance) = test else {
            return match test {
                Match::Opaque(opaque) => Err(opaque.name.clone()),
                Match::Known(instance) => Err(instance.descriptor().name.into()),
            };
        };
        match instance.matches(&packet, &mut context(at, world, own)) {
            Outcome::Match => {}
            Outcome::Unsupported => return Err(instance.descriptor().name.into()),
            Outcome::DropMatching if world.backend == Backend::Legacy => broken = true,
            Outcome::DropMatching => return Ok(Outcome::Drop),
            other => {
                world.memory.failed = place;
                return Ok(if broken { Outcome::Drop } else { other });
            }
        }
    }
    Ok(if broken { Outcome::DropMatching } else { Outcome::Match })
}

/// What an extension of a rule is judged with.
pub(crate) fn context<'c>(at: Place, world: &'c mut World<'_>, own: &'c mut Slot) -> Context<'c> {
    Context {
        table: at.table,
        hook: at.hook,
        backend: world.backend,
        environment: world.environment,
        connections: world.connections,
        own,
        shared: &mut world.memory.shared,
        edits: &mut world.memory.edits,
    }
}

fn trace(
    world: &mut World<'_>,
    chains: &[Chain],
    chain: usize,
    kind: &'static str,
    rule: usize,
    at: Place,
    packet: &Working,
) {
    let chain = chains.get(chain).map_or("", |chain| &*chain.name);
    world.observer.event(Event::Trace { table: at.table, chain, kind, rule, packet: packet.packet() });
}
