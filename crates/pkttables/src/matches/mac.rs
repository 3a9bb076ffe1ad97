//! `-m mac`: compares the sender's MAC address.

use crate::domain::Mac as Address;
use crate::extension;
use crate::model::{Families, Hooks};
use crate::packet::Packet;
use crate::registry::{Context, Extension, Lister, Outcome, Revision, sight};

/// The `mac` match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mac {
    /// The sender's address.
    pub source: Address,
    /// Whether every other address is meant instead.
    pub not: bool,
}

extension! {
    /// Match packets by the MAC address they were sent from.
    ///
    /// It is the address in the Ethernet header: that of the last router, if the packet came through one.
    /// Packets that did not arrive on an Ethernet device, and those of this machine, never match.
    match "mac" => Mac {
        hooks: Hooks::PREROUTING.union(Hooks::INPUT).union(Hooks::FORWARD),
    } params {
        /// The frame was sent from this address, six hexadecimal bytes with colons between them.
        [!] "mac-source": Address {
            set: |m, source, not| *m = Mac { source, not },
            get: |m| Some((m.source, m.not)),
            required: true,
            sees: Some(sight::mac),
        }
    }
}

impl Extension for Mac {
    fn matches(&self, packet: &Packet<'_>, _: &mut Context<'_>) -> Outcome {
        match packet.meta.link {
            Some(link) => ((link.source == self.source.0) != self.not).into(),
            None => Outcome::NoMatch,
        }
    }

    const REVISIONS: &'static [Revision<Self>] = &[Revision {
        number: 0,
        size: 12,
        families: Families::all(),
        encode: |m, w| {
            w.bytes(&m.source.0);
            w.zeros(2);
            w.ne_u32(m.not.into());
            Ok(())
        },
        decode: |r, _| {
            let source = Address(r.array("srcaddr")?);
            r.take(2, "padding")?;
            Ok(Some(Self { source, not: r.ne_u32("invert")? != 0 }))
        },
    }];

    fn list(&self, out: &mut Lister<'_>) {
        out.each(self, |out, _, not, text| {
            out.add(format_args!(" MAC {}{text}", if not { "! " } else { "" }));
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::testing::{layout_cases, text_cases};

    #[test]
    fn saved_forms() {
        text_cases! { Mac, Ipv4:
            "--mac-source 42:01:02:03:04:05" => same, "! --mac-source AA:bb:CC:dd:EE:ff" => "! --mac-source aa:bb:cc:dd:ee:ff",
            "--mac-source 1:2:3:4:5:6" => "--mac-source 01:02:03:04:05:06",
            "--mac-source 42:01:02:03:04" => fails, "--mac-source 42:01:02:03:04:05:06" => fails,
            "--mac-source 01-02-03-04-05-06" => fails, "--mac-source 42:01:02:03:04:05g" => fails,
            "--mac-source 142:01:02:03:04:05" => fails, "" => fails,
        }
        text_cases! { Mac, Ipv6: "! --mac-source 42:01:02:03:04:05" => same }
    }

    #[test]
    fn kernel_structures() {
        layout_cases! { Mac, Ipv4: "! --mac-source aa:bb:cc:dd:ee:ff", 0 => "aabbccddeeff 0000 01" }
    }
}
