//! Sets, their elements, objects and flowtables.

use nfnetlink::{BatchBuilder, Connection, Errno, Error, Flags};
use pkttables_embedded::EmbeddedKernel;
use pkttnetlink::nft::expr::{Counter, FlowOffload, Lookup, Meta, MetaKey, Objref};
use pkttnetlink::nft::{
    Body, Data, DataType, Device, Family, Flowtable, FlowtableHook, IngressHook, Message, Object, ObjectData,
    ObjectType, Register, Rule, Set, SetElement, SetElements, SetFlags, Verdict, VerdictCode,
};

use crate::common::{base_chain, chain, commit, dump, table};

fn set(name: &'static str, id: u32, flags: SetFlags) -> Set<'static> {
    Set {
        table: Some("t".into()),
        name: Some(name.into()),
        id: Some(id),
        flags: Some(flags | SetFlags::MAP),
        key_type: Some(DataType::MARK),
        key_len: Some(4),
        data_type: Some(DataType::VERDICT_MAP),
        data_len: Some(16),
        ..Set::default()
    }
}

fn element(key: u8, verdict: Verdict<'static>) -> SetElement<'static> {
    SetElement {
        key: Some(Data::Value(vec![key, 0, 0, 0].into())),
        data: Some(Data::Verdict(verdict)),
        expression: Some(Box::new(Counter { packets: Some(3), bytes: Some(4), ..Counter::default() }.into())),
        ..SetElement::default()
    }
}

fn elements(name: &'static str, id: Option<u32>, elements: Vec<SetElement<'static>>) -> SetElements<'static> {
    let (table, set) = (Some("t".into()), Some(name.into()));
    SetElements { table, set, set_id: id, elements, ..SetElements::default() }
}

fn object() -> Object<'static> {
    Object {
        table: Some("t".into()),
        name: Some("counted".into()),
        object_type: Some(ObjectType::COUNTER),
        ..Object::default()
    }
}

