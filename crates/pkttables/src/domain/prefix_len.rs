use super::parse_mask;
use crate::model::AddressMask;
use crate::registry::{Domain, Scope, Value, ValueError};
use std::fmt::Write as _;
use std::net::IpAddr;

/// How many leading bits of an address count; may be given as a mask without gaps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PrefixLen(pub u8);

impl PrefixLen {
    /// The length of a mask; `None` if it has gaps.
    #[must_use]
    pub fn of_mask(mask: IpAddr) -> Option<Self> {
        AddressMask::new(mask, mask)?.prefix_len().map(Self)
    }

    /// The mask for addresses like `example`; `None` if they have fewer bits.
    #[must_use]
    pub fn mask(self, example: IpAddr) -> Option<IpAddr> {
        AddressMask::prefix(example, self.0).map(|prefix| prefix.mask())
    }
}

impl Value for PrefixLen {
    const DOMAIN: Domain = Domain::PrefixLen;

    fn parse(text: &str, scope: &Scope) -> Result<Self, ValueError> {
        Self::of_mask(parse_mask(text, scope.family)?).ok_or(ValueError::Because("the mask has gaps"))
    }

    fn write(&self, out: &mut String, _: &Scope) {
        let _ = write!(out, "{}", self.0);
    }
}
