//! `-j HMARK`: sets the packet's mark to a hash of its addresses and ports.
mod hashed;

use crate::domain::parse_mask;
use crate::model::{AddressMask, Families, Family};
use crate::packet::Packet;
use crate::registry::{
    Action, Context, Domain, Edit, Extension, Lister, Revision, RuleScope, Scope, Value, ValueError,
};
use crate::{choices, extension, integer};
use bitflags::bitflags;
use hashed::Hashed;
use nfnetlink::wire::Problem;
use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The `HMARK` target.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hmark {
    /// Which of the values below are given.
    pub given: Given,
    /// The bits of the source address that count.
    pub src_mask: PrefixMask,
    /// The bits of the destination address that count.
    pub dst_mask: PrefixMask,
    /// The bits of the ports, source first, or of an SPI that count.
    pub port_mask: [u8; 4],
    /// Bits that are set in the ports, source first, or in an SPI before they are hashed.
    pub port_set: [u8; 4],
    /// The bits of the protocol that count.
    pub proto_mask: u16,
    /// What the hash begins with.
    pub rnd: u32,
    /// How many different marks there are.
    pub modulus: u32,
    /// The smallest mark.
    pub offset: u32,
}

bitflags! {
    /// Which values a rule gives to the `HMARK` target (`XT_HMARK_*`).
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct Given: u32 {
        /// The bits of the source address that count.
        const SRC_MASK = 1 << 0;
        /// The bits of the destination address that count.
        const DST_MASK = 1 << 1;
        /// Bits that are set in the SPI.
        const SPI = 1 << 2;
        /// The bits of the SPI that count.
        const SPI_MASK = 1 << 3;
        /// Bits that are set in the source port.
        const SPORT = 1 << 4;
        /// Bits that are set in the destination port.
        const DPORT = 1 << 5;
        /// The bits of the source port that count.
        const SPORT_MASK = 1 << 6;
        /// The bits of the destination port that count.
        const DPORT_MASK = 1 << 7;
        /// The bits of the protocol that count.
        const PROTO_MASK = 1 << 8;
        /// What the hash begins with.
        const RND = 1 << 9;
        /// How many different marks there are.
        const MODULUS = 1 << 10;
        /// The smallest mark.
        const OFFSET = 1 << 11;
        /// The packet's connection is looked at instead of the packet.
        const CONNECTION = 1 << 12;
    }
}

/// A mask for addresses, written as the number of its leading ones.
///
/// Two are equal that mean the same, however the rest of the field is filled.
#[derive(Clone, Copy, Debug, Default, Eq)]
pub struct PrefixMask {
    /// For IPv4 the first four bytes, the others being 0.
    mask: [u8; 16],
    /// Whether an IPv4 mask has ones in the unused rest of its field in the kernel's structure. It has where
    /// `--hmark-tuple` asks for all bits.
    filled: bool,
}

choices! {
    /// A part of the packet that can be hashed.
    enum Part: u32, abbreviated {
        /// The addresses and ports of the connection as it was opened, instead of the packet's.
        Connection = Given::CONNECTION.bits() => "ct",
        /// The source address.
        Source = Given::SRC_MASK.bits() => "src",
        /// The destination address.
        Destination = Given::DST_MASK.bits() => "dst",
        /// The source port.
        SourcePort = Given::SPORT_MASK.bits() => "sport",
        /// The destination port.
        DestinationPort = Given::DPORT_MASK.bits() => "dport",
        /// The transport protocol.
        Protocol = Given::PROTO_MASK.bits() => "proto",
        /// The security parameter index of ESP and AH.
        Spi = Given::SPI_MASK.bits() => "spi",
    }
}

/// Parts of the packet, with commas between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parts {
    parts: Given,
    /// The mask in which all bits of an address count.
    whole_address: PrefixMask,
}

/// 16 bits, printed in hexadecimal with four digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hex16(u16);

/// 32 bits, printed in hexadecimal with eight digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hex32(u32);

/// The bits of a protocol's number, printed in hexadecimal with two digits or more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProtocolMask(u16);

