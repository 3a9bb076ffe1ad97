use nfnetlink::Errno;
use nfnetlink::wire::{DecodeError, Message, Problem};

/// Why a message is refused, and the attribute that is to blame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) errno: Errno,
    place: Place,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Nowhere,
    Attribute(u16),
    /// An element of the list in this attribute, counted from 0.
    Element(u16, usize),
}

impl Refusal {
    pub(crate) const fn new(errno: Errno) -> Self {
        Self { errno, place: Place::Nowhere }
    }

    pub(crate) const fn at(errno: Errno, attribute: u16) -> Self {
        Self { errno, place: Place::Attribute(attribute) }
    }

    pub(crate) const fn at_element(errno: Errno, attribute: u16, index: usize) -> Self {
        Self { errno, place: Place::Element(attribute, index) }
    }

    /// Where the attribute to blame starts, counted from the start of the message.
    pub(crate) fn offset(&self, message: &Message<'_>) -> Option<u32> {
        let find = |kind| {
            let (_, mut attributes) = message.netfilter().ok()?;
            attributes.find_map(|attribute| attribute.ok().filter(|attribute| attribute.kind() == kind))
        };
        let found = match self.place {
            Place::Nowhere => None,
            Place::Attribute(kind) => find(kind),
            Place::Element(kind, index) => find(kind)?.nested().nth(index)?.ok(),
        }?;
        let start = found.offset.checked_sub(ATTRIBUTE_HEADER_LEN)?.checked_sub(message.offset)?;
        u32::try_from(start).ok()
    }
}

const ATTRIBUTE_HEADER_LEN: usize = 4;

impl From<Errno> for Refusal {
    fn from(errno: Errno) -> Self {
        Self::new(errno)
    }
}

/// Attributes that are too short are out of range for the kernel, anything else that cannot be read is invalid.
impl From<DecodeError> for Refusal {
    fn from(error: DecodeError) -> Self {
        Self::new(match error.problem {
            Problem::Length(_) => Errno::ERANGE,
            _ => Errno::EINVAL,
        })
    }
}
