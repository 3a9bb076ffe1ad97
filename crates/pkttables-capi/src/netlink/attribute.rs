//! Reading attributes.

use crate::error::{pktt_error, pktt_status};
use crate::failure::{Failure, given};
use crate::ffi::{Bytes, put};
use crate::guard::status;
use nfnetlink::wire::Reader;
use nfnetlink::{Attribute, Attributes};
use std::mem::MaybeUninit;

/// An attribute, which points into the message that it was read from.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct pktt_attribute<'a> {
    /// The number that says what it is, without the two flag bits.
    pub kind: u16,
    /// Whether `NLA_F_NESTED` is set. Nested attributes of older kernels do not set it.
    pub nested: bool,
    /// The value, without header and padding; of a nest, for pktt_attribute_next.
    pub value: Bytes<'a>,
    /// How many bytes that has.
    pub len: usize,
}

/// What an attribute is expected to hold.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum pktt_attribute_type {
    /// Any bytes.
    PKTT_ATTRIBUTE_BYTES = 0,
    /// Nothing: that it is there says it.
    PKTT_ATTRIBUTE_FLAG = 1,
    /// One byte.
    PKTT_ATTRIBUTE_U8 = 2,
    /// 16 bits in either byte order.
    PKTT_ATTRIBUTE_U16 = 3,
    /// 32 bits in either byte order.
    PKTT_ATTRIBUTE_U32 = 4,
    /// 64 bits in either byte order.
    PKTT_ATTRIBUTE_U64 = 5,
    /// Text, with or without a NUL at its end and none within.
    PKTT_ATTRIBUTE_STRING = 6,
    /// Attributes, none of them malformed.
    PKTT_ATTRIBUTE_NESTED = 7,
}

impl<'a> pktt_attribute<'a> {
    fn of(attribute: &Attribute<'a>) -> Self {
        Self {
            kind: attribute.kind(),
            nested: attribute.is_nested(),
            value: Bytes::of(attribute.value),
            len: attribute.value.len(),
        }
    }

    /// What the library reads values from.
    fn checked(attribute: Option<&Self>) -> Result<Attribute<'a>, Failure> {
        let attribute = given(attribute, "attribute")?;
        Ok(Attribute::new(attribute.kind, attribute.value.get(attribute.len, "value")?))
    }
}

/// Reads the attribute at `*offset` of `bytes` and moves `*offset`, which begins with 0, behind it. `bytes` are those
/// of a message's attributes, or of the value of a nest.
///
/// PKTT_END at the end of the bytes; PKTT_ERROR_MALFORMED if what is there is no attribute.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_attribute_next<'a>(
    bytes: Bytes<'a>,
    len: usize,
    offset: Option<&mut usize>,
    attribute: Option<&mut MaybeUninit<pktt_attribute<'a>>>,
    error: Option<&mut pktt_error>,
) -> pktt_status {
    let mut ended = false;
    let done = status(error, || {
        let (bytes, offset) = (bytes.get(len, "bytes")?, given(offset, "offset")?);
        let rest = bytes.get(*offset..).unwrap_or_default();
        let next = Attributes::new(Reader::new(rest)).next().transpose()?;
        ended = next.is_none();
        if let Some(next) = next {
            *offset += nfnetlink::wire::align(4 + next.value.len());
            put(attribute, pktt_attribute::of(&next));
        }
        Ok(())
    });
    if ended { pktt_status::PKTT_END } else { done }
}

/// Looks for the first attribute of a kind in `bytes`, which are as of pktt_attribute_next.
///
/// PKTT_END if there is none; PKTT_ERROR_MALFORMED if something before it is no attribute.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_attribute_find<'a>(
    bytes: Bytes<'a>,
    len: usize,
    kind: u16,
    attribute: Option<&mut MaybeUninit<pktt_attribute<'a>>>,
    error: Option<&mut pktt_error>,
) -> pktt_status {
    let mut missing = false;
    let done = status(error, || {
        for next in Attributes::new(Reader::new(bytes.get(len, "bytes")?)) {
            let next = next?;
            if next.kind() == kind {
                put(attribute, pktt_attribute::of(&next));
                return Ok(());
            }
        }
        missing = true;
        Ok(())
    });
    if missing { pktt_status::PKTT_END } else { done }
}