integer! {
    /// A number of marks.
    pub struct Modulus(u32): 1..=u32::MAX, "marks";
}

extension! {
    /// Set the packet's mark to a number computed from its addresses and ports, the same for all packets of a flow.
    ///
    /// Routing rules (`ip rule add fwmark`) can then spread flows over several routes. The next rules still see the
    /// packet.
    target "HMARK" => Hmark {} params {
        /// Hash only this many leading bits of the source address.
        "hmark-src-prefix": PrefixMask {
            set: |m, mask, _| { m.src_mask = mask; m.give(Given::SRC_MASK) },
            get: |m| m.print(Given::SRC_MASK, m.src_mask),
        }
        /// Hash only this many leading bits of the destination address.
        "hmark-dst-prefix": PrefixMask {
            set: |m, mask, _| { m.dst_mask = mask; m.give(Given::DST_MASK) },
            get: |m| m.print(Given::DST_MASK, m.dst_mask),
        }
        /// Hash only these bits of the source port.
        "hmark-sport-mask": Hex16 {
            set: |m, Hex16(port), _| { set_source(&mut m.port_mask, port); m.give(Given::SPORT_MASK) },
            get: |m| m.print(Given::SPORT_MASK, Hex16(source(m.port_mask))),
        }
        /// Hash only these bits of the destination port.
        "hmark-dport-mask": Hex16 {
            set: |m, Hex16(port), _| { set_destination(&mut m.port_mask, port); m.give(Given::DPORT_MASK) },
            get: |m| m.print(Given::DPORT_MASK, Hex16(destination(m.port_mask))),
        }
        /// Hash only these bits of the security parameter index of ESP and AH; not together with masks for ports.
        "hmark-spi-mask": Hex32 {
            set: |m, Hex32(spi), _| { m.port_mask = spi.to_be_bytes(); m.give(Given::SPI_MASK) },
            get: |m| m.print(Given::SPI_MASK, Hex32(u32::from_be_bytes(m.port_mask))),
        }
        /// Set these bits in the source port before it is hashed.
        "hmark-sport": Hex16 {
            set: |m, Hex16(port), _| { set_source(&mut m.port_set, port); m.give(Given::SPORT) },
            get: |m| m.print(Given::SPORT, Hex16(source(m.port_set))),
        }
        /// Set these bits in the destination port before it is hashed.
        "hmark-dport": Hex16 {
            set: |m, Hex16(port), _| { set_destination(&mut m.port_set, port); m.give(Given::DPORT) },
            get: |m| m.print(Given::DPORT, Hex16(destination(m.port_set))),
        }
        /// Set these bits in the security parameter index before it is hashed; not together with bits for ports.
        "hmark-spi": Hex32 {
            set: |m, Hex32(spi), _| { m.port_set = spi.to_be_bytes(); m.give(Given::SPI) },
            get: |m| m.print(Given::SPI, Hex32(u32::from_be_bytes(m.port_set))),
        }
        /// Hash only these bits of the protocol's number.
        "hmark-proto-mask": ProtocolMask {
            set: |m, ProtocolMask(mask), _| { m.proto_mask = mask; m.give(Given::PROTO_MASK) },
            get: |m| m.print(Given::PROTO_MASK, ProtocolMask(m.proto_mask)),
        }
        /// What the hash begins with; another number gives other marks.
        "hmark-rnd": Hex32 {
            set: |m, Hex32(rnd), _| { m.rnd = rnd; m.give(Given::RND) },
            get: |m| m.print(Given::RND, Hex32(m.rnd)),
            required: true,
        }
        /// How many different marks there are.
        "hmark-mod": Modulus {
            set: |m, Modulus(modulus), _| { m.modulus = modulus; m.give(Given::MODULUS) },
            get: |m| m.print(Given::MODULUS, Modulus(m.modulus)),
            required: true,
        }
        /// The smallest mark; the others follow it.
        "hmark-offset": u32 {
            set: |m, offset, _| { m.offset = offset; m.give(Given::OFFSET) },
            get: |m| m.print(Given::OFFSET, m.offset),
            default: Some("0"),
        }
        /// Hash these parts of the packet with all their bits, or with `ct` the addresses and ports of the
        /// connection.
        "hmark-tuple": Parts {
            set: |m, parts, _| m.hash_whole(parts),
            get: |m| m.print(Given::CONNECTION, Parts::CONNECTION),
        }
    }
}

