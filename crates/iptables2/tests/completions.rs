//! The completion scripts in the shells that they are for.

use std::path::Path;
use std::process::Command;

/// Lines typed so far, and what the last word of each can become.
const CASES: [(&str, &[&str]); 8] = [
    ("iptables -A INPUT -m conntrack --cts", &["--ctstate", "--ctstatus"]),
    ("iptables -A INPUT -m conntrack --ctstate NEW,EST", &["NEW,ESTABLISHED"]),
    ("iptables -A INPUT -j REJ", &["REJECT"]),
    ("iptables -t nat -A PRE", &["PREROUTING"]),
    ("ip6tables -A INPUT -m hl --hl-e", &["--hl-eq"]),
    ("iptables2 query match conntr", &["conntrack"]),
    ("iptables2 query at nat PRE", &["PREROUTING"]),
    ("iptables2 --embedded=/tmp/state iptables -A INPUT -j REJ", &["REJECT"]),
];

/// Runs `script` in a shell that finds the program, with the completion script in `$SCRIPT` and the line in `$LINE`.
fn check(shell: &str, options: &[&str], script: &str) {
    let Some(found) = testkit::program(shell) else { return };
    let program = Path::new(env!("CARGO_BIN_EXE_iptables2"));
    let completions = testkit::run(Command::new(program).args(["completions", shell]), "");
    let folder = program.parent().expect("a folder").display();
    let path = format!("{folder}:{}", std::env::var("PATH").unwrap_or_default());
    for (line, expected) in CASES {
        let mut command = Command::new(found.get_program());
        command.args(options).args(["-c", script]);
        command.env("PATH", &path).env("SCRIPT", &completions).env("LINE", line);
        let output = testkit::run(&mut command, "");
        // A description may follow the word.
        let words: Vec<&str> =
            output.lines().map(|line| line.split('\t').next().unwrap_or_default()).collect();
        assert_eq!(words, expected, "{shell}: {line}");
    }
}

#[test]
fn bash_completes() {
    let script = r#"eval "$SCRIPT"; COMP_WORDS=($LINE); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _iptables2
        printf '%s\n' "${COMPREPLY[@]}""#;
    check("bash", &["--norc"], script);
}

#[test]
fn zsh_completes() {
    // `_describe` is what shows the words: each before an unescaped colon.
    let script = r#"compdef() { :; }; eval "$SCRIPT"; words=(${=LINE}); CURRENT=${#words}
        _describe() { local one; for one in "${(@P)2}"; do print -r -- "${one%%:*}"; done }
        _iptables2"#;
    check("zsh", &["-f"], script);
}

#[test]
fn fish_completes() {
    check("fish", &["--no-config"], r#"echo "$SCRIPT" | source; complete -C "$LINE""#);
}
