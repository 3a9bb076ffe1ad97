use super::domain::{Choice, Domain};
use crate::domain::parse_unsigned;
use crate::model::{AddressMask, Family};
use std::net::{Ipv4Addr, Ipv6Addr};

/// Makes the choices of which a sample consists: asked with `n`, it gives a number below `n`.
///
/// One that always gives 0 leads to the simplest value of a domain, one that draws at random to any of them.
pub type Pick<'a> = &'a mut dyn FnMut(u64) -> u64;

impl Domain {
    /// A value that is accepted, made from this description alone.
    pub fn sample(&self, family: Family, pick: Pick<'_>) -> String {
        match *self {
            Self::Nothing => String::new(),
            Self::Integer { min, max, .. } => match pick(4) {
                0 => min.to_string(),
                1 => max.to_string(),
                2 => format!("{:#x}", between(min, max, pick)),
                _ => between(min, max, pick).to_string(),
            },
            Self::Decimal { min, max, .. } => match pick(4) {
                0 => min.to_string(),
                1 => max.to_string(),
                2 => format!("0{}", between(min, max, pick)),
                _ => between(min, max, pick).to_string(),
            },
            Self::Masked { bits } => {
                let value = number_of_bits(bits, pick);
                match pick(3) {
                    0 => value.to_string(),
                    1 => format!("{value:#x}"),
                    _ => format!("{value:#x}/{:#x}", number_of_bits(bits, pick)),
                }
            }
            Self::Fraction { min, max } => {
                // A number of 24 bits, so that neither printing nor the kernel's scale makes two of one.
                let part = between(0, 1 << 24, pick) as f64 / f64::from(1 << 24);
                format!("{:.5}", min + part * (max - min))
            }
            Self::Choice(choices) => one_of(choices, family, pick).to_owned(),
            Self::Flags { choices, separator } => {
                let count = 1 + pick(3);
                let words: Vec<&str> = (0..count).map(|_| one_of(choices, family, pick)).collect();
                joined(&words, separator)
            }
            Self::Address => address(family, pick),
            Self::Prefix => match pick(3) {
                0 => address(family, pick),
                1 => format!("{}/{}", address(family, pick), pick(u64::from(family.address_bits()) + 1)),
                _ => format!("{}/{}", address(family, pick), address(family, pick)),
            },
            Self::Endpoints => {
                let (first, second) = (address(family, pick), address(family, pick));
                if pick(2) == 0 { first } else { format!("{first}-{second}") }
            }
            Self::PrefixLen => pick(u64::from(family.address_bits()) + 1).to_string(),
            Self::Network { max_bits } => {
                let bits = pick(u64::from(max_bits) + 1) as u8;
                match address(family, pick)
                    .parse()
                    .ok()
                    .and_then(|address| AddressMask::prefix(address, bits))
                {
                    Some(network) => format!("{}/{bits}", network.address()),
                    None => String::new(),
                }
            }
            Self::Mac { multicast } => {
                let first = pick(128) << 1 | u64::from(multicast);
                let rest: String = (0..5).map(|_| format!(":{:02x}", pick(256))).collect();
                format!("{first:02x}{rest}")
            }
            Self::Interface => match pick(3) {
                0 => "eth0".into(),
                1 => format!("{}+", word(1, 14, pick)),
                _ => word(1, 15, pick),
            },
            Self::Port => between(0, 65535, pick).to_string(),
            Self::Rate { units, max_per_second } => {
                let count = between(1, max_per_second.min(9999), pick);
                let unit = usize::try_from(pick(units.len() as u64 + 1)).ok();
                match unit.and_then(|place| units.get(place)) {
                    Some(unit) => format!("{count}/{unit}"),
                    None => count.to_string(),
                }
            }
            Self::TimeOfDay => match pick(2) {
                0 => format!("{:02}:{:02}", pick(24), pick(60)),
                _ => format!("{:02}:{:02}:{:02}", pick(24), pick(60), pick(60)),
            },
            Self::Date => {
                let day = format!("{}-{:02}-{:02}", between(1970, 2037, pick), 1 + pick(12), 1 + pick(28));
                if pick(2) == 0 {
                    day
                } else {
                    format!("{day}T{:02}:{:02}:{:02}", pick(24), pick(60), pick(60))
                }
            }
            Self::Text { min, max, forbidden } => text(min, max, forbidden, pick),
            Self::Bytes { max } => {
                let count = between(1, max.min(8) as u64, pick);
                let bytes: String = (0..count).map(|_| format!("{:02x}", pick(256))).collect();
                format!("|{bytes}|")
            }
            Self::Object { kind, .. } if kind.is_numbered() => between(0, 65533, pick).to_string(),
            Self::Object { max, .. } => word(1, max as u64, pick),
            Self::Chain => word(1, 28, pick),
            Self::Expression { examples, .. } => one(examples, pick).copied().unwrap_or_default().to_owned(),
            Self::Range { of, separator } => {
                let (first, second) = ends(of, family, pick);
                if pick(2) == 0 { first } else { format!("{first}{separator}{second}") }
            }
            Self::Pair { of, separator } => {
                let (first, second) = ends(of, family, pick);
                format!("{first}{separator}{second}")
            }
            Self::List { of, max, separator } => {
                // Items of one kind, none of them twice: some lists do not take the same thing in two forms.
                let of = match of {
                    Self::OneOf(kinds) => one(kinds, pick).filter(|kind| kind.has_samples()).unwrap_or(of),
                    _ => of,
                };
                let mut items: Vec<String> = Vec::new();
                for _ in 0..=pick(max.min(4) as u64) {
                    let item = of.sample(family, pick);
                    let same = |known: &String| {
                        *known == item
                            || parse_unsigned(known).is_ok_and(|number| parse_unsigned(&item) == Ok(number))
                    };
                    if !items.iter().any(same) {
                        items.push(item);
                    }
                }
                joined(&items, separator)
            }
            Self::Words(parts) => parts_of(parts, family, pick).join(" "),
            Self::Joined { parts, separator } => joined(&parts_of(parts, family, pick), separator),
            Self::PerFamily { .. } => self.of_family(family).sample(family, pick),
            Self::OneOf(kinds) => {
                let known: Vec<&Self> = kinds.iter().filter(|kind| kind.has_samples()).collect();
                one(&known, pick).map(|kind| kind.sample(family, pick)).unwrap_or_default()
            }
        }
    }

