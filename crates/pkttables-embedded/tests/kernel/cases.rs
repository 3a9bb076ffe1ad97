//! Written cases: each error that the kernel has for a batch, and each expression with as little as it may have.

use nfnetlink::{Errno, Flags};
use pkttnetlink::Text;
use pkttnetlink::nft::expr::*;
use pkttnetlink::nft::{
    Body, Chain, ChainCounters, ChainHook, Data, Family, Hook, Message, NatFlags, Register, Rule, Table,
    TableFlags, Verdict, VerdictCode,
};

use crate::pair::{Bound, Pair, Step};

const CREATE: u16 = 0x400;
const APPEND: u16 = 0xc00;
const EXCL: u16 = 0x200;
const REPLACE: u16 = 0x100;
const NONREC: u16 = 0x100;
const ONE: [u8; 4] = 1u32.to_ne_bytes();

fn step(flags: u16, body: Body<'static>) -> Step {
    Step { flags: Flags(flags), message: Message::new(Family::IPV4, body) }
}

fn table() -> Table<'static> {
    Table { name: Some("t".into()), ..Table::default() }
}

fn chain(name: &'static str) -> Chain<'static> {
    Chain { table: Some("t".into()), name: Some(name.into()), ..Chain::default() }
}

fn hook(hook: Hook, priority: i32) -> Option<ChainHook<'static>> {
    Some(ChainHook { hook: Some(hook), priority: Some(priority), ..ChainHook::default() })
}

fn base(name: &'static str, at: Hook, priority: i32, chain_type: &'static str) -> Chain<'static> {
    Chain { hook: hook(at, priority), chain_type: Some(chain_type.into()), ..chain(name) }
}

fn rule(chain: &'static str, expressions: Vec<Expression<'static>>) -> Rule<'static> {
    Rule { table: Some("t".into()), chain: Some(chain.into()), expressions, ..Rule::default() }
}

fn to(code: VerdictCode, chain: &'static str) -> Vec<Expression<'static>> {
    vec![Immediate::verdict(Verdict::to_chain(code, chain.into())).into()]
}

fn jump(from: &'static str, chain: &'static str) -> Step {
    step(APPEND, Body::NewRule(rule(from, to(VerdictCode::JUMP, chain))))
}

fn append(chain: &'static str, expression: impl Into<Expression<'static>>) -> Step {
    step(APPEND, Body::NewRule(rule(chain, vec![expression.into()])))
}

fn verdict(code: VerdictCode) -> Expression<'static> {
    Immediate::verdict(Verdict::new(code)).into()
}

/// A table with base chains `in` and `post` and chains `a`, `b` and `used`, which `in` jumps to.
fn prologue() -> Vec<Step> {
    vec![
        step(CREATE, Body::NewTable(table())),
        step(CREATE, Body::NewChain(base("in", Hook::LOCAL_IN, 0, Chain::FILTER))),
        step(CREATE, Body::NewChain(base("post", Hook::POST_ROUTING, 100, Chain::NAT))),
        step(CREATE, Body::NewChain(chain("a"))),
        step(CREATE, Body::NewChain(chain("b"))),
        step(CREATE, Body::NewChain(chain("used"))),
        jump("in", "used"),
    ]
}

fn compare() -> Cmp<'static> {
    Cmp {
        sreg: Some(Register::R1),
        op: Some(CmpOp::EQ),
        data: Some(Data::Value(vec![6].into())),
        ..Cmp::default()
    }
}

fn load() -> Expression<'static> {
    Meta { key: Some(MetaKey::L4PROTO), dreg: Some(Register::R1), ..Meta::default() }.into()
}

