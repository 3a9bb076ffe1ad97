use super::{AddressText, parse_host_address};
use crate::registry::{Domain, Scope, Value, ValueError};
use std::fmt::Write as _;
use std::net::IpAddr;

/// The address of one host, as [`parse_host_address`] reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct HostAddress(pub IpAddr);

impl Value for HostAddress {
    const DOMAIN: Domain = Domain::Address;

    fn parse(text: &str, scope: &Scope) -> Result<Self, ValueError> {
        parse_host_address(text, scope.family).map(Self)
    }

    fn write(&self, out: &mut String, _: &Scope) {
        let _ = write!(out, "{}", AddressText(self.0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Family;

    #[test]
    fn the_last_number_fills_the_rest() {
        let scope = Scope { family: Family::Ipv4, protocol: None };
        let parse = |text| HostAddress::parse(text, &scope).map(|HostAddress(address)| address.to_string());
        for (text, address) in
            [("10.1", "10.0.0.1"), ("10.1.258", "10.1.1.2"), ("1", "0.0.0.1"), ("0x0a.1.2.010", "10.1.2.8")]
        {
            assert_eq!(parse(text).as_deref(), Ok(address));
        }
        for bad in [
            "",
            "1.2.3.256",
            "256.1",
            "1.2.3.4.5",
            "4294967296",
            "1.2.3.",
            "::1",
            "1.1.1.1/8",
            " 1",
            "1. 2",
            "1.+2",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
