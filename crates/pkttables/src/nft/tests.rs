use super::*;
use crate::domain::{Masked, PortRange};
use crate::matches::length::Length;
use crate::matches::limit::Limit;
use crate::matches::mark::Mark;
use crate::matches::tcp::{Tcp, TcpFlags};
use crate::matches::udp::Udp;
use crate::model::{
    AddressMask, Counters, Family, Header, InterfacePattern, Match, Negatable, Rule, Target, Verdict,
    protocol,
};
use crate::registry::{Describe, Extension, Instance, Kind, NoSets, Registry, RuleScope, Scope, Value};
use nfnetlink::wire::{Attributes, Reader, Writer};
use pkttnetlink::nft;
use proptest::option;
use proptest::prelude::*;
use std::convert::Infallible;
use std::net::IpAddr;

/// A kernel that takes every revision.
struct Any;

impl Revisions for Any {
    type Error = Infallible;
    fn supports(&mut self, _: Kind, _: &str, _: Family, _: u8) -> Result<bool, Infallible> {
        Ok(true)
    }
}

fn written(rule: &Rule, family: Family) -> Vec<u8> {
    let scope = RuleScope { family, table: None, chain: None, header: &rule.header };
    let mut writer = Writer::new();
    RuleEncoder::default()
        .write(rule, &scope, &mut Any, &NoSets, &mut writer)
        .expect("a rule that can be written");
    writer.into_bytes().expect("a rule of the usual size")
}

fn read(bytes: &[u8], family: Family) -> RuleBody {
    let rule = nft::Rule::decode(Attributes::new(Reader::new(bytes))).expect("what was written");
    read_rule(&rule, family, None, Registry::builtin(), &NoSets)
}

/// One line per expression, as `nft --debug=netlink` counts them.
fn names(bytes: &[u8]) -> Vec<String> {
    let rule = nft::Rule::decode(Attributes::new(Reader::new(bytes))).expect("what was written");
    rule.expressions.iter().map(|expression| expression.name().to_string()).collect()
}

fn address(text: &str, not: bool) -> Option<Negatable<AddressMask>> {
    let family = if text.contains(':') { Family::Ipv6 } else { Family::Ipv4 };
    let value = AddressMask::parse(text, &Scope { family, protocol: None }).expect("an address");
    Some(Negatable { value, not })
}

#[test]
fn masks_that_end_between_bytes_need_no_bitwise() {
    for (text, expected) in [
        ("10.0.0.0/8", ["payload", "cmp", "counter"].as_slice()),
        ("10.0.0.0/9", &["payload", "bitwise", "cmp", "counter"]),
        ("10.0.0.1/255.0.0.255", &["payload", "bitwise", "cmp", "counter"]),
        ("0.0.0.0/0", &["counter"]),
    ] {
        let header = Header { source: address(text, false), ..Header::default() };
        let rule = Rule { header, ..Rule::default() };
        assert_eq!(names(&written(&rule, Family::Ipv4)), expected, "{text}");
    }
}

#[test]
fn what_no_iptables_writes_is_foreign() {
    use pkttnetlink::nft::expr::{Counter, Meta, MetaKey, Payload, PayloadBase};
    let load = Meta { key: Some(MetaKey::LEN), dreg: Some(nft::Register::R1), ..Meta::default() };
    let counter = Counter { packets: Some(0), bytes: Some(0), ..Counter::default() };
    let payload = Payload {
        base: Some(PayloadBase::NETWORK_HEADER),
        offset: Some(0),
        len: Some(1),
        dreg: Some(nft::Register::R1),
        ..Payload::default()
    };
    for expressions in [
        vec![load.clone().into()],
        vec![counter.clone().into(), counter.into()],
        vec![payload.into(), load.into()],
        vec![nft::expr::Expression::Unknown(nft::expr::UnknownExpression::default())],
    ] {
        let rule = nft::Rule { expressions, ..nft::Rule::default() };
        let body = read_rule(&rule, Family::Ipv4, None, Registry::builtin(), &NoSets);
        assert_eq!(body, RuleBody::Foreign(Box::new(rule)));
    }
}

fn negatable<T: std::fmt::Debug + Clone>(
    value: impl Strategy<Value = T>,
) -> impl Strategy<Value = Negatable<T>> {
    (value, any::<bool>()).prop_map(|(value, not)| Negatable { value, not })
}

