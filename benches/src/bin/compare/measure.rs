use benches::Result;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use wait4::Wait4 as _;

/// What one run of a program took.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Usage {
    pub(crate) wall: Duration,
    pub(crate) user: Duration,
    pub(crate) system: Duration,
    /// The most memory it had, in bytes.
    pub(crate) peak: u64,
    /// What it says of a part of its own work, where it does.
    pub(crate) told: Option<Duration>,
}

/// Where a program's output goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Output {
    /// Nobody wants it.
    Dropped,
    /// It is a number of nanoseconds.
    Nanoseconds,
}

/// Runs a program to its end in the present network namespace.
pub(crate) fn measure(command: &mut Command, input: &Path, output: Output) -> Result<Usage> {
    let mut errors = tempfile::tempfile()?;
    command.stdin(File::open(input)?).stderr(errors.try_clone()?);
    command.stdout(if output == Output::Nanoseconds { Stdio::piped() } else { Stdio::null() });
    let start = Instant::now();
    let mut child = command.spawn()?;
    let mut told = String::new();
    if let Some(mut stdout) = child.stdout.take() {
        stdout.read_to_string(&mut told)?;
    }
    let used = child.wait4()?;
    let wall = start.elapsed();
    if !used.status.success() {
        let mut text = String::new();
        std::io::Seek::rewind(&mut errors)?;
        errors.read_to_string(&mut text)?;
        return Err(format!("{command:?}: {}: {}", used.status, text.trim()).into());
    }
    Ok(Usage {
        wall,
        user: used.rusage.utime,
        system: used.rusage.stime,
        peak: used.rusage.maxrss,
        told: told.trim().parse().ok().map(Duration::from_nanos),
    })
}
