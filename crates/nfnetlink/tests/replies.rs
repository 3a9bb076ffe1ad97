//! What a connection makes of replies, played by a transport that follows a script.

use std::collections::VecDeque;

use nfnetlink::{
    Batch, BatchBuilder, BatchFailure, Connection, Errno, Error, Flags, Header, Message, Refusal, Transport,
    Writer, kind,
};
use proptest::prelude::*;

const PORT: u32 = 4307;
const DATA: u16 = kind::netfilter(10, 6);

/// Gives its datagrams one after the other, then nothing; what was there before the request is given first.
#[derive(Default)]
struct Script {
    stale: VecDeque<Vec<u8>>,
    replies: VecDeque<Result<Vec<u8>, Error>>,
    sent: bool,
    current: Vec<u8>,
}

impl Transport for Script {
    fn port(&self) -> u32 {
        PORT
    }

    fn send(&mut self, _: &[u8]) -> Result<(), Error> {
        self.sent = true;
        Ok(())
    }

    fn receive(&mut self) -> Result<&[u8], Error> {
        self.try_receive()?.ok_or(Error::Timeout)
    }

    fn try_receive(&mut self) -> Result<Option<&[u8]>, Error> {
        let next = match self.stale.pop_front() {
            Some(stale) => Some(stale),
            None if self.sent => self.replies.pop_front().transpose()?,
            None => None,
        };
        Ok(next.map(|datagram| {
            self.current = datagram;
            self.current.as_slice()
        }))
    }
}

fn message(kind: u16, flags: Flags, sequence: u32, body: impl FnOnce(&mut Writer)) -> Vec<u8> {
    let mut writer = Writer::new();
    let mark = writer.begin_message(&Header { kind, flags, sequence, port: PORT });
    body(&mut writer);
    writer.finish_message(mark).unwrap();
    writer.into_bytes().unwrap()
}

fn data(sequence: u32, flags: Flags) -> Vec<u8> {
    message(DATA, flags, sequence, |writer| writer.bytes(&[0; 4]))
}

fn done(sequence: u32) -> Vec<u8> {
    message(kind::DONE, Flags::MULTI, sequence, |writer| writer.bytes(&0i32.to_ne_bytes()))
}

/// An error or, with code 0, an acknowledgement, with the request's header only.
fn error(sequence: u32, code: i32) -> Vec<u8> {
    message(kind::ERROR, Flags::CAPPED, sequence, |writer| {
        writer.bytes(&code.to_ne_bytes());
        writer.bytes(&[0; 16]);
    })
}

fn connection(replies: impl IntoIterator<Item = Vec<u8>>) -> Connection<Script> {
    Connection::new(Script { replies: replies.into_iter().map(Ok).collect(), ..Script::default() })
}

fn request(connection: &mut Connection<Script>) -> Result<(), Error> {
    connection.request(DATA, Flags::default(), |_| {})
}

fn get(connection: &mut Connection<Script>) -> Result<u32, Error> {
    connection.get(DATA, Flags::default(), |_| {}, |message| Ok(message.header.sequence))
}

fn dump(connection: &mut Connection<Script>) -> Result<u32, Error> {
    let mut count = 0;
    let each = |_: &Message<'_>| {
        count += 1;
        Ok::<_, Error>(())
    };
    connection.dump(DATA, Flags::default(), |_| {}, each).map(|()| count)
}

fn batch(messages: u32) -> Batch {
    let mut batch = BatchBuilder::new(10);
    (0..messages).for_each(|index| batch.push(100 + index, DATA, Flags::default(), |_| {}).unwrap());
    batch.end()
}

fn failure(tag: Option<u32>, errno: Errno) -> BatchFailure {
    let index = tag.map(|tag| tag as usize - 100);
    BatchFailure { tag, index, refusal: Refusal::new(errno) }
}

fn failures(result: Result<(), Error>) -> Vec<BatchFailure> {
    match result {
        Err(Error::BatchRefused(refusal)) => refusal.failures,
        other => panic!("{other:?}"),
    }
}

#[test]
fn replies_to_others_are_skipped() {
    let other_port = {
        let mut writer = Writer::new();
        let header = Header { kind: DATA, flags: Flags::default(), sequence: 1, port: PORT + 1 };
        let mark = writer.begin_message(&header);
        writer.finish_message(mark).unwrap();
        writer.into_bytes().unwrap()
    };
    let noop = message(kind::NOOP, Flags::default(), 1, |_| {});
    let replies = [error(9, -2), data(8, Flags::default()), other_port, noop];
    assert_eq!(get(&mut connection([&replies[..], &[data(1, Flags::default())]].concat())), Ok(1));
    assert_eq!(request(&mut connection([&replies[..], &[error(1, 0)]].concat())), Ok(()));
    assert_eq!(request(&mut connection(replies)), Err(Error::Timeout));
}

#[test]
fn each_request_has_its_own_sequence_number() {
    let mut connection =
        connection([data(1, Flags::default()), data(1, Flags::default()), data(2, Flags::default())]);
    assert_eq!((get(&mut connection), get(&mut connection)), (Ok(1), Ok(2)));
}

