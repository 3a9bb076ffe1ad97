//! The order of the runs.

use crate::contender::{self, Contender, IPTABLES2};
use crate::measure::{Usage, measure};
use crate::part::Files;
use crate::progress;
use crate::report::{Growth, Race, Size};
use benches::Result;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// How the programs are run.
pub(crate) struct Rounds {
    pub(crate) number: usize,
    pub(crate) pause: Duration,
    pub(crate) iptables2: PathBuf,
}

impl Rounds {
    /// Compares all programs with one ruleset.
    pub(crate) fn size(&self, rules: usize, chains: usize) -> Result<Size> {
        let folder = tempfile::tempdir()?;
        let files = prepare(folder.path(), rules, chains)?;
        let (loaders, missing) = contender::loaders(&self.iptables2, &files)?;
        let mut load = Race::new("restore", &loaders, missing);
        for round in 1..=self.number {
            for (place, contender) in loaders.iter().enumerate() {
                progress::say(&format!(
                    "{rules} rules: round {round} of {}: {}",
                    self.number, contender.name
                ));
                load.add(place, in_namespace(|| run(contender))?);
                std::thread::sleep(self.pause);
            }
        }
        let (savers, missing) = contender::savers(&self.iptables2);
        let mut save = Race::new("save", &savers, missing);
        in_namespace(|| {
            let loader = loaders.iter().find(|loader| loader.name == IPTABLES2);
            loader.map(run).transpose()?;
            for round in 1..=self.number {
                for (place, contender) in savers.iter().enumerate() {
                    progress::say(&format!(
                        "{rules} rules: save {round} of {}: {}",
                        self.number, contender.name
                    ));
                    save.add(place, run(contender)?);
                }
            }
            Ok(())
        })?;
        progress::end();
        Ok(Size { rules, chains, races: vec![load, save] })
    }

    /// Loads a small and a large ruleset with iptables2.
    pub(crate) fn growth(&self, small: (usize, usize), large: (usize, usize)) -> Result<Growth> {
        let mut medians = Vec::new();
        for (rules, chains) in [small, large] {
            let folder = tempfile::tempdir()?;
            let files = prepare(folder.path(), rules, chains)?;
            let (loaders, _) = contender::loaders(&self.iptables2, &files)?;
            let own = loaders.iter().find(|loader| loader.name == IPTABLES2).ok_or("no iptables2")?;
            let mut race = Race::new("restore", std::slice::from_ref(own), Vec::new());
            for round in 1..=self.number {
                progress::say(&format!("{rules} rules: round {round} of {}", self.number));
                race.add(0, in_namespace(|| run(own))?);
                std::thread::sleep(self.pause * if rules > small.0 { 10 } else { 1 });
            }
            progress::end();
            medians.push((rules, race.median(IPTABLES2).unwrap_or_default()));
        }
        Ok(Growth { medians })
    }
}

fn run(contender: &Contender) -> Result<Usage> {
    measure(&mut contender.command(), &contender.input, contender.output)
}

fn prepare(folder: &Path, rules: usize, chains: usize) -> Result<Files> {
    progress::say(&format!("{rules} rules: making the files"));
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("prepare").arg(folder).arg(rules.to_string()).arg(chains.to_string());
    let status = in_namespace(|| Ok(command.status()?))?;
    if status.success() { Ok(Files::within(folder)) } else { Err("the files cannot be made".into()) }
}

/// Runs `work` in a new network namespace.
fn in_namespace<R: Send>(work: impl FnOnce() -> Result<R> + Send) -> Result<R> {
    let done = testkit::try_in_namespace(|| work().map_err(|error| error.to_string()))?;
    Ok(done?)
}
