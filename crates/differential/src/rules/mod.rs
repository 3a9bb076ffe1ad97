//! Random rulesets in the form of a save file.
//!
//! Addresses, ports and values come from the same small pools as those of the packets, so that rules match often.

mod matches;
mod rarer;
mod targets;

use crate::Manner;
use crate::packets::pool;
use fastrand::Rng;
use matches::{any_match, protocol_match, tracking_match};
use pkttables::model::Family;
use std::fmt::Write as _;
use targets::{needs_ports, target};

/// What a rule may say depends on these.
struct Place<'a> {
    family: Family,
    table: &'static str,
    /// The built-in chain; none in a chain of the user's.
    hook: Option<&'static str>,
    /// Chains that may be called.
    callable: &'a [String],
    /// Whether the nat rule is of the kind that changes sources.
    source: bool,
    tracked: bool,
    manner: Manner,
}

const TABLES: [(&str, &[&str]); 5] = [
    ("raw", &["PREROUTING", "OUTPUT"]),
    ("mangle", &["PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"]),
    ("nat", &["PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"]),
    ("filter", &["INPUT", "FORWARD", "OUTPUT"]),
    ("security", &["INPUT", "FORWARD", "OUTPUT"]),
];

/// A ruleset, a line each.
pub fn random(rng: &mut Rng, family: Family, manner: Manner) -> Vec<String> {
    let tracked = manner.helpers || rng.u8(..4) != 0;
    let translates = tracked && rng.bool();
    let mut lines = Vec::new();
    for (table, hooks) in TABLES {
        let wanted = match table {
            "nat" => translates || rng.u8(..8) == 0,
            "security" => rng.u8(..5) == 0,
            "raw" if manner.helpers => true,
            _ => rng.u8(..4) != 0,
        };
        if wanted {
            let of = Place { family, table, hook: None, callable: &[], source: false, tracked, manner };
            random_table(rng, &of, hooks, &mut lines);
        }
    }
    lines
}

fn random_table(rng: &mut Rng, place: &Place<'_>, hooks: &[&'static str], lines: &mut Vec<String>) {
    let table = place.table;
    let users: Vec<String> = (0..rng.usize(..6)).map(|number| format!("u{number}")).collect();
    lines.push(format!("*{table}"));
    for hook in hooks {
        let drops = table != "nat" && rng.u8(..12) == 0;
        lines.push(format!(":{hook} {} [0:0]", if drops { "DROP" } else { "ACCEPT" }));
    }
    lines.extend(users.iter().map(|user| format!(":{user} - [0:0]")));
    // Chains call only those behind them, so that there are no circles. In nat, chains with even numbers change
    // destinations and those with odd ones sources, as a chain must not do both.
    let own = |source: bool| -> Vec<String> {
        let fits = |(number, _): &(usize, &String)| table != "nat" || (number % 2 == 1) == source;
        users.iter().enumerate().filter(fits).map(|(_, name)| name.clone()).collect()
    };
    for hook in hooks {
        let source = matches!(*hook, "INPUT" | "POSTROUTING");
        let place = Place { hook: Some(hook), callable: &own(source), source, ..*place };
        if table == "raw" && place.manner.helpers {
            lines.push(format!("-A {hook} -p tcp --dport 21 -j CT --helper ftp"));
            lines.push(format!("-A {hook} -p udp --dport 69 -j CT --helper tftp"));
        }
        for _ in 0..rng.usize(1..8) {
            lines.push(rule(rng, &place, hook));
        }
    }
    for (number, user) in users.iter().enumerate() {
        let source = number % 2 == 1;
        let behind: Vec<String> = own(source).into_iter().filter(|name| name > user).collect();
        let place = Place { callable: &behind, source, ..*place };
        for _ in 0..rng.usize(..7) {
            lines.push(rule(rng, &place, user));
        }
    }
    lines.push("COMMIT".into());
}

