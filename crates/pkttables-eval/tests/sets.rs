//! Sets of ipset: what is read, and which packets are in them.

use pkttables::model::Family;
use pkttables_eval::ipset::Sets;
use pkttables_eval::{Scenario, Setup};

/// A scenario whose rule 1 of FORWARD drops what the match has.
fn scenario(family: Family, sets: &str, condition: &str) -> Scenario {
    let rules = format!("*filter\n:FORWARD ACCEPT\n-A FORWARD -m set {condition} -j DROP\nCOMMIT\n");
    let setup = Setup::parse(family, &rules).unwrap().sets(sets).unwrap();
    let any = if family == Family::Ipv4 { "0.0.0.0/0=out0" } else { "::/0=out0" };
    Scenario::new(setup.route(any).unwrap()).unwrap()
}

/// Which of the packets, in words behind what all have, are in the set.
fn found<const N: usize>(sets: &str, condition: &str, packets: [&str; N]) -> [bool; N] {
    let mut scenario = scenario(Family::Ipv4, sets, condition);
    packets.map(|words| {
        let more = [
            ("in=", "in=in0"),
            ("src=", "src=10.0.0.1"),
            ("dst=", "dst=10.9.0.1"),
            ("proto=", "proto=tcp dport=80"),
        ];
        let more = more.iter().filter(|(key, _)| !words.contains(key)).map(|(_, word)| *word);
        let words = more.chain([words]).collect::<Vec<_>>().join(" ");
        scenario.send(&words).rule.is_some_and(|(.., number)| number == 1)
    })
}

#[test]
fn addresses_and_networks() {
    let sets = "create ip hash:ip\nadd ip 10.0.0.0/30\nadd ip 10.0.1.1-10.0.1.3\n\
        create masked hash:ip netmask 24\nadd masked 10.0.5.77\n\
        create net hash:net\nadd net 10.0.0.0/8\nadd net 10.1.0.0/16 nomatch\nadd net 10.1.2.0/24\n\
        create range hash:net\nadd range 10.0.0.1-10.0.0.6\n\
        create bits bitmap:ip range 10.0.0.0/16 netmask 24\nadd bits 10.0.3.0\n";
    let of = [
        "src=10.0.0.3",
        "src=10.0.0.4",
        "src=10.0.1.2",
        "src=10.0.5.1",
        "src=10.1.1.1",
        "src=10.1.2.1",
        "src=10.0.3.9",
    ];
    assert_eq!(found(sets, "--match-set ip src", of), [true, false, true, false, false, false, false]);
    assert_eq!(found(sets, "! --match-set ip src", of), [false, true, false, true, true, true, true]);
    assert_eq!(found(sets, "--match-set masked src", of), [false, false, false, true, false, false, false]);
    assert_eq!(found(sets, "--match-set net src", of), [true, true, true, true, false, true, true]);
    assert_eq!(
        found(sets, "--match-set net src --return-nomatch", of),
        [false, false, false, false, true, false, false]
    );
    assert_eq!(found(sets, "--match-set range src", of), [true, true, false, false, false, false, false]);
    assert_eq!(found(sets, "--match-set bits src", of), [false, false, false, false, false, false, true]);
    // Fewer directions than the entries have parts match nothing; more do no harm.
    assert_eq!(
        found("create p hash:ip,port\nadd p 10.0.0.1,80\n", "--match-set p src", ["dport=80 proto=tcp"]),
        [false]
    );
    assert_eq!(found(sets, "--match-set ip src,dst", ["src=10.0.0.3"]), [true]);
}

#[test]
fn ports_protocols_and_third_parts() {
    let sets = "create p hash:ip,port\nadd p 10.9.0.1,tcp:80-82\nadd p 10.9.0.1,udp:53\nadd p 10.9.0.1,icmp:echo-request\n\
        add p 10.9.0.1,gre:0\n\
        create pi hash:ip,port,ip\nadd pi 10.0.0.1,udp:53,10.9.0.1\n\
        create pn hash:ip,port,net\nadd pn 10.0.0.1,80,10.9.0.0/16\n\
        create np hash:net,port\nadd np 10.9.0.0/16,tcp:80\nadd np 10.9.0.0/24,tcp:80 nomatch\n\
        create npn hash:net,port,net\nadd npn 0.0.0.0/0,80,10.9.0.0/16\n\
        create nn hash:net,net\nadd nn 10.0.0.0/8,10.9.0.0/24\nadd nn 10.0.0.0/24,0.0.0.0/0 nomatch\n\
        create port bitmap:port range 50-100\nadd port 53\nadd port 80-90\n";
    let of = [
        "proto=tcp dport=81",
        "proto=udp dport=53",
        "proto=icmp",
        "proto=gre",
        "proto=sctp dport=80",
        "proto=tcp dport=80",
        "proto=icmp type=echo-reply",
    ];
    assert_eq!(found(sets, "--match-set p dst,dst", of), [true, true, true, true, false, true, false]);
    assert_eq!(
        found(sets, "--match-set pi src,dst,dst", of),
        [false, true, false, false, false, false, false]
    );
    assert_eq!(
        found(sets, "--match-set pn src,dst,dst", of),
        [false, false, false, false, false, true, false]
    );
    assert_eq!(
        found(sets, "--match-set npn src,dst,dst", of),
        [false, false, false, false, false, true, false]
    );
    assert_eq!(found(sets, "--match-set port dst", of), [true, true, false, false, false, true, false]);
    let hosts = ["dst=10.9.0.9", "dst=10.9.1.9", "src=10.1.0.1 dst=10.9.0.9"];
    assert_eq!(found(sets, "--match-set np dst,dst", hosts), [false, true, false]);
    assert_eq!(found(sets, "--match-set nn src,dst", hosts), [false, false, true]);
}

