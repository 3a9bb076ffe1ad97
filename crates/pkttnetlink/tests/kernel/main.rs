//! What the running kernel dumps encodes to the dumped bytes again, and nothing in it is unknown.
//!
//! The rules are made by `nft` and `iptables`, and those that neither can make by this crate.

mod rules;

use std::collections::BTreeSet;
use std::net::UdpSocket;
use std::time::Duration;

use nfnetlink::{BatchBuilder, Connection, Error, Events, Flags, Group, Socket, Writer};
use pkttnetlink::nft::expr::{self, Expression};
use pkttnetlink::nft::{
    Body, Chain, ChainHook, Compat, CompatKind, Family, Flowtable, Generation, Hook, IngressHook, Message,
    Object, Place, Register, Rule, Set, SetElements, Table, kind,
};
use testkit::{in_namespace, program, run};

/// Sends what `nft` and the kernel call a ruleset through the codec; what it met is noted.
struct Kernel {
    connection: Connection<Socket>,
    expressions: BTreeSet<String>,
}

impl Kernel {
    fn new() -> Self {
        let connection = Connection::new(Socket::open().unwrap());
        Self { connection, expressions: BTreeSet::new() }
    }

    /// All answers to a request for everything of a kind.
    fn dump(&mut self, request: Body<'_>) -> Vec<Message<'static>> {
        self.dump_of(&Message::new(Family::UNSPEC, request))
    }

    fn dump_of(&mut self, request: &Message<'_>) -> Vec<Message<'static>> {
        let mut found = Vec::new();
        let collect = |message: &nfnetlink::Message<'_>| {
            found.push(check(message));
            Ok::<_, Error>(())
        };
        let kind = request.body.kind();
        self.connection
            .dump(kind, Flags::default(), |writer| request.encode_payload(writer), collect)
            .unwrap();
        found
    }

    /// Dumps the whole ruleset.
    fn check_ruleset(&mut self) -> Vec<Message<'static>> {
        let mut ruleset = self.dump(Body::GetTable(Table::default()));
        ruleset.extend(self.dump(Body::GetChain(Chain::default())));
        ruleset.extend(self.dump(Body::GetObject(Object::default())));
        ruleset.extend(self.dump(Body::GetFlowtable(Flowtable::default())));
        let rules = self.dump(Body::GetRule(Rule::default()));
        for message in &rules {
            let Body::NewRule(rule) = &message.body else { panic!("{message}") };
            self.expressions.extend(rule.expressions.iter().map(|expression| expression.name().to_string()));
        }
        for message in self.dump(Body::GetSet(Set::default())) {
            let Body::NewSet(Set { table, name: set, .. }) = &message.body else { panic!("{message}") };
            let elements = SetElements { table: table.clone(), set: set.clone(), ..SetElements::default() };
            let request = Message::new(message.family, Body::GetSetElements(elements));
            ruleset.push(message);
            ruleset.extend(self.dump_of(&request));
        }
        ruleset.extend(rules);
        ruleset
    }

