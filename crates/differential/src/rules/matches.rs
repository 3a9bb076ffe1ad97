//! Random conditions.

use super::rarer::rarer_match;
use super::{Place, network, pick};
use crate::manner::expiry;
use crate::packets::pool;
use fastrand::Rng;
use pkttables::model::Family;

fn ports(rng: &mut Rng) -> String {
    let (one, other) = (pool::port(rng), pool::port(rng));
    match rng.u8(..4) {
        0 => format!("{}:{}", one.min(other), one.max(other)),
        1 if rng.bool() => format!("{one}:"),
        _ => one.to_string(),
    }
}

pub(super) fn protocol_match(rng: &mut Rng, protocol: &str) -> Option<String> {
    let not = if rng.u8(..4) == 0 { "! " } else { "" };
    let side = if rng.bool() { "--sport" } else { "--dport" };
    Some(match protocol {
        "tcp" => match rng.u8(..6) {
            0 => format!(
                "-m tcp {not}--tcp-flags {} {}",
                pick(rng, &["SYN,RST", "SYN,ACK,FIN,RST", "ALL", "ACK", "FIN,ACK", "PSH,URG"]),
                pick(rng, &["SYN", "NONE", "ACK", "FIN,SYN", "RST", "SYN,ACK"])
            ),
            1 => format!("-m tcp {not}--syn"),
            2 => format!("-m tcp {not}--tcp-option {}", pick(rng, &["2", "3", "4", "8", "5"])),
            3 => format!("-m tcp {side} {} {}", ports(rng), ""),
            _ => format!("-m tcp {not}{side} {}", ports(rng)),
        },
        "udp" => format!("-m udp {not}{side} {}", ports(rng)),
        "sctp" => match rng.u8(..3) {
            0 => format!("-m sctp {not}{side} {}", ports(rng)),
            _ => format!(
                "-m sctp {not}--chunk-types {} {}",
                pick(rng, &["any", "all", "only"]),
                pick(
                    rng,
                    &[
                        "DATA",
                        "INIT",
                        "INIT,DATA",
                        "SACK",
                        "DATA:UBE",
                        "ABORT,SHUTDOWN_COMPLETE",
                        "COOKIE_ECHO",
                        "INIT_ACK"
                    ]
                )
            ),
        },
        "dccp" => match rng.u8(..3) {
            0 => format!("-m dccp {not}{side} {}", ports(rng)),
            1 => format!(
                "-m dccp {not}--dccp-types {}",
                pick(rng, &["REQUEST", "RESPONSE,ACK", "DATA", "INVALID", "RESET,CLOSE"])
            ),
            _ => format!("-m dccp {not}--dccp-option {}", pick(rng, &["1", "32", "33"])),
        },
        "icmp" => format!(
            "-m icmp {not}--icmp-type {}",
            pick(rng, &["8", "0", "any", "3", "3/1", "3/3", "3/4", "5/1", "11", "11/0", "13", "12", "4"])
        ),
        "ipv6-icmp" => format!(
            "-m icmp6 {not}--icmpv6-type {}",
            pick(rng, &["128", "129", "1", "1/4", "2", "3/0", "4/1", "135", "133", "137"])
        ),
        "esp" => format!("-m esp {not}--espspi {}", pick(rng, &["100", "100:200", "200:4294967295", "0"])),
        "ah" => format!("-m ah {not}--ahspi {}", pick(rng, &["100", "100:200", "200:4294967295"])),
        "ipcomp" => format!("-m ipcomp {not}--ipcompspi {}", pick(rng, &["100", "0:200", "7"])),
        "udplite" => {
            format!("-m multiport {not}--{} {}", pick(rng, &["sports", "dports", "ports"]), port_list(rng))
        }
        _ => return None,
    })
}

fn port_list(rng: &mut Rng) -> String {
    let items: Vec<String> = (0..rng.usize(1..5))
        .map(|_| {
            let (one, other) = (pool::port(rng), pool::port(rng));
            if rng.u8(..4) == 0 { format!("{}:{}", one.min(other), one.max(other)) } else { one.to_string() }
        })
        .collect();
    items.join(",")
}

