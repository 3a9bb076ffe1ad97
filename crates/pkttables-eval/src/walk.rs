use crate::copies::Copies;
use crate::program::{Chain, Compiled, Condition, Go, MAX_DEPTH, PacketKey, Program};
use crate::working::Working;
use crate::{Error, Event, Observer, Report, header, why};
use pkttables::model::{Counters, Hook, Match, Policy, TableName, Verdict};
use pkttables::registry::{
    Action, Answer, Backend, Context, Edit, Environment, Outcome, Shared, Slot, Translation,
};

/// What a table made of a packet, and which rule did it.
#[derive(Clone, Debug)]
pub(crate) struct Judgement {
    pub(crate) what: What,
    /// The chain's number.
    pub(crate) chain: usize,
    /// The rule's number in its chain; 0 is the policy.
    pub(crate) rule: usize,
}

#[derive(Clone, Debug)]
pub(crate) enum What {
    Accept,
    Drop,
    Queue { number: u16, bypass: bool },
    Reject(Answer),
    Stolen,
    Translate(Translation),
}

/// Judges packets table by table.
///
/// The linear walk through the rules is one; a compiled form can stand in its place.
pub(crate) trait Judge: std::fmt::Debug {
    /// Sends a packet through the table's chain at a hook; `None` if there is no such chain.
    fn judge(
        &mut self,
        at: Place,
        packet: &mut Working,
        world: &mut World<'_>,
    ) -> Result<Option<Judgement>, Error>;
}

/// Where a packet is judged.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) table: TableName,
    pub(crate) hook: Hook,
}

/// What rules have to do with besides the packet.
#[derive(Debug)]
pub(crate) struct World<'a> {
    pub(crate) environment: &'a mut dyn Environment,
    pub(crate) observer: &'a mut dyn Observer,
    pub(crate) memory: &'a mut Memory,
    pub(crate) backend: Backend,
    /// Whether the observer is told why rules do not match.
    pub(crate) explains: bool,
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

impl Judge for Program {
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
                Step::Done(rule, what) => {
                    let rule = number(self, rule);
                    return Ok(Some(Judgement { what, chain, rule }));
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
}

enum Step {
    End,
    Return,
    Enter { rule: usize, target: usize, come_back: bool },
    Done(usize, What),
}

impl Program {
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
                Ok(Outcome::Match) => {}
                Ok(Outcome::Drop) => return Ok(Step::Done(rule, What::Drop)),
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
            let Some(compiled) = self.rules.get_mut(rule) else { break };
            let what = match &compiled.go {
                Go::Next => continue,
                Go::Verdict(Verdict::Accept) => What::Accept,
                Go::Verdict(Verdict::Drop) => What::Drop,
                Go::Verdict(Verdict::Return) => return Ok(Step::Return),
                Go::Verdict(Verdict::Queue) => What::Queue { number: 0, bypass: false },
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
                        Action::Accept => What::Accept,
                        Action::Drop => What::Drop,
                        Action::Queue { number, bypass } => What::Queue { number, bypass },
                        Action::Reject(answer) => What::Reject(answer),
                        Action::Stolen => What::Stolen,
                        Action::Translate(translation) => What::Translate(translation),
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
            return Ok(Step::Done(rule, what));
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
        let mut what = What::Accept;
        if let Some(chain) = self.chains.get_mut(entry) {
            let Counters { packets, bytes } = &mut chain.counters;
            *packets += 1;
            *bytes += packet.bytes.len() as u64;
            if chain.policy == Policy::Drop {
                what = What::Drop;
            }
        }
        Judgement { what, chain: entry, rule: 0 }
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
            other => {
                world.memory.failed = place;
                return Ok(other);
            }
        }
    }
    Ok(Outcome::Match)
}

/// What an extension of a rule is judged with.
pub(crate) fn context<'c>(at: Place, world: &'c mut World<'_>, own: &'c mut Slot) -> Context<'c> {
    Context {
        table: at.table,
        hook: at.hook,
        backend: world.backend,
        environment: world.environment,
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
