use crate::registry::InfoWriter;
use nfnetlink::wire::{DecodeError, Problem, Reader};

crate::integer_range! {
    /// Numbers of 32 bits, for instance identifiers in a header, from one to another.
    pub struct U32Range(u32), "";
}

impl U32Range {
    /// All numbers.
    pub const ALL: Self = Self { min: 0, max: u32::MAX };

    /// Whether `number` is in the range.
    #[must_use]
    pub const fn contains(self, number: u32) -> bool {
        self.min <= number && number <= self.max
    }

    /// Writes the two ends as kernel structures have them.
    pub fn encode(self, w: &mut InfoWriter<'_>) {
        w.ne_u32(self.min);
        w.ne_u32(self.max);
    }

    /// Reads the two ends.
    pub fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (min, max) = (r.ne_u32("lowest number")?, r.ne_u32("highest number")?);
        match min <= max {
            true => Ok(Self { min, max }),
            false => Err(r.error("range", Problem::Value(max.into()))),
        }
    }
}