#[test]
fn interfaces_marks_and_link_addresses() {
    let sets = "create i hash:net,iface\nadd i 10.0.0.0/8,in0\nadd i 10.0.1.0/24,in1\nadd i 10.0.2.0/24,in wildcard\n\
        create m hash:ip,mark markmask 0xff\nadd m 10.0.0.1,0x1105\n\
        create mac hash:mac\nadd mac 02:00:00:00:00:aa\n\
        create im hash:ip,mac\nadd im 10.0.0.1,02:00:00:00:00:aa\n\
        create bm bitmap:ip,mac range 10.0.0.0/24\nadd bm 10.0.0.1,02:00:00:00:00:aa\nadd bm 10.0.0.2\n";
    // The narrowest network decides, even if its interface is another one.
    let of = ["src=10.0.0.9", "src=10.0.1.9", "src=10.0.1.9 in=in1", "src=10.0.2.9 in=in77"];
    assert_eq!(found(sets, "--match-set i src,src", of), [true, false, true, true]);
    assert_eq!(found(sets, "--match-set m src,src", ["mark=0x205", "mark=6"]), [true, false]);
    let of = ["smac=02:00:00:00:00:aa", "smac=02:00:00:00:00:bb", "mark=0"];
    assert_eq!(found(sets, "--match-set mac src", of), [true, false, false]);
    assert_eq!(found(sets, "--match-set im src,src", of), [true, false, false]);
    assert_eq!(found(sets, "--match-set bm src,src", of), [true, false, false]);
    // An address without a MAC address learns that of the first packet.
    let of = ["src=10.0.0.2 smac=02:00:00:00:00:cc", "src=10.0.0.2 smac=02:00:00:00:00:dd"];
    assert_eq!(found(sets, "--match-set bm src,src", of), [true, false]);
}

#[test]
fn lists_counters_and_times() {
    let sets = "create a hash:ip\nadd a 10.0.0.1\ncreate b hash:ip,port counters\nadd b 10.0.0.2,80 packets 1 bytes 60\n\
        create all list:set\nadd all b\nadd all a before b\n\
        create t hash:ip timeout 10\nadd t 10.0.0.1\nadd t 10.0.0.2 timeout 0\nadd t 10.0.0.3 timeout 20\n";
    assert_eq!(found(sets, "--match-set all src", ["src=10.0.0.1", "src=10.0.0.2"]), [true, false]);
    assert_eq!(found(sets, "--match-set all src,dst", ["src=10.0.0.1", "src=10.0.0.2"]), [true, true]);
    // Each look counts before the counters are compared.
    let same = ["src=10.0.0.2"; 3];
    assert_eq!(found(sets, "--match-set b src,dst --packets-gt 2", same), [false, true, true]);
    assert_eq!(found(sets, "--match-set b src,dst --packets-gt 2 ! --update-counters", same), [false; 3]);
    assert_eq!(found(sets, "--match-set b src,dst --bytes-lt 180", same), [true, true, false]);
    let of = ["src=10.0.0.1", "src=10.0.0.1 time=11s", "src=10.0.0.2 time=1d", "src=10.0.0.3 time=1d"];
    assert_eq!(found(sets, "--match-set t src", of), [true, false, true, false]);
}

