//! `eval` and `test`: packets in words and in captures, and what is said of them.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A folder of a test's own.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("eval-{name}"));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).expect("a folder");
        Self(folder)
    }

    fn file(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.0.join(name);
        std::fs::write(&path, content).expect("a file");
        path.display().to_string()
    }

    /// Runs in this folder: exit code, what is printed, what is said.
    fn run(&self, args: &[&str]) -> (Option<i32>, String, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_iptables2"));
        let Output { status, stdout, stderr } =
            command.args(args).current_dir(&self.0).output().expect("output");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (status.code(), text(&stdout), text(&stderr))
    }
}

const RULES: &str = "*raw\n:PREROUTING ACCEPT\n-A PREROUTING -j MARK --set-mark 7\n-A PREROUTING -i in9\nCOMMIT\n\
    *filter\n:INPUT ACCEPT\n:FORWARD DROP\n:OUTPUT ACCEPT\n:web -\n\
    -A FORWARD -s 192.168.0.0/16 -j ACCEPT\n-A FORWARD -p tcp -m tcp --dport 80:81 -m conntrack --ctstate NEW -j web\n\
    -A web ! -d 10.2.0.0/16 -j DROP\n-A web -m limit --limit 1/hour --limit-burst 1 -m mark --mark 7 -j ACCEPT\n\
    -A web -m string --algo bm --string GET -j RETURN\n-A OUTPUT -o out0 -p icmp -j DROP\nCOMMIT\n";

const ROUTES: [&str; 4] = ["--route", "10.1.0.0/16=in0", "--route", "10.2.0.0/16=out0"];

fn eval<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&["eval", "--rules", "rules.v4"][..], &ROUTES, more].concat()
}

#[test]
fn packets_in_words_are_traced_and_explained() {
    let folder = Folder::new("words");
    folder.file("rules.v4", RULES);
    let web = "in=in0 src=10.1.0.2 dst=10.2.0.2 proto=tcp dport=80";
    let (code, printed, said) = folder.run(&eval(&[
        "--packet",
        web,
        "--packet",
        web,
        "--packet",
        "out=out0 src=10.2.0.1 dst=10.2.0.9 proto=icmp",
        "--trace",
        "--why",
    ]));
    assert_eq!((code, &*said), (Some(0), ""));
    let expected = "\
1: TRACE raw:PREROUTING:rule:1
1: rule 2 of PREROUTING in raw: -i in9: it came in by in0
1: TRACE raw:PREROUTING:policy:3
1: rule 1 of FORWARD in filter: -s 192.168.0.0/16: the source address is 10.1.0.2
1: TRACE filter:FORWARD:rule:2
1: rule 1 of web in filter: ! -d 10.2.0.0/16: the destination address is 10.2.0.2
1: TRACE filter:web:rule:2
1: accept at POSTROUTING by rule 2 of web in filter
2: TRACE raw:PREROUTING:rule:1
2: rule 2 of PREROUTING in raw: -i in9: it came in by in0
2: TRACE raw:PREROUTING:policy:3
2: rule 1 of FORWARD in filter: -s 192.168.0.0/16: the source address is 10.1.0.2
2: TRACE filter:FORWARD:rule:2
2: rule 1 of web in filter: ! -d 10.2.0.0/16: the destination address is 10.2.0.2
2: rule 2 of web in filter: -m limit --limit 1/hour --limit-burst 1: the next packet is due in 3600000 ms
2: rule 3 of web in filter: -m string --string \"GET\" --algo bm: from byte 20 on there is \"\\x04\\x01\\x00P\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00P\\x02\\xfa\\xf0\\x9c\\x9a\\x00\\x00\"
2: TRACE filter:web:return:4
2: TRACE filter:FORWARD:policy:3
2: drop at FORWARD by the policy of FORWARD in filter
3: TRACE filter:OUTPUT:rule:1
3: drop at OUTPUT by rule 1 of OUTPUT in filter
";
    assert_eq!(printed, expected);
    let ssh = "in=in0 src=10.1.0.2 dst=10.2.0.2 proto=tcp dport=22";
    let (_, printed, _) = folder.run(&eval(&["--packet", ssh, "--why", "--format", "json"]));
    let told: serde_json::Value = serde_json::from_str(&printed).expect("JSON");
    assert_eq!(told["verdict"], "drop");
    let why = serde_json::json!({"table": "filter", "chain": "FORWARD", "rule": 2,
        "condition": "--dport 80:81", "found": "the destination port is 22"});
    assert_eq!(told["why"][2], why);
}

