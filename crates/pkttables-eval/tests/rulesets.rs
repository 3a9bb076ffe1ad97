//! Rulesets and the packets that they judge.

use pkttables::model::{Counters, Family, Hook};
use pkttables::packet::{Data, InterfaceName, Meta};
use pkttables::registry::{Backend, Registry, Route, Scope, Value as _};
use pkttables::text::{Parser, ReadOptions, Reader, read_ruleset};
use pkttables_eval::{Error, Evaluator, Event, Host, Observer, Origin, Verdict};

fn evaluator(rules: &str) -> Result<Evaluator, Error> {
    let parser = Parser::new(Family::Ipv4, Registry::builtin());
    let ruleset = read_ruleset(&mut Reader::new(rules.as_bytes(), parser, ReadOptions::default())).unwrap();
    let mut host = Host::new();
    for (prefix, name) in [("10.1.0.0/16", "in0"), ("10.2.0.0/16", "out0")] {
        let scope = Scope { family: Family::Ipv4, protocol: None };
        let interface = InterfaceName::new(name.as_bytes()).unwrap();
        let prefix = pkttables::model::AddressMask::parse(prefix, &scope).unwrap();
        host.add_route(prefix, Route { interface, gateway: None, mtu: 1500 });
    }
    host.add_local("10.1.0.1".parse().unwrap());
    Evaluator::new(ruleset, host, Backend::Nft)
}

/// A TCP SYN from 10.1.0.2 to `destination`, port `port`.
fn syn(destination: [u8; 4], port: u16) -> Vec<u8> {
    let mut packet = vec![0x45, 0, 0, 40, 0, 1, 0, 0, 64, 6, 0, 0, 10, 1, 0, 2];
    packet.extend(destination);
    let sum = !(Data::new(&packet).sum(0, 20, 0) as u16);
    packet[10..12].copy_from_slice(&sum.to_be_bytes());
    packet.extend([4, 0]);
    packet.extend(port.to_be_bytes());
    packet.extend([0, 0, 0, 1, 0, 0, 0, 0, 0x50, 2, 0xfa, 0xf0, 0, 0, 0, 0]);
    let pseudo = Data::new(&packet).sum(12, 20, 6 + 20);
    let sum = !(Data::new(&packet).sum(20, 40, pseudo) as u16);
    packet[36..38].copy_from_slice(&sum.to_be_bytes());
    packet
}

fn meta() -> Meta {
    Meta { input: InterfaceName::new(b"in0"), time: 1_700_000_000_000_000_000, ..Meta::default() }
}

#[derive(Debug, Default)]
struct Steps(Vec<String>);

impl Observer for Steps {
    fn event(&mut self, event: Event<'_>) {
        if let Event::Trace { table, chain, kind, rule, .. } = event {
            self.0.push(format!("{}:{chain}:{kind}:{rule}", table.name()));
        }
    }
}

fn sent(evaluator: &mut Evaluator, packet: &[u8]) -> (Verdict, Option<Hook>, Option<(String, usize)>) {
    let fate = evaluator.process(Data::new(packet), &meta(), Origin::Received, &mut ()).unwrap();
    (fate.verdict, fate.hook, fate.rule.map(|rule| (rule.chain.to_owned(), rule.number)))
}

#[test]
fn chains_call_each_other_and_policies_count_what_reaches_them() {
    let mut evaluator = evaluator(
        "*filter\n:INPUT ACCEPT\n:FORWARD DROP\n:OUTPUT ACCEPT\n:a -\n:b -\n\
         -A FORWARD -p tcp -j a\n-A FORWARD -p tcp --dport 3 -j ACCEPT\n\
         -A a -p tcp --dport 1 -g b\n-A a -p tcp --dport 2 -j DROP\n-A a -p tcp --dport 3 -j RETURN\n\
         -A a -p tcp --dport 5 -j b\n-A a -j ACCEPT\n-A b -m comment --comment counts\nCOMMIT\n",
    )
    .unwrap();
    let mut judged = |port| {
        let (verdict, hook, rule) = sent(&mut evaluator, &syn([10, 2, 0, 2], port));
        let (chain, number) = rule.unwrap();
        format!("{} {} {chain}:{number}", verdict.name(), hook.unwrap().chain())
    };
    // The end of a chain that was gone to is the end of the one that went there.
    assert_eq!(judged(1), "drop FORWARD FORWARD:0");
    assert_eq!(judged(2), "drop FORWARD a:2");
    assert_eq!(judged(3), "accept POSTROUTING FORWARD:2");
    assert_eq!(judged(5), "accept POSTROUTING a:5");
    let chains = &evaluator.ruleset().tables[0].chains;
    let counted = |packets| Some(Counters { packets, bytes: packets * 40 });
    assert_eq!(chains[1].counters, counted(1));
    let rules = |chain: usize| chains[chain].rules.iter().map(|rule| rule.counters).collect::<Vec<_>>();
    assert_eq!(rules(1), [counted(4), counted(1)]);
    assert_eq!(rules(3), [1, 1, 1, 1, 1].map(counted));
    assert_eq!(rules(4), [counted(2)]);
}

