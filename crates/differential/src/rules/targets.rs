//! Random targets.

use super::{Place, pick, rarer};
use crate::packets::pool;
use fastrand::Rng;
use pkttables::model::Family;

/// Whether a translation names ports, which not all protocols have.
pub(super) fn needs_ports(target: &str) -> bool {
    let Some((_, to)) = target.split_once("--to-destination ").or_else(|| target.split_once("--to-source "))
    else {
        return false;
    };
    to.contains("]:") || (to.contains(':') && to.contains('.'))
}

pub(super) fn target(rng: &mut Rng, place: &Place<'_>) -> String {
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
        8 if rng.u8(..4) == 0 => return rarer::set_target(rng, place),
        _ => {}
    }
    match place.table {
        "raw" if place.tracked => match rng.u8(..8) {
            6 => "CT --helper ftp".into(),
            7 => "CT --helper tftp".into(),
            0 => "NOTRACK".into(),
            1 => "CT --notrack".into(),
            2 => format!("CT --zone {}", rng.u8(..3)),
            3 => format!("CT --zone-{} {}", pick(rng, &["orig", "reply"]), rng.u8(1..3)),
            _ => String::new(),
        },
        "mangle" => match rng.u8(..12) {
            9 if place.hook == Some("PREROUTING") => {
                format!("TPROXY --on-port {} --on-ip {}", pool::port(rng), if v6 { "::" } else { "0.0.0.0" })
            }
            9 | 10 if v6 => prefix(rng, place),
            9 => hashed_mark(rng),
            10 => hashed_mark(rng),
            0 if v6 => format!("HL {}", pick(rng, &["--hl-set 50", "--hl-dec 1", "--hl-inc 2"])),
            0 => format!("TTL {}", pick(rng, &["--ttl-set 50", "--ttl-dec 1", "--ttl-inc 2"])),
            1 => format!(
                "TOS {}",
                pick(rng, &["--set-tos 0x10/0x3f", "--or-tos 0x08", "--and-tos 0xf0", "--set-tos 0x00/0xff"])
            ),
            2 => format!("DSCP --set-dscp {}", pick(rng, &["0x0a", "0x2e", "0x00"])),
            3 if matches!(place.hook, Some("FORWARD" | "OUTPUT" | "POSTROUTING")) && rng.bool() => {
                "TCPMSS --clamp-mss-to-pmtu".into()
            }
            3 => format!("TCPMSS {}", pick(rng, &["--set-mss 1000", "--set-mss 1400", "--set-mss 100"])),
            4 if !v6 => "ECN --ecn-tcp-remove".into(),
            5 => format!(
                "TCPOPTSTRIP --strip-options {}",
                pick(rng, &["2", "timestamp", "3,4,8", "sack-permitted"])
            ),
            6 if place.hook == Some("POSTROUTING") => {
                format!("CLASSIFY --set-class {}:{}", rng.u8(1..9), rng.u8(1..9))
            }
            _ if place.tracked => connmark(rng),
            _ => format!("MARK --set-xmark {}", mark(rng)),
        },
        "nat" => translation(rng, place),
        "filter" if rng.u8(..3) == 0 => reject(rng, v6),
        "filter" if place.tracked && matches!(place.hook, Some("INPUT" | "FORWARD")) && rng.u8(..8) == 0 => {
            format!(
                "SYNPROXY{}",
                pick(
                    rng,
                    &["", " --mss 1460", " --sack-perm --timestamp --wscale 7 --mss 1400", " --timestamp"]
                )
            )
        }
        "filter" if rng.u8(..10) == 0 => {
            format!("NFQUEUE --queue-num 3{}", pick(rng, &["", " --queue-bypass"]))
        }
        _ if place.tracked && rng.bool() => connmark(rng),
        _ => match rng.u8(..4) {
            0 => "LOG --log-prefix \"x \"".into(),
            1 => "NFLOG --nflog-group 7".into(),
            2 => format!("MARK --set-xmark {}", mark(rng)),
            _ => String::new(),
        },
    }
}

/// Prefix translation, of which each direction has its own target.
fn prefix(rng: &mut Rng, place: &Place<'_>) -> String {
    let (one, other) = (rng.u8(1..4), rng.u8(1..6));
    let length = rng.choice([48, 56, 64]).unwrap_or(64);
    let network = |number| {
        if length == 64 { format!("fd00:{number}::/64") } else { format!("fd00:{number}::/{length}") }
    };
    match place.hook {
        // Not OUTPUT: the checksum, which may be wrong then, stands in packets of raw sockets alone.
        Some("PREROUTING") => {
            format!("DNPT --src-pfx {} --dst-pfx {}", network(other), network(one))
        }
        Some("INPUT" | "POSTROUTING") => {
            format!("SNPT --src-pfx {} --dst-pfx {}", network(one), network(other))
        }
        _ => String::new(),
    }
}

fn hashed_mark(rng: &mut Rng) -> String {
    format!(
        "HMARK --hmark-tuple {} --hmark-mod {} --hmark-offset {} --hmark-rnd {:#x}",
        pick(rng, &["src,dst", "src,dst,sport,dport", "src,sport", "dport", "ct,src,dst"]),
        rng.u8(2..8),
        rng.u8(..4),
        rng.u32(..)
    )
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
        pick(
            rng,
            &[
                "icmp6-no-route",
                "icmp6-adm-prohibited",
                "icmp6-port-unreachable",
                "icmp6-addr-unreachable",
                "icmp6-policy-fail",
                "icmp6-reject-route",
                "tcp-reset",
            ],
        )
    } else {
        pick(
            rng,
            &[
                "icmp-net-unreachable",
                "icmp-host-unreachable",
                "icmp-port-unreachable",
                "icmp-proto-unreachable",
                "icmp-host-prohibited",
                "icmp-admin-prohibited",
                "tcp-reset",
            ],
        )
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
        3 if place.hook == Some("PREROUTING") => "REDIRECT".into(),
        4 if place.hook == Some("PREROUTING") => format!("REDIRECT --to-ports {port}"),
        5 => format!("NETMAP --to {}", if v6 { "fd00:2::/64" } else { "10.2.0.0/16" }),
        _ => format!("DNAT --to-destination {address}"),
    }
}
