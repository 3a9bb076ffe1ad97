//! Rules that iptables makes, put into the embedded kernel as the real one dumps them.

use nfnetlink::Flags;
use pkttnetlink::nft::{Body, Chain, Rule, Table};
use testkit::{in_namespace, program, run};

use crate::pair::{Bound, Pair, Step};

const IPTABLES: &str = "\
*filter
:INPUT DROP [3:180]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:web - [0:0]
[5:300] -A INPUT -i lo -j ACCEPT
-A INPUT -s 10.0.0.0/8 ! -d 1.2.3.4/32 -i eth+ -p tcp -m tcp --dport 80:90 --tcp-flags SYN,ACK SYN -j web
-A INPUT -p udp -m udp --sport 53 -m comment --comment dns -j RETURN
-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A INPUT -p icmp -m icmp --icmp-type 8 -m limit --limit 5/sec --limit-burst 7 -j LOG --log-prefix ping
-A INPUT -m mark --mark 0x1/0xff -j NFLOG --nflog-group 3 --nflog-prefix x
-A INPUT -p tcp -m multiport --dports 22,80 -j REJECT --reject-with tcp-reset
-A INPUT -f -g web
-A web -m mac --mac-source 00:01:02:03:04:05
-A web -j NFQUEUE --queue-num 3
COMMIT
*nat
:PREROUTING ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
-A PREROUTING -p tcp -m tcp --dport 80 -j DNAT --to-destination 1.2.3.4:80
-A POSTROUTING -o eth0 -j MASQUERADE
-A POSTROUTING -s 10.0.0.0/8 -j SNAT --to-source 1.1.1.1
COMMIT
*raw
:PREROUTING ACCEPT [0:0]
-A PREROUTING -j TRACE
-A PREROUTING -p tcp -j CT --notrack
COMMIT
*mangle
:POSTROUTING ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A POSTROUTING -p tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu
-A OUTPUT -j MARK --set-mark 5
-A OUTPUT -m ttl --ttl-eq 5 -j TTL --ttl-set 9
COMMIT
";

#[test]
fn what_the_kernel_dumps_is_dumped_again() {
    in_namespace(|| {
        let Some(mut restore) = program("iptables-nft-restore") else { return };
        let mut pair = Pair::new();
        let _ = run(restore.arg("-c"), IPTABLES);
        let mut messages = pair.real.all(Body::GetTable(Table::default()));
        messages.extend(pair.real.all(Body::GetChain(Chain::default())));
        messages.extend(pair.real.all(Body::GetRule(Rule::default())));
        let rules = messages.iter().filter(|message| matches!(message.body, Body::NewRule(_))).count();
        assert_eq!(rules, 18);
        let steps = messages.into_iter().map(|mut message| {
            match &mut message.body {
                Body::NewTable(table) => table.handle = None,
                Body::NewChain(chain) => chain.handle = None,
                Body::NewRule(rule) => (rule.handle, rule.position) = (None, None),
                _ => {}
            }
            Step { flags: Flags::CREATE | Flags::APPEND, message }
        });
        let steps: Vec<_> = steps.collect();
        pair.embedded.commit(Bound::Nothing, &|_| steps.clone()).unwrap();
        pair.compare();
    });
}
