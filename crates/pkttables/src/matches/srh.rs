//! `-m srh`: tests the segment routing header of IPv6.
use crate::domain::{AddressText, parse_address, parse_mask};
use crate::extension;
use crate::model::{Families, Family, Negatable};
use crate::packet::Packet;
use crate::registry::{
    Context, Domain, Extension, InfoWriter, Lister, Outcome, Revision, Scope, Value, ValueError, bang, sight,
};
use nfnetlink::wire::{DecodeError, EncodeError, Problem, Reader};
use std::fmt::Write as _;
use std::net::{IpAddr, Ipv6Addr};

/// The `srh` match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Srh {
    /// The protocol number of what follows.
    pub next_header: Option<Negatable<u8>>,
    /// The length of the header in units of 8 bytes, the first not counted.
    pub length: FieldTest,
    /// How many segments are still to be visited.
    pub segments_left: FieldTest,
    /// The place of the last segment in the list.
    pub last_entry: FieldTest,
    /// The tag of a group of packets.
    pub tag: Option<Negatable<u16>>,
    /// The segment visited before this one.
    pub previous: Option<Negatable<Segment>>,
    /// The segment visited next.
    pub next: Option<Negatable<Segment>>,
    /// The segment visited last.
    pub last: Option<Negatable<Segment>>,
}

/// Comparisons of one field with one number; they are negated by `Some(true)`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct FieldTest {
    /// The number.
    pub number: u8,
    /// The field is equal to it.
    pub equal: Option<bool>,
    /// The field is greater.
    pub greater: Option<bool>,
    /// The field is less.
    pub less: Option<bool>,
}

/// An address of a segment, and the bits of it that count; the others are kept and printed too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Segment {
    /// The address.
    pub address: Ipv6Addr,
    /// The bits that count.
    pub mask: Ipv6Addr,
}

