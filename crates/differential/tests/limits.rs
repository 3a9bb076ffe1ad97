//! Matches that count what they have seen, by the kernel and by the evaluator.

use differential::{Outcome, PORTS, Plan, Sent, Source, program, replay};
use pkttables::model::Family;
use pkttables::registry::Backend;
use pkttables_eval::builder::PacketBuilder;

/// Packets in words, which must go the same way in both.
fn agree(backend: Backend, rules: &str, packets: &[String]) {
    let Some(_) = testkit::program(&program(Family::Ipv4, backend, "restore")) else { return };
    let packets: Vec<Sent> = packets.iter().map(|words| sent(words)).collect();
    let rules = rules.lines().map(str::to_owned).collect();
    let count = packets.len();
    let plan = Plan { family: Family::Ipv4, backend, rules, packets };
    let Some(outcome) = testkit::in_namespace(|| replay(&plan)) else { return };
    match outcome.expect("a trial") {
        Outcome::Agreed(agreed) => assert_eq!(agreed, count),
        Outcome::Failed(failure) => panic!("{failure}"),
    }
}

fn sent(words: &str) -> Sent {
    let made = PacketBuilder::parse(words).expect("words").build().expect("a packet");
    let input = made.meta.input.expect("an interface").to_string();
    let port = PORTS.iter().position(|port| port.name == input).expect("a port");
    Sent { source: Source::Wire { port, destination: PORTS[port].mac }, bytes: made.bytes }
}

#[test]
fn connections_of_a_host_or_network() {
    for backend in [Backend::Nft, Backend::Legacy] {
        let rules = "*filter\n:FORWARD ACCEPT [0:0]\n-A FORWARD -p udp -m connlimit --connlimit-above 5 --connlimit-daddr\n\
                     -A FORWARD -i in0 -m connlimit --connlimit-upto 2 -j ACCEPT\n\
                     -A FORWARD -i in0 -m connlimit --connlimit-above 3 --connlimit-mask 24\nCOMMIT";
        let mut packets = Vec::new();
        for host in [9, 10] {
            for port in 1000..1005 {
                let there = format!("in=in0 src=10.1.0.{host} dst=10.2.0.5");
                let back = format!("in=out0 src=10.2.0.5 dst=10.1.0.{host}");
                packets.push(format!("{there} proto=tcp sport={port} dport=80 seq=10"));
                packets.push(format!("{back} proto=tcp sport=80 dport={port} flags=syn,ack seq=20 ack=11"));
                packets.push(format!("{there} proto=tcp sport={port} dport=80 flags=ack seq=11 ack=21"));
                packets.push(format!("{there} proto=udp sport={port} dport=53"));
            }
        }
        agree(backend, rules, &packets);
    }
}
