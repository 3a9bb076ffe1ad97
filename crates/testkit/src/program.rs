use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::skip;

/// A command for a program in the search path or in `/usr/sbin` and `/sbin`.
///
/// Gives nothing, and says so as [`skip`] does, where it is not installed.
///
/// # Panics
/// Where [`skip`] does.
#[must_use]
pub fn program(name: &str) -> Option<Command> {
    let found = find(name);
    if found.is_none() {
        skip(&format!("{name} is not installed"));
    }
    found.map(Command::new)
}

/// Runs a command with `input`, and gives its output.
///
/// # Panics
/// If it cannot be run, fails, or prints something that is not UTF-8.
#[must_use]
pub fn run(command: &mut Command, input: &str) -> String {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let stdin = child.stdin.take();
    let output = std::thread::scope(|scope| {
        scope.spawn(|| stdin.map(|mut stdin| stdin.write_all(input.as_bytes())));
        child.wait_with_output()
    })
    .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {}\n{error}", output.status);
    String::from_utf8(output.stdout).unwrap_or_else(|error| panic!("{command:?}: {error}"))
}

/// Where a program is, in the search path or in `/usr/sbin` and `/sbin`.
#[must_use]
pub fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin".into(), "/sbin".into()])
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_run_with_its_input() {
        let mut cat = program("cat").unwrap();
        assert_eq!(run(&mut cat, "text"), "text");
    }

    #[test]
    #[should_panic(expected = "No such file")]
    fn a_failing_program_panics_with_what_it_said() {
        let _ = run(program("cat").unwrap().arg("/no/such/file"), "");
    }
}
