//! `-m ipcomp`: compares the compression parameter index of an IPComp header.
use crate::domain::U32Range;
use crate::extension;
use crate::model::{Families, Negatable, protocol};
use crate::packet::Packet;
use crate::registry::{Context, Extension, Flag, Lister, Outcome, Revision, sight};
use nfnetlink::wire::Problem;

/// The `ipcomp` match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ipcomp {
    /// The compression parameter index.
    pub spi: Negatable<U32Range>,
    /// Whether the reserved field must be 0.
    pub reserved: bool,
}

extension! {
    /// Match packets compressed with IPComp by their compression parameter index.
    ///
    /// IPComp (RFC 3173) compresses what IP packets carry, mostly before IPsec encrypts it. Sender and receiver agree on
    /// an index for each direction; it tells the receiver how to unpack the packet.
    match "ipcomp" => Ipcomp {
        protocols: &[protocol::IPCOMP],
    } params {
        /// The index is this number, or in this range.
        ///
        /// `:9` means all up to 9, `5:` all from 5, `:` alone all. The index tells the receiver how the packet was
        /// compressed.
        [!] "ipcompspi": U32Range {
            set: |m, value, not| m.spi = Negatable { value, not },
            get: |m| (m.spi.not || m.spi.value != U32Range::ALL).then_some((m.spi.value, m.spi.not)),
            default: Some("0"),
        }
        /// The header's reserved field is 0, as the standard asks.
        ///
        /// Linux takes the parameter and does not look at it.
        "compres": Flag {
            set: |m, _, _| m.reserved = true,
            get: |m| m.reserved.then_some((Flag, false)),
        }
    }
}

// `struct xt_ipcomp`
impl Extension for Ipcomp {
    fn matches(&self, packet: &Packet<'_>, _: &mut Context<'_>) -> Outcome {
        match packet.transport::<4>(0) {
            Ok([_, reserved, high, low]) => {
                let spi = u16::from_be_bytes([high, low]).into();
                let holds = self.spi.value.contains(spi) != self.spi.not;
                (holds && !(self.reserved && reserved != 0)).into()
            }
            Err(missing) => missing.outcome(),
        }
    }

    fn found(&self, packet: &Packet<'_>, _: &mut Context<'_>) -> Option<String> {
        sight::field(packet, 0, |[_, reserved, high, low]| {
            let index = u16::from_be_bytes([high, low]);
            format!("the SPI is {index}, the reserved field {reserved}")
        })
    }

    const REVISIONS: &'static [Revision<Self>] = &[Revision {
        number: 0,
        size: 12,
        families: Families::all(),
        encode: |m, w| {
            m.spi.value.encode(w);
            w.bytes(&[m.spi.not.into(), m.reserved.into(), 0, 0]);
            Ok(())
        },
        decode: |r, _| {
            let (value, inverted, reserved) = (U32Range::decode(r)?, r.u8("inverted")?, r.u8("reserved")?);
            if inverted > 1 {
                return Err(r.error("inverted", Problem::Value(inverted.into())));
            }
            r.take(2, "padding")?;
            Ok(Some(Self { spi: Negatable { value, not: inverted != 0 }, reserved: reserved != 0 }))
        },
    }];

    fn list(&self, out: &mut Lister<'_>) {
        out.add(" comp");
        out.each(self, |out, name, not, text| match name {
            "ipcompspi" => out.labelled("spi", not, text),
            _ => out.add(" reserved"),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Family;
    use crate::registry::testing::{decodes, layout, text_cases};

    #[test]
    fn saved_forms() {
        text_cases! { Ipcomp, Ipv6:
            "-p 108" => "--ipcompspi 0", "-p 108 --compres" => "--ipcompspi 0 --compres",
            "-p 108 --ipcompspi :" => "", "-p 108 ! --ipcompspi :" => "! --ipcompspi 0:4294967295",
            "-p 108 --compres --ipcompspi 7:" => "--ipcompspi 7:4294967295 --compres",
            "-p 108 ! --ipcompspi 18" => "! --ipcompspi 18", "-p 108 --ipcompspi 4:4" => "--ipcompspi 4",
            "-p 108 --ipcompspi 4:3" => fails, "-p 108 --ipcompspi x" => fails, "--ipcompspi 5" => fails, "" => fails,
            "-p 6 --ipcompspi 5" => fails, "-p 108 ! --compres" => fails, "-p 108 --ipcompspi 4294967296" => fails,
        }
    }

    #[test]
    fn layout_of_struct_xt_ipcomp() {
        let mut expected = [5_u32, 6].map(u32::to_ne_bytes).concat();
        expected.extend([1, 1, 0, 0, 0, 0, 0, 0]);
        let text = "-p 108 ! --ipcompspi 5:6 --compres";
        assert_eq!(layout::<Ipcomp>(Family::Ipv4, 0, text), Some(expected));
        assert!(!decodes::<Ipcomp>(Family::Ipv4, 0, &[0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0]));
    }
}
