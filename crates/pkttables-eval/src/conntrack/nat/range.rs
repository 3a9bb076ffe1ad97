use std::net::IpAddr;

use pkttables::model::Family;

use crate::conntrack::headers::address;

/// What an address translation may choose from: `struct nf_nat_range2` of the kernel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NatRange {
    /// The first and the last address; none to keep the address.
    pub addresses: Option<(IpAddr, IpAddr)>,
    /// The first and the last port, ICMP identifier or GRE key; none to keep it if it is free.
    pub ports: Option<(u16, u16)>,
    /// `--random`: the search for a free port begins anywhere.
    pub random: bool,
    /// `--random-fully`: the port is never kept.
    pub random_fully: bool,
    /// `--persistent`: a client gets the same address for every destination.
    pub persistent: bool,
    /// The port that is translated to the first one of the range, and the next ones accordingly.
    pub base_port: Option<u16>,
}

impl NatRange {
    /// One address, any port.
    #[must_use]
    pub fn address(address: IpAddr) -> Self {
        Self { addresses: Some((address, address)), ..Self::default() }
    }

    /// Addresses as `-j NETMAP --to` makes them: the network part of `network`, the rest of `address`.
    #[must_use]
    pub fn netmap(address: IpAddr, network: IpAddr, mask: IpAddr) -> Option<Self> {
        let mapped = match (address, network, mask) {
            (IpAddr::V4(host), IpAddr::V4(net), IpAddr::V4(mask)) => {
                let mask = mask.to_bits();
                IpAddr::from((host.to_bits() & !mask | net.to_bits() & mask).to_be_bytes())
            }
            (IpAddr::V6(host), IpAddr::V6(net), IpAddr::V6(mask)) => {
                let mask = mask.to_bits();
                IpAddr::from((host.to_bits() & !mask | net.to_bits() & mask).to_be_bytes())
            }
            _ => return None,
        };
        Some(Self::address(mapped))
    }

    pub(super) const fn contains_port(&self, port: u16) -> bool {
        match self.ports {
            Some((first, last)) => first <= port && port <= last,
            None => true,
        }
    }

    pub(super) fn contains_address(&self, family: Family, octets: [u8; 16]) -> bool {
        let address = address(family, octets);
        self.addresses.is_none_or(|(first, last)| first <= address && address <= last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn netmap_keeps_the_host_part() {
        let map = |address: &str, network: &str, mask: &str| {
            NatRange::netmap(address.parse().unwrap(), network.parse().unwrap(), mask.parse().unwrap())
        };
        let wanted = |text: &str| Some(NatRange::address(text.parse().unwrap()));
        assert_eq!(map("10.1.2.3", "192.168.0.0", "255.255.0.0"), wanted("192.168.2.3"));
        assert_eq!(map("fd00::1:2", "fd01::", "ffff::"), wanted("fd01::1:2"));
        assert_eq!(map("10.1.2.3", "fd01::", "ffff::"), None);
    }
}