pub(super) fn any_match(rng: &mut Rng, place: &Place<'_>) -> String {
    let not = if rng.u8(..4) == 0 { "! " } else { "" };
    let v6 = place.family == Family::Ipv6;
    if rng.u8(..4) == 0 {
        return rarer_match(rng, place);
    }
    match rng.u8(..24) {
        0 | 1 => format!(
            "-m length {not}--length {}",
            pick(rng, &["40", "28:44", "60", "100:360", "48:", "0:52", "1280:1500"])
        ),
        2 if v6 => format!(
            "-m hl {}",
            pick(rng, &["--hl-eq 64", "--hl-lt 33", "--hl-gt 100", "! --hl-eq 63", "--hl-eq 63"])
        ),
        2 => format!(
            "-m ttl {}",
            pick(rng, &["--ttl-eq 64", "--ttl-lt 33", "--ttl-gt 100", "! --ttl-eq 63", "--ttl-eq 63"])
        ),
        3 => format!(
            "-m tos {not}--tos {}",
            pick(rng, &["0x10/0x3f", "0x00/0xff", "0xb8/0xfc", "0x20/0xe0", "0x02/0x03"])
        ),
        4 => format!("-m dscp {not}--dscp {}", pick(rng, &["0x00", "0x08", "0x0a", "0x12", "0x2e"])),
        5 | 6 => {
            format!("-m mark {not}--mark {}/{}", rng.u8(..8), pick(rng, &["0x1", "0x3", "0xf", "0xffffffff"]))
        }
        7 => format!("-m multiport {not}--{} {}", pick(rng, &["sports", "dports", "ports"]), port_list(rng)),
        8 => format!("-m pkttype {not}--pkt-type {}", pick(rng, &["unicast", "multicast", "broadcast"])),
        9 if matches!(place.hook, Some("PREROUTING" | "INPUT" | "FORWARD")) => {
            format!("-m mac {not}--mac-source 02:00:00:00:0a:0{}", rng.u8(1..6))
        }
        10 => {
            let side = if rng.bool() { "src" } else { "dst" };
            format!(
                "-m addrtype {not}--{side}-type {}",
                pick(
                    rng,
                    if v6 {
                        &["LOCAL", "UNICAST", "MULTICAST"]
                    } else {
                        &["LOCAL", "UNICAST", "BROADCAST", "MULTICAST", "LOCAL,UNICAST"]
                    }
                )
            )
        }
        11 => {
            let side = if rng.bool() { "src" } else { "dst" };
            let (mut one, mut other) = (pool::address(rng, place.family), pool::address(rng, place.family));
            if one > other {
                std::mem::swap(&mut one, &mut other);
            }
            format!("-m iprange {not}--{side}-range {one}-{other}")
        }
        12 => format!(
            "-m string --algo {} {not}{}",
            // In the kernel bm misses what lies across the seam of two fragments.
            if place.manner.whole { pick(rng, &["bm", "kmp"]) } else { "kmp" },
            pick(
                rng,
                &[
                    "--string \"GET /\"",
                    "--string \"secret\"",
                    "--hex-string \"|deadbeef|\"",
                    "--from 20 --to 60 --string \"abc\""
                ]
            )
        )
        .replace("! --from 20 --to 60", "--from 20 --to 60 !"),
        13 => "-m comment --comment \"words\"".into(),
        14 => {
            let every = rng.u8(1..6);
            format!("-m statistic --mode nth {not}--every {every} --packet {}", rng.u8(..every))
        }
        15 => format!("-m ecn {not}--ecn-ip-ect {}", rng.u8(..4)),
        16 if !v6 => format!("-m ttl --ttl-{} {}", pick(rng, &["gt", "lt"]), rng.u8(1..128)),
        16 => match rng.u8(..5) {
            0 => format!("-m frag {not}--fragid {}", pick(rng, &["7", "0:100", "1000:"])),
            1 => format!("-m frag {}", pick(rng, &["--fragfirst", "--fragmore", "--fraglast", "--fragres"])),
            2 => format!("-m hbh {not}--hbh-len {}", pick(rng, &["8", "16", "24"])),
            3 => format!(
                "-m dst {}",
                pick(rng, &["--dst-len 8", "--dst-opts 30", "! --dst-len 16", "--dst-opts 1:2"])
            ),
            _ => "-m frag --fragid 0:4294967295".into(),
        },
        17 => format!("-m limit --limit 1/hour --limit-burst {}", rng.u8(1..6)),
        18 => format!("-m quota {not}--quota {}", rng.u32(40..4000)),
        19 => recent(rng),
        20 => format!(
            "-m u32 {not}--u32 \"{}\"",
            pick(
                rng,
                &[
                    "0&0xFF=0:64",
                    "6&0xFF=6",
                    "0>>22&0x3C@0>>16=20:80",
                    "2&0xffff=40:60",
                    "12=0x0a010002:0x0a010007"
                ]
            )
        ),
        21 if matches!(place.hook, Some("PREROUTING" | "INPUT" | "FORWARD")) => {
            format!("-m devgroup {not}--src-group 0")
        }
        22 if !v6 && matches!(place.hook, Some("INPUT" | "FORWARD" | "POSTROUTING")) => {
            "-m realm --realm 0".into()
        }
        22 => "-m cpu --cpu 99".into(),
        _ => format!("-m mark {not}--mark {}", rng.u8(..4)),
    }
}