fn rule(rng: &mut Rng, place: &Place<'_>, chain: &str) -> String {
    let mut text = format!("-A {chain}");
    let mut target = target(rng, place);
    let not = |rng: &mut Rng| if rng.u8(..4) == 0 { "! " } else { "" };
    if rng.u8(..3) == 0 {
        let _ = write!(text, " {}-s {}", not(rng), network(rng, place.family));
    }
    if rng.u8(..3) == 0 {
        let _ = write!(text, " {}-d {}", not(rng), network(rng, place.family));
    }
    let (no_input, no_output) = match place.hook {
        Some("PREROUTING" | "INPUT") => (false, true),
        Some("OUTPUT" | "POSTROUTING") => (true, false),
        _ => (false, false),
    };
    let interface =
        |rng: &mut Rng| pick(rng, &["in0", "in1", "out0", "out1", "in+", "out+", "i+", "nope", "+"]);
    if !no_input && rng.u8(..6) == 0 {
        let _ = write!(text, " {}-i {}", not(rng), interface(rng));
    }
    if !no_output && rng.u8(..6) == 0 {
        let _ = write!(text, " {}-o {}", not(rng), interface(rng));
    }
    let mut protocol = "";
    if target.contains("tcp-reset")
        || target.starts_with("TCP")
        || target.starts_with("ECN")
        || target.starts_with("TPROXY")
        || target.starts_with("SYNPROXY")
        || target.contains("--helper")
        || target.contains("--to-ports")
        || needs_ports(&target)
    {
        let only_tcp = ["TCP", "ECN", "SYNPROXY"].iter().any(|name| target.starts_with(name));
        protocol = match target.as_str() {
            _ if only_tcp || target.contains("reset") || target.contains("helper ftp") => "tcp",
            _ if target.contains("helper tftp") => "udp",
            _ => pick(rng, &["tcp", "udp"]),
        };
        let _ = write!(text, " -p {protocol}");
        if target.starts_with("TCPMSS") {
            text.push_str(" -m tcp --tcp-flags SYN,RST SYN");
        }
        if target.starts_with("SYNPROXY") && rng.u8(..4) != 0 {
            text.push_str(" -m conntrack --ctstate INVALID,UNTRACKED");
        }
    } else if rng.u8(..2) == 0 {
        protocol = pick(
            rng,
            &[
                "tcp", "tcp", "tcp", "udp", "udp", "sctp", "icmp", "udplite", "dccp", "esp", "51", "47",
                "253", "ipcomp", "2", "58", "1",
            ],
        );
        if protocol == "icmp" && place.family == Family::Ipv6 {
            protocol = "ipv6-icmp";
        }
        let negation = not(rng);
        let _ = write!(text, " {negation}-p {protocol}");
        if !negation.is_empty() {
            protocol = "";
        }
    }
    if place.family == Family::Ipv4 && rng.u8(..20) == 0 {
        let _ = write!(text, " {}-f", not(rng));
    }
    if !protocol.is_empty()
        && rng.u8(..3) != 0
        && let Some(condition) = protocol_match(rng, protocol)
    {
        let _ = write!(text, " {condition}");
    }
    for _ in 0..rng.u8(..3).saturating_sub(rng.u8(..2)) {
        let condition = any_match(rng, place);
        match condition.strip_prefix("-p tcp") {
            Some(rest) if protocol == "tcp" => text.push_str(rest),
            Some(_) if text.contains(" -p ") => {}
            _ => {
                let _ = write!(text, " {condition}");
            }
        }
    }
    if place.tracked && rng.u8(..3) == 0 {
        let _ = write!(text, " {}", tracking_match(rng, place.family));
    }
    if !target.is_empty() {
        if !target.starts_with('-') {
            target.insert_str(0, "-j ");
        }
        let _ = write!(text, " {target}");
    }
    text
}

fn pick<'t>(rng: &mut Rng, choices: &[&'t str]) -> &'t str {
    rng.choice(choices.iter().copied()).unwrap_or_default()
}

fn network(rng: &mut Rng, family: Family) -> String {
    let address = pool::address(rng, family);
    let bits: u8 = match family {
        Family::Ipv4 => rng.choice([32, 32, 32, 31, 30, 24, 16, 8, 1]),
        Family::Ipv6 => rng.choice([128, 128, 128, 127, 126, 112, 64, 48, 16, 8]),
    }
    .unwrap_or_default();
    format!("{address}/{bits}")
}
