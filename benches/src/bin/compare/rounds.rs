//! How programs are run: in turn, so that a slow moment of the machine hits all of them.

use crate::contender::{Contender, Installed};
use crate::measure::{Usage, measure};
use crate::progress;
use crate::race::Race;
use crate::task::Files;
use benches::Result;
use serde_json::Value;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// How the programs are run.
pub(crate) struct Rounds {
    pub(crate) number: usize,
    /// Waited after each run that has a namespace of its own.
    pub(crate) pause: Duration,
    pub(crate) programs: Installed,
}

/// A ruleset of some size, as files.
pub(crate) struct Sample {
    pub(crate) rules: usize,
    pub(crate) chains: usize,
    pub(crate) files: Files,
    /// Where the files are, as long as they are needed.
    _folder: tempfile::TempDir,
}

impl Sample {
    pub(crate) fn new(rules: usize, chains: usize) -> Result<Self> {
        progress::say(&format!("{rules} rules: making the files"));
        let folder = tempfile::tempdir()?;
        let mut command = child()?;
        command.arg("prepare").arg(folder.path()).arg(rules.to_string()).arg(chains.to_string());
        let status = in_namespace(|| Ok(command.status()?))?;
        if !status.success() {
            return Err("the files cannot be made".into());
        }
        Ok(Self { rules, chains, files: Files::within(folder.path()), _folder: folder })
    }

    /// Whether programs take so long with it that starting them does not matter.
    pub(crate) const fn is_large(&self) -> bool {
        self.rules >= 100_000
    }
}

impl Rounds {
    /// Runs all contenders in turn; each run has a network namespace of its own if they are to be `apart`.
    pub(crate) fn run(
        &self,
        what: &'static str,
        contenders: &[Contender],
        missing: &[&'static str],
        apart: bool,
    ) -> Result<Race> {
        let mut race = Race::new(what, contenders, missing);
        for round in 0..self.number {
            for (place, contender) in contenders.iter().enumerate() {
                self.say(what, round, contender);
                race.add(place, if apart { in_namespace(|| run(contender))? } else { run(contender)? });
                if apart {
                    std::thread::sleep(self.pause);
                }
            }
        }
        progress::end();
        Ok(race)
    }

    pub(crate) fn say(&self, what: &str, round: usize, contender: &Contender) {
        progress::say(&format!("{what}: round {} of {}: {}", round + 1, self.number, contender.name));
    }
}

pub(crate) fn run(contender: &Contender) -> Result<Usage> {
    measure(&mut contender.command(), &contender.input, contender.output)
}

/// This program again, for a part in a process of its own: a program is said to have needed as much memory as its
/// parent had, so that the measuring one is to stay small.
pub(crate) fn child() -> Result<Command> {
    Ok(Command::new(std::env::current_exe()?))
}

/// What such a part tells in JSON.
pub(crate) fn told(command: &mut Command) -> Result<Value> {
    let output = command.stderr(std::process::Stdio::inherit()).output()?;
    if !output.status.success() {
        return Err(format!("{command:?}: {}", output.status).into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// Runs `work` in a new network namespace.
pub(crate) fn in_namespace<R: Send>(work: impl FnOnce() -> Result<R> + Send) -> Result<R> {
    let done = testkit::try_in_namespace(|| work().map_err(|error| error.to_string()))?;
    Ok(done?)
}

/// Loads the ruleset of a file with iptables2 into the present namespace.
pub(crate) fn load(rounds: &Rounds, file: &Path) -> Result<()> {
    run(&Contender::iptables2(rounds, &["iptables-restore"], file)).map(drop)
}