fn address_of(family: Family) -> impl Strategy<Value = AddressMask> {
    (any::<u128>(), any::<u128>(), 1..=family.address_bits(), any::<bool>()).prop_map(
        move |(address, mask, bits, prefix)| {
            let (address, mask): (IpAddr, IpAddr) = match family {
                Family::Ipv4 => {
                    ((address as u32).to_be_bytes().into(), (mask as u32 | 1).to_be_bytes().into())
                }
                Family::Ipv6 => (address.to_be_bytes().into(), (mask | 1).to_be_bytes().into()),
            };
            let masked =
                if prefix { AddressMask::prefix(address, bits) } else { AddressMask::new(address, mask) };
            masked.expect("one family")
        },
    )
}

fn interface() -> impl Strategy<Value = InterfacePattern> {
    ("[a-z][a-z0-9.]{0,14}", any::<bool>())
        .prop_map(|(name, prefix)| InterfacePattern::new(name.as_bytes(), prefix).expect("a short name"))
}

fn target() -> impl Strategy<Value = Target> {
    prop_oneof![
        Just(Target::None),
        proptest::sample::select(&Verdict::ALL[..]).prop_map(Target::Verdict),
        "[a-zA-Z-]{1,28}".prop_map(|name| Target::Jump(name.into())),
        "[a-zA-Z-]{1,28}".prop_map(|name| Target::Goto(name.into())),
    ]
}

fn rule(family: Family) -> impl Strategy<Value = Rule> {
    let header = (
        option::of(negatable(address_of(family))),
        option::of(negatable(address_of(family))),
        option::of(negatable(interface())),
        option::of(negatable(interface())),
        option::of(negatable(1u8..)),
        option::of(negatable(Just(()))),
    )
        .prop_map(move |(source, destination, in_interface, out_interface, protocol, fragment)| Header {
            source,
            destination,
            in_interface,
            out_interface,
            protocol,
            fragment: fragment.filter(|_| family == Family::Ipv4),
        });
    let length = option::of(any::<bool>()).prop_map(|length| {
        length.map(|not| Match::Known(Box::new(Length { not, ..Length::default() }))).into_iter().collect()
    });
    (header, length, target(), any::<[u64; 2]>()).prop_map(|(header, matches, target, [packets, bytes])| {
        Rule { header, matches, target, counters: Some(Counters { packets, bytes }) }
    })
}

fn ports() -> impl Strategy<Value = Negatable<PortRange>> {
    let end = || prop_oneof![Just(0), Just(1), Just(u16::MAX - 1), Just(u16::MAX), any::<u16>()];
    negatable((end(), end()).prop_map(|(a, b)| PortRange::new(a.min(b), a.max(b)).expect("in order")))
}

/// A rule whose only match is `value`, as it is after parsing.
fn rule_with(value: impl Extension, number: u8) -> Rule {
    let protocol = Some(Negatable { value: number, not: false });
    let mut rule = Rule { header: Header { protocol, ..Header::default() }, ..Rule::default() };
    let mut value: Box<dyn Instance> = Box::new(value);
    let scope = RuleScope { family: Family::Ipv4, table: None, chain: None, header: &rule.header };
    value.check(&scope).expect("a valid match");
    rule.matches.push(Match::Known(value));
    rule.counters = Some(Counters::default());
    rule
}

proptest! {
    #[test]
    fn native_matches_read_back(
        source in ports(), destination in ports(), flags in negatable((any::<u8>(), any::<u8>())),
        mark: u32, mask: u32, not: bool, limit in "[1-9][0-9]{0,3}/(sec|min|hour|day)", burst in 1u32..,
    ) {
        let scope = Scope { family: Family::Ipv4, protocol: None };
        let mut limited = Limit { burst, ..Limit::default() };
        Limit::DESCRIPTOR.param("limit", Family::Ipv4).expect("it has one")
            .set(&mut limited, &limit, false, &scope).expect("a rate");
        let flags = Negatable { value: TcpFlags { mask: flags.value.0, set: flags.value.1 }, not: flags.not };
        for rule in [
            rule_with(Tcp { source, destination, flags, option: None }, protocol::TCP),
            rule_with(Tcp { source, destination, ..Tcp::default() }, protocol::TCP),
            rule_with(Udp { source, destination }, protocol::UDP),
            rule_with(limited, protocol::TCP),
            rule_with(Mark { mark: Masked { value: mark, mask }, not }, protocol::UDP),
        ] {
            prop_assert_eq!(read(&written(&rule, Family::Ipv4), Family::Ipv4), RuleBody::Known(rule));
        }
    }

    #[test]
    fn rules_read_back_as_they_were_written(v4 in rule(Family::Ipv4), v6 in rule(Family::Ipv6)) {
        for (rule, family) in [(v4, Family::Ipv4), (v6, Family::Ipv6)] {
            prop_assert_eq!(read(&written(&rule, family), family), RuleBody::Known(rule));
        }
    }
}
