//! Failures looked at again, and made small.

use crate::trial::{Failure, Outcome, Plan, replay};

/// Whether a disagreement comes again when the same packets are sent again.
///
/// If not, the machine was too busy for the first time: a packet was lost, or came much later than it was sent.
#[must_use]
pub fn repeats(found: &Failure) -> bool {
    const ATTEMPTS: usize = 2;
    (0..ATTEMPTS).any(|_| failure(&found.plan).is_some())
}

/// Leaves away packets and rules, as many as can be without the disagreement going away.
///
/// Each attempt is run in a network namespace of its own.
#[must_use]
pub fn shrunk(failure: Failure) -> Failure {
    let mut best = failure;
    loop {
        let size = |plan: &Plan| (plan.packets.len(), plan.rules.len(), plan.world.len());
        let before = size(&best.plan);
        best = without(best, |plan| &mut plan.packets, |_| true);
        best = without(
            best,
            |plan| &mut plan.rules,
            |line| line.starts_with("-A") || line.ends_with(" - [0:0]"),
        );
        best = without_tables(best);
        best = without(best, |plan| &mut plan.world, |_| true);
        if size(&best.plan) == before {
            return best;
        }
    }
}

/// Leaves away ever smaller parts of a list, from its end on.
fn without<T: Clone>(
    mut best: Failure,
    list: impl Fn(&mut Plan) -> &mut Vec<T>,
    may_go: impl Fn(&T) -> bool,
) -> Failure {
    let mut part = list(&mut best.plan).len().div_ceil(2);
    while part > 0 {
        let mut end = list(&mut best.plan).len();
        while end > 0 {
            let start = end.saturating_sub(part);
            let mut plan = best.plan.clone();
            let mut at = 0;
            list(&mut plan).retain(|item| {
                at += 1;
                !(start < at && at <= end && may_go(item))
            });
            let smaller = list(&mut plan).len() < list(&mut best.plan).len();
            if let (true, Some(failure)) = (smaller, failure(&plan)) {
                best = failure;
            }
            end = start.min(list(&mut best.plan).len());
        }
        part /= 2;
    }
    best
}

/// Leaves away whole tables.
fn without_tables(mut best: Failure) -> Failure {
    let tables = best.plan.rules.iter().filter(|line| line.starts_with('*')).count();
    for number in (0..tables).rev() {
        let mut plan = best.plan.clone();
        let mut table = 0;
        plan.rules.retain(|line| {
            table += usize::from(line.starts_with('*'));
            table != number + 1
        });
        if let Some(failure) = failure(&plan) {
            best = failure;
        }
    }
    best
}

fn failure(plan: &Plan) -> Option<Failure> {
    match testkit::try_in_namespace(|| replay(plan)) {
        Ok(Ok(Outcome::Failed(failure))) => Some(failure),
        _ => None,
    }
}
