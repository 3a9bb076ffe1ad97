//! Reader and writer against captured bytes, generated values and arbitrary bytes.

use nfnetlink::wire::{Attribute, Attributes, Problem, Reader, Writer, align};
use nfnetlink::{EncodeError, Flags, Header, Messages, NetfilterHeader, kind};
use proptest::prelude::*;

/// The kernel's dump of the IPv4 tables `filter` and `nat`, captured on a little-endian machine.
#[rustfmt::skip]
const TABLES: &[u8] = &[
    0x3c, 0, 0, 0, 0x00, 0x0a, 0x02, 0, 3, 0, 0, 0, 0xd3, 0x10, 0, 0, 2, 0, 0, 3,
    0x0b, 0, 1, 0, b'f', b'i', b'l', b't', b'e', b'r', 0, 0,
    0x08, 0, 3, 0, 0, 0, 0, 0,
    0x0c, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 1,
    0x08, 0, 2, 0, 0, 0, 0, 0,
    0x38, 0, 0, 0, 0x00, 0x0a, 0x02, 0, 3, 0, 0, 0, 0xd3, 0x10, 0, 0, 2, 0, 0, 3,
    0x08, 0, 1, 0, b'n', b'a', b't', 0,
    0x08, 0, 3, 0, 0, 0, 0, 0,
    0x0c, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 2,
    0x08, 0, 2, 0, 0, 0, 0, 0,
];

#[test]
#[cfg(target_endian = "little")]
fn captured_messages_are_read() {
    let messages: Vec<_> = Messages::new(TABLES).collect::<Result<_, _>>().unwrap();
    let [filter, nat] = messages.as_slice() else { panic!("{} messages", messages.len()) };
    let header = Header { kind: kind::netfilter(10, 0), flags: Flags::MULTI, sequence: 3, port: 4307 };
    assert_eq!((filter.header, nat.header), (header, header));
    assert_eq!((filter.offset, nat.offset), (0, 60));
    assert_eq!((nat.subsystem(), nat.command()), (10, 0));

    let (family, attributes) = nat.netfilter().unwrap();
    assert_eq!(family, NetfilterHeader::new(2, 3));
    let attributes: Vec<_> = attributes.collect::<Result<_, _>>().unwrap();
    assert_eq!(attributes.iter().map(Attribute::kind).collect::<Vec<_>>(), [1, 3, 4, 2]);
    assert_eq!(attributes[0].string("name").unwrap(), b"nat");
    assert_eq!(attributes[0].offset, 84);
    assert_eq!(attributes[1].be_u32("use"), Ok(0));
    assert_eq!(attributes[2].be_u64("handle"), Ok(2));
    let error = attributes[2].be_u32("flags").unwrap_err();
    assert_eq!(error.to_string(), "flags: impossible length 8 at byte 100");
}

#[test]
#[cfg(target_endian = "little")]
fn captured_messages_are_written() {
    let mut writer = Writer::new();
    for (name, handle) in [("filter", 1), ("nat", 2)] {
        let header = Header { kind: kind::netfilter(10, 0), flags: Flags::MULTI, sequence: 3, port: 4307 };
        let message = writer.begin_message(&header);
        writer.netfilter_header(&NetfilterHeader::new(2, 3));
        writer.put_string(1, name.as_bytes());
        writer.put_be_u32(3, 0);
        writer.put_be_u64(4, handle);
        writer.put_be_u32(2, 0);
        writer.finish_message(message).unwrap();
    }
    assert_eq!(writer.as_bytes(), TABLES);
}

#[test]
#[cfg(target_endian = "little")]
fn a_datagram_cut_short_ends_with_an_error() {
    let whole = Messages::new(TABLES).count();
    for len in 0..TABLES.len() {
        let messages: Vec<_> = Messages::new(&TABLES[..len]).collect();
        assert!(messages.len() <= whole);
        let complete = [0, 60].contains(&len);
        assert_eq!(messages.iter().all(Result::is_ok), complete, "{len}");
        assert!(messages.iter().rev().skip(1).all(Result::is_ok), "nothing follows an error");
    }
}

#[test]
fn impossible_lengths_are_errors() {
    let short_message = [15u32.to_ne_bytes(), [0; 4], [0; 4], [0; 4]].concat();
    let error = Messages::new(&short_message).next().unwrap().unwrap_err();
    assert_eq!(error.problem, Problem::Length(15));

    let mut attributes = Attributes::new(Reader::new(&[3, 0, 1, 0]));
    let problem = if cfg!(target_endian = "little") { Problem::Length(3) } else { Problem::Length(768) };
    assert_eq!(attributes.next().unwrap().unwrap_err().problem, problem);
    assert!(attributes.next().is_none());
}