#[test]
fn a_request_is_refused() {
    assert_eq!(request(&mut connection([error(1, -17)])), Err(Refusal::new(Errno::EEXIST).into()));
    assert_eq!(request(&mut connection([error(1, -1)])), Err(Error::PermissionDenied));
    assert_eq!(get(&mut connection([error(1, i32::MIN)])).unwrap_err().errno(), Some(Errno::new(i32::MAX)));
}

/// The kernel's words about a table name that is too long, captured on a little-endian machine.
#[test]
#[cfg(target_endian = "little")]
fn a_captured_extended_acknowledgement_is_read() {
    #[rustfmt::skip]
    let capped: &[u8] = &[
        0x68, 0, 0, 0, 0x02, 0x00, 0x00, 0x03, 1, 0, 0, 0, 0xd3, 0x10, 0, 0, 0xde, 0xff, 0xff, 0xff,
        0x44, 0x01, 0, 0, 0x01, 0x0a, 0x01, 0x00, 1, 0, 0, 0, 0, 0, 0, 0,
        0x27, 0, 0x01, 0,
        b'A', b't', b't', b'r', b'i', b'b', b'u', b't', b'e', b' ', b'f', b'a', b'i', b'l', b'e', b'd', b' ',
        b'p', b'o', b'l', b'i', b'c', b'y', b' ', b'v', b'a', b'l', b'i', b'd', b'a', b't', b'i', b'o', b'n', 0, 0,
        0x08, 0, 0x02, 0, 0x14, 0, 0, 0,
        0x14, 0, 0x04, 0x80, 0x08, 0, 0x07, 0, 0xff, 0, 0, 0, 0x08, 0, 0x01, 0, 0x0b, 0, 0, 0,
    ];
    // The same with the request repeated, as for sockets without NETLINK_CAP_ACK.
    let mut whole = capped.to_vec();
    whole.splice(36..36, vec![0x55; 0x144 - 16]);
    whole[..4].copy_from_slice(&(0x68u32 + 0x144 - 16).to_ne_bytes());
    whole[7] = 0x02;

    for reply in [capped.to_vec(), whole] {
        let Err(Error::Refused(refusal)) = request(&mut connection([reply])) else { panic!("not refused") };
        assert_eq!(refusal.errno, Errno::ERANGE);
        assert_eq!(refusal.message(), Some("Attribute failed policy validation"));
        assert_eq!(refusal.offset(), Some(20));
        let policy = refusal.extack.as_ref().and_then(|ack| ack.policy.as_deref());
        assert_eq!(policy.map(<[u8]>::len), Some(16));
        assert_eq!(
            refusal.to_string(),
            "ERANGE (Numerical result out of range): Attribute failed policy validation (attribute at byte 20)"
        );
    }
}

#[test]
fn a_reply_of_the_wrong_kind_is_an_error() {
    assert_eq!(get(&mut connection([error(1, 0)])), Err(Error::UnexpectedReply { kind: kind::ERROR }));
    assert_eq!(get(&mut connection([done(1)])), Err(Error::UnexpectedReply { kind: kind::DONE }));
}

#[test]
fn a_malformed_reply_is_an_error() {
    let short = message(kind::ERROR, Flags::default(), 1, |writer| writer.bytes(&[0; 3]));
    for reply in [short, vec![1, 2, 3]] {
        assert!(matches!(request(&mut connection([reply])), Err(Error::Decode(_))));
    }
}

#[test]
fn lost_replies_are_an_error() {
    let overrun = message(kind::OVERRUN, Flags::default(), 1, |_| {});
    assert_eq!(dump(&mut connection([overrun])), Err(Error::RepliesLost));
    let mut lossy = connection([]);
    lossy.transport_mut().replies.push_back(Err(Error::RepliesLost));
    assert_eq!(get(&mut lossy), Err(Error::RepliesLost));
}

#[test]
fn a_dump_goes_on_until_it_is_done() {
    let multi = |sequence| data(sequence, Flags::MULTI);
    let two = [multi(1), multi(1)].concat();
    assert_eq!(dump(&mut connection([two.clone(), multi(1), done(1)])), Ok(3));
    assert_eq!(dump(&mut connection([[two.clone(), done(1)].concat()])), Ok(2));
    assert_eq!(dump(&mut connection([done(1)])), Ok(0));
    assert_eq!(dump(&mut connection([two.clone(), done(7)])), Err(Error::Timeout));
    // An answer that is not in parts is complete.
    assert_eq!(dump(&mut connection([data(1, Flags::default())])), Ok(1));
    let failed = message(kind::DONE, Flags::MULTI, 1, |writer| writer.bytes(&(-12i32).to_ne_bytes()));
    assert_eq!(dump(&mut connection([two, failed])), Err(Refusal::new(Errno::ENOMEM).into()));
}

