use nfnetlink::Flags;
use pkttnetlink::nft::expr::{
    Cmp, CmpOp, Counter, Expression, Immediate, Masquerade, Meta, MetaKey, Reject, RejectType,
};
use pkttnetlink::nft::{
    Body, Chain, ChainCounters, ChainHook, Data, Family, Hook, Message, Register, Rule, Table, Verdict,
    VerdictCode,
};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::pair::{Bound, Handles, Pair, Step};

const TABLES: [&str; 2] = ["t0", "t1"];
const CHAINS: [&str; 7] = ["in", "post", "a", "b", "c", "d", "none"];

/// One message, without the handles that it will name.
#[derive(Clone, Debug)]
struct Op {
    what: What,
    table: usize,
    chain: usize,
    other: usize,
    rule: usize,
    flags: u16,
    id: Option<u32>,
    number: u64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum What {
    NewTable,
    DeleteTable,
    DestroyTable,
    NewChain,
    NewBase,
    SetPolicy,
    SetCounters,
    Rename,
    DeleteChain,
    DeleteChainByHandle,
    DestroyChain,
    Append,
    Insert,
    AppendJump,
    AppendReject,
    AppendMasquerade,
    At,
    AtId,
    Replace,
    DeleteRule,
    DeleteById,
    DestroyRule,
    Flush,
    FlushTable,
}

fn op() -> impl Strategy<Value = Op> {
    use What::*;
    let what = prop_oneof![
        1 => prop::sample::select(vec![NewTable, NewTable, DeleteTable, DestroyTable, FlushTable]),
        6 => prop::sample::select(vec![NewChain, NewBase, SetPolicy, SetCounters, Rename]),
        3 => prop::sample::select(vec![DeleteChain, DeleteChainByHandle, DestroyChain]),
        8 => prop::sample::select(vec![Append, Insert, AppendJump, AppendJump, AppendReject, AppendMasquerade]),
        6 => prop::sample::select(vec![At, AtId, Replace, DeleteRule, DeleteById, DestroyRule, Flush]),
    ];
    // Mostly what the message needs to be right.
    let flags = prop_oneof![
        14 => Just(0),
        1 => prop::sample::select(vec![0x100u16, 0x200, 0x400, 0x800, 0xc00, 8, 8 | 4, 0x300]),
    ];
    let table = prop_oneof![12 => Just(0usize), 1 => Just(1)];
    let chain = || prop_oneof![12 => 0..CHAINS.len() - 2, 1 => CHAINS.len() - 2..CHAINS.len()];
    let other = prop_oneof![2 => 2..CHAINS.len() - 2, 1 => chain()];
    (what, table, chain(), other, 0usize..3, flags, prop::option::weighted(0.3, 1u32..3), 0..3u64).prop_map(
        |(what, table, chain, other, rule, flags, id, number)| Op {
            table: if table == 1 && number > 0 { 0 } else { table },
            what,
            chain,
            other,
            rule,
            flags,
            id,
            number,
        },
    )
}

fn jump(op: &Op) -> Expression<'static> {
    let code = if op.number == 0 { VerdictCode::GOTO } else { VerdictCode::JUMP };
    Immediate::verdict(Verdict::to_chain(code, CHAINS[op.other].into())).into()
}

fn expressions(op: &Op) -> Vec<Expression<'static>> {
    let protocol = [
        Meta { key: Some(MetaKey::L4PROTO), dreg: Some(Register::R1), ..Meta::default() }.into(),
        Cmp {
            sreg: Some(Register(if op.number == 2 { 8 } else { 1 })),
            op: Some(CmpOp::EQ),
            data: Some(Data::Value(vec![op.rule as u8].into())),
            ..Cmp::default()
        }
        .into(),
    ];
    let last: Expression<'_> = match op.what {
        What::AppendJump => jump(op),
        What::Replace if op.number == 1 => jump(op),
        What::AppendReject => Reject { reject_type: Some(RejectType::TCP_RST), ..Reject::default() }.into(),
        What::AppendMasquerade => Masquerade::default().into(),
        _ => Immediate::verdict(Verdict::new(VerdictCode::ACCEPT)).into(),
    };
    protocol.into_iter().chain([Counter::default().into(), last]).collect()
}

impl Op {
    /// Whether it makes a chain of a name that another one of the batch is to get with the commit.
    ///
    /// The kernel lets both have it, which is a mistake that the embedded one does not share.
    fn makes_a_double(&self, batch: &[Self]) -> bool {
        self.what != What::Rename
            && batch
                .iter()
                .any(|op| op.what == What::Rename && (op.table, op.other) == (self.table, self.chain))
    }

