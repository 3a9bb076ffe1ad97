//! `-m realm`: compares the routing realm.

use crate::domain::{Masked, Realms};
use crate::extension;
use crate::model::{Families, Hooks};
use crate::packet::Packet;
use crate::registry::{Context, Extension, Lister, Outcome, Revision, sight};

/// The `realm` match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Realm {
    /// The realms that are meant.
    pub realm: Realms,
    /// Whether all others are meant instead.
    pub not: bool,
}

extension! {
    /// Match packets by the realm of the route they take.
    ///
    /// Routes can be given a realm (`ip route add … realm NUMBER`), usually the network they lead to, so that
    /// many routes can be treated alike.
    match "realm" => Realm {
        families: Families::IPV4,
        hooks: Hooks::INPUT.union(Hooks::FORWARD).union(Hooks::OUTPUT).union(Hooks::POSTROUTING),
    } params {
        /// The route has this realm; with a mask, the realm AND the mask is this number.
        [!] "realm": Realms {
            set: |m, realm, not| *m = Realm { realm, not },
            get: |m| Some((m.realm, m.not)),
            required: true,
            sees: Some(sight::realm),
        }
    }
}

impl Extension for Realm {
    fn matches(&self, packet: &Packet<'_>, _: &mut Context<'_>) -> Outcome {
        let Masked { value, mask } = self.realm.0;
        ((packet.meta.realm & mask == value) != self.not).into()
    }

    const REVISIONS: &'static [Revision<Self>] = &[Revision {
        number: 0,
        size: 12,
        families: Families::IPV4,
        encode: |m, w| {
            w.ne_u32(m.realm.0.value);
            w.ne_u32(m.realm.0.mask);
            w.u8(m.not.into());
            w.zeros(3);
            Ok(())
        },
        decode: |r, _| {
            let realm = Realms(Masked { value: r.ne_u32("id")?, mask: r.ne_u32("mask")? });
            let not = r.u8("invert")? != 0;
            r.take(3, "padding")?;
            Ok(Some(Self { realm, not }))
        },
    }];

    fn list(&self, out: &mut Lister<'_>) {
        out.add(if self.not { " ! realm " } else { " realm " });
        out.value(if out.is_numeric() { &self.realm.0 } else { &self.realm });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::testing::{layout_cases, text_cases};

    #[test]
    fn saved_forms() {
        text_cases! { Realm, Ipv4:
            "--realm 0x1/0x2a" => same, "--realm 777" => "--realm 0x309", "! --realm 0/0" => "! --realm 0x0/0x0",
            "--realm no-such-realm" => fails, "--realm no-such-realm/1" => fails, "" => fails,
        }
    }

    #[test]
    fn kernel_structures() {
        layout_cases! { Realm, Ipv4: "! --realm 0x1/0x2a", 0 => "01000000 2a000000 01" }
    }
}
