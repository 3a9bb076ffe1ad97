//! Several programs that change and read the same tables at the same time, and one that is killed.
//!
//! `PKTTABLES_EDITS` says how many edits each writer makes, `PKTTABLES_KILLS` how often one is killed.

use pkttables::cache::Cache;
use pkttables::edit::{EditError, Editor};
use pkttables::kernel::Kernel;
use pkttables::model::{Family, Ruleset, TableName};
use pkttables::plan::{PlanError, Scope, apply};
use pkttables::registry::Registry;
use pkttables::text::{Parser, ReadOptions, Reader, read_ruleset};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};
use testkit::{in_namespace, program, run};

fn number(name: &str, default: u32) -> u32 {
    std::env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(default)
}

fn own(name: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_iptables2"));
    command.arg(name);
    command
}

fn parse(text: &str) -> Ruleset {
    let parser = Parser::new(Family::Ipv4, Registry::builtin());
    let options = ReadOptions { counters: false, table: None };
    read_ruleset(&mut Reader::new(text.as_bytes(), parser, options)).expect("a save file")
}

/// `iptables-save`, without comments and counters.
fn saved() -> String {
    let saved = run(&mut own("iptables-save"), "");
    let lines = saved.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| format!("{}\n", line.split(" [").next().unwrap_or_default())).collect()
}

/// The rule of a writer's edit.
fn rule(writer: u32, edit: u32) -> String {
    format!("-s 10.{writer}.{}.{}/32 -j ACCEPT", edit >> 8, edit & 255)
}

/// Whether a rule stays; the others are deleted again.
fn stays(edit: u32) -> bool {
    !edit.is_multiple_of(3)
}

#[test]
fn all_edits_of_all_writers_are_there_and_none_twice() {
    let edits = number("PKTTABLES_EDITS", 60);
    let (Some(_), Some(_)) = (program("iptables-nft"), program("nft")) else { return };
    let _ = in_namespace(|| {
        let _ = run(
            &mut own("iptables-restore"),
            "*filter\n:INPUT ACCEPT\n:shared -\n-A INPUT -j shared\nCOMMIT\n",
        );
        thread::scope(|scope| {
            scope.spawn(|| {
                for edit in 0..edits {
                    by_command(own("iptables"), "-I", 1, edit);
                    if !stays(edit) {
                        by_command(own("iptables"), "-D", 1, edit);
                    }
                }
            });
            scope.spawn(|| by_library(edits));
            scope.spawn(|| {
                for edit in 0..edits {
                    by_command(program("iptables-nft").expect("a program"), "-A", 3, edit);
                    if !stays(edit) {
                        by_command(program("iptables-nft").expect("a program"), "-D", 3, edit);
                    }
                }
            });
            scope.spawn(|| {
                for edit in 0..edits {
                    let (high, low) = (edit >> 8, edit & 255);
                    let rule = format!("add rule ip filter shared ip saddr 10.4.{high}.{low} counter accept");
                    let _ = run(program("nft").expect("a program").args(rule.split(' ')), "");
                }
            });
        });
        let saved = saved();
        let lines: Vec<&str> = saved.lines().filter(|line| line.starts_with("-A shared")).collect();
        let found: BTreeSet<&str> = lines.iter().copied().collect();
        assert_eq!(found.len(), lines.len(), "a rule is there twice");
        let wanted: BTreeSet<String> = (1..=4)
            .flat_map(|writer| {
                (0..edits).filter(move |&edit| writer == 4 || stays(edit)).map(move |edit| (writer, edit))
            })
            .map(|(writer, edit)| format!("-A shared {}", rule(writer, edit)))
            .collect();
        assert!(found.iter().copied().eq(wanted.iter().map(String::as_str)), "{saved}");
        // The planner has had a chain of its own all the time.
        let planned = saved.lines().filter(|line| line.starts_with("-A own-"));
        assert_eq!(planned.collect::<Vec<_>>(), [format!("-A own-chain {}", rule(5, edits - 1))]);
    });
}

fn by_command(mut program: Command, command: &str, writer: u32, edit: u32) {
    let rule = rule(writer, edit);
    let _ = run(program.args([command, "shared"]).args(rule.split(' ')), "");
}

