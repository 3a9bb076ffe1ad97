//! `-m frag`: tests the fragment header of IPv6.
use crate::domain::U32Range;
use crate::extension;
use crate::model::{Families, Negatable};
use crate::packet::{HeaderError, Packet};
use crate::registry::{Context, Extension, Flag, Lister, Outcome, Revision, sight};
use nfnetlink::wire::Problem;

/// The `frag` match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frag {
    /// The identification of the fragmented packet.
    pub id: Option<Negatable<U32Range>>,
    /// The length of the header in bytes.
    pub length: Option<Negatable<u32>>,
    /// Whether the reserved fields must be 0.
    pub reserved: bool,
    /// Whether it must be the first fragment.
    pub first: bool,
    /// Whether there must be more fragments.
    pub more: bool,
    /// Whether it must be the last fragment.
    pub last: bool,
}

const ID: u8 = 0x01;
const LENGTH: u8 = 0x02;
const RESERVED: u8 = 0x04;
const FIRST: u8 = 0x08;
const MORE: u8 = 0x10;
const LAST: u8 = 0x20;

extension! {
    /// Match IPv6 packets that are fragments, those with a fragment header.
    ///
    /// Where connections are tracked packets are put together before the tables see them, and this never matches.
    match "frag" => Frag {
        families: Families::IPV6,
    } params {
        /// The identification, the same in all fragments of a packet, is this number or in this range.
        ///
        /// `:9` means all up to 9, `5:` all from 5.
        [!] "fragid": U32Range {
            set: |m, value, not| m.id = Some(Negatable { value, not }),
            get: |m| m.id.filter(|id| id.not || id.value != U32Range::ALL).map(|id| (id.value, id.not)),
        }
        /// The header is this many bytes long.
        ///
        /// Linux takes the parameter and does not look at it: the header always has 8 bytes.
        [!] "fraglen": u32 {
            set: |m, value, not| m.length = Some(Negatable { value, not }),
            get: |m| m.length.map(|length| (length.value, length.not)),
        }
        /// The header's reserved fields are 0, as the standard asks.
        "fragres": Flag {
            set: |m, _, _| m.reserved = true,
            get: |m| m.reserved.then_some((Flag, false)),
        }
        /// It is the first fragment of its packet.
        "fragfirst": Flag {
            set: |m, _, _| m.first = true,
            get: |m| m.first.then_some((Flag, false)),
        }
        /// Further fragments of the packet follow.
        "fragmore": Flag {
            set: |m, _, _| m.more = true,
            get: |m| m.more.then_some((Flag, false)),
            excludes: &["fraglast"],
        }
        /// It is the last fragment of its packet.
        "fraglast": Flag {
            set: |m, _, _| m.last = true,
            get: |m| m.last.then_some((Flag, false)),
            excludes: &["fragmore"],
        }
    }
}

// `struct ip6t_frag`
impl Extension for Frag {
    fn matches(&self, packet: &Packet<'_>, _: &mut Context<'_>) -> Outcome {
        let header = match packet.layout.find_header(&packet.data, 44, false) {
            Ok(found) => found.offset,
            Err(HeaderError::Absent) => return Outcome::NoMatch,
            Err(HeaderError::Broken) => return Outcome::Drop,
        };
        let Some([_, reserved, high, low, id @ ..]) = packet.data.array::<8>(header) else {
            return Outcome::Drop;
        };
        let (offset, id) = (u16::from_be_bytes([high, low]), u32::from_be_bytes(id));
        let more = offset & 1 != 0;
        let holds = self.id.is_none_or(|wanted| wanted.value.contains(id) != wanted.not)
            && !(self.reserved && (reserved != 0 || offset & 6 != 0))
            && !(self.first && offset >> 3 != 0)
            && (!self.more || more)
            && !(self.last && more);
        holds.into()
    }

    fn found(&self, packet: &Packet<'_>, _: &mut Context<'_>) -> Option<String> {
        sight::extension_header(packet, 44, "fragment", |[_, reserved, high, low, id @ ..]: [u8; 8]| {
            let (offset, id) = (u16::from_be_bytes([high, low]), u32::from_be_bytes(id));
            let more = if offset & 1 != 0 { "more follow" } else { "it is the last" };
            let reserved = u16::from(reserved) | offset & 6;
            format!("the ID is {id}, the offset {}, {more}, the reserved fields are {reserved}", offset & !7)
        })
    }

