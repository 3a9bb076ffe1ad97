use super::Masked;
use crate::registry::{Domain, Scope, Value, ValueError};
use std::fmt::{self, Write as _};

/// What becomes of a mark: the bits of `mask` are cleared, then those of `value` are flipped.
///
/// Written `0xVALUE/0xMASK`; the mask is all ones if it is not given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct MarkChange {
    /// The bits that are flipped.
    pub value: u32,
    /// The bits that are cleared before.
    pub mask: u32,
}

impl MarkChange {
    /// Sets the bits of the mask, and those of the value, to the value.
    #[must_use]
    pub const fn set(mark: Masked) -> Self {
        Self { value: mark.value, mask: mark.value | mark.mask }
    }

    /// Keeps only the bits that are in `bits`.
    #[must_use]
    pub const fn and(bits: u32) -> Self {
        Self { value: 0, mask: !bits }
    }

    /// Sets the bits that are in `bits`.
    #[must_use]
    pub const fn or(bits: u32) -> Self {
        Self { value: bits, mask: bits }
    }

    /// Flips the bits that are in `bits`.
    #[must_use]
    pub const fn xor(bits: u32) -> Self {
        Self { value: bits, mask: 0 }
    }

    /// The mark after the change.
    #[must_use]
    pub const fn apply(self, mark: u32) -> u32 {
        mark & !self.mask ^ self.value
    }
}

impl fmt::Display for MarkChange {
    /// Says which operation it is, for instance `or 0xf`; `xset` if it is no simple one.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.value, self.mask) {
            (0, mask) => write!(f, "and {:#x}", !mask),
            (value, mask) if value == mask => write!(f, "or {value:#x}"),
            (value, 0) => write!(f, "xor {value:#x}"),
            (value, u32::MAX) => write!(f, "set {value:#x}"),
            (value, mask) => write!(f, "xset {value:#x}/{mask:#x}"),
        }
    }
}

impl Value for MarkChange {
    const DOMAIN: Domain = Domain::Masked { bits: 32 };

    fn parse(text: &str, scope: &Scope) -> Result<Self, ValueError> {
        Masked::parse(text, scope).map(|Masked { value, mask }| Self { value, mask })
    }

    fn write(&self, out: &mut String, _: &Scope) {
        let _ = write!(out, "{:#x}/{:#x}", self.value, self.mask);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn the_operations_are_what_they_are_called(mark: u32, bits: u32, mask: u32) {
            proptest::prop_assert_eq!(MarkChange::and(bits).apply(mark), mark & bits);
            proptest::prop_assert_eq!(MarkChange::or(bits).apply(mark), mark | bits);
            proptest::prop_assert_eq!(MarkChange::xor(bits).apply(mark), mark ^ bits);
            let value = bits & mask;
            let set = MarkChange::set(Masked { value, mask }).apply(mark);
            proptest::prop_assert_eq!(set, mark & !mask | value);
        }
    }
}
