use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// An address as the C library writes it: of an IPv6 address of which the first 96 bits are 0 and the next 16 are
/// not, the rest stands as an IPv4 address.
///
/// ```
/// use pkttables::domain::AddressText;
/// let text = |text: &str| AddressText(text.parse().unwrap()).to_string();
/// assert_eq!((text("::1:80"), text("::80"), text("::ffff:1:80")), ("::0.1.0.128".into(), "::80".into(), "::ffff:0.1.0.128".into()));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AddressText(pub IpAddr);

impl From<Ipv6Addr> for AddressText {
    fn from(address: Ipv6Addr) -> Self {
        Self(address.into())
    }
}

impl fmt::Display for AddressText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            IpAddr::V4(address) => address.fmt(f),
            IpAddr::V6(address) => match u32::try_from(address.to_bits()) {
                Ok(low) if low > 0xffff => write!(f, "::{}", Ipv4Addr::from_bits(low)),
                _ => address.fmt(f),
            },
        }
    }
}
