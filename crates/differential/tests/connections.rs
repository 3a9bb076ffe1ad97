//! Rules that count connections or answer packets, by the kernel and by the evaluator.

use differential::{Outcome, PORTS, Plan, Sent, Source, program, replay};
use pkttables::model::Family;
use pkttables::registry::Backend;
use pkttables_eval::builder::PacketBuilder;

/// Packets in words, which must go the same way in both.
fn agree(family: Family, backend: Backend, rules: &str, packets: &[String]) {
    let Some(_) = testkit::program(&program(family, backend, "restore")) else { return };
    let packets: Vec<Sent> = packets.iter().map(|words| sent(words)).collect();
    let rules = rules.lines().map(str::to_owned).collect();
    let count = packets.len();
    let plan = Plan { family, backend, rules, packets };
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
        // Only first packets: of two of a connection within a jiffy the kernel counts both.
        let rules = "*filter\n:FORWARD ACCEPT [0:0]\n-A FORWARD -p udp -m connlimit --connlimit-above 5 --connlimit-daddr\n\
                     -A FORWARD -i in0 -p tcp --syn -m connlimit --connlimit-upto 2 -j ACCEPT\n\
                     -A FORWARD -i in0 -p tcp --syn -m connlimit --connlimit-above 3 --connlimit-mask 24\n\
                     -A FORWARD -i in0 -p tcp --syn -m connlimit ! --connlimit-above 3 --connlimit-mask 8\nCOMMIT";
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
        agree(Family::Ipv4, backend, rules, &packets);
    }
}

/// What `SYNPROXY` answers, but for its sequence number and time.
#[test]
fn handshakes_in_place_of_servers() {
    let rules = "*raw\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -i in0 -p tcp --syn -j CT --notrack\nCOMMIT\n\
        *filter\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n\
        -A FORWARD -p tcp -m state --state INVALID,UNTRACKED -m multiport --dports 80 -j SYNPROXY --sack-perm --timestamp --wscale 7 --mss 1460 --ecn\n\
        -A FORWARD -p tcp -m state --state INVALID,UNTRACKED -m multiport --dports 81 -j SYNPROXY --sack-perm --wscale 7\n\
        -A FORWARD -m state --state INVALID\nCOMMIT";
    for (family, there) in [
        (Family::Ipv4, "in=in0 src=10.1.0.9 dst=10.2.0.5 proto=tcp"),
        (Family::Ipv6, "in=in0 src=fd00:1::9 dst=fd00:2::5 proto=tcp"),
    ] {
        let mut packets = Vec::new();
        for dport in [80, 81] {
            for rest in [
                "flags=syn",
                "flags=syn mss=1400",
                "flags=syn,ece,cwr tcp-options=020405b40402080a0000002a000000000103030a",
                "flags=syn tcp-options=0101080a0000002a00000000",
                "flags=syn tcp-options=0402080a0000002a0000000001030314",
                "flags=syn tcp-options=02040200020405b4080a000000010000",
                "flags=syn tcp-options=020405b400000000",
                "flags=syn tcp-options=0101040203030500",
                "flags=syn checksum=wrong",
                "flags=ack ack=5",
                "flags=rst",
                "flags=fin,ack",
                "flags=syn,ack",
            ] {
                packets.push(format!("{there} sport=4000 dport={dport} seq=77 {rest}"));
            }
        }
        agree(family, Backend::Nft, rules, &packets);
    }
}

/// Errors carry on the record of the route that the packet has, and are shorter by that.
#[test]
fn errors_about_packets_with_options() {
    let rules = "*filter\n:FORWARD ACCEPT [0:0]\n:INPUT ACCEPT [0:0]\n-A FORWARD -j REJECT\n\
        -A INPUT -p udp -j REJECT --reject-with icmp-host-prohibited\nCOMMIT";
    let mut packets = Vec::new();
    for to in ["10.2.0.5", "10.1.0.1"] {
        for options in [
            "01010101",
            "070b04000000000000000000",
            "0107070400000000",
            "07070400000000",
            "070b080a0000010000000000",
            "07070801020304",
            "070f0c0a0000010a00000200000000",
            "07070901020304000000",
            "440c0d0301020304050607080000",
            "440c0503ac10000900000000",
            "94040000",
            "010707040000000000000000440c0503ac10000900000000",
        ] {
            let padding = "0".repeat(options.len().next_multiple_of(8) - options.len());
            for length in ["", " length=900"] {
                packets.push(format!(
                    "in=in0 src=10.1.0.9 dst={to} proto=udp dport=9 options={options}{padding}{length}"
                ));
            }
        }
    }
    agree(Family::Ipv4, Backend::Nft, rules, &packets);
}
