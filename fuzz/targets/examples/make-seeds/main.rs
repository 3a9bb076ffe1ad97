//! Makes the seeds of the fuzz targets anew: from what the kernel dumps of rulesets that iptables-nft and nft loaded
//! into a namespace, from the descriptions of the extensions, and from a few packets.
//!
//!     cargo run -p fuzz-targets --example make-seeds

mod dumps;
mod packets;
mod samples;

use std::path::{Path, PathBuf};
use std::{fs, io};

const RULES: &str = include_str!("rules.save");

fn main() -> io::Result<()> {
    let seeds = Seeds(Path::new(env!("CARGO_MANIFEST_DIR")).join("../seeds"));
    if seeds.0.exists() {
        fs::remove_dir_all(&seeds.0)?;
    }
    dumps::write(&seeds)?;
    samples::write(&seeds)?;
    packets::write(&seeds)
}

/// The folder of all seeds.
struct Seeds(PathBuf);

impl Seeds {
    /// Adds a seed for a target to those of its group.
    fn add(&self, target: &str, name: &str, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        let place = |targets: &[&str]| targets.iter().position(|other| *other == target);
        let mut groups = fuzz_targets::GROUPS.iter();
        let found = groups.find_map(|(group, _, targets)| Some((group, u8::try_from(place(targets)?).ok()?)));
        let (group, number) = found.ok_or_else(|| io::Error::other(format!("no target {target}")))?;
        let folder = self.0.join(group);
        fs::create_dir_all(&folder)?;
        fs::write(folder.join(format!("{target}-{name}")), [&[number], bytes.as_ref()].concat())
    }
}
