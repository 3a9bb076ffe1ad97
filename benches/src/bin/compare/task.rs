//! What is done in a process of its own.

use crate::{call, edits, one_size, steps};
use benches::Result;
use nfnetlink::{Socket, Transport};
use pkttables::kernel::Kernel;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// A part of the comparison that runs as a process of its own.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Task {
    /// Writes the files that the programs read
    #[command(hide = true)]
    Prepare { folder: PathBuf, rules: usize, chains: usize },
    /// Sends a batch, and prints how many nanoseconds that took
    #[command(hide = true)]
    Replay { file: PathBuf },
    /// Changes a ruleset to and fro within one process
    #[command(hide = true)]
    Call { folder: PathBuf, rounds: usize },
    /// Makes 1000 edits in one transaction
    #[command(hide = true)]
    Edits { chains: usize },
    /// Tells what the steps from text to bytes cost a rule
    #[command(hide = true)]
    Steps { shape: steps::Shape, rules: usize, total: usize },
}

/// The files of one ruleset.
#[derive(Debug)]
pub(crate) struct Files {
    pub(crate) folder: PathBuf,
    /// For iptables-restore.
    pub(crate) save: PathBuf,
    /// The same with some chains changed.
    pub(crate) changed: PathBuf,
    /// For `nft -f`.
    pub(crate) nft: PathBuf,
    /// The batch that iptables2 sends.
    pub(crate) batch: PathBuf,
}

impl Files {
    pub(crate) fn within(folder: &Path) -> Self {
        Self {
            folder: folder.into(),
            save: folder.join("rules.save"),
            changed: folder.join("changed.save"),
            nft: folder.join("rules.nft"),
            batch: folder.join("batch"),
        }
    }
}

impl Task {
    pub(crate) fn run(&self) -> Result<()> {
        match self {
            Self::Prepare { folder, rules, chains } => prepare(&Files::within(folder), *rules, *chains),
            Self::Replay { file } => {
                let took = replay(&mut Socket::open()?, &std::fs::read(file)?)?;
                println!("{}", took.as_nanos());
                Ok(())
            }
            Self::Call { folder, rounds } => call::child(&Files::within(folder), *rounds),
            Self::Edits { chains } => edits::child(*chains),
            Self::Steps { shape, rules, total } => one_size::child(*shape, *rules, *total),
        }
    }
}

/// Runs in an empty namespace, as the batch carries the generation that it is for.
fn prepare(files: &Files, rules: usize, chains: usize) -> Result<()> {
    let text = testkit::ruleset(rules, chains);
    std::fs::write(&files.save, &text)?;
    std::fs::write(&files.changed, testkit::changed_ruleset(&text, chains, call::CHANGED))?;
    std::fs::write(&files.nft, testkit::nft_ruleset(rules, chains))?;
    let batch = benches::batch(&text, &mut Kernel::open()?)?;
    std::fs::write(&files.batch, batch.as_bytes())?;
    Ok(())
}

/// Sends a batch, and tells how long the kernel took.
pub(crate) fn replay(socket: &mut Socket, batch: &[u8]) -> Result<Duration> {
    let start = Instant::now();
    socket.send(batch)?;
    let took = start.elapsed();
    // The kernel has answered by now; a refusal has an error number other than 0 behind the header.
    while let Some(datagram) = socket.try_receive()? {
        for message in nfnetlink::Messages::new(datagram) {
            let mut message = message?;
            let code = message.payload.rest().get(..4).unwrap_or_default();
            if message.header.kind == nfnetlink::kind::ERROR && code != [0; 4] {
                return Err("the kernel refuses the batch".into());
            }
        }
    }
    Ok(took)
}
