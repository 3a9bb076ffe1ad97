use super::{parse_strict_address, parse_unsigned};
use crate::model::Family;
use crate::registry::{Domain, Scope, Value, ValueError};
use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr};

/// The address of one host. Of an IPv4 address with fewer than four numbers the last number fills the rest, as in
/// `inet_aton`: `10.1` is 10.0.0.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct HostAddress(pub IpAddr);

impl Value for HostAddress {
    const DOMAIN: Domain = Domain::Address;

    fn parse(text: &str, scope: &Scope) -> Result<Self, ValueError> {
        match parse_strict_address(text, scope.family) {
            Err(_) if scope.family == Family::Ipv4 => parse_short(text).map(|address| Self(address.into())),
            address => address.map(Self),
        }
    }

    fn write(&self, out: &mut String, _: &Scope) {
        let _ = write!(out, "{}", self.0);
    }
}

fn parse_short(text: &str) -> Result<Ipv4Addr, ValueError> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_number_fills_the_rest() {
        let scope = Scope { family: Family::Ipv4, protocol: None };
        let parse = |text| HostAddress::parse(text, &scope).map(|HostAddress(address)| address.to_string());
        for (text, address) in
            [("10.1", "10.0.0.1"), ("10.1.258", "10.1.1.2"), ("1", "0.0.0.1"), ("0x0a.1.2.010", "10.1.2.8")]
        {
            assert_eq!(parse(text).as_deref(), Ok(address));
        }
        for bad in ["", "1.2.3.256", "256.1", "1.2.3.4.5", "4294967296", "1.2.3.", "::1", "1.1.1.1/8"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
