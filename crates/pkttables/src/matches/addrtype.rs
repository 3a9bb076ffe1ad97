//! `-m addrtype`: asks what kind of address the routing tables say it is.

use crate::model::{Families, Hooks, Negatable};
use crate::packet::{InterfaceName, Packet};
use crate::registry::{
    Choice, Context, Domain, Environment, Extension, Flag, Lister, Outcome, Revision, RuleScope, Scope,
    Value, ValueError, bang,
};
use crate::{choices, extension};
use nfnetlink::wire::{EncodeError, Problem};
use std::net::IpAddr;

/// The `addrtype` match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Addrtype {
    /// The kinds that the source address may be of.
    pub source: Option<Negatable<AddressTypes>>,
    /// The kinds that the destination address may be of.
    pub destination: Option<Negatable<AddressTypes>>,
    /// The device whose routes are asked; all if not given.
    pub device: Option<Device>,
}

/// Which of the packet's devices an address must belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Device {
    /// The one it came in by.
    In,
    /// The one it goes out by.
    Out,
}

/// Kinds of addresses, at least one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AddressTypes(u16);

choices! {
    /// A kind of address (`RTN_*` of `linux/rtnetlink.h`).
    pub enum AddressType: u8 {
        /// Not given, such as `0.0.0.0`.
        Unspec = 0 => "UNSPEC",
        /// Reached by an ordinary route.
        Unicast = 1 => "UNICAST",
        /// Of this machine.
        Local = 2 => "LOCAL",
        /// Of all machines on a link.
        Broadcast = 3 => "BROADCAST",
        /// Shared by several machines, any of which may answer.
        Anycast = 4 => "ANYCAST",
        /// Of a group of machines.
        Multicast = 5 => "MULTICAST",
        /// Whose packets a route throws away silently.
        Blackhole = 6 => "BLACKHOLE",
        /// Which a route says cannot be reached.
        Unreachable = 7 => "UNREACHABLE",
        /// Which a route forbids.
        Prohibit = 8 => "PROHIBIT",
        /// For which a route sends the search on to the next routing table.
        Throw = 9 => "THROW",
        /// Translated by routing, as kernels once did.
        Nat = 10 => "NAT",
        /// To be resolved by a program; never used.
        Xresolve = 11 => "XRESOLVE",
    }
}

extension! {
    /// Match packets by what kind of address their source or destination is.
    ///
    /// The kernel's routing tables tell the kind. With IPv6 the kernel refuses BLACKHOLE, PROHIBIT, THROW, NAT
    /// and XRESOLVE.
    match "addrtype" => Addrtype {} params {
        /// The source address is of one of these kinds.
        [!] "src-type": AddressTypes {
            set: |m, value, not| m.source = Some(Negatable { value, not }),
            get: |m| m.source.map(Into::into),
        }
        /// The destination address is of one of these kinds.
        [!] "dst-type": AddressTypes {
            set: |m, value, not| m.destination = Some(Negatable { value, not }),
            get: |m| m.destination.map(Into::into),
        }
        /// Only the device by which the packet came in is asked whether the address belongs to it.
        ///
        /// For packets that come in: not in OUTPUT and POSTROUTING.
        "limit-iface-in": Flag {
            set: |m, _, _| m.device = Some(Device::In),
            get: |m| (m.device == Some(Device::In)).then_some((Flag, false)),
            excludes: &["limit-iface-out"],
            hooks: Hooks::PREROUTING.union(Hooks::INPUT).union(Hooks::FORWARD),
        }
        /// Only the device by which the packet goes out is asked whether the address belongs to it.
        ///
        /// For packets that go out: not in PREROUTING and INPUT.
        "limit-iface-out": Flag {
            set: |m, _, _| m.device = Some(Device::Out),
            get: |m| (m.device == Some(Device::Out)).then_some((Flag, false)),
            excludes: &["limit-iface-in"],
            hooks: Hooks::FORWARD.union(Hooks::OUTPUT).union(Hooks::POSTROUTING),
        }
    }
}

/// The kinds that the kernel tells apart in IPv6.
#[expect(clippy::indexing_slicing, reason = "done by the compiler")]
const IPV6_CHOICES: [Choice; 6] = {
    let all = AddressType::CHOICES;
    [all[0], all[1], all[2], all[4], all[5], all[7]]
};

const INVERT_SOURCE: u32 = 1;
const INVERT_DESTINATION: u32 = 2;
const LIMIT_IN: u32 = 4;
const LIMIT_OUT: u32 = 8;

impl Extension for Addrtype {
    fn matches(&self, packet: &Packet<'_>, context: &mut Context<'_>) -> Outcome {
        let interface = self.interface(packet);
        let mut test = |wanted: Option<Negatable<AddressTypes>>, address| {
            wanted.is_none_or(|wanted| {
                wanted.value.holds(address, interface, context.environment) != wanted.not
            })
        };
        (test(self.source, packet.layout.source) && test(self.destination, packet.layout.destination)).into()
    }