    /// A value that is refused, made from this description alone; `None` if any text is accepted.
    pub fn counterexample(&self, family: Family, pick: Pick<'_>) -> Option<String> {
        let chosen = |texts: &[&str], pick: Pick<'_>| one(texts, pick).map(|text| (*text).to_owned());
        let long = |max: usize| "x".repeat(max.saturating_add(1).min(1 << 16));
        Some(match *self {
            Self::Nothing => return None,
            Self::Integer { min, max, .. } => match pick(3) {
                0 if max < u64::MAX => (max + 1).to_string(),
                1 if min > 0 => (min - 1).to_string(),
                0 => "99999999999999999999".into(),
                _ => return chosen(&["word", "-1", "1x", "0x", "09", "+-1", "1 "], pick),
            },
            Self::Decimal { min, max, .. } => match pick(3) {
                0 => (u128::from(max) + 1).to_string(),
                1 if min > 0 => (min - 1).to_string(),
                _ => return chosen(&["word", "-1", "1x", "0x1", "+-1", "1 "], pick),
            },
            Self::Masked { bits } => match pick(2) {
                0 => format!("{:#x}", 1_u128 << bits),
                _ => return chosen(&["word", "1/", "/1", "1/word", "-1"], pick),
            },
            Self::Fraction { max, .. } => match pick(2) {
                0 => format!("{:.1}", max + 1.0),
                _ => return chosen(&["word", "-1", "0.5.5"], pick),
            },
            Self::Choice(_) | Self::OneOf(_) if self.is_free() => return None,
            Self::Choice(_) | Self::OneOf(_) => "no/such word".into(),
            Self::Flags { choices, separator } => {
                let known = one_of(choices, family, pick);
                format!("{known}{separator}no/such word")
            }
            Self::Address | Self::Endpoints => {
                return chosen(&["1.2.3.4.5", "1.2.3.256", "12345::", "::g", "no/such word"], pick);
            }
            Self::PrefixLen => match pick(2) {
                0 => (u16::from(family.address_bits()) + 1).to_string(),
                _ => return chosen(&["word", "-1", "1x", "/8"], pick),
            },
            Self::Network { max_bits } => match pick(2) {
                0 => format!("{}/{}", address(family, pick), u16::from(max_bits) + 1),
                _ => address(family, pick),
            },
            Self::Prefix => match pick(2) {
                0 => format!("{}/{}", address(family, pick), u16::from(family.address_bits()) + 1),
                _ => return chosen(&["1.2.3.4.5/8", "12345::/8", "no/such word"], pick),
            },
            Self::Mac { .. } => {
                return chosen(&["00:16:3e:12:34", "00:16:3e:12:34:56:78", "00:16:3e:12:34:5g"], pick);
            }
            Self::Interface => "sixteen-long-eth".into(),
            Self::Port => return chosen(&["65536", "no-such-service", "-1"], pick),
            Self::Rate { units, .. } => {
                let unit = one(units, pick).copied().unwrap_or_default();
                return chosen(&["0", "word", "1/no such unit", &format!("0/{unit}")], pick);
            }
            Self::TimeOfDay => return chosen(&["24:00", "12:60", "12:00:60", "12", "noon"], pick),
            Self::Date => return chosen(&["2024-13-01", "2024-01-32", "2024-01-01T25:00:00", "today"], pick),
            Self::Text { min, max, forbidden } => match (pick(3), forbidden.chars().next()) {
                (0, Some(character)) => format!("a{character}b"),
                (1, _) if min > 0 => String::new(),
                _ if max > 1 << 15 => return None,
                _ => long(max),
            },
            Self::Bytes { .. } => return chosen(&["|6g|", "|61", "|6"], pick),
            Self::Object { kind, .. } if kind.is_numbered() => "no/such account".into(),
            Self::Object { max, .. } => long(max),
            Self::Chain => long(28),
            Self::Expression { refused, .. } => return chosen(refused, pick),
            Self::Range { of, separator } | Self::Pair { of, separator } => {
                let (good, bad) = (of.sample(family, pick), of.counterexample(family, pick)?);
                match pick(2) {
                    0 => format!("{good}{separator}{bad}"),
                    _ => format!("{bad}{separator}{good}"),
                }
            }
            Self::List { of, max, separator } => match pick(2) {
                0 if max <= 16 => {
                    let items: Vec<String> = (0..=max).map(|_| of.sample(family, pick)).collect();
                    joined(&items, separator)
                }
                _ => format!("{}{separator}{}", of.sample(family, pick), of.counterexample(family, pick)?),
            },
            Self::PerFamily { .. } => return self.of_family(family).counterexample(family, pick),
            Self::Words(parts) => bad_parts(parts, family, pick)?.join(" "),
            Self::Joined { parts, separator } => joined(&bad_parts(parts, family, pick)?, separator),
        })
    }

