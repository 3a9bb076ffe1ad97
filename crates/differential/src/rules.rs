//! Random rulesets in the form of a save file.
//!
//! Addresses, ports and values come from the same small pools as those of the packets, so that rules match often.

use crate::packets::pool;
use fastrand::Rng;
use pkttables::model::Family;
use pkttables::registry::Backend;
use std::fmt::Write as _;

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
}

const TABLES: [(&str, &[&str]); 5] = [
    ("raw", &["PREROUTING", "OUTPUT"]),
    ("mangle", &["PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"]),
    ("nat", &["PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"]),
    ("filter", &["INPUT", "FORWARD", "OUTPUT"]),
    ("security", &["INPUT", "FORWARD", "OUTPUT"]),
];

/// A ruleset, a line each.
pub fn random(rng: &mut Rng, family: Family, _: Backend) -> Vec<String> {
    let tracked = rng.u8(..4) != 0;
    let translates = tracked && rng.bool();
    let mut lines = Vec::new();
    for (table, hooks) in TABLES {
        let wanted = match table {
            "nat" => translates || rng.u8(..8) == 0,
            "security" => rng.u8(..5) == 0,
            _ => rng.u8(..4) != 0,
        };
        if wanted {
            random_table(rng, family, table, hooks, tracked, &mut lines);
        }
    }
    lines
}

