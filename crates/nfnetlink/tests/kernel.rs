//! What the real kernel answers, each time in a network namespace of its own.

use nfnetlink::wire::Writer;
use nfnetlink::{
    Attribute, Batch, BatchBuilder, BatchFailure, Connection, Direction, Errno, Error, Events, Flags, Group,
    Message, Messages, NetfilterHeader, Socket, Tap, Transport, kind,
};

const NF_TABLES: u8 = 10;
const IPV4: u8 = 2;

const NEW_TABLE: u16 = kind::netfilter(NF_TABLES, 0);
const GET_TABLE: u16 = kind::netfilter(NF_TABLES, 1);
const NEW_CHAIN: u16 = kind::netfilter(NF_TABLES, 3);
const GET_CHAIN: u16 = kind::netfilter(NF_TABLES, 4);
const NEW_RULE: u16 = kind::netfilter(NF_TABLES, 6);
const GET_RULE: u16 = kind::netfilter(NF_TABLES, 7);
const NEW_GENERATION: u16 = kind::netfilter(NF_TABLES, 15);
const GET_GENERATION: u16 = kind::netfilter(NF_TABLES, 16);

/// `NFTA_TABLE_NAME`, `NFTA_CHAIN_TABLE`, `NFTA_RULE_TABLE`.
const TABLE: u16 = 1;
/// `NFTA_CHAIN_NAME`.
const CHAIN_NAME: u16 = 3;
/// `NFTA_RULE_CHAIN`.
const RULE_CHAIN: u16 = 2;
/// `NFTA_RULE_USERDATA`.
const RULE_USERDATA: u16 = 7;

fn connect() -> Connection<Socket> {
    Connection::new(Socket::open().unwrap())
}

fn ipv4(writer: &mut Writer) {
    writer.netfilter_header(&NetfilterHeader::new(IPV4, 0));
}

fn table(name: &str) -> impl Fn(&mut Writer) {
    move |writer| {
        ipv4(writer);
        writer.put_string(TABLE, name.as_bytes());
    }
}

fn chain(table: &str, name: &str) -> impl Fn(&mut Writer) {
    move |writer| {
        ipv4(writer);
        writer.put_string(TABLE, table.as_bytes());
        writer.put_string(CHAIN_NAME, name.as_bytes());
    }
}

fn rule(chain: &str, size: usize) -> impl Fn(&mut Writer) {
    move |writer| {
        ipv4(writer);
        writer.put_string(TABLE, b"t");
        writer.put_string(RULE_CHAIN, chain.as_bytes());
        writer.put(RULE_USERDATA, &vec![0; size]);
    }
}

/// A table `t` with a chain `c`, then `more`.
fn with_chain(more: impl FnOnce(&mut BatchBuilder)) -> Batch {
    let mut batch = BatchBuilder::new(NF_TABLES);
    batch.push(1, NEW_TABLE, Flags::CREATE, table("t")).unwrap();
    batch.push(2, NEW_CHAIN, Flags::CREATE, chain("t", "c")).unwrap();
    more(&mut batch);
    batch.end()
}

fn new_table(name: &str) -> Batch {
    let mut batch = BatchBuilder::new(NF_TABLES);
    batch.push(0, NEW_TABLE, Flags::CREATE | Flags::EXCL, table(name)).unwrap();
    batch.end()
}

fn text(message: &Message<'_>, kind: u16) -> Result<Option<String>, Error> {
    for attribute in message.netfilter()?.1 {
        let attribute = attribute?;
        if attribute.kind() == kind {
            return Ok(Some(String::from_utf8_lossy(attribute.string("name")?).into_owned()));
        }
    }
    Ok(None)
}

fn tables(connection: &mut Connection<Socket>) -> Vec<String> {
    let collect = |names: &mut Vec<String>, message: &Message<'_>| {
        names.extend(text(message, TABLE)?);
        Ok::<_, Error>(())
    };
    connection.dump_consistent(GET_TABLE, Flags::default(), ipv4, collect).unwrap()
}

fn generation_of(message: &Message<'_>) -> Result<u32, Error> {
    message.netfilter()?.1.next().expect("an attribute")?.be_u32("generation").map_err(Error::from)
}

fn generation(connection: &mut Connection<Socket>) -> u32 {
    connection.get(GET_GENERATION, Flags::default(), ipv4, generation_of).unwrap()
}

#[test]
fn a_batch_is_applied_and_read_back() {
    testkit::in_namespace(|| {
        let mut connection = connect();
        let mut batch = BatchBuilder::with_generation(NF_TABLES, generation(&mut connection));
        for name in ["a", "b", "c"] {
            batch.push(0, NEW_TABLE, Flags::CREATE, table(name)).unwrap();
        }
        connection.commit(&batch.end()).unwrap();
        assert_eq!(tables(&mut connection), ["a", "b", "c"]);

        let name = connection.get(GET_TABLE, Flags::default(), table("b"), |message| text(message, TABLE));
        assert_eq!(name, Ok(Some("b".to_owned())));
    });
}

