use crate::conntrack::{Cuts, Pass, Place as Collected, Reassembled, Reassembly, Settings};
use crate::copies::Copied;
use crate::needs;
use crate::network::Network;
use crate::program::Linear;
use crate::reject;
use crate::stack::{self, Routing};
use crate::tracking::{Connections, TCP_HEADER};
use crate::walk::{Decision, Judge, Judgement, Memory, Place, World};
use crate::working::Working;
use crate::{Error, Host, Observer};
use pkttables::matches::addrtype::AddressType;
use pkttables::model::{Family, Hook, Ruleset, TableName};
use pkttables::packet::{Authentication, Data, InterfaceName, Meta};
use pkttables::registry::{Answer, Backend, Environment, Translation};
use std::time::Duration;

/// Judges packets by a ruleset as the kernel would.
#[derive(Debug)]
pub struct Evaluator<E = Host, J = Linear> {
    ruleset: Ruleset,
    judge: J,
    /// Whether there is a table nat.
    translates: bool,
    environment: E,
    backend: Backend,
    packet: Working,
    memory: Memory,
    trace_all: bool,
    /// `None` if no rule needs connections to be tracked.
    connections: Option<Connections>,
    /// Whether fragments are put together in PREROUTING and OUTPUT.
    defragments: bool,
    reassembly: Reassembly,
    settings: Settings,
    network: Network,
    /// How the packet on its way was put together.
    cuts: Option<Cuts>,
    pieces: Vec<Vec<u8>>,
    reply: Vec<u8>,
}

/// What became of a packet.
#[derive(Clone, Copy, Debug)]
pub struct Fate<'a> {
    /// Whether it passed.
    pub verdict: Verdict,
    /// The last hook that it came to; `None` if it came to none.
    pub hook: Option<Hook>,
    /// The rule that decided, or the policy that was met last; `None` if none was asked.
    pub rule: Option<RuleName<'a>>,
    /// The packet as it leaves; `None` if it does not, or is for this host.
    pub out: Option<&'a [u8]>,
    /// If the packet came in fragments and was put together: the fragments as which it leaves.
    pub pieces: &'a [Vec<u8>],
    /// What its sender is told, if the packet was rejected or answered by `SYNPROXY`.
    pub reply: Option<&'a [u8]>,
    /// The number of the queue that it was handed to.
    pub queue: Option<u16>,
    /// The interface by which it leaves.
    pub output: Option<InterfaceName>,
    /// Its mark.
    pub mark: u32,
    /// The copies that the target `TEE` sent.
    pub copies: &'a [Copied],
}

/// The end of a packet's way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It left, or came to this host.
    Accept,
    /// It was thrown away.
    Drop,
    /// It was thrown away and the sender told.
    Reject,
    /// It was handed to a program.
    Queue,
    /// A part of the kernel kept it, as a fragment of a packet that is not yet complete or what `SYNPROXY` answers.
    Stolen,
}

/// Names a rule, or with number 0 a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RuleName<'a> {
    /// The table.
    pub table: TableName,
    /// The chain.
    pub chain: &'a str,
    /// The number, from 1.
    pub number: usize,
}

/// Where a packet comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// From the network.
    Received,
    /// From this host.
    Local,
}

impl Verdict {
    /// The name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Accept => "accept",
            Self::Drop => "drop",
            Self::Reject => "reject",
            Self::Queue => "queue",
            Self::Stolen => "stolen",
        }
    }
}

/// How far a packet came.
#[derive(Clone, Debug)]
struct Progress {
    hook: Option<Hook>,
    /// The numbers of the chain and of the rule that decided last.
    rule: Option<(usize, usize)>,
    verdict: Verdict,
    queue: Option<u16>,
    leaves: bool,
}

impl Default for Progress {
    fn default() -> Self {
        Self { hook: None, rule: None, verdict: Verdict::Drop, queue: None, leaves: false }
    }
}

