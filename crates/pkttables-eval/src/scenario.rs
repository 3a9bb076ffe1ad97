use crate::builder::{Made, PacketBuilder, WordError};
use crate::{Copied, Error, Evaluator, Event, Fate, Observer, Report, Setup, SetupError, Verdict};
use pkttables::model::{Hook, TableName, protocol};
use pkttables::packet::{Authentication, Data, Layout, Meta, Packet};
use std::fmt;
use std::net::IpAddr;

/// Packets sent through a ruleset one after another, and what is expected of them.
///
/// ```
/// use pkttables_eval::{Scenario, Setup};
/// use pkttables::model::Family;
///
/// let setup = Setup::parse(Family::Ipv4, "*filter\n:FORWARD DROP\n\
///     -A FORWARD -p tcp --dport 22 -m conntrack --ctstate NEW -j ACCEPT\n\
///     -A FORWARD -m conntrack --ctstate ESTABLISHED -j ACCEPT\nCOMMIT\n")?
///     .route("10.0.0.0/24=lan0")?
///     .route("0.0.0.0/0=wan0")?;
/// let mut scenario = Scenario::new(setup)?;
/// scenario.send("in=lan0 src=10.0.0.2 dst=192.0.2.1 proto=tcp sport=1025 dport=22").expect_accept();
/// scenario
///     .send("in=wan0 src=192.0.2.1 dst=10.0.0.2 proto=tcp sport=22 dport=1025 flags=syn,ack ack=1")
///     .expect_accept()
///     .expect_rule("filter:FORWARD:2");
/// scenario.send("in=wan0 src=192.0.2.1 dst=10.0.0.2 proto=udp dport=53").expect_drop();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Scenario {
    evaluator: Evaluator,
    /// When the first packet comes, in nanoseconds since 1970.
    start: u64,
}

/// What became of a packet of a [`Scenario`].
#[derive(Clone, Debug)]
pub struct Sent {
    /// Whether it passed.
    pub verdict: Verdict,
    /// The last hook that it came to.
    pub hook: Option<Hook>,
    /// Table, chain and number of the rule that decided; number 0 is the policy.
    pub rule: Option<(TableName, Box<str>, usize)>,
    /// The packet as it leaves.
    pub out: Option<Vec<u8>>,
    /// The interface by which it leaves.
    pub output: Option<Box<str>>,
    /// Its mark.
    pub mark: u32,
    /// The lines that `LOG` wrote.
    pub logs: Vec<String>,
    /// What `NFLOG` handed over: group, prefix and bytes.
    pub records: Vec<(u16, String, Vec<u8>)>,
    /// The copies that `TEE` sent.
    pub copies: Vec<Copied>,
    /// The rules that it met, in the form of the kernel's TRACE.
    pub trace: Vec<String>,
    /// Why other rules did not match.
    pub reasons: Vec<String>,
}

/// What is expected of a packet; what is `None` or empty is not looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expected {
    /// Whether it passes.
    pub verdict: Option<Verdict>,
    /// The last hook that it comes to.
    pub hook: Option<Hook>,
    /// The rule that decides, `TABLE:CHAIN:NUMBER`; number 0 is the policy.
    pub rule: Option<String>,
    /// Its mark.
    pub mark: Option<u32>,
    /// The interface by which it leaves.
    pub output: Option<String>,
    /// Fields of the packet as it leaves, in words as those it was made from: `dst=10.0.0.9 dport=8080`.
    pub out: Vec<(String, String)>,
    /// Texts that lines of `LOG` have in them.
    pub logs: Vec<String>,
    /// Groups that `NFLOG` hands it to.
    pub records: Vec<u16>,
    /// Hosts that `TEE` sends copies to.
    pub copies: Vec<IpAddr>,
    /// Steps of its way, as [`Sent::trace`] has them.
    pub trace: Vec<String>,
}

/// The fields of a packet that can be expected.
pub const FIELDS: [&str; 10] =
    ["src", "dst", "proto", "sport", "dport", "ttl", "tos", "length", "type", "payload"];

/// Something that is not as expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// What was looked at.
    pub what: String,
    /// What was expected.
    pub expected: String,
    /// What there is.
    pub found: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: expected {}, found {}", self.what, self.expected, self.found)
    }
}

