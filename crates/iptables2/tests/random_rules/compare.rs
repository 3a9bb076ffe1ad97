//! Runs rules through two programs and collects what comes of them.

use crate::exceptions::{V1_8_11, Version};
use crate::generate::{RuleCase, SETS};
use pkttables::model::{Family, TableName};
use std::fmt;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The two programs, each in a folder under all its names; the folders go with it.
pub(crate) struct Programs {
    ours: PathBuf,
    theirs: PathBuf,
}

impl Drop for Programs {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(folders());
    }
}

/// What came of a rule, with iptables2 and with iptables-nft.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) ours: Side,
    pub(crate) theirs: Side,
}

/// What one of them made of a rule.
#[derive(Debug, Default)]
pub(crate) struct Side {
    pub(crate) code: i32,
    pub(crate) said: String,
    /// How it is saved and listed, by iptables2 and by iptables-nft.
    pub(crate) shown: [Shown; 2],
    /// Which of them do not find it with `-C`.
    pub(crate) lost: Vec<&'static str>,
}

/// How one program shows a rule.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Shown {
    pub(crate) saved: String,
    pub(crate) listed: String,
}

/// Stands for the exit code of a command that prints something instead of adding a rule.
const PRINTED: i32 = 100;

const NAMES: [&str; 2] = ["iptables2", "iptables-nft"];

impl Outcome {
    pub(crate) fn is_taken(&self) -> bool {
        self.ours.code == 0 && self.theirs.code == 0
    }

    /// Whether nothing differs.
    pub(crate) fn is_alike(&self) -> bool {
        let shown = || self.ours.shown.iter().chain(&self.theirs.shown);
        self.ours.code == self.theirs.code
            && shown().all(|shown| *shown == self.ours.shown[0])
            && [&self.ours, &self.theirs].iter().all(|side| side.lost != [NAMES[0]])
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, side) in NAMES.iter().zip([&self.ours, &self.theirs]) {
            writeln!(f, "  {name} exits with {} {}", side.code, side.said)?;
            if !side.lost.is_empty() {
                writeln!(f, "    then {:?} does not find it with -C", side.lost)?;
            }
            for (by, shown) in NAMES.iter().zip(&side.shown) {
                if side.code == 0 {
                    writeln!(f, "    {by:12} {}\n                 {}", shown.saved, shown.listed)?;
                }
            }
        }
        Ok(())
    }
}

impl Programs {
    /// Nothing if there is no iptables-nft.
    pub(crate) fn find() -> Option<Self> {
        let theirs = match std::env::var_os("PKTTABLES_REFERENCE") {
            Some(path) => path,
            None => testkit::program("xtables-nft-multi")?.get_program().to_owned(),
        };
        let own = Path::new(env!("CARGO_BIN_EXE_iptables2"));
        Some(Self { ours: folder("ours", own), theirs: folder("theirs", Path::new(&theirs)) })
    }

    pub(crate) fn version(&self) -> Version {
        let (_, printed, _) = run(&self.theirs, "iptables", &["-V".into()], "");
        Version::of(&printed)
    }

    /// What comes of each rule; nothing where no namespaces can be made.
    pub(crate) fn compare(&self, rules: &[RuleCase]) -> Option<Vec<Outcome>> {
        let old = self.version() < V1_8_11;
        let side = |program: &Path| testkit::in_namespace(|| self.side(program, rules, old));
        let (ours, theirs) = std::thread::scope(|scope| {
            let ours = scope.spawn(|| side(&self.ours));
            let theirs = side(&self.theirs);
            (ours.join().expect("a side"), theirs)
        });
        Some(ours?.into_iter().zip(theirs?).map(|(ours, theirs)| Outcome { ours, theirs }).collect())
    }

    /// Adds all rules with one program, and looks at them with both; `old` versions list numbers of protocols.
    fn side(&self, program: &Path, rules: &[RuleCase], old: bool) -> Vec<Side> {
        make_sets();
        // With names of services and the like, or with numbers.
        let list = if rules.first().is_some_and(|rule| rule.words.len() % 2 == 0) { "-nvxL" } else { "-vL" };
        let mut sides: Vec<Side> = rules.iter().map(|rule| add(program, rule)).collect();
        // A quarter of them, for the sake of time.
        for (rule, side) in rules.iter().zip(&mut sides).step_by(4).filter(|(_, side)| side.code == 0) {
            let looks = NAMES.into_iter().zip([&self.ours, &self.theirs]);
            let finds = |program: &Path| run_rule(program, rule, "-C").0 == 0;
            side.lost = looks.filter(|(_, program)| !finds(program)).map(|(name, _)| name).collect();
        }
        for family in Family::ALL {
            for (by, shower) in [&self.ours, &self.theirs].into_iter().enumerate() {
                let saved = run(shower, &RuleCase::program(family, "-save"), &[], "").1;
                for table in TableName::ALL {
                    let of_table = |rule: &RuleCase| rule.family == family && rule.table == table;
                    if !rules.iter().any(of_table) {
                        continue;
                    }
                    let options = ["-t", table.name(), list, "--line-numbers"].map(str::to_owned);
                    let listed = run(shower, &RuleCase::program(family, ""), &options, "").1;
                    for &hook in table.hooks() {
                        let chain = hook.chain();
                        let mut saved = saved_rules(&saved, table, chain);
                        let listed = listed_rules(&listed, chain);
                        let mut listed = listed.map(|row| if old { without_protocol(row) } else { row });
                        for (rule, side) in rules.iter().zip(&mut sides) {
                            if side.code == 0 && of_table(rule) && rule.chain == chain {
                                let next = |lines: &mut dyn Iterator<Item = &str>| {
                                    let lines = (0..rule.rules()).map(|_| lines.next().unwrap_or("nothing"));
                                    lines.collect::<Vec<_>>().join("\n")
                                };
                                side.shown[by] = Shown { saved: next(&mut saved), listed: next(&mut listed) };
                            }
                        }
                    }
                }
            }
        }
        sides
    }
}

