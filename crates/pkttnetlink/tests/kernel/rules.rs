//! Rules for every expression that `nft` or `iptables` can make.

/// Rulesets for `nft -f`, each loaded into an empty ruleset.
pub(crate) const NFT: &[&str] = &[
    // Tables, chains, comments.
    "table ip t { comment \"a comment\"; flags dormant; }
     table inet t {
       chain c { comment \"of a chain\"; type filter hook input priority -10; policy drop; }
       chain d { }
     }
     table arp t { chain c { type filter hook input priority 0; }; }
     table bridge t { chain c { type filter hook forward priority 0; }; }
     table ip n { chain c { type nat hook postrouting priority srcnat; }; }
     table ip r { chain c { type route hook output priority mangle; }; }",
    "table netdev t {
       chain c { type filter hook ingress device lo priority 0; }
       chain d { type filter hook egress devices = { lo, d0 } priority 1; }
     }",
    // Rules.
    "table ip t {
       chain d { }
       chain c {
         type filter hook input priority 0;
         ip saddr 10.0.0.1 counter accept comment \"of a rule\"
         ip saddr 10.0.0.0/28 drop
         ip daddr 1.2.3.4-1.2.3.9 jump d
         tcp dport != 100-200 goto d
         tcp flags & (syn|ack) == syn counter packets 5 bytes 300 return
         udp sport { 1, 2, 5-9 } continue
         tcp dport vmap { 22 : accept, 23 : drop, 24 : jump d }
         iifname \"eth0\" meta mark set 0x10 meta priority set 1:2
         oifname \"eth*\" meta skuid 1000 meta cpu 0 meta l4proto icmp
         meta length > 100 meta pkttype broadcast meta time > \"2024-01-01 00:00:00\" meta hour 08:00-10:00
         meta mark set meta mark << 2
         meta mark set meta mark and 0xff xor 0x1
         meta mark 10-20
         ip dscp set 3
         ip ttl set 5
         ip saddr set 1.2.3.4
         tcp sport set 80
       }
     }",
    "table inet t {
       chain c {
         type filter hook input priority 0;
         ct state established,related accept
         ct state new ct direction original ct status assured ct mark set 5
         ct mark set meta mark
         ct mark set ct mark or 0x10
         ct original ip saddr 10.0.0.1 ct expiration < 10s
         ct l3proto ipv4 ct zone 3 ct label 5 ct id 7
         ct helper \"ftp\"
         ct original packets > 10 ct avgpkt > 100
         ct count over 10 drop
         ct event set new,destroy
         limit rate 10/second burst 7 packets accept
         limit rate over 5 mbytes/minute drop
         quota over 100 mbytes drop
         log
         log prefix \"a prefix \" level debug flags tcp sequence,options flags ip options flags skuid flags ether
         log prefix \"n\" group 5 snaplen 100 queue-threshold 20
         log level audit
         reject
         reject with icmp type host-unreachable
         reject with icmpv6 type admin-prohibited
         meta l4proto tcp reject with tcp reset
         fib saddr . iif oif missing drop
         fib daddr type local accept
         fib saddr . mark oifname \"lo\"
         socket transparent 1 socket mark 3 socket wildcard 0 accept
         meta l4proto tcp osf ttl skip name \"Linux\"
         osf version \"Linux:3.0\"
         rt classid 5 rt ip nexthop 10.0.0.1
         rt ip6 nexthop ::1 rt ipsec exists
         ipsec in reqid 1 ipsec in spnum 1 spi 5
         tcp option maxseg size set 1400
         tcp option maxseg size > 500 tcp option timestamp exists
         reset tcp option fastopen
         frag more-fragments 1 exthdr hbh exists rt type 0
         sctp chunk data exists
         ip option lsrr exists
         meta mark set numgen random mod 10 offset 100
         meta mark set numgen inc mod 10
         meta mark set jhash ip saddr . ip daddr mod 16 seed 0x1234
         meta mark set jhash ip6 saddr mod 16
         meta mark set symhash mod 2 offset 1
         meta l4proto tcp synproxy mss 1460 wscale 7 timestamp sack-perm
         meta random > 5 meta secpath exists meta iifgroup 3 meta oiftype 1
         meta nftrace set 1
       }
       chain d {
         type filter hook output priority 0;
         rt mtu 1400
         ipsec out ip saddr 10.0.0.1
       }
     }",
    "table inet t {
       chain c {
         type filter hook prerouting priority raw;
         notrack
         meta l4proto tcp tproxy to :80
         meta l4proto tcp tproxy ip to 127.0.0.1:80
         ct zone set 5
       }
     }",
    "table ip t {
       chain c {
         type nat hook postrouting priority 100;
         ip protocol tcp snat to 1.2.3.4-1.2.3.9:100-200 random,persistent
         snat to 1.2.3.4 fully-random
         masquerade
         ip protocol tcp masquerade to :1024-2048 random
         snat ip prefix to ip saddr map { 10.0.0.0/24 : 192.168.2.0/24 }
       }
       chain p {
         type nat hook prerouting priority -100;
         tcp dport 80 dnat to 1.2.3.4:8080
         tcp dport 81 redirect to :8081 persistent
         redirect
         dnat to ip saddr . tcp dport map { 1.1.1.1 . 80 : 2.2.2.2 . 81 }
       }
     }",
    "table ip t {
       chain c {
         type filter hook prerouting priority 0;
         dup to 10.0.0.1 device \"lo\"
         dup to 10.0.0.2
       }
     }
     table netdev t {
       chain c {
         type filter hook ingress device lo priority 0;
         dup to \"d0\"
         fwd to \"d0\"
       }
       chain d {
         type filter hook ingress device lo priority 1;
         fwd ip to 10.0.0.1 device \"d0\"
       }
     }",
    // Sets, maps, elements.
    "table inet t {
       set a {
         type ipv4_addr; flags interval; auto-merge; comment \"of a set\"; elements = { 10.0.0.0/8, 192.168.0.1 }
       }
       set b {
         type ipv4_addr . inet_service; flags interval;
         elements = { 10.0.0.0/8 . 80-90, 1.1.1.1 . 22 comment \"of an element\" }
       }
       set c {
         typeof ip saddr; flags timeout; timeout 1h; gc-interval 10m; size 1000; policy memory;
         elements = { 1.2.3.4 timeout 5m }
       }
       set d { type inet_service; counter; elements = { 80, 443 }; }
       set e { type ipv4_addr; counter; limit rate 5/second; elements = { 1.1.1.1 }; }
       map m { type ipv4_addr : verdict; elements = { 1.1.1.1 : accept, 2.2.2.2 : jump x, * : drop }; }
       map n { type ipv4_addr : mark; flags constant; elements = { 1.1.1.1 : 80 }; }
       set dyn { type ipv4_addr; flags dynamic, timeout; size 128; timeout 1m; }
       set dyn2 { type ipv4_addr; flags dynamic; size 128; }
       map dynmap { type ipv4_addr : mark; flags dynamic; size 128; }
       chain x { }
       chain y {
         type filter hook input priority 0;
         ip saddr @a ip saddr . tcp dport @b ip saddr != @c tcp dport @d ip saddr vmap @m
         meta mark set ip saddr map @n
         add @dyn { ip saddr }
         update @dyn { ip saddr timeout 30s limit rate over 10/second } drop
         add @dyn2 { ip saddr ct count over 3 } drop
         add @dyn2 { ip saddr counter quota 5 mbytes }
         delete @dyn2 { ip daddr }
         update @dynmap { ip saddr : 0x5 }
       }
     }",
    // Objects.
    "table inet t {
       counter ctr { packets 3 bytes 100; comment \"of an object\"; }
       quota q { over 10 mbytes used 5 bytes; }
       limit l { rate 10/second burst 3 packets; }
       ct helper h { type \"ftp\" protocol tcp; l3proto ip; }
       ct timeout to { protocol tcp; l3proto ip; policy = { established : 60, close : 5 }; }
       ct timeout uto { protocol udp; policy = { replied : 60 }; }
       ct expectation ex { protocol tcp; dport 9876; timeout 2m; size 8; l3proto ip; }
       synproxy sp { mss 1460; wscale 7; timestamp sack-perm; }
       map om { type ipv4_addr : counter; elements = { 1.1.1.1 : \"ctr\" }; }
       chain c {
         type filter hook input priority 0;
         counter name \"ctr\" quota name \"q\" limit name \"l\"
         ct helper set \"h\"
         ip protocol tcp ct timeout set \"to\"
         ct expectation set \"ex\"
         ip protocol tcp synproxy name \"sp\"
         counter name ip saddr map @om
       }
     }",
];

/// The same for parts that a kernel can be built without.
pub(crate) const NFT_OPTIONAL: &[&str] = &[
    "table inet t {
       flowtable f { hook ingress priority 0; devices = { lo, d0 }; counter; }
       chain c { type filter hook forward priority 0; ip protocol tcp flow add @f; }
     }",
    "table inet t {
       chain c {
         type filter hook input priority 0;
         queue num 3-5 bypass,fanout
         queue num 1
         queue to numgen inc mod 4
       }
     }",
    "table bridge t {
       chain c {
         type filter hook forward priority 0;
         meta ibrname \"br0\"
       }
     }",
    "table bridge t {
       chain c {
         type filter hook forward priority 0;
         reject
       }
     }",
];

