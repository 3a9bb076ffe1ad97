//! `-m rt`: tests the routing header of IPv6.
use crate::domain::{Ipv6Hops, U32Range};
use crate::extension;
use crate::model::{Families, Negatable};
use crate::packet::{HeaderError, Packet};
use crate::registry::{
    Context, Extension, Flag, Lister, Outcome, Revision, RuleScope, ValueError, bang, sight,
};
use nfnetlink::wire::Problem;
use std::net::Ipv6Addr;

/// The `rt` match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rt {
    /// The type of the header.
    pub kind: Option<Negatable<u32>>,
    /// How many of the addresses have not yet been visited.
    pub segments_left: Option<Negatable<U32Range>>,
    /// The length of the header in bytes.
    pub length: Option<Negatable<u32>>,
    /// Whether the reserved field of a header of type 0 must be 0.
    pub reserved: bool,
    /// Addresses in a header of type 0; empty if they do not matter.
    pub addresses: Ipv6Hops,
    /// Whether further addresses may stand between those.
    pub not_strict: bool,
}

const TYPE: u8 = 0x01;
const SEGMENTS: u8 = 0x02;
const LENGTH: u8 = 0x04;
const RESERVED: u8 = 0x08;
const ADDRESSES: u8 = 0x10;
const NOT_STRICT: u8 = 0x20;

extension! {
    /// Match IPv6 packets that have a routing header.
    ///
    /// It lists routers that the packet should visit. Type 0 is obsolete and should be dropped. Without parameters any
    /// routing header will do.
    match "rt" => Rt {
        families: Families::IPV6,
    } params {
        /// The header has this type, for instance 0 (obsolete), 2 (mobile IPv6) or 4 (segment routing).
        [!] "rt-type": u32 {
            set: |m, value, not| m.kind = Some(Negatable { value, not }),
            get: |m| m.kind.map(|kind| (kind.value, kind.not)),
        }
        /// So many of the listed routers are still to be visited, or a number in this range.
        ///
        /// `:9` means all up to 9, `5:` all from 5.
        [!] "rt-segsleft": U32Range {
            set: |m, value, not| m.segments_left = Some(Negatable { value, not }),
            get: |m| {
                let segments = m.segments_left.filter(|left| left.not || left.value != U32Range::ALL);
                segments.map(|left| (left.value, left.not))
            },
        }
        /// The header is this many bytes long.
        [!] "rt-len": u32 {
            set: |m, value, not| m.length = Some(Negatable { value, not }),
            get: |m| m.length.map(|length| (length.value, length.not)),
        }
        /// The reserved field is 0, as the standard asks; needs `--rt-type 0`.
        "rt-0-res": Flag {
            set: |m, _, _| m.reserved = true,
            get: |m| m.reserved.then_some((Flag, false)),
            needs: &["rt-type"],
        }
        /// The header lists these addresses, and no others, in this order; needs `--rt-type 0`.
        "rt-0-addrs": Ipv6Hops {
            set: |m, addresses, _| m.addresses = addresses,
            get: |m| (!m.addresses.is_empty()).then(|| (m.addresses.clone(), false)),
            needs: &["rt-type"],
        }
        /// The addresses may have others between and behind them.
        "rt-0-not-strict": Flag {
            set: |m, _, _| m.not_strict = true,
            get: |m| m.not_strict.then_some((Flag, false)),
            needs: &["rt-0-addrs"],
        }
    }
}

impl Rt {
    /// Whether the addresses, which begin at `start` and take up `length` bytes, are those that the rule wants.
    fn lists_addresses(&self, packet: &Packet<'_>, start: usize, length: usize) -> bool {
        let wanted = self.addresses.as_slice();
        let listed =
            (start..start + length / 16 * 16).step_by(16).filter_map(|at| packet.data.array::<16>(at));
        let mut listed = listed.map(Ipv6Addr::from);
        if wanted.is_empty() {
            true
        } else if self.not_strict {
            wanted.iter().all(|wanted| listed.any(|address| address == *wanted))
        } else {
            listed.eq(wanted.iter().copied())
        }
    }
}

// `struct ip6t_rt`
impl Extension for Rt {
    fn matches(&self, packet: &Packet<'_>, _: &mut Context<'_>) -> Outcome {
        const ROUTING: u8 = 43;
        let found = match packet.layout.find_header(&packet.data, ROUTING, false) {
            Ok(found) => found.offset,
            Err(HeaderError::Absent) => return Outcome::NoMatch,
            Err(HeaderError::Broken) => return Outcome::Drop,
        };
        let Some([_, units, kind, left]) = packet.data.array(found) else { return Outcome::Drop };
        let length = (usize::from(units) + 1) * 8;
        if packet.data.len() - found < length {
            return Outcome::Drop;
        }
        let fits = self.segments_left.is_none_or(|test| test.value.contains(left.into()) != test.not)
            && self.length.is_none_or(|test| (test.value as usize == length) != test.not)
            && self.kind.is_none_or(|test| (test.value == u32::from(kind)) != test.not);
        if !fits {
            return Outcome::NoMatch;
        }
        let reserved = !self.reserved || packet.data.be32(found + 4) == Some(0);
        (reserved && self.lists_addresses(packet, found + 8, length - 8)).into()
    }