#[test]
fn what_is_wrong_on_the_command_line_is_named() {
    let folder = Folder::new("wrong");
    folder.file("rules.v4", RULES);
    folder.file("sets", "create a hash:ip\nadd a 10.0.0.300\n");
    folder.file("refers.v4", "*filter\n:INPUT ACCEPT\n-A INPUT -m set --match-set b src\nCOMMIT\n");
    let packet = ["--packet", "src=10.1.0.2 dst=10.2.0.2 proto=tcp dport=22"];
    for (more, code, part) in [
        (&["--packet", "src=10.1.0.2 dst=10.2.0.2 proto=tcp dport=x"][..], 2, "`dport=x': expected a port"),
        (&["--packet", "src=10.1.0.2 dst=10.2.0.2 proto=tcp dprot=2"], 2, "did you mean `dport'?"),
        (&["--route", "10.0.0.0/8,in0"], 2, "--route `10.0.0.0/8,in0': expected PREFIX=INTERFACE"),
        (&["--sysctl", "net.ipv4.ip_forwrd=1"], 2, "did you mean `ip_forward'?"),
        (&["--sysctl", "net.ipv4.ip_forward=yes"], 2, "`yes' is no value that it takes"),
        (&["--sysctl", "ip_forward"], 2, "expected KEY=VALUE"),
        (&["--ipset", "sets"], 1, "sets:2:7: `10.0.0.300': expected an IPv4 address"),
        (&["--ipset", "no-sets"], 1, "no-sets: No such file or directory"),
        (
            &["--rules", "refers.v4"],
            1,
            "refers.v4: rule 1 of chain INPUT in table filter: there is no set `b'",
        ),
    ] {
        let all = if more.contains(&"--rules") {
            [&["eval"][..], more, &packet].concat()
        } else {
            eval(&[more, &packet].concat())
        };
        let (found, printed, said) = folder.run(&all);
        assert!(found == Some(code) && said.contains(part) && printed.is_empty(), "{part} in {said}");
    }
}

#[test]
fn settings_change_what_the_ip_layer_does() {
    let folder = Folder::new("settings");
    folder.file("rules.v4", "*filter\n:FORWARD ACCEPT\nCOMMIT\n");
    let verdict = |setting: &str, words: &str| {
        let setting = if setting.is_empty() { vec![] } else { vec!["--sysctl", setting] };
        let (_, printed, said) = folder.run(&eval(&[&["--packet", words][..], &setting].concat()));
        assert_eq!(said, "");
        printed
    };
    let plain = "in=in0 src=10.1.0.2 dst=10.2.0.2 proto=udp dport=1";
    let spoofed = "in=out0 src=10.1.0.2 dst=10.2.0.2 proto=udp dport=1";
    let routed = format!("{plain} options=8907040a01010100");
    let accepted = "1: accept at POSTROUTING by the policy of FORWARD in filter\n";
    for (setting, words, passes) in [
        ("", plain, true),
        ("net.ipv4.ip_forward=0", plain, false),
        ("net.ipv4.conf.in0.forwarding=0", plain, false),
        ("net.ipv4.conf.in1.forwarding=0", plain, true),
        ("", spoofed, true),
        ("net.ipv4.conf.all.rp_filter=1", spoofed, false),
        ("net.ipv4.conf.all.rp_filter=2", spoofed, true),
        ("net/ipv4/conf/out0/rp_filter=1", spoofed, false),
        ("net.ipv4.conf.all.rp_filter=1", plain, true),
        ("net.ipv4.conf.all.accept_source_route=0", &routed, false),
    ] {
        assert_eq!(verdict(setting, words) == accepted, passes, "{setting} {words}");
    }
}

/// A UDP packet from 10.1.0.2 to 10.2.0.2 without checksum.
fn udp() -> Vec<u8> {
    let mut packet = vec![0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0x66, 0xcb, 10, 1, 0, 2, 10, 2, 0, 2];
    packet.extend([4, 1, 0, 53, 0, 8, 0, 0]);
    packet
}