#[test]
fn each_error_is_the_kernels() {
    let new = |flags, chain| vec![step(flags, Body::NewChain(chain))];
    let remove = |flags, chain| vec![step(flags, Body::DeleteChain(chain))];
    let unnamed = |expression: Expression<'static>| vec![append("a", expression)];
    let missing = Rule { handle: Some(999), ..rule("a", vec![]) };
    let none = || rule("none", vec![]);
    let deep = [
        "d0", "d1", "d2", "d3", "d4", "d5", "d6", "d7", "d8", "d9", "d10", "d11", "d12", "d13", "d14", "d15",
        "d16",
    ];
    let in_depth = |jumps: usize| -> Vec<Step> {
        let chains = deep.iter().map(|name| step(CREATE, Body::NewChain(chain(name))));
        let jumps = (0..jumps).map(|level| jump(deep[level], deep[level + 1]));
        chains.chain([jump("in", deep[0])]).chain(jumps).collect()
    };
    #[rustfmt::skip]
    let cases: Vec<(&str, Option<Errno>, Vec<Step>)> = vec![
        ("table that is there", Some(Errno::EEXIST), vec![step(CREATE | EXCL, Body::NewTable(table()))]),
        ("table that is there, again", None, vec![step(CREATE, Body::NewTable(table()))]),
        ("table to be replaced", Some(Errno::EOPNOTSUPP), vec![step(REPLACE, Body::NewTable(table()))]),
        ("table without name", Some(Errno::EINVAL), vec![step(CREATE, Body::NewTable(Table::default()))]),
        ("table with unknown flags", Some(Errno::EOPNOTSUPP), vec![step(CREATE, Body::NewTable(Table {
            name: Some("u".into()), flags: Some(TableFlags::from_bits_retain(64)), ..Table::default()
        }))]),
        ("dormant table", None, vec![step(CREATE, Body::NewTable(Table { flags: Some(TableFlags::DORMANT), ..table() }))]),
        ("table of no family", Some(Errno::EOPNOTSUPP), vec![Step {
            flags: Flags(CREATE), message: Message::new(Family(77), Body::NewTable(table()))
        }]),
        ("no such table", Some(Errno::ENOENT), vec![step(0, Body::DeleteTable(Table { name: Some("u".into()), ..Table::default() }))]),
        ("destroyed table that is not there", None, vec![step(0, Body::DestroyTable(Table { name: Some("u".into()), ..Table::default() }))]),
        ("table in use", Some(Errno::EBUSY), vec![step(NONREC, Body::DeleteTable(table()))]),
        ("table with all in it", None, vec![step(0, Body::DeleteTable(table()))]),
        ("all tables", None, vec![step(0, Body::DeleteTable(Table::default()))]),
        ("name too long", Some(Errno::ERANGE), vec![step(CREATE, Body::NewTable(Table {
            name: Some(Text::from("x".repeat(256))), ..Table::default()
        }))]),

        ("chain of no table", Some(Errno::ENOENT), new(CREATE, Chain { table: Some("u".into()), ..chain("x") })),
        ("chain without table", Some(Errno::EINVAL), new(CREATE, Chain { table: None, ..chain("x") })),
        ("chain without name", Some(Errno::EINVAL), new(CREATE, Chain { name: None, ..chain("x") })),
        ("chain that is there", Some(Errno::EEXIST), new(CREATE | EXCL, chain("a"))),
        ("chain that is there, again", None, new(CREATE, chain("a"))),
        ("chain to be replaced", Some(Errno::EOPNOTSUPP), new(REPLACE, chain("a"))),
        ("policy of a chain", Some(Errno::EOPNOTSUPP), new(CREATE, Chain { policy: Some(VerdictCode::DROP), ..chain("a") })),
        ("policy of a new chain", Some(Errno::EOPNOTSUPP), new(CREATE, Chain { policy: Some(VerdictCode::DROP), ..chain("x") })),
        ("policy that is none", Some(Errno::EINVAL), new(CREATE, Chain { policy: Some(VerdictCode::RETURN), ..chain("in") })),
        ("policy", None, new(0, Chain { policy: Some(VerdictCode::DROP), ..chain("in") })),
        ("counters of a chain", Some(Errno::EOPNOTSUPP), new(0, Chain { counters: Some(ChainCounters { packets: Some(1), bytes: Some(2), ..ChainCounters::default() }), ..chain("a") })),
        ("half of the counters", Some(Errno::EINVAL), new(0, Chain { counters: Some(ChainCounters { packets: Some(1), ..ChainCounters::default() }), ..chain("in") })),
        ("counters", None, new(0, Chain { counters: Some(ChainCounters { packets: Some(1), bytes: Some(2), ..ChainCounters::default() }), ..chain("in") })),
        ("hook for a chain", Some(Errno::EEXIST), new(0, base("a", Hook::LOCAL_IN, 0, Chain::FILTER))),
        ("other hook", Some(Errno::EOPNOTSUPP), new(0, base("in", Hook::FORWARD, 0, Chain::FILTER))),
        ("other priority", Some(Errno::EOPNOTSUPP), new(0, base("in", Hook::LOCAL_IN, 1, Chain::FILTER))),
        ("other type", Some(Errno::EEXIST), new(0, base("in", Hook::LOCAL_IN, 0, Chain::NAT))),
        ("no such type", Some(Errno::ENOENT), new(CREATE, base("x", Hook::LOCAL_IN, 0, "nonesuch"))),
        ("hook that the type has not", Some(Errno::EOPNOTSUPP), new(CREATE, base("x", Hook::FORWARD, 0, Chain::NAT))),
        ("hook that is none", Some(Errno::EOPNOTSUPP), new(CREATE, base("x", Hook(9), 0, Chain::FILTER))),
        ("nat before conntrack", Some(Errno::EOPNOTSUPP), new(CREATE, base("x", Hook::PRE_ROUTING, -200, Chain::NAT))),
        ("hook without priority", Some(Errno::ENOENT), new(CREATE, Chain { hook: Some(ChainHook { hook: Some(Hook::LOCAL_IN), ..ChainHook::default() }), ..chain("x") })),
        ("default type", None, new(CREATE, Chain { hook: hook(Hook::FORWARD, 3), ..chain("x") })),
        ("second chain at a hook", None, new(CREATE, base("x", Hook::LOCAL_IN, 0, Chain::FILTER))),
        ("chain with unknown flags", Some(Errno::EOPNOTSUPP), new(CREATE, Chain { flags: Some(pkttnetlink::nft::ChainFlags::from_bits_retain(64)), ..chain("x") })),
        ("chain that claims to be base", Some(Errno::EINVAL), new(CREATE, Chain { flags: Some(pkttnetlink::nft::ChainFlags::BASE), ..chain("x") })),
        ("no such chain by handle", Some(Errno::ENOENT), new(0, Chain { handle: Some(999), ..chain("x") })),
        ("no such chain", Some(Errno::ENOENT), remove(0, chain("none"))),
        ("chain without anything", Some(Errno::EINVAL), remove(0, Chain { name: None, ..chain("x") })),
        ("destroyed chain that is not there", None, vec![step(0, Body::DestroyChain(chain("none")))]),
        ("chain with rules, not recursive", Some(Errno::EBUSY), remove(NONREC, chain("in"))),
        ("chain with rules", None, remove(0, chain("in"))),
        ("chain that is jumped to", Some(Errno::EBUSY), remove(0, chain("used"))),
        ("chain and what jumps to it", None, vec![step(0, Body::DeleteChain(chain("in"))), step(0, Body::DeleteChain(chain("used")))]),
        ("chain deleted twice", Some(Errno::ENOENT), vec![step(0, Body::DeleteChain(chain("a"))), step(0, Body::DeleteChain(chain("a")))]),
        ("chain deleted and made", None, vec![step(0, Body::DeleteChain(chain("a"))), step(CREATE | EXCL, Body::NewChain(chain("a")))]),

        ("rule in no chain", Some(Errno::ENOENT), vec![step(APPEND, Body::NewRule(none()))]),
        ("rule without chain", Some(Errno::EINVAL), vec![step(APPEND, Body::NewRule(Rule { chain: None, ..none() }))]),
        ("rule in no table", Some(Errno::ENOENT), vec![step(APPEND, Body::NewRule(Rule { table: Some("u".into()), ..none() }))]),
        ("rule of a chain number that is none", Some(Errno::ENOENT), vec![step(APPEND, Body::NewRule(Rule { chain: None, chain_id: Some(5), ..none() }))]),
        ("rule of a chain number", None, vec![
            step(CREATE, Body::NewChain(Chain { id: Some(5), ..chain("x") })),
            step(APPEND, Body::NewRule(Rule { chain: None, chain_id: Some(5), ..none() })),
        ]),
        ("rule not to be created", Some(Errno::EINVAL), vec![step(0, Body::NewRule(rule("a", vec![])))]),
        ("rule both", Some(Errno::EINVAL), vec![step(CREATE | REPLACE, Body::NewRule(rule("a", vec![])))]),
        ("no such rule to be replaced", Some(Errno::ENOENT), vec![step(REPLACE, Body::NewRule(missing.clone()))]),
        ("no such rule to be deleted", Some(Errno::ENOENT), vec![step(0, Body::DeleteRule(missing.clone()))]),
        ("no such rule to be destroyed", None, vec![step(0, Body::DestroyRule(missing.clone()))]),
        ("no such place", Some(Errno::ENOENT), vec![step(APPEND, Body::NewRule(Rule { position: Some(999), ..rule("a", vec![]) }))]),
        ("no such place by number", Some(Errno::ENOENT), vec![step(APPEND, Body::NewRule(Rule { position_id: Some(9), ..rule("a", vec![]) }))]),
        ("places by number", None, vec![
            step(APPEND, Body::NewRule(Rule { id: Some(1), ..rule("a", vec![verdict(VerdictCode::DROP)]) })),
            step(APPEND, Body::NewRule(rule("a", vec![verdict(VerdictCode::RETURN)]))),
            step(APPEND, Body::NewRule(Rule { position_id: Some(1), ..rule("a", vec![verdict(VerdictCode::ACCEPT)]) })),
            step(CREATE, Body::NewRule(Rule { position_id: Some(1), ..rule("a", vec![verdict(VerdictCode::CONTINUE)]) })),
            step(0, Body::DeleteRule(Rule { id: Some(1), ..rule("a", vec![]) })),
        ]),
        ("rule with user data", None, vec![step(APPEND, Body::NewRule(Rule { user_data: Some(vec![0, 2, 65, 0].into()), ..rule("a", vec![]) }))]),
        ("flush of no chain", Some(Errno::ENOENT), vec![step(0, Body::DeleteRule(none()))]),

        ("jump to a base chain", Some(Errno::EOPNOTSUPP), vec![jump("a", "in")]),
        ("jump to no chain", Some(Errno::ENOENT), vec![jump("a", "none")]),
        ("jump to nothing", Some(Errno::EINVAL), unnamed(verdict(VerdictCode::JUMP))),
        ("no such verdict", Some(Errno::EINVAL), unnamed(verdict(VerdictCode::STOLEN))),
        ("loop", Some(Errno::EMLINK), vec![jump("used", "a"), jump("a", "used")]),
        ("loop, and a rule after it", Some(Errno::EMLINK), vec![jump("used", "used"), jump("b", "a")]),
        ("loop that nothing leads to", None, vec![jump("a", "b"), jump("b", "a")]),
        ("deep", None, in_depth(14)),
        ("too deep", Some(Errno::EMLINK), in_depth(15)),
        ("masquerade for input", Some(Errno::EOPNOTSUPP), vec![append("in", Masquerade::default())]),
        ("masquerade for input by a jump", Some(Errno::EOPNOTSUPP), vec![append("used", Masquerade::default())]),
        ("masquerade that nothing leads to", None, vec![append("a", Masquerade::default())]),
        ("masquerade", None, vec![append("post", Masquerade::default())]),
        ("reject for postrouting", Some(Errno::EOPNOTSUPP), vec![append("post", Reject { reject_type: Some(RejectType::TCP_RST), ..Reject::default() })]),
        ("several errors", Some(Errno::ENOENT), vec![jump("a", "none"), jump("a", "in"), jump("a", "b"), jump("none", "b")]),

        ("no such expression", Some(Errno::ENOENT), unnamed(Expression::Unknown(UnknownExpression { name: Some("nonesuch".into()), ..UnknownExpression::default() }))),
        ("comparison of nothing", Some(Errno::EINVAL), unnamed(Cmp { data: None, ..compare() }.into())),
        ("comparison of an empty register", Some(Errno::ENODATA), unnamed(compare().into())),
        ("comparison that is none", Some(Errno::EINVAL), vec![step(APPEND, Body::NewRule(rule("a", vec![load(), Cmp { op: Some(CmpOp(9)), ..compare() }.into()])))]),
        ("no such register", Some(Errno::ERANGE), unnamed(Meta { key: Some(MetaKey::MARK), dreg: Some(Register(30)), ..Meta::default() }.into())),
        ("no such key", Some(Errno::EOPNOTSUPP), unnamed(Meta { key: Some(MetaKey(99)), dreg: Some(Register::R1), ..Meta::default() }.into())),
        ("key that cannot be set", Some(Errno::EOPNOTSUPP), vec![step(APPEND, Body::NewRule(rule("a", vec![load(), Meta { key: Some(MetaKey::LEN), sreg: Some(Register::R1), ..Meta::default() }.into()])))]),
        ("limit of nothing", Some(Errno::EINVAL), unnamed(Limit { rate: Some(0), unit: Some(1), ..Limit::default() }.into())),
        ("both kinds of log", Some(Errno::EINVAL), unnamed(Log { group: Some(1), level: Some(LogLevel::INFO), ..Log::default() }.into())),
        ("no such log level", Some(Errno::EINVAL), unnamed(Log { level: Some(LogLevel(9)), ..Log::default() }.into())),
        ("match without revision", Some(Errno::EINVAL), unnamed(Match { name: Some("udp".into()), ..Match::default() }.into())),
        ("set that is not there", Some(Errno::ENOENT), vec![step(APPEND, Body::NewRule(rule("a", vec![load(), Lookup { set: Some("s".into()), sreg: Some(Register::R1), ..Lookup::default() }.into()])))]),
    ];
    for (name, expected, steps) in cases {
        testkit::in_namespace(|| {
            let mut pair = Pair::new();
            pair.commit(Bound::Nothing, |_| prologue()).unwrap();
            let before = pair.compare();
            println!("{name}");
            let outcome = pair.commit(Bound::Present, |_| steps.clone());
            let errno = outcome.err().map(|failures| failures[0].1);
            assert_eq!(errno, expected, "{name}");
            let after = pair.compare();
            assert!(errno.is_none() || after == before, "{name}");
        });
    }
}

