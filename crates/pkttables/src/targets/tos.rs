//! `-j TOS`: changes the type of service or traffic class.
use crate::domain::Tos as TosBits;
use crate::extension;
use crate::model::{Families, Tables};
use crate::packet::Packet;
use crate::registry::{Action, Context, Edit, Extension, Lister, Require, Revision};

/// The `TOS` target: the bits of the mask are cleared, then those of the value are flipped.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tos {
    /// Which bits are flipped and which are cleared before.
    pub change: TosBits,
}

extension! {
    /// Change the type of service in the IPv4 header, or the traffic class in the IPv6 header.
    ///
    /// Routers choose by these eight bits how to treat the packet. Today the upper six are the differentiated
    /// services code point (see the DSCP target), the lower two serve explicit congestion notification.
    target "TOS" => Tos {
        tables: Tables::MANGLE,
        require: Require::ExactlyOne,
    } params {
        /// Clear the bits of the mask, then flip those of the value: without a mask, set the value.
        ///
        /// A name leaves the two upper bits alone. Every other way to change the bits is printed in this form.
        "set-tos": TosBits { set: |m, change, _| m.change = change, get: |m| Some((m.change, false)) }
        /// Keep only those bits that this number has.
        "and-tos": u8 { set: |m, bits, _| m.change = TosBits { value: 0, mask: !bits }, get: |_| None }
        /// Set the bits that this number has.
        "or-tos": u8 { set: |m, bits, _| m.change = TosBits { value: bits, mask: bits }, get: |_| None }
        /// Flip the bits that this number has.
        "xor-tos": u8 { set: |m, bits, _| m.change = TosBits { value: bits, mask: 0 }, get: |_| None }
    }
}

impl Extension for Tos {
    fn act(&self, packet: &Packet<'_>, context: &mut Context<'_>) -> Action {
        context.edit(Edit::Tos(packet.tos() & !self.change.mask ^ self.change.value));
        Action::Continue
    }

    // `struct xt_tos_target_info` in linux/netfilter/xt_DSCP.h.
    const REVISIONS: &'static [Revision<Self>] = &[Revision {
        number: 1,
        size: 2,
        families: Families::all(),
        encode: |m, w| {
            w.bytes(&[m.change.value, m.change.mask]);
            Ok(())
        },
        decode: |r, _| Ok(Some(Self { change: TosBits { value: r.u8("value")?, mask: r.u8("mask")? } })),
    }];

    fn list(&self, out: &mut Lister<'_>) {
        let bits = self.change;
        match (out.is_numeric(), bits.name()) {
            // iptables has the space in the wrong place.
            (false, Some(name)) => out.add(format_args!("  TOS set{name}")),
            (false, None) if bits.value == 0 => out.add(format_args!(" TOS and {:#04x}", !bits.mask)),
            (false, None) if bits.value == bits.mask => out.add(format_args!(" TOS or {:#04x}", bits.value)),
            (false, None) if bits.mask == 0 => out.add(format_args!(" TOS xor {:#04x}", bits.value)),
            _ => out.add(format_args!(" TOS set {:#04x}/{:#04x}", bits.value, bits.mask)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::testing::text_cases;

    #[test]
    fn saved_forms() {
        text_cases! { Tos, Ipv4:
            "--set-tos 0x10" => "--set-tos 0x10/0xff", "--set-tos 16/0x0f" => "--set-tos 0x10/0x0f",
            "--set-tos Minimize-Delay" => "--set-tos 0x10/0x3f", "--set-tos maximize-throughput" => "--set-tos 0x08/0x3f",
            "--set-tos Maximize-Reliability" => "--set-tos 0x04/0x3f", "--set-tos Minimize-Cost" => "--set-tos 0x02/0x3f",
            "--set-tos Normal-Service" => "--set-tos 0x00/0x3f", "--and-tos 0x12" => "--set-tos 0x00/0xed",
            "--or-tos 0x12" => "--set-tos 0x12/0x12", "--xor-tos 0x12" => "--set-tos 0x12/0x00",
            "--set-tos Mini" => fails, "--set-tos 256" => fails, "--set-tos 1/256" => fails, "--set-tos 1/" => fails,
            "--and-tos 0x100" => fails, "--or-tos 1 --and-tos 1" => fails, "--set-tos Minimize-Delay/3" => fails,
            "" => fails,
        }
    }
}
