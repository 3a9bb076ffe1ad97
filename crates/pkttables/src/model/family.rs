use bitflags::bitflags;

/// An address family that has tables of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Family {
    /// IPv4, what `iptables` works on.
    Ipv4,
    /// IPv6, what `ip6tables` works on.
    Ipv6,
}

bitflags! {
    /// A set of families.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub struct Families: u8 {
        /// IPv4.
        const IPV4 = 1;
        /// IPv6.
        const IPV6 = 2;
    }
}

impl Family {
    /// Both families.
    pub const ALL: [Self; 2] = [Self::Ipv4, Self::Ipv6];

    /// The number netfilter knows it by (`NFPROTO_*`).
    #[must_use]
    pub const fn nfproto(self) -> u8 {
        match self {
            Self::Ipv4 => 2,
            Self::Ipv6 => 10,
        }
    }

    /// How many bits an address has.
    #[must_use]
    pub const fn address_bits(self) -> u8 {
        match self {
            Self::Ipv4 => 32,
            Self::Ipv6 => 128,
        }
    }
}

impl Families {
    /// Whether `family` is in the set.
    #[must_use]
    pub const fn has(self, family: Family) -> bool {
        self.contains(match family {
            Family::Ipv4 => Self::IPV4,
            Family::Ipv6 => Self::IPV6,
        })
    }
}
