use super::SetName;
use crate::choices;
use crate::registry::{Domain, InfoReader, InfoWriter, ObjectKind, Scope, Value, ValueError};
use nfnetlink::wire::{DecodeError, EncodeError, Problem};
use std::fmt::Write as _;

/// A set, and the parts of the packet that are looked up in it: `NAME src,dst`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct SetLookup {
    /// The set.
    pub set: SetName,
    /// From where each part of an entry is taken.
    pub directions: Directions,
}

/// For each part of a set's entries, such as address and port, the end of the packet from which it is taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Directions {
    /// Bit 1 for the first part, as the kernel has it: set if it is the source.
    sources: u8,
    count: u8,
}

choices! {
    /// An end of a packet.
    pub enum Direction: u8 {
        /// Its source address, port, MAC address or interface.
        Source = 1 => "src",
        /// Its destination address, port, MAC address or interface.
        Destination = 2 => "dst",
    }
}

impl SetLookup {
    /// Writes `struct xt_set_info`, with `flags` besides the directions; without a set, one that names none.
    pub fn encode(lookup: Option<&Self>, flags: u8, w: &mut InfoWriter<'_>) {
        let directions = lookup.map(|lookup| lookup.directions).unwrap_or_default();
        match lookup {
            Some(lookup) => w.set_index(&lookup.set),
            None => w.ne_u16(SetName::NO_INDEX),
        }
        w.u8(directions.count);
        w.u8(directions.sources | flags);
    }

    /// Reads `struct xt_set_info`: the set, if it names one, and the flags besides the directions.
    pub fn decode(r: &mut InfoReader<'_>) -> Result<(Option<Self>, u8), DecodeError> {
        let at = **r;
        let set = r.set_name("set")?;
        let (count, flags) = (r.u8("dimension")?, r.u8("flags")?);
        if usize::from(count) > Directions::MAX {
            return Err(at.error("dimension", Problem::Value(count.into())));
        }
        let mask = Directions::bits(count);
        let directions = Directions { sources: flags & mask, count };
        Ok((set.map(|set| Self { set, directions }), flags & !mask))
    }

    /// Writes `struct xt_set_info_v0`, in which each direction has 32 bits; an error if there are more than five.
    ///
    /// Its last four bytes are what the kernel makes of it anyway: count and flags as in `struct xt_set_info`.
    pub fn encode_v0(lookup: Option<&Self>, not: bool, w: &mut InfoWriter<'_>) -> Result<(), EncodeError> {
        let directions = lookup.map(|lookup| lookup.directions).unwrap_or_default();
        if directions.count > V0_MAX {
            return Err(EncodeError::NotRepresentable("a set lookup with six parts"));
        }
        match lookup {
            Some(lookup) => w.set_index(&lookup.set),
            None => w.ne_u16(SetName::NO_INDEX),
        }
        w.zeros(2);
        let mut invert = if not { V0_INVERT } else { 0 };
        for direction in directions.iter() {
            w.ne_u32(u32::from(direction.number()) | std::mem::take(&mut invert));
        }
        w.zeros(24 - 4 * usize::from(directions.count));
        w.u8(directions.count);
        w.u8(directions.sources | u8::from(not));
        w.zeros(2);
        Ok(())
    }

    /// Reads `struct xt_set_info_v0`: the set, if it names one, and whether it is negated.
    pub fn decode_v0(r: &mut InfoReader<'_>) -> Result<(Option<Self>, bool), DecodeError> {
        let set = r.set_name("set")?;
        r.take(2, "padding")?;
        let (mut directions, mut not) = (Vec::new(), false);
        for place in 0..Directions::MAX {
            let at = **r;
            let number = r.ne_u32("direction")?;
            not |= place == 0 && number & V0_INVERT != 0;
            match number & !V0_INVERT {
                0 => {}
                _ if directions.len() < place => {
                    return Err(at.error("direction", Problem::Value(number.into())));
                }
                number => match u8::try_from(number).ok().and_then(Direction::from_number) {
                    Some(direction) => directions.push(direction),
                    None => return Err(at.error("direction", Problem::Value(number.into()))),
                },
            }
        }
        r.take(4, "count and flags")?;
        let directions = Directions::new(&directions).unwrap_or_default();
        Ok((set.map(|set| Self { set, directions }), not))
    }
}