/// Why a packet could not be sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// The packet's words are wrong.
    #[error(transparent)]
    Words(#[from] WordError),
    /// The packet cannot be judged.
    #[error(transparent)]
    Evaluation(#[from] Error),
}

impl Scenario {
    /// Puts the rules in force; no packet has come yet.
    pub fn new(setup: Setup) -> Result<Self, SetupError> {
        Ok(Self { evaluator: setup.trace(true).evaluator()?, start: 1_700_000_000_000_000_000 })
    }

    /// When the first packet comes, in nanoseconds since 1970; unless told otherwise in November 2023.
    #[must_use]
    pub fn start(self, nanoseconds: u64) -> Self {
        Self { start: nanoseconds, ..self }
    }

    /// Sends a packet in words, as [`PacketBuilder::parse`] reads them.
    ///
    /// # Panics
    /// If the words are wrong, or the packet comes to a rule that cannot be evaluated.
    #[track_caller]
    pub fn send(&mut self, words: &str) -> Sent {
        match self.try_send(words) {
            Ok(sent) => sent,
            #[expect(clippy::panic, reason = "it is an assertion")]
            Err(error) => panic!("{error}"),
        }
    }

    /// Sends a packet in words.
    pub fn try_send(&mut self, words: &str) -> Result<Sent, SendError> {
        let builder = PacketBuilder::parse(words)?;
        let made =
            builder.build().map_err(|error| WordError { word: words.into(), problem: error.into() })?;
        Ok(self.send_made(made)?)
    }

    /// Sends a packet; its time counts from the start of the scenario.
    pub fn send_made(&mut self, mut packet: Made) -> Result<Sent, Error> {
        packet.meta.time = packet.meta.time.saturating_add(self.start);
        let mut seen = Seen::default();
        let data = Data::new(&packet.bytes);
        let fate = self.evaluator.process(data, &packet.meta, packet.origin, &mut seen)?;
        let Fate { verdict, hook, rule, out, output, mark, copies, .. } = fate;
        Ok(Sent {
            verdict,
            hook,
            rule: rule.map(|rule| (rule.table, rule.chain.into(), rule.number)),
            out: out.map(<[u8]>::to_vec),
            output: output.filter(|_| out.is_some()).map(|output| output.to_string().into()),
            mark,
            logs: seen.logs,
            records: seen.records,
            copies: copies.to_vec(),
            trace: seen.trace,
            reasons: seen.reasons,
        })
    }
}

#[derive(Debug, Default)]
struct Seen {
    trace: Vec<String>,
    reasons: Vec<String>,
    logs: Vec<String>,
    records: Vec<(u16, String, Vec<u8>)>,
}

impl Observer for Seen {
    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Trace { table, chain, kind, rule, .. } => {
                self.trace.push(format!("{}:{chain}:{kind}:{rule}", table.name()));
            }
            Event::Miss { table, chain, rule, reason, .. } => {
                self.reasons.push(format!("rule {rule} of {chain} in {}: {reason}", table.name()));
            }
            Event::Report { report: Report::Log(line), .. } => self.logs.push(line.to_string()),
            Event::Report { report: Report::Nflog(record), .. } => {
                let mut bytes = Vec::new();
                record.data().append_to(&mut bytes);
                self.records.push((record.group(), record.prefix().to_owned(), bytes));
            }
            _ => {}
        }
    }

    fn wants_reasons(&self) -> bool {
        true
    }
}

impl Sent {
    /// The rule that decided, `TABLE:CHAIN:NUMBER`; number 0 is the policy.
    #[must_use]
    pub fn rule_name(&self) -> Option<String> {
        self.rule.as_ref().map(|(table, chain, number)| format!("{}:{chain}:{number}", table.name()))
    }

