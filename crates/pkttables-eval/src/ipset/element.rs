use super::key::{Interface, Key, Network, bits, mask, width};
use super::kind::{Part, Storage};
use super::set::Options;
use super::words::{Error, Problem, Words, number};
use pkttables::domain::{IcmpType, Mac, parse_address};
use pkttables::model::{Family, protocol};
use pkttables::packet::InterfaceName;
use pkttables::registry::{Scope, Value as _};
use pkttables::system::{Protocols, Services};
use std::ops::RangeInclusive;

/// The entries that one line stands for.
#[derive(Debug)]
pub(super) struct Elements {
    key: Key,
    networks: [Choice; 2],
    ports: RangeInclusive<u16>,
}

/// Addresses or networks one after another.
#[derive(Debug)]
enum Choice {
    Addresses { first: u128, last: u128, prefix: u8 },
    Networks(Vec<Network>),
}

impl Default for Choice {
    fn default() -> Self {
        Self::Addresses { first: 0, last: 0, prefix: 0 }
    }
}

impl Choice {
    fn len(&self) -> u128 {
        match self {
            Self::Addresses { first, last, .. } => (last - first).saturating_add(1),
            Self::Networks(networks) => networks.len() as u128,
        }
    }

    fn iter(&self) -> impl Iterator<Item = Network> + Clone {
        let (range, prefix, listed) = match self {
            Self::Addresses { first, last, prefix } => (Some(*first..=*last), *prefix, &[][..]),
            Self::Networks(networks) => (None, 0, &**networks),
        };
        let counted = range.into_iter().flatten().map(move |address| Network { address, prefix });
        counted.chain(listed.iter().copied())
    }
}

/// How many entries a line may stand for.
const MAX: u128 = 1 << 20;

impl Elements {
    /// Reads the word read last as entries of a set with these options.
    pub(super) fn parse(options: &Options, word: &str, words: &Words<'_>) -> Result<Self, Error> {
        let mut elements = Self { key: Key::default(), networks: Default::default(), ports: 0..=0 };
        let mut networks = elements.networks.iter_mut();
        let mut texts = word.split(',');
        let is_bitmap = options.kind.storage == Storage::Bitmap;
        for part in options.kind.parts {
            let Some(text) = texts.next() else {
                if *part == Part::Mac && is_bitmap {
                    continue;
                }
                return Err(words.unexpected(word, "more parts, with commas between them"));
            };
            let bad = |expected| words.unexpected(text, expected);
            match part {
                Part::Address | Part::Network => {
                    let Some(place) = networks.next() else { continue };
                    *place = addresses(options, *part, text).map_err(bad)?;
                }
                Part::Port | Part::PlainPort => {
                    let family = options.family.unwrap_or(Family::Ipv4);
                    (elements.key.protocol, elements.ports) = ports(text, family).map_err(bad)?;
                    if *part == Part::PlainPort {
                        elements.key.protocol = 0;
                    }
                }
                Part::Mac => {
                    let scope = Scope { family: Family::Ipv4, protocol: None };
                    let mac = Mac::parse(text, &scope).map_err(|_| bad("a MAC address"))?;
                    elements.key.mac = mac.0;
                }
                Part::Mark => {
                    let mark = number(text).and_then(|number| u32::try_from(number).ok());
                    elements.key.mark = mark.ok_or_else(|| bad("a mark of 32 bits"))? & options.mark_mask;
                }
                Part::Interface => elements.key.interface = interface(text).map_err(bad)?,
                Part::Set => return Err(bad("an entry")),
            }
        }
        if let Some(more) = texts.next() {
            return Err(words.unexpected(more, "no more parts"));
        }
        if elements.len() > MAX {
            return Err(words.error(Problem::TooMany { word: word.into(), max: MAX }));
        }
        Ok(elements)
    }

    /// How many entries there are.
    pub(super) fn len(&self) -> u128 {
        let [first, second] = &self.networks;
        let ports = u128::from(self.ports.end() - self.ports.start()) + 1;
        first.len().saturating_mul(second.len()).saturating_mul(ports)
    }

    pub(super) fn for_beginnings(mut self) -> Self {
        if let Some(interface) = &mut self.key.interface {
            interface.beginning = true;
        }
        self
    }

    /// All entries.
    pub(super) fn keys<'a>(&'a self, options: &'a Options) -> impl Iterator<Item = Key> + 'a {
        let [first, second] = &self.networks;
        let masked = |network: Network| Network { address: network.address & options.mask, ..network };
        first.iter().flat_map(move |one| {
            self.ports.clone().flat_map(move |port| {
                second.iter().map(move |other| Key {
                    networks: [masked(one), masked(other)],
                    port,
                    ..self.key
                })
            })
        })
    }
}

