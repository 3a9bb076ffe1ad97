use crate::registry::InfoWriter;
use nfnetlink::wire::{DecodeError, Problem, Reader};
use std::fmt;

/// What is asked of the number of hops that a packet may still make: IPv4's TTL, IPv6's hop limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HopTest {
    /// It is this number.
    Equal(u8),
    /// It is another number.
    NotEqual(u8),
    /// It is smaller.
    Below(u8),
    /// It is greater.
    Above(u8),
}

impl fmt::Display for HopTest {
    /// Writes a comparison, such as `TTL == 5` without the first word.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Equal(hops) => write!(f, "== {hops}"),
            Self::NotEqual(hops) => write!(f, "!= {hops}"),
            Self::Below(hops) => write!(f, "< {hops}"),
            Self::Above(hops) => write!(f, "> {hops}"),
        }
    }
}

impl HopTest {
    /// Bytes of the kernel's structure (`struct ipt_ttl_info`, `struct ip6t_hl_info`).
    pub const SIZE: usize = 2;

    /// Equal to a number, or with `not` different from it.
    #[must_use]
    pub const fn equal(hops: u8, not: bool) -> Self {
        if not { Self::NotEqual(hops) } else { Self::Equal(hops) }
    }

    /// Whether this number of hops passes.
    #[must_use]
    pub const fn holds(self, hops: u8) -> bool {
        match self {
            Self::Equal(number) => hops == number,
            Self::NotEqual(number) => hops != number,
            Self::Below(number) => hops < number,
            Self::Above(number) => hops > number,
        }
    }

    /// Writes the kernel's structure.
    pub fn encode(self, out: &mut InfoWriter<'_>) {
        let (mode, hops) = match self {
            Self::Equal(hops) => (0, hops),
            Self::NotEqual(hops) => (1, hops),
            Self::Below(hops) => (2, hops),
            Self::Above(hops) => (3, hops),
        };
        out.bytes(&[mode, hops]);
    }

    /// Reads the kernel's structure.
    pub fn decode(info: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mode = info.u8("mode")?;
        let hops = info.u8("hops")?;
        match mode {
            0 => Ok(Self::Equal(hops)),
            1 => Ok(Self::NotEqual(hops)),
            2 => Ok(Self::Below(hops)),
            3 => Ok(Self::Above(hops)),
            other => Err(info.error("mode", Problem::Value(other.into()))),
        }
    }
}

impl Default for HopTest {
    fn default() -> Self {
        Self::Equal(0)
    }
}
