use std::fmt;

use nfnetlink::{Flags, Message as WireMessage, Messages, Refusal, kind};

use crate::Bytes;
use crate::codec::Printer;
use crate::nft::Message;

/// The readable form of a datagram, to show what is sent and what comes back.
///
/// Each message is a line with its name, family, flags and sequence number; below it an attribute a line, nests
/// indented. What cannot be decoded is told as such and shown in hexadecimal.
///
/// ```
/// use nfnetlink::{Connection, Direction, Tap, Transport};
/// use pkttnetlink::Readable;
///
/// fn traced<T: Transport>(transport: T) -> Connection<impl Transport> {
///     Connection::new(Tap::new(transport, |direction: Direction, datagram: &[u8]| {
///         eprintln!("{direction:?}\n{}", Readable(datagram));
///     }))
/// }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Readable<'a>(
    /// The datagram.
    pub &'a [u8],
);

impl fmt::Display for Readable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut printer = Printer::new(f);
        Messages::new(self.0).try_for_each(|message| match message {
            Ok(message) => show(&message, &mut printer),
            Err(error) => printer.line(format_args!("malformed message: {error}")),
        })
    }
}

fn show(message: &WireMessage<'_>, printer: &mut Printer<'_>) -> fmt::Result {
    let tail = Tail(message);
    match message.header.kind {
        kind::NOOP => printer.line(format_args!("NLMSG_NOOP{tail}")),
        kind::OVERRUN => printer.line(format_args!("NLMSG_OVERRUN{tail}")),
        kind::DONE => printer.line(format_args!("NLMSG_DONE{tail}")),
        kind::BATCH_BEGIN => show_batch_begin(message, printer),
        kind::BATCH_END => printer.line(format_args!("NFNL_MSG_BATCH_END{tail}")),
        kind::ERROR => match Refusal::decode(message) {
            Ok(None) => printer.line(format_args!("NLMSG_ERROR: success{tail}")),
            Ok(Some(refusal)) => {
                printer.line(format_args!("NLMSG_ERROR: {refusal}{tail}"))?;
                refusal.offset().map_or(Ok(()), |offset| {
                    printer.indented(|printer| {
                        printer.line(format_args!("about the attribute at byte {offset}"))
                    })
                })
            }
            Err(error) => undecoded(message, error, printer),
        },
        _ => match Message::decode(message) {
            Ok(decoded) => decoded.show(&tail, printer),
            Err(error) => undecoded(message, error, printer),
        },
    }
}

/// `NFNL_BATCH_GENID` in the begin of a batch says which generation it is meant for.
fn show_batch_begin(message: &WireMessage<'_>, printer: &mut Printer<'_>) -> fmt::Result {
    const GENERATION: u16 = 1;
    printer.line(format_args!("NFNL_MSG_BATCH_BEGIN{}", Tail(message)))?;
    let attributes = message.netfilter().map(|(_, attributes)| attributes).into_iter().flatten();
    printer.indented(|printer| {
        attributes.flatten().try_for_each(|attribute| {
            match (attribute.kind(), attribute.be_u32("generation")) {
                (GENERATION, Ok(generation)) => printer.line(format_args!("NFNL_BATCH_GENID {generation}")),
                (kind, _) => printer.line(format_args!("attribute {kind} {}", Bytes::new(attribute.value))),
            }
        })
    })
}

fn undecoded(
    message: &WireMessage<'_>,
    error: nfnetlink::DecodeError,
    printer: &mut Printer<'_>,
) -> fmt::Result {
    printer.line(format_args!("message {:#06x}{}: {error}", message.header.kind, Tail(message)))?;
    let mut payload = message.payload;
    printer.indented(|printer| printer.line(format_args!("{}", Bytes::new(payload.rest()))))
}

/// What the header says besides the kind.
struct Tail<'a>(&'a WireMessage<'a>);

impl fmt::Display for Tail<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let header = self.0.header;
        let mut left = header.flags.0;
        let mut separator = ", flags ";
        for &(bits, name) in COMMON.iter().chain(special(self.0)) {
            if left & bits == bits {
                left &= !bits;
                write!(f, "{separator}{name}")?;
                separator = "|";
            }
        }
        if left != 0 {
            write!(f, "{separator}{left:#x}")?;
        }
        write!(f, ", sequence {}, port {}", header.sequence, header.port)
    }
}

