//! What the messages of a batch do to tables, chains, rules, sets and objects.

mod chain;
mod element;
mod object;
mod rule;
mod set;
mod table;

pub(crate) use element::named as named_elements;
pub(crate) use rule::insert;

use crate::refusal::Refusal;

/// `NFT_NAME_MAXLEN`, without the closing NUL.
const MAX_NAME: usize = 255;

/// Refuses names that are too long.
fn check_name(name: Option<&pkttnetlink::Text<'_>>, attribute: u16) -> Result<(), Refusal> {
    if name.is_some_and(|name| name.as_bytes().len() > MAX_NAME) {
        return Err(Refusal::at(nfnetlink::Errno::ERANGE, attribute));
    }
    Ok(())
}