#[test]
fn one_message_that_does_not_exist_is_refused() {
    testkit::in_namespace(|| {
        let answer = connect().get(GET_TABLE, Flags::default(), table("nowhere"), |_| Ok::<_, Error>(()));
        assert_eq!(answer.unwrap_err().errno(), Some(Errno::ENOENT));
    });
}

#[test]
fn every_failure_of_a_batch_is_told_with_tag_errno_and_attribute() {
    testkit::in_namespace(|| {
        let mut connection = connect();
        let batch = with_chain(|batch| {
            batch.push(10, NEW_RULE, Flags::CREATE, rule("c", 1)).unwrap();
            batch.push(11, NEW_RULE, Flags::CREATE, rule("missing", 1)).unwrap();
            batch.push(12, NEW_TABLE, Flags::CREATE | Flags::EXCL, table("t")).unwrap();
            batch.push(13, NEW_RULE, Flags::CREATE, rule("c", 1)).unwrap();
        });
        let Err(Error::BatchRefused(refusal)) = connection.commit(&batch) else { panic!("not refused") };
        let told: Vec<_> = refusal
            .failures
            .iter()
            .map(|failure| (failure.tag, failure.refusal.errno, failure.refusal.offset()))
            .collect();
        // Counted from the header of the message: the table's name is 8 bytes, header and padding included.
        assert_eq!(told, [(Some(11), Errno::ENOENT, Some(28)), (Some(12), Errno::EEXIST, Some(20))]);
        let attribute = |failure: &BatchFailure| {
            let message = batch.message(failure.index?)?;
            message.attributes_at(failure.refusal.offset()?).last().map(Attribute::kind)
        };
        let attributes: Vec<_> = refusal.failures.iter().map(attribute).collect();
        assert_eq!(attributes, [Some(RULE_CHAIN), Some(TABLE)]);
        assert!(!refusal.incomplete);
        assert!(tables(&mut connection).is_empty());
    });
}

#[test]
fn an_attribute_deep_in_a_message_is_pointed_at() {
    testkit::in_namespace(|| {
        let batch = with_chain(|batch| {
            let unknown_expression = |writer: &mut Writer| {
                rule("c", 5)(writer);
                // NFTA_RULE_EXPRESSIONS, NFTA_LIST_ELEM, NFTA_EXPR_NAME.
                writer.nest(4, |list| list.nest(1, |expression| expression.put_string(1, b"nonsense")));
            };
            batch.push(3, NEW_RULE, Flags::CREATE, unknown_expression).unwrap();
        });
        let Err(Error::BatchRefused(refusal)) = connect().commit(&batch) else { panic!("not refused") };
        let failure = &refusal.failures[0];
        assert_eq!((failure.tag, failure.index, failure.refusal.errno), (Some(3), Some(2), Errno::ENOENT));
        let path = batch.message(2).unwrap().attributes_at(failure.refusal.offset().unwrap());
        assert_eq!(path.iter().map(Attribute::kind).collect::<Vec<_>>(), [4, 1], "the expression");
    });
}

#[test]
fn what_goes_through_a_tap_is_seen() {
    testkit::in_namespace(|| {
        let mut seen = Vec::new();
        let tap = Tap::new(Socket::open().unwrap(), |direction, datagram: &[u8]| {
            let kinds = Messages::new(datagram).map(|message| message.unwrap().header.kind);
            seen.push((direction, Vec::from_iter(kinds)));
        });
        Connection::new(tap).commit(&new_table("t")).unwrap();
        let sent = vec![kind::BATCH_BEGIN, NEW_TABLE, kind::BATCH_END];
        assert_eq!(seen, [(Direction::Sent, sent), (Direction::Received, vec![kind::ERROR])]);
    });
}

#[test]
fn a_failure_of_the_last_message_is_told() {
    testkit::in_namespace(|| {
        let batch = with_chain(|batch| {
            batch.push(9, NEW_RULE, Flags::CREATE, rule("missing", 1)).unwrap();
        });
        let Err(Error::BatchRefused(refusal)) = connect().commit(&batch) else { panic!("not refused") };
        assert_eq!(refusal.failures.len(), 1);
        assert_eq!(refusal.failures[0].tag, Some(9));
        assert_eq!(
            refusal.to_string(),
            "batch refused: message 9: ENOENT (No such file or directory) (attribute at byte 28)"
        );
    });
}

