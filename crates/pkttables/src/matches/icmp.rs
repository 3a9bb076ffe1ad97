//! `-m icmp`: compares type and code of an ICMP message.
use crate::domain::IcmpType;
use crate::extension;
use crate::model::{Families, protocol};
use crate::packet::Packet;
use crate::registry::{Context, Extension, Lister, Outcome, Revision, sight};
use nfnetlink::wire::Problem;

/// The `icmp` match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Icmp {
    /// The type and the codes that are meant.
    pub kind: IcmpType<false>,
    /// Whether every other message is meant instead.
    pub not: bool,
}

extension! {
    /// Match ICMP messages by type and code.
    ///
    /// ICMP carries error reports and the messages of ping for IPv4; many of them must pass for a network
    /// to work well, above all `fragmentation-needed`.
    match "icmp" => Icmp {
        families: Families::IPV4,
        protocols: &[protocol::ICMP],
    } params {
        /// The message has this type and, if one is given, this code.
        ///
        /// A type is given by name, which may be shortened as long as it is unambiguous, or by number:
        /// `8`, `3/4` with a code, `3/0:3` with a range of codes. `any` means all messages.
        [!] "icmp-type": IcmpType<false> {
            set: |m, kind, not| *m = Icmp { kind, not },
            get: |m| Some((m.kind, m.not)),
            required: true,
            sees: Some(sight::icmp_type),
        }
    }
}

// `struct ipt_icmp`
impl Extension for Icmp {
    fn matches(&self, packet: &Packet<'_>, _: &mut Context<'_>) -> Outcome {
        self.kind.test(packet, self.not)
    }

    const REVISIONS: &'static [Revision<Self>] = &[Revision {
        number: 0,
        size: 4,
        families: Families::IPV4,
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
        out.add(" icmp");
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
        text_cases! { Icmp, Ipv4:
            "-p 1 --icmp-type any" => "--icmp-type any", "-p 1 --icmp-type 255/0:255" => "--icmp-type any",
            "-p 1 --icmp-type 255/255" => "--icmp-type 255/255", "-p 1 ! --icmp-type ping" => "! --icmp-type 8",
            "-p 1 --icmp-type 3/4" => "--icmp-type 3/4", "-p 1 ! --icmp-type 0" => "! --icmp-type 0",
            "-p 1 --icmp-type echo" => fails, "-p 1 --icmp-type 8/256" => fails, "-p 1" => fails, "" => fails,
            "-p 1 --icmp-type 8 --icmp-type 0" => fails, "--icmp-type 8" => fails,
            "! -p 1 --icmp-type 8" => fails, "-p 58 --icmp-type 8" => fails,
        }
    }

    #[test]
    fn the_layout_is_struct_ipt_icmp() {
        let expected = vec![3, 1, 1, 1, 0, 0, 0, 0];
        assert_eq!(layout::<Icmp>(Family::Ipv4, 0, "-p 1 ! --icmp-type host-unreachable"), Some(expected));
    }
}
