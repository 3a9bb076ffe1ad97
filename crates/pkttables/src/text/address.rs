use super::problem::Problem;
use crate::domain::{parse_address, parse_mask};
use crate::model::{AddressMask, Family};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, ToSocketAddrs};

/// Finds the addresses of a host; none if it is not known.
pub type Resolver = fn(&str, Family) -> Vec<IpAddr>;

/// What follows `-s` or `-d`: one address with its mask, or several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Addresses {
    pub(super) first: AddressMask,
    pub(super) others: Vec<AddressMask>,
}

/// Asks the system's resolver.
#[must_use]
pub fn resolve_host(name: &str, family: Family) -> Vec<IpAddr> {
    let Ok(found) = (name, 0).to_socket_addrs() else {
        return Vec::new();
    };
    let wanted = |address: &IpAddr| address.is_ipv4() == (family == Family::Ipv4);
    found.map(|socket| socket.ip()).filter(wanted).collect()
}

impl Addresses {
    /// Reads a list of addresses or host names, each with an optional mask.
    pub(super) fn parse(text: &str, family: Family, resolver: Resolver) -> Result<Self, Problem> {
        if family == Family::Ipv4
            && let Some(first) = usual(text)
        {
            return Ok(Self { first, others: Vec::new() });
        }
        let mut found = None;
        for item in text.split(',') {
            parse_item(item.trim_ascii_start(), family, resolver, &mut found)?;
        }
        found.ok_or_else(|| Problem::UnknownHost(text.into()))
    }

    /// All of them, if they are several.
    pub(super) fn several(&self) -> Vec<AddressMask> {
        match &*self.others {
            [] => Vec::new(),
            others => std::iter::once(self.first).chain(others.iter().copied()).collect(),
        }
    }
}

/// Reads one IPv4 address as it is mostly written, in four decimal numbers, with or without a prefix length: this is
/// quicker than looking for all that there may be.
fn usual(text: &str) -> Option<AddressMask> {
    let (mut bits, mut dots, mut number) = (0_u32, 0, None);
    let mut bytes = text.bytes();
    let mut has_prefix = false;
    for byte in bytes.by_ref() {
        match byte {
            b'0'..=b'9' => {
                let digit = u32::from(byte - b'0');
                number = match number {
                    None => Some(digit),
                    // A number that begins with a zero is octal.
                    Some(0) => return None,
                    Some(tens) => Some(tens * 10 + digit).filter(|&number| number <= 255),
                };
                number?;
            }
            b'.' => {
                bits = bits << 8 | number.take()?;
                dots += 1;
            }
            b'/' => {
                has_prefix = true;
                break;
            }
            _ => return None,
        }
    }
    let address = (dots == 3).then_some(bits << 8 | number?)?;
    let prefix = match (has_prefix, bytes.next(), bytes.next(), bytes.next()) {
        (false, ..) => 32,
        (true, Some(ones @ b'0'..=b'9'), None, _) => ones - b'0',
        (true, Some(tens @ b'1'..=b'3'), Some(ones @ b'0'..=b'9'), None) => (tens - b'0') * 10 + ones - b'0',
        _ => return None,
    };
    AddressMask::prefix(IpAddr::V4(Ipv4Addr::from_bits(address)), prefix)
}

fn parse_item(
    text: &str,
    family: Family,
    resolver: Resolver,
    found: &mut Option<Addresses>,
) -> Result<(), Problem> {
    let mut add = |address: IpAddr, mask: Option<IpAddr>| {
        let masked = match mask {
            Some(mask) => AddressMask::new(address, mask),
            None => AddressMask::prefix(address, family.address_bits()),
        };
        match (masked, found.as_mut()) {
            (Some(first), None) => *found = Some(Addresses { first, others: Vec::new() }),
            (Some(other), Some(found)) => found.others.push(other),
            (None, _) => {}
        }
    };
    let (name, mask) = match text.rsplit_once('/') {
        Some((name, mask)) => {
            (name, Some(parse_mask(mask, family).map_err(|_| Problem::BadMask(mask.into()))?))
        }
        None => (text, None),
    };
    if mask.is_some_and(|mask| mask.is_unspecified()) {
        // Where no bit counts, the name does not count either.
        add(any(family), mask);
    } else if let Ok(address) = parse_address(name, family) {
        add(address, mask);
    } else {
        let addresses = if name.is_empty() { Vec::new() } else { resolver(name, family) };
        if addresses.is_empty() {
            return Err(Problem::UnknownHost(name.into()));
        }
        addresses.into_iter().for_each(|address| add(address, mask));
    }
    Ok(())
}

