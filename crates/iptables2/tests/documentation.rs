//! The commands of README.md and docs/getting-started.md, as they are printed there.

use std::path::Path;
use testkit::{in_namespace, program, run};

/// What stands in the blocks of `sh`; what `diff` says of differences by its exit code is no failure.
fn commands(document: &str) -> String {
    let parts = document.split("```sh\n").skip(1);
    let lines = parts.filter_map(|part| part.split_once("```")).flat_map(|(block, _)| block.lines());
    lines
        .map(
            |line| {
                if line.contains(" diff ") { format!("{line} || [ $? = 1 ]\n") } else { format!("{line}\n") }
            },
        )
        .collect()
}

/// Runs commands one after another in an empty folder, until one fails. What they do outside of it is seen by nobody else:
/// they have network namespace, `/run` and `/usr/local/sbin` of their own. Whoever asks is told yes. Gives what they print.
fn follow(name: &str, document: &str) -> Option<String> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("follow-{name}"));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir(&folder).expect("a folder");
    let built = Path::new(env!("CARGO_BIN_EXE_iptables2")).parent().expect("a folder");
    let path = format!("{}:/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin", built.display());
    let prepare = "set -e; mount -t tmpfs none /run; mount -t tmpfs none /usr/local/sbin; cargo() { :; }\n";
    let commands = prepare.to_owned() + &commands(document);
    in_namespace(|| {
        let mut shell = program("unshare")?;
        let shell = shell.args(["--mount", "sh", "-c", &commands]).current_dir(&folder).env("PATH", path);
        Some(run(shell, "y\n"))
    })
    .flatten()
}

#[test]
fn those_of_the_readme() {
    let Some(printed) = follow("readme", include_str!("../../../README.md")) else { return };
    assert!(printed.contains("1 table, 3 chains, 1 rule\n"), "{printed}");
    assert!(printed.ends_with("1: accept at INPUT by rule 1 of INPUT in filter\n"), "{printed}");
}

#[test]
fn those_of_getting_started() {
    let Some(printed) = follow("getting-started", include_str!("../../../docs/getting-started.md")) else {
        return;
    };
    assert!(printed.contains("1 table, 3 chains, 1 rule\n*filter\n@@ FORWARD @@\n"), "{printed}");
    assert!(printed.contains("\n1: accept at INPUT by rule 1 of INPUT in filter\n"), "{printed}");
    assert!(printed.ends_with(
        "\nChain OUTPUT (policy ACCEPT)\ntarget     prot opt source               destination         \n"
    ));
}
