//! What is made of the answers of kernels that cannot be had for a test, played by a function.

use nfnetlink::wire::{self, Messages, Writer};
use nfnetlink::{Errno, Error, Flags, Transport};
use pkttables::kernel::{Kernel, KernelError, NewRule, Transaction, Zero};
use pkttables::model::{Family, Match, Negatable, Rule, TableName};
use pkttables::nft::RuleError;
use pkttables::registry::{Kind, Registry, Scope};
use pkttnetlink::nft::expr::{Counter, Expression, Immediate};
use pkttnetlink::nft::{self, Body, Compat, Generation, Message, VerdictCode};
use std::collections::VecDeque;

const V4: Family = Family::Ipv4;
const FILTER: TableName = TableName::Filter;

type Answer = Result<Vec<Body<'static>>, Errno>;

/// A kernel whose answers a function gives. Batches are taken as they are.
struct Played<F> {
    answer: F,
    replies: VecDeque<Vec<u8>>,
    current: Vec<u8>,
    asked: Vec<Message<'static>>,
}

impl<F: FnMut(&Body<'_>) -> Answer> Played<F> {
    fn kernel(answer: F) -> Kernel<Self> {
        Kernel::new(Self { answer, replies: VecDeque::new(), current: Vec::new(), asked: Vec::new() })
    }

    fn reply(&mut self, header: wire::Header, body: impl FnOnce(&mut Writer)) {
        let mut writer = Writer::new();
        let mark = writer.begin_message(&header);
        body(&mut writer);
        writer.finish_message(mark).expect("a short message");
        self.replies.push_back(writer.into_bytes().expect("a short message"));
    }

    fn acknowledge(&mut self, request: wire::Header, code: i32) {
        self.reply(wire::Header { kind: wire::kind::ERROR, flags: Flags::CAPPED, ..request }, |writer| {
            writer.bytes(&code.to_ne_bytes());
            writer.bytes(&[0; wire::NETLINK_HEADER_LEN]);
        });
    }
}

impl<F: FnMut(&Body<'_>) -> Answer> Transport for Played<F> {
    fn port(&self) -> u32 {
        1
    }

    fn send(&mut self, datagram: &[u8]) -> Result<(), Error> {
        for message in Messages::new(datagram) {
            let message = message?;
            let header = wire::Header { port: 1, ..message.header };
            if matches!(header.kind, wire::kind::BATCH_BEGIN | wire::kind::BATCH_END) {
                continue;
            }
            let decoded = Message::decode(&message)?.into_owned();
            self.asked.push(decoded.clone());
            if header.flags.contains(Flags::ACK) {
                self.acknowledge(header, 0);
                continue;
            }
            match (self.answer)(&decoded.body) {
                Err(errno) => self.acknowledge(header, -errno.number()),
                Ok(bodies) => {
                    let dump = header.flags.contains(Flags::DUMP);
                    let flags = if dump { Flags::MULTI } else { Flags::default() };
                    for body in bodies {
                        let reply = Message::new(decoded.family, body);
                        let kind = reply.body.kind();
                        self.reply(wire::Header { kind, flags, ..header }, |writer| {
                            reply.encode_payload(writer);
                        });
                    }
                    if dump {
                        self.reply(wire::Header { kind: wire::kind::DONE, flags, ..header }, |writer| {
                            writer.bytes(&[0; 4]);
                        });
                    }
                }
            }
        }
        Ok(())
    }

    fn receive(&mut self) -> Result<&[u8], Error> {
        self.current = self.replies.pop_front().ok_or(Error::Timeout)?;
        Ok(&self.current)
    }

    fn try_receive(&mut self) -> Result<Option<&[u8]>, Error> {
        if self.replies.is_empty() { Ok(None) } else { self.receive().map(Some) }
    }
}

fn multiport() -> Rule {
    let protocol = Some(Negatable { value: 6, not: false });
    let found = Registry::builtin().find(Kind::Match, "multiport", V4).expect("built in");
    let mut instance = found.instance();
    let param = found.param("ports", V4).expect("a parameter");
    param.set(&mut *instance, "1,2", false, &Scope { family: V4, protocol }).expect("two ports");
    let mut rule = Rule { matches: vec![Match::Known(instance)], ..Rule::default() };
    rule.header.protocol = protocol;
    rule
}

fn revisions(rules: &nft::Rule<'_>) -> Vec<Option<u32>> {
    let matches = rules.expressions.iter().filter_map(|expression| match expression {
        Expression::Match(part) => Some(part.revision),
        _ => None,
    });
    matches.collect()
}

