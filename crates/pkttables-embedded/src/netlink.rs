//! What the netlink core does with every request: acknowledgements, errors, replies.

use nfnetlink::wire::{Header, Message, Writer, kind};
use nfnetlink::{Errno, Flags};

use crate::refusal::Refusal;

/// `NLMSGERR_ATTR_OFFS`, in host byte order.
const OFFSET: u16 = 2;

/// Writes an acknowledgement, or the error of a message: `struct nlmsgerr` without the request's payload.
pub(crate) fn acknowledge(
    request: &Message<'_>,
    result: Result<(), Refusal>,
    port: u32,
    out: &mut Vec<Vec<u8>>,
) {
    let (code, offset) = match result {
        Ok(()) => (0, None),
        Err(refusal) => (refusal.errno.number().saturating_neg(), refusal.offset(request)),
    };
    let mut flags = Flags::CAPPED;
    if offset.is_some() {
        flags = flags | Flags::ACK_TLVS;
    }
    let Header { kind: request_kind, flags: request_flags, sequence, port: request_port } = request.header;
    let mut writer = Writer::with_capacity(48);
    let mark = writer.begin_message(&Header { kind: kind::ERROR, flags, sequence, port });
    writer.bytes(&code.to_ne_bytes());
    writer.bytes(&request_len(request).to_ne_bytes());
    writer.bytes(&request_kind.to_ne_bytes());
    writer.bytes(&request_flags.0.to_ne_bytes());
    writer.bytes(&sequence.to_ne_bytes());
    writer.bytes(&request_port.to_ne_bytes());
    if let Some(offset) = offset {
        writer.put(OFFSET, &offset.to_ne_bytes());
    }
    push(writer, mark, out);
}

/// Finishes the one message in `writer` and adds it to the replies.
pub(crate) fn push(mut writer: Writer, mark: nfnetlink::wire::Mark, out: &mut Vec<Vec<u8>>) {
    if writer.finish_message(mark).is_ok()
        && let Ok(bytes) = writer.into_bytes()
    {
        out.push(bytes);
    }
}

/// Reads a request's netfilter header and attributes; a family that nothing is known of is refused later.
pub(crate) fn decode<'a>(
    request: &Message<'a>,
) -> Result<(pkttnetlink::nft::Family, pkttnetlink::nft::Body<'a>), Refusal> {
    let message = pkttnetlink::nft::Message::decode(request)?;
    Ok((message.family, message.body))
}

fn request_len(request: &Message<'_>) -> u32 {
    let len = nfnetlink::wire::NETLINK_HEADER_LEN + request.payload.remaining();
    u32::try_from(len).unwrap_or(u32::MAX)
}

/// `EINVAL`, for messages that make no sense.
pub(crate) const INVALID: Refusal = Refusal::new(Errno::EINVAL);
