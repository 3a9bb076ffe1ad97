use crate::registry::InfoWriter;
use nfnetlink::wire::{DecodeError, Problem, Reader};
use std::fmt;

/// What becomes of the number of hops that a packet may still make: IPv4's TTL, IPv6's hop limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HopChange {
    /// It becomes this number.
    Set(u8),
    /// It grows by this number, up to 255.
    Increase(u8),
    /// It shrinks by this number, down to 0.
    Decrease(u8),
}

impl fmt::Display for HopChange {
    /// Says it in words, for instance `set to 64`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Set(hops) => write!(f, "set to {hops}"),
            Self::Increase(hops) => write!(f, "increment by {hops}"),
            Self::Decrease(hops) => write!(f, "decrement by {hops}"),
        }
    }
}

impl HopChange {
    /// Bytes of the kernel's structure (`struct ipt_TTL_info`, `struct ip6t_HL_info`).
    pub const SIZE: usize = 2;

    /// The number of hops after the change.
    #[must_use]
    pub const fn apply(self, hops: u8) -> u8 {
        match self {
            Self::Set(number) => number,
            Self::Increase(number) => hops.saturating_add(number),
            Self::Decrease(number) => hops.saturating_sub(number),
        }
    }

    /// Writes the kernel's structure.
    pub fn encode(self, out: &mut InfoWriter<'_>) {
        let (mode, hops) = match self {
            Self::Set(hops) => (0, hops),
            Self::Increase(hops) => (1, hops),
            Self::Decrease(hops) => (2, hops),
        };
        out.u8(mode);
        out.u8(hops);
    }

    /// Reads the kernel's structure.
    pub fn decode(info: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mode = info.u8("mode")?;
        let hops = info.u8("hops")?;
        match mode {
            0 => Ok(Self::Set(hops)),
            1 => Ok(Self::Increase(hops)),
            2 => Ok(Self::Decrease(hops)),
            other => Err(info.error("mode", Problem::Value(other.into()))),
        }
    }
}

impl Default for HopChange {
    fn default() -> Self {
        Self::Set(0)
    }
}

crate::integer! {
    /// By how many hops a limit changes; no change is refused.
    pub struct HopStep(u8): 1..=255, "hops";
}