/// A pcap file of one link type.
fn pcap(link: u32, frames: &[Vec<u8>]) -> Vec<u8> {
    let mut file = vec![0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0];
    file.extend(link.to_le_bytes());
    for frame in frames {
        let length = u32::try_from(frame.len()).expect("short").to_le_bytes();
        file.extend([0x80, 0xe1, 0x54, 0x65, 0, 0, 0, 0]);
        file.extend(length);
        file.extend(length);
        file.extend_from_slice(frame);
    }
    file
}

#[test]
fn captures_of_several_link_layers_are_read() {
    let folder = Folder::new("links");
    folder.file("rules.v4", "*filter\n:FORWARD DROP\n:OUTPUT DROP\n-A FORWARD -i in0 -j ACCEPT\n-A FORWARD -i in0.5 -j ACCEPT\nCOMMIT\n");
    let with = |header: &[u8]| [header, &udp()].concat();
    let ethernet = with(&[2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0]);
    let tagged = with(&[2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x81, 0, 0, 5, 8, 0]);
    let cooked = with(&[0, 0, 0, 1, 0, 6, 2, 0, 0, 0, 0, 2, 0, 0, 8, 0]);
    let sent = with(&[0, 4, 0, 1, 0, 6, 2, 0, 0, 0, 0, 2, 0, 0, 8, 0]);
    let cooked2 = with(&[8, 0, 0, 0, 0, 0, 0, 3, 0, 1, 0, 6, 2, 0, 0, 0, 0, 2, 0, 0]);
    let (forward, tag, out) = ("rule 1 of FORWARD", "rule 2 of FORWARD", "the policy of OUTPUT");
    for (link, frame, expected) in [
        (1, ethernet, forward),
        (1, tagged, tag),
        (101, udp(), forward),
        (228, udp(), forward),
        (0, with(&[2, 0, 0, 0]), forward),
        (113, cooked, forward),
        (113, sent, out),
        (276, cooked2, forward),
    ] {
        folder.file("packets.pcap", pcap(link, &[frame]));
        let (_, printed, said) = folder.run(&eval(&["--packets", "packets.pcap", "--interface", "in0"]));
        assert!(printed.contains(expected), "{link}: {printed}{said}");
    }
    folder.file("packets.pcap", pcap(105, &[udp()]));
    let (code, _, said) = folder.run(&eval(&["--packets", "packets.pcap"]));
    assert!(code == Some(1) && said.contains("packets.pcap: link type 105; only Ethernet, "), "{said}");
}

#[test]
fn damaged_captures_are_named_with_the_place() {
    let folder = Folder::new("damaged");
    folder.file("rules.v4", "*filter\n:FORWARD DROP\nCOMMIT\n");
    let whole = pcap(101, &[udp(), udp(), udp()]);
    folder.file("cut.pcap", &whole[..whole.len() - 5]);
    let (code, printed, said) = folder.run(&eval(&["--packets", "cut.pcap"]));
    assert_eq!((code, printed.lines().count()), (Some(1), 2));
    assert!(said.contains("cut.pcap: behind packet 2: the file ends in the middle"), "{said}");
    for (content, part) in
        [(&b""[..], "no capture"), (b"\x0a\x0d\x0d\x0a", "no capture"), (b"GIF89a  ", "no capture")]
    {
        folder.file("no.pcap", content);
        let (code, _, said) = folder.run(&eval(&["--packets", "no.pcap"]));
        assert!(code == Some(1) && said.contains(part), "{said}");
    }
}