    const REVISIONS: &'static [Revision<Self>] = &[Revision {
        number: 0,
        size: 16,
        families: Families::IPV6,
        encode: |m, w| {
            let given = [
                (m.id.is_some(), ID),
                (m.length.is_some(), LENGTH),
                (m.reserved, RESERVED),
                (m.first, FIRST),
                (m.more, MORE),
                (m.last, LAST),
            ];
            let inverted =
                [(m.id.is_some_and(|id| id.not), ID), (m.length.is_some_and(|length| length.not), LENGTH)];
            m.id.map_or(U32Range::ALL, |id| id.value).encode(w);
            w.ne_u32(m.length.map_or(0, |length| length.value));
            w.bytes(&[bits(&given), bits(&inverted), 0, 0]);
            Ok(())
        },
        decode: |r, _| {
            let (id, length) = (U32Range::decode(r)?, r.ne_u32("length")?);
            let (flags, inverted) = (r.u8("flags")?, r.u8("inverted")?);
            if inverted > (ID | LENGTH) {
                return Err(r.error("inverted", Problem::Value(inverted.into())));
            }
            r.take(2, "padding")?;
            let has = |flag| flags & flag != 0;
            let not = |flag| inverted & flag != 0;
            Ok(Some(Self {
                id: has(ID).then_some(Negatable { value: id, not: not(ID) }),
                length: has(LENGTH).then_some(Negatable { value: length, not: not(LENGTH) }),
                reserved: has(RESERVED),
                first: has(FIRST),
                more: has(MORE),
                last: has(LAST),
            }))
        },
    }];

    fn list(&self, out: &mut Lister<'_>) {
        out.add(" frag ");
        out.each(self, |out, name, not, text| match name {
            "fragid" => out.label("id", not, text),
            "fraglen" => out.labelled("length", not, text),
            "fragres" => out.add(" reserved"),
            name => out.add(format_args!(" {}", name.trim_start_matches("frag"))),
        });
    }
}

fn bits(flags: &[(bool, u8)]) -> u8 {
    flags.iter().filter(|(set, _)| *set).fold(0, |bits, (_, bit)| bits | bit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Family;
    use crate::registry::testing::{decodes, layout, text_cases};
    use proptest::prelude::*;

    #[test]
    fn saved_forms() {
        text_cases! { Frag, Ipv6:
            "" => same, "--fragid :" => "", "! --fragid :" => "! --fragid 0:4294967295", "--fragid 0" => same,
            "--fragid 42:" => "--fragid 42:4294967295", "--fragid :42" => "--fragid 0:42", "--fragid 3:3" => "--fragid 3",
            "--fraglen 0" => same, "! --fraglen 42" => same, "--fragfirst" => same, "--fragmore" => same, "--fraglast" => same,
            "--fragmore --fragfirst --fragres --fraglen 42 ! --fragid 1" =>
                "! --fragid 1 --fraglen 42 --fragres --fragfirst --fragmore",
            "--fragid 4:3" => fails, "--fragmore --fraglast" => fails, "--fragfirst --fragfirst" => fails,
            "! --fragfirst" => fails, "! --fragres" => fails, "--fragid x" => fails, "--fraglen 1:2" => fails,
        }
    }

    #[test]
    fn layout_of_struct_ip6t_frag() {
        let mut expected = [5_u32, 6, 8].map(u32::to_ne_bytes).concat();
        expected.extend([0x1f, 3, 0, 0]);
        let text = "! --fragid 5:6 ! --fraglen 8 --fragres --fragfirst --fragmore";
        assert_eq!(layout::<Frag>(Family::Ipv6, 0, text), Some(expected));
    }

    proptest! {
        #[test]
        fn what_decodes_encodes_back(one: u32, other: u32, length: u32, flags in 3_u8..64, inverted in 0_u8..4) {
            let mut info = [one.min(other), one.max(other), length].map(u32::to_ne_bytes).concat();
            info.extend([flags | ID | LENGTH, inverted, 0, 0]);
            prop_assert!(decodes::<Frag>(Family::Ipv6, 0, &info));
        }
    }
}
