//! Rules that iptables makes, put into the embedded kernel as the real one dumps them.

use nfnetlink::Flags;
use pkttnetlink::nft::{Body, Chain, Message, Object, Rule, Set, Table};
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
        let steps: Vec<_> = messages.into_iter().map(|message| made(message, 0)).collect();
        pair.embedded.commit(Bound::Nothing, &|_| steps.clone()).unwrap();
        pair.compare();
    });
}

const NFT: &str = "\
table ip t {
  counter c { packets 3 bytes 9 }
  quota q { over 5 mbytes }
  limit l { rate 5/second }
  ct helper h { type \"ftp\" protocol tcp; }
  set a { type ipv4_addr; elements = { 1.2.3.4, 1.2.3.5 } }
  set p { type inet_proto; elements = { 6 } }
  set iv { type ipv4_addr; flags interval; elements = { 10.0.0.0/8, 192.168.0.0/24 } }
  set dyn { type ipv4_addr; flags dynamic,timeout; timeout 1m; size 100; elements = { 9.9.9.9 } }
  map m { type ipv4_addr : verdict; elements = { 1.1.1.1 : jump x, 2.2.2.2 : accept } }
  map cc { type ipv4_addr . inet_service : verdict; flags interval; elements = { 1.1.1.0/24 . 80-90 : drop } }
  map om { type ipv4_addr : counter; elements = { 1.1.1.1 : \"c\" } }
  map marks { type inet_service : mark; elements = { 22 : 1, 80 : 2 } }
  set cnt { type ipv4_addr; counter; elements = { 1.1.1.1 } }
  chain x { }
  chain in { type filter hook input priority 0
    ip saddr vmap @m
    ip saddr { 1.2.3.4, 5.6.7.8 } accept
    ip saddr != { 1.0.0.0/8, 2.0.0.1 - 2.0.0.9 } drop
    tcp dport vmap { 22 : accept, 80 : jump x }
    counter name \"c\"
    counter name ip saddr map @om
    quota name \"q\" drop
    limit name \"l\" accept
    ct helper set \"h\"
    add @dyn { ip saddr timeout 5s }
    meta mark set tcp dport map @marks
    ip saddr . tcp dport vmap @cc
  }
}
";

/// What `nft` makes is made in the embedded kernel as the real one tells of it, with the same numbers of uses.
#[test]
fn sets_and_objects_of_nft_are_dumped_again() {
    in_namespace(|| {
        let Some(mut nft) = program("nft") else { return };
        let _ = run(nft.args(["-f", "-"]), NFT);
        let mut pair = Pair::new();
        let mut messages = pair.real.all(Body::GetTable(Table::default()));
        messages.extend(pair.real.all(Body::GetChain(Chain::default())));
        messages.extend(pair.real.all(Body::GetObject(Object::default())));
        messages.extend(pair.real.all(Body::GetRule(Rule::default())));
        let sets = pair.real.all(Body::GetSet(Set::default()));
        assert_eq!(sets.len(), 12);
        for set in sets {
            let elements = pair.real.elements(&set);
            messages.extend([set, elements]);
        }
        // In the order in which they were made; the elements are made with their set.
        let mut last = 0;
        messages.sort_by_cached_key(|message| {
            last = match &message.body {
                Body::NewChain(chain) => chain.handle,
                Body::NewObject(object) => object.handle,
                Body::NewSet(set) => set.handle,
                Body::NewRule(rule) => rule.handle,
                Body::NewTable(_) => Some(0),
                _ => Some(last),
            }
            .unwrap();
            last
        });
        let steps: Vec<Step> = messages.into_iter().zip(1..).map(|(message, id)| made(message, id)).collect();
        pair.embedded.commit(Bound::Nothing, &|_| steps.clone()).unwrap();
        pair.compare();
    });
}

/// The message that makes what another one tells of.
fn made(mut message: Message<'static>, id: u32) -> Step {
    match &mut message.body {
        Body::NewTable(table) => table.handle = None,
        Body::NewChain(chain) => chain.handle = None,
        Body::NewRule(rule) => (rule.handle, rule.position) = (None, None),
        Body::NewObject(object) => object.handle = None,
        Body::NewSet(set) => (set.handle, set.id, set.set_type, set.count) = (None, Some(id), None, None),
        _ => {}
    }
    Step { flags: Flags::CREATE | Flags::APPEND, message }
}
