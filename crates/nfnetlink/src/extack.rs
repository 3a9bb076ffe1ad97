use crate::wire::{Attributes, DecodeError};

const MESSAGE: u16 = 1;
const OFFSET: u16 = 2;
const COOKIE: u16 = 3;
const POLICY: u16 = 4;
const MISSING_TYPE: u16 = 5;
const MISSING_NEST: u16 = 6;

/// What the kernel adds to an error: why, and about which attribute (`NLMSGERR_ATTR_*`, `linux/netlink.h`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExtendedAck {
    /// The reason in English.
    pub message: Option<Box<str>>,
    /// Where the offending attribute's header is, in bytes from the start of the message's netlink header.
    pub offset: Option<u32>,
    /// The number of the attribute that is missing.
    pub missing_type: Option<u32>,
    /// Where the nest is in which it is missing, counted as `offset`.
    pub missing_nest: Option<u32>,
    /// What the offending attribute must be, as the nested attributes `NL_POLICY_TYPE_ATTR_*`.
    pub policy: Option<Box<[u8]>>,
    /// What the family adds on success.
    pub cookie: Option<Box<[u8]>>,
}

impl ExtendedAck {
    /// Reads the attributes that follow the code and the repeated request in an error message.
    pub fn decode(attributes: Attributes<'_>) -> Result<Self, DecodeError> {
        const WHAT: &str = "extended acknowledgement";
        let mut ack = Self::default();
        for attribute in attributes {
            let attribute = attribute?;
            let number = || attribute.array(WHAT).map(u32::from_ne_bytes);
            match attribute.kind() {
                MESSAGE => {
                    ack.message = Some(String::from_utf8_lossy(attribute.string(WHAT)?).into());
                }
                OFFSET => ack.offset = Some(number()?),
                MISSING_TYPE => ack.missing_type = Some(number()?),
                MISSING_NEST => ack.missing_nest = Some(number()?),
                POLICY => ack.policy = Some(attribute.value.into()),
                COOKIE => ack.cookie = Some(attribute.value.into()),
                _ => {}
            }
        }
        Ok(ack)
    }

    /// Whether the kernel added nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
