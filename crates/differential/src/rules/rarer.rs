//! Random conditions of rarer kinds: those that remember, ask the rest of the world, or look at extension headers.

use super::{Place, pick};
use crate::sets;
use fastrand::Rng;
use pkttables::model::Family;

pub(super) fn rarer_match(rng: &mut Rng, place: &Place<'_>) -> String {
    let not = if rng.u8(..4) == 0 { "! " } else { "" };
    let v6 = place.family == Family::Ipv6;
    match rng.u8(..24) {
        0 => format!("-p tcp -m tcpmss {not}--mss {}", pick(rng, &["1400:1500", "1460", "0:512", "513"])),
        1 => format!("-p tcp -m ecn {not}--ecn-tcp-{}", pick(rng, &["ece", "cwr"])),
        2 | 3 => hashlimit(rng, v6),
        4 if place.manner.ticks && place.tracked => connlimit(rng, v6),
        5 if matches!(place.hook, Some("PREROUTING" | "INPUT" | "FORWARD")) => {
            format!("-m policy --dir in --pol {}", pick(rng, &["none", "ipsec", "none"]))
        }
        5 if place.hook == Some("POSTROUTING") => "-m policy --dir out --pol none".into(),
        6 => format!(
            "-m time {}",
            pick(
                rng,
                &[
                    "--datestart 2000-01-01",
                    "--datestop 2001-01-01",
                    "--weekdays Mon,Tue,Wed,Thu,Fri,Sat,Sun",
                    "--timestart 00:00 --timestop 23:59:59",
                    "! --monthdays 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31",
                ]
            )
        ),
        7 if matches!(place.table, "raw" | "mangle") && place.hook == Some("PREROUTING") => format!(
            "-m rpfilter {}",
            pick(rng, &["--loose", "--invert", "--loose --invert", "--validmark", "--accept-local"])
        ),
        8 | 9 | 16 | 17 => set(rng, not, v6),
        18 if matches!(place.hook, Some("OUTPUT" | "POSTROUTING")) => format!(
            "-m owner {not}{}",
            pick(rng, &["--uid-owner 0", "--uid-owner 1000", "--gid-owner 0-9", "--socket-exists"])
        ),
        19 if matches!(place.hook, Some("PREROUTING" | "INPUT")) => {
            format!("-m socket{}", pick(rng, &["", " --transparent", " --nowildcard", " --restore-skmark"]))
        }
        20 => format!(
            "-m bpf --bytecode {}",
            pick(
                rng,
                &[
                    "\"4,48 0 0 9,21 0 1 6,6 0 0 1,6 0 0 0\"",
                    "\"4,128 0 0 0,37 0 1 60,6 0 0 1,6 0 0 0\"",
                    "\"6,40 0 0 6,69 3 0 8191,177 0 0 0,72 0 0 2,21 0 1 80,6 0 0 1,6 0 0 0\"",
                ]
            )
        ),
        21 if v6 && matches!(place.hook, Some("PREROUTING" | "INPUT" | "FORWARD")) => "-m eui64".into(),
        21 if v6 => "-p 135 -m mh --mh-type 1:3".into(),
        21 => format!("-m osf {not}--genre Linux").replace("! --genre", "! --genre"),
        10 => format!("-m addrtype {not}--src-type LOCAL --limit-iface-in").replace(
            " --limit-iface-in",
            match place.hook {
                Some("PREROUTING" | "INPUT") => " --limit-iface-in",
                _ => "",
            },
        ),
        11 if place.tracked => format!(
            "-m conntrack {not}--ctstate {} {}--ctstatus {}",
            pick(rng, &["NEW", "ESTABLISHED", "RELATED,ESTABLISHED", "INVALID"]),
            if rng.bool() { "! " } else { "" },
            pick(rng, &["SEEN_REPLY", "ASSURED", "CONFIRMED", "EXPECTED"]),
        ),
        12 if place.tracked => format!(
            "-m cluster --cluster-total-nodes {} {not}--cluster-local-node 1 --cluster-hash-seed {}",
            rng.u8(2..5),
            rng.u32(..)
        ),
        13 if !v6 => format!(
            "-m u32 {not}--u32 \"{}\"",
            pick(
                rng,
                &[
                    "0>>22&0x3C@12>>26&0x3C@0=0x47455420",
                    "4&0x3FFF=0",
                    "8&0xFF0000=0x60000,0x110000",
                    "0>>24=0x45 && 16=0x0a020000:0x0a02ffff",
                    "0&0xFFFF=40:100 && 6&0xFF=6",
                    "0>>22&0x3C@4=1000:2000"
                ]
            )
        ),
        _ if v6 => header_match(rng, not),
        _ => format!("-m length {not}--length {}:{}", rng.u16(20..60), rng.u16(60..1500)),
    }
}

