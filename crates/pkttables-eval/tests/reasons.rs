//! Each match says why it does not match, with what the packet has.

#[path = "../../pkttables/tests/common/mod.rs"]
mod common;

use common::{draws, extensions, header, line, options};
use pkttables::model::{Family, Hooks};
use pkttables::packet::{Data, InterfaceName, Meta};
use pkttables::registry::{Descriptor, Kind};
use pkttables_eval::{Evaluator, Event, Observer, Origin, Reason, Setup, SetupError};
use std::collections::BTreeSet;

/// These match every packet, or cannot be evaluated without an environment.
const NEVER: [&str; 2] = ["comment", "nfacct"];

/// What chance hardly ever puts together so that a packet is missed.
const FURTHER: [(&str, &str); 2] =
    [("bpf", "--bytecode \"1,6 0 0 0\""), ("limit", "--limit 1/hour --limit-burst 1")];

#[derive(Debug, Default)]
struct Reasons(Vec<Reason>);

impl Observer for Reasons {
    fn event(&mut self, event: Event<'_>) {
        if let Event::Miss { reason, .. } = event {
            self.0.push(reason.clone());
        }
    }

    fn wants_reasons(&self) -> bool {
        true
    }
}

fn evaluator(family: Family, rules: &str) -> Option<Evaluator> {
    let setup = Setup::parse(family, rules).ok()?;
    let (inside, outside) = match family {
        Family::Ipv4 => ("10.1.0.0/16=in0", "10.2.0.0/16=out0"),
        Family::Ipv6 => ("fd00:1::/64=in0", "fd00:2::/64=out0"),
    };
    let setup = setup.route(inside).unwrap().route(outside).unwrap();
    match setup.clone().evaluator() {
        Err(SetupError::NoSet { set, .. }) => {
            setup.sets(&format!("create {set} hash:ip\n")).ok()?.evaluator().ok()
        }
        made => made.ok(),
    }
}

/// A packet of a protocol, with something behind the IP header.
fn packet(family: Family, number: u8, fill: u8) -> Vec<u8> {
    let payload = [fill; 60];
    match family {
        Family::Ipv4 => {
            let mut packet = vec![0x45, 0, 0, 80, 0, 1, 0, 0, 64, number, 0, 0, 10, 1, 0, 2, 10, 2, 0, 2];
            let sum = !(Data::new(&packet).sum(0, 20, 0) as u16);
            packet[10..12].copy_from_slice(&sum.to_be_bytes());
            packet.extend(payload);
            packet
        }
        Family::Ipv6 => {
            let mut packet = vec![0x60, 0, 0, 0, 0, 60, number, 64];
            for network in [1, 2] {
                packet.extend([0xfd, 0, 0, network, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2]);
            }
            packet.extend(payload);
            packet
        }
    }
}

/// What is said of packets that the match, put together by chance, does not match.
fn reasons(descriptor: &'static Descriptor, family: Family, seed: u64) -> Vec<Reason> {
    let options = options(descriptor, family, Hooks::FORWARD, &mut draws(seed));
    let number = header(descriptor).protocol.map_or(6, |wanted| wanted.value);
    reasons_of(family, number, &line(descriptor, &options))
}

fn reasons_of(family: Family, number: u8, matches: &str) -> Vec<Reason> {
    let rules = format!("*filter\n-A FORWARD -p {number} {matches}\nCOMMIT\n");
    let Some(mut evaluator) = evaluator(family, &rules) else { return Vec::new() };
    let mut told = Reasons::default();
    for fill in [0, 59, 255] {
        let time = 1_700_000_000_000_000_000 + u64::from(fill);
        let meta = Meta { input: InterfaceName::new(b"in0"), time, ..Meta::default() };
        let _ =
            evaluator.process(Data::new(&packet(family, number, fill)), &meta, Origin::Received, &mut told);
    }
    told.0
}

#[test]
fn every_match_tells_what_the_packet_has() {
    const SEEDS: u64 = 150;
    let (mut silent, mut explained) = (BTreeSet::new(), BTreeSet::new());
    let matches = || extensions().filter(|(descriptor, _)| descriptor.kind == Kind::Match);
    for (descriptor, family) in matches() {
        for reason in (0..SEEDS).flat_map(|seed| reasons(descriptor, family, seed)) {
            match &reason.found {
                Some(_) => explained.insert(descriptor.name),
                None => silent.insert(format!("{family:?} {reason}")),
            };
        }
    }
    for (name, options) in FURTHER {
        let told = reasons_of(Family::Ipv4, 6, &format!("-m {name} {options}"));
        assert!(told.iter().any(|reason| reason.found.is_some()), "{name}: {told:?}");
        explained.insert(name);
    }
    let silent: Vec<String> = silent.into_iter().take(40).collect();
    assert!(silent.is_empty(), "nothing is told of the packet:\n{}", silent.join("\n"));
    let names: BTreeSet<&str> = matches().map(|(descriptor, _)| descriptor.name).collect();
    let unexplained: Vec<_> =
        names.into_iter().filter(|name| !explained.contains(name) && !NEVER.contains(name)).collect();
    assert!(unexplained.is_empty(), "no packet was missed by {unexplained:?}");
}

/// What is told of a packet by some matches that remember, or ask others.
#[test]
fn what_is_told() {
    for (matches, told) in [
        ("-m string --algo bm --string \"GET\"", "from byte 20 on there is \"\\x00\\x00"),
        ("-m limit --limit 1/min --limit-burst 1", "the next packet is due in 60000 ms"),
        ("-m recent --rcheck --name seen", "10.1.0.2 is not in the list"),
        ("-m owner --uid-owner 7", "no socket of it is known"),
        ("-m addrtype --src-type LOCAL", "the source 10.1.0.2 is UNICAST"),
        ("-m u32 --u32 \"6&0xff=17\"", "the value is 0x6"),
        ("-m set --match-set guests src", "what comes from 10.1.0.2 to 10.2.0.2 is not in it"),
        (
            "-m hashlimit --hashlimit-name h --hashlimit-upto 1/min --hashlimit-burst 1 --hashlimit-mode srcip",
            "the next packet is due in 60000 ms",
        ),
        ("-m time --timestart 08:00 --timestop 09:00", "it is Tue 2023-11-14 22:13:20"),
        ("-m statistic --mode nth --every 2 --packet 1", "it is packet 1 of every 2, from 0"),
        ("-m rpfilter --invert", "it came by in0, and 10.1.0.2 is reached by in0"),
        ("-m quota --quota 100", "0 of 100 bytes are left"),
    ] {
        let table = if matches.contains("rpfilter") { "*raw\n-A PREROUTING" } else { "*filter\n-A FORWARD" };
        let rules = format!("{table} -p 6 {matches}\nCOMMIT\n");
        let mut evaluator = evaluator(Family::Ipv4, &rules).unwrap_or_else(|| panic!("{rules}"));
        let mut reasons = Reasons::default();
        for _ in 0..2 {
            let meta = Meta {
                input: InterfaceName::new(b"in0"),
                time: 1_700_000_000_000_000_000,
                ..Meta::default()
            };
            let packet = packet(Family::Ipv4, 6, 0);
            evaluator.process(Data::new(&packet), &meta, Origin::Received, &mut reasons).unwrap();
        }
        let found = reasons.0.first().and_then(|reason| reason.found.clone()).unwrap_or_default();
        assert!(found.starts_with(told), "{matches}: {found}");
    }
}
