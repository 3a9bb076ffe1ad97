//! Seeds of packets, with correct headers and checksums.

use std::io;

use crate::{RULES, Seeds};

const HERE: [u8; 4] = [10, 0, 0, 1];
const THERE: [u8; 4] = [192, 0, 2, 9];
const MORE_FRAGMENTS: u16 = 0x2000;
const RULES_V6: &str =
    "6*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -m conntrack --ctstate NEW\n-A INPUT -m frag\nCOMMIT\n";

const TEXTS: [(&str, &str); 5] = [
    (
        "sets",
        "create a hash:net family inet hashsize 1024 maxelem 65536 timeout 60\nadd a 10.0.0.0/8 nomatch\n\
        create b bitmap:port range 0-1024\nadd b 22\ncreate c list:set size 8\nadd c a\n",
    ),
    ("packet", "in=eth0 src=10.0.0.1 dst=10.0.0.2 proto=tcp sport=1025 dport=22 flags=SYN ttl=3 mark=7"),
    ("packet6", "out=eth0 src=fd00::1 dst=fd00::2 proto=icmpv6 type=128 len=100"),
    ("route", "10.0.0.0/8=eth0"),
    ("setting", "net.netfilter.nf_conntrack_tcp_loose=0"),
];

const SCENARIO: &str = "\
ruleset = \"*filter\\n:INPUT DROP [0:0]\\n-A INPUT -p tcp --dport 22 -j ACCEPT\\nCOMMIT\\n\"
locals = [\"10.0.0.1\"]
routes = [\"0.0.0.0/0=eth0\"]
start = 2025-01-01T00:00:00Z
sysctl = { \"net.ipv4.ip_forward\" = 1 }

[[test]]
name = \"one\"
packets = [
  { send = \"in=eth0 src=192.0.2.9 dst=10.0.0.1 proto=tcp dport=22 flags=SYN\", expect = \"accept\", hook = \"INPUT\" },
  { send = { in = \"eth0\", src = \"192.0.2.9\", dst = \"10.0.0.1\", proto = \"udp\", ttl = 3 }, expect = \"drop\", mark = 0 },
]
";

pub(crate) fn write(seeds: &Seeds) -> io::Result<()> {
    let tcp = [
        (true, 0x02, ""),
        (false, 0x12, ""),
        (true, 0x10, ""),
        (true, 0x18, "GET / HTTP/1.0\r\n"),
        (false, 0x11, ""),
    ];
    let tcp = tcp.map(|(out, flags, data)| ipv4(out, 6, 0, &segment(out, flags, data.as_bytes())));
    let udp = [true, false].map(|out| ipv4(out, 17, 0, &datagram(out, b"hello")));
    let echo = [(true, 8), (false, 0)]
        .map(|(out, kind)| ipv4(out, 1, 0, &with_checksum(&[kind, 0, 0, 0, 0, 1, 0, 1, 1, 2], 2, 0)));
    let whole = datagram(true, &[7; 100]);
    let fragments = [ipv4(true, 17, MORE_FRAGMENTS, &whole[..64]), ipv4(true, 17, 8, &whole[64..])];
    let error = [&[3, 3, 0, 0, 0, 0, 0, 0], &udp[0][..28]].concat();
    let unreachable = [udp[0].clone(), ipv4(false, 1, 0, &with_checksum(&error, 2, 0))];
    let v6 = [ipv6(&[58, 0, 1, 1, 0, 0, 0, 9]), ipv6(&[44, 0, 5, 2, 0, 0, 0, 0])];
    let flows: [(&str, &[Vec<u8>]); 6] = [
        ("tcp", &tcp),
        ("udp", &udp),
        ("echo", &echo),
        ("fragments", &fragments),
        ("unreachable", &unreachable),
        ("ipv6", &v6),
    ];
    for (name, packets) in flows {
        let bytes: Vec<u8> = packets
            .iter()
            .flat_map(|packet| [&(packet.len() as u16).to_le_bytes()[..], &[0x40], packet].concat())
            .collect();
        seeds.add("conntrack", name, &bytes)?;
        let rules = if name == "ipv6" { RULES_V6 } else { RULES };
        for (index, table) in rules.split_inclusive("COMMIT\n").enumerate() {
            seeds.add("evaluate", &format!("{name}-{index}"), [table.as_bytes(), &[0], &bytes].concat())?;
        }
    }
    for (name, text) in TEXTS {
        seeds.add("host_texts", name, text)?;
    }
    seeds.add("capture", "pcapng", pcapng(&tcp))?;
    seeds.add("capture", "pcap", pcap(&udp))?;
    seeds.add("scenario_file", "some", SCENARIO)
}

/// A section, an interface with a name, and packets of an Ethernet link.
fn pcapng(packets: &[Vec<u8>]) -> Vec<u8> {
    let block = |kind: u32, body: &[u8]| {
        let body = padded(body);
        let len = (12 + body.len() as u32).to_le_bytes();
        [&kind.to_le_bytes()[..], &len, &body, &len].concat()
    };
    let section = [&0x1a2b_3c4d_u32.to_le_bytes()[..], &[1, 0, 0, 0], &[0xff; 8]].concat();
    let interface = [&[1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 4, 0][..], b"eth0", &[0; 4]].concat();
    let mut file = [block(0x0a0d_0d0a, &section), block(1, &interface)].concat();
    for packet in packets {
        let frame = frame(packet);
        let len = (frame.len() as u32).to_le_bytes();
        file.extend(block(6, &[&[0; 12][..], &len, &len, &padded(&frame)].concat()));
    }
    file
}

/// The older form, in microseconds.
fn pcap(packets: &[Vec<u8>]) -> Vec<u8> {
    let mut file =
        [&0xa1b2_c3d4_u32.to_le_bytes()[..], &[2, 0, 4, 0], &[0; 8], &[0, 0, 1, 0], &[1, 0, 0, 0]].concat();
    for packet in packets {
        let frame = frame(packet);
        let len = (frame.len() as u32).to_le_bytes();
        file.extend([&[1, 0, 0, 0, 2, 0, 0, 0][..], &len, &len, &frame].concat());
    }
    file
}

fn frame(packet: &[u8]) -> Vec<u8> {
    [&[2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0][..], packet].concat()
}

fn padded(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

fn ends(out: bool) -> ([u8; 4], [u8; 4], [u8; 4]) {
    let ports = [0x30, 0x39, 0, 80];
    if out { (HERE, THERE, ports) } else { (THERE, HERE, [0, 80, 0x30, 0x39]) }
}

fn ipv4(out: bool, protocol: u8, fragment: u16, payload: &[u8]) -> Vec<u8> {
    let (source, destination, _) = ends(out);
    let len = (20 + payload.len() as u16).to_be_bytes();
    let fragment = fragment.to_be_bytes();
    let header = [0x45, 0, len[0], len[1], 0, 1, fragment[0], fragment[1], 64, protocol, 0, 0];
    let header = with_checksum(&[&header[..], &source, &destination].concat(), 10, 0);
    [&header, payload].concat()
}

/// An IPv6 packet of one extension header, or the beginning of one, and a few bytes.
fn ipv6(next: &[u8]) -> Vec<u8> {
    let address = [0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let len = next.len() as u8 + 7;
    [&[0x60, 0, 0, 0, 0, len, next[0], 64][..], &address, &[2], &address, &[1], &next[1..], &[0; 8]].concat()
}

fn segment(out: bool, flags: u8, data: &[u8]) -> Vec<u8> {
    let (_, _, ports) = ends(out);
    let numbers = if out { [0, 0, 0, 1, 0, 0, 0, 1] } else { [0, 0, 0, 1, 0, 0, 0, 2] };
    let segment = [&ports[..], &numbers, &[0x50, flags, 1, 0, 0, 0, 0, 0], data].concat();
    with_checksum(&segment, 16, pseudo_header(6, segment.len()))
}

fn datagram(out: bool, data: &[u8]) -> Vec<u8> {
    let (_, _, ports) = ends(out);
    let len = (8 + data.len() as u16).to_be_bytes();
    let datagram = [&ports[..], &len, &[0, 0], data].concat();
    with_checksum(&datagram, 6, pseudo_header(17, datagram.len()))
}

fn pseudo_header(protocol: u8, len: usize) -> u32 {
    sum(&HERE) + sum(&THERE) + u32::from(protocol) + len as u32
}

fn sum(bytes: &[u8]) -> u32 {
    bytes.chunks(2).map(|pair| u32::from(pair[0]) << 8 | u32::from(pair.get(1).copied().unwrap_or(0))).sum()
}

fn with_checksum(bytes: &[u8], at: usize, rest: u32) -> Vec<u8> {
    let mut folded = sum(bytes) + rest;
    while folded > 0xffff {
        folded = (folded & 0xffff) + (folded >> 16);
    }
    let mut bytes = bytes.to_vec();
    bytes[at..at + 2].copy_from_slice(&(!folded as u16).to_be_bytes());
    bytes
}
