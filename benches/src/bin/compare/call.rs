//! A ruleset of which a few chains have changed: as a fresh process, and as a call within a process that knows the
//! rest.

use crate::contender::{Contender, IPTABLES2, NFT_RESTORE};
use crate::race::{Race, middle, ratio};
use crate::report::Section;
use crate::rounds::{Rounds, Sample, child as process, in_namespace, load, run, told};
use crate::task::{Files, replay};
use benches::Result;
use nfnetlink::{Batch, Socket};
use pkttables::cache::Cache;
use pkttables::kernel::{Kernel, KernelError, Transaction};
use pkttables::model::{Family, Ruleset};
use pkttables::plan::{self, PlanError, Scope};
use pkttables::text::read_ruleset;
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How many chains are changed.
pub(crate) const CHANGED: usize = 10;
/// In each one rule is replaced and one is added.
const MESSAGES: usize = 2 * CHANGED;

/// `iptables2 apply` beside the program that sends everything.
pub(crate) fn apply(rounds: &Rounds, sample: &Sample) -> Result<Section> {
    let files = &sample.files;
    // Each file in turn, so that there is always the same to change.
    let contenders = |file: &Path| {
        let args = ["apply", &file.to_string_lossy()];
        let own = Contender::iptables2(rounds, &args, Path::new("/dev/null"));
        let (peers, missing) = Contender::installed(&[(NFT_RESTORE, NFT_RESTORE, &[], file)]);
        (std::iter::once(own).chain(peers).collect::<Vec<_>>(), missing)
    };
    let files = [contenders(&files.changed), contenders(&files.save)];
    let race = in_namespace(|| {
        load(rounds, &sample.files.save)?;
        let [(first, missing), _] = &files;
        let mut race = Race::new("apply", first, missing);
        for round in 0..rounds.number {
            let (contenders, _) = &files[round % files.len()];
            for (place, contender) in contenders.iter().enumerate() {
                rounds.say("apply", round, contender);
                race.add(place, run(contender)?);
            }
        }
        Ok(race)
    })?;
    let title =
        format!("{CHANGED} of {} chains changed, {} rules, a fresh process", sample.chains, sample.rules);
    let mut section = Section::new(title);
    if sample.is_large() {
        let wall = race.ratio(IPTABLES2, NFT_RESTORE, |usage| usage.wall);
        let cpu = race.cpu_ratio(IPTABLES2, NFT_RESTORE);
        section.figure("apply: CPU time / iptables-nft-restore of the file", cpu);
        section.at_most("apply: wall time / iptables-nft-restore of the file", wall, 0.5);
    }
    section.races.push(race);
    Ok(section)
}

/// [`plan::apply`] with a cache that knows the ruleset, beside a replay of what it sends.
pub(crate) fn call(rounds: &Rounds, sample: &Sample) -> Result<Section> {
    let told = in_namespace(|| {
        told(process()?.arg("call").arg(&sample.files.folder).arg(rounds.number.to_string()))
    })?;
    let number = |what: &str| told.get(what).and_then(Value::as_f64);
    let mut section = Section::new(format!(
        "{CHANGED} of {} chains changed, {} rules, a call with a warm cache",
        sample.chains, sample.rules
    ));
    for (what, key) in [
        ("bytes sent", "bytes"),
        ("comparing all rules, CPU ms", "compared_ms"),
        ("the call, ms", "call_ms"),
        ("replay of its batch, ms", "replay_ms"),
    ] {
        section.figure(what, number(key));
    }
    section.at_most("messages sent", number("messages"), MESSAGES as f64);
    if sample.is_large() {
        section.at_most("diff and encode, CPU ms", number("planned_ms"), 2.0);
        section.at_most("the call / replay of its batch", number("call_by_replay"), 1.1);
    }
    Ok(section)
}

