//! Properties that hold for every message and expression, run over the tables of all of them.

use nfnetlink::wire::{Attributes, Header, Messages, Reader, Writer};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::expr::Expression;
use super::*;

/// Runs `test` on values of one strategy; fewer cases than usual, as there are many strategies.
fn check<S: Strategy>(name: &str, strategy: &S, test: impl Fn(S::Value) -> Result<(), TestCaseError>) {
    let config = Config { cases: 48, failure_persistence: None, ..Config::default() };
    if let Err(error) = TestRunner::new(config).run(strategy, test) {
        panic!("{name}: {error}");
    }
}

fn encode(body: Body<'_>) -> Vec<u8> {
    let mut writer = Writer::new();
    Message::new(Family::INET, body).encode(&Header::default(), &mut writer).unwrap();
    writer.into_bytes().unwrap()
}

fn rule_of(expression: Expression<'static>) -> Body<'static> {
    Body::NewRule(Rule { expressions: vec![expression], ..Rule::default() })
}

fn assert_round_trip(body: Body<'static>) -> Result<(), TestCaseError> {
    let bytes = encode(body.clone());
    let message = Messages::new(&bytes).next().unwrap().unwrap();
    let decoded = Message::decode(&message).map_err(|error| TestCaseError::fail(error.to_string()))?;
    prop_assert_eq!(&decoded.body, &body);
    prop_assert_eq!(encode(decoded.clone().into_owned().body), &bytes[..]);
    prop_assert!(decoded.to_string().starts_with(body.name().unwrap()));
    Ok(())
}

#[test]
fn every_message_survives_encoding() {
    for (name, strategy) in Body::samples() {
        check(name, &strategy, assert_round_trip);
    }
}

#[test]
fn every_expression_survives_encoding() {
    for (name, strategy) in Expression::samples(0) {
        check(name, &strategy, |expression| assert_round_trip(rule_of(expression)));
    }
}

/// Decodes, and where that succeeds shows and encodes; none of it may panic.
fn exercise(bytes: &[u8]) {
    for message in Messages::new(bytes).flatten() {
        if let Ok(message) = Message::decode(&message) {
            let _ = (message.to_string(), message.encode(&Header::default(), &mut Writer::new()));
        }
    }
}

#[test]
fn arbitrary_attributes_never_panic() {
    let bytes = proptest::collection::vec(prop_oneof![0u8..12, any::<u8>()], 0..120);
    for kind in (0..40).map(|number| 10 << 8 | number).chain([kind::COMPAT_GET]) {
        check("arbitrary", &bytes, |bytes| {
            let _ = Body::decode(kind, Attributes::new(Reader::new(&bytes)));
            Ok(())
        });
    }
}

#[test]
fn damaged_messages_never_panic() {
    let damage = (any::<prop::sample::Index>(), any::<u8>(), any::<prop::sample::Index>());
    for (name, strategy) in Body::samples() {
        check(name, &(strategy, damage.clone()), |(body, (at, byte, end))| {
            let mut bytes = encode(body);
            let at = at.index(bytes.len());
            bytes[at] = byte;
            exercise(&bytes);
            let len = end.index(bytes.len());
            bytes[0..4].copy_from_slice(&(len as u32).to_ne_bytes());
            exercise(&bytes[..len]);
            Ok(())
        });
    }
}

#[test]
fn unknown_message_is_kept() {
    let bytes = encode(Body::NewTable(Table { name: Some("t".into()), ..Table::default() }));
    let mut other = bytes.clone();
    other[4..6].copy_from_slice(&0x0a7fu16.to_ne_bytes());
    let message = Messages::new(&other).next().unwrap().unwrap();
    let decoded = Message::decode(&message).unwrap();
    assert!(matches!(decoded.body, Body::Unknown(_)));
    let mut writer = Writer::new();
    decoded.encode(&message.header, &mut writer).unwrap();
    assert_eq!(writer.as_bytes(), other);
}

#[test]
fn reads_as_indented_lines() {
    use super::expr::{Cmp, CmpOp, Immediate, Meta, MetaKey};
    let rule = Rule {
        table: Some("filter".into()),
        chain: Some("INPUT".into()),
        expressions: vec![
            Meta { key: Some(MetaKey::L4PROTO), dreg: Some(Register::R1), ..Meta::default() }.into(),
            Cmp {
                sreg: Some(Register::R1),
                op: Some(CmpOp::EQ),
                data: Some(Data::value(&[6])),
                ..Cmp::default()
            }
            .into(),
            Immediate::verdict(Verdict::to_chain(VerdictCode::JUMP, "tcp".into())).into(),
        ],
        ..Rule::default()
    };
    let message = Message::new(Family::IPV4, Body::NewRule(rule));
    let expected = "\
NFT_MSG_NEWRULE, family IPV4, resource 0
  NFTA_RULE_TABLE \"filter\"
  NFTA_RULE_CHAIN \"INPUT\"
  NFTA_RULE_EXPRESSIONS
    meta
      NFTA_META_KEY L4PROTO
      NFTA_META_DREG R1
    cmp
      NFTA_CMP_SREG R1
      NFTA_CMP_OP EQ
      NFTA_CMP_DATA 0x06
    immediate
      NFTA_IMMEDIATE_DREG VERDICT
      NFTA_IMMEDIATE_DATA
        NFTA_VERDICT_CODE JUMP
        NFTA_VERDICT_CHAIN \"tcp\"";
    assert_eq!(message.to_string(), expected);
}