/// `IPSET_MATCH_INV`.
const V0_INVERT: u32 = 4;
const V0_MAX: u8 = 5;

impl Directions {
    /// The most parts that an entry can have (`IPSET_DIM_MAX`).
    pub const MAX: usize = 6;

    /// From where each part is taken; `None` if there are more than [`Directions::MAX`].
    #[must_use]
    pub fn new(directions: &[Direction]) -> Option<Self> {
        if directions.len() > Self::MAX {
            return None;
        }
        let sources = directions.iter().enumerate().filter(|(_, direction)| **direction == Direction::Source);
        let sources = sources.fold(0, |bits, (place, _)| bits | 2 << place);
        Some(Self { sources, count: u8::try_from(directions.len()).ok()? })
    }

    /// From where each part is taken.
    pub fn iter(&self) -> impl Iterator<Item = Direction> + use<> {
        let sources = self.sources;
        (1..=self.count).map(move |place| match sources >> place & 1 {
            1 => Direction::Source,
            _ => Direction::Destination,
        })
    }

    /// The bits that stand for `count` parts.
    const fn bits(count: u8) -> u8 {
        ((1 << count) - 1) << 1
    }
}

impl Value for SetLookup {
    const DOMAIN: Domain = Domain::Words(&[
        Domain::Object { kind: ObjectKind::IpSet, max: SetName::MAX },
        Domain::List { of: &Domain::Choice(Direction::CHOICES), max: Directions::MAX, separator: ',' },
    ]);
    const WORDS: usize = 2;

    /// Each direction may have more letters after its three.
    fn parse(text: &str, scope: &Scope) -> Result<Self, ValueError> {
        let (name, words) = text.rsplit_once(' ').ok_or(ValueError::Form)?;
        let mut directions = Vec::new();
        for word in words.split(',') {
            let direction = Direction::ALL.iter().find(|direction| word.starts_with(direction.name()));
            directions.push(*direction.ok_or(ValueError::UnknownName)?);
            if directions.len() > Directions::MAX {
                break;
            }
        }
        let directions = Directions::new(&directions).ok_or(ValueError::TooMany { max: Directions::MAX })?;
        Ok(Self { set: SetName::parse(name, scope)?, directions })
    }

    fn write(&self, out: &mut String, scope: &Scope) {
        self.set.write(out, scope);
        for (place, direction) in self.directions.iter().enumerate() {
            let _ = write!(out, "{}{}", if place == 0 { ' ' } else { ',' }, direction.name());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_printed_parses_to_the_same(name in "[a-zA-Z0-9 ._-]{1,31}", sources in proptest::collection::vec(any::<bool>(), 1..=6)) {
            let scope = Scope { family: crate::model::Family::Ipv4, protocol: None };
            let directions: Vec<_> = sources.iter().map(|source| match source {
                true => Direction::Source,
                false => Direction::Destination,
            }).collect();
            let directions = Directions::new(&directions).expect("few enough");
            prop_assert_eq!(directions.iter().collect::<Vec<_>>().len(), sources.len());
            let set = SetName::new(name.as_bytes()).expect("short enough");
            let lookup = SetLookup { set, directions };
            let mut text = String::new();
            lookup.write(&mut text, &scope);
            // A name with spaces is quoted; the quotes are taken off before a value is parsed.
            prop_assert_eq!(SetLookup::parse(&text.replace('"', ""), &scope), Ok(lookup));
        }
    }

    #[test]
    fn directions_are_counted() {
        let scope = Scope { family: crate::model::Family::Ipv4, protocol: None };
        assert!(SetLookup::parse("foo src,dst,src,dst,src,dst", &scope).is_ok());
        assert_eq!(
            SetLookup::parse("foo src,dst,src,dst,src,dst,src", &scope),
            Err(ValueError::TooMany { max: 6 })
        );
    }
}