    fn found(&self, packet: &Packet<'_>, context: &mut Context<'_>) -> Option<String> {
        let interface = self.interface(packet);
        let layout = &packet.layout;
        let ends =
            [(self.source, "source", layout.source), (self.destination, "destination", layout.destination)];
        let wrong = ends.into_iter().find_map(|(wanted, what, address)| {
            let wanted = wanted?;
            let holds = wanted.value.holds(address, interface, context.environment) != wanted.not;
            (!holds).then_some((what, address))
        });
        let (what, address) = wrong?;
        let kind = context.environment.address_type(address, interface);
        Some(format!("the {what} {address} is {}", kind.name()))
    }

    const REVISIONS: &'static [Revision<Self>] = &[
        Revision {
            number: 1,
            size: 8,
            families: Families::all(),
            encode: |m, w| {
                w.ne_u16(mask(m.source));
                w.ne_u16(mask(m.destination));
                w.ne_u32(
                    flag(m.source, INVERT_SOURCE)
                        | flag(m.destination, INVERT_DESTINATION)
                        | match m.device {
                            None => 0,
                            Some(Device::In) => LIMIT_IN,
                            Some(Device::Out) => LIMIT_OUT,
                        },
                );
                Ok(())
            },
            decode: |r, _| {
                let at = **r;
                let (source, destination) = (r.ne_u16("source")?, r.ne_u16("dest")?);
                let flags = r.ne_u32("flags")?;
                let device = match flags & (LIMIT_IN | LIMIT_OUT) {
                    0 => None,
                    LIMIT_IN => Some(Device::In),
                    LIMIT_OUT => Some(Device::Out),
                    both => return Err(at.error("flags", Problem::Value(both.into()))),
                };
                let types = |mask, invert: u32| match types(mask, flags & invert != 0) {
                    Some(types) => Ok(types),
                    None => Err(at.error("address types", Problem::Value(mask.into()))),
                };
                Ok(Some(Self {
                    source: types(source, INVERT_SOURCE)?,
                    destination: types(destination, INVERT_DESTINATION)?,
                    device,
                }))
            },
        },
        Revision {
            number: 0,
            size: 12,
            families: Families::IPV4,
            encode: |m, w| {
                if m.device.is_some() {
                    return Err(EncodeError::NotRepresentable("--limit-iface-in or --limit-iface-out"));
                }
                w.ne_u16(mask(m.source));
                w.ne_u16(mask(m.destination));
                w.ne_u32(flag(m.source, 1));
                w.ne_u32(flag(m.destination, 1));
                Ok(())
            },
            decode: |r, _| {
                let at = **r;
                let (source, destination) = (r.ne_u16("source")?, r.ne_u16("dest")?);
                let (source_not, destination_not) = (r.ne_u32("invert_source")?, r.ne_u32("invert_dest")?);
                let types = |mask, invert: u32| match types(mask, invert != 0) {
                    Some(types) => Ok(types),
                    None => Err(at.error("address types", Problem::Value(mask.into()))),
                };
                Ok(Some(Self {
                    source: types(source, source_not)?,
                    destination: types(destination, destination_not)?,
                    device: None,
                }))
            },
        },
    ];

    fn check(&mut self, _: &RuleScope<'_>) -> Result<(), ValueError> {
        match (self.source, self.destination) {
            (None, None) => Err(ValueError::Because("--src-type or --dst-type must be specified")),
            _ => Ok(()),
        }
    }

    fn list(&self, out: &mut Lister<'_>) {
        out.add(" ADDRTYPE match");
        out.each(self, |out, name, not, text| match name {
            "limit-iface-in" => out.add(" limit-in"),
            "limit-iface-out" => out.add(" limit-out"),
            name => out.add(format_args!(" {name} {}{text}", bang(not))),
        });
    }
}

impl Addrtype {
    /// The interface that alone is asked for addresses.
    const fn interface(&self, packet: &Packet<'_>) -> Option<InterfaceName> {
        match self.device {
            Some(Device::In) => packet.meta.input,
            Some(Device::Out) => packet.meta.output,
            None => None,
        }
    }
}

impl AddressTypes {
    fn holds(
        self,
        address: IpAddr,
        interface: Option<InterfaceName>,
        environment: &mut dyn Environment,
    ) -> bool {
        let has = |kind: AddressType| self.0 >> kind.number() & 1 != 0;
        let IpAddr::V6(v6) = address else { return has(environment.address_type(address, interface)) };
        // `match_type6`: these three are told from the address, and all that are asked for must hold.
        let told = (!has(AddressType::Multicast) || v6.is_multicast())
            && (!has(AddressType::Unicast) || !(v6.is_multicast() || v6.is_unspecified()))
            && (!has(AddressType::Unspec) || v6.is_unspecified());
        let by_route = [AddressType::Local, AddressType::Anycast, AddressType::Unreachable];
        if !told || !by_route.into_iter().any(has) {
            return told;
        }
        has(environment.address_type(address, interface))
    }
}

