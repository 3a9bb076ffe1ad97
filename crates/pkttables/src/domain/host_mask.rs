use super::{AddressText, PrefixLen, parse_host_address, parse_mask};
use crate::model::{AddressMask, Family};
use crate::registry::{Domain, InfoReader, InfoWriter, Scope, Value, ValueError};
use nfnetlink::wire::DecodeError;
use std::fmt::{self, Write as _};
use std::hash::{Hash, Hasher};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// An address and the bits of it that count, of which the others are kept and printed too.
///
/// Written `ADDRESS`, `ADDRESS/LENGTH`, or `ADDRESS/MASK` if the mask has gaps.
///
/// Two are equal that mean the same addresses, however the rest of the mask's field is filled.
#[derive(Clone, Copy, Debug, Eq)]
pub struct HostMask {
    /// The address.
    pub address: IpAddr,
    /// The bits that count, an address of the same family.
    pub mask: IpAddr,
    /// Whether an IPv4 mask has ones in the unused rest of its field in kernel structures.
    ///
    /// It has where no mask was written or one with gaps, and not where it says a prefix length. Other programs do so
    /// too, and compare the whole field to find a rule; the kernel does not look at it.
    pub filled: bool,
}

impl PartialEq for HostMask {
    fn eq(&self, other: &Self) -> bool {
        (self.address, self.mask) == (other.address, other.mask)
    }
}

impl Hash for HostMask {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.address, self.mask).hash(state);
    }
}

impl HostMask {
    /// The mask in which every bit counts.
    #[must_use]
    pub const fn full_mask(family: Family) -> IpAddr {
        match family {
            Family::Ipv4 => IpAddr::V4(Ipv4Addr::BROADCAST),
            Family::Ipv6 => IpAddr::V6(Ipv6Addr::from_bits(u128::MAX)),
        }
    }

    /// Writes address and mask, each as `union nf_inet_addr`.
    pub fn encode(&self, w: &mut InfoWriter<'_>) {
        w.inet_addr(self.address);
        match self.mask {
            IpAddr::V4(mask) if self.filled => {
                w.bytes(&mask.octets());
                w.bytes(&[0xff; 12]);
            }
            mask => w.inet_addr(mask),
        }
    }

    /// Reads address and mask.
    pub fn decode(r: &mut InfoReader<'_>, family: Family) -> Result<Self, DecodeError> {
        let address = r.inet_addr(family, "address")?;
        let mut rest = **r;
        let mask = r.inet_addr(family, "mask")?;
        rest.take(4, "mask")?;
        let filled = family == Family::Ipv4 && rest.array("mask")? == [0xff; 12];
        Ok(Self { address, mask, filled })
    }

    /// How many leading bits count; `None` if the mask has gaps.
    #[must_use]
    pub fn prefix_len(&self) -> Option<u8> {
        AddressMask::new(self.address, self.mask)?.prefix_len()
    }

    /// Whether `address` equals this one in all bits that count.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let masked = |address| AddressMask::new(address, self.mask);
        masked(address).is_some_and(|masked_address| masked(self.address) == Some(masked_address))
    }
}

impl fmt::Display for HostMask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = if self.mask.is_ipv4() { 32 } else { 128 };
        match self.prefix_len() {
            Some(bits) if bits == width => write!(f, "{}", AddressText(self.address)),
            Some(bits) => write!(f, "{}/{bits}", AddressText(self.address)),
            None => write!(f, "{}/{}", AddressText(self.address), AddressText(self.mask)),
        }
    }
}

impl Value for HostMask {
    const DOMAIN: Domain = Domain::Prefix;

    fn parse(text: &str, scope: &Scope) -> Result<Self, ValueError> {
        let (address, mask) = match text.split_once('/') {
            Some((address, mask)) => (address, Some(parse_mask(mask, scope.family)?)),
            None => (text, None),
        };
        let filled =
            scope.family == Family::Ipv4 && mask.is_none_or(|mask| PrefixLen::of_mask(mask).is_none());
        let mask = mask.unwrap_or_else(|| Self::full_mask(scope.family));
        Ok(Self { address: parse_host_address(address, scope.family)?, mask, filled })
    }

    fn write(&self, out: &mut String, _: &Scope) {
        let _ = write!(out, "{self}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_that_do_not_count_are_kept() {
        for (text, printed) in [
            ("1.2.3.4", "1.2.3.4"),
            ("1.2.3.4/32", "1.2.3.4"),
            ("1.2.3.4/24", "1.2.3.4/24"),
            ("1.2.3.4/255.0.255.0", "1.2.3.4/255.0.255.0"),
            ("1.2.3.4/0", "1.2.3.4/0"),
            ("1.2/255.255.0.0", "1.0.0.2/16"),
        ] {
            let parsed = HostMask::parse(text, &Scope { family: Family::Ipv4, protocol: None });
            assert_eq!(parsed.map(|parsed| parsed.to_string()).as_deref(), Ok(printed));
        }
        let four = |text| HostMask::parse(text, &Scope { family: Family::Ipv4, protocol: None });
        assert_eq!(four("1.2.3.4/255.255.0.0"), four("1.2.3.4/16"));
        let [written, left_out] = ["1.2.3.4/32", "1.2.3.4"].map(|text| four(text).expect("an address"));
        assert_eq!(written, left_out);
        assert!(!written.filled && left_out.filled);
        let scope = Scope { family: Family::Ipv6, protocol: None };
        let six = HostMask::parse("2001:db8::1/ffff::ffff", &scope).expect("an address");
        assert_eq!(six.to_string(), "2001:db8::1/ffff::ffff");
        assert!(six.contains("2001:1234::1".parse().expect("an address")));
        assert!(!six.contains("2001:db8::2".parse().expect("an address")));
        assert!(!six.contains("1.2.3.4".parse().expect("an address")));
    }
}
