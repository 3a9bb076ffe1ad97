//! `-j NETMAP`: changes the network of addresses and keeps their host part.
use crate::domain::NatRange;
use crate::extension;
use crate::model::{AddressMask, Families, Hook, Hooks, Tables};
use crate::packet::Packet;
use crate::registry::{Action, Context, Extension, Lister, Revision, Translation};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The `NETMAP` target.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Netmap {
    /// The new network, from its lowest to its highest address.
    pub range: NatRange,
}

extension! {
    /// Map a whole network onto another: change the network part of an address and keep the rest.
    ///
    /// In PREROUTING and OUTPUT it is the destination that changes, in INPUT and POSTROUTING the source. Give the
    /// network that is mapped with `-d` or `-s`.
    target "NETMAP" => Netmap {
        tables: Tables::NAT,
        hooks: Hooks::PREROUTING.union(Hooks::INPUT).union(Hooks::OUTPUT).union(Hooks::POSTROUTING),
    } params {
        /// The new network, with its prefix length or mask; a single address if there is none.
        "to": AddressMask {
            set: |m, to, _| m.range.to.addresses = Some(ends(to)),
            get: |m| m.network().map(|to| (to, false)),
            required: true,
        }
    }
}

impl Netmap {
    /// The new network.
    #[must_use]
    pub fn network(&self) -> Option<AddressMask> {
        let mask = match self.range.to.addresses? {
            (IpAddr::V4(min), IpAddr::V4(max)) => IpAddr::V4((!(min.to_bits() ^ max.to_bits())).into()),
            (IpAddr::V6(min), IpAddr::V6(max)) => IpAddr::V6((!(min.to_bits() ^ max.to_bits())).into()),
            _ => return None,
        };
        AddressMask::new(self.range.to.addresses?.0, mask)
    }
}

/// The lowest and the highest address of a network.
fn ends(network: AddressMask) -> (IpAddr, IpAddr) {
    match network {
        AddressMask::V4 { address, mask } => (address.into(), IpAddr::V4(address | !mask)),
        AddressMask::V6 { address, mask } => (address.into(), IpAddr::V6(address | !mask)),
    }
}

impl Extension for Netmap {
    fn act(&self, packet: &Packet<'_>, context: &mut Context<'_>) -> Action {
        let source = matches!(context.hook, Hook::Input | Hook::Postrouting);
        let old = if source { packet.layout.source } else { packet.layout.destination };
        let address = match (self.range.to.addresses, old) {
            (Some((IpAddr::V4(min), IpAddr::V4(max))), IpAddr::V4(old)) => {
                let mask = !(min.to_bits() ^ max.to_bits());
                Ipv4Addr::from_bits(old.to_bits() & !mask | min.to_bits() & mask).into()
            }
            (Some((IpAddr::V6(min), IpAddr::V6(max))), IpAddr::V6(old)) => {
                let mask = !(min.to_bits() ^ max.to_bits());
                Ipv6Addr::from_bits(old.to_bits() & !mask | min.to_bits() & mask).into()
            }
            _ => return Action::Unsupported,
        };
        Action::Translate(Translation { source, range: self.range.with_address(address) })
    }

    const REVISIONS: &'static [Revision<Self>] =
        &[NatRange::range(0, Families::IPV6), NatRange::multi_range(0)];

    fn list(&self, out: &mut Lister<'_>) {
        out.each(self, |out, _, _, text| out.add(format_args!(" to:{text}")));
    }
}

impl From<NatRange> for Netmap {
    fn from(range: NatRange) -> Self {
        Self { range }
    }
}

impl AsRef<NatRange> for Netmap {
    fn as_ref(&self) -> &NatRange {
        &self.range
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::testing::text_cases;

    #[test]
    fn saved_forms() {
        text_cases! { Netmap, Ipv4:
            "--to 1.2.3.4" => "--to 1.2.3.4/32", "--to 1.2.3.4/24" => "--to 1.2.3.0/24",
            "--to 1.2.3.4/255.255.0.0" => "--to 1.2.0.0/16", "--to 1.2.3.4/255.0.255.0" => "--to 1.0.3.0/255.0.255.0",
            "--to 0/0" => "--to 0.0.0.0/0",
            "--to 1.2.3.4/" => fails, "" => fails, "--to 1.1.1.1 --to 1.1.1.2" => fails, "--to ::/0" => fails,
        }
        text_cases! { Netmap, Ipv6:
            "--to dead::/64" => same, "--to dead::beef" => "--to dead::beef/128", "--to ::/0" => same,
            "--to dead::beef/ffff::ff" => "--to dead::ef/ffff::ff", "--to dead::beef/ffff::" => "--to dead::/16",
        }
    }
}
