//! `-m ah`: compares the security parameter index of an AH header.
use crate::domain::U32Range;
use crate::extension;
use crate::model::{Families, Negatable, protocol};
use crate::packet::Packet;
use crate::registry::{Context, Extension, Lister, Outcome, Revision, sight};
use nfnetlink::wire::Problem;

/// The `ah` match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ah {
    /// The security parameter index; `None` if it does not matter.
    pub spi: Option<Negatable<U32Range>>,
}

extension! {
    /// Match AH packets by their security parameter index.
    ///
    /// The authentication header of IPsec proves who sent a packet without encrypting it. The index tells the receiver which security association a packet belongs to.
    match "ah" => Ah {
        families: Families::IPV4,
        protocols: &[protocol::AH],
    } params {
        /// The index is this number, or in this range.
        ///
        /// `:9` means all up to 9, `5:` all from 5.
        [!] "ahspi": U32Range {
            set: |m, value, not| m.spi = Some(Negatable { value, not }).filter(|spi| not || spi.value != U32Range::ALL),
            get: |m| m.spi.map(|spi| (spi.value, spi.not)),
            sees: Some(sight::spi),
        }
    }
}

// `struct ipt_ah`
impl Extension for Ah {
    fn matches(&self, packet: &Packet<'_>, _: &mut Context<'_>) -> Outcome {
        match packet.transport::<12>(4) {
            Ok([a, b, c, d, ..]) => {
                let spi = u32::from_be_bytes([a, b, c, d]);
                self.spi.is_none_or(|wanted| wanted.value.contains(spi) != wanted.not).into()
            }
            Err(missing) => missing.outcome(),
        }
    }

    const REVISIONS: &'static [Revision<Self>] = &[Revision {
        number: 0,
        size: 12,
        families: Families::IPV4,
        encode: |m, w| {
            m.spi.map_or(U32Range::ALL, |spi| spi.value).encode(w);
            w.u8(m.spi.is_some_and(|spi| spi.not).into());
            w.zeros(3);
            Ok(())
        },
        decode: |r, _| {
            let value = U32Range::decode(r)?;
            let not = match r.u8("inverted")? {
                0 => false,
                1 => true,
                other => return Err(r.error("inverted", Problem::Value(other.into()))),
            };
            r.take(3, "padding")?;
            Ok(Some(Self { spi: (not || value != U32Range::ALL).then_some(Negatable { value, not }) }))
        },
    }];

    fn list(&self, out: &mut Lister<'_>) {
        out.add(" ah ");
        out.each(self, |out, _, not, text| out.label("spi", not, text));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Family;
    use crate::registry::testing::{decodes, layout, text_cases};

    #[test]
    fn saved_forms() {
        text_cases! { Ah, Ipv4:
            "-p 51" => "", "-p 51 --ahspi 0" => "--ahspi 0", "-p 51 --ahspi 0x10:020" => "--ahspi 16",
            "-p 51 --ahspi 4294967295" => "--ahspi 4294967295", "-p 51 --ahspi :" => "",
            "-p 51 ! --ahspi :" => "! --ahspi 0:4294967295", "-p 51 --ahspi 3:" => "--ahspi 3:4294967295",
            "-p 51 --ahspi :3" => "--ahspi 0:3", "-p 51 ! --ahspi 3:4" => "! --ahspi 3:4",
            "-p 51 --ahspi 4:3" => fails, "-p 51 --ahspi 4294967296" => fails, "-p 51 --ahspi 1:2:3" => fails,
            "-p 51 --ahspi invalid" => fails, "-p 51 --ahspi 0:invalid" => fails, "-p 51 --ahspi" => fails,
            "-p 51 --ahspi -1" => fails, "" => fails, "--ahspi 0" => fails, "! -p 51 --ahspi 0" => fails,
            "-p 6 --ahspi 0" => fails, "-p 51 --ahspi 1 --ahspi 2" => fails,
        }
    }

    #[test]
    fn layout_of_struct_ipt_ah() {
        let mut expected = [5_u32, 6].map(u32::to_ne_bytes).concat();
        expected.extend([1, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(layout::<Ah>(Family::Ipv4, 0, "-p 51 ! --ahspi 5:6"), Some(expected));
        assert!(decodes::<Ah>(Family::Ipv4, 0, &[0; 12]));
        assert!(!decodes::<Ah>(Family::Ipv4, 0, &[0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0]));
    }
}
