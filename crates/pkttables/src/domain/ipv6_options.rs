use super::parse_bounded;
use crate::model::Negatable;
use crate::packet::Packet;
use crate::registry::{Domain, InfoWriter, Outcome, Scope, Value, ValueError};
use nfnetlink::wire::{DecodeError, Problem, Reader};
use std::fmt::Write as _;

/// What is asked of an IPv6 options header, hop-by-hop or destination (`struct ip6t_opts`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ipv6OptionsTest {
    /// The length of the header in bytes.
    pub length: Option<Negatable<u32>>,
    /// The options that it must have; empty if they do not matter.
    pub options: Ipv6Options,
}

/// Up to sixteen options of an IPv6 header by their types, with lengths where these matter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Ipv6Options {
    /// The type in the upper byte, the length in the lower one, where 255 stands for any length.
    entries: [u16; Self::MAX],
    used: u8,
}

const LENGTH: u8 = 1;
const OPTIONS: u8 = 2;
const ANY_LENGTH: u8 = 255;

impl Ipv6OptionsTest {
    /// Bytes of the kernel's structure.
    pub const SIZE: usize = 40;

    /// What a packet's options header at `start` makes of the conditions.
    pub(crate) fn test(&self, packet: &Packet<'_>, start: usize) -> Outcome {
        let data = packet.data;
        let Some([_, len]) = data.array(start) else { return Outcome::Drop };
        let len = (u32::from(len) + 1) * 8;
        let Some(end) = start.checked_add(len as usize).filter(|end| *end <= data.len()) else {
            return Outcome::Drop;
        };
        let mut at = start + 2;
        // The options must be the first ones, in this order.
        for (place, (kind, wanted)) in self.options.iter().enumerate() {
            if at >= end || data.u8(at) != Some(kind) {
                return Outcome::NoMatch;
            }
            let mut size = 1;
            if kind != 0 {
                let Some(found) = data.u8(at + 1).filter(|_| at + 1 < end) else { return Outcome::NoMatch };
                if wanted.is_some_and(|wanted| wanted != found) {
                    return Outcome::NoMatch;
                }
                size = usize::from(found) + 2;
            }
            let last = place + 1 == usize::from(self.options.used);
            if at + size > end && !last {
                return Outcome::NoMatch;
            }
            at += size;
        }
        self.length.is_none_or(|wanted| (wanted.value == len) != wanted.not).into()
    }

    /// Writes the kernel's structure.
    pub fn encode(&self, w: &mut InfoWriter<'_>) {
        w.ne_u32(self.length.map_or(0, |length| length.value));
        let length = if self.length.is_some() { LENGTH } else { 0 };
        let options = if self.options.used > 0 { OPTIONS } else { 0 };
        w.bytes(&[length | options, self.length.is_some_and(|length| length.not).into()]);
        self.options.entries.iter().for_each(|&entry| w.ne_u16(entry));
        w.u8(self.options.used);
        w.zeros(1);
    }

    /// Reads the kernel's structure.
    pub fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (length, flags, inverted) = (r.ne_u32("length")?, r.u8("flags")?, r.u8("inverted")?);
        let mut options = Ipv6Options::default();
        for entry in &mut options.entries {
            *entry = r.ne_u16("options")?;
        }
        options.used = r.u8("number of options")?;
        r.take(1, "padding")?;
        let has = |flag| flags & flag != 0;
        if flags > 3 || inverted > 1 || usize::from(options.used) > Ipv6Options::MAX {
            return Err(r.error("flags", Problem::Value(flags.into())));
        }
        let length = has(LENGTH).then_some(Negatable { value: length, not: inverted != 0 });
        Ok(Self { length, options })
    }
}

impl Ipv6Options {
    /// The most that there may be.
    pub const MAX: usize = 16;

    /// The types and lengths, in order.
    pub fn iter(&self) -> impl Iterator<Item = (u8, Option<u8>)> + '_ {
        self.entries.iter().take(self.used.into()).map(|entry| {
            let [kind, length] = entry.to_be_bytes();
            (kind, (length != ANY_LENGTH).then_some(length))
        })
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.used == 0
    }
}

impl Value for Ipv6Options {
    const DOMAIN: Domain = Domain::List {
        of: &Domain::OneOf(&[
            Domain::Integer { min: 0, max: 255, unit: "" },
            Domain::Joined {
                parts: &[
                    Domain::Integer { min: 1, max: 255, unit: "" },
                    Domain::Integer { min: 0, max: 255, unit: "bytes" },
                ],
                separator: ':',
            },
        ]),
        max: Self::MAX,
        separator: ',',
    };

    fn parse(text: &str, _: &Scope) -> Result<Self, ValueError> {
        let byte = |text: &str| {
            let number = parse_bounded(text, 0, 255)?;
            u8::try_from(number).map_err(|_| ValueError::Form)
        };
        let mut options = Self::default();
        for item in text.split(',') {
            let entry = match item.split_once(':') {
                Some((kind, length)) => match (byte(kind)?, byte(length)?) {
                    (0, _) => {
                        return Err(ValueError::Because("option 0 is a single byte and has no length"));
                    }
                    entry => entry,
                },
                None => (byte(item)?, ANY_LENGTH),
            };
            let Some(place) = options.entries.get_mut(usize::from(options.used)) else {
                return Err(ValueError::TooMany { max: Self::MAX });
            };
            *place = u16::from_be_bytes(entry.into());
            options.used += 1;
        }
        Ok(options)
    }

    fn write(&self, out: &mut String, _: &Scope) {
        for (place, (kind, length)) in self.iter().enumerate() {
            let _ = write!(out, "{}{kind}", if place == 0 { "" } else { "," });
            if let Some(length) = length {
                let _ = write!(out, ":{length}");
            }
        }
    }
}
