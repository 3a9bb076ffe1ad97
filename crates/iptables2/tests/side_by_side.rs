//! Commands run through iptables2 and through the installed iptables-nft, or compared with what a newer one said.
//!
//! `data/commands.txt` has a sequence of commands a line, ` ; ` between them; each sequence starts with no tables.
//! Behind ` << ` stands what a command reads. Compared are the exit code, what is printed, and the first line of
//! what is said to be wrong. Where iptables 1.8.11 differs from older ones, indented lines below the sequence have
//! the exit code and the first line for each command.

use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const NAMES: [&str; 6] =
    ["iptables", "iptables-save", "iptables-restore", "ip6tables", "ip6tables-save", "ip6tables-restore"];

#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    code: Option<i32>,
    printed: String,
    complaint: String,
}

#[test]
fn commands_behave_as_those_of_iptables_nft() {
    let Some(reference) = testkit::program("xtables-nft-multi") else { return };
    let ours = folder("ours", Path::new(env!("CARGO_BIN_EXE_iptables2")));
    let theirs = folder("theirs", Path::new(reference.get_program()));
    let mut sequences: Vec<(&str, Vec<&str>)> = Vec::new();
    for line in include_str!("data/commands.txt").lines().filter(|line| !line.starts_with('#')) {
        match (line.strip_prefix("  "), sequences.last_mut()) {
            (Some(expected), Some((_, expectations))) => expectations.push(expected),
            _ => sequences.push((line, Vec::new())),
        }
    }
    assert!(sequences.len() > 200);
    let mut different = Vec::new();
    for (sequence, expected) in sequences {
        let Some(own) = testkit::in_namespace(|| run_all(&ours, sequence)) else { return };
        if expected.is_empty() {
            let other = testkit::in_namespace(|| run_all(&theirs, sequence)).unwrap_or_default();
            if own != other {
                different.push(format!("{sequence}\n  {own:?}\nbut iptables-nft\n  {other:?}"));
            }
        } else {
            let own: Vec<String> = own.iter().map(Outcome::short).collect();
            if own != expected {
                different.push(format!("{sequence}\n  {own:?}\nis not\n  {expected:?}"));
            }
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
}

#[test]
fn without_privilege_permission_is_denied_at_once() {
    // Another user cannot run what lies in a private folder.
    let folder = std::env::temp_dir().join(format!("iptables2-unprivileged-{}", std::process::id()));
    std::fs::create_dir(&folder).expect("a folder");
    let program = folder.join("iptables2");
    // Copied by another process: a program that this one has open for writing could not be run while a test beside
    // this one starts a process, which inherits the open file for a moment.
    let copied = Command::new("cp").arg(env!("CARGO_BIN_EXE_iptables2")).arg(&program).status();
    assert!(copied.expect("cp").success());
    testkit::in_namespace(|| {
        for (name, args) in [
            ("iptables", "-A INPUT -j DROP"),
            ("iptables", "-D INPUT 1"),
            ("iptables", "-L"),
            ("iptables", "-S"),
            ("ip6tables-save", "-c"),
            ("iptables-restore", "--noflush"),
        ] {
            let mut command = Command::new(&program);
            command.arg(name).args(args.split(' ')).uid(65534).gid(65534);
            let outcome = run(&mut command, "*filter\nCOMMIT\n");
            let denied = "v: Could not fetch rule set generation id: Permission denied (you must be root)";
            assert_eq!(outcome.short(), format!("4 {name} {denied}"), "{args}");
        }
    });
    std::fs::remove_dir_all(&folder).expect("the folder goes");
}

impl Outcome {
    fn short(&self) -> String {
        format!("{} {}", self.code.unwrap_or(-1), self.complaint).trim_end().to_owned()
    }
}

fn run_all(programs: &Path, sequence: &str) -> Vec<Outcome> {
    let path = format!("{}:/usr/bin:/bin", programs.display());
    let commands = sequence.split(" ; ").map(|command| {
        let (command, input) = command.split_once(" << ").unwrap_or((command, ""));
        run(Command::new("/bin/sh").args(["-c", command]).env("PATH", &path), &input.replace("\\n", "\n"))
    });
    commands.collect()
}

fn run(command: &mut Command, input: &str) -> Outcome {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("a program");
    let mut stdin = child.stdin.take().expect("a pipe");
    // A program that does not read ends the pipe.
    let _ = std::io::Write::write_all(&mut stdin, input.as_bytes());
    drop(stdin);
    let output = child.wait_with_output().expect("output");
    let (printed, said) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let printed = printed.lines().filter(|line| !line.starts_with('#')).map(|line| format!("{line}\n"));
    // Restore tells the lines that the kernel refuses below its heading.
    let lines: Vec<&str> = said.lines().take(2).collect();
    let complaint = match lines.as_slice() {
        [heading, line] if heading.ends_with(": ") => format!("{heading}{line}"),
        [first, ..] => (*first).to_owned(),
        [] => String::new(),
    };
    Outcome { code: output.status.code(), printed: printed.collect(), complaint: without_version(&complaint) }
}

/// `iptables v1.8.9 (nf_tables): ` becomes `iptables v: `.
fn without_version(text: &str) -> String {
    match (text.split_once(" v1."), text.split_once(" (nf_tables)")) {
        (Some((name, _)), Some((_, rest))) => format!("{name} v{rest}"),
        _ => text.to_owned(),
    }
}

/// A folder with a program under all its names.
fn folder(name: &str, program: &Path) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("a folder");
    for name in NAMES {
        symlink(program, folder.join(name)).expect("a link");
    }
    folder
}
