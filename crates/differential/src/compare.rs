//! What the kernel did beside what the evaluator says.

use crate::kernel::Observed;
use pkttables::packet::Data;
use pkttables_eval::{Fate, Verdict};
use std::fmt::Write as _;

/// What differs about one packet, in words.
pub(crate) fn packet(observed: &Observed, fate: &Fate<'_>) -> Vec<String> {
    let mut differences = Vec::new();
    let mut same = |what: &str, kernel: Vec<String>, evaluator: Vec<String>| {
        if kernel != evaluator {
            differences.push(format!(
                "{what}: kernel {kernel:?}, evaluator {evaluator:?} ({:?} at {:?} by {:?})",
                fate.verdict, fate.hook, fate.rule
            ));
        }
    };
    let interface = fate.output.map(|output| output.to_string()).unwrap_or_default();
    let mut left: Vec<String> = match (fate.out, fate.pieces) {
        (None, _) => Vec::new(),
        (Some(packet), []) => vec![format!("{interface} {}", hex(packet))],
        (Some(_), pieces) => pieces.iter().map(|piece| format!("{interface} {}", hex(piece))).collect(),
    };
    left.extend(fate.copies.iter().map(|copy| format!("{} {}", copy.output, hex(&copy.bytes))));
    let seen = observed.left.iter().map(|(name, packet)| format!("{name} {}", hex(&completed(packet))));
    let mut seen: Vec<String> = seen.collect();
    if !fate.copies.is_empty() {
        // The kernel sends them before the packet itself.
        left.sort();
        seen.sort();
    }
    same("left", seen, left);
    let local = fate.out.is_none() && fate.verdict == Verdict::Accept;
    same(
        "delivered",
        observed.delivered.iter().map(|_| "a packet".to_owned()).collect(),
        if local { vec!["a packet".to_owned()] } else { Vec::new() },
    );
    if fate.verdict == Verdict::Stolen && fate.reply.is_some() {
        let answer = |answer: &[u8]| hex(&without_cookie(answer));
        same(
            "answer",
            observed.replies.iter().map(|reply| answer(reply)).collect(),
            fate.reply.iter().map(|reply| answer(reply)).collect(),
        );
    }
    if fate.verdict == Verdict::Reject {
        let replies = observed.replies.iter().map(|reply| hex(&without_chance(reply)));
        same(
            "reply",
            replies.collect(),
            fate.reply.iter().map(|reply| hex(&without_chance(reply))).collect(),
        );
    }
    differences
}

/// A TCP packet with the checksum that the kernel leaves to the network card, if it does: then there is the sum of the
/// pseudo header alone.
fn completed(packet: &[u8]) -> Vec<u8> {
    let mut packet = packet.to_vec();
    let (addresses, transport) = match packet.first() {
        Some(0x45) if packet.get(9) == Some(&6) => (12..20, 20),
        Some(first) if first >> 4 == 6 && packet.get(6) == Some(&6) => (8..40, 40),
        _ => return packet,
    };
    let data = Data::new(&packet);
    let pseudo = data.sum(addresses.start, addresses.end, 6 + (packet.len() - transport) as u32);
    if data.be16(transport + 16).map(u32::from) != Some(pseudo) {
        return packet;
    }
    // The sum over all includes that of the pseudo header, which stands in the checksum's place.
    let sum = match !(data.sum(transport, packet.len(), 0) as u16) {
        0 => 0xffff,
        sum => sum,
    };
    if let Some(place) = packet.get_mut(transport + 16..transport + 18) {
        place.copy_from_slice(&sum.to_be_bytes());
    }
    packet
}

/// A packet that the kernel made without what it chooses by itself or fills in later: identification, header checksum
/// and the checksum of TCP in IPv4, flow label in IPv6.
fn without_chance(packet: &[u8]) -> Vec<u8> {
    let mut packet = packet.to_vec();
    let blank: &[usize] = match packet.first() {
        Some(first) if first >> 4 == 6 => &[1, 2, 3],
        _ if packet.get(9) == Some(&6) => &[4, 5, 10, 11, 36, 37],
        _ => &[4, 5, 10, 11],
    };
    for at in blank {
        if let Some(byte) = packet.get_mut(*at) {
            *byte = 0;
        }
    }
    packet
}