    /// A field of the packet as it leaves, one of [`FIELDS`]; `None` if it does not leave or has no such field.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<String> {
        let data = Data::new(self.out.as_deref()?);
        let layout = Layout::parse(&data, Authentication::Stop).ok()?;
        let meta = Meta::default();
        let packet = Packet::new(data, layout, &meta);
        let port =
            |offset| packet.transport::<2>(offset).ok().map(|port| u16::from_be_bytes(port).to_string());
        match name {
            "src" => Some(layout.source.to_string()),
            "dst" => Some(layout.destination.to_string()),
            "proto" => layout.protocol.map(protocol::name),
            "sport" => port(0),
            "dport" => port(2),
            "ttl" => Some(packet.hops().to_string()),
            "tos" => Some(format!("{:#04x}", packet.tos())),
            "length" => Some(layout.len.to_string()),
            "type" => packet.transport::<2>(0).ok().map(|[kind, code]| format!("{kind}/{code}")),
            "payload" => {
                let start = layout.transport + payload_offset(&packet)?;
                let bytes = data.chunks(start, layout.len).flatten();
                Some(bytes.fold("0x".to_owned(), |text, byte| text + &format!("{byte:02x}")))
            }
            _ => None,
        }
    }

    /// What is not as expected.
    #[must_use]
    pub fn compare(&self, expected: &Expected) -> Vec<Difference> {
        let mut differences = Vec::new();
        let mut compare = |what: &str, expected: Option<String>, found: Option<String>| {
            if let Some(expected) = expected.filter(|expected| Some(expected) != found.as_ref()) {
                let found = found.unwrap_or_else(|| "none".into());
                differences.push(Difference { what: what.into(), expected, found });
            }
        };
        compare("verdict", expected.verdict.map(|it| it.name().into()), Some(self.verdict.name().into()));
        let hook = |hook: Option<Hook>| hook.map(|hook| hook.chain().to_owned());
        compare("hook", hook(expected.hook), hook(self.hook));
        compare("rule", expected.rule.clone(), self.rule_name());
        compare("mark", expected.mark.map(|mark| format!("{mark:#x}")), Some(format!("{:#x}", self.mark)));
        compare("output", expected.output.clone(), self.output.as_deref().map(str::to_owned));
        for (name, value) in &expected.out {
            compare(name, Some(value.clone()), self.field(name));
        }
        for text in &expected.logs {
            let met = self.logs.iter().any(|line| line.contains(text)).then(|| text.clone());
            compare("log", Some(text.clone()), met.or_else(|| Some(self.logs.join(" | "))));
        }
        for group in expected.records.iter().map(u16::to_string) {
            let groups: Vec<String> = self.records.iter().map(|(group, ..)| group.to_string()).collect();
            let met = groups.contains(&group).then(|| group.clone());
            compare("nflog", Some(group), met.or_else(|| Some(groups.join(" "))));
        }
        for gateway in expected.copies.iter().map(IpAddr::to_string) {
            let gateways: Vec<String> = self.copies.iter().map(|copy| copy.gateway.to_string()).collect();
            let met = gateways.contains(&gateway).then(|| gateway.clone());
            compare("copy", Some(gateway), met.or_else(|| Some(gateways.join(" "))));
        }
        for step in &expected.trace {
            let met = self.trace.contains(step).then(|| step.clone());
            compare("trace", Some(step.clone()), met.or_else(|| Some(self.trace.join(" "))));
        }
        differences
    }

    /// What decided, in words: `drop at FORWARD by rule 3 of FORWARD in filter`.
    #[must_use]
    pub fn describe(&self) -> String {
        let mut text = self.verdict.name().to_owned();
        if let Some(hook) = self.hook {
            text += &format!(" at {}", hook.chain());
        }
        match &self.rule {
            Some((table, chain, 0)) => text += &format!(" by the policy of {chain} in {}", table.name()),
            Some((table, chain, rule)) => text += &format!(" by rule {rule} of {chain} in {}", table.name()),
            None => {}
        }
        text
    }

    /// # Panics
    /// If anything is not as expected, with the reasons why rules did not match.
    #[track_caller]
    pub fn expect(&self, expected: &Expected) -> &Self {
        let differences = self.compare(expected);
        assert!(
            differences.is_empty(),
            "{}\nit was {}\n{}",
            differences.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"),
            self.describe(),
            self.reasons.join("\n")
        );
        self
    }

    /// # Panics
    /// Unless the packet left, or came to this host.
    #[track_caller]
    pub fn expect_accept(&self) -> &Self {
        self.expect_verdict(Verdict::Accept)
    }

    /// # Panics
    /// Unless the packet was thrown away.
    #[track_caller]
    pub fn expect_drop(&self) -> &Self {
        self.expect_verdict(Verdict::Drop)
    }

    /// # Panics
    /// Unless the packet was thrown away and its sender told.
    #[track_caller]
    pub fn expect_reject(&self) -> &Self {
        self.expect_verdict(Verdict::Reject)
    }

    #[track_caller]
    fn expect_verdict(&self, verdict: Verdict) -> &Self {
        self.expect(&Expected { verdict: Some(verdict), ..Expected::default() })
    }

    /// # Panics
    /// Unless this rule decided, `TABLE:CHAIN:NUMBER`; number 0 is the policy.
    #[track_caller]
    pub fn expect_rule(&self, rule: &str) -> &Self {
        self.expect(&Expected { rule: Some(rule.into()), ..Expected::default() })
    }

    /// # Panics
    /// Unless `LOG` wrote a line with this text in it.
    #[track_caller]
    pub fn expect_log(&self, text: &str) -> &Self {
        self.expect(&Expected { logs: vec![text.into()], ..Expected::default() })
    }

    /// # Panics
    /// Unless `NFLOG` handed the packet to this group.
    #[track_caller]
    pub fn expect_nflog(&self, group: u16) -> &Self {
        self.expect(&Expected { records: vec![group], ..Expected::default() })
    }

    /// # Panics
    /// Unless `TEE` sent a copy to this host.
    #[track_caller]
    pub fn expect_copy(&self, gateway: IpAddr) -> &Self {
        self.expect(&Expected { copies: vec![gateway], ..Expected::default() })
    }

    /// # Panics
    /// Unless the packet has this mark.
    #[track_caller]
    pub fn expect_mark(&self, mark: u32) -> &Self {
        self.expect(&Expected { mark: Some(mark), ..Expected::default() })
    }

    /// # Panics
    /// Unless the packet leaves with this in a field, one of [`FIELDS`].
    #[track_caller]
    pub fn expect_field(&self, name: &str, value: &str) -> &Self {
        self.expect(&Expected { out: vec![(name.into(), value.into())], ..Expected::default() })
    }
}

/// Where the payload begins, from the transport header on.
fn payload_offset(packet: &Packet<'_>) -> Option<usize> {
    if packet.layout.fragment.offset != 0 {
        return Some(0);
    }
    Some(match packet.layout.protocol? {
        protocol::TCP => usize::from(packet.transport::<1>(12).ok()?[0] >> 4) * 4,
        protocol::UDP | protocol::UDPLITE | protocol::ICMP | protocol::ICMPV6 | protocol::ESP => 8,
        _ => 0,
    })
}