#[test]
fn strings_have_at_most_one_nul_and_that_at_the_end() {
    let string = |value: &'static [u8]| Attribute::new(1, value).string("name");
    assert_eq!(string(b"name\0"), Ok(&b"name"[..]));
    assert_eq!(string(b"name"), Ok(&b"name"[..]));
    assert_eq!(string(b"\0"), Ok(&b""[..]));
    assert_eq!(string(b"na\0me\0").unwrap_err().problem, Problem::String);
    assert_eq!(string(b"name\0\0").unwrap_err().problem, Problem::String);
}

#[test]
fn fixed_strings_end_at_their_first_nul() {
    let mut reader = Reader::new(b"lo\0\xa5eth0");
    assert_eq!(reader.c_string(4, "interface"), Ok(&b"lo"[..]));
    assert_eq!(reader.c_string(4, "interface"), Ok(&b"eth0"[..]));
    assert!(reader.c_string(4, "interface").is_err());
}

#[test]
fn an_attribute_of_64_kib_is_refused_and_its_message_taken_out() {
    let mut writer = Writer::new();
    let first = writer.begin_message(&Header::default());
    writer.put(1, &[7; 65_531]);
    writer.finish_message(first).unwrap();
    let len = writer.len();

    let nest = |writer: &mut Writer| writer.nest(2, |writer| (0..9).for_each(|_| writer.put(1, &[0; 8000])));
    let too_long = [
        (
            EncodeError::AttributeTooLong { kind: 1, len: 65_536 },
            &(|w: &mut Writer| w.put(1, &[0; 65_532])) as &dyn Fn(&mut Writer),
        ),
        (EncodeError::AttributeTooLong { kind: 2, len: 72_040 }, &nest),
        (EncodeError::NotRepresentable("text with a NUL"), &|w: &mut Writer| w.put_string(1, b"a\0b")),
    ];
    for (error, body) in too_long {
        let message = writer.begin_message(&Header::default());
        body(&mut writer);
        writer.put_u8(3, 1);
        assert_eq!(writer.finish_message(message), Err(error));
        assert_eq!(writer.len(), len);
    }
    let next = writer.begin_message(&Header::default());
    assert_eq!(writer.finish_message(next), Ok(()));
    assert_eq!(Messages::new(writer.as_bytes()).filter(Result::is_ok).count(), 2);
}

#[test]
fn a_message_of_odd_length_is_padded() {
    let mut writer = Writer::new();
    for text in [b"a".as_slice(), b"bcd"] {
        let message = writer.begin_message(&Header::default());
        writer.bytes(text);
        writer.finish_message(message).unwrap();
    }
    let payloads: Vec<_> =
        Messages::new(writer.as_bytes()).map(|message| message.unwrap().payload.rest().to_vec()).collect();
    assert_eq!(payloads, [b"a".to_vec(), b"bcd".to_vec()]);
}

#[test]
fn a_value_is_padded_from_where_it_began() {
    let mut writer = Writer::new();
    let mark = writer.begin(1);
    writer.bytes(b"123456789");
    writer.pad_value(&mark, 8);
    writer.end(mark);
    let attribute = Attributes::new(Reader::new(writer.as_bytes())).next().unwrap().unwrap();
    assert_eq!(attribute.value, b"123456789\0\0\0\0\0\0\0");
}

#[test]
fn an_attribute_is_found_by_its_offset() {
    let mut writer = Writer::new();
    for _ in 0..2 {
        let message = writer.begin_message(&Header::default());
        writer.netfilter_header(&NetfilterHeader::default());
        writer.put_string(1, b"t"); // at 20
        writer.nest(4, |writer| {
            writer.put_be_u32(1, 3); // at 32
            writer.nest(2, |writer| writer.put_be_u32(7, 0)); // at 40 and 44
        });
        writer.put(9, &[]); // at 52
        writer.finish_message(message).unwrap();
    }
    for message in Messages::new(writer.as_bytes()) {
        let message = message.unwrap();
        let path = |offset| message.attributes_at(offset).iter().map(Attribute::kind).collect::<Vec<_>>();
        assert_eq!(path(20), [1]);
        assert_eq!(path(28), [4]);
        assert_eq!(path(32), [4, 1]);
        assert_eq!(path(40), [4, 2]);
        assert_eq!(path(44), [4, 2, 7]);
        assert_eq!(path(52), [9]);
        for nothing in [0, 16, 56, u32::MAX] {
            assert!(path(nothing).is_empty(), "{nothing}");
        }
    }
}

/// Attributes within attributes, as generated values.
#[derive(Clone, Debug, PartialEq)]
enum Tree {
    Value(u16, Vec<u8>),
    Number(u16, u64, u8),
    Nest(u16, Vec<Self>),
}

fn tree() -> impl Strategy<Value = Tree> {
    let kind = 0u16..1 << 14;
    let leaf = prop_oneof![
        (kind.clone(), proptest::collection::vec(any::<u8>(), 0..40)).prop_map(|(k, v)| Tree::Value(k, v)),
        (kind.clone(), any::<u64>(), 0u8..4)
            .prop_map(|(k, value, size)| { Tree::Number(k, value & (u64::MAX >> (64 - (8 << size))), size) }),
    ];
    leaf.prop_recursive(4, 32, 6, move |inner| {
        (kind.clone(), proptest::collection::vec(inner, 0..6)).prop_map(|(k, v)| Tree::Nest(k, v))
    })
}

