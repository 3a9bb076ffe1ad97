//! One NEWRULE of the usual size, as bytes and as a typed message, here and in netlink-packet-netfilter.

mod cpu_time;

use cpu_time::CpuTime;
use criterion::{Criterion, Throughput};
use netlink_packet_core::NetlinkMessage;
use netlink_packet_netfilter::NetfilterMessage;
use nfnetlink::wire::{Header, Messages, Writer};
use pkttables::kernel::Kernel;
use pkttables_embedded::EmbeddedKernel;
use pkttnetlink::nft::{Body, Message, kind};
use std::hint::black_box;

/// What the kernel dumps for such a rule takes some 400 bytes.
const RULES: &str = "*filter\n:some-chain - [0:0]\n\
    -A some-chain -s 192.0.2.1/32 -p tcp -m tcp --dport 443 -j ACCEPT\nCOMMIT\n";

/// The message that adds the rule, with the handle and position that a dump has.
fn newrule() -> Vec<u8> {
    let mut kernel = Kernel::new(EmbeddedKernel::new().connect());
    let batch = benches::batch(RULES, &mut kernel).expect("a batch");
    let found = batch.messages().find(|(_, message)| message.header.kind == kind::NEW_RULE);
    let (_, raw) = found.expect("a rule");
    let mut message = Message::decode(&raw).expect("a message");
    if let Body::NewRule(rule) = &mut message.body {
        (rule.handle, rule.position) = (Some(7), Some(6));
    }
    let mut writer = Writer::new();
    message.encode(&raw.header, &mut writer).expect("bytes");
    writer.as_bytes().to_vec()
}

/// Decodes with its netlink header.
fn decode(bytes: &[u8]) -> (Header, Message<'_>) {
    let raw = Messages::new(bytes).next().expect("a message").expect("a whole message");
    (raw.header, Message::decode(&raw).expect("a rule"))
}

fn message(criterion: &mut Criterion<CpuTime>) {
    let bytes = newrule();
    let mut group = criterion.benchmark_group(format!("NEWRULE of {} bytes", bytes.len()));
    group.throughput(Throughput::Elements(1));

    group.bench_function("decode (at most 1.5 µs)", |b| b.iter(|| black_box(decode(black_box(&bytes)))));
    let (header, typed) = decode(&bytes);
    let mut writer = Writer::new();
    group.bench_function("encode (at most 0.5 µs)", |b| {
        b.iter(|| {
            writer.clear();
            black_box(&typed).encode(&header, &mut writer).expect("bytes");
            black_box(writer.as_bytes());
        });
    });
    assert_eq!(writer.as_bytes(), bytes);

    let theirs = |bytes: &[u8]| NetlinkMessage::<NetfilterMessage>::deserialize(bytes).expect("a rule");
    group.bench_function("decode, netlink-packet-netfilter 0.4", |b| {
        b.iter(|| black_box(theirs(black_box(&bytes))));
    });
    let typed = theirs(&bytes);
    let mut buffer = vec![0; typed.buffer_len()];
    group.bench_function("encode, netlink-packet-netfilter 0.4", |b| {
        b.iter(|| {
            black_box(&typed).serialize(&mut buffer);
            black_box(&buffer);
        });
    });
    group.finish();
}

fn main() {
    let mut criterion = cpu_time::criterion();
    message(&mut criterion);
    criterion.final_summary();
}