fn mask(types: Option<Negatable<AddressTypes>>) -> u16 {
    types.map_or(0, |types| types.value.0)
}

fn flag(types: Option<Negatable<AddressTypes>>, flag: u32) -> u32 {
    types.filter(|types| types.not).map_or(0, |_| flag)
}

/// What a mask in a kernel structure means: 0 is no condition, and `None` an unknown type.
fn types(mask: u16, not: bool) -> Option<Option<Negatable<AddressTypes>>> {
    match mask {
        0 => Some(None),
        _ => AddressTypes::from_mask(mask).map(|value| Some(Negatable { value, not })),
    }
}

impl AddressTypes {
    const ALL: u16 = (1 << AddressType::ALL.len()) - 1;

    /// One kind.
    #[must_use]
    pub const fn one(kind: AddressType) -> Self {
        Self(1 << kind.number())
    }

    /// Both these kinds and those.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether `kind` is one of these.
    #[must_use]
    pub const fn contains(self, kind: AddressType) -> bool {
        self.0 & Self::one(kind).0 != 0
    }

    /// The kernel's mask (`XT_ADDRTYPE_*`); `None` if it is 0 or has an unknown bit.
    #[must_use]
    pub const fn from_mask(mask: u16) -> Option<Self> {
        if mask == 0 || mask & !Self::ALL != 0 { None } else { Some(Self(mask)) }
    }

    /// The kernel's mask.
    #[must_use]
    pub const fn mask(self) -> u16 {
        self.0
    }
}

impl Value for AddressTypes {
    const DOMAIN: Domain = Domain::PerFamily {
        ipv4: &Domain::Flags { choices: AddressType::CHOICES, separator: ',' },
        ipv6: &Domain::Flags { choices: &IPV6_CHOICES, separator: ',' },
    };

    /// The first kind whose name begins so is meant, in letters of either case.
    fn parse(text: &str, _: &Scope) -> Result<Self, ValueError> {
        let mut mask = 0;
        for word in text.split(',') {
            let word = word.to_ascii_uppercase();
            let kind = AddressType::ALL.iter().find(|kind| kind.name().starts_with(&word));
            mask |= kind
                .filter(|_| !word.is_empty())
                .map(|kind| Self::one(*kind).0)
                .ok_or(ValueError::UnknownName)?;
        }
        Self::from_mask(mask).ok_or(ValueError::Form)
    }

    fn write(&self, out: &mut String, _: &Scope) {
        let kinds = AddressType::ALL.iter().filter(|kind| self.contains(**kind));
        for (place, kind) in kinds.enumerate() {
            if place > 0 {
                out.push(',');
            }
            out.push_str(kind.name());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::testing::{layout_cases, text_cases};

    #[test]
    fn saved_forms() {
        text_cases! { Addrtype, Ipv4:
            "--src-type UNSPEC" => same, "--src-type unicast,Local" => "--src-type UNICAST,LOCAL",
            "--src-type LO" => "--src-type LOCAL", "--src-type UN" => "--src-type UNSPEC",
            "--src-type unr" => "--src-type UNREACHABLE", "--dst-type LOCAL,LOCAL" => "--dst-type LOCAL",
            "! --dst-type NAT,XRESOLVE,PROHIBIT,THROW,UNREACHABLE --src-type LOCAL" =>
                "--src-type LOCAL ! --dst-type UNREACHABLE,PROHIBIT,THROW,NAT,XRESOLVE",
            "--src-type LOCAL --limit-iface-in" => same, "! --dst-type LOCAL --limit-iface-out" => same,
            "--limit-iface-in --dst-type ANYCAST,BLACKHOLE" => "--dst-type ANYCAST,BLACKHOLE --limit-iface-in",
            "--src-type wrong" => fails, "--src-type LOCAL," => fails, "--src-type ,LOCAL" => fails, "" => fails,
            "--src-type LOCALE" => fails, "--limit-iface-in" => fails, "--limit-iface-out" => fails,
            "--src-type LOCAL ! --limit-iface-in" => fails, "--src-type LOCAL --src-type LOCAL" => fails,
            "--src-type LOCAL --limit-iface-in --limit-iface-out" => fails,
        }
        text_cases! { Addrtype, Ipv6: "! --src-type LOCAL --dst-type MULTICAST" => same }
    }

    #[test]
    fn kernel_structures() {
        layout_cases! { Addrtype, Ipv4: "! --src-type LOCAL --dst-type UNREACHABLE,PROHIBIT,THROW,NAT,XRESOLVE", 1 => "0400 800f 01", "--src-type LOCAL --limit-iface-in", 1 => "0400 0000 04", "! --dst-type LOCAL", 0 => "0000 0400 00000000 01" }
    }
}
