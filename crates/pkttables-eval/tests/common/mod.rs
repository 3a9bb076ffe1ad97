//! Evaluators with rules of many kinds, and packets for them that are mostly right.

use pkttables::model::Family;
use pkttables::packet::{Data, InterfaceName};
use pkttables::registry::{Backend, Registry, Route, Scope, Value as _};
use pkttables::text::{Parser, ReadOptions, Reader, read_ruleset};
use pkttables_eval::{Evaluator, Host};
use proptest::prelude::Rng as _;
use proptest::test_runner::TestRng;

const RULES: &str = "*raw\n:PREROUTING ACCEPT\n:OUTPUT ACCEPT\n-A PREROUTING -j CT --helper ftp\nCOMMIT\n\
    *mangle\n:PREROUTING ACCEPT\n:INPUT ACCEPT\n:FORWARD ACCEPT\n:OUTPUT ACCEPT\n:POSTROUTING ACCEPT\n\
    -A FORWARD -p tcp -j TCPMSS --set-mss 1000\n-A FORWARD -p tcp -j TCPOPTSTRIP --strip-options 3,4,8\n\
    -A FORWARD -m string --algo bm --string abc\n-A FORWARD -j MARK --set-mark 3\nCOMMIT\n\
    *nat\n:PREROUTING ACCEPT\n:INPUT ACCEPT\n:OUTPUT ACCEPT\n:POSTROUTING ACCEPT\n\
    -A PREROUTING -p udp -j DNAT --to-destination TO\n-A PREROUTING -p tcp -m tcp --dport 1 -j DNAT --to-destination TO\n\
    -A POSTROUTING -j MASQUERADE\nCOMMIT\n\
    *filter\n:INPUT ACCEPT\n:FORWARD ACCEPT\n:OUTPUT ACCEPT\n\
    -A FORWARD -p tcp -m tcp --tcp-option 5\n-A FORWARD -p sctp -m sctp --chunk-types any DATA\n\
    -A FORWARD -m conntrack --ctstate INVALID -j REJECT\n-A INPUT -j REJECT\nCOMMIT\n";

/// An evaluator for each family, of a host with one interface.
pub(crate) fn evaluators() -> [(Family, Evaluator); 2] {
    [
        (Family::Ipv4, evaluator(Family::Ipv4, "10.0.0.1", "10.0.0.0/24", "10.0.0.3:1-9")),
        (Family::Ipv6, evaluator(Family::Ipv6, "fd00::1", "fd00::/64", "[fd00::3]:1-9")),
    ]
}

fn evaluator(family: Family, local: &str, network: &str, to: &str) -> Evaluator {
    let rules = RULES.replace("TO", to);
    let parser = Parser::new(family, Registry::builtin());
    let ruleset = read_ruleset(&mut Reader::new(rules.as_bytes(), parser, ReadOptions::default())).unwrap();
    let mut host = Host::new();
    let prefix = pkttables::model::AddressMask::parse(network, &Scope { family, protocol: None }).unwrap();
    let interface = InterfaceName::new(b"eth0").unwrap();
    host.add_route(prefix, Route { interface, gateway: None, mtu: 1500 });
    host.add_local(local.parse().unwrap());
    Evaluator::new(ruleset, host, Backend::Nft).unwrap()
}

/// A packet that is mostly right: addresses of the network, a protocol with a header, options, fragments.
pub(crate) fn packet(random: &mut TestRng, family: Family) -> Vec<u8> {
    let draw = random.next_u64();
    let byte = |at: u32| (draw >> (at * 8)) as u8;
    let len = usize::from(byte(0) % 90);
    let mut payload = vec![0; len];
    random.fill_bytes(&mut payload);
    let protocol = [6, 17, 1, 132, 58, 47, 136, 44][usize::from(byte(1) % 8)];
    let mut packet = match family {
        Family::Ipv4 => {
            let flags = if byte(2) % 4 == 0 { byte(3) & 0x21 } else { 0 };
            let mut packet =
                vec![0x45, 0, 0, 20 + len as u8, 0, byte(4) % 4, flags, byte(5) % 3, 64, protocol, 0, 0];
            packet.extend([10, 0, 0, byte(6) % 4 + 1, 10, 0, 0, byte(7) % 4 + 1]);
            let sum = !(Data::new(&packet).sum(0, 20, 0) as u16);
            packet[10..12].copy_from_slice(&sum.to_be_bytes());
            packet
        }
        Family::Ipv6 => {
            let mut packet = vec![0x60, 0, 0, 0, 0, len as u8, protocol, 64];
            for last in [byte(6) % 4 + 1, byte(7) % 4 + 1] {
                packet.extend([0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last]);
            }
            packet
        }
    };
    packet.extend(payload);
    // Few ports, so that connections come about.
    for at in [0, 1, 2, 3] {
        let start = packet.len() - len;
        if let Some(byte) = packet.get_mut(start + at) {
            *byte &= 3;
        }
    }
    packet
}