impl<E: Environment> Evaluator<E> {
    /// Prepares to judge packets of the ruleset's family.
    pub fn new(ruleset: Ruleset, environment: E, backend: Backend) -> Result<Self, Error> {
        let judge = Linear::new(&ruleset)?;
        Ok(Self::with_judge(ruleset, environment, backend, judge))
    }
}

impl<E: Environment, J: Judge> Evaluator<E, J> {
    /// Prepares to let `judge` judge packets, which must have been made from the ruleset.
    pub fn with_judge(ruleset: Ruleset, environment: E, backend: Backend, judge: J) -> Self {
        let authentication = match backend {
            Backend::Nft => Authentication::Stop,
            Backend::Legacy => Authentication::Skip,
        };
        let tracked = needs::tracking(&ruleset);
        let settings = Settings { acct: needs::accounting(&ruleset).into(), ..Settings::default() };
        let mut memory = Memory::default();
        needs::install(&ruleset, memory.shared());
        Self {
            judge,
            translates: ruleset
                .tables
                .iter()
                .any(|table| table.name == TableName::Nat && !table.chains.is_empty()),
            environment,
            backend,
            packet: Working::new(authentication),
            memory,
            trace_all: false,
            reply: Vec::new(),
            defragments: tracked || needs::defragmentation(&ruleset),
            ruleset,
            reassembly: Reassembly::default(),
            cuts: None,
            pieces: Vec::new(),
            connections: tracked.then(|| Connections::new(settings.clone())),
            settings,
            network: Network::default(),
        }
    }

    /// The ruleset with what was counted up to now.
    pub fn ruleset(&mut self) -> &Ruleset {
        self.judge.write_counters(&mut self.ruleset);
        &self.ruleset
    }

    /// Changes the kernel's settings before the first packet comes; what rules need counted is counted anyway.
    pub(crate) fn set_settings(&mut self, settings: Settings, network: Network) {
        let acct = settings.acct.max(self.settings.acct);
        self.settings = Settings { acct, ..settings };
        self.network = network;
        let settings = &self.settings;
        self.connections = self.connections.take().map(|_| Connections::new(settings.clone()));
    }

    /// The rest of the world.
    pub const fn environment(&self) -> &E {
        &self.environment
    }

    /// Whether the way of every packet is reported, not only of those that met a TRACE target.
    pub const fn trace_all(&mut self, trace: bool) {
        self.trace_all = trace;
    }

