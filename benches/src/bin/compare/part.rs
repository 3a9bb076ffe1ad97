//! What is done in a process of its own, so that the measuring one stays small: a program that it starts is said
//! to have needed as much memory as its parent had.

use benches::Result;
use nfnetlink::{Socket, Transport};
use pkttables::kernel::Kernel;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// A part of the comparison that runs as a process of its own.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Part {
    /// Writes the files that the programs read
    #[command(hide = true)]
    Prepare { folder: PathBuf, rules: usize, chains: usize },
    /// Sends a batch, and prints how many nanoseconds that took
    #[command(hide = true)]
    Replay { file: PathBuf },
}

/// The files of one ruleset.
#[derive(Debug)]
pub(crate) struct Files {
    /// For iptables-restore.
    pub(crate) save: PathBuf,
    /// For `nft -f`.
    pub(crate) nft: PathBuf,
    /// The batch that iptables2 sends.
    pub(crate) batch: PathBuf,
}

impl Files {
    pub(crate) fn within(folder: &Path) -> Self {
        Self { save: folder.join("rules.save"), nft: folder.join("rules.nft"), batch: folder.join("batch") }
    }
}

impl Part {
    pub(crate) fn run(&self) -> Result<()> {
        match self {
            Self::Prepare { folder, rules, chains } => prepare(&Files::within(folder), *rules, *chains),
            Self::Replay { file } => replay(file),
        }
    }
}

/// Runs in an empty namespace, as the batch carries the generation that it is for.
fn prepare(files: &Files, rules: usize, chains: usize) -> Result<()> {
    let text = testkit::ruleset(rules, chains);
    std::fs::write(&files.save, &text)?;
    std::fs::write(&files.nft, testkit::nft_ruleset(rules, chains))?;
    let batch = benches::batch(&text, &mut Kernel::open()?)?;
    std::fs::write(&files.batch, batch.as_bytes())?;
    Ok(())
}

fn replay(file: &Path) -> Result<()> {
    let batch = std::fs::read(file)?;
    let mut socket = Socket::open()?;
    let start = Instant::now();
    socket.send(&batch)?;
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
    println!("{}", took.as_nanos());
    Ok(())
}
