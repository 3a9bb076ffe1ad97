//! `apply --confirm`: what is not confirmed goes back, whatever ends first.

use rustix::process::{Pid, Signal, kill_process};
use std::io::{Read, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::{Duration, Instant};
use testkit::{in_namespace, program, run};

const BEFORE: &str = "*filter\n:INPUT DROP [3:300]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n:a - [0:0]\n\
    [5:600] -A INPUT -p tcp -j a\n[7:800] -A INPUT -p udp -j DROP\n[1:100] -A a -p tcp -m tcp --dport 22 -j ACCEPT\nCOMMIT\n";
const AFTER: &str = "*filter\n:INPUT ACCEPT [3:300]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n:b - [0:0]\n\
    [0:0] -A INPUT -p icmp -j b\n[7:800] -A INPUT -p udp -j DROP\n[0:0] -A b -j RETURN\nCOMMIT\n";

fn iptables2(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_iptables2"));
    command.args(args);
    command
}

fn saved() -> String {
    let saved = run(&mut iptables2(&["iptables-save", "-c"]), "");
    saved.lines().filter(|line| !line.starts_with('#')).map(|line| format!("{line}\n")).collect()
}

/// The tables as in `BEFORE`, and the file that changes them.
fn prepare(name: &str) -> PathBuf {
    let _ = run(&mut iptables2(&["iptables-restore", "-c"]), BEFORE);
    assert_eq!(saved(), BEFORE);
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("confirm-{name}.v4"));
    std::fs::write(&file, AFTER).expect("a file");
    file
}

/// A change that waits to be confirmed.
struct Waiting {
    program: Child,
    said: ChildStderr,
}

impl Waiting {
    fn new(file: &Path, seconds: &str) -> Self {
        let mut command = iptables2(&["apply", "--confirm", seconds]);
        let command = command.arg(file).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut program = command.spawn().expect("a program");
        let mut said = program.stderr.take().expect("a pipe");
        read_question(&mut said);
        assert_eq!(saved(), AFTER, "before it is confirmed");
        Self { program, said }
    }

    /// Waits until the process that asks and the one that goes back have ended.
    fn end(mut self) -> (Option<i32>, String) {
        let code = self.program.wait().expect("its end").code();
        let mut said = String::new();
        self.said.read_to_string(&mut said).expect("what is said");
        (code, said)
    }
}

fn read_question(from: &mut impl Read) {
    let (mut said, mut byte) = (Vec::new(), [0]);
    while !said.ends_with(b"[y/N]") {
        let len = from.read(&mut byte).expect("a question");
        assert_ne!(len, 0, "{}", String::from_utf8_lossy(&said));
        said.push(byte[0]);
    }
}

#[test]
fn what_is_confirmed_stays() {
    let _ = in_namespace(|| {
        let file = prepare("stays");
        for answer in ["y\n", "Yes\n"] {
            let mut waiting = Waiting::new(&file, "600");
            let mut stdin = waiting.program.stdin.take().expect("a pipe");
            stdin.write_all(answer.as_bytes()).expect("a reader");
            let (code, said) = waiting.end();
            assert_eq!((code, said.trim()), (Some(0), ""), "{answer}");
            assert_eq!(saved(), AFTER);
            prepare("stays");
        }
        let _ = run(iptables2(&["apply", "--confirm", "600"]).arg(&file), "y\n");
        let again = run(iptables2(&["apply", "--confirm", "600"]).arg(&file), "");
        assert_eq!(again, "nothing to change\n", "and nothing is asked");
    });
}

#[test]
fn what_is_not_confirmed_goes_back() {
    let _ = in_namespace(|| {
        let file = prepare("back");
        for answer in ["", "n\n", "\n", "yesterday\n", "y"] {
            let mut waiting = Waiting::new(&file, "600");
            let mut stdin = waiting.program.stdin.take().expect("a pipe");
            stdin.write_all(answer.as_bytes()).expect("a reader");
            drop(stdin);
            let (code, said) = waiting.end();
            assert_eq!((code, said.trim()), (Some(1), "not confirmed: it is as it was before"), "{answer:?}");
            assert_eq!(saved(), BEFORE, "{answer:?}");
        }
        let mut late = Waiting::new(&file, "1");
        let stdin = late.program.stdin.take();
        assert_eq!(late.end().0, Some(1), "nobody answers");
        assert_eq!(saved(), BEFORE);
        drop(stdin);
    });
}

