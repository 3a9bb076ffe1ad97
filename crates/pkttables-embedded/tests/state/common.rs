//! Rulesets for the tests without the real kernel.

use nfnetlink::{BatchBuilder, Connection, Error, Flags};
use pkttables_embedded::EmbeddedKernel;
use pkttnetlink::nft::expr::{Cmp, CmpOp, Counter, Immediate, Meta, MetaKey};
use pkttnetlink::nft::{
    Body, Chain, ChainHook, Data, Family, Flowtable, Hook, Message, Object, Register, Rule, Set, Table,
    Verdict, VerdictCode,
};

pub(crate) fn table(name: &'static str) -> Body<'static> {
    Body::NewTable(Table { name: Some(name.into()), ..Table::default() })
}

pub(crate) fn chain(table: &'static str, name: &'static str) -> Body<'static> {
    Body::NewChain(Chain { table: Some(table.into()), name: Some(name.into()), ..Chain::default() })
}

pub(crate) fn base_chain(table: &'static str, name: &'static str) -> Body<'static> {
    Body::NewChain(Chain {
        table: Some(table.into()),
        name: Some(name.into()),
        hook: Some(ChainHook { hook: Some(Hook::LOCAL_IN), priority: Some(0), ..ChainHook::default() }),
        chain_type: Some(Chain::FILTER.into()),
        ..Chain::default()
    })
}

fn rule(table: &'static str, chain: &'static str, protocol: u8, verdict: Verdict<'static>) -> Body<'static> {
    let expressions = vec![
        Meta { key: Some(MetaKey::L4PROTO), dreg: Some(Register::R1), ..Meta::default() }.into(),
        Cmp {
            sreg: Some(Register::R1),
            op: Some(CmpOp::EQ),
            data: Some(Data::Value(vec![protocol].into())),
            ..Cmp::default()
        }
        .into(),
        Counter { packets: Some(7), bytes: Some(420), ..Counter::default() }.into(),
        Immediate::verdict(verdict).into(),
    ];
    Body::NewRule(Rule {
        table: Some(table.into()),
        chain: Some(chain.into()),
        expressions,
        ..Rule::default()
    })
}

pub(crate) fn append(table: &'static str, chain: &'static str, protocol: u8) -> Body<'static> {
    rule(table, chain, protocol, Verdict::new(VerdictCode::ACCEPT))
}

pub(crate) fn jump(table: &'static str, chain: &'static str, to: &'static str) -> Body<'static> {
    rule(table, chain, 6, Verdict::to_chain(VerdictCode::JUMP, to.into()))
}

pub(crate) fn commit(kernel: &EmbeddedKernel, bodies: Vec<Body<'static>>) -> Result<(), Error> {
    let mut batch = BatchBuilder::new(10);
    for (body, tag) in bodies.into_iter().zip(1..) {
        let flags = match body {
            Body::DeleteChain(_) | Body::DeleteRule(_) => Flags::default(),
            _ => Flags::CREATE | Flags::APPEND,
        };
        let message = Message::new(Family::IPV4, body);
        batch.push(tag, message.body.kind(), flags, |writer| message.encode_payload(writer))?;
    }
    Connection::new(kernel.connect()).commit(&batch.end())
}

/// Everything, in its readable form.
pub(crate) fn dump(kernel: &EmbeddedKernel) -> String {
    let mut connection = Connection::new(kernel.connect());
    let mut text = String::new();
    for body in [
        Body::GetTable(Table::default()),
        Body::GetChain(Chain::default()),
        Body::GetRule(Rule::default()),
        Body::GetSet(Set::default()),
        Body::GetObject(Object::default()),
        Body::GetFlowtable(Flowtable::default()),
    ] {
        let request = Message::new(Family::UNSPEC, body);
        let each = |message: &nfnetlink::Message<'_>| {
            text.push_str(&format!("{}\n", Message::decode(message)?));
            Ok::<_, Error>(())
        };
        connection
            .dump(request.body.kind(), Flags::default(), |writer| request.encode_payload(writer), each)
            .unwrap();
    }
    text
}
