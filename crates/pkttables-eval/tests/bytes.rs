//! Rules decoded from the bytes that a kernel holds judge packets as the text does that they were made from.

use pkttables::edit::{EditError, Editor};
use pkttables::kernel::{Kernel, KernelError};
use pkttables::model::{Family, Ruleset, TableName, protocol};
use pkttables::nft::RuleBody;
use pkttables::packet::Data;
use pkttables::registry::{Backend, Descriptor, Kind, Registry};
use pkttables::text::{Parser, ReadOptions, Reader, read_ruleset};
use pkttables_embedded::EmbeddedKernel;
use pkttables_eval::builder::{Made, PacketBuilder};
use pkttables_eval::{Error, Evaluator, Host, Setup, SetupError, Verdict};
use std::sync::Arc;

fn parse(family: Family, text: &str) -> Option<Ruleset> {
    let parser = Parser::new(family, Registry::builtin());
    read_ruleset(&mut Reader::new(text.as_bytes(), parser, ReadOptions::default())).ok()
}

/// The ruleset as an embedded kernel gives it back; `None` if it does not take it.
fn through_the_kernel(ruleset: &Ruleset) -> Option<Ruleset> {
    let family = ruleset.family;
    let mut kernel = Kernel::new(EmbeddedKernel::new().connect());
    let loaded = kernel.update(|snapshot, transaction| {
        let mut editor = Editor::new(snapshot, transaction, family, false);
        for table in &ruleset.tables {
            for chain in &table.chains {
                editor.declare_chain(table.name, &chain.name, (chain.policy, chain.counters))?;
                for rule in &chain.rules {
                    editor.append(table.name, &chain.name, rule)?;
                }
            }
        }
        Ok::<_, EditError>(())
    });
    loaded.ok()?;
    let mut back = ruleset.clone();
    for table in &mut back.tables {
        for chain in &mut table.chains {
            let chain = Arc::make_mut(chain);
            chain.rules.clear();
            let read = kernel.read(|snapshot| {
                snapshot.for_each_rule(family, table.name, &[&chain.name], |_, rule| {
                    if let RuleBody::Known(rule) = rule.body {
                        chain.rules.push(rule);
                    }
                    Ok::<_, KernelError>(())
                })
            });
            read.expect("the kernel's rules");
        }
    }
    Some(back)
}

/// Rules of one extension, with each value that its parameters have as examples.
fn rules(descriptor: &Descriptor, family: Family) -> Vec<String> {
    let table = TableName::ALL.into_iter().find(|table| descriptor.tables.contains(table.as_set()));
    let table = table.unwrap_or(TableName::Filter);
    let chain = table.hooks().first().map_or("INPUT", |hook| hook.chain());
    let option = if descriptor.kind == Kind::Match { "-m" } else { "-j" };
    let number = descriptor.protocols.first().map(|number| format!("-p {} ", protocol::name(*number)));
    let number = number.unwrap_or_default();
    let of_params = descriptor.params.iter().filter(|param| param.families.has(family)).flat_map(|param| {
        let not = if param.negatable { &["", "! "][..] } else { &[""] };
        let samples = param.domain.samples(family);
        not.iter().flat_map(move |not| {
            samples.clone().into_iter().map(move |value| format!("{not}--{} {value}", param.name))
        })
    });
    let lines = std::iter::once(String::new()).chain(of_params);
    lines
        .map(|words| {
            format!(
                "*{}\n:{chain} ACCEPT\n-A {chain} {number}{option} {} {words}\nCOMMIT\n",
                table.name(),
                descriptor.name
            )
        })
        .collect()
}

fn packets(family: Family) -> Vec<Made> {
    let (source, destination) = match family {
        Family::Ipv4 => ("10.1.0.2", "10.2.0.2"),
        Family::Ipv6 => ("2001:db8:1::2", "2001:db8:2::2"),
    };
    let kinds = [
        "proto=tcp dport=22",
        "proto=tcp sport=80 dport=1024 flags=syn,ack ack=1 mss=1400 tos=0x10",
        "proto=tcp dport=443 flags=ack,psh payload=\"GET / HTTP\" mark=0x1",
        "proto=udp dport=53 ttl=2",
        "proto=udp sport=53 dport=53 payload=0x00 smac=00:11:22:33:44:55",
        "proto=icmp",
        "proto=icmp type=echo-reply time=5s",
        "proto=sctp dport=5060 chunk",
        "proto=dccp dport=33",
        "proto=esp spi=500 length=200",
        "proto=ah spi=1",
        "proto=gre tos=0xb8",
        "proto=udplite dport=1 mark=7 realm=1",
        "proto=253 frag=8+ payload=fragment",
    ];
    let make = |kind: &&str| {
        let kind = kind.replace(" chunk", " type=init");
        let words = format!("in=eth0 src={source} dst={destination} {kind}");
        PacketBuilder::parse(&words).expect("a packet").build().expect("a packet")
    };
    kinds.iter().map(make).collect()
}

type Fates = Vec<Result<(Verdict, u32), Error>>;

/// What becomes of the packets, and what is counted.
fn judged(ruleset: Ruleset, packets: &[Made]) -> Result<(Fates, Ruleset), SetupError> {
    let (one, other) = match ruleset.family {
        Family::Ipv4 => ("10.1.0.0/16=eth0", "10.2.0.0/16=eth1"),
        Family::Ipv6 => ("2001:db8:1::/48=eth0", "2001:db8:2::/48=eth1"),
    };
    let setup = Setup::new(ruleset).backend(Backend::Nft).route(one)?.route(other)?;
    let mut evaluator: Evaluator<Host> = setup.evaluator()?;
    let fates = packets.iter().map(|packet| {
        let fate = evaluator.process(Data::new(&packet.bytes), &packet.meta, packet.origin, &mut ())?;
        Ok((fate.verdict, fate.mark))
    });
    let fates = fates.collect();
    Ok((fates, evaluator.ruleset().clone()))
}

#[test]
fn decoded_rules_judge_as_their_text_does() {
    let mut compared = 0;
    for family in [Family::Ipv4, Family::Ipv6] {
        let packets = packets(family);
        for descriptor in Registry::builtin().all().iter().filter(|one| one.families.has(family)) {
            for text in rules(descriptor, family) {
                let Some(ruleset) = parse(family, &text) else { continue };
                let Some(back) = through_the_kernel(&ruleset) else { continue };
                let (by_text, by_bytes) = (judged(ruleset, &packets), judged(back, &packets));
                match (by_text, by_bytes) {
                    (Ok((fates, counted)), Ok((other_fates, other_counted))) => {
                        assert_eq!(fates, other_fates, "{text}");
                        let counters = |ruleset: &Ruleset| {
                            let chain = ruleset.tables[0].chains.first().expect("the chain");
                            (chain.counters, chain.rules[0].counters)
                        };
                        assert_eq!(counters(&counted), counters(&other_counted), "{text}");
                        compared += 1;
                    }
                    (by_text, by_bytes) => assert_eq!(by_text.err(), by_bytes.err(), "{text}"),
                }
            }
        }
    }
    assert!(compared > 200, "only {compared} rules");
}
