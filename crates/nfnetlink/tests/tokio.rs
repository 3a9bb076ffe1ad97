//! The async socket on the real kernel, each time in a network namespace of its own.

use std::future::Future;
use std::time::Duration;

use nfnetlink::{
    AsyncConnection, AsyncEvents, AsyncSocket, Batch, BatchBuilder, Errno, Error, Flags, Group, Message,
    NetfilterHeader, Writer, kind,
};

const NF_TABLES: u8 = 10;
const NEW_TABLE: u16 = kind::netfilter(NF_TABLES, 0);
const GET_TABLE: u16 = kind::netfilter(NF_TABLES, 1);
const NEW_CHAIN: u16 = kind::netfilter(NF_TABLES, 3);
const GET_CHAIN: u16 = kind::netfilter(NF_TABLES, 4);

/// Runs `test` in a namespace, with a runtime on its thread.
fn in_namespace<F: Future<Output = ()>>(test: impl FnOnce() -> F + Send) {
    testkit::in_namespace(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async { test().await });
    });
}

fn connect() -> AsyncConnection {
    AsyncConnection::new(AsyncSocket::open().unwrap())
}

fn ipv4(writer: &mut Writer) {
    writer.netfilter_header(&NetfilterHeader::new(2, 0));
}

fn table(name: &str) -> impl Fn(&mut Writer) {
    move |writer| {
        ipv4(writer);
        writer.put_string(1, name.as_bytes());
    }
}

fn tables(count: u32) -> Batch {
    let mut batch = BatchBuilder::new(NF_TABLES);
    for tag in 0..count {
        batch.push(tag, NEW_TABLE, Flags::CREATE | Flags::EXCL, table(&format!("table-{tag}"))).unwrap();
    }
    batch.end()
}

/// A table with so many chains.
fn chains(count: u32, flags: Flags) -> Batch {
    let mut batch = BatchBuilder::new(NF_TABLES);
    batch.push(0, NEW_TABLE, Flags::CREATE, table("t")).unwrap();
    for tag in 0..count {
        let chain = |writer: &mut Writer| {
            table("t")(writer);
            writer.put_string(3, format!("chain-{tag}").as_bytes());
        };
        batch.push(tag, NEW_CHAIN, Flags::CREATE | flags, chain).unwrap();
    }
    batch.end()
}

async fn count(connection: &mut AsyncConnection, kind: u16) -> Result<u32, Error> {
    let each = |count: &mut u32, _: &Message<'_>| {
        *count += 1;
        Ok::<_, Error>(())
    };
    connection.dump_consistent(kind, Flags::default(), ipv4, each).await
}

#[test]
fn a_batch_is_applied_and_dumped() {
    in_namespace(|| async {
        let mut connection = connect();
        assert_eq!(connection.commit(&tables(500)).await, Ok(()));
        assert_eq!(count(&mut connection, GET_TABLE).await, Ok(500));
        let one = |message: &Message<'_>| Ok::<_, Error>(message.header.kind);
        assert_eq!(connection.get(GET_TABLE, Flags::default(), table("table-7"), one).await, Ok(NEW_TABLE));
    });
}

#[test]
fn a_batch_is_refused_with_tags() {
    in_namespace(|| async {
        let mut connection = connect();
        assert_eq!(connection.commit(&tables(3)).await, Ok(()));
        let Err(Error::BatchRefused(refusal)) = connection.commit(&tables(4)).await else {
            panic!("not refused")
        };
        let told: Vec<_> = refusal.failures.iter().map(|f| (f.tag, f.refusal.errno)).collect();
        assert_eq!(told, [0, 1, 2].map(|tag| (Some(tag), Errno::EEXIST)));
    });
}

#[test]
fn a_dump_that_is_dropped_is_read_to_its_end_before_the_next_request() {
    in_namespace(|| async {
        assert_eq!(connect().commit(&chains(2000, Flags::default())).await, Ok(()));
        let mut connection = connect();
        let mut seen = 0;
        {
            let dump = connection.dump(GET_CHAIN, Flags::default(), ipv4, |_| {
                seen += 1;
                Ok::<_, Error>(())
            });
            let mut dump = std::pin::pin!(dump);
            // The first poll sends the request; the dump is dropped before it is read.
            let first = std::future::poll_fn(|context| std::task::Poll::Ready(dump.as_mut().poll(context)));
            assert!(first.await.is_pending());
        }
        assert_eq!(seen, 0);
        assert_eq!(count(&mut connection, GET_CHAIN).await, Ok(2000));
    });
}

#[test]
fn a_reply_that_never_comes_is_an_error() {
    in_namespace(|| async {
        let mut socket = AsyncSocket::open().unwrap();
        socket.set_timeout(Duration::from_millis(1)).unwrap();
        assert_eq!(socket.receive().await, Err(Error::Timeout));
    });
}

#[test]
fn events_are_awaited_and_their_loss_is_told() {
    in_namespace(|| async {
        let mut connection = connect();
        let mut events = AsyncEvents::subscribe(&[Group::NFTABLES]).unwrap();
        assert_eq!(connection.commit(&tables(1)).await, Ok(()));
        let first = events.receive().await.unwrap().next().unwrap().unwrap();
        assert_eq!(first.header.kind, NEW_TABLE);

        assert_eq!(connection.commit(&chains(30_000, Flags::default())).await, Ok(()));
        let lost = loop {
            if let Err(error) = events.receive().await {
                break error;
            }
        };
        assert_eq!(lost, Error::EventsLost);
    });
}

#[test]
fn echoes_without_room_are_lost() {
    in_namespace(|| async {
        let mut connection = connect();
        let error = connection.commit(&chains(30_000, Flags::ECHO)).await.unwrap_err();
        assert_eq!(error, Error::RepliesLost);
        assert_eq!(count(&mut connection, GET_CHAIN).await, Ok(30_000));
    });
    in_namespace(|| async {
        let mut connection = connect();
        connection.socket_mut().reserve_replies(64 << 20).unwrap();
        let mut echoes = 0;
        let each = |_, message: &Message<'_>| echoes += u32::from(message.header.kind == NEW_CHAIN);
        assert_eq!(connection.commit_with(&chains(30_000, Flags::ECHO), each).await, Ok(()));
        assert_eq!(echoes, 30_000);
    });
}