    /// Loads what was dumped, as far as a request may say it.
    fn load(&mut self, ruleset: &[Message<'static>]) {
        let mut batch = BatchBuilder::new(10);
        for message in ruleset {
            let mut message = message.clone();
            message.resource = 0;
            match &mut message.body {
                Body::NewChain(chain) => chain.handle = None,
                Body::NewRule(rule) => {
                    (rule.handle, rule.position) = (None, None);
                    rule.expressions.iter_mut().for_each(as_requested);
                }
                Body::NewSet(set) => (set.id, set.set_type, set.count) = (Some(1), None, None),
                _ => {}
            }
            let flags = Flags::CREATE | Flags::APPEND;
            batch.push(0, message.body.kind(), flags, |writer| message.encode_payload(writer)).unwrap();
        }
        let batch = batch.end();
        if let Err(error) = self.connection.commit(&batch) {
            panic!("{error:?}: {}", pkttnetlink::Readable(batch.as_bytes()));
        }
    }

    fn assert_met(&self, expected: &[&str]) {
        let missing: Vec<_> = expected.iter().filter(|name| !self.expressions.contains(**name)).collect();
        assert!(missing.is_empty(), "not met: {missing:?}, only {:?}", self.expressions);
    }
}

/// Decodes, shows, encodes.
fn check(message: &nfnetlink::Message<'_>) -> Message<'static> {
    let mut payload = message.payload;
    let bytes = payload.rest();
    let decoded = Message::decode(message).unwrap();
    let text = decoded.to_string();
    let unknown =
        |line: &str| line.contains("attribute ") && !line.ends_with("(empty)") || line.contains("(unknown)");
    assert!(!text.lines().any(unknown), "not all known: {text}");
    let mut writer = Writer::new();
    decoded.encode_payload(&mut writer);
    assert_eq!(writer.as_bytes(), bytes, "{text}");
    decoded.into_owned()
}

fn rules_of<'r>(ruleset: &'r [Message<'static>]) -> Vec<&'r [Expression<'static>]> {
    let rule = |message: &'r Message<'static>| match &message.body {
        Body::NewRule(rule) => Some(&rule.expressions[..]),
        _ => None,
    };
    ruleset.iter().filter_map(rule).collect()
}

/// Dumped, these expressions differ from what the kernel takes.
fn as_requested(expression: &mut Expression<'static>) {
    match expression {
        Expression::Dynset(dynset) => {
            dynset.timeout = dynset.timeout.filter(|timeout| *timeout > 0);
            if !dynset.expressions.is_empty() {
                dynset.flags = Some(dynset.flags.unwrap_or_default() | expr::DynsetFlags::EXPR);
            }
        }
        Expression::Osf(osf) => osf.flags = osf.flags.filter(|flags| !flags.is_empty()),
        Expression::Exthdr(exthdr) => {
            exthdr.flags = exthdr.flags.filter(|flags| !flags.is_empty());
            if exthdr.dreg.or(exthdr.sreg).is_none() {
                (exthdr.offset, exthdr.len) = (None, None);
            }
        }
        _ => {}
    }
}

/// Loads a ruleset; false where the kernel was built without something in it.
fn load_if_built(ruleset: &str) -> bool {
    let output = program("nft").unwrap().arg(ruleset).output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    let not_built =
        ["No such file or directory", "not supported"].iter().any(|reason| error.contains(reason));
    assert!(output.status.success() || not_built, "{ruleset}: {error}");
    output.status.success()
}

#[test]
fn what_nft_makes() {
    in_namespace(|| {
        let (Some(mut ip), Some(_)) = (program("ip"), program("nft")) else { return };
        let _ = run(ip.args(["link", "add", "d0", "type", "veth", "peer", "name", "d1"]), "");
        let mut kernel = Kernel::new();
        for ruleset in rules::NFT {
            let _ = run(program("nft").unwrap().args(["-f", "-"]), &format!("flush ruleset\n{ruleset}\n"));
            let before = kernel.check_ruleset();
            let _ = run(program("nft").unwrap().args(["flush", "ruleset"]), "");
            kernel.load(&before);
            let after = kernel.check_ruleset();
            assert_eq!(after.len(), before.len());
            assert_eq!(rules_of(&after), rules_of(&before));
        }
        for ruleset in rules::NFT_OPTIONAL {
            let _ = run(program("nft").unwrap().args(["flush", "ruleset"]), "");
            if load_if_built(ruleset) {
                kernel.check_ruleset();
            } else {
                eprintln!("not in this kernel: {ruleset}");
            }
        }
        kernel.assert_met(&[
            "bitwise",
            "byteorder",
            "cmp",
            "connlimit",
            "counter",
            "ct",
            "dup",
            "dynset",
            "exthdr",
            "fib",
            "fwd",
            "hash",
            "immediate",
            "limit",
            "log",
            "lookup",
            "masq",
            "meta",
            "nat",
            "notrack",
            "numgen",
            "objref",
            "osf",
            "payload",
            "quota",
            "range",
            "redir",
            "reject",
            "rt",
            "socket",
            "synproxy",
            "tproxy",
            "xfrm",
        ]);
    });
}

#[test]
fn what_iptables_makes() {
    in_namespace(|| {
        let programs =
            [("iptables-nft-restore", rules::IPTABLES), ("ip6tables-nft-restore", rules::IP6TABLES)];
        let mut kernel = Kernel::new();
        for (name, rules) in programs {
            let Some(mut restore) = program(name) else { return };
            let _ = run(&mut restore, rules);
        }
        kernel.check_ruleset();
        kernel.assert_met(&[
            "bitwise",
            "cmp",
            "counter",
            "immediate",
            "limit",
            "log",
            "match",
            "meta",
            "payload",
            "target",
        ]);
    });
}

#[test]
fn what_only_this_crate_makes() {
    let register = Some(Register::R1);
    let inner = expr::Payload {
        base: Some(expr::PayloadBase::NETWORK_HEADER),
        offset: Some(12),
        len: Some(4),
        dreg: register,
        ..Default::default()
    };
    let expressions: Vec<Expression<'_>> = vec![
        expr::Last::default().into(),
        expr::Tunnel { key: Some(expr::TunnelKey::ID), dreg: register, ..Default::default() }.into(),
        expr::Inner {
            number: Some(0),
            inner_type: Some(expr::InnerType::VXLAN),
            flags: Some(expr::InnerFlags::all() & expr::InnerFlags::from_bits_retain(15)),
            header_size: Some(8),
            expression: Some(Box::new(inner.into())),
            ..Default::default()
        }
        .into(),
    ];
    in_namespace(|| {
        let mut batch = BatchBuilder::new(10);
        let mut push = |body: Body<'_>| {
            let message = Message::new(Family::NETDEV, body);
            let flags = Flags::CREATE | Flags::APPEND;
            batch.push(0, message.body.kind(), flags, |writer| message.encode_payload(writer)).unwrap();
        };
        push(Body::NewTable(Table { name: Some("t".into()), ..Table::default() }));
        let hook = ChainHook {
            hook: Some(Hook(IngressHook::INGRESS.0)),
            priority: Some(-5),
            device: Some("lo".into()),
            ..ChainHook::default()
        };
        push(Body::NewChain(Chain {
            table: Some("t".into()),
            name: Some("c".into()),
            hook: Some(hook),
            chain_type: Some(Chain::FILTER.into()),
            ..Chain::default()
        }));
        for expression in expressions {
            push(Body::NewRule(Rule {
                table: Some("t".into()),
                chain: Some("c".into()),
                expressions: vec![expression],
                ..Rule::default()
            }));
        }
        let mut kernel = Kernel::new();
        kernel.connection.commit(&batch.end()).unwrap();
        kernel.check_ruleset();
        kernel.assert_met(&["last", "tunnel", "inner"]);
    });
}

#[test]
fn generation_and_revisions() {
    in_namespace(|| {
        let mut connection = Connection::new(Socket::open().unwrap());
        let mut ask = |family, body: Body<'_>| {
            let request = Message::new(family, body);
            connection.get(
                request.body.kind(),
                Flags::default(),
                |writer| request.encode_payload(writer),
                |message| Ok::<_, Error>(check(message).body),
            )
        };
        let answer = ask(Family::UNSPEC, Body::GetGeneration(Generation::default())).unwrap();
        assert!(matches!(answer, Body::NewGeneration(Generation { id: Some(1..), .. })), "{answer:?}");

        let revision = |number| {
            Body::CompatGet(Compat {
                name: Some("tcp".into()),
                revision: Some(number),
                kind: Some(CompatKind::MATCH),
                ..Compat::default()
            })
        };
        let answer = ask(Family::IPV4, revision(0)).unwrap();
        assert_eq!(answer, revision(0));
        assert!(ask(Family::IPV4, revision(99)).is_err());
        assert_eq!(answer.kind(), kind::COMPAT_GET);
    });
}

