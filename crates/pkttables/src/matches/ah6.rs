//! `-m ah` of IPv6: tests the authentication header.
use crate::domain::U32Range;
use crate::extension;
use crate::model::{Families, Negatable};
use crate::packet::{HeaderError, Packet};
use crate::registry::{Context, Extension, Flag, Lister, Outcome, Revision, sight};
use nfnetlink::wire::Problem;

/// The `ah` match of IPv6.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ah6 {
    /// The security parameter index; `None` if it does not matter.
    pub spi: Option<Negatable<U32Range>>,
    /// The length of the header in bytes; 0 and not negated if it does not matter.
    pub length: Negatable<u32>,
    /// Whether the reserved field must be 0.
    pub reserved: bool,
}

const SPI: u8 = 1;
const LENGTH: u8 = 2;

extension! {
    /// Match IPv6 packets that have an authentication header.
    ///
    /// The authentication header of IPsec proves who sent a packet without encrypting it. Without parameters any
    /// such header will do.
    match "ah" => Ah6 {
        families: Families::IPV6,
    } params {
        /// The security parameter index is this number, or in this range.
        ///
        /// `:9` means all up to 9, `5:` all from 5. The index tells the receiver which security association a
        /// packet belongs to.
        [!] "ahspi": U32Range {
            set: |m, value, not| m.spi = Some(Negatable { value, not }).filter(|spi| not || spi.value != U32Range::ALL),
            get: |m| m.spi.map(|spi| (spi.value, spi.not)),
        }
        /// The header is this many bytes long; 0 stands for any length.
        [!] "ahlen": u32 {
            set: |m, value, not| m.length = Negatable { value, not },
            get: |m| m.length.given(),
        }
        /// The header's reserved field is 0, as the standard asks.
        "ahres": Flag {
            set: |m, _, _| m.reserved = true,
            get: |m| m.reserved.then_some((Flag, false)),
        }
    }
}

// `struct ip6t_ah`
impl Extension for Ah6 {
    fn matches(&self, packet: &Packet<'_>, _: &mut Context<'_>) -> Outcome {
        let header = match packet.layout.find_header(&packet.data, 51, false) {
            Ok(found) => found.offset,
            Err(HeaderError::Absent) => return Outcome::NoMatch,
            Err(HeaderError::Broken) => return Outcome::Drop,
        };
        let Some([_, len, r1, r2, spi @ .., _, _, _, _]) = packet.data.array::<12>(header) else {
            return Outcome::Drop;
        };
        let len = (u32::from(len) + 2) * 4;
        if packet.data.len() < header + len as usize {
            return Outcome::Drop;
        }
        let spi = u32::from_be_bytes(spi);
        let holds = self.spi.is_none_or(|wanted| wanted.value.contains(spi) != wanted.not)
            && (self.length.value == 0 || (self.length.value == len) != self.length.not)
            && !(self.reserved && [r1, r2] != [0, 0]);
        holds.into()
    }

    fn found(&self, packet: &Packet<'_>, _: &mut Context<'_>) -> Option<String> {
        sight::extension_header(packet, 51, "AH", |[_, len, r1, r2, spi @ .., _, _, _, _]: [u8; 12]| {
            let (len, reserved) = ((u32::from(len) + 2) * 4, u16::from_be_bytes([r1, r2]));
            let spi = u32::from_be_bytes(spi);
            format!("the SPI is {spi}, the length {len}, the reserved field {reserved}")
        })
    }

    const REVISIONS: &'static [Revision<Self>] = &[Revision {
        number: 0,
        size: 16,
        families: Families::IPV6,
        encode: |m, w| {
            m.spi.map_or(U32Range::ALL, |spi| spi.value).encode(w);
            w.ne_u32(m.length.value);
            let spi = if m.spi.is_some_and(|spi| spi.not) { SPI } else { 0 };
            let length = if m.length.not { LENGTH } else { 0 };
            w.bytes(&[m.reserved.into(), spi | length, 0, 0]);
            Ok(())
        },
        decode: |r, _| {
            let (spi, length) = (U32Range::decode(r)?, r.ne_u32("length")?);
            let (reserved, inverted) = (r.u8("reserved")? != 0, r.u8("inverted")?);
            if inverted > (SPI | LENGTH) {
                return Err(r.error("inverted", Problem::Value(inverted.into())));
            }
            r.take(2, "padding")?;
            let not = inverted & SPI != 0;
            Ok(Some(Self {
                spi: (not || spi != U32Range::ALL).then_some(Negatable { value: spi, not }),
                length: Negatable { value: length, not: inverted & LENGTH != 0 },
                reserved,
            }))
        },
    }];

    fn list(&self, out: &mut Lister<'_>) {
        out.add(" ah ");
        out.each(self, |out, name, not, text| match name {
            "ahspi" => out.label("spi", not, text),
            "ahlen" => out.label("length", not, text),
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
        text_cases! { Ah6, Ipv6:
            "" => same, "--ahspi 0" => same, "--ahspi 4294967295" => same, "--ahspi 0:4294967295" => "",
            "! --ahspi :" => "! --ahspi 0:4294967295", "--ahspi 3:" => "--ahspi 3:4294967295",
            "--ahspi 3:3" => "--ahspi 3", "--ahlen 0" => "", "! --ahlen 0" => same,
            "--ahres ! --ahlen 5 --ahspi 0x10" => "--ahspi 16 ! --ahlen 5 --ahres", "-p 6 --ahres" => "--ahres",
            "! --ahres" => fails, "--ahspi 4:3" => fails, "--ahspi invalid" => fails, "--ahspi 0:invalid" => fails,
            "--ahspi 1:2:3" => fails, "--ahlen 4294967296" => fails, "--ahlen 1:2" => fails, "--ahspi" => fails,
        }
    }

    #[test]
    fn layout_of_struct_ip6t_ah() {
        let mut expected = [5_u32, 6, 24].map(u32::to_ne_bytes).concat();
        expected.extend([1, 3, 0, 0]);
        let text = "! --ahspi 5:6 ! --ahlen 24 --ahres";
        assert_eq!(layout::<Ah6>(Family::Ipv6, 0, text), Some(expected));
        assert!(!decodes::<Ah6>(Family::Ipv6, 0, &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0]));
    }
}