impl Hmark {
    fn print<T>(&self, what: Given, value: T) -> Option<(T, bool)> {
        self.given.contains(what).then_some((value, false))
    }

    fn give(&mut self, what: Given) -> Result<(), ValueError> {
        if self.given.contains(what) {
            return Err(ValueError::Because("this was said before"));
        }
        self.given |= what;
        Ok(())
    }

    fn hash_whole(&mut self, Parts { parts, whole_address }: Parts) {
        self.given |= parts;
        let whole = |part| parts.contains(part);
        if whole(Given::SRC_MASK) {
            self.src_mask = whole_address;
        }
        if whole(Given::DST_MASK) {
            self.dst_mask = whole_address;
        }
        if whole(Given::SPORT_MASK) {
            set_source(&mut self.port_mask, u16::MAX);
        }
        if whole(Given::DPORT_MASK) {
            set_destination(&mut self.port_mask, u16::MAX);
        }
        if whole(Given::SPI_MASK) {
            self.port_mask = [0xff; 4];
        }
        if whole(Given::PROTO_MASK) {
            self.proto_mask = u16::MAX;
        }
    }
}

const fn source([high, low, ..]: [u8; 4]) -> u16 {
    u16::from_be_bytes([high, low])
}

const fn destination([.., high, low]: [u8; 4]) -> u16 {
    u16::from_be_bytes([high, low])
}

const fn set_source([high, low, ..]: &mut [u8; 4], port: u16) {
    [*high, *low] = port.to_be_bytes();
}

const fn set_destination([.., high, low]: &mut [u8; 4], port: u16) {
    [*high, *low] = port.to_be_bytes();
}

impl Extension for Hmark {
    fn act(&self, packet: &Packet<'_>, context: &mut Context<'_>) -> Action {
        let hashed = match self.given.contains(Given::CONNECTION) {
            true => Hashed::of_connection(self, packet),
            false => Hashed::of_packet(self, packet),
        };
        if let Some(hashed) = hashed {
            context.edit(Edit::Mark(hashed.mark(self)));
        }
        Action::Continue
    }

