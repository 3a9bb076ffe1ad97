//! The conditions of a rule that need no extension, read from their words.

use super::problem::Problem;
use crate::domain::parse_unsigned;
use crate::model::{AddressMask, InterfacePattern, Negatable, protocol};
use crate::system::Protocols;
use std::borrow::Cow;

/// The condition on an address; none if every address meets it.
pub(super) fn address_condition(value: AddressMask, not: bool) -> Option<Negatable<AddressMask>> {
    (not || !value.is_any()).then_some(Negatable { value, not })
}

/// Reads the name of an interface; none if every interface is meant.
pub(super) fn interface_condition(
    text: &str,
    not: bool,
) -> Result<Option<Negatable<InterfacePattern>>, Problem> {
    if text.is_empty() {
        return Err(Problem::EmptyInterface);
    }
    let (name, prefix) = text.strip_suffix('+').map_or((text, false), |name| (name, true));
    let value = if text.len() > InterfacePattern::MAX {
        None
    } else {
        InterfacePattern::new(name.as_bytes(), prefix)
    };
    let value = value.ok_or_else(|| Problem::InterfaceTooLong(text.into()))?;
    Ok((not || !name.is_empty()).then_some(Negatable { value, not }))
}

/// Reads a protocol's number or name, in small letters; none if every protocol is meant.
pub(super) fn protocol_condition(text: &str, not: bool) -> Result<Option<Negatable<u8>>, Problem> {
    let value = protocol_number(text).ok_or_else(|| Problem::UnknownProtocol(text.into()))?;
    match (value, not) {
        (0, true) => Err(Problem::NoProtocol),
        (0, false) => Ok(None),
        _ => Ok(Some(Negatable { value, not })),
    }
}

/// The name of the match that belongs to a protocol, which is given by number or name.
pub(super) fn protocol_match(text: &str) -> Option<&str> {
    match number(text) {
        Some(number) => protocol::known_name(number).or_else(|| Protocols::system().name(number)),
        None => Some(text),
    }
}

/// `text` in small letters.
pub(super) fn lowercase(text: &str) -> Cow<'_, str> {
    if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(text.to_ascii_lowercase())
    } else {
        Cow::Borrowed(text)
    }
}

fn protocol_number(text: &str) -> Option<u8> {
    if let Some(number) = protocol::known_number(text).or_else(|| number(text)) {
        return Some(number);
    }
    match text {
        "all" => Some(0),
        "mh" | "ipv6-mh" => Some(protocol::MOBILITY_HEADER),
        _ => Protocols::system().number(text),
    }
}

fn number(text: &str) -> Option<u8> {
    u8::try_from(parse_unsigned(text).ok()?).ok()
}