macro_rules! srh {
    ($(
        $(#[doc = $doc:literal])+
        $name:literal: $type:ty { $($what:tt)+ }
    )*) => {
        extension! {
            /// Match IPv6 packets with a segment routing header (RFC 8754).
            ///
            /// Such a header lists segments, addresses that the packet visits one after the other. Without parameters
            /// any such header will do. All comparisons of one field are with one number.
            match "srh" => Srh { families: Families::IPV6, } params {
                $($(#[doc = $doc])+ [!] $name: $type {
                    set: |m, value, not| srh!(@set m, value, not, $($what)+),
                    get: |m| srh!(@get m, $($what)+),
                })*
            }
        }
    };
    (@set $m:ident, $value:ident, $not:ident, $field:ident.$test:ident) => {
        $m.$field.set($value, |field| field.$test = Some($not))
    };
    (@set $m:ident, $value:ident, $not:ident, $field:ident) => {
        $m.$field = Some(Negatable { value: $value, not: $not })
    };
    (@get $m:ident, $field:ident.$test:ident) => { $m.$field.$test.map(|not| ($m.$field.number, not)) };
    (@get $m:ident, $field:ident) => { $m.$field.map(|given| (given.value, given.not)) };
}

srh! {
    /// What follows the header has this protocol number, for instance 41 for IPv6.
    "srh-next-hdr": u8 { next_header }
    /// The header is this long, in units of 8 bytes without the first.
    "srh-hdr-len-eq": u8 { length.equal }
    /// The header is longer than this, in units of 8 bytes without the first.
    "srh-hdr-len-gt": u8 { length.greater }
    /// The header is shorter than this, in units of 8 bytes without the first.
    "srh-hdr-len-lt": u8 { length.less }
    /// So many segments are still to be visited.
    "srh-segs-left-eq": u8 { segments_left.equal }
    /// More segments than this are still to be visited.
    "srh-segs-left-gt": u8 { segments_left.greater }
    /// Fewer segments than this are still to be visited.
    "srh-segs-left-lt": u8 { segments_left.less }
    /// The last segment in the list has this place, counted from 0.
    "srh-last-entry-eq": u8 { last_entry.equal }
    /// The last segment in the list has a greater place than this, counted from 0.
    "srh-last-entry-gt": u8 { last_entry.greater }
    /// The last segment in the list has a smaller place than this, counted from 0.
    "srh-last-entry-lt": u8 { last_entry.less }
    /// The header has this tag, a number that the sender gives to packets that belong together.
    "srh-tag": u16 { tag }
    /// The segment that was visited before has this address, or one in this prefix.
    "srh-psid": Segment { previous }
    /// The segment that is visited next has this address, or one in this prefix.
    "srh-nsid": Segment { next }
    /// The segment that is visited last has this address, or one in this prefix.
    "srh-lsid": Segment { last }
}

/// The bits of the three segments, which revision 0 does not have.
const SEGMENTS: u16 = 0x3800;

impl Srh {
    /// Whether all conditions hold; `None` if there is no such header or it is cut off.
    fn holds(&self, packet: &Packet<'_>) -> Option<bool> {
        const ROUTING: u8 = 43;
        const SEGMENT_ROUTING: u8 = 4;
        let start = packet.layout.find_header(&packet.data, ROUTING, false).ok()?.offset;
        let [next, units, kind, left, last, _, tag @ ..] = packet.data.array::<8>(start)?;
        let length = (usize::from(units) + 1) * 8;
        if packet.data.len() - start < length || kind != SEGMENT_ROUTING || left > last {
            return None;
        }
        let segment =
            |number: u8| packet.data.array::<16>(start + 8 + 16 * usize::from(number)).map(Ipv6Addr::from);
        let fits = |test: Option<Negatable<Segment>>, address: Option<Ipv6Addr>| {
            let Some(Negatable { value, not }) = test else { return Some(true) };
            let address = address?;
            Some((address & value.mask == value.address & value.mask) != not)
        };
        let fields = self.next_header.is_none_or(|test| (test.value == next) != test.not)
            && self.length.holds(units)
            && self.segments_left.holds(left)
            && self.last_entry.holds(last)
            && self.tag.is_none_or(|test| (test.value == u16::from_ne_bytes(tag)) != test.not);
        // Segments are listed backwards, so the one before this one stands behind it.
        Some(
            fields
                && fits(self.previous, left.checked_add(1).filter(|_| left != last).and_then(segment))?
                && fits(self.next, left.checked_sub(1).and_then(segment))?
                && fits(self.last, segment(0))?,
        )
    }
}

impl FieldTest {
    /// Whether a field with this number passes.
    fn holds(self, field: u8) -> bool {
        self.equal.is_none_or(|not| (field == self.number) != not)
            && self.greater.is_none_or(|not| (field > self.number) != not)
            && self.less.is_none_or(|not| (field < self.number) != not)
    }
}

// `struct ip6t_srh1`, `struct ip6t_srh`
impl Extension for Srh {
    fn matches(&self, packet: &Packet<'_>, _: &mut Context<'_>) -> Outcome {
        self.holds(packet).unwrap_or(false).into()
    }

    fn found(&self, packet: &Packet<'_>, _: &mut Context<'_>) -> Option<String> {
        sight::extension_header(
            packet,
            43,
            "routing",
            |[next, units, kind, left, last, _, tag @ ..]: [u8; 8]| {
                let tag = u16::from_be_bytes(tag);
                format!(
                    "the type is {kind}, the next header {next}, the length {units}, {left} segments are left, the last is {last}, the tag {tag}"
                )
            },
        )
    }

    const REVISIONS: &'static [Revision<Self>] = &[
        Revision {
            number: 1,
            size: 108,
            families: Families::IPV6,
            encode: |m, w| {
                m.write_fields(w);
                w.zeros(2);
                let segments = [m.previous, m.next, m.last].map(|segment| segment.map(|given| given.value));
                for segment in segments {
                    w.bytes(&segment.map_or(Ipv6Addr::UNSPECIFIED, |segment| segment.address).octets());
                }
                for segment in segments {
                    w.bytes(&segment.map_or(Ipv6Addr::UNSPECIFIED, |segment| segment.mask).octets());
                }
                m.write_flags(w);
                Ok(())
            },
            decode: |r, _| {
                let mut fields = r.sub(6, "fields")?;
                r.take(2, "padding")?;
                let mut addresses = [Ipv6Addr::UNSPECIFIED; 6];
                for address in &mut addresses {
                    *address = Ipv6Addr::from(r.array::<16>("segments")?);
                }
                let flags = Flags::decode(r, u16::MAX)?;
                let mut srh = Self::read(&mut fields, flags)?;
                let [previous, next, last, previous_mask, next_mask, last_mask] = addresses;
                let segment = |bit, address, mask| flags.given(bit, Segment { address, mask });
                srh.previous = segment(11, previous, previous_mask);
                srh.next = segment(12, next, next_mask);
                srh.last = segment(13, last, last_mask);
                Ok(Some(srh))
            },
        },
        Revision {
            number: 0,
            size: 10,
            families: Families::IPV6,
            encode: |m, w| {
                if m.previous.or(m.next).or(m.last).is_some() {
                    return Err(EncodeError::NotRepresentable("a segment"));
                }
                m.write_fields(w);
                m.write_flags(w);
                Ok(())
            },
            decode: |r, _| {
                let mut fields = r.sub(6, "fields")?;
                let flags = Flags::decode(r, !SEGMENTS)?;
                Self::read(&mut fields, flags).map(Some)
            },
        },
    ];

    fn list(&self, out: &mut Lister<'_>) {
        out.add(" srh");
        out.each(self, |out, name, not, text| {
            let label = name.trim_start_matches("srh-");
            match label.ends_with("sid") {
                true => out.add(format_args!(" {label} {} {text}", bang(not))),
                false => out.add(format_args!(" {label}:{}{text}", bang(not))),
            }
        });
    }
}