/// Conditions on IPv6 extension headers.
fn header_match(rng: &mut Rng, not: &str) -> String {
    match rng.u8(..6) {
        0 | 1 => format!(
            "-m ipv6header {}{not}--header {}",
            pick(rng, &["", "--soft "]),
            pick(
                rng,
                &["hop", "dst", "route", "frag", "auth", "esp", "none", "prot", "hop,prot", "hop,dst,prot"]
            )
        ),
        2 => format!(
            "-m rt {}",
            pick(
                rng,
                &[
                    "--rt-type 0",
                    "! --rt-type 2",
                    "--rt-segsleft 0",
                    "--rt-len 8",
                    "--rt-type 0 --rt-0-res",
                    "--rt-segsleft 1:3"
                ]
            )
        ),
        3 => format!(
            "-m ah {}",
            pick(rng, &["--ahspi 100", "--ahspi 0:200", "! --ahspi 100", "--ahlen 24", "--ahres"])
        ),
        4 => format!("-m dst {not}--dst-len {}", pick(rng, &["8", "16"])),
        _ => format!("-m hbh {}", pick(rng, &["--hbh-opts 5", "--hbh-opts 1", "--hbh-len 8 --hbh-opts 5:2"])),
    }
}

/// A burst is used up and the rate is so low that nothing comes back.
fn hashlimit(rng: &mut Rng, v6: bool) -> String {
    let mode = pick(
        rng,
        &["", "srcip", "dstip", "srcip,dstip", "srcip,dstport", "dstport", "srcip,srcport,dstip,dstport"],
    );
    let mode = if mode.is_empty() { String::new() } else { format!("--hashlimit-mode {mode} ") };
    let mask = match (mode.contains("srcip"), rng.u8(..4)) {
        (true, 0) => format!("--hashlimit-srcmask {} ", if v6 { 48 } else { 16 }),
        _ => String::new(),
    };
    let rate = format!("{}/hour --hashlimit-burst {}", rng.u8(1..3), rng.u8(1..6));
    format!(
        "-m hashlimit --hashlimit-{} {rate} {mode}{mask}--hashlimit-name h{}",
        pick(rng, &["upto", "above"]),
        rng.u32(..)
    )
}

fn connlimit(rng: &mut Rng, v6: bool) -> String {
    format!(
        "-m connlimit --connlimit-{} {} --connlimit-mask {} --connlimit-{}",
        pick(rng, &["upto", "above"]),
        rng.u8(..4),
        if v6 { pick(rng, &["128", "64", "0"]) } else { pick(rng, &["32", "16", "0"]) },
        pick(rng, &["saddr", "daddr"])
    )
}

fn set(rng: &mut Rng, not: &str, v6: bool) -> String {
    let (name, dimensions) = rng.choice(sets::NAMES).unwrap_or(("hosts", 1));
    let name = format!("{name}{}", if v6 { 6 } else { 4 });
    let directions: Vec<&str> = (0..dimensions).map(|_| pick(rng, &["src", "dst"])).collect();
    let counted = match name.starts_with("counted") {
        true => pick(
            rng,
            &[
                "",
                " --packets-gt 2",
                " --bytes-lt 300",
                " ! --packets-eq 1",
                " ! --update-counters --packets-lt 3",
            ],
        ),
        false => "",
    };
    format!("-m set {not}--match-set {name} {}{counted}", directions.join(","))
}

/// Puts an element into a set, or takes it out.
pub(super) fn set_target(rng: &mut Rng, place: &Place<'_>) -> String {
    let v6 = place.family == Family::Ipv6;
    if place.manner.pauses && rng.bool() {
        let set = if v6 { "aging6" } else { "aging4" };
        let exist = pick(rng, &["", " --exist"]);
        return format!("SET --add-set {set} {}{exist} --timeout 2", pick(rng, &["src", "dst"]));
    }
    let (name, dimensions) = rng.choice(sets::CHANGED).unwrap_or(("seen", 1));
    let name = format!("{name}{}", if v6 { 6 } else { 4 });
    let directions: Vec<&str> = (0..dimensions).map(|_| pick(rng, &["src", "dst"])).collect();
    format!("SET --{}-set {name} {}", pick(rng, &["add", "add", "del"]), directions.join(","))
}
