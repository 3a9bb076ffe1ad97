//! The same random commands through iptables2 and iptables-nft, which then have to have the same tables.
//!
//! `PKTTABLES_RANDOM_COMMANDS` says how many, `PKTTABLES_SEED` which; without it they are others every time.

use std::ffi::OsStr;
use std::fmt;
use std::hash::{BuildHasher as _, RandomState};
use std::process::{Command, Stdio};

#[test]
fn random_commands_leave_the_same_tables() {
    let Some(reference) = testkit::program("xtables-nft-multi") else { return };
    let seed = number("PKTTABLES_SEED").unwrap_or_else(|| RandomState::new().hash_one(0));
    let count = number("PKTTABLES_RANDOM_COMMANDS").unwrap_or(300);
    println!("PKTTABLES_SEED={seed} PKTTABLES_RANDOM_COMMANDS={count}");
    let mut random = Random(seed);
    let (own, reference) = (OsStr::new(env!("CARGO_BIN_EXE_iptables2")), reference.get_program());
    let (mut done, mut succeeded) = (0, 0);
    while done < count {
        // Not all in one namespace: what went before a difference is printed.
        let steps: Vec<Step> = (0..100.min(count - done)).map(|_| random.step()).collect();
        let run = |program: &OsStr| {
            testkit::in_namespace(|| {
                make_builtin_chains(program);
                steps.iter().map(|step| step.run(program, reference)).collect::<Vec<_>>()
            })
        };
        let (Some(ours), Some(theirs)) = (run(own), run(reference)) else { return };
        for (place, (ours, theirs)) in ours.iter().zip(&theirs).enumerate() {
            if ours != theirs {
                let before: String = steps[..=place].iter().map(|step| format!("{step}\n")).collect();
                panic!(
                    "PKTTABLES_SEED={seed}, after {done} others in another namespace:\n{before}\
                     iptables2 {ours}\nbut iptables-nft {theirs}"
                );
            }
            succeeded += u64::from(ours.code == 0);
        }
        done += steps.len() as u64;
    }
    assert!(succeeded * 3 > count, "only {succeeded} of {count} commands did anything");
}

/// All built-in chains are always there: without one, versions of iptables-nft differ on `-Z`.
fn make_builtin_chains(program: &OsStr) {
    let file: String = BUILTIN.iter().map(|(table, chains)| section(table, declared(chains))).collect();
    for family in ["iptables", "ip6tables"] {
        assert_eq!(run(program, &format!("{family}-restore --noflush"), &file).0, 0);
    }
}

const BUILTIN: [(&str, &[&str]); 3] = [
    ("filter", &["INPUT", "FORWARD", "OUTPUT"]),
    ("mangle", &["PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"]),
    ("raw", &["PREROUTING", "OUTPUT"]),
];

fn declared(chains: &[&str]) -> impl Iterator<Item = String> {
    chains.iter().map(|chain| format!(":{chain} ACCEPT [0:0]"))
}

/// A command, and what it reads.
struct Step {
    family: &'static str,
    args: String,
    input: String,
}

/// What comes of a step.
#[derive(PartialEq)]
struct Outcome {
    code: i32,
    saved: String,
}

impl Step {
    /// The exit code, and what `reference` then finds in the tables.
    fn run(&self, program: &OsStr, reference: &OsStr) -> Outcome {
        let (code, _) = run(program, &self.to_args(), &self.input);
        if self.args.ends_with("-X") {
            make_builtin_chains(program);
        }
        let code = match &*self.args {
            // iptables-nft does not look whether the chains are there, and before 1.8.11 not whether the rule is.
            args if args.ends_with("--test") || args.contains(" -Z ") => 0,
            // Which line of a file fails first is not the same where several do.
            args if args.starts_with("-restore") => code.signum().abs(),
            _ => code,
        };
        let (_, saved) = run(reference, &format!("{}-save -c", self.family), "");
        let lines = saved.lines().filter(|line| !line.starts_with('#'));
        Outcome { code, saved: lines.map(|line| format!("{line}\n")).collect() }
    }

    fn to_args(&self) -> String {
        format!("{}{}", self.family, self.args)
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_args())?;
        if self.input.is_empty() { Ok(()) } else { write!(f, " << END\n{}END", self.input) }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "exits with {} and leaves\n{}", self.code, self.saved)
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

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|value| value.parse().ok())
}