    fn found(&self, packet: &Packet<'_>, _: &mut Context<'_>) -> Option<String> {
        sight::extension_header(packet, 43, "routing", |[_, units, kind, left, reserved @ ..]: [u8; 8]| {
            let (length, reserved) = ((usize::from(units) + 1) * 8, u32::from_be_bytes(reserved));
            format!(
                "the type is {kind}, {left} segments are left, the length is {length}, the reserved field {reserved}"
            )
        })
    }

    const REVISIONS: &'static [Revision<Self>] = &[Revision {
        number: 0,
        size: 280,
        families: Families::IPV6,
        encode: |m, w| {
            let given = [
                (m.kind.is_some(), TYPE),
                (m.segments_left.is_some(), SEGMENTS),
                (m.length.is_some(), LENGTH),
                (m.reserved, RESERVED),
                (!m.addresses.is_empty(), ADDRESSES),
                (m.not_strict, NOT_STRICT),
            ];
            let inverted = [
                (m.kind.is_some_and(|kind| kind.not), TYPE),
                (m.segments_left.is_some_and(|left| left.not), SEGMENTS),
                (m.length.is_some_and(|length| length.not), LENGTH),
            ];
            w.ne_u32(m.kind.map_or(0, |kind| kind.value));
            m.segments_left.map_or(U32Range::ALL, |left| left.value).encode(w);
            w.ne_u32(m.length.map_or(0, |length| length.value));
            w.bytes(&[bits(&given), bits(&inverted), 0, 0]);
            m.addresses.encode(w);
            w.zeros(3);
            Ok(())
        },
        decode: |r, _| {
            let (kind, segments, length) = (r.ne_u32("type")?, U32Range::decode(r)?, r.ne_u32("length")?);
            let (flags, inverted) = (r.u8("flags")?, r.u8("inverted")?);
            if flags > 0x3f || inverted > (TYPE | SEGMENTS | LENGTH) {
                return Err(r.error("flags", Problem::Value(flags.into())));
            }
            r.take(2, "padding")?;
            let addresses = Ipv6Hops::decode(r)?;
            r.take(3, "padding")?;
            let has = |flag| flags & flag != 0;
            let not = |flag| inverted & flag != 0;
            Ok(Some(Self {
                kind: has(TYPE).then_some(Negatable { value: kind, not: not(TYPE) }),
                segments_left: has(SEGMENTS).then_some(Negatable { value: segments, not: not(SEGMENTS) }),
                length: has(LENGTH).then_some(Negatable { value: length, not: not(LENGTH) }),
                reserved: has(RESERVED),
                addresses,
                not_strict: has(NOT_STRICT),
            }))
        },
    }];

    fn check(&mut self, _: &RuleScope<'_>) -> Result<(), ValueError> {
        let type_0 = self.kind == Some(Negatable { value: 0, not: false });
        let needs_type_0 = self.reserved || !self.addresses.is_empty();
        match needs_type_0 && !type_0 {
            true => Err(ValueError::Because("the parameters of a header of type 0 need `--rt-type 0`")),
            false => Ok(()),
        }
    }

    fn list(&self, out: &mut Lister<'_>) {
        out.add(" rt");
        out.each(self, |out, name, not, text| match name {
            // iptables shows the number with a sign.
            "rt-type" => {
                let kind = self.kind.map_or(0, |kind| kind.value.cast_signed());
                out.add(format_args!(" type:{}{kind}", bang(not)));
            }
            "rt-segsleft" => out.labelled("segsleft", not, text),
            "rt-len" => out.labelled("length", not, text),
            "rt-0-res" => out.add(" reserved"),
            "rt-0-addrs" => out.add(format_args!(" 0-addrs {text}")),
            _ => out.add(" 0-not-strict"),
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
    use crate::packet::Meta;
    use crate::registry::testing::{Nowhere, Trial, ipv6};
    use crate::registry::testing::{decodes, layout, text_cases};
    use proptest::prelude::*;

    #[test]
    fn saved_forms() {
        text_cases! { Rt, Ipv6:
            "" => same, "--rt-type 0" => same, "! --rt-type 1 ! --rt-segsleft 12:23 ! --rt-len 42" => same,
            "--rt-type 0 ! --rt-segsleft 1:23 ! --rt-len 42 --rt-0-res" => same, "--rt-segsleft :" => "",
            "! --rt-segsleft :" => "! --rt-segsleft 0:4294967295", "--rt-segsleft 3:3" => "--rt-segsleft 3",
            "--rt-0-res --rt-0-addrs ::1,2001:DB8::0:1 --rt-len 0 --rt-segsleft 0 --rt-type 0" =>
                "--rt-type 0 --rt-segsleft 0 --rt-len 0 --rt-0-res --rt-0-addrs ::1,2001:db8::1",
            "--rt-type 0 --rt-0-addrs ::ffff:1.2.3.4 --rt-0-not-strict" => same, "--rt-type 4294967295" => same,
            "--rt-type 0 --rt-0-addrs ::1,::2,::3,::4,::5,::6,::7,::8,::9,::a,::b,::c,::d,::e,::f,::10" => same,
            "--rt-type 0 --rt-0-addrs ::1,::2,::3,::4,::5,::6,::7,::8,::9,::a,::b,::c,::d,::e,::f,::10,::11" => fails,
            "--rt-type 2 --rt-0-res" => fails, "! --rt-type 0 --rt-0-res" => fails, "--rt-0-res" => fails,
            "--rt-type 2 --rt-0-addrs ::1" => fails, "--rt-type 0 --rt-0-not-strict" => fails, "--rt-0-not-strict" => fails,
            "--rt-type 0 --rt-0-addrs ::1," => fails, "--rt-type 0 --rt-0-addrs 1.2.3.4" => fails, "--rt-segsleft 4:3" => fails,
            "! --rt-0-res --rt-type 0" => fails, "--rt-len 4294967296" => fails,
        }
    }

    #[test]
    fn layout_of_struct_ip6t_rt() {
        let text = "--rt-type 0 ! --rt-segsleft 5:6 --rt-len 40 --rt-0-addrs ::1,::2 --rt-0-not-strict";
        let mut expected = [0_u32, 5, 6, 40].map(u32::to_ne_bytes).concat();
        expected.extend([0x37, 2, 0, 0]);
        expected.resize(35, 0);
        expected.push(1);
        expected.resize(51, 0);
        expected.push(2);
        expected.resize(276, 0);
        expected.extend([2, 0, 0, 0]);
        assert_eq!(layout::<Rt>(Family::Ipv6, 0, text), Some(expected));
    }

    proptest! {
        #[test]
        fn what_decodes_encodes_back(numbers: [u32; 3], flags in 7_u8..48, inverted in 0_u8..8, hops: [u128; 3]) {
            let flags = flags | TYPE | SEGMENTS | LENGTH | ADDRESSES;
            let [kind, one, other] = numbers;
            let mut info = [kind, one.min(other), one.max(other), kind].map(u32::to_ne_bytes).concat();
            info.extend([flags, inverted, 0, 0]);
            hops.iter().for_each(|hop| info.extend(hop.to_be_bytes()));
            info.resize(276, 0);
            info.extend([3, 0, 0, 0]);
            prop_assert!(decodes::<Rt>(Family::Ipv6, 0, &info));
            info[276] = 17;
            prop_assert!(!decodes::<Rt>(Family::Ipv6, 0, &info));
        }
    }

    #[test]
    fn packets() {
        let hops = [[0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7], [0xfd; 16]].concat();
        let packet = ipv6(43, &[&[59, 4, 0, 1, 0, 0, 0, 0], &hops[..]].concat());
        let judge = |text: &str, packet: &[u8]| {
            Trial::new::<Rt>(Family::Ipv6, text, Nowhere).matches(packet, &Meta::default())
        };
        for (text, holds) in [
            ("", true),
            ("--rt-type 0 --rt-segsleft 1:2 --rt-len 40", true),
            ("! --rt-segsleft 1", false),
            ("--rt-type 0 --rt-0-res", true),
            ("--rt-type 0 --rt-0-addrs fd00::7", false),
            ("--rt-type 0 --rt-0-addrs fd00::7 --rt-0-not-strict", true),
            ("--rt-type 0 --rt-0-addrs fd00::7,fdfd:fdfd:fdfd:fdfd:fdfd:fdfd:fdfd:fdfd", true),
        ] {
            assert_eq!(judge(text, &packet), holds.into(), "{text}");
        }
        // A header that is longer than the packet.
        assert_eq!(judge("", &ipv6(43, &[59, 1, 0, 1, 0, 0, 0, 0])), Outcome::Drop);
        assert_eq!(judge("", &ipv6(59, &[])), Outcome::NoMatch);
    }
}