fn random_table(
    rng: &mut Rng,
    family: Family,
    table: &'static str,
    hooks: &[&'static str],
    tracked: bool,
    lines: &mut Vec<String>,
) {
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
        let place = Place { family, table, hook: Some(hook), callable: &own(source), source, tracked };
        for _ in 0..rng.usize(1..8) {
            lines.push(rule(rng, &place, hook));
        }
    }
    for (number, user) in users.iter().enumerate() {
        let source = number % 2 == 1;
        let behind: Vec<String> =
            own(source).into_iter().filter(|name| name > user).collect();
        let place = Place { family, table, hook: None, callable: &behind, source, tracked };
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
    let interface = |rng: &mut Rng| pick(rng, &["in0", "in1", "out0", "out1", "in+", "out+", "i+", "nope", "+"]);
    if !no_input && rng.u8(..6) == 0 {
        let _ = write!(text, " {}-i {}", not(rng), interface(rng));
    }
    if !no_output && rng.u8(..6) == 0 {
        let _ = write!(text, " {}-o {}", not(rng), interface(rng));
    }
    let mut protocol = "";
    if target.contains("tcp-reset") || target.starts_with("TCP") || target.contains("--to-ports") || needs_ports(&target) {
        protocol = if target.starts_with("TCP") || target.contains("reset") { "tcp" } else { pick(rng, &["tcp", "udp"]) };
        let _ = write!(text, " -p {protocol}");
        if target.starts_with("TCPMSS") {
            text.push_str(" -m tcp --tcp-flags SYN,RST SYN");
        }
    } else if rng.u8(..2) == 0 {
        protocol = pick(rng, &["tcp", "tcp", "tcp", "udp", "udp", "sctp", "icmp", "udplite", "dccp", "esp", "ah", "47", "253", "ipcomp", "0", "58", "1"]);
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
    if !protocol.is_empty() && rng.u8(..3) != 0
        && let Some(condition) = protocol_match(rng, protocol)
    {
        let _ = write!(text, " {condition}");
    }
    for _ in 0..rng.u8(..3).saturating_sub(rng.u8(..2)) {
        let _ = write!(text, " {}", any_match(rng, place));
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

/// Whether a translation names ports, which not all protocols have.
fn needs_ports(target: &str) -> bool {
    let Some((_, to)) = target.split_once("--to-destination ").or_else(|| target.split_once("--to-source ")) else {
        return false;
    };
    to.contains("]:") || (to.contains(':') && to.contains('.'))
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

fn ports(rng: &mut Rng) -> String {
    let (one, other) = (pool::port(rng), pool::port(rng));
    match rng.u8(..4) {
        0 => format!("{}:{}", one.min(other), one.max(other)),
        1 if rng.bool() => format!("{one}:"),
        _ => one.to_string(),
    }
}

fn protocol_match(rng: &mut Rng, protocol: &str) -> Option<String> {
    let not = if rng.u8(..4) == 0 { "! " } else { "" };
    let side = if rng.bool() { "--sport" } else { "--dport" };
    Some(match protocol {
        "tcp" => match rng.u8(..6) {
            0 => format!("-m tcp {not}--tcp-flags {} {}", pick(rng, &["SYN,RST", "SYN,ACK,FIN,RST", "ALL", "ACK", "FIN,ACK", "PSH,URG"]), pick(rng, &["SYN", "NONE", "ACK", "FIN,SYN", "RST", "SYN,ACK"])),
            1 => format!("-m tcp {not}--syn"),
            2 => format!("-m tcp {not}--tcp-option {}", pick(rng, &["2", "3", "4", "8", "5"])),
            3 => format!("-m tcp {side} {} {}", ports(rng), ""),
            _ => format!("-m tcp {not}{side} {}", ports(rng)),
        },
        "udp" => format!("-m udp {not}{side} {}", ports(rng)),
        "sctp" => match rng.u8(..3) {
            0 => format!("-m sctp {not}{side} {}", ports(rng)),
            _ => format!("-m sctp {not}--chunk-types {} {}", pick(rng, &["any", "all", "only"]), pick(rng, &["DATA", "INIT", "INIT,DATA", "SACK", "DATA:UBE", "ABORT,SHUTDOWN_COMPLETE", "COOKIE_ECHO", "INIT_ACK"])),
        },
        "dccp" => match rng.u8(..3) {
            0 => format!("-m dccp {not}{side} {}", ports(rng)),
            1 => format!("-m dccp {not}--dccp-types {}", pick(rng, &["REQUEST", "RESPONSE,ACK", "DATA", "INVALID", "RESET,CLOSE"])),
            _ => format!("-m dccp {not}--dccp-option {}", pick(rng, &["1", "32", "33"])),
        },
        "icmp" => format!("-m icmp {not}--icmp-type {}", pick(rng, &["8", "0", "any", "3", "3/1", "3/3", "3/4", "5/1", "11", "11/0", "13", "12", "4"])),
        "ipv6-icmp" => format!("-m icmp6 {not}--icmpv6-type {}", pick(rng, &["128", "129", "1", "1/4", "2", "3/0", "4/1", "135", "133", "137"])),
        "esp" => format!("-m esp {not}--espspi {}", pick(rng, &["100", "100:200", "200:4294967295", "0"])),
        "ah" => format!("-m ah {not}--ahspi {}", pick(rng, &["100", "100:200", "200:4294967295"])),
        "ipcomp" => format!("-m ipcomp {not}--ipcompspi {}", pick(rng, &["100", "0:200", "7"])),
        "udplite" => format!("-m multiport {not}--{} {}", pick(rng, &["sports", "dports", "ports"]), port_list(rng)),
        _ => return None,
    })
}

fn port_list(rng: &mut Rng) -> String {
    let items: Vec<String> = (0..rng.usize(1..5)).map(|_| {
        let (one, other) = (pool::port(rng), pool::port(rng));
        if rng.u8(..4) == 0 { format!("{}:{}", one.min(other), one.max(other)) } else { one.to_string() }
    }).collect();
    items.join(",")
}

fn any_match(rng: &mut Rng, place: &Place<'_>) -> String {
    let not = if rng.u8(..4) == 0 { "! " } else { "" };
    let v6 = place.family == Family::Ipv6;
    match rng.u8(..24) {
        0 | 1 => format!("-m length {not}--length {}", pick(rng, &["40", "28:44", "60", "100:360", "48:", "0:52", "1280:1500"])),
        2 if v6 => format!("-m hl {}", pick(rng, &["--hl-eq 64", "--hl-lt 33", "--hl-gt 100", "! --hl-eq 63", "--hl-eq 63"])),
        2 => format!("-m ttl {}", pick(rng, &["--ttl-eq 64", "--ttl-lt 33", "--ttl-gt 100", "! --ttl-eq 63", "--ttl-eq 63"])),
        3 => format!("-m tos {not}--tos {}", pick(rng, &["0x10/0x3f", "0x00/0xff", "0xb8/0xfc", "0x20/0xe0", "0x02/0x03"])),
        4 => format!("-m dscp {not}--dscp {}", pick(rng, &["0x00", "0x08", "0x0a", "0x12", "0x2e"])),
        5 | 6 => format!("-m mark {not}--mark {}/{}", rng.u8(..8), pick(rng, &["0x1", "0x3", "0xf", "0xffffffff"])),
        7 => format!("-m multiport {not}--{} {}", pick(rng, &["sports", "dports", "ports"]), port_list(rng)),
        8 => format!("-m pkttype {not}--pkt-type {}", pick(rng, &["unicast", "multicast", "broadcast"])),
        9 if matches!(place.hook, Some("PREROUTING" | "INPUT" | "FORWARD")) => format!("-m mac {not}--mac-source 02:00:00:00:0a:0{}", rng.u8(1..6)),
        10 => {
            let side = if rng.bool() { "src" } else { "dst" };
            format!("-m addrtype {not}--{side}-type {}", pick(rng, &["LOCAL", "UNICAST", "BROADCAST", "MULTICAST", "LOCAL,UNICAST"]))
        }
        11 => {
            let side = if rng.bool() { "src" } else { "dst" };
            let (mut one, mut other) = (pool::address(rng, place.family), pool::address(rng, place.family));
            if one > other {
                std::mem::swap(&mut one, &mut other);
            }
            format!("-m iprange {not}--{side}-range {one}-{other}")
        }
        12 => format!("-m string {not}--algo {} {}", pick(rng, &["bm", "kmp"]), pick(rng, &["--string \"GET /\"", "--string \"secret\"", "--hex-string \"|deadbeef|\"", "--string \"abc\" --from 20 --to 60"])).replace("! --algo", "--algo"),
        13 => "-m comment --comment \"words\"".into(),
        14 => {
            let every = rng.u8(1..6);
            format!("-m statistic --mode nth {not}--every {every} --packet {}", rng.u8(..every))
        }
        15 => format!("-m ecn {not}--ecn-ip-ect {}", rng.u8(..4)),
        16 if !v6 => format!("-m ttl --ttl-{} {}", pick(rng, &["gt", "lt"]), rng.u8(1..128)),
        16 => match rng.u8(..6) {
            0 => format!("-m frag {not}--fragid {}", pick(rng, &["7", "0:100", "1000:"])),
            1 => format!("-m frag {}", pick(rng, &["--fragfirst", "--fragmore", "--fraglast", "--fragres"])),
            2 => format!("-m hbh {not}--hbh-len {}", pick(rng, &["8", "16", "24"])),
            3 => format!("-m dst {}", pick(rng, &["--dst-len 8", "--dst-opts 30", "! --dst-len 16", "--dst-opts 1:2"])),
            4 => format!("-m rt {not}--rt-type {}", pick(rng, &["0", "2", "4"])),
            _ => format!("-m ipv6header {} {not}--header {}", pick(rng, &["--soft", ""]), pick(rng, &["hop", "frag", "dst,route", "none", "ah", "esp", "proto"])),
        },
        17 => format!("-m limit --limit 1/hour --limit-burst {}", rng.u8(1..6)),
        18 => format!("-m quota {not}--quota {}", rng.u32(40..4000)),
        19 => recent(rng),
        20 => format!("-m u32 {not}--u32 \"{}\"", pick(rng, &["0&0xFF=0:64", "6&0xFF=6", "0>>22&0x3C@0>>16=20:80", "2&0xffff=40:60", "12=0x0a010002:0x0a010007"])),
        21 => format!("-m devgroup {not}--src-group 0"),
        22 => pick(rng, &["-m policy --dir in --pol none", "-m cpu --cpu 99", "-m realm --realm 0", "-m time --timestart 00:00 --timestop 23:59:59", "-m rpfilter"]).into(),
        _ => format!("-m mark {not}--mark {}", rng.u8(..4)),
    }
}

fn recent(rng: &mut Rng) -> String {
    let not = if rng.u8(..4) == 0 { "! " } else { "" };
    let what = match rng.u8(..5) {
        0 => format!("--set"),
        1 => format!("{not}--rcheck --hitcount {}", rng.u8(1..5)),
        2 => format!("{not}--update --seconds 600"),
        3 => format!("{not}--remove"),
        _ => format!("{not}--rcheck"),
    };
    format!("-m recent {what} --name {} {}", pick(rng, &["one", "two"]), pick(rng, &["--rsource", "--rdest"]))
}

fn tracking_match(rng: &mut Rng, family: Family) -> String {
    let not = if rng.u8(..4) == 0 { "! " } else { "" };
    let condition = match rng.u8(..12) {
        0..=3 => format!("{not}--ctstate {}", pick(rng, &["NEW", "ESTABLISHED", "RELATED", "INVALID", "UNTRACKED", "RELATED,ESTABLISHED", "NEW,INVALID", "SNAT", "DNAT"])),
        4 => format!("{not}--ctstatus {}", pick(rng, &["NONE", "EXPECTED", "SEEN_REPLY", "ASSURED", "CONFIRMED", "SEEN_REPLY,ASSURED"])),
        5 => format!("--ctdir {}", pick(rng, &["ORIGINAL", "REPLY"])),
        6 => format!("{not}--{} {}", pick(rng, &["ctorigsrc", "ctorigdst", "ctreplsrc", "ctrepldst"]), network(rng, family)),
        7 => format!("{not}--ctproto {}", pick(rng, &["tcp", "udp", "1", "132"])),
        8 => format!("{not}--{} {}", pick(rng, &["ctorigsrcport", "ctorigdstport", "ctreplsrcport", "ctrepldstport"]), ports(rng).trim_end_matches(':')),
        9 => return format!("-m state {not}--state {}", pick(rng, &["NEW", "ESTABLISHED", "RELATED", "INVALID", "UNTRACKED"])),
        10 => return format!("-m connmark {not}--mark {}/0xf", rng.u8(..8)),
        _ => match rng.u8(..3) {
            0 => return format!("-m connbytes {not}--connbytes {} --connbytes-dir {} --connbytes-mode {}", pick(rng, &["2", "1:3", "100:", "60:200"]), pick(rng, &["both", "original", "reply"]), pick(rng, &["packets", "bytes", "avgpkt"])),
            1 => return format!("-m connlabel {not}--label 3{}", pick(rng, &["", " --set"])),
            _ => return format!("-m helper {not}--helper {}", pick(rng, &["ftp", "tftp"])),
        },
    };
    format!("-m conntrack {condition}")
}

fn target(rng: &mut Rng, place: &Place<'_>) -> String {
    let v6 = place.family == Family::Ipv6;
    match rng.u8(..10) {
        0..3 => return String::new(),
        3 | 4 if !place.callable.is_empty() => {
            let called = rng.choice(place.callable).map_or("", String::as_str);
            return format!("{} {called}", if rng.u8(..4) == 0 { "-g" } else { "-j" });
        }
        5 => return "RETURN".into(),
        6 if rng.u8(..3) == 0 => return "ACCEPT".into(),
        6 if place.table != "nat" && rng.u8(..4) == 0 => return "DROP".into(),
        7 => return format!("MARK --set-xmark {}", mark(rng)),
        _ => {}
    }
    match place.table {
        "raw" if place.tracked => match rng.u8(..6) {
            0 => "NOTRACK".into(),
            1 => "CT --notrack".into(),
            2 => format!("CT --zone {}", rng.u8(..3)),
            3 => format!("CT --zone-{} {}", pick(rng, &["orig", "reply"]), rng.u8(1..3)),
            _ => String::new(),
        },
        "mangle" => match rng.u8(..9) {
            0 if v6 => format!("HL {}", pick(rng, &["--hl-set 50", "--hl-dec 1", "--hl-inc 2"])),
            0 => format!("TTL {}", pick(rng, &["--ttl-set 50", "--ttl-dec 1", "--ttl-inc 2"])),
            1 => format!("TOS {}", pick(rng, &["--set-tos 0x10/0x3f", "--or-tos 0x08", "--and-tos 0xf0", "--set-tos 0x00/0xff"])),
            2 => format!("DSCP --set-dscp {}", pick(rng, &["0x0a", "0x2e", "0x00"])),
            3 => format!("TCPMSS {}", pick(rng, &["--set-mss 1000", "--set-mss 1400"])),
            4 if !v6 => "ECN --ecn-tcp-remove".into(),
            5 => format!("TCPOPTSTRIP --strip-options {}", pick(rng, &["2", "timestamp", "3,4,8", "sack-permitted"])),
            6 => format!("CLASSIFY --set-class {}:{}", rng.u8(1..9), rng.u8(1..9)),
            _ if place.tracked => connmark(rng),
            _ => format!("MARK --set-xmark {}", mark(rng)),
        },
        "nat" => translation(rng, place),
        "filter" if rng.u8(..3) == 0 => reject(rng, v6),
        _ if place.tracked && rng.bool() => connmark(rng),
        _ => match rng.u8(..4) {
            0 => "LOG --log-prefix \"x \"".into(),
            1 => "NFLOG --nflog-group 7".into(),
            2 => format!("MARK --set-xmark {}", mark(rng)),
            _ => String::new(),
        },
    }
}

fn mark(rng: &mut Rng) -> String {
    format!("{:#x}/{}", rng.u8(..8), pick(rng, &["0x1", "0x3", "0xf", "0xffffffff", "0x0"]))
}

fn connmark(rng: &mut Rng) -> String {
    let mark = mark(rng);
    match rng.u8(..3) {
        0 => format!("CONNMARK --set-xmark {mark}"),
        1 => format!("CONNMARK --save-mark --nfmask {0} --ctmask {0}", pick(rng, &["0xffffffff", "0x3"])),
        _ => format!("CONNMARK --restore-mark --nfmask {0} --ctmask {0}", pick(rng, &["0xffffffff", "0x3"])),
    }
}

fn reject(rng: &mut Rng, v6: bool) -> String {
    let with = if v6 {
        pick(rng, &["icmp6-no-route", "icmp6-adm-prohibited", "icmp6-port-unreachable", "icmp6-addr-unreachable", "tcp-reset"])
    } else {
        pick(rng, &["icmp-net-unreachable", "icmp-host-unreachable", "icmp-port-unreachable", "icmp-proto-unreachable", "icmp-host-prohibited", "icmp-admin-prohibited", "tcp-reset"])
    };
    format!("REJECT --reject-with {with}")
}

fn translation(rng: &mut Rng, place: &Place<'_>) -> String {
    let v6 = place.family == Family::Ipv6;
    let post = place.hook == Some("POSTROUTING");
    let address = pool::host(rng, place.family).to_string();
    let bracketed = if v6 { format!("[{address}]") } else { address.clone() };
    let port = pool::port(rng);
    let range = if v6 {
        format!("fd00:2::{:x}-fd00:2::{:x}", rng.u8(2..4), rng.u8(4..8))
    } else {
        format!("10.2.0.{}-10.2.0.{}", rng.u8(2..4), rng.u8(4..8))
    };
    if place.source {
        return match rng.u8(..6) {
            0 => format!("SNAT --to-source {bracketed}:{port}"),
            1 => format!("SNAT --to-source {range}"),
            2 if post => "MASQUERADE".into(),
            3 if post => format!("MASQUERADE --to-ports {port}"),
            4 => format!("NETMAP --to {}", if v6 { "fd00:5::/64" } else { "10.5.0.0/16" }),
            _ => format!("SNAT --to-source {address}"),
        };
    }
    match rng.u8(..7) {
        0 => format!("DNAT --to-destination {bracketed}:{port}"),
        1 => format!("DNAT --to-destination {bracketed}:{port}-{}", port.saturating_add(5)),
        2 => format!("DNAT --to-destination {range}"),
        3 => "REDIRECT".into(),
        4 => format!("REDIRECT --to-ports {port}"),
        5 => format!("NETMAP --to {}", if v6 { "fd00:2::/64" } else { "10.2.0.0/16" }),
        _ => format!("DNAT --to-destination {address}"),
    }
}
