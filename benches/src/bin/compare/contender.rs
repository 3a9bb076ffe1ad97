//! The programs that are compared.

use crate::measure::Output;
use crate::rounds::Rounds;
use benches::Result;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A program with its arguments and its input.
#[derive(Clone, Debug)]
pub(crate) struct Contender {
    pub(crate) name: &'static str,
    pub(crate) program: PathBuf,
    pub(crate) args: Vec<PathBuf>,
    pub(crate) input: PathBuf,
    pub(crate) output: Output,
}

/// Names that promises are about.
pub(crate) const IPTABLES2: &str = "iptables2";
pub(crate) const REPLAY: &str = "replay of its batch";
pub(crate) const NFT: &str = "iptables-nft";
pub(crate) const NFT_RESTORE: &str = "iptables-nft-restore";
pub(crate) const NFT_SAVE: &str = "iptables-nft-save";

/// What it is called, the program, its arguments and its input.
pub(crate) type Peer<'a> = (&'static str, &'a str, &'a [&'a str], &'a Path);

impl Contender {
    /// The release build of this project.
    pub(crate) fn iptables2(rounds: &Rounds, args: &[&str], input: &Path) -> Self {
        Self::new(IPTABLES2, rounds.programs.iptables2.clone(), args, input)
    }

    /// Sends the bytes of a file.
    pub(crate) fn replay(rounds: &Rounds, batch: &Path) -> Self {
        let own = Self::new(REPLAY, rounds.programs.own.clone(), &["replay"], Path::new("/dev/null"));
        let args = own.args.iter().cloned().chain([batch.to_owned()]).collect();
        Self { args, output: Output::Nanoseconds, ..own }
    }

    /// Those of the peers that are installed, and the names of those that are not.
    pub(crate) fn installed(peers: &[Peer<'_>]) -> (Vec<Self>, Vec<&'static str>) {
        let (mut found, mut missing) = (Vec::new(), Vec::new());
        for (name, program, args, input) in peers {
            match testkit::find(program) {
                Some(program) => found.push(Self::new(name, program, args, input)),
                None => missing.push(*name),
            }
        }
        (found, missing)
    }

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

/// The programs of this project as an installation leaves them: copies. What a linker has just written is
/// in the page cache in small pieces, which takes a process up to 1.5 ms longer to start.
pub(crate) struct Installed {
    pub(crate) iptables2: PathBuf,
    /// This program.
    pub(crate) own: PathBuf,
    _folder: tempfile::TempDir,
}

impl Installed {
    pub(crate) fn new() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let copy = |program: &Path, name: &str| {
            let to = folder.path().join(name);
            std::fs::copy(program, &to)?;
            Ok::<_, std::io::Error>(to)
        };
        let (iptables2, own) = (copy(&iptables2()?, "iptables2")?, copy(&std::env::current_exe()?, "own")?);
        Ok(Self { iptables2, own, _folder: folder })
    }
}

/// The release build of iptables2, made by the cargo that runs this, else the one beside this program.
fn iptables2() -> Result<PathBuf> {
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
