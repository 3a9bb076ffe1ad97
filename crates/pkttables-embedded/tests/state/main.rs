//! The ruleset as a file, and several sockets on one kernel.

mod common;
mod sets;

use common::{append, base_chain, chain, commit, dump, jump, table};
use nfnetlink::{BatchBuilder, Connection, Errno, Error, Flags, Transport};
use pkttables_embedded::{EmbeddedKernel, Extension, Extensions, StateError};
use pkttnetlink::nft::{Body, Chain, Compat, CompatKind, Family, Message, Rule, Table, VerdictCode, kind};
use proptest::prelude::*;

fn filled() -> EmbeddedKernel {
    let kernel = EmbeddedKernel::new();
    commit(
        &kernel,
        vec![
            table("filter"),
            base_chain("filter", "INPUT"),
            chain("filter", "web"),
            chain("filter", "gone"),
            append("filter", "web", 6),
            append("filter", "web", 17),
            jump("filter", "INPUT", "web"),
        ],
    )
    .unwrap();
    commit(
        &kernel,
        vec![Body::DeleteChain(Chain {
            table: Some("filter".into()),
            name: Some("gone".into()),
            ..Chain::default()
        })],
    )
    .unwrap();
    kernel
}

#[test]
fn a_saved_ruleset_is_the_same_when_it_is_opened() {
    let folder = std::env::temp_dir().join(format!("pkttables-embedded-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("state");
    assert_eq!(EmbeddedKernel::open(&path).unwrap().generation(), 1);

    let kernel = filled();
    kernel.save(&path).unwrap();
    kernel.save(&path).unwrap();
    let again = EmbeddedKernel::open(&path).unwrap();
    assert_eq!(dump(&again), dump(&kernel));
    assert_eq!(again.generation(), 3);
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1, "nothing is left beside the file");

    // No handle is given a second time, not even that of the chain that is gone.
    for kernel in [&kernel, &again] {
        commit(kernel, vec![chain("filter", "new"), table("nat")]).unwrap();
    }
    assert_eq!(dump(&again), dump(&kernel));

    assert!(matches!(kernel.save(&folder.join("no/such/folder")), Err(StateError::File(_))));
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn what_is_no_state_is_refused() {
    let of = |bytes: &[u8]| EmbeddedKernel::from_bytes(bytes).map(|_| ()).unwrap_err();
    assert!(matches!(of(b""), StateError::NotAState));
    assert!(matches!(of(b"*filter\nCOMMIT\n"), StateError::NotAState));
    assert!(matches!(of(b"pkttables ruleset 2\n"), StateError::Version));
    let mut bytes = filled().to_bytes().unwrap();
    bytes.truncate(bytes.len() - 1);
    assert!(matches!(of(&bytes), StateError::Decode(_)));

    // A rule in a chain that is not there: message 5 is the chain of the jump.
    let whole = filled().to_bytes().unwrap();
    let at = whole.windows(4).position(|window| window == b"web\0").unwrap();
    let mut bytes = whole.clone();
    bytes[at] = b'x';
    let error = of(&bytes);
    assert!(matches!(error, StateError::Refused { index: 4, errno: Errno::ENOENT }), "{error}");
}

proptest! {
    #[test]
    fn damaged_states_never_panic(at in any::<prop::sample::Index>(), byte in any::<u8>(), end in any::<prop::sample::Index>()) {
        let mut bytes = filled().to_bytes().unwrap();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if let Ok(kernel) = EmbeddedKernel::from_bytes(&bytes) {
            dump(&kernel);
        }
        let end = end.index(bytes.len());
        let _ = EmbeddedKernel::from_bytes(&bytes[..end]);
    }

    #[test]
    fn arbitrary_datagrams_never_panic(
        kind in prop_oneof![(0u16..40).prop_map(|number| 10 << 8 | number), Just(kind::COMPAT_GET), any::<u16>()],
        flags in any::<u16>(),
        payload in prop::collection::vec(prop_oneof![0u8..12, any::<u8>()], 0..100),
        batch in any::<bool>(),
    ) {
        let kernel = filled();
        let mut socket = kernel.connect();
        let mut message = u32::to_ne_bytes(16 + payload.len() as u32).to_vec();
        message.extend(kind.to_ne_bytes());
        message.extend((flags | 1).to_ne_bytes());
        message.extend([0; 8]);
        message.extend(&payload);
        if batch {
            let mut bytes = BatchBuilder::new(10).end().as_bytes().to_vec();
            let end = bytes.split_off(20);
            bytes.extend(&message);
            bytes.resize(bytes.len().next_multiple_of(4), 0);
            bytes.extend(end);
            socket.send(&bytes).unwrap();
        } else {
            socket.send(&message).unwrap();
        }
        while socket.try_receive().unwrap().is_some() {}
    }
}

#[test]
fn a_batch_of_a_past_generation_is_refused() {
    let kernel = filled();
    let (mut one, mut other) = (Connection::new(kernel.connect()), Connection::new(kernel.connect()));
    assert_ne!(one.transport().port(), other.transport().port());
    let batch = |name| {
        let message = Message::new(Family::IPV4, table(name));
        let mut batch = BatchBuilder::with_generation(10, kernel.generation());
        batch.push(1, kind::NEW_TABLE, Flags::CREATE, |writer| message.encode_payload(writer)).unwrap();
        batch.end()
    };
    let (first, second) = (batch("one"), batch("two"));
    one.commit(&first).unwrap();
    let error = other.commit(&second).unwrap_err();
    assert!(error.is_generation_changed(), "{error}");
    other.commit(&batch("two")).unwrap();
    assert_eq!(kernel.generation(), 5);
}

#[test]
fn writers_that_try_again_all_get_through() {
    let kernel = EmbeddedKernel::new();
    commit(&kernel, vec![table("t"), chain("t", "c")]).unwrap();
    std::thread::scope(|scope| {
        for writer in 0..4u8 {
            let kernel = kernel.clone();
            scope.spawn(move || {
                let mut connection = Connection::new(kernel.connect());
                let message = Message::new(Family::IPV4, append("t", "c", writer));
                for _ in 0..50 {
                    loop {
                        let mut batch = BatchBuilder::with_generation(10, kernel.generation());
                        let flags = Flags::CREATE | Flags::APPEND;
                        batch
                            .push(1, kind::NEW_RULE, flags, |writer| message.encode_payload(writer))
                            .unwrap();
                        match connection.commit(&batch.end()) {
                            Ok(()) => break,
                            Err(error) => assert!(error.is_generation_changed(), "{error}"),
                        }
                    }
                }
            });
        }
    });
    assert_eq!(kernel.generation(), 2 + 200);
    assert_eq!(dump(&kernel).matches("NFT_MSG_NEWRULE").count(), 200);
}

#[test]
fn a_change_between_the_parts_of_a_dump_is_told() {
    let kernel = EmbeddedKernel::new();
    let rules = (0..1000).map(|_| append("t", "c", 6));
    commit(&kernel, [table("t"), chain("t", "c")].into_iter().chain(rules).collect()).unwrap();

    let mut connection = Connection::new(kernel.connect());
    let request = Message::new(Family::UNSPEC, Body::GetRule(Rule::default()));
    let (mut seen, mut parts) = (0, 0);
    let mut dump = |change: bool| {
        (seen, parts) = (0, 0);
        connection.dump(
            kind::GET_RULE,
            Flags::default(),
            |writer| request.encode_payload(writer),
            |message| {
                seen += 1;
                parts += usize::from(message.offset == 0);
                if change && seen == 1 {
                    commit(&kernel, vec![table("other")]).unwrap();
                }
                Ok::<_, Error>(())
            },
        )
    };
    assert_eq!(dump(true), Err(Error::DumpInterrupted));
    assert_eq!(dump(false), Ok(()));
    assert_eq!(seen, 1000);
    assert!(parts > 2, "{parts}");
}

#[test]
fn one_dump_at_a_time() {
    let kernel = EmbeddedKernel::new();
    let rules = (0..1000).map(|_| append("t", "c", 6));
    commit(&kernel, [table("t"), chain("t", "c")].into_iter().chain(rules).collect()).unwrap();
    let mut socket = kernel.connect();
    let request = |sequence| {
        let header = nfnetlink::Header {
            kind: kind::GET_RULE,
            flags: Flags::REQUEST | Flags::DUMP,
            sequence,
            port: 0,
        };
        let mut writer = nfnetlink::Writer::new();
        Message::new(Family::UNSPEC, Body::GetRule(Rule::default())).encode(&header, &mut writer).unwrap();
        writer.into_bytes().unwrap()
    };
    socket.send(&request(1)).unwrap();
    socket.send(&request(2)).unwrap();
    let (mut rules, mut errors, mut done) = (0, 0, 0);
    while let Some(datagram) = socket.try_receive().unwrap() {
        for message in nfnetlink::Messages::new(datagram).map(Result::unwrap) {
            match message.header.kind {
                kind::NEW_RULE => rules += 1,
                nfnetlink::kind::ERROR => {
                    let code = (-Errno::EBUSY.number()).to_ne_bytes();
                    assert_eq!(message.payload.clone().rest()[..4], code);
                    errors += 1;
                }
                nfnetlink::kind::DONE => done += 1,
                other => panic!("{other:#x}"),
            }
        }
    }
    assert_eq!((rules, errors, done), (1000, 1, 1));
}

#[test]
fn who_has_no_right_is_told_so() {
    let kernel = filled();
    let mut connection = Connection::new(kernel.connect_unprivileged());
    let message = Message::new(Family::IPV4, table("t"));
    let mut batch = BatchBuilder::new(10);
    batch.push(1, kind::NEW_TABLE, Flags::CREATE, |writer| message.encode_payload(writer)).unwrap();
    assert_eq!(connection.commit(&batch.end()), Err(Error::PermissionDenied));
    let get = connection.dump(
        kind::GET_TABLE,
        Flags::default(),
        |writer| Message::new(Family::UNSPEC, Body::GetTable(Table::default())).encode_payload(writer),
        |_| Ok::<_, Error>(()),
    );
    assert_eq!(get, Err(Error::PermissionDenied));
}

#[test]
fn listeners_hear_what_others_change() {
    let kernel = filled();
    let mut listener = kernel.connect();
    listener.listen();
    commit(
        &kernel,
        vec![
            append("filter", "web", 1),
            Body::NewChain(Chain {
                table: Some("filter".into()),
                name: Some("INPUT".into()),
                policy: Some(VerdictCode::DROP),
                ..Chain::default()
            }),
            Body::DeleteRule(Rule {
                table: Some("filter".into()),
                chain: Some("web".into()),
                ..Rule::default()
            }),
        ],
    )
    .unwrap();
    let mut kinds = Vec::new();
    while let Some(datagram) = listener.try_receive().unwrap() {
        for message in nfnetlink::Messages::new(datagram).map(Result::unwrap) {
            if let Body::NewChain(chain) = Message::decode(&message).unwrap().body {
                assert_eq!(chain.policy, Some(VerdictCode::DROP));
            }
            kinds.push(message.header.kind);
        }
    }
    let deleted = kind::DELETE_RULE;
    assert_eq!(kinds, [kind::NEW_RULE, kind::NEW_CHAIN, deleted, deleted, deleted, kind::NEW_GENERATION]);
}

#[test]
fn revisions_are_those_of_the_list() {
    let multiport = Extension { kind: CompatKind::MATCH, name: "multiport".to_owned(), newest: 1 };
    let listed = EmbeddedKernel::with_extensions(Extensions::only([multiport]));
    let ask = |kernel: &EmbeddedKernel, name: &'static str, revision| {
        let compat = Compat {
            name: Some(name.into()),
            revision: Some(revision),
            kind: Some(CompatKind::MATCH),
            ..Compat::default()
        };
        let request = Message::new(Family::IPV4, Body::CompatGet(compat));
        Connection::new(kernel.connect())
            .get(
                kind::COMPAT_GET,
                Flags::default(),
                |writer| request.encode_payload(writer),
                |message| match Message::decode(message)?.body {
                    Body::CompatGet(compat) => Ok(compat.revision),
                    other => panic!("{other:?}"),
                },
            )
            .map_err(|error: Error| error.errno().unwrap())
    };
    assert_eq!(ask(&listed, "multiport", 0), Ok(Some(1)));
    assert_eq!(ask(&listed, "multiport", 2), Err(Errno::EPROTONOSUPPORT));
    assert_eq!(ask(&listed, "tcp", 0), Err(Errno::ENOENT));
    assert_eq!(ask(&EmbeddedKernel::new(), "anything", 7), Ok(Some(7)));
}
