//! The programs that are compared.

use crate::measure::Output;
use crate::part::Files;
use benches::Result;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A program with its arguments and its input.
#[derive(Debug)]
pub(crate) struct Contender {
    pub(crate) name: &'static str,
    pub(crate) program: PathBuf,
    pub(crate) args: Vec<PathBuf>,
    pub(crate) input: PathBuf,
    pub(crate) output: Output,
}

/// Names that the report looks for.
pub(crate) const IPTABLES2: &str = "iptables2";
pub(crate) const REPLAY: &str = "replay of its batch";
pub(crate) const NFT_RESTORE: &str = "iptables-nft-restore";
pub(crate) const NFT_SAVE: &str = "iptables-nft-save";

/// Those that load a ruleset, and the names of those that are not installed.
pub(crate) fn loaders(iptables2: &Path, files: &Files) -> Result<(Vec<Contender>, Vec<&'static str>)> {
    let own = Contender::new(IPTABLES2, iptables2.into(), &["iptables-restore"], &files.save);
    let replay = Contender {
        args: vec!["replay".into(), files.batch.clone()],
        output: Output::Nanoseconds,
        ..Contender::new(REPLAY, std::env::current_exe()?, &[], Path::new("/dev/null"))
    };
    let (peers, missing) = installed(&[
        (NFT_RESTORE, &[], &files.save),
        ("iptables-legacy-restore", &[], &files.save),
        ("nft", &["-f", "-"], &files.nft),
    ]);
    Ok((std::iter::once(own).chain(peers).chain([replay]).collect(), missing))
}

/// Those that save the loaded ruleset, and the names of those that are not installed.
pub(crate) fn savers(iptables2: &Path) -> (Vec<Contender>, Vec<&'static str>) {
    let nothing = PathBuf::from("/dev/null");
    let own = Contender::new(IPTABLES2, iptables2.into(), &["iptables-save"], &nothing);
    let (peers, missing) = installed(&[(NFT_SAVE, &[], &nothing)]);
    (std::iter::once(own).chain(peers).collect(), missing)
}

type Peer<'a> = (&'static str, &'a [&'a str], &'a PathBuf);

fn installed(peers: &[Peer<'_>]) -> (Vec<Contender>, Vec<&'static str>) {
    let (mut found, mut missing) = (Vec::new(), Vec::new());
    for (name, args, input) in peers {
        match testkit::find(name) {
            Some(program) => found.push(Contender::new(name, program, args, input)),
            None => missing.push(*name),
        }
    }
    (found, missing)
}

impl Contender {
    fn new(name: &'static str, program: PathBuf, args: &[&str], input: &Path) -> Self {
        let args = args.iter().map(PathBuf::from).collect();
        Self { name, program, args, input: input.into(), output: Output::Dropped }
    }

    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.args);
        command
    }
}

/// The release build of iptables2, made by the cargo that runs this, else the one beside this program.
pub(crate) fn iptables2() -> Result<PathBuf> {
    if let Some(cargo) = std::env::var_os("CARGO") {
        let built =
            Command::new(cargo).args(["build", "--release", "--quiet", "-p", "iptables2"]).status()?;
        if !built.success() {
            return Err("iptables2 cannot be built".into());
        }
    }
    let beside = std::env::current_exe()?.with_file_name("iptables2");
    if beside.is_file() {
        return Ok(beside);
    }
    Err(format!("{} is missing: cargo build --release -p iptables2", beside.display()).into())
}
