//! Sets in the kernel and in `eval`: the same rules count the same packets.

use std::net::UdpSocket;
use std::process::Command;

const SETS: &str = "create ip hash:ip\nadd ip 127.0.0.1\nadd ip 127.1.0.0/30\n\
    create masked hash:ip netmask 16\nadd masked 127.1.0.0\n\
    create net hash:net counters\nadd net 127.0.0.0/8\nadd net 127.1.0.0/16 nomatch\nadd net 127.1.2.0/24\n\
    create port hash:ip,port\nadd port 127.1.0.1,udp:53-54\nadd port 127.2.0.1,tcp:53\n\
    create ports bitmap:port range 0-1024\nadd ports 53\n\
    create portip hash:ip,port,ip\nadd portip 127.0.0.1,udp:53,127.1.0.1\n\
    create portnet hash:ip,port,net\nadd portnet 127.0.0.1,udp:53,127.1.0.0/16\nadd portnet 127.0.0.1,udp:53,127.1.2.0/24 nomatch\n\
    create netport hash:net,port\nadd netport 127.1.0.0/16,udp:53\n\
    create iface hash:net,iface\nadd iface 127.0.0.0/8,lo\nadd iface 127.1.0.0/16,eth0\nadd iface 127.1.2.0/24,l wildcard\n\
    create bits bitmap:ip range 127.0.0.0/8 netmask 16\nadd bits 127.1.0.0\n\
    create list list:set\nadd list netport\nadd list ip\n\
    create added hash:ip\n\
    create narrow hash:net\nadd narrow 10.0.0.0/24\nadd narrow 10.0.0.0/8\n";

const CONDITIONS: [&str; 23] = [
    "--match-set ip dst",
    "! --match-set ip dst",
    "--match-set ip src,dst",
    "--match-set masked dst",
    "--match-set net dst",
    "--match-set net dst --return-nomatch",
    "--match-set net dst --packets-gt 20",
    "--match-set net dst --bytes-lt 900",
    "--match-set net dst ! --update-counters ! --packets-eq 12",
    "--match-set port dst,dst",
    "--match-set port src,dst",
    "--match-set port dst",
    "--match-set ports dst",
    "--match-set ports src",
    "--match-set portip src,dst,dst",
    "--match-set portnet src,dst,dst",
    "--match-set netport dst,dst",
    "--match-set iface dst,dst",
    "--match-set bits dst",
    "--match-set list dst",
    "--match-set list dst,dst",
    "--match-set added dst",
    "--match-set narrow dst",
];

/// The packets: destination and port.
const PACKETS: [(&str, u16); 8] = [
    ("127.0.0.1", 53),
    ("127.1.0.1", 53),
    ("127.1.0.1", 54),
    ("127.1.2.3", 53),
    ("127.2.0.1", 53),
    ("127.1.0.3", 1000),
    ("127.9.9.9", 2000),
    ("127.1.2.77", 53),
];

fn rules() -> String {
    let mut rules =
        String::from("*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n");
    for condition in CONDITIONS {
        rules.push_str(&format!("-A OUTPUT -p udp -m set {condition}\n"));
    }
    rules.push_str("-A OUTPUT -p udp -m udp --dport 54 -j SET --add-set added dst\n");
    rules.push_str("-A OUTPUT -p udp -m udp --dport 54 -j SET --add-set narrow dst\n");
    rules.push_str("-A OUTPUT -p udp -m udp --dport 2000 -j SET --del-set ip dst\nCOMMIT\n");
    rules
}

/// The counters of each rule of OUTPUT, from a save file.
fn counters(saved: &str) -> Vec<(String, String)> {
    let lines = saved.lines().filter_map(|line| line.strip_prefix('[')?.split_once("] -A OUTPUT "));
    lines.map(|(counted, rule)| (rule.to_owned(), counted.to_owned())).collect()
}

#[test]
fn the_kernel_finds_the_same_packets_in_sets() {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"));
    let (sets, saved_rules) = (folder.join("sets.save"), folder.join("sets.v4"));
    std::fs::write(&sets, SETS).expect("a file");
    std::fs::write(&saved_rules, rules()).expect("a file");
    testkit::in_namespace(|| {
        let (Some(mut ipset), Some(mut ip)) = (testkit::program("ipset"), testkit::program("ip")) else {
            return;
        };
        let program = env!("CARGO_BIN_EXE_iptables2");
        let _ = testkit::run(ip.args(["link", "set", "lo", "up"]), "");
        let _ = testkit::run(ipset.arg("restore"), SETS);
        let _ = testkit::run(Command::new(program).arg("iptables-restore"), &rules());
        let socket = UdpSocket::bind("127.0.0.1:4000").expect("a socket");
        let mut eval = Command::new(program);
        eval.args(["eval", "--format", "save", "--rules"]).arg(&saved_rules).arg("--ipset").arg(&sets);
        // Each of them twice, so that counters and changes tell.
        for (destination, port) in PACKETS.iter().chain(&PACKETS) {
            // Nothing listens, which a later call may be told.
            while socket.send_to(b"hello", (*destination, *port)).is_err() {}
            let words = format!(
                "out=lo src=127.0.0.1 dst={destination} proto=udp sport=4000 dport={port} payload=hello"
            );
            eval.args(["--packet", &words]);
        }
        let kernel = testkit::run(Command::new(program).args(["iptables-save", "-c"]), "");
        assert_eq!(counters(&testkit::run(&mut eval, "")), counters(&kernel));
    });
}