#[test]
fn an_interruption_may_be_told_at_the_end_only() {
    let end = message(kind::DONE, Flags::MULTI | Flags::DUMP_INTERRUPTED, 1, |writer| writer.bytes(&[0; 4]));
    assert_eq!(dump(&mut connection([data(1, Flags::MULTI), end.clone()])), Err(Error::DumpInterrupted));

    let again = [data(1, Flags::MULTI), end, data(2, Flags::MULTI), data(2, Flags::MULTI), done(2)];
    let count = connection(again).dump_consistent(
        DATA,
        Flags::default(),
        |_| {},
        |count, _| {
            *count += 1;
            Ok::<_, Error>(())
        },
    );
    assert_eq!(count, Ok(2));
}

#[test]
fn a_dump_in_which_nothing_comes_is_given_up_once() {
    let mut connection = connection([data(1, Flags::MULTI)]);
    assert_eq!(dump(&mut connection), Err(Error::Timeout));
    connection.transport_mut().replies.extend([done(1), error(2, 0)].map(Ok));
    assert_eq!(request(&mut connection), Ok(()));
}

#[test]
fn a_batch_is_applied_when_its_last_message_is_acknowledged() {
    assert_eq!(connection([error(1, 0), error(3, 0)]).commit(&batch(3)), Ok(()));
    assert_eq!(connection([error(1, 0)]).commit(&batch(1)), Ok(()));
    assert_eq!(connection([error(1, 0)]).commit(&batch(3)), Err(Error::Timeout));
    assert_eq!(connection([]).commit(&batch(3)), Err(Error::Timeout));
    assert_eq!(connection([]).commit(&batch(0)), Ok(()));
}

#[test]
fn failures_of_a_batch_carry_tags() {
    let replies = [error(1, -2), error(2, -17), error(4, 0)];
    let expected = [failure(Some(100), Errno::ENOENT), failure(Some(101), Errno::EEXIST)];
    assert_eq!(failures(connection(replies.clone()).commit(&batch(4))), expected);
    assert_eq!(failures(connection([replies.concat()]).commit(&batch(4))), expected);
    assert_eq!(failures(connection([error(1, -2)]).commit(&batch(1))), [failure(Some(100), Errno::ENOENT)]);
}

#[test]
fn a_failure_of_the_whole_batch_has_no_tag() {
    // On the begin: alone.
    assert_eq!(failures(connection([error(0, -85)]).commit(&batch(2))), [failure(None, Errno::ERESTART)]);
    assert_eq!(connection([error(0, -1)]).commit(&batch(2)), Err(Error::PermissionDenied));
    // On the commit: with the number of the first message, which has not failed itself.
    for (messages, replies) in
        [(1, vec![error(1, -12), error(1, 0)]), (2, vec![error(1, -12), error(1, 0), error(2, 0)])]
    {
        assert_eq!(failures(connection(replies).commit(&batch(messages))), [failure(None, Errno::ENOMEM)]);
    }
}

#[test]
fn what_was_left_before_a_batch_is_no_answer_to_it() {
    let mut connection = connection([error(1, 0), error(2, 0)]);
    connection.transport_mut().stale.extend([error(1, -2), error(2, 0)]);
    assert_eq!(connection.commit(&batch(2)), Ok(()));
}

#[test]
fn a_batch_whose_failures_are_lost_is_refused_as_far_as_known() {
    let mut lossy = connection([]);
    lossy.transport_mut().replies.extend([Err(Error::RepliesLost), Ok(error(2, -2))]);
    let Err(Error::BatchRefused(refusal)) = lossy.commit(&batch(3)) else { panic!("not refused") };
    assert!(refusal.incomplete);
    assert_eq!(refusal.failures, [failure(Some(101), Errno::ENOENT)]);
    assert_eq!(
        refusal.to_string(),
        "batch refused: message 101: ENOENT (No such file or directory) (some errors were lost)"
    );

    let mut lossy = connection([]);
    lossy.transport_mut().replies.push_back(Err(Error::RepliesLost));
    assert_eq!(lossy.commit(&batch(3)), Err(Error::RepliesLost));
}

/// Messages that look like answers, with arbitrary content.
fn reply() -> impl Strategy<Value = Vec<u8>> {
    let kinds = prop_oneof![1u16..5, Just(DATA), any::<u16>()];
    let sane = (kinds, any::<u16>(), 0u32..4, proptest::collection::vec(any::<u8>(), 0..60)).prop_map(
        |(kind, flags, sequence, body)| message(kind, Flags(flags), sequence, |writer| writer.bytes(&body)),
    );
    prop_oneof![4 => sane, 1 => proptest::collection::vec(any::<u8>(), 0..60)]
}

proptest! {
    #[test]
    fn arbitrary_replies_never_panic_nor_hang(replies in proptest::collection::vec(reply(), 0..6)) {
        let _ = request(&mut connection(replies.clone()));
        let _ = get(&mut connection(replies.clone()));
        let _ = dump(&mut connection(replies.clone()));
        let _ = connection(replies).commit(&batch(2));
    }
}
