//! `-m dst`: tests the destination options header of IPv6.
use crate::domain::{Ipv6Options, Ipv6OptionsTest};
use crate::extension;
use crate::model::{Families, Negatable};
use crate::packet::{HeaderError, Packet};
use crate::registry::{Context, Extension, Lister, Outcome, Revision, bang, sight};

/// The `dst` match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dst {
    /// What is asked of the header.
    pub header: Ipv6OptionsTest,
}

extension! {
    /// Match IPv6 packets that have a destination options header.
    ///
    /// Only the destination looks at these options; mobile IPv6 uses them. Without
    /// parameters any such header will do.
    match "dst" => Dst {
        families: Families::IPV6,
    } params {
        /// The header is this many bytes long.
        [!] "dst-len": u32 {
            set: |m, value, not| m.header.length = Some(Negatable { value, not }),
            get: |m| m.header.length.map(|length| (length.value, length.not)),
        }
        /// The header has these options, in this order and first.
        ///
        /// Each is given by its type, and may be followed by `:` and the length of its data in bytes; 255 stands for any.
        "dst-opts": Ipv6Options {
            set: |m, options, _| m.header.options = options,
            get: |m| (!m.header.options.is_empty()).then_some((m.header.options, false)),
        }
    }
}

// `struct ip6t_opts`
impl Extension for Dst {
    fn matches(&self, packet: &Packet<'_>, _: &mut Context<'_>) -> Outcome {
        let header = match packet.layout.find_header(&packet.data, 60, false) {
            Ok(found) => found.offset,
            Err(HeaderError::Absent) => return Outcome::NoMatch,
            Err(HeaderError::Broken) => return Outcome::Drop,
        };
        self.header.test(packet, header)
    }

    fn found(&self, packet: &Packet<'_>, _: &mut Context<'_>) -> Option<String> {
        sight::extension_header(packet, 60, "destination options", |[_, units, first, ..]: [u8; 8]| {
            format!(
                "the destination options have {} bytes, the first is of type {first}",
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
        out.add(" dst");
        out.each(self, |out, name, not, text| match name {
            "dst-len" => out.add(format_args!(" length:{}{text}", bang(not))),
            _ => out.add(format_args!(" opts {text}")),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::testing::text_cases;

    #[test]
    fn saved_forms() {
        text_cases! { Dst, Ipv6:
            "" => same, "! --dst-len 42" => same, "--dst-opts 149:92,12:12,123" => same,
            "--dst-opts 1 --dst-len 0" => "--dst-len 0 --dst-opts 1",
            "! --dst-opts 1" => fails, "--dst-opts 1,,2" => fails, "--dst-opts nop" => fails,
        }
    }
}
