//! Lines of the kernel's log as the evaluator writes them, and copies as it sends them.

use differential::{Outcome, PORTS, Plan, Sent, Source, program, replay_for};
use pkttables::model::Family;
use pkttables::packet::Data;
use pkttables::registry::Backend;
use pkttables_eval::builder::PacketBuilder;
use pkttables_eval::{Event, Observer, Report};
use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::OpenOptionsExt as _;

/// Collects what `LOG` writes, the level before it.
#[derive(Debug, Default)]
struct Lines(Vec<String>);

impl Observer for Lines {
    fn event(&mut self, event: Event<'_>) {
        if let Event::Report { report: Report::Log(line), .. } = event {
            self.0.push(format!("{} {line}", line.level()));
        }
    }
}

/// Lets the kernel log what rules in other namespaces report, which is a setting of the first.
struct EveryNamespace {
    before: String,
}

const SETTING: &str = "/proc/sys/net/netfilter/nf_log_all_netns";

impl EveryNamespace {
    fn new() -> Option<Self> {
        let before = fs::read_to_string(SETTING).ok()?;
        fs::write(SETTING, "1").ok()?;
        Some(Self { before })
    }
}

impl Drop for EveryNamespace {
    fn drop(&mut self) {
        let _ = fs::write(SETTING, &self.before);
    }
}

/// The kernel's log from now on.
struct KernelLog(File);

impl KernelLog {
    fn open() -> Option<Self> {
        const DO_NOT_WAIT: i32 = 0o4000;
        let mut file = OpenOptions::new().read(true).custom_flags(DO_NOT_WAIT).open("/dev/kmsg").ok()?;
        file.seek(SeekFrom::End(0)).ok()?;
        Some(Self(file))
    }

    /// Lines with this text in them, the level before each.
    fn lines(&mut self, text: &str) -> Vec<String> {
        let mut lines = Vec::new();
        let mut record = [0; 8192];
        while let Ok(len) = self.0.read(&mut record) {
            let record = String::from_utf8_lossy(&record[..len]).into_owned();
            let (head, line) = record.split_once(';').expect("a record");
            let line = line.lines().next().unwrap_or_default();
            if line.contains(text) {
                let priority: u32 = head.split(',').next().unwrap().parse().expect("a priority");
                lines.push(format!("{} {line}", priority & 7));
            }
        }
        lines
    }
}

/// A packet in words; `cut=N` leaves so many bytes of its transport header.
fn sent(words: &str) -> Sent {
    let (words, left) = match words.split_once(" cut=") {
        Some((words, left)) => (words, left.parse::<usize>().ok()),
        None => (words, None),
    };
    let mut made = PacketBuilder::parse(words).expect("words").build().expect("a packet");
    if let Some(left) = left {
        cut(&mut made.bytes, left);
    }
    let port = |name: String| PORTS.iter().position(|port| port.name == name).expect("a port");
    let source = match made.meta.input {
        Some(input) => {
            let port = port(input.to_string());
            Source::Wire { port, destination: PORTS[port].mac }
        }
        None => Source::Own { port: port(made.meta.output.expect("an interface").to_string()) },
    };
    Sent { source, after: 0, bytes: made.bytes }
}

fn cut(packet: &mut Vec<u8>, left: usize) {
    if packet[0] >> 4 == 6 {
        packet.truncate(40 + left);
        packet[5] = left as u8;
        return;
    }
    packet.truncate(20 + left);
    packet[3] = 20 + left as u8;
    packet[10..12].fill(0);
    let sum = !(Data::new(packet).sum(0, 20, 0) as u16);
    packet[10..12].copy_from_slice(&sum.to_be_bytes());
}

const LINES: &str = "compared-line: ";

/// Logs packets at every hook with every option.
fn rules(options: &str) -> Vec<String> {
    let log = |chain: &str| format!("-A {chain} -j LOG --log-prefix \"{LINES}\" {options}");
    let chain = |name: &str| format!(":{name} ACCEPT [0:0]");
    let of = |table: &str, names: &[&str]| {
        let mut lines = vec![format!("*{table}")];
        lines.extend(names.iter().map(|name| chain(name)));
        lines.extend(names.iter().map(|name| log(name)));
        lines.push("COMMIT".into());
        lines
    };
    let mut lines = of("mangle", &["PREROUTING", "OUTPUT", "POSTROUTING"]);
    lines.insert(4, "-A PREROUTING -p tcp -j MARK --set-mark 0x2a".into());
    lines.extend(of("filter", &["INPUT", "FORWARD"]));
    lines
}

