//! Evaluation allocates nothing once it has seen the connections and rules; connections are small.

use pkttables::model::Family;
use pkttables::packet::{Data, InterfaceName, Meta};
use pkttables::registry::{Backend, Registry, Route, Scope, Value as _};
use pkttables::text::{Parser, ReadOptions, Reader, read_ruleset};
use pkttables_eval::conntrack::{Conntrack, Entry, Settings};
use pkttables_eval::{Evaluator, Host, Origin};

const RULES: &str = "*mangle\n:PREROUTING ACCEPT\n:INPUT ACCEPT\n:FORWARD ACCEPT\n:OUTPUT ACCEPT\n:POSTROUTING ACCEPT\n\
    -A FORWARD -m length --length 20:200 -j MARK --set-mark 3\n\
    -A FORWARD -m connmark ! --mark 1 -j CONNMARK --save-mark\n-A POSTROUTING -j TTL --ttl-set 9\nCOMMIT\n\
    *nat\n:PREROUTING ACCEPT\n:INPUT ACCEPT\n:OUTPUT ACCEPT\n:POSTROUTING ACCEPT\n\
    -A POSTROUTING -o out0 -j MASQUERADE\nCOMMIT\n\
    *filter\n:INPUT ACCEPT\n:FORWARD DROP\n:OUTPUT ACCEPT\n:calls -\n\
    -A FORWARD -m conntrack --ctstate ESTABLISHED -j calls\n-A FORWARD -j ACCEPT\n\
    -A calls -p udp -m udp --dport 1:9\n-A calls -p udp -m multiport --dports 53,80\n\
    -A calls -m limit --limit 1/sec\n-A calls -m string --algo kmp --string abc\n\
    -A calls -m statistic --mode nth --every 2 --packet 0\nCOMMIT\n";

fn evaluator() -> Evaluator {
    let parser = Parser::new(Family::Ipv4, Registry::builtin());
    let ruleset = read_ruleset(&mut Reader::new(RULES.as_bytes(), parser, ReadOptions::default())).unwrap();
    let mut host = Host::new();
    for (network, name) in [("10.1.0.0/16", "in0"), ("10.2.0.0/16", "out0")] {
        let scope = Scope { family: Family::Ipv4, protocol: None };
        let prefix = pkttables::model::AddressMask::parse(network, &scope).unwrap();
        let interface = InterfaceName::new(name.as_bytes()).unwrap();
        host.add_route(prefix, Route { interface, gateway: None, mtu: 1500 });
    }
    host.add_local("10.2.0.1".parse().unwrap());
    Evaluator::new(ruleset, host, Backend::Nft).unwrap()
}

fn udp(source: [u8; 4], destination: [u8; 4], ports: [u8; 4]) -> Vec<u8> {
    let mut packet = vec![0x45, 0, 0, 32, 0, 1, 0, 0, 64, 17, 0, 0];
    packet.extend(source);
    packet.extend(destination);
    let sum = !(Data::new(&packet).sum(0, 20, 0) as u16);
    packet[10..12].copy_from_slice(&sum.to_be_bytes());
    packet.extend(ports);
    packet.extend([0, 12, 0, 0, b'x', b'a', b'b', b'c']);
    packet
}

#[test]
fn packets_of_known_connections_allocate_nothing() {
    let mut evaluator = evaluator();
    let mut round = |second: u64| {
        for host in 2..50 {
            let there = udp([10, 1, 0, host], [10, 2, 0, 9], [16, host, 0, 53]);
            let back = udp([10, 2, 0, 9], [10, 2, 0, 1], [0, 53, 16, host]);
            for (packet, input) in [(there, b"in0" as &[u8]), (back, b"out0")] {
                let time = 1_700_000_000_000_000_000 + second * 1_000_000_000;
                let meta = Meta { input: InterfaceName::new(input), time, ..Meta::default() };
                let mut left = false;
                let counted = allocation_counter::measure(|| {
                    let fate = evaluator.process(Data::new(&packet), &meta, Origin::Received, &mut ());
                    left = fate.unwrap().out.is_some();
                });
                assert!(left);
                assert!(second < 2 || counted.count_total == 0, "{counted:?}");
            }
        }
    };
    (0..20).for_each(&mut round);
}

#[test]
fn a_million_connections_take_less_than_350_bytes_each() {
    const COUNT: u32 = 1_000_000;
    let mut conntrack = Conntrack::new(Settings { max: COUNT, ..Settings::default() });
    let counted = allocation_counter::measure(|| {
        for number in 0..COUNT {
            let [_, a, b, c] = number.to_be_bytes();
            let packet = udp([10, 1, a, b], [10, 2, 0, 9], [16, c, 0, 53]);
            let (tracking, _) = conntrack.incoming(Data::new(&packet), &Entry::default(), &mut || 0);
            let _ = conntrack.confirm(&tracking);
        }
    });
    assert_eq!(conntrack.len(), COUNT as usize);
    // A packet of the test itself is gone again when the next one is made.
    let each = counted.bytes_current / i64::from(COUNT);
    assert!(each < 350, "{each} bytes");
}