#[test]
fn files_of_tests_pass_or_fail() {
    let folder = Folder::new("tests");
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/firewall-tests");
    for name in ["router.v4", "sets.save", "router.toml"] {
        folder.file(name, std::fs::read(example.join(name)).expect("an example"));
    }
    let (code, printed, said) = folder.run(&["test", "router.toml"]);
    assert_eq!((code, printed.lines().last(), &*said), (Some(0), Some("5 passed, 0 failed"), ""));
    let text = std::fs::read_to_string(example.join("router.toml")).expect("an example");
    folder.file("fails.toml", text.replace("\"reject\"", "\"accept\""));
    let (code, printed, _) =
        folder.run(&["test", "router.toml", "fails.toml", "--filter", "<other> & office"]);
    assert_eq!((code, printed.lines().last()), (Some(0), Some("0 passed, 0 failed, 10 left out")));
    let (code, printed, _) = folder.run(&["test", "fails.toml", "--filter", "told", "--junit", "junit.xml"]);
    assert_eq!((code, printed.lines().last()), (Some(1), Some("0 passed, 1 failed, 4 left out")));
    for part in [
        "verdict: expected accept, found reject",
        "it was reject at FORWARD by rule 5 of FORWARD in filter",
        "rule 4 of FORWARD in filter: --dport 8443: the destination port is 22",
    ] {
        assert!(printed.contains(part), "{part} in {printed}");
    }
    let junit = std::fs::read_to_string(folder.0.join("junit.xml")).expect("a file");
    assert!(junit.contains("tests=\"1\" failures=\"1\""), "{junit}");
    assert!(
        junit.contains("name=\"the office is told that the web server's other ports are closed\""),
        "{junit}"
    );
    assert!(
        junit.contains("<failure message=\"packet 1: verdict: expected accept, found reject\">"),
        "{junit}"
    );
    let (code, printed, _) = folder.run(&["test", "fails.toml", "--json"]);
    let told: serde_json::Value = serde_json::from_str(&printed).expect("JSON");
    assert_eq!(
        (code, &told[0]["tests"][4]["passed"], &told[0]["tests"][0]["passed"]),
        (Some(1), &false.into(), &true.into())
    );
}

#[test]
fn what_is_wrong_in_files_of_tests_is_named_with_the_place() {
    let folder = Folder::new("bad-tests");
    let good = "ruleset = \"*filter\\n:FORWARD DROP\\nCOMMIT\\n\"\nroutes = [\"0.0.0.0/0=out0\"]\n[[test]]\nname = \"one\"\n\
        packets = [{ send = \"in=in0 src=1.1.1.1 dst=2.2.2.2 proto=tcp dport=1\", expect = \"drop\", out = \"\" }]\n";
    folder.file("t.toml", good);
    assert_eq!(folder.run(&["test", "t.toml"]).0, Some(0));
    for (from, to, error) in [
        ("routes", "ruotes", "t.toml:2:1: unknown field `ruotes`, expected one of `rules`"),
        ("0/0=", "0/0 ", "t.toml:2:11: route `0.0.0.0/0 out0': expected PREFIX=INTERFACE"),
        ("dport=1", "dprot=1", "t.toml:5:21: `dprot=1': there is no `dprot', did you mean `dport'?"),
        (" dport=1", "", "t.toml:5:21: `dport': is missing"),
        ("\"drop\"", "\"dorp\"", "t.toml:5:82: unknown variant `dorp`"),
        (", expect = \"drop\", out = \"\"", "", "t.toml:5:21: nothing is expected of the packet"),
        ("out = \"\"", "out = \"ttk=1\"", "`ttk' is no field of a packet; there are src"),
        ("ruleset = \"*filter", "ruleset = \"*filtr", "t.toml:1:11: in the ruleset: line 1:"),
        ("ruleset", "rules = \"no.v4\"\nx", "t.toml:2:1: unknown field `x`"),
        (
            "ruleset = \"*filter\\n:FORWARD DROP\\nCOMMIT\\n\"",
            "rules = \"no.v4\"",
            "t.toml:1:9: no.v4: No such file",
        ),
        (
            "[[test]]",
            "[sysctl]\n\"net.ipv4.nonsense\" = 1\n[[test]]",
            "t.toml:4:1: sysctl `net.ipv4.nonsense': there is none",
        ),
        ("packets", "x = [\npackets", "t.toml:6:"),
    ] {
        let bad = good.replace(from, to);
        assert_ne!(bad, good);
        folder.file("t.toml", bad);
        let (code, printed, said) = folder.run(&["test", "t.toml"]);
        assert!(code == Some(2) && printed.is_empty() && said.contains(error), "{error} in {said}");
    }
}

