use super::capture::{self, Captured};
use super::{FamilyName, Source, check};
use crate::Result;
use crate::failure::Failure;
use clap::{Args, ValueEnum};
use pkttables::model::{AddressMask, Family};
use pkttables::packet::{Data, InterfaceName};
use pkttables::registry::{Backend, Route, Scope, Value as _};
use pkttables::text::save::{CounterStyle, write_ruleset};
use pkttables_eval::{Evaluator, Event, Fate, Host, Observer};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::io::{BufReader, Write as _};
use std::net::IpAddr;
use std::path::PathBuf;
use std::process::ExitCode;

/// `iptables2 eval`
#[derive(Debug, Args)]
pub(super) struct Eval {
    /// The rules are for IPv4, as they are anyway
    #[arg(short = '4')]
    v4: bool,
    /// The rules are for IPv6
    #[arg(short = '6', conflicts_with = "v4")]
    v6: bool,
    /// The rules, in the format of iptables-save
    #[arg(long)]
    rules: PathBuf,
    /// The packets: a pcapng file of Ethernet frames, whose interface names are those that packets come in by
    #[arg(long)]
    packets: PathBuf,
    /// Where packets are sent to: PREFIX=INTERFACE; the longest prefix counts
    #[arg(long = "route", value_name = "PREFIX=INTERFACE")]
    routes: Vec<String>,
    /// An address of this host, which belongs to the interface that its route names
    #[arg(long = "local", value_name = "ADDRESS")]
    locals: Vec<IpAddr>,
    /// Show every rule that a packet meets, as the TRACE target would
    #[arg(long)]
    trace: bool,
    /// Whose behaviour is followed where they differ
    #[arg(long, value_enum, default_value_t = BackendName::Nft)]
    backend: BackendName,
    /// What is printed
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum BackendName {
    /// nf_tables, as of iptables-nft
    Nft,
    /// ip_tables, as of iptables-legacy
    Legacy,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A line for each packet
    Text,
    /// The rules with what they counted, as of iptables-save -c
    Save,
    /// A JSON object for each packet
    Json,
}

impl Eval {
    pub(super) fn run(&self) -> Result<ExitCode> {
        let family = if self.v6 { FamilyName::Ipv6 } else { FamilyName::Ipv4 };
        let source = Source { file: self.rules.clone(), family: Some(family) };
        let ruleset = match check::read(&source)? {
            Ok(ruleset) => ruleset,
            Err(code) => return Ok(code),
        };
        let backend = match self.backend {
            BackendName::Nft => Backend::Nft,
            BackendName::Legacy => Backend::Legacy,
        };
        let host = self.host(family.into())?;
        let mut evaluator =
            Evaluator::new(ruleset, host, backend).map_err(|error| Failure::Other(1, error.to_string()))?;
        evaluator.trace_all(self.trace);
        let name = self.packets.display();
        let fail = |error: String| Failure::Other(1, format!("{name}: {error}"));
        let file = std::fs::File::open(&self.packets).map_err(|error| fail(error.to_string()))?;
        let mut out = std::io::BufWriter::new(std::io::stdout().lock());
        let mut number = 0;
        let read = capture::read(BufReader::new(file), |packet| {
            number += 1;
            let line = self.judge(number, &packet, &mut evaluator)?;
            if self.format == Format::Save {
                Ok(())
            } else {
                write!(out, "{line}").map_err(|error| error.to_string())
            }
        });
        read.map_err(fail)?;
        if self.format == Format::Save {
            let mut text = String::new();
            write_ruleset(&mut text, evaluator.ruleset(), CounterStyle::Before);
            out.write_all(text.as_bytes()).map_err(|error| fail(error.to_string()))?;
        }
        out.flush().map_err(|error| fail(error.to_string()))?;
        Ok(ExitCode::SUCCESS)
    }

    fn host(&self, family: Family) -> Result<Host> {
        let mut host = Host::new();
        for text in &self.routes {
            let bad = || Failure::Other(2, format!("--route {text}: expected PREFIX=INTERFACE"));
            let (prefix, interface) = text.split_once('=').ok_or_else(bad)?;
            let prefix = AddressMask::parse(prefix, &Scope { family, protocol: None }).map_err(|_| bad())?;
            let interface = InterfaceName::new(interface.as_bytes()).ok_or_else(bad)?;
            host.add_route(prefix, Route { interface, gateway: None, mtu: 1500 });
        }
        self.locals.iter().for_each(|local| host.add_local(*local));
        Ok(host)
    }

    /// Sends one packet through, and says what became of it.
    fn judge(
        &self,
        number: usize,
        packet: &Captured,
        evaluator: &mut Evaluator,
    ) -> std::result::Result<String, String> {
        if !packet.is_ip {
            return Ok(String::new());
        }
        let mut seen = Seen::default();
        let fate = evaluator
            .process(Data::new(&packet.bytes), &packet.meta, packet.origin, &mut seen)
            .map_err(|error| format!("packet {number}: {error}"))?;
        Ok(match self.format {
            Format::Save => String::new(),
            Format::Json => format!("{}\n", self.json(number, &fate, &seen)),
            Format::Text => text(number, &fate, &seen),
        })
    }

    fn json(&self, number: usize, fate: &Fate<'_>, seen: &Seen) -> Value {
        let mut object = json!({
            "packet": number,
            "verdict": fate.verdict.name(),
            "hook": fate.hook.map(|hook| hook.chain()),
            "table": fate.rule.map(|rule| rule.table.name()),
            "chain": fate.rule.map(|rule| rule.chain),
            "rule": fate.rule.map(|rule| rule.number),
            "out": match fate.pieces {
                [] => fate.out.map(hex).into(),
                pieces => pieces.iter().map(|piece| hex(piece)).collect::<Value>(),
            },
            "mark": fate.mark,
        });
        if let Some(object) = object.as_object_mut() {
            if let (Some(_), Some(output)) = (fate.out, fate.output) {
                object.insert("outif".into(), output.to_string().into());
            }
            // The flow label of an ICMPv6 error is a hash with a secret of the kernel, so the bytes are not told.
            if let Some(reply) =
                fate.reply.filter(|reply| reply.get(6) != Some(&58) || reply.first() == Some(&0x45))
            {
                object.insert("reply".into(), hex(reply).into());
            }
            if let Some(queue) = fate.queue {
                object.insert("queue".into(), queue.into());
            }
            if self.trace {
                object.insert("trace".into(), seen.trace.clone().into());
            }
        }
        object
    }
}

fn text(number: usize, fate: &Fate<'_>, seen: &Seen) -> String {
    let mut text = String::new();
    for step in &seen.trace {
        let _ = writeln!(text, "{number}: TRACE {step}");
    }
    let _ = write!(text, "{number}: {}", fate.verdict.name());
    if let Some(hook) = fate.hook {
        let _ = write!(text, " at {}", hook.chain());
    }
    match fate.rule {
        Some(rule) if rule.number == 0 => {
            let _ = write!(text, " by the policy of {} in {}", rule.chain, rule.table.name());
        }
        Some(rule) => {
            let _ = write!(text, " by rule {} of {} in {}", rule.number, rule.chain, rule.table.name());
        }
        None => {}
    }
    text.push('\n');
    text
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// What happened to a packet.
#[derive(Debug, Default)]
struct Seen {
    trace: Vec<String>,
}

impl Observer for Seen {
    fn event(&mut self, event: Event<'_>) {
        if let Event::Trace { table, chain, kind, rule, .. } = event {
            self.trace.push(format!("{}:{chain}:{kind}:{rule}", table.name()));
        }
    }
}