/// `ADDRESS`, `ADDRESS/LENGTH` or `ADDRESS-ADDRESS`.
fn addresses(options: &Options, part: Part, text: &str) -> Result<Choice, &'static str> {
    let family = options.family.unwrap_or(Family::Ipv4);
    let width = width(family);
    let address = |text: &str| {
        let expected = match family {
            Family::Ipv4 => "an IPv4 address, ADDRESS/LENGTH or ADDRESS-ADDRESS",
            Family::Ipv6 => "an IPv6 address or ADDRESS/LENGTH",
        };
        parse_address(text, family).map(bits).map_err(|_| expected)
    };
    if let Some((first, last)) = text.split_once('-').filter(|_| family == Family::Ipv4) {
        let (first, last) = (address(first)?, address(last)?);
        if first > last {
            return Err("the lower address first");
        }
        return Ok(match part {
            Part::Network => Choice::Networks(networks(first, last, width)),
            _ => Choice::Addresses { first, last, prefix: width },
        });
    }
    let (text, prefix) = match text.split_once('/') {
        Some((text, prefix)) => (text, number(prefix).and_then(|prefix| u8::try_from(prefix).ok())),
        None => (text, Some(width)),
    };
    let prefix = prefix.filter(|prefix| *prefix <= width).ok_or("a prefix length that the address has")?;
    let first = address(text)? & mask(width, prefix);
    match part {
        Part::Network if prefix == 0 && !options.kind.everything => {
            Err("a network; this type of sets has none of prefix length 0")
        }
        Part::Network => Ok(Choice::Networks(vec![Network { address: first, prefix }])),
        _ if family == Family::Ipv6 && prefix != width => Err("a single IPv6 address"),
        _ => Ok(Choice::Addresses {
            first,
            last: first | !mask(width, prefix) & mask(width, width),
            prefix: width,
        }),
    }
}

/// The largest networks that the addresses from `first` to `last` are made of.
fn networks(mut first: u128, last: u128, width: u8) -> Vec<Network> {
    let mut networks = Vec::new();
    loop {
        let mut prefix = width;
        // One bit less as long as the network begins here and does not reach beyond the end.
        while let Some(wider) = prefix.checked_sub(1) {
            let inside = mask(width, wider);
            if first & inside != first || first | !inside & mask(width, width) > last {
                break;
            }
            prefix = wider;
        }
        networks.push(Network { address: first, prefix });
        let end = first | !mask(width, prefix) & mask(width, width);
        match end.checked_add(1) {
            Some(next) if end < last => first = next,
            _ => return networks,
        }
    }
}

/// `[PROTOCOL:]PORT[-PORT]`; without protocol TCP; for ICMP `TYPE/CODE` or a name instead of ports.
fn ports(text: &str, family: Family) -> Result<(u8, RangeInclusive<u16>), &'static str> {
    let (name, text) = text.split_once(':').unwrap_or(("tcp", text));
    let number_of = |name: &str| {
        let known = protocol::known_number(name).or_else(|| Protocols::system().number(name));
        known.or_else(|| name.parse().ok()).filter(|number| *number != 0)
    };
    let protocol = number_of(name).ok_or("a protocol by name or number")?;
    let scope = Scope { family, protocol: None };
    let message = |kind: u8, code: u8| {
        let number = u16::from_be_bytes([kind, code]);
        number..=number
    };
    let port = |text: &str| {
        let named = || Services::system().port(text, protocol::known_name(protocol));
        text.parse().ok().or_else(named).ok_or("a port")
    };
    let ports = match (protocol, family) {
        (protocol::ICMP, Family::Ipv4) => {
            let of =
                IcmpType::<false>::parse(text, &scope).map_err(|_| "an ICMP message: a name or TYPE/CODE")?;
            message(of.kind, of.codes().0)
        }
        (protocol::ICMPV6, Family::Ipv6) => {
            let of = IcmpType::<true>::parse(text, &scope)
                .map_err(|_| "an ICMPv6 message: a name or TYPE/CODE")?;
            message(of.kind, of.codes().0)
        }
        (protocol::TCP | protocol::UDP | protocol::UDPLITE | protocol::SCTP, _) => {
            let (first, last) = text.split_once('-').unwrap_or((text, text));
            let (first, last) = (port(first)?, port(last)?);
            if first > last { return Err("the lower port first") } else { first..=last }
        }
        (protocol::ICMP | protocol::ICMPV6, _) => return Err("ICMP of the set's own family"),
        _ if text == "0" => 0..=0,
        _ => return Err("PROTOCOL:0, as the protocol has no ports"),
    };
    Ok((protocol, ports))
}

/// `INTERFACE`; a bridge port, `physdev:INTERFACE`, is none that rules ask for.
fn interface(text: &str) -> Result<Option<Interface>, &'static str> {
    let name = text.strip_prefix("physdev:").unwrap_or(text);
    let name = InterfaceName::new(name.as_bytes()).ok_or("the name of an interface")?;
    Ok((!text.starts_with("physdev:")).then_some(Interface { name, beginning: false }))
}
