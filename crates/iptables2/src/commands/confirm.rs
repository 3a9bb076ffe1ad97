//! `apply --confirm`: a change that goes back unless somebody says that it shall stay.
//!
//! A process of its own, the keeper, makes the change and goes back. It is in a session of its own, so that it lives on
//! when the terminal is lost, and waits at a socket to the process that asks: if that ends without having said that the
//! change is to stay, however it ends, the change goes back.

use super::apply::Apply;
use super::{Source, check};
use crate::Result;
use crate::connect::{AnyKernel, Options};
use crate::failure::Failure;
use crate::restore::explain;
use pkttables::cache::Cache;
use pkttables::plan::{PlanError, Undo, apply_undoable};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use std::fs::File;
use std::io::{self, Read, Write as _};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

/// What the asking process says if the change is to stay.
const STAY: &[u8] = b"stay";
/// What the code of a keeper says whose change has gone back.
const GONE_BACK: u8 = 1;
/// What it says if the change is there and should not be.
const STUCK: u8 = 4;

/// Has a keeper make the change, and asks whether it is to stay.
pub(super) fn ask(source: &Source, seconds: u64) -> Result<ExitCode> {
    let text = source.read()?;
    let ended = signals()?;
    let (mut channel, theirs) = UnixStream::pair()?;
    let mut keeper = Command::new(std::env::current_exe()?)
        .args(std::env::args_os().skip(1))
        .arg("--keeper")
        .stdin(OwnedFd::from(theirs))
        .spawn()?;
    // A keeper that does not listen says itself what is wrong.
    if send(&mut channel, &text).is_ok()
        && let Ok(report) = receive(&mut channel)
    {
        print!("{}", String::from_utf8_lossy(&report));
        eprint!("Without a `y` in {seconds} seconds, this goes back. Is it to stay? [y/N] ");
        let terminal: Box<dyn Terminal> = if source.file == Path::new("-") {
            Box::new(File::open("/dev/tty")?)
        } else {
            Box::new(io::stdin())
        };
        if says_yes(terminal, &channel, &ended)? {
            // If this comes too late, the keeper's code says so.
            let _ = channel.write_all(STAY);
        } else {
            eprintln!();
        }
    }
    drop(channel);
    match keeper.wait()?.code().and_then(|code| u8::try_from(code).ok()) {
        Some(code) => Ok(ExitCode::from(code)),
        None => {
            Err(Failure::Other(STUCK, "the process that could go back was killed; see what is there".into()))
        }
    }
}

/// Makes the change, and goes back unless the asking process says in time that it is to stay.
pub(super) fn keep(apply: &Apply, options: &Options, patience: Duration) -> Result<ExitCode> {
    // It is no leader of a session unless somebody has started it by hand.
    let _ = rustix::process::setsid();
    let ended = signals()?;
    let mut channel = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    let text = receive(&mut channel)?;
    let ruleset = match check::parse(&apply.source, &text) {
        Ok(ruleset) => ruleset,
        Err(code) => return Ok(code),
    };
    let mut kernel = options.open_for_reading()?;
    let scope = apply.chains.scope();
    let applied =
        apply_undoable(&mut kernel, &mut Cache::new(), &ruleset, &scope, |_| Ok::<_, PlanError>(()));
    let (plans, undo) = applied.map_err(|error| failure(&mut kernel, error))?;
    let deadline = Instant::now() + patience;
    if let Err(failure) = options.keep() {
        go_back(&mut kernel, options, &undo)?;
        return Err(failure);
    }
    let report = apply.report(&plans);
    if undo.is_empty() {
        print!("{report}");
        return Ok(ExitCode::SUCCESS);
    }
    if send(&mut channel, report.as_bytes()).is_ok() && is_to_stay(&mut channel, &ended, deadline) {
        return Ok(ExitCode::SUCCESS);
    }
    go_back(&mut kernel, options, &undo)?;
    Ok(ExitCode::from(GONE_BACK))
}

fn go_back(kernel: &mut AnyKernel, options: &Options, undo: &Undo) -> Result<()> {
    let undone = undo.run(kernel).map_err(|error| failure(kernel, error))?;
    options.keep()?;
    // The terminal may be lost.
    let mut said = io::stderr();
    let _ = writeln!(said, "not confirmed: it is as it was before");
    for kept in &undone.kept {
        let _ = writeln!(said, "but for what others have changed meanwhile:\n{kept}");
    }
    Ok(())
}

fn failure(kernel: &mut AnyKernel, error: PlanError) -> Failure {
    match error {
        PlanError::Kernel(error) => explain(kernel, error.into(), |_| String::new()),
        error => Failure::Other(GONE_BACK, error.to_string()),
    }
}

/// What can be waited for and read.
trait Terminal: Read + AsFd {}

impl<T: Read + AsFd> Terminal for T {}

/// Reads a line, unless the keeper or this process is to end before.
fn says_yes(mut terminal: Box<dyn Terminal>, channel: &UnixStream, ended: &UnixStream) -> Result<bool> {
    let mut line = Vec::new();
    while !line.contains(&b'\n') {
        let mut waiting = [&terminal.as_fd(), &channel.as_fd(), &ended.as_fd()]
            .map(|source| PollFd::from_borrowed_fd(*source, PollFlags::IN));
        match poll(&mut waiting, None) {
            Err(Errno::INTR) => continue,
            waited => waited.map_err(io::Error::from)?,
        };
        let [terminal_ready, others @ ..] = waiting.map(|source| !source.revents().is_empty());
        let mut part = [0; 64];
        let read = if others.contains(&true) || !terminal_ready { Ok(0) } else { terminal.read(&mut part) };
        match read {
            // A terminal that is lost cannot be read.
            Ok(0) | Err(_) => return Ok(false),
            Ok(len) => line.extend_from_slice(part.get(..len).unwrap_or_default()),
        }
    }
    let answer = String::from_utf8_lossy(&line).trim().to_lowercase();
    Ok(matches!(&*answer, "y" | "yes"))
}

fn is_to_stay(channel: &mut UnixStream, ended: &UnixStream, deadline: Instant) -> bool {
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let mut waiting = [PollFd::new(channel, PollFlags::IN), PollFd::new(ended, PollFlags::IN)];
        match poll(&mut waiting, Timespec::try_from(left).ok().as_ref()) {
            Err(Errno::INTR) => {}
            Err(_) | Ok(0) => return false,
            Ok(_) => {
                let answered = !waiting[0].revents().is_empty();
                let mut answer = [0; STAY.len()];
                return answered && channel.read_exact(&mut answer).is_ok() && answer == STAY;
            }
        }
    }
}

/// Becomes readable when this process is told to end.
fn signals() -> Result<UnixStream> {
    let (told, tell) = UnixStream::pair()?;
    for signal in [SIGHUP, SIGINT, SIGTERM] {
        signal_hook::low_level::pipe::register(signal, tell.try_clone()?)?;
    }
    Ok(told)
}

fn send(channel: &mut UnixStream, bytes: &[u8]) -> io::Result<()> {
    channel.write_all(&(bytes.len() as u64).to_ne_bytes())?;
    channel.write_all(bytes)
}

fn receive(channel: &mut UnixStream) -> io::Result<Vec<u8>> {
    let mut len = [0; 8];
    channel.read_exact(&mut len)?;
    let len = u64::from_ne_bytes(len);
    let mut bytes = Vec::new();
    channel.take(len).read_to_end(&mut bytes)?;
    if bytes.len() as u64 == len { Ok(bytes) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}