#[test]
fn the_newest_revision_that_the_kernel_takes_is_written_and_asked_for_once() {
    let mut kernel = Played::kernel(|body| match body {
        Body::CompatGet(Compat { revision: Some(0), .. }) => Ok(vec![body.clone().into_owned()]),
        Body::CompatGet(_) => Err(Errno::EPROTONOSUPPORT),
        other => panic!("{other:?}"),
    });
    let rule = multiport();
    let mut transaction = Transaction::new();
    for _ in 0..3 {
        transaction.table(V4, FILTER).add_rule(0, &NewRule::append("INPUT", &rule), &mut kernel).unwrap();
    }
    let asked: Vec<_> = kernel
        .transport_mut()
        .asked
        .iter()
        .map(|message| match &message.body {
            Body::CompatGet(Compat { revision, name: Some(name), .. }) => (name.to_string(), *revision),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(asked, [("multiport".to_owned(), Some(1)), ("multiport".to_owned(), Some(0))]);
    let batch = transaction.into_batch();
    let written: Vec<_> = batch
        .messages()
        .map(|(_, message)| match Message::decode(&message).unwrap().body {
            Body::NewRule(rule) => revisions(&rule),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(written, [[Some(0)], [Some(0)], [Some(0)]]);
}

#[test]
fn an_extension_that_the_kernel_lacks_is_named_and_its_rule_left_out() {
    let mut kernel = Played::kernel(|_| Err(Errno::ENOENT));
    let rule = multiport();
    let mut transaction = Transaction::new();
    let mut filter = transaction.table(V4, FILTER);
    filter.create(0).unwrap();
    let error = filter.add_rule(0, &NewRule::append("INPUT", &rule), &mut kernel).unwrap_err();
    assert!(matches!(error, KernelError::Rule(RuleError::Unsupported { .. })), "{error:?}");
    assert!(error.to_string().contains("multiport"), "{error}");
    assert_eq!(transaction.len(), 1);
}

#[test]
fn a_question_that_fails_is_not_taken_for_a_missing_extension() {
    let mut kernel = Played::kernel(|_| Err(Errno::EPERM));
    let rule = multiport();
    let mut transaction = Transaction::new();
    let new = NewRule::append("INPUT", &rule);
    let error = transaction.table(V4, FILTER).add_rule(0, &new, &mut kernel).unwrap_err();
    assert!(matches!(error, KernelError::PermissionDenied), "{error:?}");
}

#[test]
fn where_counters_cannot_be_reset_rules_are_replaced() {
    let counter = |packets| Counter { packets: Some(packets), bytes: Some(1), ..Counter::default() };
    let rule = move |handle, packets| {
        Body::NewRule(nft::Rule {
            handle: Some(handle),
            expressions: vec![
                counter(packets).into(),
                Immediate::verdict(nft::Verdict::new(VerdictCode::DROP)).into(),
            ],
            ..nft::Rule::default()
        })
    };
    let none = move |handle| {
        Body::NewRule(nft::Rule {
            handle: Some(handle),
            expressions: vec![Counter { packets: Some(0), bytes: Some(0), ..Counter::default() }.into()],
            ..nft::Rule::default()
        })
    };
    let mut kernel = Played::kernel(move |body| match body {
        Body::GetGeneration(_) => {
            Ok(vec![Body::NewGeneration(Generation { id: Some(5), ..Generation::default() })])
        }
        Body::GetChain(_) => Ok(vec![Body::NewChain(nft::Chain {
            table: Some("filter".into()),
            name: Some("c".into()),
            ..nft::Chain::default()
        })]),
        Body::GetRuleReset(_) => Err(Errno::EINVAL),
        Body::GetRule(_) => Ok(vec![rule(3, 8), none(4), rule(5, 9)]),
        // The batch.
        Body::NewRule(_) => Ok(Vec::new()),
        other => panic!("{other:?}"),
    });
    kernel.zero(V4, FILTER, Zero::Chain("c")).unwrap();
    let replaced: Vec<_> = kernel
        .transport_mut()
        .asked
        .drain(..)
        .filter_map(|message| match message.body {
            Body::NewRule(rule) => Some(rule),
            _ => None,
        })
        .collect();
    assert_eq!(replaced.iter().map(|rule| rule.handle).collect::<Vec<_>>(), [Some(3), Some(5)]);
    for rule in replaced {
        let zero = Counter { packets: Some(0), bytes: Some(0), ..Counter::default() };
        assert!(rule.expressions.contains(&zero.into()), "{rule:?}");
    }
}
