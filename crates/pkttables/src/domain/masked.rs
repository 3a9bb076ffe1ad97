use super::parse_bounded;
use crate::registry::{Domain, Scope, Value, ValueError};
use std::fmt::Write as _;

/// A 32-bit number and the bits of it that count, written `0xVALUE[/0xMASK]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Masked {
    /// The number.
    pub value: u32,
    /// The bits that count; all of them if no mask is written.
    pub mask: u32,
}

impl Default for Masked {
    fn default() -> Self {
        Self { value: 0, mask: u32::MAX }
    }
}

impl Masked {
    /// Whether the bits of `number` that count are those of the value.
    #[must_use]
    pub const fn holds(self, number: u32) -> bool {
        number & self.mask == self.value
    }
}

impl Value for Masked {
    const DOMAIN: Domain = Domain::Masked { bits: 32 };

    fn parse(text: &str, _: &Scope) -> Result<Self, ValueError> {
        let number = |text| {
            let number = parse_bounded(text, 0, u32::MAX.into())?;
            u32::try_from(number).map_err(|_| ValueError::Form)
        };
        match text.split_once('/') {
            Some((value, mask)) => Ok(Self { value: number(value)?, mask: number(mask)? }),
            None => Ok(Self { value: number(text)?, mask: u32::MAX }),
        }
    }

    fn write(&self, out: &mut String, _: &Scope) {
        let _ = write!(out, "{:#x}", self.value);
        if self.mask != u32::MAX {
            let _ = write!(out, "/{:#x}", self.mask);
        }
    }
}