    fn step(&self, handles: &Handles) -> Step {
        use What::*;
        let table = Some(TABLES[self.table].into());
        let name = Some(CHAINS[self.chain].into());
        let place = (TABLES[self.table].as_bytes().to_vec(), CHAINS[self.chain].as_bytes().to_vec());
        let chain_handle = handles.chains.get(&place).copied().unwrap_or(9999);
        let handle =
            handles.rules.get(&place).and_then(|rules| rules.get(self.rule)).copied().unwrap_or(9999);
        let chain = Chain { table: table.clone(), name: name.clone(), ..Chain::default() };
        let rule = Rule { table: table.clone(), chain: name.clone(), ..Rule::default() };
        let filled = Rule { expressions: expressions(self), id: self.id, ..rule.clone() };
        let (flags, body) = match self.what {
            NewTable => (0x400, Body::NewTable(Table { name: table, ..Table::default() })),
            DeleteTable => (0, Body::DeleteTable(Table { name: table, ..Table::default() })),
            DestroyTable => (0, Body::DestroyTable(Table { name: table, ..Table::default() })),
            NewChain => (0x400, Body::NewChain(chain)),
            NewBase => {
                let (hook, chain_type, priority) = match self.chain {
                    0 => (Hook::LOCAL_IN, Chain::FILTER, 0),
                    1 => (Hook::POST_ROUTING, Chain::NAT, 100),
                    _ => (Hook(self.other as u32), Chain::ROUTE, 0),
                };
                let hook = ChainHook { hook: Some(hook), priority: Some(priority), ..ChainHook::default() };
                let policy = (self.number == 1).then_some(VerdictCode::DROP);
                (
                    0x400,
                    Body::NewChain(Chain {
                        hook: Some(hook),
                        chain_type: Some(chain_type.into()),
                        policy,
                        ..chain
                    }),
                )
            }
            SetPolicy => {
                let policy =
                    [VerdictCode::ACCEPT, VerdictCode::DROP, VerdictCode::RETURN][self.number as usize];
                (0, Body::NewChain(Chain { policy: Some(policy), ..chain }))
            }
            SetCounters => {
                let counters =
                    ChainCounters { packets: Some(self.number), bytes: Some(60), ..ChainCounters::default() };
                (0, Body::NewChain(Chain { counters: Some(counters), ..chain }))
            }
            Rename => {
                let name = Some(CHAINS[self.other].into());
                (0, Body::NewChain(Chain { handle: Some(chain_handle), name, ..chain }))
            }
            DeleteChain => (if self.number == 0 { 0x100 } else { 0 }, Body::DeleteChain(chain)),
            DeleteChainByHandle => {
                (0, Body::DeleteChain(Chain { handle: Some(chain_handle), name: None, ..chain }))
            }
            DestroyChain => (0, Body::DestroyChain(chain)),
            Append | AppendJump | AppendReject | AppendMasquerade => (0xc00, Body::NewRule(filled)),
            Insert => (0x400, Body::NewRule(filled)),
            At => (
                if self.number == 0 { 0xc00 } else { 0x400 },
                Body::NewRule(Rule { position: Some(handle), ..filled }),
            ),
            AtId => (0xc00, Body::NewRule(Rule { position_id: self.id, id: None, ..filled })),
            Replace => (0x100, Body::NewRule(Rule { handle: Some(handle), ..filled })),
            DeleteRule => (0, Body::DeleteRule(Rule { handle: Some(handle), ..rule })),
            DeleteById => (0, Body::DeleteRule(Rule { id: self.id, ..rule })),
            DestroyRule => (0, Body::DestroyRule(Rule { handle: Some(handle), ..rule })),
            Flush => (0, Body::DeleteRule(rule)),
            FlushTable => (0, Body::DeleteRule(Rule { chain: None, ..rule })),
        };
        let family = if self.number == 2 && self.table == 1 { Family::IPV6 } else { Family::IPV4 };
        Step { flags: Flags(flags | self.flags), message: Message::new(family, body) }
    }
}

/// What most batches need to get anywhere.
fn prologue(_: &Handles) -> Vec<Step> {
    let op = |what, chain| Op { what, table: 0, chain, other: 0, rule: 0, flags: 0, id: None, number: 0 };
    let handles = Handles::default();
    [
        op(What::NewTable, 0),
        op(What::NewBase, 0),
        op(What::NewBase, 1),
        op(What::NewChain, 2),
        op(What::NewChain, 3),
        op(What::NewChain, 4),
        op(What::Append, 0),
        op(What::Append, 2),
        op(What::Append, 2),
        op(What::Append, 2),
        op(What::Append, 3),
        op(What::Append, 3),
    ]
    .iter()
    .map(|op| op.step(&handles))
    .collect()
}

#[test]
fn both_kernels_say_the_same_to_the_same_batches() {
    let bound = prop_oneof![8 => Just(Bound::Present), 4 => Just(Bound::Nothing), 1 => Just(Bound::Past)];
    let batches = prop::collection::vec((bound, prop::collection::vec(op(), 1..6)), 1..12);
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(150);
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 2000, ..Config::default() };
    let applied = std::sync::atomic::AtomicUsize::new(0);
    let all = std::sync::atomic::AtomicUsize::new(0);
    let result = TestRunner::new(config).run(&batches, |batches| {
        testkit::in_namespace(|| {
            let mut pair = Pair::new();
            pair.commit(Bound::Nothing, prologue).unwrap();
            for (bound, ops) in &batches {
                let ops: Vec<_> = ops.iter().filter(|op| !op.makes_a_double(ops)).collect();
                let outcome = pair.commit(*bound, |handles| ops.iter().map(|op| op.step(handles)).collect());
                pair.compare();
                let counted = std::sync::atomic::Ordering::Relaxed;
                all.fetch_add(1, counted);
                applied.fetch_add(usize::from(outcome.is_ok()), counted);
            }
        });
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
    let (applied, all) = (applied.into_inner(), all.into_inner());
    assert!(all == 0 || applied * 8 > all, "only {applied} of {all} batches were applied");
}
