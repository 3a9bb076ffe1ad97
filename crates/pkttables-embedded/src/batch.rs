use std::sync::Arc;

use nfnetlink::wire::{Message, Messages, kind};
use nfnetlink::{Errno, Flags};

use pkttnetlink::nft::kind as nft;

use crate::core::Core;
use crate::netlink::{INVALID, acknowledge, decode};
use crate::refusal::Refusal;
use crate::state::Ruleset;
use crate::transaction::{Event, Request, Transaction};

/// `NFNL_SUBSYS_NFTABLES`.
const NFTABLES: u16 = 10;
/// `NFNL_BATCH_GENID`.
const GENERATION: u16 = 1;

/// How a batch ended.
enum Outcome {
    Committed(Ruleset, Vec<Event>),
    /// Something is wrong with it, or it was not meant to be committed.
    GivenUp,
    /// Its messages are right one by one, but not together.
    Invalid,
}

/// Applies a batch whole or not at all, and answers as the kernel does: all errors, in the order of the messages.
pub(crate) fn run(core: &mut Core, datagram: &[u8], port: u32, replies: &mut Vec<Vec<u8>>) {
    let mut messages = Messages::new(datagram);
    let Some(Ok(begin)) = messages.next() else { return };
    let generation = match check_begin(&begin) {
        Ok(generation) => generation,
        Err(refusal) => return acknowledge(&begin, Err(refusal), port, replies),
    };
    if generation.is_some_and(|generation| generation != 0 && generation != core.ruleset.generation) {
        return acknowledge(&begin, Err(Errno::ERESTART.into()), port, replies);
    }
    let outcome = match attempt(core, &begin, messages, port, None, replies) {
        // Once more, to find the messages at fault.
        Outcome::Invalid => {
            let right = right_messages(core, messages, port);
            attempt(core, &begin, messages, port, Some(right), replies)
        }
        outcome => outcome,
    };
    if let Outcome::Committed(ruleset, events) = outcome {
        core.ruleset = Arc::new(ruleset);
        core.tell(events, port);
    }
}

/// The generation that the batch is bound to.
fn check_begin(begin: &Message<'_>) -> Result<Option<u32>, Refusal> {
    let (header, attributes) = begin.netfilter()?;
    // Old programs write the number in host order.
    if header.resource != NFTABLES && header.resource != NFTABLES.swap_bytes() {
        return Err(Errno::EOPNOTSUPP.into());
    }
    let mut generation = None;
    for attribute in attributes {
        let attribute = attribute?;
        if attribute.kind() == GENERATION {
            generation = Some(attribute.be_u32("generation")?);
        }
    }
    Ok(generation)
}

/// How many of the first messages are known to be valid together.
///
/// Messages that only add cannot make valid again what is not, so the one at fault is found by halving. Where some
/// delete, it is 0.
fn right_messages(core: &Core, messages: Messages<'_>, port: u32) -> usize {
    let messages =
        messages.map_while(Result::ok).take_while(|message| message.header.kind != kind::BATCH_END);
    let only_adds = |message: &Message<'_>| match message.header.kind {
        nft::NEW_TABLE | nft::NEW_CHAIN | nft::NEW_SET | nft::NEW_SET_ELEMENTS | nft::NEW_OBJECT => true,
        nft::NEW_RULE => !message.header.flags.contains(Flags::REPLACE),
        _ => false,
    };
    if !messages.clone().all(|message| only_adds(&message)) {
        return 0;
    }
    let is_right = |count: usize| {
        let mut transaction = Transaction::new(Ruleset::clone(&core.ruleset), &core.extensions, port, false);
        let mut first = None;
        let applied = messages.clone().take(count).all(|it| apply(&mut transaction, &it, &mut first).is_ok());
        applied && transaction.check().is_ok()
    };
    let (mut right, mut wrong) = (0, messages.clone().count());
    while wrong - right > 1 {
        let middle = right + (wrong - right) / 2;
        if is_right(middle) {
            right = middle;
        } else {
            wrong = middle;
        }
    }
    right
}

/// Applies the messages to a copy of the ruleset. If it is to be eager from some message on, the errors are final.
fn attempt(
    core: &Core,
    begin: &Message<'_>,
    messages: Messages<'_>,
    port: u32,
    eager_from: Option<usize>,
    replies: &mut Vec<Vec<u8>>,
) -> Outcome {
    let listened_to = core.has_listeners();
    let mut transaction =
        Transaction::new(Ruleset::clone(&core.ruleset), &core.extensions, port, listened_to);
    let mut answers = Vec::new();
    if begin.header.flags.contains(Flags::ACK) {
        acknowledge(begin, Ok(()), port, &mut answers);
    }
    let (mut failed, mut first, mut end) = (false, None, None);
    for (index, message) in messages.enumerate() {
        if eager_from == Some(index) {
            transaction.be_eager();
        }
        let Ok(message) = message else {
            (failed, answers) = (true, Vec::new());
            break;
        };
        let header = message.header;
        if header.kind == kind::BATCH_BEGIN || message.payload.remaining() < 4 {
            (failed, answers) = (true, Vec::new());
            break;
        }
        if header.kind == kind::BATCH_END && header.flags.contains(Flags::REQUEST) {
            end = Some(message);
            break;
        }
        let result = apply(&mut transaction, &message, &mut first);
        if result.is_err() || header.flags.contains(Flags::ACK) {
            acknowledge(&message, result, port, &mut answers);
        }
        failed |= result.is_err();
    }
    if !failed && end.is_some() && !transaction.sets_are_bound() {
        acknowledge(begin, Err(INVALID), port, replies);
        replies.append(&mut answers);
        return Outcome::GivenUp;
    }
    let checked = if failed { Ok(()) } else { transaction.check() };
    match (end, checked) {
        (_, Err(_)) if eager_from.is_none() => Outcome::Invalid,
        (Some(end), Ok(())) if !failed => {
            let committed = match first {
                Some(first) if transaction.changed => {
                    let (ruleset, events) = transaction.commit(&first);
                    Outcome::Committed(ruleset, events)
                }
                _ => Outcome::GivenUp,
            };
            if let Outcome::Committed(_, events) = &committed {
                replies.extend(events.iter().filter(|event| event.echo).map(|event| event.bytes.clone()));
            }
            if end.header.flags.contains(Flags::ACK) {
                acknowledge(&end, Ok(()), port, &mut answers);
            }
            replies.append(&mut answers);
            committed
        }
        _ => {
            replies.append(&mut answers);
            Outcome::GivenUp
        }
    }
}

fn apply(
    transaction: &mut Transaction<'_>,
    message: &Message<'_>,
    first: &mut Option<Request>,
) -> Result<(), Refusal> {
    let header = message.header;
    if !header.flags.contains(Flags::REQUEST) || u16::from(message.subsystem()) != NFTABLES {
        return Err(INVALID);
    }
    let (family, body) = decode(message)?;
    let mut request = Request { family, flags: header.flags, sequence: header.sequence, destroy: false };
    first.get_or_insert(request);
    transaction.apply(&mut request, body)
}
