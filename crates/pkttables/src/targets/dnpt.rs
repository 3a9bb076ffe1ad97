//! `-j DNPT`: replaces the prefix of the destination address.
use crate::domain::{Ipv6Prefix, PrefixTranslation, Side};
use crate::extension;
use crate::model::{Families, Hooks, Tables};
use crate::packet::Packet;
use crate::registry::{Action, Context, Extension, Lister, Revision};

/// The `DNPT` target.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dnpt {
    /// The prefixes.
    pub prefixes: PrefixTranslation,
}

extension! {
    /// Replace the prefix of the IPv6 destination address, without keeping track of connections (RFC 6296).
    ///
    /// It undoes for incoming packets what SNPT does to outgoing ones. Bits of the address behind the prefix are
    /// changed too, so that checksums stay right. Such packets must not be tracked (`CT --notrack`).
    target "DNPT" => Dnpt {
        families: Families::IPV6,
        tables: Tables::MANGLE,
        hooks: Hooks::PREROUTING.union(Hooks::OUTPUT),
    } params {
        /// The prefix that is replaced, of up to 64 bits. Only packets whose destination has it are changed.
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

impl Extension for Dnpt {
    fn act(&self, packet: &Packet<'_>, context: &mut Context<'_>) -> Action {
        match self.prefixes.translate(packet, Side::Destination, context) {
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
        out.add(" DNPT");
        self.prefixes.list(out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Family;
    use crate::registry::testing::{decoded, encoded, text_cases};

    #[test]
    fn saved_forms() {
        text_cases! { Dnpt, Ipv6:
            "--src-pfx dead::/64 --dst-pfx 1c3::/64" => same, "--src-pfx dead::/32 --dst-pfx 1c3::/64" => same,
            "--dst-pfx 1c3::/64 --src-pfx dead::/ffff::" => "--src-pfx dead::/16 --dst-pfx 1c3::/64",
            "--src-pfx ::/0 --dst-pfx ::/0" => same, "--src-pfx dead::/65 --dst-pfx 1c3::/64" => fails,
            "--src-pfx dead:: --dst-pfx 1c3::/64" => fails, "--src-pfx dead::1/64 --dst-pfx 1c3::/64" => fails,
            "--src-pfx dead::/64" => fails, "--dst-pfx dead::/64" => fails, "" => fails,
        }
    }

    #[test]
    fn the_kernels_checksum_is_not_part_of_it() {
        let text = "--src-pfx dead::/64 --dst-pfx 1c3::/48";
        let mut info =
            [&[0xde, 0xad][..], &[0; 14], &[0x01, 0xc3], &[0; 14], &[64, 48, 0, 0, 0, 0, 0, 0]].concat();
        assert_eq!(encoded::<Dnpt>(Family::Ipv6, text, 0).as_ref(), Some(&info));
        info[34] = 0x55;
        assert_eq!(decoded::<Dnpt>(Family::Ipv6, 0, &info).as_deref(), Some(text));
    }
}
