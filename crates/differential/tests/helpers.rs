//! What helpers of connection tracking do, by the kernel and by the evaluator: they read what control connections say, expect the
//! connections announced there, and change addresses in them where those are translated.

mod words;

use pkttables::model::Family;
use pkttables::registry::Backend;
use words::agree;

/// Segments of a connection that is open: both sides count from 1000 and 5000.
struct Session {
    client: String,
    server: String,
    /// What each side sends next, as it counts itself.
    numbers: [u32; 2],
    /// What the other side has seen of it.
    seen: [u32; 2],
    packets: Vec<String>,
}

impl Session {
    fn open(client: &str, server: &str) -> Self {
        let mut session = Self {
            client: client.into(),
            server: server.into(),
            numbers: [1000, 5000],
            seen: [1000, 5000],
            packets: Vec::new(),
        };
        session.segment(0, "flags=syn", 1);
        session.segment(1, "flags=syn,ack", 1);
        session.segment(0, "flags=ack", 0);
        session
    }

    fn segment(&mut self, side: usize, rest: &str, len: u32) {
        let (own, other) = (self.numbers[side], self.seen[1 - side]);
        let from = if side == 0 { &self.client } else { &self.server };
        let ack = if rest == "flags=syn" { 0 } else { other };
        self.packets.push(format!("{from} proto=tcp seq={own} ack={ack} {rest}"));
        self.numbers[side] += len;
        self.seen[side] += len;
    }

    fn says(&mut self, side: usize, line: &str) -> &mut Self {
        self.says_longer(side, line, line)
    }

    /// One side says a line, the other sees another one and acknowledges it.
    fn says_longer(&mut self, side: usize, line: &str, seen: &str) -> &mut Self {
        let hex =
            line.bytes().chain(*b"\r\n").fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
        self.segment(side, &format!("flags=psh,ack payload=0x{hex}"), line.len() as u32 + 2);
        self.seen[side] = self.seen[side] + seen.len() as u32 - line.len() as u32;
        self.segment(1 - side, "flags=ack", 0);
        self
    }

    fn then(&mut self, words: &str) -> &mut Self {
        self.packets.push(words.into());
        self
    }
}

const COUNTED: &str = "*raw\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -p tcp --dport 21 -j CT --helper ftp\n\
    -A PREROUTING -p udp --dport 69 -j CT --helper tftp\nCOMMIT\n\
    *filter\n:FORWARD ACCEPT [0:0]\n-A FORWARD -m conntrack --ctstate RELATED\n-A FORWARD -m helper --helper ftp\n\
    -A FORWARD -m conntrack --ctstate INVALID -j DROP\n-A FORWARD -m conntrack --ctstate NEW\nCOMMIT\n";

/// What the client says is longer as it leaves, so what the server acknowledges is shifted back, and selective
/// acknowledgements are, too.
#[test]
fn an_active_transfer_through_source_translation() {
    let rules = format!(
        "{COUNTED}*nat\n:POSTROUTING ACCEPT [0:0]\n-A POSTROUTING -o out0 -j SNAT --to-source 10.2.0.77\nCOMMIT"
    );
    let mut session = Session::open(
        "in=in0 src=10.1.0.9 dst=10.2.0.5 sport=4000 dport=21",
        "in=out0 src=10.2.0.5 dst=10.2.0.77 sport=21 dport=4000",
    );
    session.says(1, "220 ready").says(0, "USER x");
    let port = session.numbers[0];
    session.says_longer(0, "PORT 10,1,0,9,200,13", "PORT 10,2,0,77,200,13");
    session.says(1, "200 fine").says(0, "RETR x");
    // Once more, as if it had been lost.
    session.then(&format!(
        "in=in0 src=10.1.0.9 dst=10.2.0.5 proto=tcp sport=4000 dport=21 flags=psh,ack seq={port} ack=5011 payload=\"{}\"",
        "PORT 10,1,0,9,200,13"
    ));
    session.says_longer(0, "EPRT |1|10.1.0.9|51213|", "EPRT |1|10.2.0.77|51213|");
    let right = session.seen[0];
    session.segment(1, &format!("flags=ack tcp-options=0101050a{:08x}{right:08x}", right - 9), 0);
    session.then("in=out0 src=10.2.0.5 dst=10.2.0.77 proto=tcp sport=20 dport=51213");
    session.then("in=in0 src=10.1.0.9 dst=10.2.0.5 proto=tcp sport=51213 dport=20 flags=syn,ack ack=1");
    session.then("in=out0 src=10.2.0.5 dst=10.2.0.77 proto=tcp sport=20 dport=51213 flags=ack seq=1 ack=1");
    session.says(0, "QUIT");
    agree(Family::Ipv4, Backend::Nft, &rules, &session.packets);
}

#[test]
fn a_passive_transfer_through_destination_translation() {
    let rules = format!(
        "{COUNTED}*nat\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -d 10.1.0.50 -j DNAT --to-destination 10.2.0.5\nCOMMIT"
    );
    let mut session = Session::open(
        "in=in0 src=10.1.0.9 dst=10.1.0.50 sport=4000 dport=21",
        "in=out0 src=10.2.0.5 dst=10.1.0.9 sport=21 dport=4000",
    );
    session.says(0, "PASV");
    session.says_longer(
        1,
        "227 Entering Passive Mode (10,2,0,5,200,13).",
        "227 Entering Passive Mode (10,1,0,50,200,13).",
    );
    session.then("in=in0 src=10.1.0.9 dst=10.1.0.50 proto=tcp sport=4001 dport=51213");
    session.then("in=out0 src=10.2.0.5 dst=10.1.0.9 proto=tcp sport=51213 dport=4001 flags=syn,ack ack=1");
    session.says(0, "EPSV").says(1, "229 Extended (|||51214|)");
    session.then("in=in0 src=10.1.0.9 dst=10.1.0.50 proto=tcp sport=4002 dport=51214");
    session.then("in=in0 src=10.1.0.9 dst=10.1.0.50 proto=tcp sport=4002 dport=51215");
    agree(Family::Ipv4, Backend::Nft, &rules, &session.packets);
}

