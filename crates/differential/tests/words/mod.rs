//! Packets in words.

use differential::{Outcome, PORTS, Plan, Sent, Source, program, replay};
use pkttables::model::Family;
use pkttables::registry::Backend;
use pkttables_eval::builder::PacketBuilder;

/// Packets off the wire, which must go the same way by the kernel and by the evaluator.
pub(crate) fn agree(family: Family, backend: Backend, rules: &str, packets: &[String]) {
    let Some(_) = testkit::program(&program(family, backend, "restore")) else { return };
    let sent = packets.iter().map(|words| sent(words)).collect();
    let rules = rules.lines().map(|line| line.trim().to_owned()).collect();
    let plan = Plan { family, backend, world: Vec::new(), rules, packets: sent };
    let Some(outcome) = testkit::in_namespace(|| replay(&plan)) else { return };
    match outcome.expect("a trial") {
        Outcome::Agreed(count) => assert_eq!(count, packets.len()),
        Outcome::Failed(failure) => panic!("{failure}"),
    }
}

fn sent(words: &str) -> Sent {
    let made = PacketBuilder::parse(words).expect("words").build().expect("a packet");
    let input = made.meta.input.expect("an interface").to_string();
    let port = PORTS.iter().position(|port| port.name == input).expect("a port");
    Sent { source: Source::Wire { port, destination: PORTS[port].mac }, after: 0, bytes: made.bytes }
}