const fn any(family: Family) -> IpAddr {
    match family {
        Family::Ipv4 => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        Family::Ipv6 => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolver(name: &str, family: Family) -> Vec<IpAddr> {
        match (name, family) {
            ("two.example", Family::Ipv4) => vec![[192, 0, 2, 1].into(), [192, 0, 2, 2].into()],
            _ => Vec::new(),
        }
    }

    fn parse(text: &str, family: Family) -> Result<Vec<String>, Problem> {
        let found = Addresses::parse(text, family, resolver)?;
        Ok(std::iter::once(found.first).chain(found.others).map(|address| address.to_string()).collect())
    }

    #[test]
    fn addresses_masks_and_hosts() {
        for (text, expected) in [
            ("10.0.0.1", &["10.0.0.1/32"][..]),
            ("10/8", &["10.0.0.0/8"]),
            ("010.0.0.1/255.0.255.0", &["8.0.0.0/255.0.255.0"]),
            ("1.2.3.4/24, 0x10.1", &["1.2.3.0/24", "16.1.0.0/32"]),
            ("any/0", &["0.0.0.0/0"]),
            ("two.example/31,1.1.1.1", &["192.0.2.0/31", "192.0.2.2/31", "1.1.1.1/32"]),
        ] {
            assert_eq!(
                parse(text, Family::Ipv4).as_deref(),
                Ok(&*expected.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>()),
                "{text}"
            );
        }
        assert_eq!(parse("2001:db8::1/ffff::", Family::Ipv6), Ok(vec!["2001::/16".into()]));
        assert_eq!(parse("::1/128,x/0", Family::Ipv6), Ok(vec!["::1/128".into(), "::/0".into()]));
    }

    #[test]
    fn the_usual_spelling_means_what_any_other_does() {
        for text in [
            "1.2.3.4",
            "255.255.255.255/32",
            "10.1.2.3/8",
            "10.1.2.3/0",
            "10.1.2.3/39",
            "10.1.2.3/33",
            "1.2.3.4/",
            "1.2.3.256",
            "1.2.3.4.5",
            "1.2.3",
            "1..2.3",
            ".1.2.3",
            "1.2.3.",
            "1.2.3.04",
            "1.2.3.4/08",
            "1.2.3.4/010",
            "1.2.3.4/a",
            "1.2.3.4/255",
            "1.2.3.4/1,5.6.7.8",
            "",
            "/8",
            "0.0.0.0",
            "0.1.00.3",
        ] {
            let mut found = None;
            let parsed = parse_item(text, Family::Ipv4, resolver, &mut found);
            let slow = parsed.ok().and(found).map(|found| found.first);
            assert!(usual(text).is_none_or(|quick| Some(quick) == slow), "{text}");
        }
        assert!(
            ["1.2.3.4", "10.1.2.3/8", "0.0.0.0/0", "9.8.7.6/32"].iter().all(|text| usual(text).is_some())
        );
    }

    #[test]
    fn what_is_no_address() {
        for (text, name) in [("1.2.3.4.5", "1.2.3.4.5"), ("1.1.1.1,", ""), ("", ""), ("::1", "::1")] {
            assert_eq!(parse(text, Family::Ipv4), Err(Problem::UnknownHost(name.into())), "{text}");
        }
        assert_eq!(parse("1.2.3.4/33", Family::Ipv4), Err(Problem::BadMask("33".into())));
        assert_eq!(parse("1.2.3.4/255.0", Family::Ipv4), Err(Problem::BadMask("255.0".into())));
        assert_eq!(parse("::1/129", Family::Ipv6), Err(Problem::BadMask("129".into())));
        assert_eq!(parse("1.1.1.1", Family::Ipv6), Err(Problem::UnknownHost("1.1.1.1".into())));
    }
}