impl Srh {
    fn write_fields(&self, w: &mut InfoWriter<'_>) {
        w.u8(self.next_header.map_or(0, |next| next.value));
        w.bytes(&[self.length.number, self.segments_left.number, self.last_entry.number]);
        w.ne_u16(self.tag.map_or(0, |tag| tag.value));
    }

    fn write_flags(&self, w: &mut InfoWriter<'_>) {
        let tests = |field: FieldTest| [field.equal, field.greater, field.less];
        let segment = |segment: Option<Negatable<Segment>>| segment.map(|given| given.not);
        let parts = std::iter::once(self.next_header.map(|next| next.not))
            .chain([self.length, self.segments_left, self.last_entry].into_iter().flat_map(tests))
            .chain(std::iter::once(self.tag.map(|tag| tag.not)))
            .chain([self.previous, self.next, self.last].map(segment));
        let (mut flags, mut inverted) = (0, 0);
        for (not, bit) in parts.zip(0..) {
            flags |= u16::from(not.is_some()) << bit;
            inverted |= u16::from(not == Some(true)) << bit;
        }
        w.ne_u16(flags);
        w.ne_u16(inverted);
    }

    fn read(fields: &mut Reader<'_>, flags: Flags) -> Result<Self, DecodeError> {
        let next_header = flags.given(0, fields.u8("next header")?);
        let mut field = |what, bit| {
            let number = fields.u8(what)?;
            let [equal, greater, less] = [bit, bit + 1, bit + 2].map(|bit| flags.not(bit));
            Ok(FieldTest { number, equal, greater, less })
        };
        let length = field("length", 1)?;
        let segments_left = field("segments left", 4)?;
        let last_entry = field("last entry", 7)?;
        let tag = flags.given(10, fields.ne_u16("tag")?);
        Ok(Self { next_header, length, segments_left, last_entry, tag, ..Self::default() })
    }
}

impl FieldTest {
    /// A field is compared with one number only, the last one.
    fn set(&mut self, number: u8, set: impl FnOnce(&mut Self)) {
        self.number = number;
        set(self);
    }
}

/// Which tests are made, and which of them are negated.
#[derive(Clone, Copy)]
struct Flags {
    given: u16,
    inverted: u16,
}

impl Flags {
    fn decode(r: &mut Reader<'_>, known: u16) -> Result<Self, DecodeError> {
        let (given, inverted) = (r.ne_u16("flags")?, r.ne_u16("inverted")?);
        match (given | inverted) & !(known & 0x3fff) {
            0 => Ok(Self { given, inverted }),
            other => Err(r.error("flags", Problem::Value(other.into()))),
        }
    }

    const fn not(self, bit: u8) -> Option<bool> {
        if self.given & (1 << bit) != 0 { Some(self.inverted & (1 << bit) != 0) } else { None }
    }

    fn given<T>(self, bit: u8, value: T) -> Option<Negatable<T>> {
        self.not(bit).map(|not| Negatable { value, not })
    }
}

impl Value for Segment {
    const DOMAIN: Domain = Domain::Prefix;

    fn parse(text: &str, _: &Scope) -> Result<Self, ValueError> {
        let (address, mask) = text.split_once('/').unwrap_or((text, "128"));
        match (parse_address(address, Family::Ipv6)?, parse_mask(mask, Family::Ipv6)?) {
            (IpAddr::V6(address), IpAddr::V6(mask)) => Ok(Self { address, mask }),
            _ => Err(ValueError::Form),
        }
    }