fn look_up(name: &'static str, id: Option<u32>) -> Body<'static> {
    let lookup = Lookup {
        set: Some(name.into()),
        set_id: id,
        sreg: Some(Register::R1),
        dreg: Some(Register::VERDICT),
        ..Lookup::default()
    };
    let meta = Meta { key: Some(MetaKey::MARK), dreg: Some(Register::R1), ..Meta::default() };
    rule(vec![meta.into(), lookup.into()])
}

fn rule(expressions: Vec<pkttnetlink::nft::expr::Expression<'static>>) -> Body<'static> {
    let (table, chain) = (Some("t".into()), Some("in".into()));
    Body::NewRule(Rule { table, chain, expressions, ..Rule::default() })
}

fn filled() -> EmbeddedKernel {
    let kernel = EmbeddedKernel::new();
    let to_web = || Verdict::to_chain(VerdictCode::JUMP, "web".into());
    let data = Counter { packets: Some(5), bytes: Some(6), ..Counter::default() };
    let hook = FlowtableHook {
        hook: Some(IngressHook::INGRESS),
        priority: Some(0),
        devices: vec![Device::Name("eth0".into())],
        ..FlowtableHook::default()
    };
    let bodies = vec![
        table("t"),
        base_chain("t", "in"),
        chain("t", "web"),
        Body::NewObject(Object { data: Some(ObjectData::Counter(data)), ..object() }),
        Body::NewFlowtable(Flowtable {
            table: Some("t".into()),
            name: Some("fast".into()),
            hook: Some(hook),
            ..Flowtable::default()
        }),
        Body::NewSet(set("named", 1, SetFlags::empty())),
        Body::NewSetElements(elements(
            "named",
            None,
            (0..150)
                .map(|key| element(key, if key == 0 { to_web() } else { Verdict::new(VerdictCode::DROP) }))
                .collect(),
        )),
        Body::NewSet(set("__map%d", 2, SetFlags::ANONYMOUS | SetFlags::CONSTANT)),
        Body::NewSetElements(elements("__map%d", Some(2), vec![element(9, to_web())])),
        look_up("__map%d", Some(2)),
        look_up("named", None),
        rule(vec![
            Objref { name: object().name, object_type: object().object_type, ..Objref::default() }.into(),
            FlowOffload { flowtable: Some("fast".into()), ..FlowOffload::default() }.into(),
        ]),
    ];
    commit(&kernel, bodies).unwrap();
    kernel
}

/// The elements that are told of, in the form in which the request asks.
fn ask(kernel: &EmbeddedKernel, body: Body<'_>, flags: Flags) -> Result<Vec<SetElement<'static>>, Error> {
    let mut connection = Connection::new(kernel.connect());
    let request = Message::new(Family::IPV4, body);
    let mut all = Vec::new();
    let mut read = |message: &nfnetlink::Message<'_>| {
        if let Body::NewSetElements(some) = Message::decode(message)?.into_owned().body {
            all.extend(some.elements);
        }
        Ok::<_, Error>(())
    };
    let payload = |writer: &mut nfnetlink::Writer| request.encode_payload(writer);
    if flags.contains(Flags::DUMP) {
        connection.dump(request.body.kind(), flags, payload, read)?;
    } else {
        connection.get(request.body.kind(), flags, payload, &mut read)?;
    }
    Ok(all)
}

fn refused(result: Result<(), Error>) -> Errno {
    match result {
        Err(Error::BatchRefused(refusal)) => refusal.failures[0].refusal.errno,
        other => panic!("{other:?}"),
    }
}

/// Commits deletions, which are not to be sent as what makes something.
fn delete(kernel: &EmbeddedKernel, body: Body<'static>) -> Result<(), Error> {
    let mut batch = BatchBuilder::new(10);
    let message = Message::new(Family::IPV4, body);
    batch.push(1, message.body.kind(), Flags::default(), |writer| message.encode_payload(writer))?;
    Connection::new(kernel.connect()).commit(&batch.end())
}

#[test]
fn they_are_saved_and_read_again() {
    let kernel = filled();
    let again = EmbeddedKernel::from_bytes(&kernel.to_bytes().unwrap()).unwrap();
    assert_eq!(dump(&again), dump(&kernel));
    for (name, count) in [("named", 150), ("__map0", 1)] {
        let of = |kernel| {
            ask(kernel, Body::GetSetElements(elements(name, None, Vec::new())), Flags::DUMP).unwrap()
        };
        assert_eq!(of(&kernel).len(), count);
        assert_eq!(of(&again), of(&kernel));
    }
}

#[test]
fn elements_are_asked_for_by_key_and_counted_anew() {
    let kernel = filled();
    let key = SetElement { key: Some(Data::Value(vec![7, 0, 0, 0].into())), ..SetElement::default() };
    let one = || elements("named", None, vec![key.clone()]);
    let found = ask(&kernel, Body::GetSetElements(one()), Flags::default()).unwrap();
    assert_eq!(found, [element(7, Verdict::new(VerdictCode::DROP))]);
    let missing = SetElement { key: Some(Data::Value(vec![0, 0, 0, 7].into())), ..SetElement::default() };
    let missing = Body::GetSetElements(elements("named", None, vec![missing]));
    assert!(ask(&kernel, missing, Flags::default()).is_err());

    let all = || elements("named", None, Vec::new());
    let before = ask(&kernel, Body::GetSetElementsReset(all()), Flags::DUMP).unwrap();
    assert_eq!(before[0].expression, element(0, Verdict::default()).expression);
    let after = ask(&kernel, Body::GetSetElements(all()), Flags::DUMP).unwrap();
    assert_eq!(
        after[0].expression,
        Some(Box::new(Counter { packets: Some(0), bytes: Some(0), ..Counter::default() }.into()))
    );
}

#[test]
fn what_is_used_is_not_deleted() {
    let kernel = filled();
    let before = dump(&kernel);
    let named = || set("named", 1, SetFlags::empty());
    assert_eq!(refused(delete(&kernel, Body::DeleteSet(named()))), Errno::EBUSY);
    assert_eq!(refused(delete(&kernel, Body::DeleteObject(object()))), Errno::EBUSY);
    let chain =
        pkttnetlink::nft::Chain { table: Some("t".into()), name: Some("web".into()), ..Default::default() };
    assert_eq!(refused(delete(&kernel, Body::DeleteChain(chain))), Errno::EBUSY);
    assert_eq!(dump(&kernel), before);

    // With the rules the set of one of them goes, and what was used is used no more.
    let rules = Rule { table: Some("t".into()), chain: Some("in".into()), ..Rule::default() };
    delete(&kernel, Body::DeleteRule(rules)).unwrap();
    assert!(dump(&kernel).contains("named") && !dump(&kernel).contains("__map"));
    delete(&kernel, Body::DeleteSet(named())).unwrap();
    delete(&kernel, Body::DeleteObject(object())).unwrap();
}

#[test]
fn a_map_that_leads_in_a_circle_is_refused() {
    let kernel = filled();
    let in_web = |body| match body {
        Body::NewRule(rule) => Body::NewRule(Rule { chain: Some("web".into()), ..rule }),
        body => body,
    };
    assert_eq!(refused(commit(&kernel, vec![in_web(look_up("named", None))])), Errno::EMLINK);
}