#[test]
fn lines_that_are_odd_or_cut_off() {
    let rules =
        format!("{COUNTED}*nat\n:POSTROUTING ACCEPT [0:0]\n-A POSTROUTING -o out0 -j MASQUERADE\nCOMMIT");
    for line in [
        "PORT 10,1,0,9,200",
        "PORT 10,1,0,9,,13",
        "PORT 10,1,0,9,200,269",
        "PORT 10,1,0,8,200,13",
        "PORT 10,1,0,9,0,0",
        "PORT10,1,0,9,200,13",
        "port  10,1,0,9,200,13",
        "PORT  10,1,0,9,200,13 ",
        "EPRT |2|fd00::1|51213|",
        "EPRT |1|10.1.9|51213|",
        "EPRT .1.10.1.0.9.51213.",
        "EPRT |1|10.1.0.9|0|",
        "EPRT |1|10.1.0.9|66000|",
        "EPRT |1|10.1.0.9|51213",
        "EPRT",
        "",
    ] {
        let mut session = Session::open(
            "in=in0 src=10.1.0.9 dst=10.2.0.5 sport=4000 dport=21",
            "in=out0 src=10.2.0.5 dst=10.2.0.1 sport=21 dport=4000",
        );
        session.says(0, "NOOP").says(0, line);
        session.then("in=out0 src=10.2.0.5 dst=10.2.0.1 proto=tcp sport=20 dport=51213");
        agree(Family::Ipv4, Backend::Nft, &rules, &session.packets);
    }
}

/// Without translation nothing changes, and two clients that announce the same do not get in each other's way.
#[test]
fn transfers_without_translation() {
    let mut packets = Vec::new();
    for port in [4000, 4001] {
        let mut session = Session::open(
            &format!("in=in0 src=10.1.0.9 dst=10.2.0.5 sport={port} dport=21"),
            &format!("in=out0 src=10.2.0.5 dst=10.1.0.9 sport=21 dport={port}"),
        );
        session.says(0, "NOOP").says(0, "PORT 10,1,0,9,200,13").says(0, "PORT 10,1,0,9,200,13");
        packets.extend(session.packets);
    }
    packets.push("in=out0 src=10.2.0.5 dst=10.1.0.9 proto=tcp sport=20 dport=51213".into());
    packets.push("in=out0 src=10.2.0.5 dst=10.1.0.9 proto=tcp sport=21 dport=51213".into());
    agree(Family::Ipv4, Backend::Nft, COUNTED, &packets);
}

#[test]
fn ipv6_addresses_are_written_in_full() {
    let rules = format!(
        "{COUNTED}*nat\n:POSTROUTING ACCEPT [0:0]\n-A POSTROUTING -o out0 -j SNAT --to-source fd00:2::77\nCOMMIT"
    );
    let mut session = Session::open(
        "in=in0 src=fd00:1::9 dst=fd00:2::5 sport=4000 dport=21",
        "in=out0 src=fd00:2::5 dst=fd00:2::77 sport=21 dport=4000",
    );
    session.says(0, "NOOP");
    let full = "fd00:0002:0000:0000:0000:0000:0000:0077";
    session.says_longer(0, "EPRT |2|fd00:1::9|51213|", &format!("EPRT |2|{full}|51213|"));
    session.then("in=out0 src=fd00:2::5 dst=fd00:2::77 proto=tcp sport=20 dport=51213");
    session.then("in=in0 src=fd00:1::9 dst=fd00:2::5 proto=tcp sport=51213 dport=20 flags=syn,ack ack=1");
    session.says(0, "QUIT");
    agree(Family::Ipv6, Backend::Nft, &rules, &session.packets);
}

#[test]
fn tftp_answers_come_to_the_translated_address() {
    let rules = format!(
        "{COUNTED}*nat\n:POSTROUTING ACCEPT [0:0]\n-A POSTROUTING -o out0 -j SNAT --to-source 10.2.0.77:7000\nCOMMIT"
    );
    agree(
        Family::Ipv4,
        Backend::Nft,
        &rules,
        &[
            "in=in0 src=10.1.0.9 dst=10.2.0.5 proto=udp sport=4000 dport=69 payload=0x000178006f6374657400",
            "in=out0 src=10.2.0.5 dst=10.2.0.77 proto=udp sport=3333 dport=7000 payload=0x000300010203",
            "in=in0 src=10.1.0.9 dst=10.2.0.5 proto=udp sport=4000 dport=3333 payload=0x00040001",
            "in=out0 src=10.2.0.5 dst=10.2.0.77 proto=udp sport=3333 dport=7000 payload=0x000300020203",
            "in=out0 src=10.2.0.5 dst=10.2.0.77 proto=udp sport=3334 dport=7000 payload=0x000300020203",
        ]
        .map(String::from),
    );
}