#[test]
fn changes_and_traces_are_told() {
    in_namespace(|| {
        let (Some(mut ip), Some(mut nft)) = (program("ip"), program("nft")) else { return };
        let _ = run(ip.args(["link", "set", "lo", "up"]), "");
        let mut events = Events::subscribe(&[Group::NFTABLES, Group::NFTRACE]).unwrap();
        events.socket_mut().set_timeout(Duration::from_secs(10)).unwrap();
        let mut told = BTreeSet::new();
        let mut wait_for = |last: &'static str| {
            while !told.contains(last) {
                for message in events.receive().unwrap() {
                    told.insert(check(&message.unwrap()).body.name().unwrap());
                }
            }
        };

        let _ = run(
            nft.args(["-f", "-"]),
            "table ip t {
               set s { type ipv4_addr; elements = { 1.1.1.1 }; }
               counter o { }
               chain c {
                 type filter hook input priority 0; policy drop;
                 meta nftrace set 1 meta mark set 5
                 ct state new udp dport 9 jump d
               }
               chain d { counter return; }
             }
             ",
        );
        wait_for("NFT_MSG_NEWGEN");
        let sender = UdpSocket::bind("127.0.0.1:0").unwrap();
        sender.send_to(b"hello", "127.0.0.1:9").unwrap();
        wait_for("NFT_MSG_TRACE");
        let _ = run(program("nft").unwrap().args(["flush", "ruleset"]), "");
        wait_for("NFT_MSG_DELTABLE");
        let expected = [
            "NFT_MSG_DELCHAIN",
            "NFT_MSG_DELOBJ",
            "NFT_MSG_DELRULE",
            "NFT_MSG_DELSET",
            "NFT_MSG_DELTABLE",
            "NFT_MSG_NEWCHAIN",
            "NFT_MSG_NEWGEN",
            "NFT_MSG_NEWOBJ",
            "NFT_MSG_NEWRULE",
            "NFT_MSG_NEWSET",
            "NFT_MSG_NEWSETELEM",
            "NFT_MSG_NEWTABLE",
            "NFT_MSG_TRACE",
        ];
        assert!(told.is_superset(&expected.into()), "only {told:?}");
    });
}

