//! `-m connmark`: compares the mark of the connection.

use crate::domain::Masked;
use crate::extension;
use crate::model::Families;
use crate::packet::Packet;
use crate::registry::{Context, Extension, Lister, Outcome, Revision, bang, sight};

/// The `connmark` match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Connmark {
    /// The value, and the bits that are compared.
    pub mark: Masked,
    /// Whether every other mark is meant instead.
    pub not: bool,
}

extension! {
    /// Match packets by the mark of the connection they belong to.
    ///
    /// The mark is a 32-bit number that connection tracking keeps with each connection. It is 0 unless the
    /// CONNMARK target or a program has set it. Packets that belong to no connection never match.
    match "connmark" => Connmark {} params {
        /// The connection's mark is this number; with a mask, the mark AND the mask is this number.
        ///
        /// A number with bits outside the mask never matches.
        [!] "mark": Masked {
            set: |m, mark, not| *m = Connmark { mark, not },
            get: |m| Some((m.mark, m.not)),
            required: true,
            sees: Some(sight::connection_mark),
        }
    }
}

impl Extension for Connmark {
    fn matches(&self, packet: &Packet<'_>, _: &mut Context<'_>) -> Outcome {
        match &packet.meta.connection {
            Some(connection) => (self.mark.holds(connection.mark) != self.not).into(),
            None => Outcome::NoMatch,
        }
    }

    const REVISIONS: &'static [Revision<Self>] = &[Revision {
        number: 1,
        size: 12,
        families: Families::all(),
        encode: |m, w| {
            w.ne_u32(m.mark.value);
            w.ne_u32(m.mark.mask);
            w.u8(m.not.into());
            w.zeros(3);
            Ok(())
        },
        decode: |r, _| {
            let mark = Masked { value: r.ne_u32("mark")?, mask: r.ne_u32("mask")? };
            let not = r.u8("invert")? != 0;
            r.take(3, "padding")?;
            Ok(Some(Self { mark, not }))
        },
    }];

    fn list(&self, out: &mut Lister<'_>) {
        out.each(self, |out, _, not, text| out.add(format_args!(" connmark match {} {text}", bang(not))));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::testing::{layout_cases, text_cases};

    #[test]
    fn saved_forms() {
        text_cases! { Connmark, Ipv4:
            "--mark 1" => "--mark 0x1", "! --mark 0x10/0xff" => same, "--mark 010" => "--mark 0x8",
            "--mark 0/0" => "--mark 0x0/0x0", "--mark 5/0xffffffff" => "--mark 0x5",
            "--mark 7/1" => "--mark 0x7/0x1", "--mark 4294967295" => "--mark 0xffffffff",
            "--mark 5/" => fails, "--mark /5" => fails, "--mark -1" => fails, "--mark 0x100000000" => fails,
            "--mark 5/0x100000000" => fails, "--mark 1/2/3" => fails, "" => fails, "--mark 1 --mark 1" => fails,
        }
        text_cases! { Connmark, Ipv6: "! --mark 0x1/0xff" => same }
    }

    #[test]
    fn kernel_structures() {
        layout_cases! { Connmark, Ipv4: "! --mark 7", 1 => "07000000 ffffffff 01", "--mark 7/1", 1 => "07000000 01000000" }
    }
}