/// Changes the ruleset to and fro; one way by a call, the other by a replay.
pub(crate) fn child(files: &Files, rounds: usize) -> Result<()> {
    let first = ruleset(&files.save)?;
    let second = sharing(ruleset(&files.changed)?, &first);
    let mut kernel = Kernel::open()?.open_read_ahead()?;
    let mut socket = Socket::open()?;
    let mut cache = Cache::new();
    apply_to(&mut kernel, &mut cache, &first)?;
    let (mut compared, mut planned, mut called, mut replayed) = (vec![], vec![], vec![], vec![]);
    let mut sent = (0, 0);
    for _ in 0..rounds {
        let prepared = prepare(&mut kernel, &mut cache, &first, &second)?;
        compared.push(prepared.compared);
        planned.push(prepared.planned);
        sent = (prepared.batch.len(), prepared.batch.as_bytes().len());
        let start = Instant::now();
        apply_to(&mut kernel, &mut cache, &second)?;
        called.push(start.elapsed());
        let prepared = prepare(&mut kernel, &mut cache, &second, &first)?;
        replayed.push(replay(&mut socket, prepared.batch.as_bytes())?);
    }
    let median = |times: &[Duration]| middle(times.iter().copied());
    let ms = |times: &[Duration]| median(times).as_secs_f64() * 1e3;
    let answer = json!({
        "messages": sent.0, "bytes": sent.1, "compared_ms": ms(&compared), "planned_ms": ms(&planned), "call_ms": ms(&called),
        "replay_ms": ms(&replayed), "call_by_replay": ratio(median(&called), median(&replayed)),
    });
    println!("{answer}");
    Ok(())
}

/// A ruleset as it is when it was made from another one by changing some chains: it has the rest in common with it.
fn sharing(mut ruleset: Ruleset, with: &Ruleset) -> Ruleset {
    for (table, other) in ruleset.tables.iter_mut().zip(&with.tables) {
        for (chain, other) in table.chains.iter_mut().zip(&other.chains) {
            if chain == other {
                *chain = Arc::clone(other);
            }
        }
    }
    ruleset
}

/// What a change from one ruleset to another comes to.
struct Prepared {
    /// CPU time of comparing everything with what the kernel holds.
    compared: Duration,
    /// CPU time of planning when that is known.
    planned: Duration,
    /// What is to be sent.
    batch: Batch,
}

/// Has the cache know everything, and that it is as `held`; then plans what makes it as `wanted`.
fn prepare(
    kernel: &mut Kernel<Socket>,
    cache: &mut Cache,
    held: &Ruleset,
    wanted: &Ruleset,
) -> Result<Prepared> {
    let prepared = kernel.read(|snapshot| {
        cache.renew(snapshot.generation());
        let mut transaction = Transaction::at(snapshot.generation());
        let (mut compared, mut planned) = (Duration::ZERO, Duration::ZERO);
        for (held, wanted) in held.tables.iter().zip(&wanted.tables) {
            let current = cache.table(snapshot, Family::Ipv4, wanted.name)?;
            let start = benches::cpu_time();
            plan::plan(Family::Ipv4, current, held, &Scope::Table)?;
            let known = benches::cpu_time();
            let plan = plan::plan(Family::Ipv4, current, wanted, &Scope::Table)?;
            plan.write(&mut transaction, snapshot.kernel())?;
            compared += known.saturating_sub(start);
            planned += benches::cpu_time().saturating_sub(known);
        }
        Ok::<_, Failed>(Prepared { compared, planned, batch: transaction.into_batch() })
    });
    prepared.map_err(|Failed(error)| error.into())
}

fn apply_to(kernel: &mut Kernel<Socket>, cache: &mut Cache, wanted: &Ruleset) -> Result<()> {
    plan::apply(kernel, cache, wanted, &Scope::Table, |_| Ok::<_, PlanError>(()))?;
    Ok(())
}

fn ruleset(file: &Path) -> Result<Ruleset> {
    let text = std::fs::read_to_string(file)?;
    read_ruleset(&mut benches::reader(&text))
        .map_err(|errors| format!("{}: {errors:?}", file.display()).into())
}

struct Failed(PlanError);

impl From<KernelError> for Failed {
    fn from(error: KernelError) -> Self {
        Self(error.into())
    }
}

impl From<PlanError> for Failed {
    fn from(error: PlanError) -> Self {
        Self(error)
    }
}
