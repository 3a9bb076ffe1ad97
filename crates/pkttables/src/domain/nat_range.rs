use super::{AddressText, NatPorts, parse_strict_address};
use crate::model::Families;
use crate::registry::{Domain, InfoWriter, Revision, Scope, Value, ValueError};
use bitflags::bitflags;
use nfnetlink::wire::{DecodeError, EncodeError, Problem, Reader};
use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What a packet's address and port are translated to (`struct nf_nat_range2` in linux/netfilter/nf_nat.h).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NatRange {
    /// The addresses to choose from and the ports to choose from.
    pub to: Endpoints,
    /// How the choice is made.
    pub flags: NatFlags,
}

/// Addresses and ports to choose from: `ADDRESS[-ADDRESS][:PORTS]` or `:PORTS`. IPv6 addresses stand in brackets
/// before ports.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Endpoints {
    /// The first and the last address, which may be the same; without them the address is not chosen from a range.
    pub addresses: Option<(IpAddr, IpAddr)>,
    /// The ports.
    pub ports: Option<NatPorts>,
}

bitflags! {
    /// How an address and a port are chosen (`NF_NAT_RANGE_*`).
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct NatFlags: u32 {
        /// The port is chosen at random, from a hash.
        const RANDOM = 4;
        /// A client gets the same address for all its connections.
        const PERSISTENT = 8;
        /// The port is chosen at random, from a random number.
        const RANDOM_FULLY = 16;
    }
}

const MAP_IPS: u32 = 1;
const PROTO_SPECIFIED: u32 = 2;
const PROTO_OFFSET: u32 = 32;

impl NatRange {
    /// What `--option` prints if `flag` is set.
    #[must_use]
    pub fn flag(&self, flag: NatFlags) -> Option<(crate::registry::Flag, bool)> {
        self.flags.contains(flag).then_some((crate::registry::Flag, false))
    }

    /// The same ports and manner, with this one address.
    #[must_use]
    pub const fn with_address(&self, address: IpAddr) -> Self {
        let to = Endpoints { addresses: Some((address, address)), ports: self.to.ports };
        Self { to, flags: self.flags }
    }

    /// The layout as `struct nf_nat_ipv4_multi_range_compat`, IPv4 only.
    pub(crate) const fn multi_range<T: From<Self> + AsRef<Self>>(number: u8) -> Revision<T> {
        Revision {
            number,
            size: 20,
            families: Families::IPV4,
            encode: |target, w| target.as_ref().encode_multi(w),
            decode: |r, _| Self::decode_multi(r).map(|range| Some(range.into())),
        }
    }

    /// The layout as `struct nf_nat_range`.
    pub(crate) const fn range<T: From<Self> + AsRef<Self>>(number: u8, families: Families) -> Revision<T> {
        Revision {
            number,
            size: 40,
            families,
            encode: |target, w| {
                target.as_ref().without_shift()?.encode_range(w);
                Ok(())
            },
            decode: |r, family| {
                let is_v4 = Families::IPV4.has(family);
                Self::decode_range(r, is_v4, |_| Ok(0)).map(|range| Some(range.into()))
            },
        }
    }