    // `struct xt_hmark_info` in linux/netfilter/xt_HMARK.h.
    const REVISIONS: &'static [Revision<Self>] = &[Revision {
        number: 0,
        size: 60,
        families: Families::all(),
        encode: |m, w| {
            w.bytes(&m.src_mask.field());
            w.bytes(&m.dst_mask.field());
            w.bytes(&m.port_mask);
            w.bytes(&m.port_set);
            w.ne_u32(m.given.bits());
            w.ne_u16(m.proto_mask);
            w.zeros(2);
            w.ne_u32(m.rnd);
            w.ne_u32(m.modulus);
            w.ne_u32(m.offset);
            Ok(())
        },
        decode: |r, family| {
            let at = **r;
            let src_mask = PrefixMask::of_field(r.array("src_mask")?, family);
            let dst_mask = PrefixMask::of_field(r.array("dst_mask")?, family);
            let (port_mask, port_set) = (r.array("port_mask")?, r.array("port_set")?);
            let (flags, proto_mask) = (r.ne_u32("flags")?, r.ne_u16("proto_mask")?);
            r.take(2, "padding")?;
            let (rnd, modulus, offset) = (r.ne_u32("hashrnd")?, r.ne_u32("hmodulus")?, r.ne_u32("hoffset")?);
            let given = Given::from_bits(flags);
            let given = given.ok_or_else(|| at.error("flags", Problem::Value(flags.into())))?;
            if src_mask.prefix_len(family).is_none() || dst_mask.prefix_len(family).is_none() {
                return Err(at.error("mask", Problem::Value(0)));
            }
            Ok(Some(Self {
                given,
                src_mask,
                dst_mask,
                port_mask,
                port_set,
                proto_mask,
                rnd,
                modulus,
                offset,
            }))
        },
    }];

    fn check(&mut self, _: &RuleScope<'_>) -> Result<(), ValueError> {
        let ports = |spi, sport, dport| self.given.contains(spi) && self.given.intersects(sport | dport);
        let both = ValueError::Because("a security parameter index and ports cannot be hashed together");
        if ports(Given::SPI_MASK, Given::SPORT_MASK, Given::DPORT_MASK) {
            return Err(both);
        }
        if ports(Given::SPI, Given::SPORT, Given::DPORT) {
            return Err(both.by_kernel());
        }
        let hashed = Given::all() - (Given::RND | Given::MODULUS | Given::OFFSET);
        match self.given.intersects(hashed) {
            true => Ok(()),
            false => Err(ValueError::Because("nothing is hashed: --hmark-tuple or a mask is needed")),
        }
    }

    fn list(&self, out: &mut Lister<'_>) {
        out.add(format_args!(" HMARK mod {}", self.modulus));
        if self.given.contains(Given::OFFSET) {
            out.add(format_args!(" + {:#x}", self.offset));
        }
        if self.given.contains(Given::CONNECTION) {
            out.add(" ct,");
        }
        out.each(self, |out, name, _, text| match name.trim_start_matches("hmark-") {
            "mod" | "offset" | "tuple" => {}
            label => match text.strip_prefix("0x").map(|digits| digits.trim_start_matches('0')) {
                Some("") => out.add(format_args!(" {label} 0x0")),
                Some(digits) => out.add(format_args!(" {label} 0x{digits}")),
                // iptables shows no length if all bits of an IPv6 address count.
                None if text == "128" && label.ends_with("prefix") => out.add(format_args!(" {label} ")),
                None => out.add(format_args!(" {label} {text}")),
            },
        });
        out.add(' ');
    }
}

impl PartialEq for PrefixMask {
    fn eq(&self, other: &Self) -> bool {
        self.mask == other.mask
    }
}

impl PrefixMask {
    const UNUSED: u128 = u128::MAX >> 32;

    /// Reads the kernel's field.
    fn of_field(mask: [u8; 16], family: Family) -> Self {
        let bits = u128::from_be_bytes(mask);
        match family == Family::Ipv4 && bits & Self::UNUSED == Self::UNUSED {
            true => Self { mask: (bits & !Self::UNUSED).to_be_bytes(), filled: true },
            false => Self { mask, filled: false },
        }
    }

    /// The kernel's field.
    fn field(self) -> [u8; 16] {
        let rest = if self.filled { Self::UNUSED } else { 0 };
        (u128::from_be_bytes(self.mask) | rest).to_be_bytes()
    }

    /// How many leading bits count in addresses of `family`; `None` if the mask has gaps.
    #[must_use]
    pub fn prefix_len(&self, family: Family) -> Option<u8> {
        let [a, b, c, d, ..] = self.mask;
        let mask = match family {
            Family::Ipv4 => IpAddr::V4(Ipv4Addr::new(a, b, c, d)),
            Family::Ipv6 => IpAddr::V6(Ipv6Addr::from(self.mask)),
        };
        AddressMask::new(mask, mask)?.prefix_len()
    }
}

impl Value for PrefixMask {
    const DOMAIN: Domain = Domain::PrefixLen;

    fn parse(text: &str, scope: &Scope) -> Result<Self, ValueError> {
        let mut mask = [0; 16];
        match parse_mask(text, scope.family)? {
            IpAddr::V4(v4) => mask.iter_mut().zip(v4.octets()).for_each(|(byte, octet)| *byte = octet),
            IpAddr::V6(v6) => mask = v6.octets(),
        }
        let mask = Self { mask, filled: false };
        mask.prefix_len(scope.family).map(|_| mask).ok_or(ValueError::Because("the mask has gaps"))
    }

    fn write(&self, out: &mut String, scope: &Scope) {
        if let Some(len) = self.prefix_len(scope.family) {
            let _ = write!(out, "{len}");
        }
    }
}

