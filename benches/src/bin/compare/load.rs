//! Whole rulesets: loading one into an empty namespace, and saving it.

use crate::contender::{Contender, IPTABLES2, NFT_RESTORE, NFT_SAVE, REPLAY};
use crate::race::{mb, ratio};
use crate::report::Section;
use crate::rounds::{Rounds, Sample, in_namespace, load};
use benches::Result;
use std::path::Path;

/// Loads with all programs.
pub(crate) fn restore(rounds: &Rounds, sample: &Sample) -> Result<Section> {
    let files = &sample.files;
    let (peers, missing) = Contender::installed(&[
        (NFT_RESTORE, NFT_RESTORE, &[], &files.save),
        ("iptables-legacy-restore", "iptables-legacy-restore", &[], &files.save),
        ("nft -f", "nft", &["-f", "-"], &files.nft),
    ]);
    let own = Contender::iptables2(rounds, &["iptables-restore"], &files.save);
    let contenders: Vec<_> =
        std::iter::once(own).chain(peers).chain([Contender::replay(rounds, &files.batch)]).collect();
    let race = rounds.run("restore", &contenders, &missing, true)?;
    let mut section = Section::new(format!("Loading {} rules in {} chains", sample.rules, sample.chains));
    if sample.is_large() {
        let user = race.ratio(IPTABLES2, NFT_RESTORE, |usage| usage.user);
        let wall = race.ratio(IPTABLES2, REPLAY, |usage| usage.wall);
        section.figure("restore: CPU time / replay of its batch", race.cpu_ratio(IPTABLES2, REPLAY));
        section.at_most("restore: user time / iptables-nft-restore", user, 0.2);
        section.at_most("restore: wall time / replay of its batch", wall, 1.1);
        section.at_most("restore: peak memory, MB", race.median(IPTABLES2).map(|own| mb(&own)), 80.0);
    }
    section.races.push(race);
    Ok(section)
}

/// Saves what iptables2 has loaded, with all programs.
pub(crate) fn save(rounds: &Rounds, sample: &Sample) -> Result<Section> {
    let nothing = Path::new("/dev/null");
    let (peers, missing) = Contender::installed(&[(NFT_SAVE, NFT_SAVE, &[], nothing)]);
    let own = Contender::iptables2(rounds, &["iptables-save"], nothing);
    let contenders: Vec<_> = std::iter::once(own).chain(peers).collect();
    let race = in_namespace(|| {
        load(rounds, &sample.files.save)?;
        rounds.run("save", &contenders, &missing, false)
    })?;
    let mut section = Section::new(format!("Saving {} rules in {} chains", sample.rules, sample.chains));
    if sample.is_large() {
        let user = race.ratio(IPTABLES2, NFT_SAVE, |usage| usage.user);
        let wall = race.ratio(IPTABLES2, NFT_SAVE, |usage| usage.wall);
        section.at_most("save: user time / iptables-nft-save", user, 1.0 / 3.0);
        section.at_most("save: wall time / iptables-nft-save", wall, 0.6);
    }
    section.races.push(race);
    Ok(section)
}

/// Loads a small and a large ruleset with iptables2, and compares the time per rule.
pub(crate) fn million(rounds: &Rounds) -> Result<Section> {
    let mut section = Section::new("Loading a million rules");
    let mut walls = Vec::new();
    for (rules, chains, what) in [(10_000, 1_000, "10,000 rules"), (1_000_000, 100_000, "1,000,000 rules")] {
        let sample = Sample::new(rules, chains)?;
        let own = Contender::iptables2(rounds, &["iptables-restore"], &sample.files.save);
        let replay = Contender::replay(rounds, &sample.files.batch);
        let race = rounds.run(what, &[own, replay], &[], true)?;
        let wall = race.median(IPTABLES2).unwrap_or_default().wall / u32::try_from(rules)?;
        section.figure(format!("{what}: nanoseconds a rule"), Some(wall.as_nanos() as f64));
        walls.push(wall);
        section.races.push(race);
    }
    let growth = walls.first().zip(walls.last()).map(|(small, large)| ratio(*large, *small));
    section.at_most("time per rule at 1,000,000 / at 10,000", growth, 1.2);
    Ok(section)
}