#[test]
fn lines_of_the_log_records_and_copies_are_shown_and_can_be_expected() {
    let folder = Folder::new("reports");
    let rules = "*filter\n-A FORWARD -j LOG --log-prefix \"all: \"\n-A FORWARD -j NFLOG --nflog-group 7 --nflog-prefix p\n\
                 -A FORWARD -j TEE --gateway 10.2.0.9\nCOMMIT\n";
    folder.file("rules.v4", rules);
    let packet = "in=in0 src=10.1.0.2 dst=10.2.0.2 proto=udp dport=53";
    let (_, printed, said) = folder.run(&eval(&["--packet", packet]));
    assert_eq!(said, "");
    assert_eq!(
        printed,
        "1: LOG all: IN=in0 OUT=out0 MAC= SRC=10.1.0.2 DST=10.2.0.2 LEN=28 TOS=0x00 PREC=0x00 TTL=63 ID=0 PROTO=UDP SPT=1025 DPT=53 LEN=8\n\
         1: NFLOG to group 7, 28 bytes, prefix \"p\"\n1: TEE to 10.2.0.9\n\
         1: accept at POSTROUTING by the policy of FORWARD in filter\n"
    );
    let (_, printed, _) = folder.run(&eval(&["--packet", packet, "--format", "json"]));
    let told: serde_json::Value = serde_json::from_str(&printed).expect("JSON");
    assert_eq!((&told["log"][0]["level"], &told["log"][0]["rule"]), (&4.into(), &1.into()));
    assert_eq!((&told["nflog"][0]["group"], &told["nflog"][0]["prefix"]), (&7.into(), &"p".into()));
    assert_eq!(
        (&told["copies"][0]["gateway"], &told["copies"][0]["outif"]),
        (&"10.2.0.9".into(), &"out0".into())
    );
    let step = |rest: &str| {
        format!(
            "rules = \"rules.v4\"\nroutes = [\"10.1.0.0/16=in0\", \"10.2.0.0/16=out0\"]\n[[test]]\nname = \"t\"\n\
             packets = [{{ send = \"{packet}\", {rest} }}]\n"
        )
    };
    folder.file("good.toml", step("log = [\"DPT=53\"], nflog = [7], copies = [\"10.2.0.9\"]"));
    assert_eq!(folder.run(&["test", "good.toml"]).0, Some(0));
    folder.file("bad.toml", step("log = [\"DPT=54\"], nflog = [8], copies = [\"10.2.0.8\"]"));
    let (code, printed, _) = folder.run(&["test", "bad.toml"]);
    assert_eq!(code, Some(1));
    assert!(printed.contains("nflog: expected 8, found 7"), "{printed}");
}

#[test]
fn rules_of_a_kernel() {
    let folder = Folder::new("kernel");
    let rules = folder
        .file("rules.v4", "*filter\n:FORWARD DROP\n:u -\n-A FORWARD -p udp -j u\n-A u -j ACCEPT\nCOMMIT\n");
    assert_eq!(folder.run(&["apply", &rules, "--embedded=state"]).0, Some(0));
    let packet = ["--packet", "in=in0 src=10.1.0.2 dst=10.2.0.2 proto=udp dport=53"];
    let args = |more: &[&'static str]| [&["eval"][..], more, &ROUTES, &packet].concat();
    for more in [&["--embedded=state"][..], &["--kernel", "--embedded=state"]] {
        let (code, printed, said) = folder.run(&args(more));
        assert_eq!((code, &*said), (Some(0), ""));
        assert_eq!(printed, "1: accept at POSTROUTING by rule 1 of u in filter\n");
    }
    let (code, _, said) = folder.run(&args(&[]));
    assert_eq!(code, Some(2));
    assert!(said.contains("--rules FILE, --kernel"), "{said}");
    assert_eq!(folder.run(&args(&["--kernel", "--rules", "rules.v4"])).0, Some(2));
    // Rules that an iptables could not have written are not passed over.
    let Some(mut nft) = testkit::program("nft") else { return };
    nft.args(["-f", "-"]);
    let evaluated = testkit::in_namespace(|| {
        let _ = testkit::run(
            &mut nft,
            "table ip filter {\n chain FORWARD {\n type filter hook forward priority 0;\n }\n}\nadd rule ip filter FORWARD accept",
        );
        let right = folder.run(&args(&["--kernel"]));
        let _ = testkit::run(&mut nft, "add rule ip filter FORWARD ip ttl 3 meta length 7 ct id 3 drop");
        (right, folder.run(&args(&["--kernel"])))
    });
    let Some((right, foreign)) = evaluated else { return };
    assert_eq!(
        right,
        (Some(0), "1: accept at POSTROUTING by rule 1 of FORWARD in filter\n".into(), String::new())
    );
    assert_eq!(foreign.0, Some(1));
    assert!(
        foreign.2.contains("rule 2 of chain FORWARD in table filter is of another program's making"),
        "{foreign:?}"
    );
}