#[test]
fn lines_are_those_of_the_kernel() {
    let Some(_) = testkit::program(&program(Family::Ipv4, Backend::Nft, "restore")) else { return };
    let Some(_setting) = EveryNamespace::new() else {
        return testkit::skip("the kernel's log does not show other namespaces");
    };
    let v4 = "in=in0 src=10.1.0.9 dst=10.2.0.5";
    let quoted = "4500002800000000400666c00a0100090a0200050fa00015000003e8000000005002faf08d440000";
    let packets4 = [
        format!("{v4} proto=tcp sport=1000 dport=80"),
        format!(
            "{v4} proto=tcp dport=80 flags=fin,syn,rst,psh,ack,urg seq=4000000000 ack=7 window=3 mss=1400"
        ),
        format!(
            "{v4} proto=tcp dport=80 flags=ack tcp-options=01010101 options=01010101 tos=0xff id=77 df=1 ttl=3"
        ),
        format!("{v4} proto=tcp dport=80 cut=11"),
        format!("{v4} proto=udp dport=53 payload=abc"),
        format!("{v4} proto=udp dport=53 cut=4"),
        format!("{v4} proto=udplite dport=53"),
        format!("{v4} proto=udp dport=53 frag=0+ payload=0x0011223344556677"),
        format!("{v4} proto=udp dport=53 frag=1480 payload=0x0011223344556677"),
        format!("{v4} proto=tcp dport=53 frag=64+ payload=0x0011223344556677"),
        format!("{v4} proto=icmp type=8 icmp-id=3 seq=4"),
        format!("{v4} proto=icmp type=3 code=4 payload=0x{quoted}"),
        format!("{v4} proto=icmp type=11 code=0 payload=0x{}", &quoted[..56]),
        format!("{v4} proto=icmp type=11 code=0 payload=0x{}", &quoted[..30]),
        format!("{v4} proto=icmp type=5 code=1 payload=0x{quoted}"),
        format!("{v4} proto=icmp type=12 code=0 payload=0x{quoted}"),
        format!("{v4} proto=icmp type=13 code=0"),
        format!("{v4} proto=icmp type=9 code=0"),
        format!("{v4} proto=icmp type=8 cut=6"),
        format!("{v4} proto=esp spi=0x1234abcd"),
        format!("{v4} proto=esp cut=6"),
        format!("{v4} proto=ah spi=0x1234abcd"),
        format!("{v4} proto=sctp dport=7"),
        format!("{v4} proto=gre"),
        "in=in0 src=10.1.0.9 dst=10.1.0.1 proto=udp dport=9".into(),
        "out=out0 src=10.2.0.1 dst=10.2.0.5 id=9 proto=udp dport=9".into(),
        "out=out0 src=10.2.0.1 dst=10.2.0.5 id=9 proto=icmp type=8".into(),
    ];
    let v6 = "in=in0 src=fd00:1::9 dst=fd00:2::5";
    let quoted6 = format!(
        "600123450008113f{}{}1000003500080000",
        "fd000001000000000000000000000009", "fd000002000000000000000000000005"
    );
    let packets6 = [
        format!("{v6} proto=tcp sport=1000 dport=80 tos=0x5b hl=7 mss=1400"),
        format!("{v6} proto=udp dport=53 payload=abc"),
        format!("{v6} proto=udp dport=53 cut=4"),
        format!("{v6} proto=tcp dport=53 cut=4"),
        format!("{v6} proto=udp dport=53 frag=0+ payload=0x0011223344556677"),
        format!("{v6} proto=udp dport=53 frag=1480 id=5 payload=0x0011223344556677"),
        format!("{v6} proto=icmpv6 type=128 icmp-id=3 seq=4"),
        format!("{v6} proto=icmpv6 type=1 code=4 payload=0x{quoted6}"),
        format!("{v6} proto=icmpv6 type=2 payload=0x{quoted6}"),
        format!("{v6} proto=icmpv6 type=3 payload=0x{}", &quoted6[..60]),
        format!("{v6} proto=icmpv6 type=4 code=1 payload=0x{quoted6}"),
        format!("{v6} proto=icmpv6 type=128 cut=4"),
        format!("{v6} proto=esp spi=0x1234abcd"),
        format!("{v6} proto=esp cut=4"),
        format!("{v6} proto=ah spi=0x1234abcd"),
        format!("{v6} proto=sctp dport=7"),
        format!("{v6} proto=59"),
        "in=in0 src=fd00:1::9 dst=fd00:1::aa proto=udp dport=9".into(),
        "out=out0 src=fd00:2::aa dst=fd00:2::5 proto=udp dport=9".into(),
    ];
    let options =
        ["", "--log-level 7 --log-tcp-sequence --log-tcp-options --log-ip-options --log-uid --log-macdecode"];
    for (family, packets) in [(Family::Ipv4, &packets4[..]), (Family::Ipv6, &packets6[..])] {
        for options in options {
            let packets = packets.iter().map(|words| sent(words)).collect();
            let plan =
                Plan { family, backend: Backend::Nft, world: Vec::new(), rules: rules(options), packets };
            let Some(mut log) = KernelLog::open() else { return testkit::skip("there is no /dev/kmsg") };
            let mut lines = Lines::default();
            let Some(outcome) = testkit::in_namespace(|| replay_for(&plan, &mut lines)) else { return };
            if let Outcome::Failed(failure) = outcome.expect("a trial") {
                panic!("{failure}");
            }
            let kernel = log.lines(LINES);
            for (kernel, evaluator) in kernel.iter().zip(&lines.0) {
                assert_eq!(kernel.trim_end(), evaluator.trim_end(), "{options}");
            }
            assert_eq!(kernel.len(), lines.0.len());
            assert!(kernel.len() > plan.packets.len());
        }
    }
}

