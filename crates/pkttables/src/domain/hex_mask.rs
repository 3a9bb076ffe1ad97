use crate::registry::{Domain, Scope, Value, ValueError};
use std::fmt::Write as _;

/// A 32-bit mask, printed in hexadecimal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct HexMask(pub u32);

impl Value for HexMask {
    const DOMAIN: Domain = u32::DOMAIN;

    fn parse(text: &str, scope: &Scope) -> Result<Self, ValueError> {
        u32::parse(text, scope).map(Self)
    }

    fn write(&self, out: &mut String, _: &Scope) {
        let _ = write!(out, "{:#x}", self.0);
    }
}