impl Parts {
    const CONNECTION: Self =
        Self { parts: Given::CONNECTION, whole_address: PrefixMask { mask: [0; 16], filled: false } };
}

impl Value for Parts {
    const DOMAIN: Domain = Domain::Flags { choices: Part::CHOICES, separator: ',' };

    fn parse(text: &str, scope: &Scope) -> Result<Self, ValueError> {
        let part = |word: &str| match word {
            "" => None,
            _ => Part::from_name(word).map(|part| Given::from_bits_truncate(part.number())),
        };
        let parts = text.split(',').map(part).collect::<Option<Vec<_>>>().ok_or(ValueError::UnknownName)?;
        let parts = parts.into_iter().fold(Given::empty(), |all, part| all | part);
        Ok(Self { parts, whole_address: PrefixMask::of_field([0xff; 16], scope.family) })
    }

    fn write(&self, out: &mut String, _: &Scope) {
        let parts = Part::ALL.iter().filter(|part| self.parts.bits() & part.number() != 0);
        for (place, part) in parts.enumerate() {
            let _ = write!(out, "{}{}", if place == 0 { "" } else { "," }, part.name());
        }
    }
}

macro_rules! hexadecimal {
    ($($type:ident($int:ty), $width:literal;)*) => {$(
        impl Value for $type {
            const DOMAIN: Domain = <$int as Value>::DOMAIN;

            fn parse(text: &str, scope: &Scope) -> Result<Self, ValueError> {
                <$int>::parse(text, scope).map(Self)
            }

            fn write(&self, out: &mut String, _: &Scope) {
                let _ = write!(out, concat!("{:#0", $width, "x}"), self.0);
            }
        }
    )*};
}