    /// The layout as `struct nf_nat_range2`.
    pub(crate) const fn range2<T: From<Self> + AsRef<Self>>(number: u8, families: Families) -> Revision<T> {
        Revision {
            number,
            size: 44,
            families,
            encode: |target, w| {
                let range = target.as_ref();
                range.encode_range(w);
                w.be_u16(range.to.ports.and_then(|ports| ports.base).unwrap_or(0));
                w.zeros(2);
                Ok(())
            },
            decode: |r, family| {
                let base = |r: &mut Reader<'_>| {
                    let base = r.be_u16("base port")?;
                    r.take(2, "padding").map(|_| base)
                };
                Self::decode_range(r, Families::IPV4.has(family), base).map(|range| Some(range.into()))
            },
        }
    }

    /// A layout that is read and not written: other programs would not understand it.
    pub(crate) const fn read_only<T>(revision: Revision<T>) -> Revision<T> {
        Revision {
            encode: |_, _| Err(EncodeError::NotRepresentable("a revision that other programs do not read")),
            ..revision
        }
    }

    /// A shifted range whose base is 0 is a leftover of programs that gave one without being able to.
    fn without_shift(&self) -> Result<&Self, EncodeError> {
        match self.to.ports.and_then(|ports| ports.base) {
            None | Some(0) => Ok(self),
            Some(_) => Err(EncodeError::NotRepresentable("a shifted range of ports")),
        }
    }

    fn bits(&self) -> u32 {
        let flag = |set, flag| if set { flag } else { 0 };
        self.flags.bits()
            | flag(self.to.addresses.is_some(), MAP_IPS)
            | flag(self.to.ports.is_some(), PROTO_SPECIFIED)
            | flag(self.to.ports.is_some_and(|ports| ports.base.is_some()), PROTO_OFFSET)
    }

    fn encode_ports(&self, w: &mut InfoWriter<'_>) {
        w.be_u16(self.to.ports.map_or(0, |ports| ports.min));
        w.be_u16(self.to.ports.map_or(0, |ports| ports.max));
    }

    fn encode_multi(&self, w: &mut InfoWriter<'_>) -> Result<(), EncodeError> {
        self.without_shift()?;
        let (min, max) = match self.to.addresses {
            None => (Ipv4Addr::UNSPECIFIED, Ipv4Addr::UNSPECIFIED),
            Some((IpAddr::V4(min), IpAddr::V4(max))) => (min, max),
            Some(_) => return Err(EncodeError::NotRepresentable("an IPv6 address")),
        };
        w.ne_u32(1);
        w.ne_u32(self.bits());
        w.bytes(&min.octets());
        w.bytes(&max.octets());
        self.encode_ports(w);
        Ok(())
    }

    fn encode_range(&self, w: &mut InfoWriter<'_>) {
        w.ne_u32(self.bits());
        let ends = self.to.addresses.map_or([None; 2], |(min, max)| [Some(min), Some(max)]);
        ends.into_iter().for_each(|end| match end {
            None => w.zeros(16),
            Some(IpAddr::V4(address)) => w.c_string(&address.octets(), 16),
            Some(IpAddr::V6(address)) => w.bytes(&address.octets()),
        });
        self.encode_ports(w);
    }

    fn decode_multi(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let count = r.ne_u32("rangesize")?;
        if count > 1 {
            return Err(r.error("rangesize", Problem::Value(count.into())));
        }
        let bits = r.ne_u32("flags")?;
        let address = |r: &mut Reader<'_>| r.array::<4>("address").map(|octets| IpAddr::V4(octets.into()));
        let addresses = (address(r)?, address(r)?);
        Self::assemble(bits, addresses, r, |_| Ok(0))
    }

    fn decode_range(
        r: &mut Reader<'_>,
        is_v4: bool,
        base: impl Fn(&mut Reader<'_>) -> Result<u16, DecodeError>,
    ) -> Result<Self, DecodeError> {
        let bits = r.ne_u32("flags")?;
        let address = |r: &mut Reader<'_>| {
            let octets = r.array::<16>("address")?;
            let [a, b, c, d, ..] = octets;
            Ok(if is_v4 { Ipv4Addr::new(a, b, c, d).into() } else { Ipv6Addr::from(octets).into() })
        };
        let addresses = (address(r)?, address(r)?);
        Self::assemble(bits, addresses, r, base)
    }

    fn assemble(
        bits: u32,
        addresses: (IpAddr, IpAddr),
        r: &mut Reader<'_>,
        base: impl Fn(&mut Reader<'_>) -> Result<u16, DecodeError>,
    ) -> Result<Self, DecodeError> {
        let flags = NatFlags::from_bits(bits & !(MAP_IPS | PROTO_SPECIFIED | PROTO_OFFSET));
        let flags = flags.ok_or_else(|| r.error("flags", Problem::Value(bits.into())))?;
        let (min, max, base) = (r.be_u16("lowest port")?, r.be_u16("highest port")?, base(r)?);
        let base = (bits & PROTO_OFFSET != 0).then_some(base);
        let to = Endpoints {
            addresses: (bits & MAP_IPS != 0).then_some(addresses),
            ports: (bits & PROTO_SPECIFIED != 0).then_some(NatPorts { min, max, base }),
        };
        Ok(Self { to, flags })
    }
}

