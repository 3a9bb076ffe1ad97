//! The sets that all rules may ask about, in the kernel and in the evaluator.

use pkttables::model::Family;
use std::fmt::Write as _;

/// Names, to which 4 or 6 is added, and how many dimensions they have.
pub(crate) const NAMES: [(&str, usize); 15] = [
    ("hosts", 1),
    ("nets", 1),
    ("hostports", 2),
    ("netports", 2),
    ("ifaces", 2),
    ("trios", 3),
    ("routes", 3),
    ("ports", 1),
    ("any", 1),
    ("seen", 1),
    ("seenports", 2),
    ("bits", 1),
    ("hostmacs", 2),
    ("counted", 1),
    ("aging", 1),
];

/// Those that rules change.
pub(crate) const CHANGED: [(&str, usize); 2] = [("seen", 1), ("seenports", 2)];

/// What `ipset restore` makes them from.
pub(crate) fn text(family: Family) -> String {
    let (digit, name, hosts, nets): (_, _, [&str; 3], [&str; 3]) = match family {
        Family::Ipv4 => (
            4,
            "inet",
            ["10.1.0.2", "10.2.0.3", "192.168.4.4"],
            ["10.1.0.0/24", "10.2.0.4/30", "10.4.0.0/16"],
        ),
        Family::Ipv6 => (
            6,
            "inet6",
            ["fd00:1::2", "fd00:2::3", "2001:db8:1::4"],
            ["fd00:1::/64", "fd00:2::4/126", "fd00:4::/16"],
        ),
    };
    let mut text = String::new();
    for (set, kind) in [
        ("hosts", "hash:ip"),
        ("nets", "hash:net"),
        ("hostports", "hash:ip,port"),
        ("netports", "hash:net,port"),
        ("ifaces", "hash:net,iface"),
        ("trios", "hash:ip,port,ip"),
        ("routes", "hash:ip,port,net"),
        ("seen", "hash:ip"),
        ("seenports", "hash:ip,port"),
    ] {
        let _ = writeln!(text, "create {set}{digit} {kind} family {name}");
    }
    // Of IPv6 there are no bitmaps.
    let (bits, pairs, pair) = match family {
        Family::Ipv4 => {
            let range = "range 10.1.0.0-10.1.0.255";
            (format!("bitmap:ip {range}"), format!("bitmap:ip,mac {range}"), "02:00:00:00:0a:01")
        }
        Family::Ipv6 => ("hash:ip family inet6".into(), "hash:ip,port family inet6".into(), "tcp:22"),
    };
    let _ = writeln!(
        text,
        "create bits{digit} {bits}\nadd bits{digit} {0}\n\
         create hostmacs{digit} {pairs}\nadd hostmacs{digit} {0},{pair}\n\
         create counted{digit} hash:ip family {name} counters\nadd counted{digit} {0}\nadd counted{digit} {1}\n\
         create aging{digit} hash:ip family {name} timeout 5000\nadd aging{digit} {1}",
        hosts[0], hosts[1],
    );
    let _ = writeln!(
        text,
        "create ports{digit} bitmap:port range 0-1023\nadd ports{digit} 20-25\nadd ports{digit} 443"
    );
    let _ = writeln!(
        text,
        "create any{digit} list:set size 4\nadd any{digit} hosts{digit}\nadd any{digit} nets{digit}"
    );
    for host in hosts {
        let _ = writeln!(
            text,
            "add hosts{digit} {host}\nadd hostports{digit} {host},tcp:80\nadd hostports{digit} {host},udp:53"
        );
        let _ = writeln!(text, "add hostports{digit} {host},sctp:22");
        let _ = writeln!(
            text,
            "add trios{digit} {host},tcp:80,{}\nadd routes{digit} {host},udp:53,{}",
            hosts[0], nets[2]
        );
    }
    let ping = if family == Family::Ipv4 { "icmp:8/0" } else { "icmpv6:128/0" };
    for (number, net) in nets.iter().enumerate() {
        let not = if number == 1 { " nomatch" } else { "" };
        let _ = writeln!(
            text,
            "add nets{digit} {net}{not}\nadd netports{digit} {net},tcp:443{not}\nadd netports{digit} {net},{ping}"
        );
        let _ = writeln!(text, "add ifaces{digit} {net},in0");
    }
    text
}
