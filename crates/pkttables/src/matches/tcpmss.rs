//! `-m tcpmss`: compares the maximum segment size that a TCP packet announces.

use crate::domain::parse_bounded;
use crate::extension;
use crate::model::{Families, protocol};
use crate::packet::Packet;
use crate::registry::{
    Context, Domain, Extension, Lister, Outcome, Revision, Scope, Value, ValueError, bang, sight,
};
use std::fmt::Write as _;

/// The `tcpmss` match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tcpmss {
    /// The sizes that are meant.
    pub mss: MssRange,
    /// Whether all others are meant instead, and packets that announce none.
    pub not: bool,
}

/// A range of maximum segment sizes in bytes, both ends included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MssRange {
    /// The smallest.
    pub min: u16,
    /// The largest.
    pub max: u16,
}

extension! {
    /// Match TCP packets by the maximum segment size (MSS) they announce.
    ///
    /// Only the packets that open a connection (SYN and SYN+ACK) carry that option. The rule must name tcp.
    match "tcpmss" => Tcpmss {
        protocols: &[protocol::TCP],
    } params {
        /// The MSS option has this size, or one in this range.
        ///
        /// With `!` packets without the option match too.
        [!] "mss": MssRange {
            set: |m, mss, not| *m = Tcpmss { mss, not },
            get: |m| Some((m.mss, m.not)),
            required: true,
            sees: Some(sight::segment_size),
        }
    }
}

impl Extension for Tcpmss {
    fn matches(&self, packet: &Packet<'_>, _: &mut Context<'_>) -> Outcome {
        // The kernel does not ask whether this is a later fragment.
        let start = packet.layout.transport;
        let Some(header) = packet.data.array::<20>(start) else { return Outcome::Drop };
        let [.., offset, _, _, _, _, _, _, _] = header;
        match super::tcp::options(packet, start, offset) {
            Ok(mut options) => {
                let size = options.find_map(|option| match (option.kind, option.rest) {
                    (2, Some([4, high, low])) => Some(u16::from_be_bytes([high, low])),
                    _ => None,
                });
                let within = size.is_some_and(|size| (self.mss.min..=self.mss.max).contains(&size));
                (within != self.not).into()
            }
            Err(super::tcp::Malformed) => Outcome::Drop,
        }
    }

    const REVISIONS: &'static [Revision<Self>] = &[Revision {
        number: 0,
        size: 6,
        families: Families::all(),
        encode: |m, w| {
            w.ne_u16(m.mss.min);
            w.ne_u16(m.mss.max);
            w.u8(m.not.into());
            w.zeros(1);
            Ok(())
        },
        decode: |r, _| {
            let mss = MssRange { min: r.ne_u16("mss_min")?, max: r.ne_u16("mss_max")? };
            let not = r.u8("invert")? != 0;
            r.take(1, "padding")?;
            Ok(Some(Self { mss, not }))
        },
    }];

    fn list(&self, out: &mut Lister<'_>) {
        out.each(self, |out, _, not, text| out.add(format_args!(" tcpmss match {}{text}", bang(not))));
    }
}

impl Value for MssRange {
    const DOMAIN: Domain =
        Domain::Range { of: &Domain::Integer { min: 0, max: 65535, unit: "bytes" }, separator: ':' };

    fn parse(text: &str, _: &Scope) -> Result<Self, ValueError> {
        let bound = |text: &str, default| match text {
            "" => Ok(default),
            _ => parse_bounded(text, 0, 65535)
                .and_then(|size| u16::try_from(size).map_err(|_| ValueError::Form)),
        };
        let (min, max) = match text.split_once(':') {
            Some((min, max)) => (bound(min, 0)?, bound(max, u16::MAX)?),
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
    use crate::registry::testing::{layout_cases, text_cases};

    #[test]
    fn saved_forms() {
        text_cases! { Tcpmss, Ipv4:
            "-p 6 --mss 42" => "--mss 42", "-p 6 --mss 42:" => "--mss 42:65535", "-p 6 --mss :42" => "--mss 0:42",
            "-p 6 --mss :" => "--mss 0:65535", "-p 6 --mss 42:42" => "--mss 42", "-p 6 ! --mss 1:12345" => "! --mss 1:12345",
            "-p 6 --mss 0x10" => "--mss 16", "-p 6 --mss 65536" => fails, "-p 6 --mss 65535:1000" => fails,
            "-p 6 --mss 1:2:3" => fails, "-p 6 --mss x" => fails, "-p 6" => fails, "--mss 42" => fails,
            "-p 17 --mss 42" => fails, "! -p 6 --mss 42" => fails,
        }
        text_cases! { Tcpmss, Ipv6: "-p 6 ! --mss 536" => "! --mss 536" }
    }

    #[test]
    fn kernel_structures() {
        layout_cases! { Tcpmss, Ipv4: "-p 6 ! --mss 1:12345", 0 => "0100 3930 01" }
    }
}