#[test]
fn a_refused_expression_is_named() {
    in_namespace(|| {
        let (table, chain) = (Some("t".into()), Some("c".into()));
        let unknown = expr::UnknownExpression { name: Some("nonsense".into()), ..Default::default() };
        let expressions = vec![expr::Counter::default().into(), Expression::Unknown(unknown)];
        let bodies = [
            Body::NewTable(Table { name: table.clone(), ..Table::default() }),
            Body::NewChain(Chain { table: table.clone(), name: chain.clone(), ..Chain::default() }),
            Body::NewRule(Rule { table, chain, expressions, ..Rule::default() }),
        ];
        let mut batch = BatchBuilder::new(10);
        for (tag, body) in (0..).zip(bodies) {
            let message = Message::new(Family::IPV4, body);
            batch
                .push(tag, message.body.kind(), Flags::CREATE, |writer| message.encode_payload(writer))
                .unwrap();
        }
        let batch = batch.end();
        let refused = Connection::new(Socket::open().unwrap()).commit(&batch);
        let Err(Error::BatchRefused(refusal)) = refused else { panic!("{refused:?}") };
        let offset = refusal.failures[0].refusal.offset().unwrap();
        let (_, message) = batch.messages().nth(2).unwrap();
        let place = Place::find(&message, offset).unwrap();
        assert_eq!(place.expression(), Some(1), "{place}");
    });
}
