//! Single edits of a large ruleset, each by a fresh process, and many of them in one transaction.

use crate::contender::{Contender, IPTABLES2, NFT};
use crate::measure::Output;
use crate::race::{Race, ratio};
use crate::report::Section;
use crate::rounds::{Rounds, Sample, in_namespace, load, run};
use benches::Result;
use pkttables::edit::{EditError, Editor};
use pkttables::kernel::Kernel;
use pkttables::model::{Family, Rule, TableName, Target, Verdict};
use std::path::{Path, PathBuf};

/// How many edits there are in one transaction.
const MANY: usize = 1000;

/// What is done, and how much of the peer's time it may take.
const EDITS: [(&str, &[&str], f64); 3] = [
    ("-A", &["-A", "host-7", "-s", "192.0.2.1", "-p", "tcp", "--dport", "99", "-j", "ACCEPT"], 1.0),
    (
        "-I chain 5",
        &["-I", "host-8", "5", "-s", "192.0.2.1", "-p", "tcp", "--dport", "99", "-j", "ACCEPT"],
        0.8,
    ),
    ("-D chain 5", &["-D", "host-8", "5"], 0.8),
];

pub(crate) fn edits(rounds: &Rounds, sample: &Sample) -> Result<Section> {
    let mut section = Section::new(format!("Edits of {} rules in {} chains", sample.rules, sample.chains));
    let many = Contender {
        args: ["edits".into(), sample.chains.to_string()].map(PathBuf::from).to_vec(),
        output: Output::Dropped,
        name: "iptables2's library",
        ..Contender::replay(rounds, Path::new(""))
    };
    let (races, many_race) = in_namespace(|| {
        load(rounds, &sample.files.save)?;
        let contenders = EDITS.map(|(_, args, _)| contenders(rounds, args));
        let mut races: Vec<Race> = EDITS
            .iter()
            .zip(&contenders)
            .map(|((what, ..), (contenders, missing))| Race::new(what, contenders, missing))
            .collect();
        let mut many_race = Race::new("1000 edits at once", std::slice::from_ref(&many), &[]);
        for round in 0..rounds.number {
            // All edits by one program, then all by the next; each is in turn the one that comes after the many edits.
            let order = if round % 2 == 0 { [0, 1] } else { [1, 0] };
            for place in order {
                // The first change after others pays for what those have left in the kernel and in the caches.
                if let Some(contender) = contenders.first().and_then(|(first, _)| first.get(place)) {
                    run(contender)?;
                }
                for ((contenders, _), race) in contenders.iter().zip(&mut races) {
                    let Some(contender) = contenders.get(place) else { continue };
                    rounds.say("edits", round, contender);
                    race.add(place, run(contender)?);
                }
            }
            rounds.say("edits", round, &many);
            many_race.add(0, run(&many)?);
        }
        Ok((races, many_race))
    })?;
    if sample.is_large() {
        for ((what, _, limit), race) in EDITS.iter().zip(&races) {
            let wall = race.ratio(IPTABLES2, NFT, |usage| usage.wall);
            section.at_most(format!("{what}: wall time / iptables-nft"), wall, *limit);
        }
        // So many runs of a program would take as long as one, so many times.
        let single = races.first().and_then(|race| race.median(NFT)).map(|one| one.wall * MANY as u32);
        let times = single.zip(many_race.median(many.name)).map(|(single, many)| ratio(single, many.wall));
        section.at_least("1000 times iptables-nft -A / 1000 edits at once", times, 100.0);
    }
    section.races = races;
    section.races.push(many_race);
    Ok(section)
}

fn contenders(rounds: &Rounds, args: &[&str]) -> (Vec<Contender>, Vec<&'static str>) {
    let nothing = Path::new("/dev/null");
    let (peers, missing) = Contender::installed(&[(NFT, NFT, args, nothing)]);
    let own: Vec<&str> = std::iter::once("iptables").chain(args.iter().copied()).collect();
    (std::iter::once(Contender::iptables2(rounds, &own, nothing)).chain(peers).collect(), missing)
}

/// Appends, inserts and deletes in many chains, all in one transaction.
pub(crate) fn child(chains: usize) -> Result<()> {
    let rule = Rule { target: Target::Verdict(Verdict::Return), ..Rule::default() };
    Kernel::open()?.update(|snapshot, transaction| {
        let mut editor = Editor::new(snapshot, transaction, Family::Ipv4, true);
        for number in 0..MANY {
            // What is deleted from has been appended to, so that no chain runs empty.
            let place = if number % 4 == 3 { number - 3 } else { number };
            let chain = format!("host-{}", place * 31 % chains);
            match number % 4 {
                0 => editor.append(TableName::Filter, &chain, &rule)?,
                1 => editor.insert(TableName::Filter, &chain, 5, &rule)?,
                2 => editor.replace(TableName::Filter, &chain, 3, &rule)?,
                _ => editor.delete_number(TableName::Filter, &chain, 2)?,
            }
        }
        Ok::<_, EditError>(())
    })?;
    Ok(())
}
