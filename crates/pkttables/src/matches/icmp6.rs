//! `-m icmp6`: compares type and code of an ICMPv6 message.
use crate::domain::IcmpType;
use crate::extension;
use crate::model::{Families, protocol};
use crate::packet::Packet;
use crate::registry::{Context, Extension, Lister, Outcome, Revision, sight};
use nfnetlink::wire::Problem;

/// The `icmp6` match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Icmp6 {
    /// The type and the codes that are meant.
    pub kind: IcmpType<true>,
    /// Whether every other message is meant instead.
    pub not: bool,
}

extension! {
    /// Match ICMPv6 messages by type and code.
    ///
    /// IPv6 needs ICMPv6 for finding neighbours and routers, for packet sizes and for error reports; a
    /// firewall that drops all of it breaks the network.
    match "icmp6" | "icmpv6" | "ipv6-icmp" => Icmp6 {
        families: Families::IPV6,
        protocols: &[protocol::ICMPV6],
    } params {
        /// The message has this type and, if one is given, this code.
        ///
        /// A type is given by name, which may be shortened as long as it is unambiguous, or by number:
        /// `128`, `1/4` with a code, `1/0:3` with a range of codes.
        [!] "icmpv6-type": IcmpType<true> {
            set: |m, kind, not| *m = Icmp6 { kind, not },
            get: |m| Some((m.kind, m.not)),
            required: true,
            sees: Some(sight::icmp_type),
        }
    }
}

// `struct ip6t_icmp`
impl Extension for Icmp6 {
    fn matches(&self, packet: &Packet<'_>, _: &mut Context<'_>) -> Outcome {
        self.kind.test(packet, self.not)
    }

    const REVISIONS: &'static [Revision<Self>] = &[Revision {
        number: 0,
        size: 4,
        families: Families::IPV6,
        encode: |m, w| {
            let (min, max) = m.kind.codes();
            w.bytes(&[m.kind.kind, min, max, m.not.into()]);
            Ok(())
        },
        decode: |r, _| {
            let kind = IcmpType::decode(r)?;
            match r.u8("inverted")? {
                not @ 0..=1 => Ok(Some(Self { kind, not: not == 1 })),
                other => Err(r.error("inverted", Problem::Value(other.into()))),
            }
        },
    }];

    fn list(&self, out: &mut Lister<'_>) {
        out.add(" ipv6-icmp");
        self.kind.list(self.not, out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Family;
    use crate::registry::testing::{layout, text_cases};

    #[test]
    fn saved_forms() {
        text_cases! { Icmp6, Ipv6:
            "-p 58 --icmpv6-type 1/0" => "--icmpv6-type 1/0", "-p 58 ! --icmpv6-type pong" => "! --icmpv6-type 129",
            "-p 58 --icmpv6-type mld-listener-query" => "--icmpv6-type 130",
            "-p 58 --icmpv6-type 255" => "--icmpv6-type 255", "-p 58 --icmpv6-type 4/255" => "--icmpv6-type 4/255",
            "-p 58 --icmpv6-type 2/1:3" => "--icmpv6-type 2/1:3",
            "-p 58 --icmpv6-type any" => fails, "-p 58 --icmpv6-type neighbor" => fails, "-p 58" => fails,
            "--icmpv6-type 1" => fails, "-p 1 --icmpv6-type 1" => fails, "-p 58 --icmp-type 1" => fails,
        }
    }

    #[test]
    fn the_layout_is_struct_ip6t_icmp() {
        let expected = vec![3, 1, 1, 1, 0, 0, 0, 0];
        assert_eq!(layout::<Icmp6>(Family::Ipv6, 0, "-p 58 ! --icmpv6-type 3/1"), Some(expected));
    }
}