/// The SYN and ACK of `SYNPROXY` without its sequence number and the time in its timestamp.
fn without_cookie(answer: &[u8]) -> Vec<u8> {
    let mut answer = without_chance(answer);
    let tcp = if answer.first().is_some_and(|first| first >> 4 == 6) { 40 } else { 20 };
    let timestamp = answer.windows(2).skip(tcp + 20).position(|option| option == [8, 10]);
    let time = timestamp.map(|at| tcp + 20 + at + 2);
    let blank =
        (tcp + 4..tcp + 8).chain(tcp + 16..tcp + 18).chain(time.into_iter().flat_map(|at| at..at + 3));
    for at in blank {
        if let Some(byte) = answer.get_mut(at) {
            *byte = 0;
        }
    }
    // The last six bits of the time say what the client can do.
    if let Some(byte) = time.and_then(|at| answer.get_mut(at + 3)) {
        *byte &= 0x3f;
    }
    answer
}

/// In hexadecimal; the identifications of IPv6 fragments, which are random, left blank.
fn hex(packet: &[u8]) -> String {
    let mut packet = packet.to_vec();
    if packet.first().is_some_and(|first| first >> 4 == 6) {
        let (mut next, mut at) = (packet.get(6).copied(), 40);
        while let Some(0 | 43 | 51 | 60) = next {
            let units = usize::from(packet.get(at + 1).copied().unwrap_or_default());
            let len = if next == Some(51) { (units + 2) * 4 } else { (units + 1) * 8 };
            (next, at) = (packet.get(at).copied(), at + len);
        }
        if let (Some(44), Some(id)) = (next, packet.get_mut(at + 4..at + 8)) {
            id.fill(0);
        }
    }
    packet.iter().fold(String::with_capacity(packet.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// What differs between two rulesets with counters, as iptables-save prints them: compared by position, as the two
/// need not print rules alike.
#[must_use]
pub fn differences(kernel: &str, evaluator: &str) -> Vec<String> {
    let (kernel, evaluator) = (parse(kernel), parse(evaluator));
    let mut found = Vec::new();
    for (name, ours) in &evaluator {
        let Some((_, theirs)) = kernel.iter().find(|(other, _)| other == name) else {
            if ours.iter().any(|(counters, _)| !counters.starts_with("[0:0]")) {
                found.push(format!("{name}: not in the kernel"));
            }
            continue;
        };
        if ours.len() != theirs.len() {
            found.push(format!(
                "{name}: {} rules in the kernel, {} in the evaluator",
                theirs.len(),
                ours.len()
            ));
        }
        for (number, (theirs, ours)) in theirs.iter().zip(ours).enumerate() {
            if theirs.0 != ours.0 {
                found.push(format!(
                    "{name} {number}: kernel {}, evaluator {}: {}",
                    theirs.0, ours.0, theirs.1
                ));
            }
        }
    }
    found
}

/// Counters and text, of a chain's policy and of its rules.
type Counted = Vec<(String, String)>;

/// The chains of a save file, by table and name.
fn parse(text: &str) -> Vec<(String, Counted)> {
    let mut chains: Vec<(String, Counted)> = Vec::new();
    let mut table = "";
    for line in text.lines() {
        if let Some(name) = line.strip_prefix('*') {
            table = name;
        } else if let Some(chain) = line.strip_prefix(':') {
            let mut words = chain.split(' ');
            let (name, policy) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
            // Chains of users have no counters, though some programs print zeros.
            let counters = if policy == "-" { "" } else { words.next().unwrap_or_default() };
            chains.push((format!("{table} {name}"), vec![(counters.into(), policy.into())]));
        } else if let Some((counters, rule)) = line.split_once(" -A ") {
            let name = format!("{table} {}", rule.split(' ').next().unwrap_or_default());
            if let Some((_, rules)) = chains.iter_mut().rev().find(|(other, _)| *other == name) {
                rules.push((counters.into(), rule.into()));
            }
        }
    }
    chains
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_are_compared_by_position() {
        let kernel =
            "*filter\n:INPUT DROP [1:2]\n:u - [0:0]\n[1:40] -A INPUT -j u\n[0:0] -A u -p 6\nCOMMIT\n";
        assert_eq!(differences(kernel, kernel), [""; 0]);
        let other = kernel.replace("-p 6", "-p tcp").replace("[1:40]", "[2:40]");
        let found = differences(kernel, &other);
        assert_eq!(found, ["filter INPUT 1: kernel [1:40], evaluator [2:40]: INPUT -j u"]);
        assert!(differences("", kernel)[0].contains("not in the kernel"));
    }
}