fn write(tree: &Tree, writer: &mut Writer) {
    match tree {
        Tree::Value(kind, value) => writer.put(*kind, value),
        Tree::Number(kind, value, 0) => writer.put_u8(*kind, *value as u8),
        Tree::Number(kind, value, 1) => writer.put_be_u16(*kind, *value as u16),
        Tree::Number(kind, value, 2) => writer.put_be_u32(*kind, *value as u32),
        Tree::Number(kind, value, _) => writer.put_be_u64(*kind, *value),
        Tree::Nest(kind, inner) => writer.nest(*kind, |writer| inner.iter().for_each(|t| write(t, writer))),
    }
}

/// Reads attributes into the shape of `expected`, which says what is a number.
fn read(attributes: Attributes<'_>, expected: &[Tree]) -> Vec<Tree> {
    let attributes: Vec<_> = attributes.collect::<Result<_, _>>().unwrap();
    let shape = |(attribute, expected): (&Attribute<'_>, &Tree)| match expected {
        Tree::Value(..) => Tree::Value(attribute.kind(), attribute.value.to_vec()),
        Tree::Number(_, _, size) => {
            let value = match size {
                0 => attribute.u8("n").map(u64::from),
                1 => attribute.be_u16("n").map(u64::from),
                2 => attribute.be_u32("n").map(u64::from),
                _ => attribute.be_u64("n"),
            };
            Tree::Number(attribute.kind(), value.unwrap(), *size)
        }
        Tree::Nest(_, inner) => {
            assert!(attribute.is_nested());
            Tree::Nest(attribute.kind(), read(attribute.nested(), inner))
        }
    };
    assert_eq!(attributes.len(), expected.len());
    attributes.iter().zip(expected).map(shape).collect()
}

/// Reads everything in every way, whatever it is.
fn walk(attributes: Attributes<'_>, buffer: &[u8], depth: u8) {
    for attribute in attributes.flatten() {
        let at = buffer.get(attribute.offset..attribute.offset + attribute.value.len());
        assert_eq!(at, Some(attribute.value), "the offset is where the value is");
        let _ = (attribute.string(""), attribute.u8(""), attribute.be_u16(""), attribute.be_u64(""));
        if depth > 0 {
            walk(attribute.nested(), buffer, depth - 1);
        }
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read(trees in proptest::collection::vec(tree(), 0..8), family: u8, resource: u16) {
        let mut writer = Writer::new();
        let header = Header { kind: 0x0a06, flags: Flags::ACK, sequence: 9, port: 7 };
        let message = writer.begin_message(&header);
        writer.netfilter_header(&NetfilterHeader::new(family, resource));
        trees.iter().for_each(|tree| write(tree, &mut writer));
        writer.finish_message(message).unwrap();
        prop_assert_eq!(writer.len(), align(writer.len()));

        let messages: Vec<_> = Messages::new(writer.as_bytes()).collect::<Result<_, _>>().unwrap();
        prop_assert_eq!(messages.len(), 1);
        prop_assert_eq!(messages[0].header, header);
        let (netfilter, attributes) = messages[0].netfilter().unwrap();
        prop_assert_eq!(netfilter, NetfilterHeader::new(family, resource));
        prop_assert_eq!(read(attributes, &trees), trees);
    }

    #[test]
    fn attributes_written_again_are_the_same_bytes(trees in proptest::collection::vec(tree(), 0..8)) {
        let mut writer = Writer::new();
        trees.iter().for_each(|tree| write(tree, &mut writer));
        let mut again = Writer::new();
        for attribute in Attributes::new(Reader::new(writer.as_bytes())) {
            again.put_raw(&attribute.unwrap());
        }
        prop_assert_eq!(writer.as_bytes(), again.as_bytes());
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        walk(Attributes::new(Reader::new(&bytes)), &bytes, 8);
        for message in Messages::new(&bytes).flatten() {
            if let Ok((_, attributes)) = message.netfilter() {
                walk(attributes, &bytes, 8);
            }
        }
    }

    #[test]
    fn captured_bytes_with_flips_never_panic(flips in proptest::collection::vec((0..TABLES.len(), any::<u8>()), 1..8)) {
        let mut bytes = TABLES.to_vec();
        flips.into_iter().for_each(|(at, value)| bytes[at] = value);
        for message in Messages::new(&bytes).flatten() {
            (0..bytes.len() as u32).for_each(|offset| drop(message.attributes_at(offset)));
            prop_assert!(message.offset + 16 + message.payload.remaining() <= bytes.len());
            if let Ok((_, attributes)) = message.netfilter() {
                walk(attributes, &bytes, 8);
            }
        }
    }
}
