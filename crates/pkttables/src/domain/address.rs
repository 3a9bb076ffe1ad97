use super::{AddressText, parse_unsigned};
use crate::model::{AddressMask, Family};
use crate::registry::{Domain, Scope, Value, ValueError};
use std::fmt::{self, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Two addresses and all between them, written `FIRST-LAST`; a single one is both ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AddressRange {
    /// The lowest address.
    pub first: IpAddr,
    /// The highest address.
    pub last: IpAddr,
}

impl AddressRange {
    /// Reads both ends, in whatever order they are.
    pub fn parse_ends(text: &str, family: Family) -> Result<Self, ValueError> {
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        Ok(Self { first: parse_address(first, family)?, last: parse_address(last, family)? })
    }
}

/// Reads a numeric address of `family`.
///
/// An IPv4 address may leave out its last numbers, which are then 0; each number may be decimal, octal or hexadecimal.
pub fn parse_address(text: &str, family: Family) -> Result<IpAddr, ValueError> {
    match family {
        Family::Ipv4 => parse_v4(text).map(IpAddr::V4),
        Family::Ipv6 => text.parse().map(IpAddr::V6).map_err(|_| ValueError::Form),
    }
}

/// Reads a numeric address of `family` as options of extensions take it: of an IPv4 address with fewer than four
/// numbers the last number fills the rest, `10.1` is 10.0.0.1.
pub fn parse_host_address(text: &str, family: Family) -> Result<IpAddr, ValueError> {
    match parse_strict_address(text, family) {
        Err(_) if family == Family::Ipv4 => parse_short(text).map(IpAddr::V4),
        address => address,
    }
}

/// Reads a numeric address of `family` that is written out: four decimal numbers for IPv4.
pub fn parse_strict_address(text: &str, family: Family) -> Result<IpAddr, ValueError> {
    let address: IpAddr = text.parse().map_err(|_| ValueError::Form)?;
    if address.is_ipv4() == (family == Family::Ipv4) { Ok(address) } else { Err(ValueError::Form) }
}

/// Reads a numeric address as `inet_aton` does: of fewer than four numbers the last one fills the rest, `10.1` being
/// 10.0.0.1.
fn parse_short(text: &str) -> Result<Ipv4Addr, ValueError> {
    if text.contains(|character: char| character == '+' || character.is_ascii_whitespace()) {
        return Err(ValueError::Form);
    }
    let numbers: Vec<u64> = text.split('.').map(parse_unsigned).collect::<Result<_, _>>()?;
    let (&last, first) = numbers.split_last().ok_or(ValueError::Form)?;
    let mut bits = 0_u64;
    for (number, shift) in first.iter().zip([24, 16, 8]) {
        if *number > 255 {
            return Err(ValueError::Form);
        }
        bits |= number << shift;
    }
    let room = u32::try_from(first.len()).ok().and_then(|len| 32_u32.checked_sub(8 * len));
    match room.filter(|&room| room > 0) {
        Some(room) if last < 1 << room => {
            u32::try_from(bits | last).map(Ipv4Addr::from_bits).map_err(|_| ValueError::Form)
        }
        _ => Err(ValueError::Form),
    }
}

fn parse_v4(text: &str) -> Result<Ipv4Addr, ValueError> {
    // The usual spelling, which the standard library reads quickest.
    if let Ok(address) = text.parse() {
        return Ok(address);
    }
    if !text.starts_with(|first: char| first.is_ascii_digit()) {
        return Err(ValueError::Form);
    }
    let mut octets = [0; 4];
    let mut numbers = text.split('.');
    for octet in &mut octets {
        if let Some(number) = numbers.next() {
            *octet = u8::try_from(parse_unsigned(number)?).map_err(|_| ValueError::Form)?;
        }
    }
    if numbers.next().is_some() { Err(ValueError::Form) } else { Ok(octets.into()) }
}

impl AddressMask {
    /// Whether the address has the bits that count; not if it is of the other family.
    #[must_use]
    #[inline]
    pub fn contains(&self, address: IpAddr) -> bool {
        match (*self, address) {
            (Self::V4 { address: network, mask }, IpAddr::V4(address)) => {
                (network.to_bits() ^ address.to_bits()) & mask.to_bits() == 0
            }
            (Self::V6 { address: network, mask }, IpAddr::V6(address)) => {
                (network.to_bits() ^ address.to_bits()) & mask.to_bits() == 0
            }
            _ => false,
        }
    }

    /// An address and its mask; bits outside the mask are cleared. `None` if the families differ.
    #[must_use]
    pub fn new(address: IpAddr, mask: IpAddr) -> Option<Self> {
        match (address, mask) {
            (IpAddr::V4(address), IpAddr::V4(mask)) => Some(Self::V4 { address: address & mask, mask }),
            (IpAddr::V6(address), IpAddr::V6(mask)) => Some(Self::V6 { address: address & mask, mask }),
            _ => None,
        }
    }

    /// An address of which the first `bits` bits count; `None` if it has fewer.
    #[must_use]
    pub fn prefix(address: IpAddr, bits: u8) -> Option<Self> {
        match address {
            IpAddr::V4(_) => {
                let zeros = 32_u32.checked_sub(bits.into())?;
                Self::new(address, IpAddr::V4(Ipv4Addr::from_bits(u32::MAX.checked_shl(zeros).unwrap_or(0))))
            }
            IpAddr::V6(_) => {
                let zeros = 128_u32.checked_sub(bits.into())?;
                Self::new(address, IpAddr::V6(Ipv6Addr::from_bits(u128::MAX.checked_shl(zeros).unwrap_or(0))))
            }
        }
    }

    /// How many leading bits count; `None` if the mask has gaps.
    #[must_use]
    pub fn prefix_len(&self) -> Option<u8> {
        let (leading, ones) = match *self {
            Self::V4 { mask, .. } => (mask.to_bits().leading_ones(), mask.to_bits().count_ones()),
            Self::V6 { mask, .. } => (mask.to_bits().leading_ones(), mask.to_bits().count_ones()),
        };
        u8::try_from(leading).ok().filter(|_| leading == ones)
    }

    /// The address, bits outside the mask being 0.
    #[must_use]
    pub const fn address(&self) -> IpAddr {
        match *self {
            Self::V4 { address, .. } => IpAddr::V4(address),
            Self::V6 { address, .. } => IpAddr::V6(address),
        }
    }

    /// The mask.
    #[must_use]
    pub const fn mask(&self) -> IpAddr {
        match *self {
            Self::V4 { mask, .. } => IpAddr::V4(mask),
            Self::V6 { mask, .. } => IpAddr::V6(mask),
        }
    }

    /// Whether no bit counts, so that every address is meant.
    #[must_use]
    pub fn is_any(&self) -> bool {
        self.mask().is_unspecified()
    }
}

/// Reads what stands behind the `/`: a prefix length, or a mask in the form of an address.
pub fn parse_mask(text: &str, family: Family) -> Result<IpAddr, ValueError> {
    let any = match family {
        Family::Ipv4 => IpAddr::V4(Ipv4Addr::BROADCAST),
        Family::Ipv6 => IpAddr::V6(Ipv6Addr::from_bits(u128::MAX)),
    };
    let max = family.address_bits().into();
    match parse_unsigned(text) {
        Ok(bits) => {
            let bits = u8::try_from(bits).ok().and_then(|bits| AddressMask::prefix(any, bits));
            bits.map(|prefix| prefix.mask()).ok_or(ValueError::OutOfRange { min: 0, max })
        }
        Err(_) if family == Family::Ipv4 && text.split('.').count() != 4 => Err(ValueError::Form),
        Err(_) => parse_address(text, family),
    }
}

impl fmt::Display for AddressMask {
    /// Writes `ADDRESS/LENGTH`, or `ADDRESS/MASK` if the mask has gaps.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.prefix_len() {
            Some(bits) => write!(f, "{}/{bits}", AddressText(self.address())),
            None => write!(f, "{}/{}", AddressText(self.address()), AddressText(self.mask())),
        }
    }
}