/// Whether an attribute holds what it should, by one of pktt_attribute_type.
///
/// PKTT_ERROR_MALFORMED if not, PKTT_ERROR_ARGUMENT if `type` is none.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_attribute_check(
    attribute: Option<&pktt_attribute<'_>>,
    r#type: u32,
    error: Option<&mut pktt_error>,
) -> pktt_status {
    const WHAT: &str = "attribute";
    status(error, || {
        let attribute = pktt_attribute::checked(attribute)?;
        match r#type {
            0 => {}
            1 => _ = attribute.array::<0>(WHAT)?,
            2 => _ = attribute.array::<1>(WHAT)?,
            3 => _ = attribute.array::<2>(WHAT)?,
            4 => _ = attribute.array::<4>(WHAT)?,
            5 => _ = attribute.array::<8>(WHAT)?,
            6 => _ = attribute.string(WHAT)?,
            7 => attribute.nested().try_for_each(|inner| inner.map(drop))?,
            other => return Err(Failure::argument(format!("{other} is no type of attribute"))),
        }
        Ok(())
    })
}

/// Reads a number out of an attribute of its length.
fn number<T, const N: usize>(
    attribute: Option<&pktt_attribute<'_>>,
    value: Option<&mut MaybeUninit<T>>,
    error: Option<&mut pktt_error>,
    read: fn([u8; N]) -> T,
) -> pktt_status {
    status(error, || {
        put(value, read(pktt_attribute::checked(attribute)?.array("attribute")?));
        Ok(())
    })
}

/// The value as one byte. PKTT_ERROR_MALFORMED if it has any other length; so with all numbers.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_get_u8(
    attribute: Option<&pktt_attribute<'_>>,
    value: Option<&mut MaybeUninit<u8>>,
    error: Option<&mut pktt_error>,
) -> pktt_status {
    number(attribute, value, error, u8::from_ne_bytes)
}

/// The value as 16 bits in host byte order.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_get_u16(
    attribute: Option<&pktt_attribute<'_>>,
    value: Option<&mut MaybeUninit<u16>>,
    error: Option<&mut pktt_error>,
) -> pktt_status {
    number(attribute, value, error, u16::from_ne_bytes)
}

/// The value as 32 bits in host byte order.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_get_u32(
    attribute: Option<&pktt_attribute<'_>>,
    value: Option<&mut MaybeUninit<u32>>,
    error: Option<&mut pktt_error>,
) -> pktt_status {
    number(attribute, value, error, u32::from_ne_bytes)
}

/// The value as 64 bits in host byte order.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_get_u64(
    attribute: Option<&pktt_attribute<'_>>,
    value: Option<&mut MaybeUninit<u64>>,
    error: Option<&mut pktt_error>,
) -> pktt_status {
    number(attribute, value, error, u64::from_ne_bytes)
}

/// The value as 16 bits in network byte order, given in that of the host.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_get_be16(
    attribute: Option<&pktt_attribute<'_>>,
    value: Option<&mut MaybeUninit<u16>>,
    error: Option<&mut pktt_error>,
) -> pktt_status {
    number(attribute, value, error, u16::from_be_bytes)
}

/// The value as 32 bits in network byte order, given in that of the host.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_get_be32(
    attribute: Option<&pktt_attribute<'_>>,
    value: Option<&mut MaybeUninit<u32>>,
    error: Option<&mut pktt_error>,
) -> pktt_status {
    number(attribute, value, error, u32::from_be_bytes)
}

/// The value as 64 bits in network byte order, given in that of the host.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_get_be64(
    attribute: Option<&pktt_attribute<'_>>,
    value: Option<&mut MaybeUninit<u64>>,
    error: Option<&mut pktt_error>,
) -> pktt_status {
    number(attribute, value, error, u64::from_be_bytes)
}

/// The value as text: `*text` becomes its first byte and `*len` how many there are, without the NUL at its end, which
/// need not be there (`printf("%.*s", (int)len, text)`).
///
/// PKTT_ERROR_MALFORMED if there is a NUL within.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_get_string(
    attribute: Option<&pktt_attribute<'_>>,
    text: Option<&mut MaybeUninit<*const std::ffi::c_char>>,
    len: Option<&mut MaybeUninit<usize>>,
    error: Option<&mut pktt_error>,
) -> pktt_status {
    status(error, || {
        let bytes = pktt_attribute::checked(attribute)?.string("attribute")?;
        put(text, bytes.as_ptr().cast());
        put(len, bytes.len());
        Ok(())
    })
}