#[test]
fn circles_are_refused() {
    let rules = "*filter\n:a -\n:b -\n-A a -j b\n-A b -g a\nCOMMIT\n";
    assert!(matches!(evaluator(rules), Err(Error::Loop { .. })));
    let ladder: String = (0..17).map(|n| format!("-A c{n} -j c{}\n", n + 1)).collect();
    let names: String = (0..18).map(|n| format!(":c{n} -\n")).collect();
    assert!(matches!(evaluator(&format!("*filter\n{names}{ladder}COMMIT\n")), Err(Error::Loop { .. })));
    let many: String = "-A a -j b\n".repeat(1000);
    assert!(evaluator(&format!("*filter\n:a -\n:b -\n{many}COMMIT\n")).is_ok());
}

#[test]
fn what_cannot_be_evaluated_is_said() {
    let rules = "*filter\n:FORWARD ACCEPT\n-A FORWARD -m bpf --object-pinned /sys/fs/bpf/a\nCOMMIT\n";
    let mut evaluator = evaluator(rules).unwrap();
    let judged = evaluator.process(Data::new(&syn([10, 2, 0, 2], 1)), &meta(), Origin::Received, &mut ());
    assert!(matches!(judged, Err(Error::Unsupported { rule: 1, .. })));
}

#[test]
fn connections_are_tracked_translated_and_traced() {
    let mut evaluator = evaluator(
        "*nat\n:PREROUTING ACCEPT\n:INPUT ACCEPT\n:OUTPUT ACCEPT\n:POSTROUTING ACCEPT\n\
         -A PREROUTING -p tcp --dport 80 -j DNAT --to-destination 10.2.0.9:8080\nCOMMIT\n\
         *filter\n:INPUT ACCEPT\n:FORWARD DROP\n:OUTPUT ACCEPT\n\
         -A FORWARD -m conntrack --ctstate DNAT -j ACCEPT\nCOMMIT\n",
    )
    .unwrap();
    evaluator.trace_all(true);
    let mut steps = Steps::default();
    let packet = syn([10, 1, 0, 1], 80);
    let fate = evaluator.process(Data::new(&packet), &meta(), Origin::Received, &mut steps).unwrap();
    assert_eq!(fate.verdict, Verdict::Accept);
    let out = fate.out.unwrap();
    assert_eq!((&out[16..20], &out[22..24], out[8]), (&[10, 2, 0, 9][..], &[31, 144][..], 63));
    assert_eq!(Data::new(out).sum(0, 20, 0), 0xffff);
    assert_eq!(Data::new(out).sum(20, 40, Data::new(out).sum(12, 20, 6 + 20)), 0xffff);
    assert_eq!(steps.0, ["nat:PREROUTING:rule:1", "filter:FORWARD:rule:1", "nat:POSTROUTING:policy:1"]);
}

#[test]
fn a_rejected_syn_is_answered() {
    let rules = "*filter\n:INPUT ACCEPT\n-A INPUT -p tcp -j REJECT --reject-with tcp-reset\nCOMMIT\n";
    let mut evaluator = evaluator(rules).unwrap();
    let packet = syn([10, 1, 0, 1], 23);
    let fate = evaluator.process(Data::new(&packet), &meta(), Origin::Received, &mut ()).unwrap();
    assert_eq!(fate.verdict, Verdict::Reject);
    let reply = fate.reply.unwrap();
    assert_eq!((&reply[12..16], &reply[20..24]), (&[10, 1, 0, 1][..], &[0, 23, 4, 0][..]));
    // Acknowledges the SYN.
    assert_eq!((&reply[28..32], reply[33]), (&[0, 0, 0, 2][..], 0x14));
    // A wrong checksum is not worth an answer.
    let mut wrong = packet;
    wrong[36] ^= 1;
    assert_eq!(sent(&mut evaluator, &wrong).0, Verdict::Drop);
}

/// A UDP datagram without checksum.
fn udp(from: ([u8; 4], u16), to: ([u8; 4], u16), payload: &[u8]) -> Vec<u8> {
    let len = 8 + payload.len() as u16;
    let mut packet = vec![0x45, 0, 0, 20 + len as u8, 0, 1, 0, 0, 64, 17, 0, 0];
    packet.extend(from.0);
    packet.extend(to.0);
    let sum = !(Data::new(&packet).sum(0, 20, 0) as u16);
    packet[10..12].copy_from_slice(&sum.to_be_bytes());
    packet.extend([from.1.to_be_bytes(), to.1.to_be_bytes(), len.to_be_bytes(), [0, 0]].concat());
    packet.extend(payload);
    packet
}

#[test]
fn what_a_helper_announces_is_related() {
    let rules = |helper| {
        format!(
            "*raw\n:PREROUTING ACCEPT\n:OUTPUT ACCEPT\n{helper}COMMIT\n\
             *filter\n:INPUT ACCEPT\n:FORWARD DROP\n:OUTPUT ACCEPT\n\
             -A FORWARD -p udp --dport 69 -j ACCEPT\n\
             -A FORWARD -m conntrack --ctstate RELATED -m helper --helper tftp -j ACCEPT\nCOMMIT\n"
        )
    };
    let (client, server) = ([10, 1, 0, 2], [10, 2, 0, 2]);
    let request = udp((client, 1000), (server, 69), b"\0\x01file\0octet\0");
    let data = udp((server, 3000), (client, 1000), b"\0\x03\0\x01data");
    for (helper, verdict) in
        [("-A PREROUTING -p udp --dport 69 -j CT --helper tftp\n", Verdict::Accept), ("", Verdict::Drop)]
    {
        let mut evaluator = evaluator(&rules(helper)).unwrap();
        assert_eq!(sent(&mut evaluator, &request).0, Verdict::Accept);
        assert_eq!(sent(&mut evaluator, &data).0, verdict, "{helper}");
    }
}
