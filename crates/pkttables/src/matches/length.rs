//! `-m length`: compares the length of the packet.
use crate::domain::parse_bounded;
use crate::extension;
use crate::model::Families;
use crate::packet::Packet;
use crate::registry::{
    Context, Domain, Extension, Lister, Outcome, Require, Revision, Scope, Value, ValueError, bang, sight,
};
use std::fmt::Write as _;

/// The `length` match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Length {
    /// Shortest and longest length that is meant, in bytes.
    pub range: LengthRange,
    /// Whether every other length is meant instead.
    pub not: bool,
}

/// A range of packet lengths in bytes, both ends included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LengthRange {
    min: u16,
    max: u16,
}

extension! {
    /// Match packets by their length.
    ///
    /// The length is that of the IP packet with its header, as the length field of that header tells.
    match "length" => Length {
        require: Require::ExactlyOne,
    } params {
        /// The packet has this many bytes, or a number in this range.
        [!] "length": LengthRange {
            set: |m, range, not| *m = Length { range, not },
            get: |m| Some((m.range, m.not)),
            sees: Some(sight::length),
        }
    }
}

impl Extension for Length {
    fn matches(&self, packet: &Packet<'_>, _: &mut Context<'_>) -> Outcome {
        let len = packet.layout.len;
        let within = usize::from(self.range.min) <= len && len <= usize::from(self.range.max);
        (within != self.not).into()
    }

    const REVISIONS: &'static [Revision<Self>] = &[Revision {
        number: 0,
        size: 6,
        families: Families::all(),
        encode: |m, w| {
            w.ne_u16(m.range.min);
            w.ne_u16(m.range.max);
            w.u8(m.not.into());
            w.zeros(1);
            Ok(())
        },
        decode: |r, _| {
            let range = LengthRange { min: r.ne_u16("min")?, max: r.ne_u16("max")? };
            let not = r.u8("invert")? != 0;
            r.take(1, "padding")?;
            Ok(Some(Self { range, not }))
        },
    }];

    fn list(&self, out: &mut Lister<'_>) {
        out.each(self, |out, _, not, text| out.add(format_args!(" length {}{text}", bang(not))));
    }
}

impl Value for LengthRange {
    const DOMAIN: Domain =
        Domain::Range { of: &Domain::Integer { min: 0, max: 65535, unit: "bytes" }, separator: ':' };

    fn parse(text: &str, _: &Scope) -> Result<Self, ValueError> {
        let bound = |text: &str, default: u16| match text {
            "" => Ok(default),
            _ => parse_bounded(text, 0, 65535).map(|number| u16::try_from(number).unwrap_or(default)),
        };
        let (min, max) = match text.split_once(':') {
            Some((min, max)) => (bound(min, 0)?, bound(max, u16::MAX)?),
            None if text.is_empty() => return Err(ValueError::Form),
            None => (bound(text, 0)?, bound(text, 0)?),
        };
        if min <= max { Ok(Self { min, max }) } else { Err(ValueError::Reversed) }
    }

    fn write(&self, out: &mut String, _: &Scope) {
        let _ = match self.min == self.max {
            true => write!(out, "{}", self.min),
            false => write!(out, "{}:{}", self.min, self.max),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::testing::text_cases;

    #[test]
    fn saved_forms() {
        text_cases! { Length, Ipv4:
            "--length 1" => same, "! --length 0x10" => "! --length 16", "--length :2" => "--length 0:2",
            "--length 5:" => "--length 5:65535", "--length :" => "--length 0:65535",
            "--length 2:1" => fails, "--length 65536" => fails, "--length" => fails, "" => fails,
            "--length 1 --length 2" => fails,
        }
    }
}
