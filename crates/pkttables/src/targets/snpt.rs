//! `-j SNPT`: replaces the prefix of the source address.
use crate::domain::{Ipv6Prefix, PrefixTranslation, Side};
use crate::extension;
use crate::model::{Families, Hooks, Tables};
use crate::packet::Packet;
use crate::registry::{Action, Context, Extension, Lister, Revision};

/// The `SNPT` target.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snpt {
    /// The prefixes.
    pub prefixes: PrefixTranslation,
}

extension! {
    /// Replace the prefix of the IPv6 source address, without keeping track of connections (RFC 6296).
    ///
    /// It lets a network keep its addresses whichever provider it uses; DNPT undoes it for incoming packets. Bits of the address behind the prefix are
    /// changed too, so that checksums stay right. Such packets must not be tracked (`CT --notrack`).
    target "SNPT" => Snpt {
        families: Families::IPV6,
        tables: Tables::MANGLE,
        hooks: Hooks::INPUT.union(Hooks::POSTROUTING),
    } params {
        /// The prefix that is replaced, of up to 64 bits. Only packets whose source has it are changed.
        "src-pfx": Ipv6Prefix {
            set: |m, prefix, _| m.prefixes.source = prefix,
            get: |m| Some((m.prefixes.source, false)),
            required: true,
        }
        /// The prefix that takes its place, of up to 64 bits.
        "dst-pfx": Ipv6Prefix {
            set: |m, prefix, _| m.prefixes.destination = prefix,
            get: |m| Some((m.prefixes.destination, false)),
            required: true,
        }
    }
}

impl Extension for Snpt {
    fn act(&self, packet: &Packet<'_>, context: &mut Context<'_>) -> Action {
        match self.prefixes.translate(packet, Side::Source, context) {
            Some(()) => Action::Continue,
            None => Action::Drop,
        }
    }

    const REVISIONS: &'static [Revision<Self>] = &[Revision {
        number: 0,
        size: PrefixTranslation::SIZE,
        families: Families::IPV6,
        encode: |m, w| {
            m.prefixes.encode(w);
            Ok(())
        },
        decode: |r, _| Ok(Some(Self { prefixes: PrefixTranslation::decode(r)? })),
    }];

    fn list(&self, out: &mut Lister<'_>) {
        out.add(" SNPT");
        self.prefixes.list(out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Family;
    use crate::packet::Meta;
    use crate::registry::Edit;
    use crate::registry::testing::text_cases;
    use crate::registry::testing::{Nowhere, Trial, ipv6};

    #[test]
    fn saved_forms() {
        text_cases! { Snpt, Ipv6:
            "--src-pfx dead::/64 --dst-pfx 1c3::/64" => same, "--src-pfx dead::/32 --dst-pfx 1c3::/64" => same,
            "--dst-pfx 1c3::/64 --src-pfx dead::/ffff::" => "--src-pfx dead::/16 --dst-pfx 1c3::/64",
            "--src-pfx ::/0 --dst-pfx ::/0" => same, "--src-pfx dead::/65 --dst-pfx 1c3::/64" => fails,
            "--src-pfx dead:: --dst-pfx 1c3::/64" => fails, "--src-pfx dead::1/64 --dst-pfx 1c3::/64" => fails,
            "--src-pfx dead::/64" => fails, "--dst-pfx dead::/64" => fails, "" => fails,
        }
    }

    #[test]
    fn addresses() {
        let mut trial =
            Trial::new::<Snpt>(Family::Ipv6, "--src-pfx fd00::/64 --dst-pfx 2001:db8:7:8::/64", Nowhere);
        let mut packet = ipv6(17, &[]);
        let (action, edits) = trial.act(&packet, &Meta::default());
        let address = "2001:db8:7:8:cf38::1".parse().expect("an address");
        assert_eq!((action, edits), (Action::Continue, vec![Edit::Address { at: 8, address }]));
        // No part of the address can take up the difference.
        packet[16..24].fill(0xff);
        assert_eq!(trial.act(&packet, &Meta::default()).0, Action::Drop);
    }
}
