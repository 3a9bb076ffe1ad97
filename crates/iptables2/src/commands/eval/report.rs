use pkttables::model::{Hook, TableName};
use pkttables_eval::{Event, Fate, Observer, Reason, Report, Verdict};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::net::IpAddr;

/// What happened to a packet.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    wants_reasons: bool,
    /// Everything in order.
    steps: Vec<Step>,
}

/// What a rule did with a packet.
#[derive(Debug)]
struct Step {
    table: TableName,
    chain: String,
    rule: usize,
    what: What,
}

#[derive(Debug)]
enum What {
    /// As the kernel's TRACE names it: `rule`, `return` or `policy`.
    Met(&'static str),
    Missed(Reason),
    /// `LOG` wrote a line.
    Logged {
        level: u8,
        line: String,
    },
    /// `NFLOG` handed over a record.
    Recorded {
        group: u16,
        prefix: String,
        bytes: String,
    },
    /// Another target reported the packet.
    Reported(&'static str),
    /// `TEE` made a copy.
    Copied(IpAddr),
}

impl Seen {
    pub(crate) fn new(wants_reasons: bool) -> Self {
        Self { wants_reasons, steps: Vec::new() }
    }

    /// Where the packet came by, in the form of the kernel's TRACE.
    pub(crate) fn trace(&self) -> impl Iterator<Item = String> {
        self.steps.iter().filter_map(|step| match step.what {
            What::Met(kind) => Some(format!("{}:{}:{kind}:{}", step.table.name(), step.chain, step.rule)),
            _ => None,
        })
    }

    /// What targets of one kind did, as `say` puts it.
    fn done(&self, say: impl Fn(&What) -> Option<Value>) -> Vec<Value> {
        let steps = self.steps.iter().filter_map(|step| {
            let mut value = say(&step.what)?;
            for (key, place) in [
                ("table", json!(step.table.name())),
                ("chain", json!(step.chain)),
                ("rule", json!(step.rule)),
            ] {
                if let Some(object) = value.as_object_mut() {
                    object.insert(key.into(), place);
                }
            }
            Some(value)
        });
        steps.collect()
    }
}

impl Observer for Seen {
    fn event(&mut self, event: Event<'_>) {
        let (table, chain, rule, what) = match event {
            Event::Trace { table, chain, kind, rule, .. } => (table, chain, rule, What::Met(kind)),
            Event::Miss { table, chain, rule, reason, .. } => {
                (table, chain, rule, What::Missed(reason.clone()))
            }
            Event::Report { table, chain, rule, report, .. } => {
                let what = match report {
                    Report::Log(line) => What::Logged { level: line.level(), line: line.to_string() },
                    Report::Nflog(record) => What::Recorded {
                        group: record.group(),
                        prefix: record.prefix().to_owned(),
                        bytes: format!("{:?}", record.data()),
                    },
                    other => What::Reported(other.name()),
                };
                (table, chain, rule, what)
            }
            Event::Copy { table, chain, rule, gateway, .. } => (table, chain, rule, What::Copied(gateway)),
            _ => return,
        };
        self.steps.push(Step { table, chain: chain.to_owned(), rule, what });
    }

    fn wants_reasons(&self) -> bool {
        self.wants_reasons
    }
}

/// A packet's fate as one JSON object.
pub(crate) fn json(number: usize, fate: &Fate<'_>, seen: &Seen, trace: bool) -> Value {
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
    let mut insert = |key: &str, value: Value| {
        if let Some(object) = object.as_object_mut() {
            object.insert(key.into(), value);
        }
    };
    if let (Some(_), Some(output)) = (fate.out, fate.output) {
        insert("outif", output.to_string().into());
    }
    // The flow label of an ICMPv6 error is a hash with a secret of the kernel, so the bytes are not told.
    if let Some(reply) = fate.reply.filter(|reply| reply.get(6) != Some(&58) || reply.first() == Some(&0x45))
    {
        insert("reply", hex(reply).into());
    }
    if let Some(queue) = fate.queue {
        insert("queue", queue.into());
    }
    let logged = seen.done(|what| match what {
        What::Logged { level, line } => Some(json!({ "level": level, "line": line })),
        _ => None,
    });
    let recorded = seen.done(|what| match what {
        What::Recorded { group, prefix, bytes } => {
            Some(json!({ "group": group, "prefix": prefix, "bytes": bytes }))
        }
        _ => None,
    });
    let copies = fate.copies.iter().map(|copy| {
        json!({
            "gateway": copy.gateway.to_string(),
            "outif": copy.output.to_string(),
            "out": hex(&copy.bytes),
        })
    });
    for (key, values) in [("log", logged), ("nflog", recorded), ("copies", copies.collect())] {
        if !values.is_empty() {
            insert(key, values.into());
        }
    }
    if trace {
        insert("trace", seen.trace().collect());
    }
    if seen.wants_reasons {
        let missed = seen.steps.iter().filter_map(|step| match &step.what {
            What::Missed(reason) => Some(json!({
                "table": step.table.name(),
                "chain": step.chain,
                "rule": step.rule,
                "condition": reason.condition,
                "found": reason.found,
            })),
            _ => None,
        });
        insert("why", missed.collect());
    }
    object
}

/// A packet's fate in words.
pub(crate) fn text(number: usize, fate: &Fate<'_>, seen: &Seen) -> String {
    let mut text = String::new();
    for step in &seen.steps {
        let Step { table, chain, rule, what } = step;
        let table = table.name();
        let _ = match what {
            What::Met(kind) => writeln!(text, "{number}: TRACE {table}:{chain}:{kind}:{rule}"),
            What::Missed(reason) => writeln!(text, "{number}: rule {rule} of {chain} in {table}: {reason}"),
            What::Logged { line, .. } => writeln!(text, "{number}: LOG {}", line.trim_end()),
            What::Recorded { group, prefix, bytes } => {
                let len = bytes.len() / 2;
                writeln!(text, "{number}: NFLOG to group {group}, {len} bytes, prefix \"{prefix}\"")
            }
            What::Reported(name) => writeln!(text, "{number}: {name}"),
            What::Copied(gateway) => writeln!(text, "{number}: TEE to {gateway}"),
        };
    }
    let _ = writeln!(text, "{number}: {}", verdict(fate));
    text
}

/// The end of a packet's way, and what decided.
pub(crate) fn verdict(fate: &Fate<'_>) -> String {
    let mut text = fate.verdict.name().to_owned();
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
        None if fate.verdict == Verdict::Drop && fate.hook == Some(Hook::Prerouting) => {
            text.push_str(", neither routed on nor for this host");
        }
        None => {}
    }
    text
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
