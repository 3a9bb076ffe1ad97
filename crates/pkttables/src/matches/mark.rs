//! `-m mark`: compares the mark of the packet.

use crate::domain::Masked;
use crate::extension;
use crate::model::Families;
use crate::packet::Packet;
use crate::registry::{
    Condition, Context, Extension, FromNative, Lister, Load, Native, NativeWriter, Outcome, Recognised,
    Revision, RuleScope, Test, sight,
};
use pkttnetlink::nft::expr::{CmpOp, MetaKey};

/// The `mark` match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mark {
    /// The value, and the bits that are compared.
    pub mark: Masked,
    /// Whether every other mark is meant instead.
    pub not: bool,
}

extension! {
    /// Match packets by their mark.
    ///
    /// The mark is a 32-bit number that the kernel keeps beside each packet while it handles it. It is 0 unless
    /// the MARK target, a socket option or a program has set it, and it never leaves this machine.
    match "mark" => Mark {} params {
        /// The packet's mark is this number; with a mask, the mark AND the mask is this number.
        ///
        /// A number with bits outside the mask never matches.
        [!] "mark": Masked {
            set: |m, mark, not| *m = Mark { mark, not },
            get: |m| Some((m.mark, m.not)),
            required: true,
            sees: Some(sight::mark),
        }
    }
}

impl Extension for Mark {
    fn matches(&self, packet: &Packet<'_>, _: &mut Context<'_>) -> Outcome {
        (self.mark.holds(packet.meta.mark) != self.not).into()
    }

    fn to_native(&self, _: &RuleScope<'_>, out: &mut NativeWriter<'_>) -> bool {
        // The mark is a number in host byte order, in a register too.
        let (value, mask) = (self.mark.value.to_ne_bytes(), self.mark.mask.to_ne_bytes());
        let test = Test::Compare(if self.not { CmpOp::NEQ } else { CmpOp::EQ }, &value);
        let mask = Some(mask.as_slice()).filter(|_| self.mark.mask != u32::MAX);
        out.condition(&Condition { load: Load::Meta(MetaKey::MARK), mask, test });
        true
    }

    const FROM_NATIVE: Option<FromNative<Self>> = Some(|native, _, _| {
        let number = |bytes: &[u8]| bytes.try_into().ok().map(u32::from_ne_bytes);
        match native {
            Native::Condition(Condition {
                load: Load::Meta(MetaKey::MARK),
                mask,
                test: Test::Compare(op @ (CmpOp::EQ | CmpOp::NEQ), value),
            }) => match (number(value), mask.map_or(Some(u32::MAX), number)) {
                (Some(value), Some(mask)) => {
                    Recognised::New(Self { mark: Masked { value, mask }, not: *op == CmpOp::NEQ })
                }
                _ => Recognised::No,
            },
            _ => Recognised::No,
        }
    });

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
        out.each(self, |out, _, not, text| {
            out.add(format_args!(" mark match{} {text}", if not { " !" } else { "" }));
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::testing::{layout_cases, text_cases};

    #[test]
    fn saved_forms() {
        text_cases! { Mark, Ipv4:
            "--mark 1" => "--mark 0x1", "! --mark 0x10/0xff" => same, "--mark 010" => "--mark 0x8",
            "--mark 0/0" => "--mark 0x0/0x0", "--mark 5/0xffffffff" => "--mark 0x5",
            "--mark 7/1" => "--mark 0x7/0x1", "--mark 4294967295" => "--mark 0xffffffff",
            "--mark 5/" => fails, "--mark /5" => fails, "--mark -1" => fails, "--mark 0x100000000" => fails,
            "--mark 5/0x100000000" => fails, "--mark 1/2/3" => fails, "" => fails, "--mark 1 --mark 1" => fails,
        }
        text_cases! { Mark, Ipv6: "! --mark 0x1/0xff" => same }
    }

    #[test]
    fn kernel_structures() {
        layout_cases! { Mark, Ipv4: "! --mark 0x10/0xff", 1 => "10000000 ff000000 01" }
    }
}