#[test]
fn whatever_ends_the_programs_ends_the_change() {
    let _ = in_namespace(|| {
        let file = prepare("ended");
        for (signal, code) in
            [(Signal::INT, Some(1)), (Signal::TERM, Some(1)), (Signal::HUP, Some(1)), (Signal::KILL, None)]
        {
            let waiting = Waiting::new(&file, "600");
            kill_process(Pid::from_child(&waiting.program), signal).expect("a process");
            assert_eq!(waiting.end().0, code, "{signal:?}");
            assert_eq!(saved(), BEFORE, "{signal:?}");
        }
        let waiting = Waiting::new(&file, "600");
        let asking = waiting.program.id();
        let keeper = std::fs::read_to_string(format!("/proc/{asking}/task/{asking}/children"));
        let keeper = keeper.expect("a process").trim().parse().ok().and_then(Pid::from_raw);
        kill_process(keeper.expect("a child"), Signal::TERM).expect("a process");
        assert_eq!(waiting.end().0, Some(1));
        assert_eq!(saved(), BEFORE);
    });
}

#[test]
fn a_terminal_is_asked_and_may_be_lost() {
    let Some(script) = program("script") else { return };
    let _ = in_namespace(|| {
        let file = prepare("terminal");
        let start = || {
            let apply = format!("{} apply {} --confirm 600", env!("CARGO_BIN_EXE_iptables2"), file.display());
            let mut terminal = Command::new(script.get_program());
            let terminal = terminal.args(["-qefc", &apply, "/dev/null"]);
            let mut terminal =
                terminal.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("a terminal");
            read_question(terminal.stdout.as_mut().expect("a pipe"));
            assert_eq!(saved(), AFTER);
            terminal
        };
        let mut lost = start();
        lost.kill().expect("a process");
        lost.wait().expect("its end");
        let began = Instant::now();
        while saved() != BEFORE {
            assert!(began.elapsed() < Duration::from_secs(60), "{}", saved());
        }
        let mut answered = start();
        let stdin = answered.stdin.as_mut().expect("a pipe");
        stdin.write_all(b"yes\n").expect("a terminal");
        assert_eq!(answered.wait().expect("its end").code(), Some(0));
        assert_eq!(saved(), AFTER);
    });
}

#[test]
fn what_others_change_meanwhile_stays_and_is_told() {
    let _ = in_namespace(|| {
        let file = prepare("others");
        let waiting = Waiting::new(&file, "600");
        let others = "*filter\n:c - [0:0]\n-A c -j DROP\n-I INPUT 2 -s 10.0.0.1/32 -j c\n-A b -p tcp\n-P OUTPUT DROP\nCOMMIT\n";
        let _ = run(&mut iptables2(&["iptables-restore", "--noflush"]), others);
        let (code, said) = waiting.end();
        assert_eq!(code, Some(1));
        let told = "not confirmed: it is as it was before\nbut for what others have changed meanwhile:\n\
            filter: added: -A INPUT -s 10.0.0.1/32 -j c\nfilter: the policy of OUTPUT was changed from ACCEPT to DROP\n\
            filter: added: -A b -p tcp";
        assert_eq!(said.trim(), told);
        let expected = BEFORE
            .replace("OUTPUT ACCEPT", "OUTPUT DROP")
            .replace(":a - [0:0]\n", ":a - [0:0]\n:b - [0:0]\n:c - [0:0]\n")
            .replace("[5:600] -A INPUT", "[0:0] -A INPUT -s 10.0.0.1/32 -j c\n[5:600] -A INPUT")
            .replace("COMMIT", "[0:0] -A b -p tcp\n[0:0] -A c -j DROP\nCOMMIT");
        assert_eq!(saved(), expected);
    });
}
