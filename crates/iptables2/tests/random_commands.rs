//! The same random commands through iptables2 and iptables-nft, which then have to have the same tables.
//!
//! `PKTTABLES_RANDOM_COMMANDS` says how many, `PKTTABLES_SEED` which.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::process::{Command, Stdio};

#[test]
fn random_commands_leave_the_same_tables() {
    let Some(reference) = testkit::program("xtables-nft-multi") else { return };
    let (seed, count) = (number("PKTTABLES_SEED", 20), number("PKTTABLES_RANDOM_COMMANDS", 300));
    println!("PKTTABLES_SEED={seed} PKTTABLES_RANDOM_COMMANDS={count}");
    let mut random = Random(seed);
    let steps: Vec<Step> = (0..count).map(|_| random.step()).collect();
    let (own, reference) = (OsStr::new(env!("CARGO_BIN_EXE_iptables2")), reference.get_program());
    let mut done = 0;
    // Not all at once: what went before a difference is printed.
    for part in steps.chunks(100) {
        let run = |program: &OsStr| {
            testkit::in_namespace(|| part.iter().map(|step| step.run(program, reference)).collect::<Vec<_>>())
        };
        let (Some(ours), Some(theirs)) = (run(own), run(reference)) else { return };
        for (place, (ours, theirs)) in ours.iter().zip(&theirs).enumerate() {
            if ours != theirs {
                let before: String = part[..=place].iter().map(|step| format!("{step}\n")).collect();
                panic!(
                    "after {done} others in another namespace:\n{before}iptables2 {ours}\nbut iptables-nft {theirs}"
                );
            }
        }
        done += part.len();
    }
}

/// A command, and what it reads.
struct Step {
    args: String,
    input: String,
}

impl Step {
    /// The exit code, and what `reference` then finds in the tables.
    fn run(&self, program: &OsStr, reference: &OsStr) -> String {
        let (code, _) = run(program, &self.args, &self.input);
        // Which line of a file fails first is not the same where several do.
        let code = if self.input.is_empty() { code } else { code.signum().abs() };
        let (_, saved) = run(reference, "iptables-save -c", "");
        let saved: String =
            saved.lines().filter(|line| !line.starts_with('#')).map(|line| format!("{line}\n")).collect();
        format!("exits with {code} and leaves\n{saved}")
    }
}

impl std::fmt::Display for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.args)?;
        if self.input.is_empty() { Ok(()) } else { write!(f, " << END\n{}END", self.input) }
    }
}

fn run(program: &OsStr, args: &str, input: &str) -> (i32, String) {
    let mut command = Command::new(program);
    command.args(args.split(' ')).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().expect("a program");
    let mut stdin = child.stdin.take().expect("a pipe");
    // A program that does not read ends the pipe.
    let _ = std::io::Write::write_all(&mut stdin, input.as_bytes());
    drop(stdin);
    let output = child.wait_with_output().expect("output");
    (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&output.stdout).into_owned())
}

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(default)
}

/// The same numbers for the same seed (splitmix64).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }

    fn of<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices[self.below(choices.len() as u64) as usize]
    }

    fn step(&mut self) -> Step {
        let table = self.of(&["filter", "filter", "filter", "mangle"]);
        match self.below(8) {
            0 => self.restore(table, self.0.is_multiple_of(5)),
            _ => {
                let options = self.of(&["", "", "", " -c 3 400"]);
                let command = self.command();
                let counted =
                    if command.starts_with("-A") || command.starts_with("-I") { options } else { "" };
                Step { args: format!("iptables -t {table} {command}{counted}"), input: String::new() }
            }
        }
    }

    /// A file with one command of any kind, or with many that do not depend on one another: there iptables-nft
    /// does not see what the lines before have done.
    fn restore(&mut self, table: &str, flush: bool) -> Step {
        let mut input = format!("*{table}\n");
        if self.below(2) == 0 {
            input += &self.command();
            input.push('\n');
        } else {
            for chain in ["a", "b", "c", "OUTPUT"] {
                match self.below(4) {
                    0 if chain == "OUTPUT" => input += ":OUTPUT DROP [7:800]\n",
                    0 => {
                        let _ = writeln!(input, ":{chain} - [0:0]");
                    }
                    _ => {}
                }
            }
            for _ in 0..=self.below(4) {
                let (chain, rule) = (self.of(&["INPUT", "OUTPUT", "a", "b"]), self.rule());
                let counters = self.of(&["", "[5:600] "]);
                let command = self.of(&["-A", "-A", "-I"]);
                let _ = writeln!(input, "{counters}{command} {chain} {rule}");
            }
        }
        input += "COMMIT\n";
        let flush = if flush { "" } else { " --noflush" };
        Step { args: format!("iptables-restore{flush}{}", self.of(&["", " -c"])), input }
    }

    fn command(&mut self) -> String {
        let users = ["a", "b", "c", "d"];
        let user = self.of(&users);
        let chain = self.of(&["INPUT", "INPUT", "OUTPUT", "a", "a", "b", "c", "d"]);
        let place = 1 + self.below(4);
        let rule = self.rule();
        match self.below(32) {
            0..=3 => format!("-N {user}"),
            4 => format!("-X {user}"),
            5 => "-X".to_owned(),
            6..=7 => format!("-E {user} {}", self.of(&users)),
            8 => format!("-F {chain}"),
            9 => self.of(&["-F", "-Z", "-Z"]).to_owned(),
            // Versions differ where there is no such built-in chain, and on rules that are not there.
            10..=11 => format!("-Z {user}"),
            12 => format!("-P {} {}", self.of(&["INPUT", "OUTPUT", "a"]), self.of(&["ACCEPT", "DROP"])),
            13..=15 => format!("-I {chain} {place} {rule}"),
            16 => format!("-I {chain} {rule}"),
            17..=18 => format!("-D {chain} {place}"),
            19..=20 => format!("-D {chain} {rule}"),
            21..=22 => format!("-R {chain} {place} {rule}"),
            23 => format!("-C {chain} {rule}"),
            _ => format!("-A {chain} {rule}"),
        }
    }

    /// Rules with the same conditions have the same target: iptables-nft's `-D` does not tell verdicts apart.
    fn rule(&mut self) -> String {
        let rule = self.of(&[
            "-s 10.0.0.1 -j ACCEPT",
            "-s 10.0.0.1 -j ACCEPT",
            "-s 10.0.0.2 -j a",
            "! -d 10.1.0.0/16 -i eth+ -j RETURN",
            "-p tcp --dport 22 -j DROP",
            "-p udp -m multiport --dports 53,67 -j b",
            "-m comment --comment note -j c",
        ]);
        rule.to_owned()
    }
}
