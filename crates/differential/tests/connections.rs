//! Rules that count connections or answer packets, by the kernel and by the evaluator.

mod words;

use pkttables::model::Family;
use pkttables::registry::Backend;
use words::agree;

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

/// Lists with several masks, and buckets of one name with several limits: the first rule of a name decides.
#[test]
fn rules_that_share_a_name() {
    let recent = "*filter\n:FORWARD ACCEPT [0:0]\n-A FORWARD -m recent --set --name a --mask 255.255.255.0\n\
        -A FORWARD -m recent --rcheck --name a --mask 255.255.255.255 --hitcount 3\n\
        -A FORWARD -m recent --update --name a --hitcount 5 --mask 255.255.0.0\n\
        -A FORWARD -m recent --rcheck --name a --hitcount 40\n\
        -A FORWARD -m recent --name b --set --rdest --mask 255.0.0.0\n\
        -A FORWARD -m recent --name b --rcheck --hitcount 2\n\
        -A FORWARD -m recent --name b --remove --mask 255.255.255.0 --rdest\nCOMMIT";
    let hashlimit = "*filter\n:FORWARD ACCEPT [0:0]\n\
        -A FORWARD -m hashlimit --hashlimit-name a --hashlimit-mode srcip --hashlimit-upto 5/hour --hashlimit-burst 3\n\
        -A FORWARD -m hashlimit --hashlimit-name a --hashlimit-mode dstip --hashlimit-above 50/hour --hashlimit-burst 9\n\
        -A FORWARD -m hashlimit --hashlimit-name b --hashlimit-upto 1/day --hashlimit-burst 2\n\
        -A FORWARD -m hashlimit --hashlimit-name b --hashlimit-upto 9/hour --hashlimit-mode srcip,dstport\nCOMMIT";
    let limit = "*filter\n:FORWARD ACCEPT [0:0]\n-A FORWARD -m limit --limit 1/hour --limit-burst 4\n\
        -A FORWARD -m limit --limit 7/day --limit-burst 2\n-A FORWARD -m limit --limit 3/hour\nCOMMIT";
    let mut packets = Vec::new();
    for host in [1, 9, 9, 10, 9, 200, 9, 10, 10, 9, 9, 9, 10] {
        for ttl in [64, 9] {
            packets.push(format!("in=in0 src=10.1.0.{host} dst=10.2.0.5 proto=udp dport=9 ttl={ttl}"));
        }
    }
    for rules in [recent, hashlimit, limit] {
        agree(Family::Ipv4, Backend::Nft, rules, &packets);
    }
    for rules in [recent, limit] {
        agree(Family::Ipv4, Backend::Legacy, rules, &packets);
    }
}

/// Sources that cannot be answered, to all kinds of destinations.
#[test]
fn ways_back_to_all_kinds_of_sources() {
    let rules = "*raw\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -m rpfilter\n-A PREROUTING -m rpfilter --loose\n\
        -A PREROUTING -m rpfilter --accept-local\n-A PREROUTING -m rpfilter --invert --validmark\n\
        -A PREROUTING -m rpfilter --loose --accept-local\nCOMMIT";
    let mut packets = Vec::new();
    for source in [
        "10.1.0.9",
        "10.1.255.255",
        "10.1.0.0",
        "10.2.255.255",
        "255.255.255.255",
        "224.0.0.1",
        "10.3.0.1",
        "10.1.0.1",
        "127.0.0.1",
        "0.0.0.0",
        "192.168.1.1",
        "8.8.8.8",
        "10.2.0.9",
        "10.3.255.255",
    ] {
        for to in ["10.2.0.5", "10.1.0.1", "255.255.255.255", "224.0.0.5", "10.1.255.255", "10.2.255.255"] {
            packets.push(format!("in=in0 src={source} dst={to} proto=udp dport=9"));
        }
    }
    agree(Family::Ipv4, Backend::Nft, rules, &packets);
}