    /// Sends a packet on its way.
    ///
    /// `meta` tells the interface by which it came, or for a packet from this host the one by which it leaves.
    pub fn process(
        &mut self,
        data: Data<'_>,
        meta: &Meta,
        origin: Origin,
        observer: &mut dyn Observer,
    ) -> Result<Fate<'_>, Error> {
        let mut progress = Progress::default();
        self.reply.clear();
        self.pieces.clear();
        self.cuts = None;
        self.memory.copies.clear();
        if self.packet.load(data, meta).is_ok() {
            if self.packet.layout.family != self.ruleset.family {
                return Err(Error::Family);
            }
            self.packet.traced = self.trace_all;
            if let Some(connections) = &mut self.connections {
                connections.begin(meta.time);
            }
            let done = match origin {
                Origin::Received => self.receive(&mut progress, observer),
                Origin::Local => self.send(&mut progress, observer),
            };
            if let Some(connections) = &mut self.connections {
                connections.end();
            }
            done?;
            if progress.leaves && !self.cut() {
                progress.leaves = false;
                progress.verdict = Verdict::Drop;
            }
            self.send_copies(observer)?;
        }
        let rule = progress.rule.and_then(|(chain, number)| {
            let (table, chain) = self.chain(chain)?;
            Some(RuleName { table, chain, number })
        });
        Ok(Fate {
            verdict: progress.verdict,
            hook: progress.hook,
            rule,
            out: progress.leaves.then_some(&*self.packet.bytes),
            pieces: &self.pieces,
            reply: (!self.reply.is_empty()).then_some(&*self.reply),
            queue: progress.queue,
            output: self.packet.meta.output,
            mark: self.packet.meta.mark,
            copies: self.memory.copies.left(),
        })
    }

    /// Table and name of a chain, by its place among all.
    fn chain(&self, mut place: usize) -> Option<(TableName, &str)> {
        for table in &self.ruleset.tables {
            match table.chains.get(place) {
                Some(chain) => return Some((table.name, &chain.name)),
                None => place -= table.chains.len(),
            }
        }
        None
    }

    /// Sends the copies that the target `TEE` made, each through OUTPUT and POSTROUTING as a packet that is not tracked.
    fn send_copies(&mut self, observer: &mut dyn Observer) -> Result<(), Error> {
        while let Some(gateway) = self.memory.copies.next(&mut self.environment) {
            std::mem::swap(&mut self.packet, &mut self.memory.copies.packet);
            self.memory.copies.sending = true;
            let passed = self.send_copy(observer);
            self.memory.copies.sending = false;
            std::mem::swap(&mut self.packet, &mut self.memory.copies.packet);
            if passed? {
                self.memory.copies.leave(gateway);
            }
        }
        Ok(())
    }

    fn send_copy(&mut self, observer: &mut dyn Observer) -> Result<bool, Error> {
        let mut progress = Progress::default();
        let passed = self.hook(Hook::Output, &mut progress, observer)?
            && self.hook(Hook::Postrouting, &mut progress, observer)?;
        let mtu = self.packet.meta.output.map_or(0, |output| self.environment.mtu(output));
        Ok(passed && self.packet.bytes.len() <= mtu as usize)
    }

    fn receive(&mut self, progress: &mut Progress, observer: &mut dyn Observer) -> Result<(), Error> {
        if !stack::admits(&self.packet.packet()).unwrap_or(false) {
            return Ok(());
        }
        if !self.hook(Hook::Prerouting, progress, observer)? {
            return Ok(());
        }
        if stack::asks_for_socket(&self.packet.packet()) {
            self.packet.join(TCP_HEADER);
        }
        let largest = self.cuts.as_ref().map(Cuts::largest);
        let routing = stack::route(&self.packet.packet(), largest, &mut self.environment, &self.network);
        let source_route = self.network.admits_source_route(&self.packet.packet());
        if self.packet.read_options(&routing, source_route, &mut self.environment).is_err() {
            progress.verdict = Verdict::Drop;
            return Ok(());
        }
        match routing {
            Routing::Refused => progress.verdict = Verdict::Drop,
            Routing::Local => {
                // IPv6 delivers locally after INPUT what IPv4 puts together before it.
                if self.packet.layout.family == Family::Ipv4 && !self.put_together(Collected::Local, progress)
                {
                    return Ok(());
                }
                self.hook(Hook::Input, progress, observer)?;
            }
            Routing::Forward(route) => {
                if !self.packet.decrease_hops() {
                    progress.verdict = Verdict::Drop;
                    return Ok(());
                }
                self.packet.meta.output = Some(route.interface);
                if self.hook(Hook::Forward, progress, observer)? {
                    self.packet.forward_options(&mut self.environment);
                    progress.leaves = self.hook(Hook::Postrouting, progress, observer)?;
                }
            }
        }
        Ok(())
    }

    fn send(&mut self, progress: &mut Progress, observer: &mut dyn Observer) -> Result<(), Error> {
        let destination = self.packet.layout.destination;
        if !self.hook(Hook::Output, progress, observer)? {
            return Ok(());
        }
        // Only behind the hook do rules see where a translated packet goes.
        let translated = self.packet.layout.destination;
        let local = self.environment.address_type(translated, None) == AddressType::Local;
        if local {
            self.packet.meta.output = InterfaceName::new(LOOPBACK);
        } else if translated != destination {
            let route = self.environment.route(translated, self.packet.meta.mark);
            self.packet.meta.output = route.map(|route| route.interface);
        }
        progress.leaves = self.hook(Hook::Postrouting, progress, observer)?;
        if local && std::mem::take(&mut progress.leaves) {
            self.packet.meta.input = self.packet.meta.output.take();
            self.receive(progress, observer)?;
        }
        Ok(())
    }

    /// Sends the packet through all tables of a hook; whether it passed.
    fn hook(
        &mut self,
        hook: Hook,
        progress: &mut Progress,
        observer: &mut dyn Observer,
    ) -> Result<bool, Error> {
        progress.hook = Some(hook);
        progress.verdict = Verdict::Accept;
        for &step in steps(hook, self.backend) {
            let destination = self.packet.layout.destination;
            let passes = match step {
                Step::Table(table) => self.table(table, hook, progress, observer)?.is_some(),
                Step::Nat => self.translate(hook, progress, observer)?,
                Step::Defragment if self.defragments => {
                    let place = if hook == Hook::Output { Collected::Outgoing } else { Collected::Incoming };
                    self.put_together(place, progress)
                }
                Step::Defragment => true,
                Step::Track => {
                    let received = hook == Hook::Prerouting;
                    self.connections.as_mut().is_none_or(|connections| {
                        connections.track(&mut self.packet, received, &mut self.environment) == Pass::Accept
                    })
                }
                Step::Confirm => match &mut self.connections {
                    Some(connections) => {
                        connections.confirm(&mut self.packet, &mut self.environment)? == Pass::Accept
                    }
                    None => true,
                },
            };
            // What this host sends is routed again at once if it goes elsewhere now.
            let moved = hook == Hook::Output && self.packet.layout.destination != destination;
            if !passes || moved && !self.leads_somewhere() {
                if progress.verdict == Verdict::Accept {
                    progress.verdict = Verdict::Drop;
                }
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Puts a fragment together with others; whether there is a packet to go on with.
    fn put_together(&mut self, place: Collected, progress: &mut Progress) -> bool {
        let now = Duration::from_nanos(self.packet.meta.time);
        match self.reassembly.push(self.packet.data(), place, &self.settings, now) {
            Reassembled::Whole => true,
            Reassembled::Held => {
                progress.verdict = Verdict::Stolen;
                false
            }
            Reassembled::Dropped => {
                progress.verdict = Verdict::Drop;
                false
            }
            Reassembled::Complete { packet, cuts } => {
                self.packet.bytes = packet;
                self.packet.contiguous = 0;
                self.packet.first_piece = cuts.first();
                self.cuts = Some(cuts);
                progress.verdict = Verdict::Accept;
                self.packet.reparse().is_ok()
            }
        }
    }

    /// Cuts a packet that leaves into the pieces that it came in; whether it can.
    fn cut(&mut self) -> bool {
        let Some(cuts) = &self.cuts else { return true };
        let mtu = self.packet.meta.output.map_or(1500, |output| self.environment.mtu(output));
        let len = self.packet.bytes.len();
        if self.packet.layout.family == Family::Ipv6 && len <= cuts.largest().min(mtu as usize) {
            return true;
        }
        match cuts.apply(&self.packet.bytes, mtu as usize, self.packet.contiguous) {
            Some(pieces) => {
                self.pieces = pieces;
                true
            }
            None => false,
        }
    }

    /// Translates the packet, after asking the table nat if that is not settled; whether it passed.
    fn translate(
        &mut self,
        hook: Hook,
        progress: &mut Progress,
        observer: &mut dyn Observer,
    ) -> Result<bool, Error> {
        let Some(connections) = &self.connections else { return Ok(true) };
        if !self.translates {
            return Ok(true);
        }
        if connections.wants_rules(hook) {
            let Some(passed) = self.table(TableName::Nat, hook, progress, observer)? else {
                return Ok(false);
            };
            if let Some(connections) = &mut self.connections {
                let translation = match &passed {
                    Passed::Translated(translation) => Some(translation),
                    Passed::AsIs => None,
                };
                connections.settle(hook, translation, &mut self.environment);
            }
        }
        let Some(connections) = &mut self.connections else { return Ok(true) };
        Ok(connections.translate(hook, &mut self.packet) == Pass::Accept)
    }

    /// Whether there is a way for the packet's destination.
    fn leads_somewhere(&mut self) -> bool {
        let destination = self.packet.layout.destination;
        self.environment.address_type(destination, None) == AddressType::Local
            || self.environment.route(destination, self.packet.meta.mark).is_some()
    }

    /// Sends the packet through a table; `None` if it did not pass.
    fn table(
        &mut self,
        table: TableName,
        hook: Hook,
        progress: &mut Progress,
        observer: &mut dyn Observer,
    ) -> Result<Option<Passed>, Error> {
        let explains = observer.wants_reasons();
        let mut world = World {
            explains,
            environment: &mut self.environment,
            observer,
            memory: &mut self.memory,
            connections: match &self.connections {
                Some(connections) => connections.table(),
                None => &(),
            },
            backend: self.backend,
        };
        let judged = self.judge.judge(Place { table, hook }, &mut self.packet, &mut world)?;
        if let Some(connections) = &mut self.connections {
            connections.take_changes(&mut self.packet);
        }
        let Some(Judgement { decision, chain, rule }) = judged else { return Ok(Some(Passed::AsIs)) };
        progress.rule = Some((chain, rule));
        progress.verdict = match decision {
            Decision::Accept | Decision::Queue { bypass: true, .. } => return Ok(Some(Passed::AsIs)),
            Decision::Translate(translation) => return Ok(Some(Passed::Translated(translation))),
            Decision::Drop => Verdict::Drop,
            Decision::Reject(answer) => {
                let (packet, environment) = (self.packet.packet(), &mut self.environment);
                match reject::answer(
                    &mut self.reply,
                    answer,
                    hook,
                    &packet,
                    &self.packet.options,
                    environment,
                ) {
                    true => {
                        self.network.set_hops(&mut self.reply);
                        if let (Answer::Reset, Some(connections)) = (answer, &mut self.connections) {
                            connections.close();
                        }
                        Verdict::Reject
                    }
                    false => Verdict::Drop,
                }
            }
            Decision::Queue { number, .. } => {
                progress.queue = Some(number);
                Verdict::Queue
            }
            Decision::Stolen => Verdict::Stolen,
            Decision::Answered(answer) => {
                let (packet, environment) = (self.packet.packet(), &mut self.environment);
                if reject::handshake(&mut self.reply, &answer, &packet, environment).is_none() {
                    self.reply.clear();
                }
                self.network.set_hops(&mut self.reply);
                Verdict::Stolen
            }
        };
        Ok(None)
    }
}

/// The interface of packets from this host to itself.
pub(crate) const LOOPBACK: &[u8] = b"lo";

/// How a packet left a table.
#[derive(Clone, Debug)]
enum Passed {
    AsIs,
    Translated(Translation),
}

/// What happens at a hook, in order of priority.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Table(TableName),
    /// Fragments are collected.
    Defragment,
    /// The packet's connection is looked up, or begun.
    Track,
    /// The table nat is asked about the connection, and the packet translated.
    Nat,
    /// The connection's helper reads the packet; a new connection is entered into the table of connections.
    Confirm,
}

const fn steps(hook: Hook, backend: Backend) -> &'static [Step] {
    use Step::{Confirm, Defragment, Nat, Table, Track};
    use TableName::{Filter, Mangle, Raw, Security};
    match (hook, backend) {
        (Hook::Prerouting, _) => &[Defragment, Table(Raw), Track, Table(Mangle), Nat],
        (Hook::Input, Backend::Nft) => &[Table(Mangle), Table(Filter), Nat, Table(Security), Confirm],
        (Hook::Input, Backend::Legacy) => &[Table(Mangle), Table(Filter), Table(Security), Nat, Confirm],
        (Hook::Forward, _) => &[Table(Mangle), Table(Filter), Table(Security)],
        (Hook::Output, _) => {
            &[Defragment, Table(Raw), Track, Table(Mangle), Nat, Table(Filter), Table(Security)]
        }
        (Hook::Postrouting, _) => &[Table(Mangle), Nat, Confirm],
    }
}