    fn write(&self, out: &mut String, _: &Scope) {
        let mask = self.mask.to_bits();
        let _ = match mask.leading_ones() == mask.count_ones() {
            true => write!(out, "{}/{}", AddressText::from(self.address), mask.count_ones()),
            false => write!(out, "{}/{}", AddressText::from(self.address), AddressText::from(self.mask)),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::Meta;
    use crate::registry::testing::{Nowhere, Trial, ipv6};
    use crate::registry::testing::{decodes, layout, text_cases};
    use proptest::prelude::*;

    #[test]
    fn saved_forms() {
        text_cases! { Srh, Ipv6:
            "--srh-hdr-len-eq 8 --srh-hdr-len-gt 5" => "--srh-hdr-len-eq 5 --srh-hdr-len-gt 5",
            "" => same, "--srh-next-hdr 17" => same, "! --srh-next-hdr 0x11" => "! --srh-next-hdr 17",
            "--srh-hdr-len-eq 8" => same, "! --srh-hdr-len-gt 8" => same, "--srh-hdr-len-lt 8" => same,
            "--srh-segs-left-eq 1" => same, "--srh-segs-left-gt 1" => same, "! --srh-segs-left-lt 1" => same,
            "! --srh-last-entry-eq 4" => same, "--srh-last-entry-gt 4" => same, "--srh-last-entry-lt 4" => same,
            "--srh-tag 0" => same, "! --srh-tag 65535" => same,
            "--srh-tag 0 --srh-last-entry-eq 4 --srh-segs-left-eq 1 --srh-next-hdr 17" =>
                "--srh-next-hdr 17 --srh-segs-left-eq 1 --srh-last-entry-eq 4 --srh-tag 0",
            "--srh-hdr-len-eq 4 ! --srh-hdr-len-gt 4" => same,
            "--srh-psid a::/64" => same, "--srh-nsid ::1" => "--srh-nsid ::1/128", "! --srh-lsid ::/0" => same,
            "! --srh-psid a::b/64" => same, "--srh-psid a::1/ffff::" => "--srh-psid a::1/16",
            "--srh-psid a::1/ffff:0:ff::" => same,
            "--srh-lsid ::1 --srh-nsid ::2 --srh-psid ::3" => "--srh-psid ::3/128 --srh-nsid ::2/128 --srh-lsid ::1/128",
            "--srh-next-hdr 256" => fails, "--srh-next-hdr tcp" => fails, "--srh-tag 65536" => fails,
            "--srh-psid 1.2.3.4" => fails, "--srh-psid ::/129" => fails, "--srh-tag 1 --srh-tag 1" => fails,
        }
    }

    #[test]
    fn layouts() {
        let text = "--srh-next-hdr 17 ! --srh-hdr-len-gt 8 --srh-segs-left-lt 7 --srh-last-entry-eq 6 ! --srh-tag 258";
        let mut expected = vec![17, 8, 7, 6];
        expected.extend([258_u16, 0x04c5, 0x0404].map(u16::to_ne_bytes).concat());
        expected.resize(16, 0);
        assert_eq!(layout::<Srh>(Family::Ipv6, 0, text), Some(expected));

        let text = "--srh-psid 1::/16 ! --srh-lsid 2::3/128";
        assert_eq!(layout::<Srh>(Family::Ipv6, 0, text), None);
        let mut expected = vec![0; 8];
        for address in [0x1_u128 << 112, 0, 0x2 << 112 | 3, 0xffff << 112, 0, u128::MAX] {
            expected.extend(address.to_be_bytes());
        }
        expected.extend([0x2800_u16, 0x2000].map(u16::to_ne_bytes).concat());
        expected.resize(112, 0);
        assert_eq!(layout::<Srh>(Family::Ipv6, 1, text), Some(expected));
    }

    proptest! {
        #[test]
        fn what_decodes_encodes_back(fields: [u8; 6], segments: [u128; 6], inverted in 0_u16..0x4000) {
            let mut info = fields.to_vec();
            info.extend([0x07ff, inverted & 0x07ff].map(u16::to_ne_bytes).concat());
            prop_assert!(decodes::<Srh>(Family::Ipv6, 0, &info));
            info.truncate(6);
            info.extend([0, 0]);
            segments.iter().for_each(|segment| info.extend(segment.to_be_bytes()));
            info.extend([0x3fff, inverted].map(u16::to_ne_bytes).concat());
            prop_assert!(decodes::<Srh>(Family::Ipv6, 1, &info));
        }
    }

    #[test]
    fn packets() {
        let segments = [[0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7], [0xfd; 16]].concat();
        let packet = ipv6(43, &[&[59, 4, 4, 1, 1, 0, 1, 0], &segments[..]].concat());
        for (text, holds) in [
            ("", true),
            ("--srh-next-hdr 59 --srh-hdr-len-eq 4 --srh-segs-left-lt 2 ! --srh-last-entry-gt 1", true),
            ("--srh-tag 1", cfg!(target_endian = "little")),
            ("--srh-tag 256", cfg!(target_endian = "big")),
            ("--srh-nsid fd00::/64", true),
            ("! --srh-lsid fd00::7", false),
            // The first of all segments has none before it.
            ("! --srh-psid fd00::7", false),
        ] {
            let mut trial = Trial::new::<Srh>(Family::Ipv6, text, Nowhere);
            assert_eq!(trial.matches(&packet, &Meta::default()), holds.into(), "{text}");
        }
    }
}
