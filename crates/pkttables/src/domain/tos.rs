use super::parse_bounded;
use crate::model::Families;
use crate::registry::{Choice, Domain, Scope, Value, ValueError};
use std::fmt::Write as _;

/// Bits of an IPv4 header's type of service or an IPv6 header's traffic class: `VALUE`, `VALUE/MASK` or a name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Tos {
    /// The bits.
    pub value: u8,
    /// Which bits are meant.
    pub mask: u8,
}

/// The mask that comes with a name: all but the two bits of explicit congestion notification.
const NAME_MASK: u8 = 0x3f;

const NAMES: [(Choice, u8); 5] = [
    name("Minimize-Delay", "The packet should arrive soon (16).", 0x10),
    name("Maximize-Throughput", "Much data is coming (8).", 0x08),
    name("Maximize-Reliability", "The packet should not get lost (4).", 0x04),
    name("Minimize-Cost", "The packet may take the cheapest way (2).", 0x02),
    name("Normal-Service", "Nothing special (0).", 0x00),
];

const CHOICES: [Choice; 5] = [NAMES[0].0, NAMES[1].0, NAMES[2].0, NAMES[3].0, NAMES[4].0];

const fn name(name: &'static str, help: &'static str, value: u8) -> (Choice, u8) {
    (Choice { name, aliases: &[], help, families: Families::all() }, value)
}

impl Tos {
    /// The name, if the bits have one.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        let named = NAMES.iter().filter(|_| self.mask == NAME_MASK);
        named.into_iter().find(|(_, value)| *value == self.value).map(|(choice, _)| choice.name)
    }
}

impl Value for Tos {
    const DOMAIN: Domain = Domain::OneOf(&[Domain::Masked { bits: 8 }, Domain::Choice(&CHOICES)]);

    fn parse(text: &str, _: &Scope) -> Result<Self, ValueError> {
        let bits = |text: &str| {
            let number = parse_bounded(text, 0, 255)?;
            u8::try_from(number).map_err(|_| ValueError::Form)
        };
        let number = text.trim_ascii_start();
        if number.strip_prefix('+').unwrap_or(number).starts_with(|first: char| first.is_ascii_digit()) {
            let (value, mask) = text.split_once('/').unwrap_or((text, "0xff"));
            return Ok(Self { value: bits(value)?, mask: bits(mask)? });
        }
        let known = NAMES.iter().find(|(choice, _)| choice.name.eq_ignore_ascii_case(text));
        known.map(|&(_, value)| Self { value, mask: NAME_MASK }).ok_or(ValueError::UnknownName)
    }

    fn write(&self, out: &mut String, _: &Scope) {
        let _ = write!(out, "{:#04x}/{:#04x}", self.value, self.mask);
    }
}