    /// A few different values that are accepted, the simplest first.
    #[must_use]
    pub fn samples(&self, family: Family) -> Vec<String> {
        let mut samples = Vec::new();
        for step in 0..8_u64 {
            let mut turn = step;
            let sample = self.sample(family, &mut |below| {
                let picked = turn % below.max(1);
                turn = turn.wrapping_mul(31).wrapping_add(step);
                picked
            });
            if !samples.contains(&sample) {
                samples.push(sample);
            }
        }
        samples
    }

    /// Whether values can be made without knowing this system.
    const fn has_samples(&self) -> bool {
        !matches!(self, Self::Expression { examples: [], .. })
    }

    /// Whether any word that is not too long is accepted.
    fn is_free(&self) -> bool {
        match self {
            Self::Text { .. } | Self::Bytes { .. } => true,
            Self::Object { kind, .. } => !kind.is_numbered(),
            Self::OneOf(kinds) => kinds.iter().any(Self::is_free),
            _ => false,
        }
    }
}

fn between(min: u64, max: u64, pick: Pick<'_>) -> u64 {
    match (max - min).checked_add(1) {
        Some(count) => min + pick(count),
        None => pick(u64::MAX),
    }
}

fn number_of_bits(bits: u8, pick: Pick<'_>) -> u64 {
    between(0, u64::MAX >> (64 - u32::from(bits).clamp(1, 64)), pick)
}

