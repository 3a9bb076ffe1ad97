//! The subcommands, on the embedded kernel with its state in a file, and `apply` on the running one.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A folder of a test's own.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).expect("a folder");
        Self(folder)
    }

    fn file(&self, name: &str, text: &str) -> String {
        let path = self.0.join(name);
        std::fs::write(&path, text).expect("a file");
        path.display().to_string()
    }

    /// Runs on the embedded kernel of this folder: exit code, what is printed, what is said.
    fn run(&self, args: &[&str]) -> (Option<i32>, String, String) {
        let state = format!("--embedded={}", self.0.join("state").display());
        said(Command::new(env!("CARGO_BIN_EXE_iptables2")).args(args).arg(state))
    }
}

fn said(command: &mut Command) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = command.output().expect("output");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (status.code(), text(&stdout), text(&stderr))
}

const FIRST: &str = "*filter\n:INPUT DROP [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n:a - [0:0]\n:b - [0:0]\n\
    -A INPUT -j a\n-A a -p tcp -m tcp --dport 22 -j ACCEPT\n-A a -p udp -j DROP\n-A b -j RETURN\nCOMMIT\n";
const SECOND: &str = "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n:a - [0:0]\n:c - [0:0]\n\
    -A INPUT -j a\n-A INPUT -j c\n-A a -p tcp -m tcp --dport 22 -j ACCEPT\n-A a -p icmp -j ACCEPT\n-A a -p udp -j DROP\n\
    COMMIT\n";

#[test]
fn options_of_every_personality_may_stand_before_its_name() {
    let folder = Folder::new("before");
    let state = format!("--embedded={}", folder.0.join("state").display());
    let run = |args: &[&str]| said(Command::new(env!("CARGO_BIN_EXE_iptables2")).arg(&state).args(args));
    assert_eq!(run(&["iptables", "-A", "INPUT", "-j", "DROP"]), (Some(0), String::new(), String::new()));
    assert_eq!(run(&["iptables", "-S", "INPUT"]).1, "-P INPUT ACCEPT\n-A INPUT -j DROP\n");
}

#[test]
fn check_tells_all_errors() {
    let folder = Folder::new("check");
    let good = folder.file("good.v4", FIRST);
    let (code, printed, said) = folder.run(&["check", &good]);
    assert_eq!((code, &*printed, &*said), (Some(0), "1 table, 5 chains, 4 rules\n", ""));
    let bad = folder
        .file("bad.v6", "*filter\n-A INPUT -p tcp --dprot 22\n-A INPUT -s 1.2.3.4\n-A INPUT -j b\nCOMMIT\n");
    let (code, printed, said) = folder.run(&["check", &bad]);
    assert_eq!((code, &*printed), (Some(2), ""));
    for part in [":2:17: unknown option", "^^^^^^^ did you mean `--dport'?", ":3:13: ", ":4:13: ", "3 errors"]
    {
        assert!(said.contains(part), "{part} in {said}");
    }
    let (code, _, said) = folder.run(&["check", "/no/such/file"]);
    assert_eq!((code, &*said), (Some(1), "iptables2: /no/such/file: No such file or directory\n"));
}

/// What `iptables-save` prints, without comments.
fn saved(folder: &Folder) -> String {
    let (_, saved, _) = folder.run(&["iptables-save"]);
    saved.lines().filter(|line| !line.starts_with('#')).map(|line| format!("{line}\n")).collect()
}