/// Runs a command with the rule.
fn run_rule(program: &Path, rule: &RuleCase, command: &str) -> (i32, String, String) {
    let mut args: Vec<String> = ["-t", rule.table.name(), command, rule.chain].map(str::to_owned).into();
    args.extend_from_slice(&rule.words);
    run(program, &RuleCase::program(rule.family, ""), &args, "")
}

/// Adds the rule as a line of a save file.
fn restore(program: &Path, rule: &RuleCase) -> (i32, String, String) {
    let quoted = |word: &String| format!(" \"{}\"", word.replace('\\', "\\\\").replace('"', "\\\""));
    let words: String = rule.words.iter().map(quoted).collect();
    let file = format!("*{}\n-A {}{words}\nCOMMIT\n", rule.table.name(), rule.chain);
    let (code, printed, said) =
        run(program, &RuleCase::program(rule.family, "-restore"), &["--noflush".into()], &file);
    // Refusals of the kernel stand below a heading.
    let lines: Vec<&str> = said.lines().collect();
    let said = lines.iter().find(|line| !line.ends_with(": ")).copied().unwrap_or_default().to_owned();
    (code, printed, said)
}

fn add(program: &Path, rule: &RuleCase) -> Side {
    let (code, printed, said) = match rule.restored {
        true => restore(program, rule),
        false => run_rule(program, rule, "-A"),
    };
    // What prints something, such as help that a shortened option asks for, adds nothing.
    let code = if code == 0 && !printed.is_empty() { PRINTED } else { code };
    Side { code, said: said.lines().next().unwrap_or_default().to_owned(), ..Side::default() }
}

/// Sets that rules name. Without ipset there are none, and both programs say so.
fn make_sets() {
    let Some(ipset) = testkit::find("ipset") else { return };
    for (family, name) in SETS {
        let family = if family == Family::Ipv4 { "inet" } else { "inet6" };
        let _ = Command::new(&ipset).args(["create", name, "hash:ip", "family", family]).status();
    }
}

/// The rules of a chain in a save file.
fn saved_rules<'a>(text: &'a str, table: TableName, chain: &str) -> impl Iterator<Item = &'a str> {
    let heading = format!("*{}", table.name());
    let (own, foreign) = (format!("-A {chain} "), format!("# foreign rule in {chain} "));
    text.lines()
        .skip_while(move |line| *line != heading)
        .take_while(|line| *line != "COMMIT")
        .filter(move |line| line.starts_with(&own) || *line == own.trim_end() || line.starts_with(&foreign))
}

/// The rows of a chain in a listing.
fn listed_rules<'a>(text: &'a str, chain: &str) -> impl Iterator<Item = &'a str> {
    let heading = format!("Chain {chain} ");
    text.lines()
        .skip_while(move |line| !line.starts_with(&heading))
        .skip(2)
        .take_while(|line| !line.is_empty())
        .map(|line| line.trim_start_matches(|c: char| c.is_ascii_digit()))
}

/// A row from the column behind the protocol on.
fn without_protocol(row: &str) -> &str {
    let starts = [" -- ", " -f ", " !f "].iter().filter_map(|option| row.find(option));
    starts.min().and_then(|start| row.get(start..)).unwrap_or(row)
}

/// Exit code, output and complaint of a program in a folder.
fn run(folder: &Path, name: &str, args: &[String], input: &str) -> (i32, String, String) {
    let mut command = Command::new(folder.join(name));
    command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("a program");
    let mut stdin = child.stdin.take().expect("a pipe");
    // A program that does not read ends the pipe.
    let _ = std::io::Write::write_all(&mut stdin, input.as_bytes());
    drop(stdin);
    let output = child.wait_with_output().expect("output");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().unwrap_or(-1), text(&output.stdout), text(&output.stderr))
}

/// Where the folders of this process are: another one may be running.
fn folders() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("random-rules-{}", std::process::id()))
}

/// A folder with a program under all its names.
fn folder(name: &str, program: &Path) -> PathBuf {
    let folder = folders().join(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("a folder");
    for family in Family::ALL {
        for ending in ["", "-save", "-restore"] {
            symlink(program, folder.join(RuleCase::program(family, ending))).expect("a link");
        }
    }
    folder
}
