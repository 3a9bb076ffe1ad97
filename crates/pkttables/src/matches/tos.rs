//! `-m tos`: compares bits of the type of service or traffic class.
use crate::domain::Tos as TosBits;
use crate::extension;
use crate::model::Families;
use crate::packet::Packet;
use crate::registry::{Context, Extension, Lister, Outcome, Revision, bang, sight};
use nfnetlink::wire::EncodeError;

/// The `tos` match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tos {
    /// The bits that are compared.
    pub bits: TosBits,
    /// Whether they must differ.
    pub not: bool,
}

extension! {
    /// Match packets by the type of service field of IPv4 or the traffic class of IPv6.
    ///
    /// The field has eight bits; today its upper six are the DSCP and its lower two are for ECN.
    match "tos" => Tos {} params {
        /// The field, as far as the mask has bits, is this value.
        ///
        /// Without a mask all eight bits are compared; a name stands for its number with the mask 0x3f.
        [!] "tos": TosBits {
            set: |m, bits, not| *m = Tos { bits, not },
            get: |m| Some((m.bits, m.not)),
            required: true,
            sees: Some(sight::tos),
        }
    }
}

// `struct xt_tos_match_info`, `struct ipt_tos_info`
impl Extension for Tos {
    fn matches(&self, packet: &Packet<'_>, _: &mut Context<'_>) -> Outcome {
        ((packet.tos() & self.bits.mask == self.bits.value) != self.not).into()
    }

    const REVISIONS: &'static [Revision<Self>] = &[
        Revision {
            number: 1,
            size: 3,
            families: Families::all(),
            encode: |m, w| {
                w.bytes(&[m.bits.mask, m.bits.value, m.not.into()]);
                Ok(())
            },
            decode: |r, _| {
                let (mask, value) = (r.u8("mask")?, r.u8("value")?);
                Ok(Some(Self { bits: TosBits { value, mask }, not: r.u8("invert")? != 0 }))
            },
        },
        Revision {
            number: 0,
            size: 2,
            families: Families::IPV4,
            encode: |m, w| {
                if m.bits.mask != 0xff {
                    return Err(EncodeError::NotRepresentable("a mask"));
                }
                w.bytes(&[m.bits.value, m.not.into()]);
                Ok(())
            },
            decode: |r, _| {
                let bits = TosBits { value: r.u8("value")?, mask: 0xff };
                Ok(Some(Self { bits, not: r.u8("invert")? != 0 }))
            },
        },
    ];

    fn list(&self, out: &mut Lister<'_>) {
        out.add(format_args!(" tos match{}", bang(self.not)));
        match self.bits.name().filter(|_| !out.is_numeric()) {
            Some(name) => out.add(format_args!(" {name}")),
            None => out.add(format_args!("{:#04x}/{:#04x}", self.bits.value, self.bits.mask)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Family;
    use crate::registry::testing::{layout, text_cases};

    #[test]
    fn saved_forms() {
        text_cases! { Tos, Ipv4:
            "--tos 0x10" => "--tos 0x10/0xff", "! --tos 0xff" => "! --tos 0xff/0xff", "--tos 16/077" => "--tos 0x10/0x3f",
            "--tos 0x0" => "--tos 0x00/0xff", "--tos 0xff/0x0f" => same, "--tos 0x00/0x00" => same,
            "--tos Minimize-Delay" => "--tos 0x10/0x3f", "! --tos maximize-throughput" => "! --tos 0x08/0x3f",
            "--tos Maximize-Reliability" => "--tos 0x04/0x3f", "--tos Minimize-Cost" => "--tos 0x02/0x3f",
            "--tos Normal-Service" => "--tos 0x00/0x3f",
            "--tos wrong" => fails, "--tos Minimize" => fails, "--tos 256" => fails, "--tos 5/256" => fails,
            "--tos 5/" => fails, "--tos /5" => fails, "--tos -1" => fails, "--tos 1 --tos 1" => fails, "" => fails,
        }
        text_cases! { Tos, Ipv6: "--tos 3" => "--tos 0x03/0xff" }
    }

    #[test]
    fn layouts() {
        assert_eq!(layout::<Tos>(Family::Ipv6, 1, "! --tos 1/2"), Some(vec![2, 1, 1, 0, 0, 0, 0, 0]));
        assert_eq!(layout::<Tos>(Family::Ipv4, 0, "! --tos 1"), Some(vec![1, 1, 0, 0, 0, 0, 0, 0]));
        assert_eq!(layout::<Tos>(Family::Ipv4, 0, "--tos 1/2"), None);
        assert_eq!(layout::<Tos>(Family::Ipv6, 0, "--tos 1"), None);
    }
}
