use super::parse_bounded;
use crate::model::Families;
use crate::registry::{Choice, Domain, Scope, Value, ValueError};
use std::fmt::Write as _;

/// A differentiated services code point, the upper six bits of a traffic class, printed in hexadecimal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Dscp(u8);

/// A [`Dscp`] given by the name of its class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct DscpClass(pub Dscp);

impl Dscp {
    /// The largest.
    pub const MAX: u8 = 63;

    /// A code point; `None` if it has more than six bits.
    #[must_use]
    pub const fn new(number: u8) -> Option<Self> {
        if number <= Self::MAX { Some(Self(number)) } else { None }
    }

    /// The number.
    #[must_use]
    pub const fn number(self) -> u8 {
        self.0
    }
}

impl Value for Dscp {
    const DOMAIN: Domain = Domain::Integer { min: 0, max: Self::MAX as u64, unit: "" };

    fn parse(text: &str, _: &Scope) -> Result<Self, ValueError> {
        let number = parse_bounded(text, 0, Self::MAX.into())?;
        u8::try_from(number).ok().and_then(Self::new).ok_or(ValueError::Form)
    }

    fn write(&self, out: &mut String, _: &Scope) {
        let _ = write!(out, "{:#04x}", self.0);
    }
}

impl Value for DscpClass {
    const DOMAIN: Domain = Domain::Choice(&CHOICES);

    fn parse(text: &str, _: &Scope) -> Result<Self, ValueError> {
        let class = CHOICES.iter().zip(NUMBERS).find(|(choice, _)| {
            choice.name.eq_ignore_ascii_case(text)
                || choice.aliases.iter().any(|alias| alias.eq_ignore_ascii_case(text))
        });
        class.map(|(_, number)| Self(Dscp(number))).ok_or(ValueError::UnknownName)
    }

    /// The name, or the number of a code point that has none.
    fn write(&self, out: &mut String, scope: &Scope) {
        match CHOICES.iter().zip(NUMBERS).find(|(_, number)| *number == self.0.0) {
            Some((choice, _)) => out.push_str(choice.name),
            None => self.0.write(out, scope),
        }
    }
}

macro_rules! classes {
    ($count:literal; $($name:literal $(| $alias:literal)* = $number:literal, $help:literal;)*) => {
        const CHOICES: [Choice; $count] = [
            $(Choice { name: $name, aliases: &[$($alias),*], help: $help, families: Families::all() },)*
        ];
        const NUMBERS: [u8; $count] = [$($number),*];
    };
}

// RFC 2474, RFC 2597, RFC 3246
classes! { 21;
    "CS0" | "BE" = 0x00, "Best effort, the default (0).";
    "CS1" = 0x08, "Class selector 1, often for background traffic (8).";
    "CS2" = 0x10, "Class selector 2 (16).";
    "CS3" = 0x18, "Class selector 3 (24).";
    "CS4" = 0x20, "Class selector 4 (32).";
    "CS5" = 0x28, "Class selector 5 (40).";
    "CS6" = 0x30, "Class selector 6, for network control (48).";
    "CS7" = 0x38, "Class selector 7, for network control (56).";
    "AF11" = 0x0a, "Assured forwarding class 1, low drop probability (10).";
    "AF12" = 0x0c, "Assured forwarding class 1, medium drop probability (12).";
    "AF13" = 0x0e, "Assured forwarding class 1, high drop probability (14).";
    "AF21" = 0x12, "Assured forwarding class 2, low drop probability (18).";
    "AF22" = 0x14, "Assured forwarding class 2, medium drop probability (20).";
    "AF23" = 0x16, "Assured forwarding class 2, high drop probability (22).";
    "AF31" = 0x1a, "Assured forwarding class 3, low drop probability (26).";
    "AF32" = 0x1c, "Assured forwarding class 3, medium drop probability (28).";
    "AF33" = 0x1e, "Assured forwarding class 3, high drop probability (30).";
    "AF41" = 0x22, "Assured forwarding class 4, low drop probability (34).";
    "AF42" = 0x24, "Assured forwarding class 4, medium drop probability (36).";
    "AF43" = 0x26, "Assured forwarding class 4, high drop probability (38).";
    "EF" = 0x2e, "Expedited forwarding, for voice and other traffic that cannot wait (46).";
}
