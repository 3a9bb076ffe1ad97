//! `-j MARK`: changes the packet's mark.
use crate::domain::{MarkChange, Masked};
use crate::extension;
use crate::model::Families;
use crate::packet::Packet;
use crate::registry::{Action, Context, Edit, Extension, Lister, Require, Revision};

/// The `MARK` target.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mark {
    /// What becomes of the packet's mark.
    pub change: MarkChange,
}

extension! {
    /// Change the mark of the packet, a 32-bit number that stays with it inside this host.
    ///
    /// Routing rules (`ip rule add fwmark`), traffic control and the `mark` match can refer to it. A packet
    /// begins with mark 0, and the mark does not leave the host with the packet. The next rules still see the packet.
    target "MARK" => Mark {
        require: Require::ExactlyOne,
    } params {
        /// Clear the bits of the mask in the mark, then flip those of the value.
        ///
        /// Every other way to change the mark is printed in this form.
        "set-xmark": MarkChange { set: |m, change, _| m.change = change, get: |m| Some((m.change, false)) }
        /// Set the mark to the value; with a mask only the bits that the mask or the value has.
        "set-mark": Masked { set: |m, mark, _| m.change = MarkChange::set(mark), get: |_| None }
        /// Keep only those bits of the mark that this number has.
        "and-mark": u32 { set: |m, bits, _| m.change = MarkChange::and(bits), get: |_| None }
        /// Set the bits that this number has.
        "or-mark": u32 { set: |m, bits, _| m.change = MarkChange::or(bits), get: |_| None }
        /// Flip the bits that this number has.
        "xor-mark": u32 { set: |m, bits, _| m.change = MarkChange::xor(bits), get: |_| None }
    }
}

impl Extension for Mark {
    fn act(&self, packet: &Packet<'_>, context: &mut Context<'_>) -> Action {
        context.edit(Edit::Mark(self.change.apply(packet.meta.mark)));
        Action::Continue
    }

    // `struct xt_mark_tginfo2` in linux/netfilter/xt_mark.h.
    const REVISIONS: &'static [Revision<Self>] = &[Revision {
        number: 2,
        size: 8,
        families: Families::all(),
        encode: |m, w| {
            w.ne_u32(m.change.value);
            w.ne_u32(m.change.mask);
            Ok(())
        },
        decode: |r, _| {
            Ok(Some(Self { change: MarkChange { value: r.ne_u32("mark")?, mask: r.ne_u32("mask")? } }))
        },
    }];

    fn list(&self, out: &mut Lister<'_>) {
        out.add(format_args!(" MARK {}", self.change));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::testing::text_cases;

    #[test]
    fn saved_forms() {
        text_cases! { Mark, Ipv4:
            "--set-xmark 0x10/0xff" => same, "--set-xmark 0" => "--set-xmark 0x0/0xffffffff",
            "--set-mark 1" => "--set-xmark 0x1/0xffffffff", "--set-mark 0x10/0x0f" => "--set-xmark 0x10/0x1f",
            "--set-mark 010/0x10" => "--set-xmark 0x8/0x18", "--and-mark 5" => "--set-xmark 0x0/0xfffffffa",
            "--or-mark 5" => "--set-xmark 0x5/0x5", "--xor-mark 5" => "--set-xmark 0x5/0x0",
            "--set-xmark 4294967295" => "--set-xmark 0xffffffff/0xffffffff",
            "--set-mark 4294967296" => fails, "--set-mark 1/" => fails, "--or-mark 1/2" => fails,
            "! --set-mark 1" => fails, "--set-mark -1" => fails, "--set-mark 1 --or-mark 5" => fails, "" => fails,
        }
    }
}