impl Value for IpAddr {
    const DOMAIN: Domain = Domain::Address;

    fn parse(text: &str, scope: &Scope) -> Result<Self, ValueError> {
        parse_address(text, scope.family)
    }

    fn write(&self, out: &mut String, _: &Scope) {
        let _ = write!(out, "{}", AddressText(*self));
    }
}

impl Value for AddressMask {
    const DOMAIN: Domain = Domain::Prefix;

    fn parse(text: &str, scope: &Scope) -> Result<Self, ValueError> {
        let (address, mask) =
            text.split_once('/').map_or((text, None), |(address, mask)| (address, Some(mask)));
        let address = parse_address(address, scope.family)?;
        match mask {
            Some(mask) => Self::new(address, parse_mask(mask, scope.family)?),
            None => Self::prefix(address, scope.family.address_bits()),
        }
        .ok_or(ValueError::Form)
    }

    fn write(&self, out: &mut String, _: &Scope) {
        let _ = write!(out, "{self}");
    }
}

impl Value for AddressRange {
    const DOMAIN: Domain = Domain::Range { of: &Domain::Address, separator: '-' };

    fn parse(text: &str, scope: &Scope) -> Result<Self, ValueError> {
        let range = Self::parse_ends(text, scope.family)?;
        if range.first <= range.last { Ok(range) } else { Err(ValueError::Reversed) }
    }

