//! The two lower layers without the upper ones: a batch of messages, and what the kernel says of one that it refuses.

use nfnetlink::{BatchBuilder, Connection, EncodeError, Error, Flags, Messages};
use pkttables_embedded::EmbeddedKernel;
use pkttnetlink::Readable;
use pkttnetlink::nft::expr::{Counter, Immediate};
use pkttnetlink::nft::{Body, Chain, Family, Message, Rule, Table, Verdict, VerdictCode};

const NF_TABLES: u8 = 10;

fn push(batch: &mut BatchBuilder, tag: u32, flags: Flags, body: Body<'_>) -> Result<(), EncodeError> {
    let message = Message::new(Family::IPV4, body);
    batch.push(tag, message.body.kind(), flags, |writer| message.encode_payload(writer))
}

/// A chain that counts and drops everything, in a table made for it.
fn batch(table: &str) -> Result<nfnetlink::Batch, EncodeError> {
    let mut batch = BatchBuilder::new(NF_TABLES);
    let name = Some(table.into());
    push(&mut batch, 1, Flags::CREATE, Body::NewTable(Table { name, ..Table::default() }))?;
    let chain = Chain { table: Some("made-here".into()), name: Some("all".into()), ..Chain::default() };
    push(&mut batch, 2, Flags::CREATE, Body::NewChain(chain))?;
    let rule = Rule {
        table: Some("made-here".into()),
        chain: Some("all".into()),
        expressions: vec![
            Counter { packets: Some(0), bytes: Some(0), ..Counter::default() }.into(),
            Immediate::verdict(Verdict::new(VerdictCode::DROP)).into(),
        ],
        ..Rule::default()
    };
    push(&mut batch, 3, Flags::CREATE | Flags::APPEND, Body::NewRule(rule))?;
    Ok(batch.end())
}

fn main() -> Result<(), Error> {
    // `nfnetlink::Socket::open()?` would be the running kernel.
    let mut connection = Connection::new(EmbeddedKernel::new().connect());
    let good = batch("made-here")?;
    println!("{}\n", Readable(good.as_bytes()));
    connection.commit(&good)?;
    println!(
        "{} bytes in {} messages: done\n",
        good.as_bytes().len(),
        Messages::new(good.as_bytes()).count()
    );

    // The chain is to be made in a table that is not there.
    let mut elsewhere = Connection::new(EmbeddedKernel::new().connect());
    match elsewhere.commit(&batch("another")?) {
        Err(Error::BatchRefused(refusal)) => {
            for failure in &refusal.failures {
                println!("message {:?} is refused: {}", failure.tag, failure.refusal);
            }
            Ok(())
        }
        other => other,
    }
}