fn section(table: &str, lines: impl IntoIterator<Item = String>) -> String {
    let lines: String = lines.into_iter().map(|line| line + "\n").collect();
    format!("*{table}\n{lines}COMMIT\n")
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
        let family = if self.below(4) == 0 { "ip6tables" } else { "iptables" };
        if self.below(6) == 0 {
            return self.restore(family);
        }
        let table = self.table();
        // Not in files: iptables-nft sees the rules there as they were before, and one version does not survive it.
        if self.below(18) == 0 {
            let (chain, number) = (self.of(&["OUTPUT", "a", "b"]), 1 + self.below(4));
            return Step { family, args: format!(" -t {table} -Z {chain} {number}"), input: String::new() };
        }
        let command = self.command(family);
        let takes_counters = ["-A", "-I", "-R"].iter().any(|start| command.starts_with(start));
        let counters = if takes_counters { self.counters(family, &["", "", "", " -c 3 400"]) } else { "" };
        Step { family, args: format!(" -t {table} {command}{counters}"), input: String::new() }
    }

    /// One of these; for IPv6 the first, as ip6tables-nft 1.8.9 loses counters.
    fn counters<'a>(&mut self, family: &str, choices: &[&'a str]) -> &'a str {
        let choice = self.of(choices);
        if family == "iptables" { choice } else { choices[0] }
    }

    fn table(&mut self) -> &'static str {
        self.of(&["filter", "filter", "filter", "mangle", "mangle", "raw"])
    }

    /// A file with one command of any kind, or with lines that do not depend on one another: there iptables-nft does
    /// not see what the lines before have done.
    fn restore(&mut self, family: &'static str) -> Step {
        let table = self.table();
        let noflush = self.of(&[" --noflush", " --noflush -c", " --test"]);
        let (options, input) = match self.below(4) {
            0 => (noflush, section(table, [self.command(family)])),
            1 => (noflush, section(table, self.lines(family))),
            // iptables-nft keeps the tables before one that fails, so that here none is to fail.
            _ => {
                let sections = BUILTIN.iter().map(|(table, builtin)| {
                    section(table, declared(builtin).chain(self.harmless_lines(family)))
                });
                let input = sections.collect();
                (self.of(&["", " -c", " --noflush", " --noflush -c", " --test", " -T mangle"]), input)
            }
        };
        Step { family, args: format!("-restore{options}"), input }
    }

    /// Chains and rules.
    fn lines(&mut self, family: &str) -> Vec<String> {
        let mut lines = Vec::new();
        if self.below(3) == 0 {
            lines.push(format!(":OUTPUT {} [7:800]", self.of(&["DROP", "ACCEPT", "-"])));
        }
        lines.extend(
            ["a", "b", "c"].iter().filter(|_| self.below(4) == 0).map(|chain| format!(":{chain} - [0:0]")),
        );
        for _ in 0..=self.below(4) {
            let (chain, rule) = (self.of(&["PREROUTING", "OUTPUT", "OUTPUT", "a", "b"]), self.rule(family));
            let (counters, add) = (self.counters(family, &["", "[5:600] "]), self.of(&["-A", "-A", "-I"]));
            lines.push(format!("{counters}{add} {chain} {rule}"));
        }
        lines
    }

    /// All chains of the users, and rules of built-in ones.
    fn harmless_lines(&mut self, family: &str) -> Vec<String> {
        let mut lines: Vec<String> =
            ["a", "b", "c", "d"].iter().map(|chain| format!(":{chain} - [0:0]")).collect();
        let rules = self.lines(family).into_iter().filter(|line| line.contains(" OUTPUT "));
        lines.extend(rules);
        lines
    }

    fn command(&mut self, family: &str) -> String {
        const USERS: [&str; 4] = ["a", "b", "c", "d"];
        let user = self.of(&USERS);
        let chain = self.of(&["INPUT", "OUTPUT", "OUTPUT", "a", "a", "b", "c", "d"]);
        let place = 1 + self.below(4);
        let rule = self.rule(family);
        match self.below(36) {
            0..=3 => format!("-N {user}"),
            4..=5 => format!("-X {user}"),
            6 => "-P OUTPUT ACCEPT -c 5 6".to_owned(),
            7..=8 => format!("-E {user} {}", self.of(&USERS)),
            9 => format!("-F {chain}"),
            10 => self.of(&["-F", "-Z", "-X"]).to_owned(),
            11..=12 => format!("-Z {chain}"),
            13..=16 => format!("-P {} {}", self.of(&["INPUT", "OUTPUT", "a"]), self.of(&["ACCEPT", "DROP"])),
            17..=19 => format!("-I {chain} {place} {rule}"),
            20 => format!("-I {chain} {rule}"),
            21..=22 => format!("-D {chain} {place}"),
            23..=24 => format!("-D {chain} {rule}"),
            25..=26 => format!("-R {chain} {place} {rule}"),
            27 => format!("-C {chain} {rule}"),
            _ => format!("-A {chain} {rule}"),
        }
    }

    /// Rules with the same conditions have the same target: iptables-nft's `-D` does not tell verdicts apart.
    fn rule(&mut self, family: &str) -> String {
        let rule = self.of(&[
            "-s HOST1 -j ACCEPT",
            "-s HOST1 -j ACCEPT",
            "-s HOST2 -j a",
            "! -d NET -j RETURN",
            "-p tcp --dport 22 -j DROP",
            "-p udp -m multiport --dports 53,67 -j b",
            "-m comment --comment note -j c",
            "-m comment --comment way -g d",
            "-m mark --mark 1 -m limit --limit 5/min",
        ]);
        let [net, first, second] = match family {
            "iptables" => ["10.1.0.0/16", "10.0.0.1", "10.0.0.2"],
            _ => ["fd00:1::/32", "fd00::1", "fd00::2"],
        };
        rule.replace("NET", net).replace("HOST1", first).replace("HOST2", second)
    }
}