#[test]
fn apply_brings_the_kernel_to_the_file() {
    let folder = Folder::new("apply");
    let (first, second) = (folder.file("first.v4", FIRST), folder.file("second.v4", SECOND));
    let (code, printed, _) = folder.run(&["apply", &first]);
    assert_eq!((code, &*printed), (Some(0), "4 rules added, 2 chains made, 3 policies set\n"));
    assert_eq!(saved(&folder), FIRST);
    let (code, printed, _) = folder.run(&["apply", &first]);
    assert_eq!((code, &*printed), (Some(0), "nothing to change\n"));
    let (code, diff, _) = folder.run(&["diff", &second]);
    assert_eq!(code, Some(1));
    let mut lines: Vec<&str> = diff.lines().filter(|line| line.starts_with(['+', '-'])).collect();
    lines.sort_unstable();
    let expected = [
        "+-A INPUT -j c",
        "+-A a -p icmp -j ACCEPT",
        "+:INPUT ACCEPT",
        "+:c -",
        "--A b -j RETURN",
        "-:INPUT DROP",
        "-:b -",
    ];
    assert_eq!(lines, expected);
    let summary = "2 rules added, 1 rule deleted, 1 chain made, 1 chain deleted, 1 policy set\n";
    let (code, printed, _) = folder.run(&["apply", "--dry-run", &second]);
    assert_eq!((code, printed), (Some(0), format!("{diff}{summary}")));
    assert_eq!(saved(&folder), FIRST);
    let (code, printed, _) = folder.run(&["apply", "--json", &second]);
    assert_eq!(code, Some(0));
    let told: serde_json::Value = serde_json::from_str(&printed).expect("JSON");
    assert_eq!((&told["rules_added"], &told["rules_deleted"]), (&2.into(), &1.into()));
    assert_eq!(told["tables"][0]["diff"][0], "*filter");
    let steps = told["tables"][0]["steps"].as_array().expect("steps");
    let names: Vec<_> = steps.iter().filter_map(|step| step["do"].as_str()).collect();
    assert_eq!(names, ["set-policy", "create-chain", "insert", "insert", "flush", "delete-chain"]);
    assert_eq!((&steps[3]["chain"], &steps[3]["rule"]["protocol"]), (&"a".into(), &"icmp".into()));
    assert_eq!(steps[4]["old"][0]["rule"]["target"]["verdict"], "RETURN");
    assert_eq!(saved(&folder), SECOND);
    let (code, printed, _) = folder.run(&["diff", &second]);
    assert_eq!((code, &*printed), (Some(0), ""));
}

#[test]
fn a_plan_is_carried_out_later_or_not_at_all() {
    let folder = Folder::new("plan");
    let _ = folder.run(&["apply", &folder.file("first.v4", FIRST)]);
    let (code, plan, _) = folder.run(&["diff", "--json", &folder.file("second.v4", SECOND)]);
    assert_eq!(code, Some(1));
    let plan = folder.file("plan.json", &plan);
    let (code, printed, said) = folder.run(&["apply", "--plan", &plan]);
    let summary = "2 rules added, 1 rule deleted, 1 chain made, 1 chain deleted, 1 policy set\n";
    assert_eq!((code, &*printed, &*said), (Some(0), summary, ""));
    assert_eq!(saved(&folder), SECOND);
    let (code, printed, said) = folder.run(&["apply", "--plan", &plan]);
    let changed =
        "iptables2: the ruleset has changed since this was planned; nothing is changed, plan again\n";
    assert_eq!((code, &*printed, &*said), (Some(4), "", changed));
    assert_eq!(saved(&folder), SECOND);
}