#[test]
fn a_batch_for_another_generation_is_refused_as_a_whole() {
    testkit::in_namespace(|| {
        let mut connection = connect();
        let mut batch = BatchBuilder::with_generation(NF_TABLES, generation(&mut connection) + 1);
        batch.push(0, NEW_TABLE, Flags::CREATE, table("t")).unwrap();
        let error = connection.commit(&batch.end()).unwrap_err();
        assert!(error.is_generation_changed(), "{error}");
        assert!(tables(&mut connection).is_empty());
    });
}

#[test]
fn the_new_generation_is_echoed() {
    testkit::in_namespace(|| {
        let mut connection = connect();
        let before = generation(&mut connection);
        let mut batch = BatchBuilder::with_generation(NF_TABLES, before);
        batch.push(0, NEW_TABLE, Flags::CREATE | Flags::ECHO, table("t")).unwrap();
        let mut echoed = Vec::new();
        let each = |_, message: &Message<'_>| {
            if message.header.kind == NEW_GENERATION {
                echoed.push(generation_of(message).unwrap());
            }
        };
        connection.commit_with(&batch.end(), each).unwrap();
        let after = generation(&mut connection);
        assert_ne!(before, after);
        assert_eq!(echoed, [after]);
    });
}

#[test]
fn echoes_carry_the_tags_of_their_messages() {
    testkit::in_namespace(|| {
        let mut connection = connect();
        let count = 2000;
        connection.transport_mut().reserve_replies(8 << 20).unwrap();
        let batch = with_chain(|batch| {
            for tag in 0..count {
                batch.push(10 + tag, NEW_RULE, Flags::CREATE | Flags::ECHO, rule("c", 100)).unwrap();
            }
        });
        let mut tags = Vec::new();
        connection
            .commit_with(&batch, |tag, message| {
                if message.header.kind == NEW_RULE {
                    tags.extend(tag);
                }
            })
            .unwrap();
        assert_eq!(tags, Vec::from_iter(10..10 + count));
    });
}

#[test]
fn without_privilege_a_batch_and_a_dump_are_denied() {
    testkit::in_namespace(|| {
        testkit::without_privilege(|| {
            let mut connection = connect();
            assert_eq!(connection.commit(&new_table("t")), Err(Error::PermissionDenied));
            let dump = connection.dump(GET_TABLE, Flags::default(), ipv4, |_| Ok::<_, Error>(()));
            assert_eq!(dump, Err(Error::PermissionDenied));
            let request = connection.request(NEW_TABLE, Flags::CREATE, table("t"));
            assert_eq!(request, Err(Error::PermissionDenied));
        });
    });
}

#[test]
fn without_privilege_a_large_batch_names_the_limit() {
    testkit::in_namespace(|| {
        testkit::without_privilege(|| {
            let batch = with_chain(|batch| {
                for _ in 0..1000 {
                    batch.push(0, NEW_RULE, Flags::CREATE, rule("c", 60_000)).unwrap();
                }
            });
            let error = connect().commit(&batch).unwrap_err();
            let Error::BufferLimit { buffer, needed, granted, sysctl } = error else { panic!("{error}") };
            assert_eq!((buffer, needed), ("send", batch.as_bytes().len() + 32));
            assert!(granted < needed, "{granted}");
            assert_eq!(sysctl, "net.core.wmem_max");
        });
    });
}

#[test]
fn a_large_batch_goes_out_in_one_datagram_and_is_dumped_in_parts() {
    testkit::in_namespace(|| {
        let mut connection = connect();
        let count = 50_000;
        let batch = with_chain(|batch| {
            for tag in 0..count {
                batch.push(tag, NEW_RULE, Flags::CREATE | Flags::APPEND, rule("c", 200)).unwrap();
            }
        });
        assert!(batch.as_bytes().len() > 10 << 20);
        connection.commit(&batch).unwrap();
        let count_rules = |rules: &mut u32, _: &Message<'_>| {
            *rules += 1;
            Ok::<_, Error>(())
        };
        let rules = connection.dump_consistent(GET_RULE, Flags::default(), ipv4, count_rules);
        assert_eq!(rules, Ok(count));
    });
}

#[test]
fn more_errors_than_the_receive_buffer_holds_are_incomplete_not_endless() {
    testkit::in_namespace(|| {
        let mut connection = connect();
        let batch = with_chain(|batch| {
            for tag in 0..50_000 {
                batch.push(tag, NEW_RULE, Flags::CREATE, rule("missing", 1)).unwrap();
            }
        });
        let Err(Error::BatchRefused(refusal)) = connection.commit(&batch) else { panic!("not refused") };
        assert!(refusal.incomplete);
        assert!(refusal.failures.len() > 1000, "{}", refusal.failures.len());
        assert_eq!(refusal.failures[0].tag, Some(0));
        // The connection goes on.
        connection.commit(&new_table("t")).unwrap();
        assert_eq!(tables(&mut connection), ["t"]);
    });
}