#[test]
fn the_target_changes_sets_and_packets() {
    let rules = "*mangle\n:FORWARD ACCEPT\n\
        -A FORWARD -p tcp --dport 1 -j SET --add-set seen src --timeout 10\n\
        -A FORWARD -p tcp --dport 2 -j SET --del-set seen src\n\
        -A FORWARD -p tcp --dport 3 -j SET --add-set seen src --exist --timeout 100\n\
        -A FORWARD -m set --match-set info src -j SET --map-set info src --map-mark\n\
        -A FORWARD -m set --match-set seen src -j DROP\nCOMMIT\n";
    let sets =
        "create seen hash:ip timeout 5\ncreate info hash:ip skbinfo\nadd info 10.0.0.7 skbmark 0x1/0xf\n";
    let setup =
        Setup::parse(Family::Ipv4, rules).unwrap().sets(sets).unwrap().route("0.0.0.0/0=out0").unwrap();
    let mut scenario = Scenario::new(setup).unwrap();
    let mut send = |port: u16, more: &str| {
        let text = format!("in=in0 dst=10.9.0.1 proto=tcp dport={port} {more}");
        scenario.send(&text).clone()
    };
    let one = "src=10.0.0.1";
    send(9, one).expect_accept();
    send(1, one).expect_drop();
    send(9, &format!("{one} time=9s")).expect_drop();
    send(2, &format!("{one} time=9s")).expect_accept();
    send(1, &format!("{one} time=9s")).expect_drop();
    // Adding what is there is refused without --exist, so the time does not start again.
    send(1, &format!("{one} time=15s")).expect_drop();
    send(9, &format!("{one} time=20s")).expect_accept();
    send(3, &format!("{one} time=20s")).expect_drop();
    send(9, &format!("{one} time=110s")).expect_drop();
    send(9, "src=10.0.0.7 mark=0xabc").expect_accept().expect_mark(0xab1);
}

#[test]
fn ipv6_sets_hold_ipv6_alone() {
    let sets = "create n hash:net family inet6\nadd n 2001:db8::/32\nadd n 2001:db8:1::/48 nomatch\ncreate four hash:net\n\
        create p hash:ip,port family inet6\nadd p 2001:db8::1,icmpv6:128/0\n";
    let send = |condition: &str, words: &str| {
        let mut scenario = scenario(Family::Ipv6, sets, condition);
        scenario
            .send(&format!("in=in0 dst=2001:db8:9::1 {words}"))
            .rule
            .is_some_and(|(.., number)| number == 1)
    };
    assert!(send("--match-set n src", "src=2001:db8:2::1 proto=tcp dport=1"));
    assert!(!send("--match-set n src", "src=2001:db8:1::1 proto=tcp dport=1"));
    assert!(!send("--match-set four src", "src=2001:db8:1::1 proto=tcp dport=1"));
    assert!(send("--match-set p src,dst", "src=2001:db8::1 proto=icmp"));
}

#[test]
fn errors_have_places_and_reasons() {
    for (text, error) in [
        ("craete a hash:ip\n", "1:1: `craete' is no command; expected create, add, del, flush or destroy"),
        ("create a hash:ipp\n", "1:10: there is no set type `hash:ipp'; there are hash:ip, "),
        ("create a hash:ip range 1-2\n", "1:18: `range' is no option of sets of type hash:ip"),
        ("create a hash:ip\n\nadd b 10.0.0.1\n", "3:5: there is no set `b'"),
        ("create a hash:ip\nadd a 10.0.0.256\n", "2:7: `10.0.0.256': expected an IPv4 address"),
        ("create a hash:ip\nadd a 10.0.0.1/33\n", "2:7: `10.0.0.1/33': expected a prefix length"),
        (
            "create a hash:ip\nadd a 10.0.0.1 timeout 5\n",
            "2:16: `timeout' needs a set that was created with `timeout'",
        ),
        ("create a hash:ip\nadd a 10.0.0.1\nadd a 10.0.0.1\n", "3:7: `10.0.0.1' is in the set already"),
        ("create a hash:ip maxelem 2\nadd a 10.0.0.0/30\n", "2:7: the set is full: it takes 2 entries"),
        (
            "create a hash:ip maxelem 4294967295\nadd a 0.0.0.0/0\n",
            "2:7: `0.0.0.0/0' stands for more than 1048576 entries",
        ),
        ("create a hash:net\nadd a 0.0.0.0/0\n", "2:7: `0.0.0.0/0': expected a network; this type"),
        ("create a hash:ip,port\nadd a 10.0.0.1\n", "2:7: `10.0.0.1': expected more parts"),
        ("create a hash:ip,port\nadd a 10.0.0.1,gre:1\n", "2:7: `gre:1': expected PROTOCOL:0"),
        ("create a bitmap:port range 1-9\nadd a 10\n", "2:7: `10' is outside the set's range"),
        ("create a bitmap:ip\n", "1:19: the range of the bitmap is missing"),
        (
            "create a list:set\ncreate b list:set\nadd a b\n",
            "3:7: `b': expected a set that is no list itself",
        ),
        ("create a hash:ip\ncreate a hash:ip\n", "2:8: there is a set `a' already"),
        ("create a hash:ip family inet7\n", "1:25: `inet7': expected inet or inet6"),
        ("add", "1:4: the set's name is missing"),
    ] {
        let said = Sets::parse(text).unwrap_err().to_string();
        assert!(said.starts_with(error), "{said}, not {error}");
    }
}

proptest::proptest! {
    #[test]
    fn any_text_is_read_or_refused(
        lines in proptest::collection::vec(
            "(create|add|del|flush|destroy) [ab] (hash:ip|hash:net,port,net|bitmap:ip|list:set|10[.]0[.]0[.]1)?[ -~]{0,30}",
            0..6,
        ),
    ) {
        let _ = Sets::parse(&lines.join("\n"));
    }
}