fn recent(rng: &mut Rng) -> String {
    let not = if rng.u8(..4) == 0 { "! " } else { "" };
    let what = match rng.u8(..5) {
        0 => "--set".to_owned(),
        1 => format!("{not}--rcheck --hitcount {}", rng.u8(1..5)),
        2 => format!("{not}--update --seconds 600"),
        3 => format!("{not}--remove"),
        _ => format!("{not}--rcheck"),
    };
    format!("-m recent {what} --name {} {}", pick(rng, &["one", "two"]), pick(rng, &["--rsource", "--rdest"]))
}

pub(super) fn tracking_match(rng: &mut Rng, family: Family) -> String {
    let not = if rng.u8(..4) == 0 { "! " } else { "" };
    let condition = match rng.u8(..14) {
        // What is left before confirmation hangs on how long the host has been up.
        12 | 13 => format!("--ctstatus CONFIRMED {not}--ctexpire {}", expiry(rng)),
        0..=3 => format!(
            "{not}--ctstate {}",
            pick(
                rng,
                &[
                    "NEW",
                    "ESTABLISHED",
                    "RELATED",
                    "INVALID",
                    "UNTRACKED",
                    "RELATED,ESTABLISHED",
                    "NEW,INVALID",
                    "SNAT",
                    "DNAT"
                ]
            )
        ),
        4 => format!(
            "{not}--ctstatus {}",
            pick(rng, &["NONE", "EXPECTED", "SEEN_REPLY", "ASSURED", "CONFIRMED", "SEEN_REPLY,ASSURED"])
        ),
        5 => format!("--ctdir {}", pick(rng, &["ORIGINAL", "REPLY"])),
        6 => format!(
            "{not}--{} {}",
            pick(rng, &["ctorigsrc", "ctorigdst", "ctreplsrc", "ctrepldst"]),
            network(rng, family)
        ),
        7 => format!("{not}--ctproto {}", pick(rng, &["tcp", "udp", "1", "132"])),
        8 => format!(
            "{not}--{} {}",
            pick(rng, &["ctorigsrcport", "ctorigdstport", "ctreplsrcport", "ctrepldstport"]),
            ports(rng).trim_end_matches(':')
        ),
        9 => {
            return format!(
                "-m state {not}--state {}",
                pick(rng, &["NEW", "ESTABLISHED", "RELATED", "INVALID", "UNTRACKED"])
            );
        }
        10 => return format!("-m connmark {not}--mark {}/0xf", rng.u8(..8)),
        _ => match rng.u8(..3) {
            0 => {
                return format!(
                    "-m connbytes {not}--connbytes {} --connbytes-dir {} --connbytes-mode {}",
                    pick(rng, &["2", "1:3", "100:", "60:200"]),
                    pick(rng, &["both", "original", "reply"]),
                    pick(rng, &["packets", "bytes", "avgpkt"])
                );
            }
            1 => return format!("-m connlabel {not}--label 3{}", pick(rng, &["", " --set"])),
            _ => return format!("-m helper {not}--helper {}", pick(rng, &["ftp", "tftp"])),
        },
    };
    format!("-m conntrack {condition}")
}