#[test]
fn a_dump_that_a_change_interrupts_says_so_and_is_begun_again() {
    testkit::in_namespace(|| {
        let mut connection = connect();
        let mut other = connect();
        connection
            .commit(&with_chain(|batch| {
                for tag in 0..5000 {
                    batch.push(tag, NEW_CHAIN, Flags::CREATE, chain("t", &format!("chain-{tag}"))).unwrap();
                }
            }))
            .unwrap();

        let mut changed = 0;
        let mut change = |_: &Message<'_>| {
            changed += 1;
            if changed == 1 { other.commit(&new_table("other")) } else { Ok(()) }
        };
        let dump = connection.dump(GET_CHAIN, Flags::default(), ipv4, &mut change);
        assert_eq!(dump, Err(Error::DumpInterrupted));
        assert!(changed < 5001, "entries after the interruption are not read");

        let mut tries = 0;
        let chains = connection.dump_consistent(GET_CHAIN, Flags::default(), ipv4, |chains: &mut u32, _| {
            if *chains == 0 {
                tries += 1;
                if tries < 3 {
                    other.commit(&new_table(&format!("try-{tries}")))?;
                }
            }
            *chains += 1;
            Ok::<_, Error>(())
        });
        assert_eq!((chains, tries), (Ok(5001), 3));

        let endless = connection.dump_consistent(GET_CHAIN, Flags::default(), ipv4, |begun: &mut bool, _| {
            if !*begun {
                tries += 1;
                other.commit(&new_table(&format!("try-{tries}")))?;
            }
            *begun = true;
            Ok::<_, Error>(())
        });
        assert_eq!(endless, Err(Error::DumpInterrupted));
    });
}

#[test]
fn a_dump_whose_reader_fails_leaves_the_connection_usable() {
    testkit::in_namespace(|| {
        let mut connection = connect();
        connection
            .commit(&with_chain(|batch| {
                for tag in 0..5000 {
                    batch.push(tag, NEW_RULE, Flags::CREATE, rule("c", 100)).unwrap();
                }
            }))
            .unwrap();
        let failure = Error::UnexpectedReply { kind: 0 };
        let dump = connection.dump(GET_RULE, Flags::default(), ipv4, |_| Err::<(), _>(failure.clone()));
        assert_eq!(dump, Err(failure));
        assert_eq!(tables(&mut connection), ["t"]);
    });
}

#[test]
fn a_dump_that_is_given_up_midway_is_read_to_its_end_before_the_next_request() {
    testkit::in_namespace(|| {
        let mut connection = connect();
        connection
            .commit(&with_chain(|batch| {
                for tag in 0..5000 {
                    batch.push(tag, NEW_RULE, Flags::CREATE, rule("c", 100)).unwrap();
                }
            }))
            .unwrap();
        let given_up = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let reader = |_: &Message<'_>| -> Result<(), Error> { panic!("the reader gives up") };
            connection.dump(GET_RULE, Flags::default(), ipv4, reader)
        }));
        assert!(given_up.is_err());
        assert_eq!(tables(&mut connection), ["t"]);
    });
}

#[test]
fn a_reply_that_never_comes_is_an_error() {
    testkit::in_namespace(|| {
        let mut socket = Socket::open().unwrap();
        socket.set_timeout(std::time::Duration::from_millis(1)).unwrap();
        assert_eq!(socket.try_receive(), Ok(None));
        assert_eq!(socket.receive(), Err(Error::Timeout));
    });
}

#[test]
fn events_are_told_and_their_loss_too() {
    testkit::in_namespace(|| {
        let mut connection = connect();
        let mut events = Events::subscribe(&[Group::NFTABLES]).unwrap();
        connection.commit(&new_table("first")).unwrap();
        let kinds: Vec<_> = events.receive().unwrap().map(|message| message.unwrap().header.kind).collect();
        assert_eq!(kinds.first(), Some(&NEW_TABLE));

        let many = with_chain(|batch| {
            for tag in 0..50_000 {
                batch.push(tag, NEW_RULE, Flags::CREATE, rule("c", 200)).unwrap();
            }
        });
        connection.commit(&many).unwrap();
        let lost = std::iter::from_fn(|| match events.try_receive() {
            Ok(None) => None,
            Ok(Some(_)) => Some(false),
            Err(error) => {
                assert_eq!(error, Error::EventsLost);
                Some(true)
            }
        });
        assert!(lost.filter(|lost| *lost).count() > 0);

        connection.commit(&new_table("last")).unwrap();
        assert!(events.receive().is_ok());
        events.leave(Group::NFTABLES).unwrap();
        while events.try_receive().unwrap().is_some() {}
        connection.commit(&new_table("unheard")).unwrap();
        assert!(events.try_receive().unwrap().is_none());
    });
}