    fn write(&self, out: &mut String, _: &Scope) {
        let _ = write!(out, "{}-{}", AddressText(self.first), AddressText(self.last));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn printed(text: &str, family: Family) -> Result<String, ValueError> {
        AddressMask::parse(text, &Scope { family, protocol: None }).map(|parsed| parsed.to_string())
    }

    #[test]
    fn ipv4_forms() {
        for (text, saved) in [
            ("10/8", "10.0.0.0/8"),
            ("10.1", "10.1.0.0/32"),
            ("1.2.3.4/255.255.0.255", "1.2.0.4/255.255.0.255"),
            ("1.2.3.4/255.0.0.0", "1.0.0.0/8"),
            ("01.2.3.4", "1.2.3.4/32"),
            ("0x0a.1.1.1", "10.1.1.1/32"),
            ("1.2.3.4/0", "0.0.0.0/0"),
            ("1.2.3.4/+8", "1.0.0.0/8"),
        ] {
            assert_eq!(printed(text, Family::Ipv4).as_deref(), Ok(saved), "{text}");
        }
        for bad in
            ["1.2.3.4/33", "1.2.3.4/", "1.2.3.4/08", "256.1.1.1", "1.2.3.4.5", "", "::1", "1.2.3.4/255.0"]
        {
            assert!(printed(bad, Family::Ipv4).is_err(), "{bad}");
        }
    }

    #[test]
    fn ipv6_forms() {
        for (text, saved) in [
            ("::1", "::1/128"),
            ("1::1/ffff::", "1::/16"),
            ("1::2/ffff::ff00", "1::/ffff::ff00"),
            ("::ffff:1.2.3.4", "::ffff:1.2.3.4/128"),
            ("::1:80", "::0.1.0.128/128"),
            ("::1.2.3.4/127", "::1.2.3.4/127"),
            ("::ffff", "::ffff/128"),
            ("1::5/::ffff:ffff", "::5/::255.255.255.255"),
        ] {
            assert_eq!(printed(text, Family::Ipv6).as_deref(), Ok(saved), "{text}");
        }
        assert!(printed("1::2/129", Family::Ipv6).is_err());
        assert!(printed("1.2.3.4", Family::Ipv6).is_err());
    }

    proptest! {
        #[test]
        fn what_is_printed_parses_to_the_same(address: u128, mask: u128, bits in 0u8..=128) {
            for mask in [mask, u128::MAX.checked_shl(128 - u32::from(bits)).unwrap_or(0)] {
                let v6 = AddressMask::new(Ipv6Addr::from_bits(address).into(), Ipv6Addr::from_bits(mask).into());
                let v4 = AddressMask::new(
                    Ipv4Addr::from_bits(address as u32).into(), Ipv4Addr::from_bits((mask >> 96) as u32).into());
                for (value, family) in [(v6, Family::Ipv6), (v4, Family::Ipv4)] {
                    let value = value.expect("one family");
                    let again = AddressMask::parse(&value.to_string(), &Scope { family, protocol: None });
                    prop_assert_eq!(again, Ok(value));
                }
            }
        }
    }
}
