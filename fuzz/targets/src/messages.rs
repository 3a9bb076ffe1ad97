use nfnetlink::wire::{Attributes, Reader, kind};
use nfnetlink::{Flags, Header, Messages, Writer};
use pkttnetlink::nft::{Body, Message, kind as nft};

/// The expressions that are known, and two names that are not.
pub const EXPRESSIONS: [&str; 42] = [
    "payload",
    "cmp",
    "meta",
    "bitwise",
    "counter",
    "immediate",
    "match",
    "target",
    "lookup",
    "range",
    "limit",
    "log",
    "nat",
    "masq",
    "redir",
    "reject",
    "ct",
    "fib",
    "socket",
    "rt",
    "exthdr",
    "quota",
    "numgen",
    "hash",
    "objref",
    "dynset",
    "queue",
    "dup",
    "fwd",
    "notrack",
    "last",
    "connlimit",
    "byteorder",
    "tproxy",
    "synproxy",
    "osf",
    "xfrm",
    "tunnel",
    "flow_offload",
    "inner",
    "unknown",
    "",
];
/// `NFTA_RULE_EXPRESSIONS`, `NFTA_LIST_ELEM`, `NFTA_EXPR_NAME`, `NFTA_EXPR_DATA`.
const RULE_EXPRESSIONS: u16 = 4;
const LIST_ELEMENT: u16 = 1;
const NAME: u16 = 1;
const DATA: u16 = 2;

/// A message of each kind: the first byte says which, its highest bit of which subsystem; the rest are attributes.
pub fn message(bytes: &[u8]) {
    let Some((&first, attributes)) = bytes.split_first() else { return };
    let subsystem = if first & 0x80 == 0 { 10 } else { 11 };
    check(kind::netfilter(subsystem, first & 0x3f), attributes);
}

/// An expression within a rule: the first byte says which, the rest are its attributes.
pub fn expression(bytes: &[u8]) {
    let Some((&first, attributes)) = bytes.split_first() else { return };
    let mut writer = Writer::new();
    writer.nest(RULE_EXPRESSIONS, |writer| {
        writer.nest(LIST_ELEMENT, |writer| {
            writer.put_string(NAME, EXPRESSIONS[usize::from(first) % EXPRESSIONS.len()].as_bytes());
            writer.nest(DATA, |writer| writer.bytes(attributes));
        });
    });
    if let Ok(rule) = writer.into_bytes() {
        check(nft::NEW_RULE, &rule);
    }
}

/// What can be decoded can be shown, and encoded to what decodes to the same.
fn check(kind: u16, attributes: &[u8]) {
    let Ok(body) = Body::decode(kind, Attributes::new(Reader::new(attributes))) else { return };
    let message = Message::new(pkttnetlink::nft::Family::IPV4, body);
    let _ = message.to_string();
    let mut writer = Writer::new();
    let header = Header { kind, flags: Flags::REQUEST, sequence: 1, port: 0 };
    if message.encode(&header, &mut writer).is_err() {
        // Attributes that were not padded can be too long for a length field when they are.
        assert!(attributes.len() > 0xff00, "what was read cannot be written");
        return;
    }
    let encoded = Messages::new(writer.as_bytes()).next().expect("a message").expect("a whole message");
    assert_eq!(Message::decode(&encoded).expect("what was written can be read"), message);
    let mut again = Writer::new();
    message.clone().into_owned().encode(&header, &mut again).expect("what was written before");
    assert_eq!(again.as_bytes(), writer.as_bytes());
}
