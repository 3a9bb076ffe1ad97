use std::time::Duration;

use arbitrary::Unstructured;
use pkttables::model::Ruleset;
use pkttables::packet::{Data, InterfaceName, Meta};
use pkttables::registry::{Backend, Route};
use pkttables_eval::builder::PacketBuilder;
use pkttables_eval::conntrack::{Conntrack, Entry, Pass, Place, Reassembled, Reassembly, Settings};
use pkttables_eval::ipset::Sets;
use pkttables_eval::{Evaluator, Host, Origin, Setup};

use crate::text;

/// A save file, a NUL, and packets: of each its length in two bytes, a byte of flags, and its bytes.
pub fn evaluate(bytes: &[u8]) {
    let mut parts = bytes.splitn(2, |byte| *byte == 0);
    let (Some(rules), Some(packets)) = (parts.next(), parts.next()) else { return };
    let Ok(ruleset) = text::read(rules, text::family(rules)) else { return };
    let backend =
        if packets.first().is_some_and(|first| first & 1 == 1) { Backend::Legacy } else { Backend::Nft };
    let mut host = Host::new();
    let interface = InterfaceName::new(b"eth0").expect("a name");
    for (prefix, local) in [("0.0.0.0/0", "10.0.0.1"), ("::/0", "fd00::1")] {
        let scope = pkttables::registry::Scope { family: ruleset.family, protocol: None };
        if let Ok(prefix) = pkttables::registry::Value::parse(prefix, &scope) {
            host.add_route(prefix, Route { interface, gateway: None, mtu: 1500 });
        }
        host.add_local(local.parse().expect("an address"));
    }
    let Ok(mut evaluator) = Evaluator::new(ruleset, host, backend) else { return };
    for_each_packet(packets, |packet, flags, time| {
        let origin = if flags & 1 == 0 { Origin::Received } else { Origin::Local };
        let meta = Meta {
            input: (origin == Origin::Received).then_some(interface),
            output: (origin == Origin::Local).then_some(interface),
            time: time.as_nanos() as u64,
            ..Meta::default()
        };
        let _ = evaluator.process(Data::new(packet), &meta, origin, &mut ()).map(|fate| fate.verdict.name());
    });
    let _ = text::write(evaluator.ruleset());
}

/// Texts that tell the evaluator of its host: sets as `ipset save` prints them, a packet in words, a route, a setting.
pub fn host_texts(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let _ = Sets::parse(&text).map_err(|error| error.to_string());
    if let Ok(builder) = PacketBuilder::parse(&text) {
        let _ = builder.build().map_err(|error| error.to_string());
    }
    let setup = || Setup::new(Ruleset { family: text::family(bytes), tables: Vec::new() });
    let _ = setup().route(&text).map_err(|error| error.to_string());
    let (key, value) = text.split_once('=').unwrap_or((&text, ""));
    let _ = setup().sysctl(key, value).map_err(|error| error.to_string());
}

/// Packets as for `evaluate`, put together and tracked.
pub fn conntrack(bytes: &[u8]) {
    let mut reassembly = Reassembly::default();
    let mut conntrack = Conntrack::new(Settings::default());
    for_each_packet(bytes, |packet, flags, time| {
        let whole = match reassembly.push(Data::new(packet), Place::Incoming, &Settings::default(), time) {
            Reassembled::Whole => packet.to_vec(),
            Reassembled::Complete { packet, .. } => packet,
            Reassembled::Held | Reassembled::Dropped => return,
        };
        conntrack.advance(time);
        let entry = Entry { received: flags & 1 == 0, ..Entry::default() };
        let (tracking, pass) = conntrack.incoming(Data::new(&whole), &entry, &mut || 0);
        if pass == Pass::Accept && flags & 2 == 0 {
            let _ = conntrack.confirm(&tracking);
        }
        let _ = conntrack.describe(&tracking);
        conntrack.release(&tracking);
        if let Some(id) = tracking.connection.filter(|id| conntrack.connection(*id).is_some()) {
            assert!(conntrack.connections().any(|(known, _)| known == id), "kept though not confirmed");
        }
    });
    assert_eq!(conntrack.connections().count(), conntrack.len());
}

/// Hands out packets with their flags and a clock that the flags move on.
fn for_each_packet(bytes: &[u8], mut take: impl FnMut(&[u8], u8, Duration)) {
    let mut input = Unstructured::new(bytes);
    let mut time = Duration::from_secs(1_700_000_000);
    while let (Ok(len), Ok(flags)) = (input.arbitrary::<u16>(), input.arbitrary::<u8>()) {
        let len = usize::from(len).min(input.len());
        let Ok(packet) = input.bytes(len) else { break };
        time += Duration::from_millis(1 << (flags >> 4));
        take(packet, flags, time);
        if input.is_empty() {
            break;
        }
    }
}