/// Edits, and plans for a chain of its own, over one connection.
fn by_library(edits: u32) {
    let mut kernel = Kernel::open().expect("a socket");
    let mut cache = Cache::new();
    for edit in 0..edits {
        let text = format!("*filter\n:own-chain -\n-A own-chain {}\nCOMMIT\n", rule(2, edit));
        let rules = parse(&text);
        let rule_of_edit = &rules.tables[0].chains[0].rules[0];
        let change = |kernel: &mut Kernel<_>, delete: bool| {
            kernel
                .update(|snapshot, transaction| {
                    let mut editor = Editor::new(snapshot, transaction, Family::Ipv4, true);
                    let table = TableName::Filter;
                    if delete {
                        editor.delete(table, "shared", rule_of_edit)?;
                    } else {
                        editor.insert(table, "shared", 1, rule_of_edit)?;
                    }
                    editor.finish();
                    Ok(())
                })
                .unwrap_or_else(|error: EditError| panic!("edit {edit}: {error}"));
        };
        change(&mut kernel, false);
        if !stays(edit) {
            change(&mut kernel, true);
        }
        let wanted = parse(&text.replace(&rule(2, edit), &rule(5, edit)));
        let scope = Scope::Prefix("own-".into());
        apply(&mut kernel, &mut cache, &wanted, &scope, |_| Ok::<_, PlanError>(())).expect("a plan");
    }
}

/// A table whose rules all have this number.
fn table(mark: u32, rules: u32) -> String {
    let mut text = String::from("*filter\n:INPUT ACCEPT\n:FORWARD ACCEPT\n:OUTPUT ACCEPT\n");
    for chain in 0..8 {
        let _ = writeln!(text, ":c{chain}");
    }
    let text = text
        .lines()
        .map(|line| if line.starts_with(":c") { format!("{line} -\n") } else { format!("{line}\n") });
    let mut text: String = text.collect();
    for number in 0..rules {
        let (chain, place) = (number * 8 / rules, number % 250);
        let _ = writeln!(text, "-A c{chain} -s 10.{mark}.{}.{place}/32 -j DROP", number / 250);
    }
    text + "COMMIT\n"
}

#[test]
fn what_is_shown_is_never_half_of_a_change() {
    let (one, other) = (table(1, 400), table(2, 400));
    let _ = in_namespace(|| {
        let _ = run(&mut own("iptables-restore"), &one);
        let ended = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                for text in [&other, &one].into_iter().cycle() {
                    let _ = run(&mut own("iptables-restore"), text);
                    if ended.load(Ordering::Relaxed) {
                        break;
                    }
                }
            });
            let shown: Vec<String> = (0..40).map(|_| saved()).collect();
            ended.store(true, Ordering::Relaxed);
            for text in shown {
                assert!(text == one || text == other, "{text}");
            }
        });
    });
}

#[test]
fn who_is_killed_leaves_the_old_tables_or_the_new_ones() {
    let (old, new) = (table(1, 2000), table(2, 2000));
    let _ = in_namespace(|| {
        let began = Instant::now();
        let _ = run(&mut own("iptables-restore"), &old);
        let took = began.elapsed();
        let (mut kept, mut present) = (0, &old);
        let kills = number("PKTTABLES_KILLS", 25);
        for kill in 0..kills {
            let next = if *present == old { &new } else { &old };
            let mut restore = own("iptables-restore").stdin(Stdio::piped()).spawn().expect("a program");
            let mut stdin = restore.stdin.take().expect("a pipe");
            std::io::Write::write_all(&mut stdin, next.as_bytes()).expect("a reader");
            drop(stdin);
            // Spread over all that it does.
            let share = kill.wrapping_mul(0x9e37) % 1000;
            thread::sleep(took * share / 1000 + Duration::from_micros(1));
            restore.kill().expect("a process");
            restore.wait().expect("its end");
            let found = saved();
            if found == *present {
                kept += 1;
            } else {
                assert!(found == *next, "kill {kill}: {found}");
                present = next;
            }
        }
        println!("{kept} of {kills} kills left the old tables");
    });
}