/// Copies go through OUTPUT and POSTROUTING, untracked and with a hop less if they were made before routing.
#[test]
fn copies_are_sent_as_the_kernel_sends_them() {
    let Some(_) = testkit::program(&program(Family::Ipv4, Backend::Nft, "restore")) else { return };
    // Only packets with this mark leave the router on their own.
    let marked = |chain: &str, gateway: &str| {
        [
            format!("-A {chain} -j MARK --set-mark 0x73656e74"),
            format!("-A {chain} -j TEE --gateway {gateway}"),
            format!("-A {chain} -j MARK --set-mark 0"),
        ]
    };
    for (family, before, after, packets) in [
        (
            Family::Ipv4,
            "10.4.0.9",
            "10.3.0.9",
            [
                "in=in0 src=10.1.0.9 dst=10.2.0.5 proto=udp dport=53 payload=abc",
                "in=in0 src=10.1.0.9 dst=10.2.0.5 proto=tcp dport=80 ttl=2 options=01010101 df=1",
                "in=in0 src=10.1.0.9 dst=10.1.0.1 proto=udp dport=9",
            ],
        ),
        (
            Family::Ipv6,
            "fd00:4::9",
            "fd00:3::9",
            [
                "in=in0 src=fd00:1::9 dst=fd00:2::5 proto=udp dport=53 payload=abc",
                "in=in0 src=fd00:1::9 dst=fd00:2::5 proto=tcp dport=80 hl=2",
                "in=in0 src=fd00:1::9 dst=fd00:1::aa proto=udp dport=9",
            ],
        ),
    ] {
        let mut rules: Vec<String> = vec!["*mangle".into()];
        rules.extend(["PREROUTING", "OUTPUT", "POSTROUTING"].map(|name| format!(":{name} ACCEPT [0:0]")));
        rules.extend(marked("PREROUTING", before));
        rules.push("-A OUTPUT -m conntrack --ctstate UNTRACKED".into());
        rules.push(
            "-A OUTPUT -o out1 -m ttl --ttl-eq 63"
                .replace("ttl --ttl", if family == Family::Ipv4 { "ttl --ttl" } else { "hl --hl" }),
        );
        rules
            .extend(["COMMIT", "*filter", ":FORWARD ACCEPT [0:0]", ":OUTPUT ACCEPT [0:0]"].map(String::from));
        rules.extend(marked("FORWARD", after));
        rules.extend([format!("-A OUTPUT -p udp -j TEE --gateway {before}"), "COMMIT".into()]);
        let packets = packets.iter().map(|words| sent(words)).collect();
        let plan = Plan { family, backend: Backend::Nft, world: Vec::new(), rules, packets };
        let Some(outcome) = testkit::in_namespace(|| replay_for(&plan, &mut ())) else { return };
        if let Outcome::Failed(failure) = outcome.expect("a trial") {
            panic!("{failure}");
        }
    }
}
