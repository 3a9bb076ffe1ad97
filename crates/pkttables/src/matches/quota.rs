//! `-m quota`: matches until so many bytes have passed.
use crate::extension;
use crate::model::Families;
use crate::packet::Packet;
use crate::registry::{Context, Extension, Lister, Outcome, Revision};

/// The `quota` match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Quota {
    /// How many bytes.
    pub bytes: u64,
    /// Whether the rule matches when they are used up instead.
    pub not: bool,
}

extension! {
    /// Match until a number of bytes has passed, and never again.
    ///
    /// Each packet takes its length from the quota. The packet that asks for more than is left does not match, and
    /// with it the rest of the quota is gone. The quota begins anew when the rule is loaded again.
    match "quota" => Quota {} params {
        /// The number of bytes that may pass; with `!` the rule matches once they have.
        [!] "quota": u64 {
            set: |m, bytes, not| *m = Quota { bytes, not },
            get: |m| Some((m.bytes, m.not)),
            required: true,
        }
    }
}

impl Extension for Quota {
    fn matches(&self, packet: &Packet<'_>, context: &mut Context<'_>) -> Outcome {
        let left = context.own.get_or(|| self.bytes);
        let enough = left.checked_sub(packet.data.len() as u64);
        *left = enough.unwrap_or_default();
        (enough.is_some() != self.not).into()
    }

    fn found(&self, _: &Packet<'_>, context: &mut Context<'_>) -> Option<String> {
        let left = *context.own.get::<u64>()?;
        Some(format!("{left} of {} bytes are left", self.bytes))
    }

    const REVISIONS: &'static [Revision<Self>] = &[Revision {
        number: 0,
        size: 24,
        families: Families::all(),
        encode: |m, w| {
            w.ne_u32(m.not.into());
            w.zeros(4);
            w.ne_u64(m.bytes);
            w.align(24);
            Ok(())
        },
        decode: |r, _| {
            let not = r.ne_u32("flags")? & 1 != 0;
            r.take(4, "padding")?;
            let bytes = r.ne_u64("quota")?;
            r.rest();
            Ok(Some(Self { bytes, not }))
        },
    }];

    fn list(&self, out: &mut Lister<'_>) {
        out.add(format_args!(" quota: {} bytes", self.bytes));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::testing::{layout_cases, text_cases};

    #[test]
    fn saved_forms() {
        text_cases! { Quota, Ipv4:
            "--quota 0" => same, "! --quota 18446744073709551615" => same, "--quota 0x10" => "--quota 16",
            "--quota 18446744073709551616" => fails, "--quota -1" => fails, "--quota 1k" => fails, "" => fails,
            "--quota 1 --quota 1" => fails,
        }
    }

    #[test]
    fn kernel_structures() {
        layout_cases! { Quota, Ipv6: "! --quota 258", 0 => "01000000 00000000 0201" }
    }
}