#[test]
fn each_expression_is_dumped_as_the_kernel_does() {
    let r1 = Some(Register::R1);
    let value = |bytes: &'static [u8]| Some(Data::value(bytes));
    let immediate = |register: u32, bytes: &'static [u8]| -> Expression<'static> {
        Immediate { dreg: Some(Register(register)), data: value(bytes), ..Immediate::default() }.into()
    };
    let payload = |register: u32, len| Payload {
        dreg: Some(Register(register)),
        base: Some(PayloadBase::NETWORK_HEADER),
        offset: Some(12),
        len: Some(len),
        ..Payload::default()
    };
    let nat =
        Nat { nat_type: Some(NatType::DNAT), family: Some(Family::IPV4), address_min: r1, ..Nat::default() };
    #[rustfmt::skip]
    let rules: Vec<Vec<Expression<'static>>> = vec![
        vec![payload(8, 4).into(), Cmp { sreg: Some(Register(8)), data: value(&[1, 2, 3, 4]), ..compare() }.into()],
        vec![payload(12, 16).into(), Bitwise { sreg: Some(Register(12)), dreg: Some(Register(2)), len: Some(4), mask: value(&[255; 4]), xor: value(&[0; 4]), ..Bitwise::default() }.into()],
        vec![payload(9, 4).into(), Bitwise { sreg: Some(Register(9)), dreg: r1, len: Some(4), op: Some(BitwiseOp::LSHIFT), data: value(&ONE), ..Bitwise::default() }.into()],
        vec![payload(1, 1).into(), Range { sreg: r1, op: Some(RangeOp::EQ), from: value(&[1]), to: value(&[9]), ..Range::default() }.into()],
        vec![payload(1, 2).into(), Byteorder { sreg: r1, dreg: r1, op: Some(ByteorderOp::NTOH), len: Some(2), size: Some(2), ..Byteorder::default() }.into()],
        vec![immediate(1, &[0; 4]), Payload { sreg: r1, dreg: None, ..payload(1, 4) }.into()],
        vec![immediate(20, &[1; 16]), verdict(VerdictCode::DROP)],
        vec![Counter::default().into()],
        vec![Counter { packets: Some(5), bytes: Some(6), ..Counter::default() }.into()],
        vec![Limit { rate: Some(3), unit: Some(60), ..Limit::default() }.into()],
        vec![Limit { rate: Some(3), unit: Some(1), limit_type: Some(LimitType::PKT_BYTES), ..Limit::default() }.into()],
        vec![Limit { rate: Some(3), unit: Some(1), burst: Some(8), flags: Some(LimitFlags::INV), ..Limit::default() }.into()],
        vec![Log::default().into()],
        vec![Log { prefix: Some("x ".into()), flags: Some(LogFlags::IPOPT), ..Log::default() }.into()],
        vec![Log { group: Some(0), snap_len: Some(20), ..Log::default() }.into()],
        vec![Log { group: Some(4), queue_threshold: Some(0), ..Log::default() }.into()],
        vec![Quota { bytes: Some(100), ..Quota::default() }.into()],
        vec![Reject { reject_type: Some(RejectType::ICMP_UNREACH), code: Some(3), ..Reject::default() }.into()],
        vec![Reject { reject_type: Some(RejectType::ICMPX_UNREACH), code: Some(3), ..Reject::default() }.into()],
        vec![Reject { reject_type: Some(RejectType::TCP_RST), code: Some(3), ..Reject::default() }.into()],
        vec![Ct { key: Some(CtKey::STATE), dreg: r1, ..Ct::default() }.into()],
        vec![immediate(1, &[0; 4]), Ct { key: Some(CtKey::MARK), sreg: r1, ..Ct::default() }.into()],
        vec![immediate(1, &[0; 4]), Meta { key: Some(MetaKey::MARK), sreg: Some(Register(8)), ..Meta::default() }.into()],
        vec![immediate(1, &[9; 4]), nat.clone().into()],
        vec![immediate(1, &[9; 4]), immediate(2, &[0, 80]), Nat { port_min: Some(Register::R2), flags: Some(NatFlags::PERSISTENT), ..nat }.into()],
        vec![Masquerade::default().into()],
        vec![Masquerade { flags: Some(NatFlags::PROTO_RANDOM), ..Masquerade::default() }.into()],
        vec![Masquerade { flags: Some(NatFlags::empty()), ..Masquerade::default() }.into()],
        vec![immediate(1, &[0, 80]), Redirect { port_min: r1, ..Redirect::default() }.into()],
        vec![Notrack::default().into()],
        vec![Last::default().into()],
        vec![Exthdr { dreg: r1, header: Some(2), offset: Some(0), len: Some(4), op: Some(ExthdrOp::TCPOPT), ..Exthdr::default() }.into()],
        vec![Exthdr { dreg: r1, header: Some(2), offset: Some(0), len: Some(1), flags: Some(ExthdrFlags::PRESENT), op: Some(ExthdrOp::TCPOPT), ..Exthdr::default() }.into()],
        vec![Fib { dreg: r1, result: Some(FibResult::ADDRTYPE), flags: Some(FibFlags::DADDR), ..Fib::default() }.into()],
        vec![Numgen { dreg: r1, modulus: Some(5), numgen_type: Some(NumgenType::RANDOM), ..Numgen::default() }.into()],
        vec![payload(1, 4).into(), Hash { sreg: r1, dreg: Some(Register(2)), len: Some(4), modulus: Some(3), seed: Some(7), ..Hash::default() }.into()],
        vec![Rt { dreg: r1, key: Some(RtKey::NEXTHOP4), ..Rt::default() }.into()],
        vec![Socket { dreg: r1, key: Some(SocketKey::MARK), ..Socket::default() }.into()],
        vec![Connlimit { count: Some(5), ..Connlimit::default() }.into()],
        vec![immediate(1, &[0, 80]), Tproxy { family: Some(Family::IPV4), port: r1, ..Tproxy::default() }.into()],
        vec![immediate(1, &[9; 4]), Dup { sreg_address: r1, ..Dup::default() }.into()],
        vec![Osf { dreg: r1, ..Osf::default() }.into()],
        vec![Synproxy { mss: Some(1460), flags: Some(SynproxyFlags::MSS), ..Synproxy::default() }.into()],
    ];
    testkit::in_namespace(|| {
        let mut pair = Pair::new();
        pair.commit(Bound::Nothing, |_| prologue()).unwrap();
        for expressions in rules {
            let outcome = pair.commit(Bound::Nothing, |_| {
                vec![
                    step(0, Body::DeleteRule(rule("a", vec![]))),
                    step(APPEND, Body::NewRule(rule("a", expressions.clone()))),
                ]
            });
            assert!(outcome.is_ok(), "{outcome:?}\n{expressions:?}");
            pair.compare();
        }
    });
}
