//! Rulesets as JSON, and the questions about extensions, on the embedded kernel.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

fn state(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("json-{name}"));
    let _ = std::fs::remove_file(&path);
    path
}

/// Runs it with `input`: the exit code and what is printed.
fn run(state: &Path, args: &[&str], input: &str) -> (Option<i32>, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_iptables2"))
        .args(args)
        .arg(format!("--embedded={}", state.display()))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it runs");
    child.stdin.take().expect("a pipe").write_all(input.as_bytes()).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    (output.status.code(), String::from_utf8(output.stdout).expect("text"))
}

const RULES: &str = "*filter\n:INPUT DROP [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n:user - [0:0]\n\
    -A INPUT -p tcp -m tcp --dport 22 -m comment --comment \"two words\" -j user\n-A user -m length --length 1:100 -j LOG\n\
    -A user -p esp -m esp [revision 0 04 00 00 00 03 00 00 00 00 00 00 00 00 00 00 00]\nCOMMIT\n";

#[test]
fn what_is_saved_as_json_is_restored() {
    let (first, second) = (state("first"), state("second"));
    assert_eq!(run(&first, &["iptables-restore"], RULES).0, Some(0));
    let (code, json) = run(&first, &["iptables-save", "--json"], "");
    assert_eq!(code, Some(0));
    assert!(json.contains("\"two words\""), "{json}");
    assert!(json.contains("\"info\": \"0400000003000000"), "{json}");
    assert_eq!(run(&second, &["iptables-restore", "--json"], &json).0, Some(0));
    let rules = |state: &Path| {
        let (_, text) = run(state, &["iptables-save"], "");
        text.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(rules(&first), rules(&second));
    assert!(rules(&second).len() > 6);
    assert_eq!(run(&second, &["iptables-restore", "--json"], "{\"family\": \"ipv4\"}").0, Some(0));
    assert_eq!(run(&second, &["iptables-restore", "--json"], "{\"family\": 4}").0, Some(1));
}

#[test]
fn reverse_questions() {
    let state = state("questions");
    let ask = |args: &[&str]| run(&state, args, "");
    let (code, printed) = ask(&["query", "at", "nat", "POSTROUTING"]);
    assert!(code == Some(0) && printed.contains("MASQUERADE") && !printed.contains("REDIRECT"), "{printed}");
    let (_, printed) = ask(&["query", "about", "weekday"]);
    assert!(printed.contains("--weekdays"), "{printed}");
    let (code, printed) = ask(&["query", "why", "length", "length", "70000"]);
    assert!(code == Some(1) && printed.contains("65535"), "{printed}");
    assert_eq!(ask(&["query", "why", "length", "length", "1:2"]).0, Some(0));
    let (_, printed) = ask(&["query", "schema"]);
    assert!(printed.contains("draft/2020-12"), "{printed}");
    let (_, printed) = ask(&["query", "match", "conntrack", "ctstate"]);
    assert!(printed.contains("ESTABLISHED"), "{printed}");
}

#[test]
fn man_pages_and_completions_are_written() {
    let state = state("pages");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("man");
    assert_eq!(run(&state, &["man", &folder.display().to_string()], "").0, Some(0));
    for page in ["iptables2.1", "iptables2-query.1", "iptables2-extensions.8"] {
        assert!(folder.join(page).is_file(), "{page}");
    }
    for shell in ["bash", "zsh", "fish"] {
        let (code, script) = run(&state, &["completions", shell], "");
        assert!(code == Some(0) && script.contains("iptables2 complete"), "{shell}");
    }
}