impl Value for Endpoints {
    const DOMAIN: Domain = Domain::Endpoints;

    fn parse(text: &str, scope: &Scope) -> Result<Self, ValueError> {
        let (addresses, ports) = match text.strip_prefix('[') {
            Some(bracketed) => {
                let (addresses, rest) = bracketed.split_once(']').ok_or(ValueError::Form)?;
                let ports = rest.strip_prefix(':');
                if Families::IPV4.has(scope.family) || (ports.is_none() && !rest.is_empty()) {
                    return Err(ValueError::Form);
                }
                (addresses, ports)
            }
            // Several colons are those of an IPv6 address.
            None => match text.split_once(':') {
                Some((addresses, ports)) if !ports.contains(':') => (addresses, Some(ports)),
                _ => (text, None),
            },
        };
        let ports = ports.map(|ports| NatPorts::parse(ports, scope)).transpose()?;
        let addresses = if addresses.is_empty() && ports.is_some() {
            None
        } else {
            let (first, last) = addresses.split_once('-').unwrap_or((addresses, addresses));
            Some((parse_strict_address(first, scope.family)?, parse_strict_address(last, scope.family)?))
        };
        Ok(Self { addresses, ports })
    }

    fn write(&self, out: &mut String, _: &Scope) {
        if let Some((first, last)) = self.addresses {
            let bracketed = first.is_ipv6() && self.ports.is_some();
            out.push_str(if bracketed { "[" } else { "" });
            let _ = write!(out, "{}", AddressText(first));
            if first != last {
                let _ = write!(out, "-{}", AddressText(last));
            }
            out.push_str(if bracketed { "]" } else { "" });
        }
        if let Some(ports) = self.ports {
            let _ = write!(out, ":{ports}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Family;
    use proptest::prelude::*;

    fn endpoints(family: Family) -> impl Strategy<Value = Endpoints> {
        let address = move |bits: u128| match family {
            Family::Ipv4 => IpAddr::V4((bits as u32).into()),
            Family::Ipv6 => IpAddr::V6(bits.into()),
        };
        let ports = (any::<u16>(), any::<u16>(), proptest::option::of(1_u16..)).prop_map(|(a, b, base)| {
            let (min, max) = (a.min(b), a.max(b));
            NatPorts { min, max, base: base.filter(|_| min < max) }
        });
        (proptest::option::of((any::<u128>(), any::<u128>())), proptest::option::of(ports))
            .prop_filter("nothing is no endpoint", |(addresses, ports)| {
                addresses.is_some() || ports.is_some()
            })
            .prop_map(move |(addresses, ports)| Endpoints {
                addresses: addresses.map(|(a, b)| (address(a), address(b))),
                ports,
            })
    }

    proptest! {
        #[test]
        fn what_is_printed_parses_to_the_same(v4 in endpoints(Family::Ipv4), v6 in endpoints(Family::Ipv6)) {
            for (family, value) in [(Family::Ipv4, v4), (Family::Ipv6, v6)] {
                let protocol = Some(crate::model::Negatable { value: 6, not: false });
                let scope = Scope { family, protocol };
                let mut text = String::new();
                value.write(&mut text, &scope);
                prop_assert_eq!(Endpoints::parse(&text, &scope), Ok(value), "{}", text);
            }
        }
    }
}