type Names = &'static [(u16, &'static str)];

const COMMON: Names = &[
    (Flags::REQUEST.0, "REQUEST"),
    (Flags::MULTI.0, "MULTI"),
    (Flags::ACK.0, "ACK"),
    (Flags::ECHO.0, "ECHO"),
    (Flags::DUMP_INTERRUPTED.0, "DUMP_INTR"),
];

/// The flags whose meaning depends on the message.
fn special(message: &WireMessage<'_>) -> Names {
    const ACK: Names = &[(Flags::CAPPED.0, "CAPPED"), (Flags::ACK_TLVS.0, "ACK_TLVS")];
    const GET: Names = &[(Flags::DUMP.0, "DUMP")];
    const DELETE: Names = &[(Flags::NONREC.0, "NONREC")];
    const NEW: Names = &[
        (Flags::REPLACE.0, "REPLACE"),
        (Flags::EXCL.0, "EXCL"),
        (Flags::CREATE.0, "CREATE"),
        (Flags::APPEND.0, "APPEND"),
    ];
    let name = crate::nft::kind::name(message.header.kind).unwrap_or_default();
    match message.header.kind {
        kind::ERROR | kind::DONE => ACK,
        _ if name.contains("_GET") => GET,
        _ if name.contains("_DE") => DELETE,
        _ if name.contains("_NEW") => NEW,
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use nfnetlink::{BatchBuilder, Header, Writer};

    use super::*;
    use crate::nft::{Body, Family, Table};

    #[test]
    fn batch_is_readable() {
        let message = Message::new(
            Family::IPV4,
            Body::NewTable(Table { name: Some("filter".into()), ..Table::default() }),
        );
        let mut batch = BatchBuilder::with_generation(10, 7);
        batch
            .push(0, message.body.kind(), Flags::CREATE | Flags::ACK, |writer| message.encode_payload(writer))
            .unwrap();
        let text = Readable(batch.end().as_bytes()).to_string();
        let lines: Vec<_> = text.lines().map(|line| line.split(", sequence").next().unwrap()).collect();
        assert_eq!(
            lines,
            [
                "NFNL_MSG_BATCH_BEGIN, flags REQUEST",
                "  NFNL_BATCH_GENID 7",
                "NFT_MSG_NEWTABLE, family IPV4, resource 0, flags REQUEST|ACK|CREATE",
                "  NFTA_TABLE_NAME \"filter\"",
                "NFNL_MSG_BATCH_END, flags REQUEST",
            ]
        );
    }

    #[test]
    fn acknowledgements_are_readable() {
        let mut writer = Writer::new();
        for code in [0i32, -2] {
            let header = Header { kind: kind::ERROR, flags: Flags::CAPPED, sequence: 5, port: 9 };
            let mark = writer.begin_message(&header);
            writer.bytes(&code.to_ne_bytes());
            writer.bytes(&[0; 16]);
            writer.finish_message(mark).unwrap();
        }
        let expected = "\
NLMSG_ERROR: success, flags CAPPED, sequence 5, port 9
NLMSG_ERROR: ENOENT (No such file or directory), flags CAPPED, sequence 5, port 9";
        assert_eq!(Readable(writer.as_bytes()).to_string(), expected);
    }

    #[test]
    fn what_is_malformed_is_shown() {
        let mut writer = Writer::new();
        let header = Header { kind: crate::nft::kind::NEW_RULE, ..Header::default() };
        let mark = writer.begin_message(&header);
        writer.bytes(&[2, 0, 0, 0, 5, 0, 3, 0, 1, 0, 0, 0]);
        writer.finish_message(mark).unwrap();
        let bytes = [writer.as_bytes(), &[1, 2]].concat();
        let text = Readable(&bytes).to_string();
        let expected = "message 0x0a06, sequence 0, port 0: NFTA_RULE_HANDLE";
        assert!(text.starts_with(expected), "{text}");
        assert!(text.contains("0x02000000050003000100"), "{text}");
        assert!(text.contains("malformed message"), "{text}");
    }
}
