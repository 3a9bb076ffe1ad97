use nfnetlink::wire::Problem;
use pkttables::extension;
use pkttables::model::Families;
use pkttables::packet::Packet;
use pkttables::registry::{Context, Extension, Flag, Outcome, Require, Revision};

/// The `odd` match.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Odd {
    /// Whether packets of even length are meant instead.
    pub not: bool,
}

extension! {
    /// Match packets whose length is an odd number of bytes.
    ///
    /// The length is that of the IP packet, header and all.
    match "odd" => Odd {
        require: Require::ExactlyOne,
    } params {
        /// The packet has an odd number of bytes, with `!` an even one.
        [!] "length-odd": Flag {
            set: |m, _, not| m.not = not,
            get: |m| Some((Flag, m.not)),
        }
    }
}

impl Extension for Odd {
    const REVISIONS: &'static [Revision<Self>] = &[Revision {
        number: 0,
        size: 1,
        families: Families::all(),
        encode: |m, w| {
            w.u8(m.not.into());
            Ok(())
        },
        decode: |r, _| match r.u8("not")? {
            not @ 0..=1 => Ok(Some(Self { not: not == 1 })),
            other => Err(r.error("not", Problem::Value(other.into()))),
        },
    }];

    fn matches(&self, packet: &Packet<'_>, _: &mut Context<'_>) -> Outcome {
        Outcome::from((packet.layout.len % 2 == 1) != self.not)
    }
}
