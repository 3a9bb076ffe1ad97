//! Seeds from what a real kernel dumps.

use std::collections::BTreeMap;
use std::io;

use nfnetlink::wire::{Attributes, Reader};
use nfnetlink::{BatchBuilder, Connection, Error, Flags, Messages, Socket, Tap};
use pkttables_embedded::EmbeddedKernel;
use pkttnetlink::nft::{Body, Family, Message, Object, Rule, Set, SetElements, kind};

use crate::{RULES, Seeds};

/// `NFTA_RULE_EXPRESSIONS`, `NFTA_EXPR_NAME` and `NFTA_EXPR_DATA`.
const RULE_EXPRESSIONS: u16 = 4;
const EXPRESSION_NAME: u16 = 1;
const EXPRESSION_DATA: u16 = 2;

pub(crate) fn write(seeds: &Seeds) -> io::Result<()> {
    let datagrams = testkit::in_namespace(|| {
        let restore =
            testkit::program("iptables-nft-restore").map(|mut program| testkit::run(&mut program, RULES));
        let nft = testkit::program("nft")
            .map(|mut program| testkit::run(program.args(["-f", "-"]), include_str!("rules.nft")));
        assert!(restore.is_some() && nft.is_some(), "iptables-nft and nft are needed");
        dump().expect("a dump")
    });
    let datagrams = datagrams.expect("a network namespace");
    let mut messages = BTreeMap::new();
    let mut expressions = BTreeMap::new();
    let mut rules = Vec::new();
    for datagram in &datagrams {
        for message in Messages::new(datagram).map(|message| message.expect("a message")) {
            let mut payload = message.payload;
            let attributes = payload.rest().get(4..).unwrap_or_default();
            let number = message.header.kind as u8;
            if message.header.kind >> 8 != 10 {
                continue;
            }
            messages.entry(number).or_insert_with(Vec::new).push([&[number], attributes].concat());
            if message.header.kind == kind::NEW_RULE {
                rules.push([&[0], attributes].concat());
                collect_expressions(attributes, &mut expressions);
            }
        }
    }
    for (number, of_kind) in &messages {
        for (index, message) in of_kind.iter().take(3).enumerate() {
            seeds.add("message", &format!("{number}-{index}"), message)?;
        }
    }
    for (name, attributes) in &expressions {
        let number =
            fuzz_targets::EXPRESSIONS.iter().position(|known| known == name).expect("a known expression");
        seeds.add("expression", name, [&[number as u8], &attributes[..]].concat())?;
    }
    for (index, rule) in rules.iter().enumerate() {
        seeds.add("kernel_rule", &format!("rule-{index}"), rule)?;
    }
    for (index, datagram) in datagrams.iter().filter(|datagram| datagram.len() < 4000).enumerate() {
        seeds.add("framing", &format!("dump-{index}"), datagram)?;
    }
    embedded(seeds, &datagrams)
}

/// What the kernel answers when everything is asked for.
fn dump() -> Result<Vec<Vec<u8>>, Error> {
    let mut datagrams = Vec::new();
    let tap = Tap::new(Socket::open()?, |_, datagram: &[u8]| datagrams.push(datagram.to_vec()));
    let mut connection = Connection::new(tap);
    let family = Family::IPV4;
    let mut sets = Vec::new();
    let requests = [
        Body::GetTable(Default::default()),
        Body::GetChain(Default::default()),
        Body::GetRule(Rule::default()),
        Body::GetSet(Set::default()),
        Body::GetObject(Object::default()),
        Body::GetFlowtable(Default::default()),
    ];
    for body in requests {
        let request = Message::new(family, body);
        connection.dump(
            request.body.kind(),
            Flags::default(),
            |writer| request.encode_payload(writer),
            |message| {
                if let Body::NewSet(set) = Message::decode(message)?.into_owned().body {
                    sets.push(set);
                }
                Ok::<_, Error>(())
            },
        )?;
    }
    for set in sets {
        let elements = SetElements { table: set.table, set: set.name, ..SetElements::default() };
        let request = Message::new(family, Body::GetSetElements(elements));
        connection.dump(
            request.body.kind(),
            Flags::default(),
            |writer| request.encode_payload(writer),
            |_| Ok::<_, Error>(()),
        )?;
    }
    let generation = Message::new(family, Body::GetGeneration(Default::default()));
    connection.get(
        generation.body.kind(),
        Flags::default(),
        |writer| generation.encode_payload(writer),
        |_| Ok::<_, Error>(()),
    )?;
    drop(connection);
    Ok(datagrams)
}

/// Each expression of a rule by its name; of several of one name the longest.
fn collect_expressions(attributes: &[u8], found: &mut BTreeMap<String, Vec<u8>>) {
    let list =
        Attributes::new(Reader::new(attributes)).flatten().find(|list| list.kind() == RULE_EXPRESSIONS);
    for element in list.into_iter().flat_map(|list| list.nested()).flatten() {
        let (mut name, mut data) = (String::new(), &[][..]);
        for attribute in element.nested().flatten() {
            match attribute.kind() {
                EXPRESSION_NAME => {
                    name = String::from_utf8_lossy(attribute.string("name").unwrap_or_default()).into()
                }
                EXPRESSION_DATA => data = attribute.value,
                _ => {}
            }
        }
        let longest = found.entry(name).or_default();
        if data.len() >= longest.len() {
            *longest = data.to_vec();
        }
    }
}

/// The dumped tables as a batch for the embedded kernel, and the state that it has then.
fn embedded(seeds: &Seeds, datagrams: &[Vec<u8>]) -> io::Result<()> {
    let kernel = EmbeddedKernel::new();
    for wanted in [kind::NEW_TABLE, kind::NEW_CHAIN, kind::NEW_RULE] {
        let messages = datagrams.iter().flat_map(|datagram| Messages::new(datagram)).flatten();
        for message in messages.filter(|message| message.header.kind == wanted) {
            let mut message = Message::decode(&message).expect("a message");
            message.resource = 0;
            match &mut message.body {
                Body::NewChain(chain) => chain.handle = None,
                Body::NewRule(rule) => (rule.handle, rule.position) = (None, None),
                _ => {}
            }
            let mut batch = BatchBuilder::new(10);
            let flags = Flags::CREATE | Flags::APPEND;
            batch.push(0, wanted, flags, |writer| message.encode_payload(writer)).expect("a message");
            let batch = batch.end();
            // What it has not, such as sets, it refuses.
            let _ = Connection::new(kernel.connect()).commit(&batch);
            if wanted != kind::NEW_RULE {
                let bytes = batch.as_bytes();
                let datagram = [&(bytes.len() as u16).to_le_bytes()[..], bytes].concat();
                seeds.add("embedded_datagrams", &format!("{}-{}", wanted & 0xff, bytes.len()), datagram)?;
            }
        }
    }
    seeds.add("embedded_state", "state", kernel.to_bytes().expect("a state"))?;
    seeds.add("embedded_batch", "numbers", (0..=255).collect::<Vec<u8>>())
}
