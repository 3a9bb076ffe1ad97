use std::fmt;

use nfnetlink::wire::{Attribute, DecodeError, Problem, Writer};

use crate::codec::{Depth, Element, Printer, Value, flags, named};
use crate::{Bytes, Text};

named! {
    @type
    /// The protocol family of a message, table or address (`linux/netfilter.h`).
    pub struct Family(u8) {
        /// `NFPROTO_UNSPEC`: all of them, in dumps.
        UNSPEC = 0,
        /// `NFPROTO_INET`: IPv4 and IPv6 together.
        INET = 1,
        /// `NFPROTO_IPV4`.
        IPV4 = 2,
        /// `NFPROTO_ARP`.
        ARP = 3,
        /// `NFPROTO_NETDEV`.
        NETDEV = 5,
        /// `NFPROTO_BRIDGE`.
        BRIDGE = 7,
        /// `NFPROTO_IPV6`.
        IPV6 = 10,
    }
}

/// One byte in the netfilter header, but four in attributes.
impl<'a> Value<'a> for Family {
    type Owned = Self;

    fn decode(attribute: &Attribute<'a>, what: &'static str, _: Depth) -> Result<Self, DecodeError> {
        let number = attribute.be_u32(what)?;
        u8::try_from(number).map(Self).map_err(|_| attribute.error(what, Problem::Value(number.into())))
    }

    fn encode(&self, kind: u16, writer: &mut Writer) {
        writer.put_be_u32(kind, self.0.into());
    }

    fn into_owned(self) -> Self {
        self
    }

    fn show(&self, name: &str, printer: &mut Printer<'_>) -> fmt::Result {
        printer.line(format_args!("{name} {self}"))
    }
}

named! {
    /// A register that expressions hand values through.
    ///
    /// There are sixteen of 4 bytes each (`REG32_*`); the older names cover four of them at a time. The kernel
    /// dumps the older name wherever the register starts at one.
    pub struct Register(u32) {
        /// Where a rule's verdict goes (`NFT_REG_VERDICT`).
        VERDICT = 0,
        /// `NFT_REG_1`, 16 bytes.
        R1 = 1,
        /// `NFT_REG_2`, 16 bytes.
        R2 = 2,
        /// `NFT_REG_3`, 16 bytes.
        R3 = 3,
        /// `NFT_REG_4`, 16 bytes.
        R4 = 4,
        /// `NFT_REG32_00`, 4 bytes.
        R32_00 = 8,
        /// `NFT_REG32_01`, 4 bytes.
        R32_01 = 9,
        /// `NFT_REG32_02`, 4 bytes.
        R32_02 = 10,
        /// `NFT_REG32_03`, 4 bytes.
        R32_03 = 11,
        /// `NFT_REG32_04`, 4 bytes.
        R32_04 = 12,
        /// `NFT_REG32_05`, 4 bytes.
        R32_05 = 13,
        /// `NFT_REG32_06`, 4 bytes.
        R32_06 = 14,
        /// `NFT_REG32_07`, 4 bytes.
        R32_07 = 15,
        /// `NFT_REG32_08`, 4 bytes.
        R32_08 = 16,
        /// `NFT_REG32_09`, 4 bytes.
        R32_09 = 17,
        /// `NFT_REG32_10`, 4 bytes.
        R32_10 = 18,
        /// `NFT_REG32_11`, 4 bytes.
        R32_11 = 19,
        /// `NFT_REG32_12`, 4 bytes.
        R32_12 = 20,
        /// `NFT_REG32_13`, 4 bytes.
        R32_13 = 21,
        /// `NFT_REG32_14`, 4 bytes.
        R32_14 = 22,
        /// `NFT_REG32_15`, 4 bytes.
        R32_15 = 23,
    }
}

flags! {
    /// How addresses and ports are chosen (`linux/netfilter/nf_nat.h`).
    pub struct NatFlags: u32 = "NF_NAT_RANGE_" {
        MAP_IPS = 1,
        PROTO_SPECIFIED = 2,
        PROTO_RANDOM = 4,
        PERSISTENT = 8,
        PROTO_RANDOM_FULLY = 16,
        PROTO_OFFSET = 32,
        NETMAP = 64,
    }
}

/// A network device that a chain or flowtable is bound to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Device<'a> {
    /// Its name (`NFTA_DEVICE_NAME`, 1).
    Name(Text<'a>),
    /// The beginning of the names of all that are meant (`NFTA_DEVICE_PREFIX`, 2).
    Prefix(Text<'a>),
    /// A name without its closing NUL, which is a prefix for kernels that have no attribute for one.
    Unterminated(Bytes<'a>),
}

const NAME: u16 = 1;
const PREFIX: u16 = 2;

impl<'a> Element<'a> for Device<'a> {
    type Owned = Device<'static>;
    const MAX: usize = 4096;

    fn decode(attribute: &Attribute<'a>, what: &'static str, _: Depth) -> Result<Self, DecodeError> {
        match attribute.kind() {
            NAME if attribute.value.last() != Some(&0) => Ok(Self::Unterminated(Bytes::new(attribute.value))),
            NAME => attribute.string(what).map(|name| Self::Name(Text::checked(name))),
            PREFIX => attribute.string(what).map(|prefix| Self::Prefix(Text::checked(prefix))),
            other => Err(attribute.error(what, Problem::Value(other.into()))),
        }
    }

    fn encode(&self, writer: &mut Writer) {
        match self {
            Self::Name(name) => writer.put_string(NAME, name.as_bytes()),
            Self::Prefix(prefix) => writer.put_string(PREFIX, prefix.as_bytes()),
            Self::Unterminated(name) => writer.put(NAME, name),
        }
    }

    fn into_owned(self) -> Self::Owned {
        match self {
            Self::Name(name) => Device::Name(name.into_owned()),
            Self::Prefix(prefix) => Device::Prefix(prefix.into_owned()),
            Self::Unterminated(name) => Device::Unterminated(name.into_owned()),
        }
    }

    fn show(&self, printer: &mut Printer<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => printer.line(format_args!("NFTA_DEVICE_NAME {name:?}")),
            Self::Prefix(prefix) => printer.line(format_args!("NFTA_DEVICE_PREFIX {prefix:?}")),
            Self::Unterminated(name) => {
                printer.line(format_args!("NFTA_DEVICE_NAME \"{}\" (no NUL)", name.escape_ascii()))
            }
        }
    }
}

#[cfg(test)]
impl crate::codec::Sample for Device<'static> {
    fn sample(depth: u32) -> proptest::strategy::BoxedStrategy<Self> {
        use proptest::prelude::*;
        prop_oneof![
            Text::sample(depth).prop_map(Self::Name),
            Text::sample(depth).prop_map(Self::Prefix),
            "[a-z0-9]{0,15}".prop_map(|name| Self::Unterminated(name.into_bytes().into())),
        ]
        .boxed()
    }
}

#[cfg(test)]
impl crate::codec::Sample for Family {
    fn sample(depth: u32) -> proptest::strategy::BoxedStrategy<Self> {
        use proptest::prelude::*;
        u8::sample(depth).prop_map(Self).boxed()
    }
}