#[test]
fn a_plan_that_is_none_says_where() {
    let folder = Folder::new("no-plan");
    let wrong = r#"{"generation":1,"tables":[{"family":"ipv4","table":"filter","steps":[{"do":"delete"}]}]}"#;
    for (text, expected) in [
        (wrong, "/tables/0/steps/0/chain: it is missing"),
        (r#"{"tables":[]}"#, "/generation: this is not a plan that `diff --json` has written"),
        (r#"{"generation":1}"#, "/tables: an array is expected"),
        ("*filter", "expected value at line 1 column 1"),
    ] {
        let plan = folder.file("plan.json", text);
        let (code, _, said) = folder.run(&["apply", "--plan", &plan]);
        assert_eq!((code, said), (Some(2), format!("iptables2: {plan}: {expected}\n")));
    }
}

#[test]
fn chains_that_are_not_meant_stay() {
    let folder = Folder::new("scopes");
    let _ = folder.run(&["apply", &folder.file("first.v4", FIRST)]);
    let second = folder.file("second.v4", SECOND);
    let diff = |args: &[&str]| folder.run(&[&["diff", &second], args].concat());
    let (code, printed, _) = diff(&["--chain", "a"]);
    assert_eq!((code, &*printed), (Some(1), "*filter\n@@ a @@\n+-A a -p icmp -j ACCEPT\n"));
    let (_, printed, _) = diff(&["--chain", "b", "--chain", "c"]);
    assert_eq!(printed, "*filter\n@@ c @@\n+:c -\n@@ b @@\n--A b -j RETURN\n-:b -\n");
    assert_eq!(diff(&["--prefix", "a"]).1, diff(&["--chain", "a"]).1);
    assert_eq!(diff(&["--chain", "a", "--prefix", "a"]).0, Some(2), "one or the other");
    let (code, _, said) = diff(&["--chain", "INPUT"]);
    assert_eq!((code, &*said), (Some(1), "iptables2: a rule of chain INPUT calls c, which does not exist\n"));
    let (code, printed, _) = folder.run(&["apply", &second, "--prefix", "a"]);
    assert_eq!((code, &*printed), (Some(0), "1 rule added\n"));
    assert_eq!(diff(&["--prefix", "a"]).0, Some(0));
    assert_eq!(diff(&[]).0, Some(1), "the others are as they were");
}

#[test]
fn rules_that_stay_keep_handles_and_counters() {
    let folder = Folder::new("keep");
    let second = folder.file("second.v4", SECOND);
    let counted = FIRST.replace("-A a -p tcp", "[5:600] -A a -p tcp");
    testkit::in_namespace(|| {
        let program = env!("CARGO_BIN_EXE_iptables2");
        let _ = testkit::run(Command::new(program).args(["iptables-restore", "-c"]), &counted);
        let Some(mut nft) = testkit::program("nft") else { return };
        let before = testkit::run(nft.args(["-a", "list", "chain", "ip", "filter", "a"]), "");
        let (code, _, said) = said(Command::new(program).args(["apply", &second]));
        assert_eq!(code, Some(0), "{said}");
        let after = testkit::run(&mut nft, "");
        assert_eq!(after.lines().count(), before.lines().count() + 1);
        for line in before.lines() {
            assert!(after.contains(line), "{line} in {after}");
        }
        assert!(after.contains("counter packets 5 bytes 600"), "{after}");
    });
}

#[test]
fn foreign_rules_stay() {
    let folder = Folder::new("foreign");
    let (first, second) = (folder.file("first.v4", FIRST), folder.file("second.v4", SECOND));
    testkit::in_namespace(|| {
        let apply = |file: &str| said(Command::new(env!("CARGO_BIN_EXE_iptables2")).args(["apply", file]));
        assert_eq!(apply(&first).0, Some(0));
        for chain in ["INPUT", "a"] {
            let Some(mut nft) = testkit::program("nft") else { return };
            let _ = testkit::run(
                nft.args(["add", "rule", "ip", "filter", chain, "ip", "length", "4", "drop"]),
                "",
            );
        }
        assert_eq!(apply(&first).1, "nothing to change\n");
        assert_eq!(apply(&second).0, Some(0));
        let Some(mut nft) = testkit::program("nft") else { return };
        let listed = testkit::run(nft.args(["list", "table", "ip", "filter"]), "");
        assert_eq!(listed.matches("ip length 4 drop").count(), 2, "{listed}");
        assert_eq!(apply(&second).1, "nothing to change\n");
    });
}

#[test]
fn query_answers_from_the_registry() {
    let folder = Folder::new("query");
    let json = |args: &[&str]| -> serde_json::Value {
        let (code, printed, said) = folder.run(args);
        assert_eq!(code, Some(0), "{said}");
        serde_json::from_str(&printed).expect("JSON")
    };
    let matches = json(&["query", "matches", "--json", "--family", "ipv6"]);
    let names: Vec<_> =
        matches.as_array().expect("a list").iter().filter_map(|one| one["name"].as_str()).collect();
    assert!(names.contains(&"hl") && names.contains(&"tcp") && !names.contains(&"ttl"), "{names:?}");
    let tcp = json(&["query", "match", "tcp", "--json"]);
    assert_eq!(tcp[0]["protocols"], serde_json::json!(["tcp"]));
    let port = json(&["query", "match", "tcp", "dport", "--json"]);
    assert_eq!((&port[0]["negatable"], &port[0]["aliases"][0]), (&true.into(), &"destination-port".into()));
    let (code, printed, _) = folder.run(&["query", "target", "MASQUERADE"]);
    assert_eq!(code, Some(0));
    assert!(printed.contains("tables     nat\nhooks      POSTROUTING\n"), "{printed}");
    let (_, printed, _) = folder.run(&["query", "match", "recent", "hitcount"]);
    assert!(printed.contains("      Not together with --set, --remove.\n"), "{printed}");
    let (_, printed, _) = folder.run(&["query", "match", "hashlimit"]);
    assert!(printed.contains("without `/`.\n      It must be given.\n"), "{printed}");
    let (_, printed, _) = folder.run(&["query", "match", "rt", "rt-0-res"]);
    assert!(printed.contains("      Only together with --rt-type.\n"), "{printed}");
    let ports = ["query", "why", "DNAT", "to-destination", "1.2.3.4:80"];
    assert!(folder.run(&ports).1.contains("need `-p`"));
    assert_eq!(folder.run(&[&ports[..], &["-p", "tcp"]].concat()).1, "it is accepted\n");
    let dashes = json(&["query", "match", "tcp", "--dport", "--json"]);
    assert_eq!(dashes, port);
    let (code, printed, _) = folder.run(&["query", "why", "tcp", "--dport", "-5"]);
    assert!(code == Some(1) && printed.contains("it takes a port number"), "{printed}");
    let (code, _, said) = folder.run(&["query", "target", "LOGG"]);
    assert_eq!((code, &*said), (Some(1), "iptables2: there is no target LOGG\n"));
    assert_eq!(folder.run(&["query", "match", "LOG"]).2, "iptables2: there is no match LOG, but a target\n");
    let (code, _, said) = folder.run(&["query", "match", "tcp", "port"]);
    assert!(code == Some(1) && said.contains("it has sport, dport"), "{said}");
}

#[test]
fn circles_and_ladders_of_chains_are_refused_before_anything_is_sent() {
    let folder = Folder::new("endless");
    let names = |last: u32| -> Vec<String> { (1..=last).map(|step| format!("c{step}")).collect() };
    let ladder = |last: u32| {
        let chains: String = names(last).iter().map(|name| format!(":{name} -\n")).collect();
        let calls: String = names(last)
            .windows(2)
            .rev()
            .map(|pair| format!("-A {} -p tcp -j {}\n", pair[0], pair[1]))
            .collect();
        format!("*filter\n:INPUT ACCEPT\n{chains}{calls}-A INPUT -g c1\nCOMMIT\n")
    };
    let restore = |text: &str| {
        let (code, _, said) =
            folder.run(&["iptables-restore", "--debug=netlink", &folder.file("rules", text)]);
        let (sent, told) = (said.contains("NEWRULE"), said.split("iptables-restore v").nth(1));
        (code, sent, told.and_then(|told| told.split_once('\n')).map(|(_, told)| told.to_owned()))
    };

    assert_eq!(restore(&ladder(15)), (Some(0), true, None));
    let told = format!(
        "line 34: RULE_APPEND failed (Too many links): rule in chain INPUT\n  \
         it calls c1, but 17 chains call one another, and the kernel allows 16: INPUT -> {}\n",
        names(16).join(" -> ")
    );
    assert_eq!(restore(&ladder(16)), (Some(4), false, Some(told)));

    let circle = "*filter\n:INPUT ACCEPT\n:a -\n:b -\n-A a -j b\n-A INPUT -j a\n-I b -j a\n-D b 1\nCOMMIT\n";
    let told = "line 7: RULE_INSERT failed (Too many links): rule in chain b\n  \
        it calls a, but chains call one another without end: a -> b -> a\n";
    assert_eq!(restore(circle), (Some(4), false, Some(told.into())));
    let unreached = circle.replace("-A INPUT -j a\n", "");
    assert_eq!(restore(&unreached), (Some(0), true, None), "no packet comes there");
    let opened = circle.replace("-I b -j a\n-D b 1\n", "-D a 1\n-I b -j a\n");
    assert_eq!(restore(&opened), (Some(0), true, None));
}

#[test]
fn a_reader_that_goes_away_ends_the_program_quietly() {
    for args in [&["query", "matches", "--json"][..], &["query", "schema"], &["iptables", "-h"]] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_iptables2"));
        command.args(args).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("it runs");
        drop(child.stdout.take());
        let output = child.wait_with_output().expect("it ends");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{args:?}");
        assert!(output.status.success(), "{args:?}: {}", output.status);
    }
}