/// Input for `iptables-restore`.
pub(crate) const IPTABLES: &str = "\
*raw
-A PREROUTING -p tcp --dport 1 -j CT --notrack
-A PREROUTING -p tcp --dport 2 -j CT --zone 5
-A PREROUTING -j TRACE
-A OUTPUT -p udp -j NOTRACK
COMMIT
*mangle
-A PREROUTING -j MARK --set-xmark 0x1/0xff
-A PREROUTING -j CONNMARK --save-mark
-A FORWARD -p tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu
-A PREROUTING -m rpfilter --invert -m socket --transparent
-A PREROUTING -j TTL --ttl-set 5
-A PREROUTING -j DSCP --set-dscp 3
-A PREROUTING -p tcp -j TPROXY --on-port 80 --on-ip 127.0.0.1
-A PREROUTING -j TEE --gateway 10.0.0.1
-A POSTROUTING -j CLASSIFY --set-class 1:2
COMMIT
*nat
-A PREROUTING -p tcp --dport 80 -j DNAT --to-destination 10.0.0.1:8080
-A PREROUTING -p tcp --dport 81 -j REDIRECT --to-ports 8080
-A POSTROUTING -s 10.0.0.0/8 -j SNAT --to-source 1.2.3.4-1.2.3.9 --random
-A POSTROUTING -o eth0 -p tcp -j MASQUERADE --to-ports 1024-2048
-A POSTROUTING -j MASQUERADE --random-fully
-A POSTROUTING -s 10.1.0.0/24 -j NETMAP --to 10.2.0.0/24
COMMIT
*filter
:chain - [0:0]
-A INPUT -s 10.0.0.0/8 ! -d 1.2.3.4 -i eth0 -p tcp -m tcp --sport 1:100 ! --dport 5 --tcp-option 3 -j ACCEPT
-A FORWARD -i eth0 ! -o eth+ -g chain
-A INPUT -p udp -m udp --dport 53 -m comment --comment \"a comment\" -j chain
-A INPUT -f -j DROP
-A INPUT -p icmp --icmp-type 8/0 -j ACCEPT
-A INPUT -m conntrack --ctstate NEW,ESTABLISHED -m state --state RELATED -j ACCEPT
-A INPUT -m limit --limit 5/min --limit-burst 7 -j LOG --log-prefix \"a prefix: \" --log-level 4 --log-uid
-A INPUT -m hashlimit --hashlimit-above 5/sec --hashlimit-mode srcip --hashlimit-name h -j NFLOG --nflog-group 3 --nflog-prefix p
-A INPUT -m recent --name r --rcheck --seconds 60 -j DROP
-A INPUT -m mark --mark 1/3 -m connmark ! --mark 5 -j RETURN
-A INPUT -m mac --mac-source 00:01:02:03:04:05 -m pkttype --pkt-type broadcast
-A INPUT -m addrtype --dst-type LOCAL -m length --length 1:100 -m ttl --ttl-lt 5
-A INPUT -p tcp -m multiport --dports 1,2,5:9 -m iprange --src-range 1.1.1.1-1.1.1.9 -j REJECT --reject-with tcp-reset
-A INPUT -m statistic --mode nth --every 3 --packet 1 -m statistic --mode random --probability 0.5 -j REJECT --reject-with icmp-host-prohibited
-A OUTPUT -m owner --uid-owner 0 -m tos --tos 0x10 -j NFQUEUE --queue-balance 1:5 --queue-bypass
-A INPUT -m connlimit --connlimit-above 5 -m connbytes --connbytes 5 --connbytes-dir both --connbytes-mode packets
-A INPUT -m string --string abc --algo bm -m time --timestart 08:00 -m quota --quota 500
-A INPUT -p tcp -m tcpmss --mss 100:200 -m ecn --ecn-tcp-cwr -m physdev --physdev-in eth0
-A INPUT -p esp -m esp --espspi 5 -m policy --dir in --pol ipsec -m helper --helper ftp
-A INPUT -p sctp --dport 5 -m u32 --u32 0=5
-A INPUT -p tcp -j SYNPROXY --sack-perm --timestamp --wscale 7 --mss 1460
COMMIT
";

/// Input for `ip6tables-restore`.
pub(crate) const IP6TABLES: &str = "\
*mangle
-A PREROUTING -j HL --hl-set 5
COMMIT
*nat
-A POSTROUTING -j MASQUERADE
-A PREROUTING -p tcp -j DNAT --to-destination [fd00::1]:80
COMMIT
*filter
-A INPUT -s fd00::/8 -d ::1 -p ipv6-icmp --icmpv6-type echo-request -j ACCEPT
-A INPUT -m frag --fragmore -m rt --rt-type 0 -m hbh --hbh-len 5 -m dst --dst-len 5 -m ipv6header --header frag
-A INPUT -p tcp --dport 80 -j REJECT --reject-with icmp6-adm-prohibited
-A INPUT -m hl --hl-lt 5 -m eui64
COMMIT
";