fn one<'t, T>(of: &'t [T], pick: Pick<'_>) -> Option<&'t T> {
    of.get(usize::try_from(pick(of.len() as u64)).ok()?)
}

fn one_of(choices: &'static [Choice], family: Family, pick: Pick<'_>) -> &'static str {
    let known: Vec<&Choice> = choices.iter().filter(|choice| choice.families.has(family)).collect();
    let Some(choice) = one(&known, pick) else { return "" };
    let aliases = choice.aliases.len() as u64;
    match pick(aliases + 1).checked_sub(1).and_then(|place| usize::try_from(place).ok()) {
        Some(place) => choice.aliases.get(place).copied().unwrap_or(choice.name),
        None => choice.name,
    }
}

fn parts_of(parts: &[Domain], family: Family, pick: Pick<'_>) -> Vec<String> {
    parts.iter().map(|part| part.sample(family, pick)).collect()
}

/// Values of which one is refused.
fn bad_parts(parts: &[Domain], family: Family, pick: Pick<'_>) -> Option<Vec<String>> {
    let bad = pick(parts.len() as u64);
    let value = |(place, part): (u64, &Domain)| match place == bad {
        true => part.counterexample(family, pick),
        false => Some(part.sample(family, pick)),
    };
    (0..).zip(parts).map(value).collect()
}

fn joined<T: AsRef<str>>(items: &[T], separator: char) -> String {
    let mut all = String::new();
    for (place, item) in items.iter().enumerate() {
        if place > 0 {
            all.push(separator);
        }
        all.push_str(item.as_ref());
    }
    all
}

fn address(family: Family, pick: Pick<'_>) -> String {
    match family {
        Family::Ipv4 => Ipv4Addr::from_bits(0x0a00_0001 ^ pick(1 << 32) as u32).to_string(),
        Family::Ipv6 => {
            let low = u128::from(pick(u64::MAX));
            Ipv6Addr::from_bits((0x2001_0db8_u128 << 96) ^ (u128::from(pick(1 << 32)) << 64) ^ low)
                .to_string()
        }
    }
}

fn word(min: u64, max: u64, pick: Pick<'_>) -> String {
    const LETTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789_";
    let length = between(min.max(1), max.min(24), pick);
    let letter = |place| match place {
        0 => char::from(b'a' + pick(26) as u8),
        _ => one(LETTERS, pick).map_or('a', |&letter| char::from(letter)),
    };
    (0..length).map(letter).collect()
}

fn text(min: usize, max: usize, forbidden: &str, pick: Pick<'_>) -> String {
    const ODD: [&str; 6] = ["a b", "it's", "\"quoted\"", "back\\slash", "é", "#|;"];
    let odd = one(&ODD, pick).filter(|odd| {
        (min..=max).contains(&odd.len()) && !odd.contains(|character| forbidden.contains(character))
    });
    match odd {
        Some(odd) if pick(2) == 1 => (*odd).to_owned(),
        _ => word(min as u64, max as u64, pick),
    }
}

/// The ends of a range, the first one smaller where that is possible.
fn ends(of: &Domain, family: Family, pick: Pick<'_>) -> (String, String) {
    match *of {
        Domain::Integer { min, max, .. } | Domain::Decimal { min, max, .. } => {
            let first = between(min, max - 1, pick);
            (first.to_string(), between(first + 1, max, pick).to_string())
        }
        Domain::Port => {
            let first = pick(65535);
            (first.to_string(), between(first + 1, 65535, pick).to_string())
        }
        Domain::Address => {
            let first = address(family, pick);
            (first.clone(), first)
        }
        _ => {
            let end = of.sample(family, pick);
            (end.clone(), end)
        }
    }
}
