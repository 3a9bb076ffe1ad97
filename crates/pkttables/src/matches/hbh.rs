//! `-m hbh`: tests the hop-by-hop options header of IPv6.
use crate::domain::{Ipv6Options, Ipv6OptionsTest};
use crate::extension;
use crate::model::{Families, Negatable};
use crate::packet::{HeaderError, Packet};
use crate::registry::{Context, Extension, Lister, Outcome, Revision, bang, sight};

/// The `hbh` match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hbh {
    /// What is asked of the header.
    pub header: Ipv6OptionsTest,
}

extension! {
    /// Match IPv6 packets that have a hop-by-hop options header.
    ///
    /// Routers look at these options on every hop; router alerts and jumbo payloads are among them. Without
    /// parameters any such header will do.
    match "hbh" => Hbh {
        families: Families::IPV6,
    } params {
        /// The header is this many bytes long.
        [!] "hbh-len": u32 {
            set: |m, value, not| m.header.length = Some(Negatable { value, not }),
            get: |m| m.header.length.map(|length| (length.value, length.not)),
        }
        /// The header has these options, in this order and first.
        ///
        /// Each is given by its type, and may be followed by `:` and the length of its data in bytes; 255 stands for any.
        "hbh-opts": Ipv6Options {
            set: |m, options, _| m.header.options = options,
            get: |m| (!m.header.options.is_empty()).then_some((m.header.options, false)),
        }
    }
}

// `struct ip6t_opts`
impl Extension for Hbh {
    fn matches(&self, packet: &Packet<'_>, _: &mut Context<'_>) -> Outcome {
        let header = match packet.layout.find_header(&packet.data, 0, false) {
            Ok(found) => found.offset,
            Err(HeaderError::Absent) => return Outcome::NoMatch,
            Err(HeaderError::Broken) => return Outcome::Drop,
        };
        self.header.test(packet, header)
    }

    fn found(&self, packet: &Packet<'_>, _: &mut Context<'_>) -> Option<String> {
        sight::extension_header(packet, 0, "hop-by-hop options", |[_, units, first, ..]: [u8; 8]| {
            format!(
                "the hop-by-hop options have {} bytes, the first is of type {first}",
                (usize::from(units) + 1) * 8
            )
        })
    }

    const REVISIONS: &'static [Revision<Self>] = &[Revision {
        number: 0,
        size: Ipv6OptionsTest::SIZE,
        families: Families::IPV6,
        encode: |m, w| {
            m.header.encode(w);
            Ok(())
        },
        decode: |r, _| Ok(Some(Self { header: Ipv6OptionsTest::decode(r)? })),
    }];

    fn list(&self, out: &mut Lister<'_>) {
        out.add(" hbh");
        out.each(self, |out, name, not, text| match name {
            "hbh-len" => out.add(format_args!(" length:{}{text}", bang(not))),
            _ => out.add(format_args!(" opts {text}")),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Family;
    use crate::registry::testing::text_cases;
    use crate::registry::testing::{decodes, layout};
    use proptest::prelude::*;

    #[test]
    fn saved_forms() {
        text_cases! { Hbh, Ipv6:
            "" => same, "--hbh-len 0" => same, "! --hbh-len 42" => same, "--hbh-opts 0" => same,
            "--hbh-opts 1:255" => "--hbh-opts 1", "--hbh-opts 0x10:0x20" => "--hbh-opts 16:32",
            "--hbh-opts 1:2,23:42,4:6,8:10,42,23,4:5 --hbh-len 0x2a" =>
                "--hbh-len 42 --hbh-opts 1:2,23:42,4:6,8:10,42,23,4:5",
            "--hbh-opts 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16" => same,
            "--hbh-opts 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17" => fails,
            "--hbh-opts 0:1" => fails, "--hbh-opts 0:255" => fails, "--hbh-opts 256" => fails, "--hbh-opts 1:256" => fails,
            "--hbh-opts 1:" => fails, "--hbh-opts :1" => fails, "--hbh-opts 1," => fails, "--hbh-opts 1:2:3" => fails,
            "--hbh-opts -1" => fails, "! --hbh-opts 1" => fails, "--hbh-len 4294967296" => fails,
            "--hbh-len 1 --hbh-len 1" => fails,
        }
    }

    #[test]
    fn layout_of_struct_ip6t_opts() {
        let mut expected = 8_u32.to_ne_bytes().to_vec();
        expected.extend([3, 1]);
        expected.extend([0x0502_u16, 0x01ff].map(u16::to_ne_bytes).concat());
        expected.resize(38, 0);
        expected.extend([2, 0]);
        assert_eq!(layout::<Hbh>(Family::Ipv6, 0, "! --hbh-len 8 --hbh-opts 5:2,1"), Some(expected));
    }

    proptest! {
        #[test]
        fn what_decodes_encodes_back(
            length: u32, options in proptest::collection::vec(any::<u16>(), 0..18), has_length: bool, not: bool
        ) {
            let flags = u8::from(has_length) | u8::from(!options.is_empty()) << 1;
            let mut info = if has_length { length.to_ne_bytes() } else { [0; 4] }.to_vec();
            info.extend([flags, u8::from(has_length && not)]);
            options.iter().for_each(|option| info.extend(option.to_ne_bytes()));
            info.resize(38, 0);
            info.extend([u8::try_from(options.len()).unwrap(), 0]);
            prop_assert_eq!(decodes::<Hbh>(Family::Ipv6, 0, &info[..40]), options.len() <= 16);
        }
    }
}