hexadecimal! {
    Hex16(u16), 6;
    Hex32(u32), 10;
    ProtocolMask(u16), 4;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::Meta;
    use crate::registry::testing::{Nowhere, Trial, ipv4};
    use crate::registry::testing::{encoded, text_cases};

    #[test]
    fn saved_forms() {
        text_cases! { Hmark, Ipv4:
            "--hmark-src-prefix 32 --hmark-rnd 0x00000004 --hmark-mod 42" => same,
            "--hmark-src-prefix 32 --hmark-dst-prefix 32 --hmark-spi-mask 0x00000004 --hmark-proto-mask 0xffff --hmark-rnd 0x00000004 --hmark-mod 42 --hmark-offset 1 --hmark-tuple ct" => same,
            "--hmark-tuple src,dst,sport,dport,proto --hmark-mod 10 --hmark-rnd 1 --hmark-offset 5" =>
                "--hmark-src-prefix 32 --hmark-dst-prefix 32 --hmark-sport-mask 0xffff --hmark-dport-mask 0xffff --hmark-proto-mask 0xffff --hmark-rnd 0x00000001 --hmark-mod 10 --hmark-offset 5",
            "--hmark-tuple spi --hmark-mod 10 --hmark-rnd 1" => "--hmark-spi-mask 0xffffffff --hmark-rnd 0x00000001 --hmark-mod 10",
            "--hmark-tuple ct --hmark-mod 10 --hmark-rnd 1" => "--hmark-rnd 0x00000001 --hmark-mod 10 --hmark-tuple ct",
            "--hmark-tuple CT,s --hmark-mod 10 --hmark-rnd 1" => "--hmark-src-prefix 32 --hmark-rnd 0x00000001 --hmark-mod 10 --hmark-tuple ct",
            "--hmark-src-prefix 24 --hmark-dst-prefix 255.255.0.0 --hmark-mod 10 --hmark-rnd 1" =>
                "--hmark-src-prefix 24 --hmark-dst-prefix 16 --hmark-rnd 0x00000001 --hmark-mod 10",
            "--hmark-sport-mask 0xff --hmark-dport-mask 3 --hmark-mod 10 --hmark-rnd 1" =>
                "--hmark-sport-mask 0x00ff --hmark-dport-mask 0x0003 --hmark-rnd 0x00000001 --hmark-mod 10",
            "--hmark-sport 22 --hmark-dport 0x50 --hmark-mod 10 --hmark-rnd 1" =>
                "--hmark-sport 0x0016 --hmark-dport 0x0050 --hmark-rnd 0x00000001 --hmark-mod 10",
            "--hmark-spi 5 --hmark-mod 10 --hmark-rnd 1" => "--hmark-spi 0x00000005 --hmark-rnd 0x00000001 --hmark-mod 10",
            "--hmark-proto-mask 0xf --hmark-mod 10 --hmark-rnd 1" => "--hmark-proto-mask 0x0f --hmark-rnd 0x00000001 --hmark-mod 10",
            "--hmark-src-prefix 24 --hmark-tuple src --hmark-mod 10 --hmark-rnd 1" => "--hmark-src-prefix 32 --hmark-rnd 0x00000001 --hmark-mod 10",
            "--hmark-src-prefix 0 --hmark-mod 10 --hmark-rnd 1 --hmark-offset 0" =>
                "--hmark-src-prefix 0 --hmark-rnd 0x00000001 --hmark-mod 10 --hmark-offset 0",
            "--hmark-tuple src --hmark-src-prefix 24 --hmark-mod 10 --hmark-rnd 1" => fails,
            "--hmark-spi 5 --hmark-sport 5 --hmark-mod 10 --hmark-rnd 1" => fails,
            "--hmark-tuple sport,spi --hmark-mod 10 --hmark-rnd 1" => fails,
            "--hmark-tuple src --hmark-mod 0 --hmark-rnd 1" => fails, "--hmark-tuple src --hmark-mod 1" => fails,
            "--hmark-mod 1 --hmark-rnd 4" => fails, "--hmark-tuple src, --hmark-mod 10 --hmark-rnd 1" => fails,
            "--hmark-tuple foo --hmark-mod 10 --hmark-rnd 1" => fails, "" => fails,
            "--hmark-src-prefix 33 --hmark-mod 10 --hmark-rnd 1" => fails,
            "--hmark-src-prefix 255.0.255.0 --hmark-mod 10 --hmark-rnd 1" => fails,
        }
        text_cases! { Hmark, Ipv6:
            "--hmark-src-prefix 64 --hmark-dst-prefix ffff:: --hmark-mod 10 --hmark-rnd 1" =>
                "--hmark-src-prefix 64 --hmark-dst-prefix 16 --hmark-rnd 0x00000001 --hmark-mod 10",
            "--hmark-tuple src --hmark-mod 10 --hmark-rnd 1" => "--hmark-src-prefix 128 --hmark-rnd 0x00000001 --hmark-mod 10",
        }
    }

    #[test]
    fn layout() {
        let text = "--hmark-src-prefix 24 --hmark-tuple dst --hmark-dport-mask 0x102 --hmark-sport 3 --hmark-rnd 4 --hmark-mod 5 --hmark-offset 6";
        let words = [0xe93_u32, 0, 4, 5, 6, 0].map(u32::to_ne_bytes).concat();
        let info = [&[0xff; 3][..], &[0; 13], &[0xff; 16], &[0, 0, 1, 2, 0, 3, 0, 0], &words].concat();
        assert_eq!(encoded::<Hmark>(Family::Ipv4, text, 0), Some(info));
    }

    #[test]
    fn the_mark_is_the_kernels() {
        let text = "--hmark-tuple src,dst,sport,dport,proto --hmark-mod 0xffffffff --hmark-rnd 0xcafe";
        let mut trial = Trial::new::<Hmark>(Family::Ipv4, text, Nowhere);
        let mut there = ipv4(17, &[0x03, 0xe8, 0, 53, 0, 8, 0, 0]);
        there[12..20].copy_from_slice(&[10, 1, 0, 2, 10, 2, 0, 2]);
        let mut back = ipv4(17, &[0, 53, 0x03, 0xe8, 0, 8, 0, 0]);
        back[12..20].copy_from_slice(&[10, 2, 0, 2, 10, 1, 0, 2]);
        for packet in [there, back] {
            let (_, edits) = trial.act(&packet, &Meta::default());
            assert_eq!(edits, [Edit::Mark(0x11cd_4678)]);
        }
    }
}
