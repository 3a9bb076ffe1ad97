//! `-m mh`: compares the type of a mobility message.
use crate::domain::parse_bounded;
use crate::extension;
use crate::model::{Families, Negatable, protocol};
use crate::packet::Packet;
use crate::registry::{
    Choice, Context, Domain, Extension, Lister, Outcome, Revision, Scope, Value, ValueError, bang, sight,
};
use nfnetlink::wire::Problem;
use std::fmt::Write as _;

/// The `mh` match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mh {
    /// The type of the message; all types and not negated if it does not matter.
    pub types: Negatable<MhTypes>,
}

/// Types of mobility messages, from one to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MhTypes {
    min: u8,
    max: u8,
}

extension! {
    /// Match messages of mobile IPv6 by their type.
    ///
    /// They keep connections alive while a host moves to another network. Without parameters any will do.
    match "mh" => Mh {
        families: Families::IPV6,
        protocols: &[protocol::MOBILITY_HEADER],
    } params {
        /// The message has this type, or one in this range.
        ///
        /// Types are given by name, which may be shortened, or number; `:4` means all up to 4, `5:` all from 5.
        [!] "mh-type": MhTypes {
            set: |m, value, not| m.types = Negatable { value, not },
            get: |m| m.types.given(),
        }
    }
}

// `struct ip6t_mh`
impl Extension for Mh {
    fn matches(&self, packet: &Packet<'_>, _: &mut Context<'_>) -> Outcome {
        const NOTHING_FOLLOWS: u8 = 59;
        match packet.transport::<6>(0) {
            Ok([NOTHING_FOLLOWS, _, kind, ..]) => {
                let types = self.types.value;
                ((types.min..=types.max).contains(&kind) != self.types.not).into()
            }
            Ok(_) => Outcome::Drop,
            Err(missing) => missing.outcome(),
        }
    }

    fn found(&self, packet: &Packet<'_>, _: &mut Context<'_>) -> Option<String> {
        sight::field(packet, 2, |[kind]| format!("the type is {kind}"))
    }

    const REVISIONS: &'static [Revision<Self>] = &[Revision {
        number: 0,
        size: 3,
        families: Families::IPV6,
        encode: |m, w| {
            w.bytes(&[m.types.value.min, m.types.value.max, m.types.not.into()]);
            Ok(())
        },
        decode: |r, _| {
            let (min, max, inverted) = (r.u8("lowest type")?, r.u8("highest type")?, r.u8("inverted")?);
            match (MhTypes::new(min, max), inverted) {
                (Some(value), 0..=1) => Ok(Some(Self { types: Negatable { value, not: inverted == 1 } })),
                _ => Err(r.error("types", Problem::Value(max.into()))),
            }
        },
    }];

    fn list(&self, out: &mut Lister<'_>) {
        out.add(" mh");
        if let Some((types, not)) = self.types.given() {
            let (min, max) = types.ends();
            let name = |number: u8| match NAMES.get(usize::from(number)) {
                Some(choice) if !out.is_numeric() => choice.name.to_owned(),
                _ => number.to_string(),
            };
            let range = if min == max { name(min) } else { format!("{}:{}", name(min), name(max)) };
            out.add(format_args!(" {}{range}", bang(not)));
        }
    }
}

impl MhTypes {
    /// The types from `min` to `max`; `None` if `max` comes first.
    #[must_use]
    pub const fn new(min: u8, max: u8) -> Option<Self> {
        if min <= max { Some(Self { min, max }) } else { None }
    }

    /// The lowest and the highest type.
    #[must_use]
    pub const fn ends(self) -> (u8, u8) {
        (self.min, self.max)
    }
}

impl Default for MhTypes {
    fn default() -> Self {
        Self { min: 0, max: u8::MAX }
    }
}

impl Value for MhTypes {
    const DOMAIN: Domain = Domain::Range {
        of: &Domain::OneOf(&[Domain::Choice(NAMES), Domain::Integer { min: 0, max: 255, unit: "" }]),
        separator: ':',
    };

    fn parse(text: &str, _: &Scope) -> Result<Self, ValueError> {
        let end = |text: &str, open| if text.is_empty() { Ok(open) } else { parse_type(text) };
        let (min, max) = match text.split_once(':') {
            Some((min, max)) => (end(min, 0)?, end(max, u8::MAX)?),
            None => (parse_type(text)?, parse_type(text)?),
        };
        Self::new(min, max).ok_or(ValueError::Reversed)
    }

    fn write(&self, out: &mut String, _: &Scope) {
        let _ = match self.min == self.max {
            true => write!(out, "{}", self.min),
            false => write!(out, "{}:{}", self.min, self.max),
        };
    }
}

/// A number, a name, or the beginning of one; of several names that begin so the first is meant.
fn parse_type(text: &str) -> Result<u8, ValueError> {
    if text.is_empty() {
        return Err(ValueError::Form);
    }
    let names = || {
        NAMES.iter().zip(0..).flat_map(|(choice, number)| {
            std::iter::once(&choice.name).chain(choice.aliases).map(move |name| (name, number))
        })
    };
    let begins = |name: &str| name.get(..text.len()).is_some_and(|start| start.eq_ignore_ascii_case(text));
    let exact = names().find(|(name, _)| name.eq_ignore_ascii_case(text));
    match exact.or_else(|| names().find(|(name, _)| begins(name))) {
        Some((_, number)) => Ok(number),
        None => match parse_bounded(text, 0, 255) {
            Ok(number) => u8::try_from(number).map_err(|_| ValueError::Form),
            Err(ValueError::Form) => Err(ValueError::UnknownName),
            Err(error) => Err(error),
        },
    }
}

/// The types that have names, numbered from 0 (RFC 6275).
const NAMES: &[Choice] = &[
    choice("binding-refresh-request", &["brr"], "Asks a mobile host to renew a binding (0)."),
    choice("home-test-init", &["hoti"], "Starts the test of the home address (1)."),
    choice("careof-test-init", &["coti"], "Starts the test of the care-of address (2)."),
    choice("home-test", &["hot"], "Answers the test of the home address (3)."),
    choice("careof-test", &["cot"], "Answers the test of the care-of address (4)."),
    choice("binding-update", &["bu"], "Tells a new care-of address (5)."),
    choice("binding-acknowledgement", &["ba"], "Answers a binding update (6)."),
    choice("binding-error", &["be"], "Tells of an error with mobility (7)."),
];

const fn choice(name: &'static str, aliases: &'static [&'static str], help: &'static str) -> Choice {
    Choice { name, aliases, help, families: Families::IPV6 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Family;
    use crate::packet::Meta;
    use crate::registry::testing::{Nowhere, Trial, ipv6};
    use crate::registry::testing::{decodes, layout, text_cases};

    #[test]
    fn saved_forms() {
        text_cases! { Mh, Ipv6:
            "-p 135" => "", "-p 135 --mh-type :" => "", "-p 135 ! --mh-type :" => "! --mh-type 0:255",
            "-p 135 --mh-type binding-refresh-request" => "--mh-type 0", "-p 135 --mh-type brr" => "--mh-type 0",
            "-p 135 ! --mh-type cot" => "! --mh-type 4", "-p 135 --mh-type hot" => "--mh-type 3",
            "-p 135 --mh-type home-test" => "--mh-type 3", "-p 135 --mh-type h" => "--mh-type 1",
            "-p 135 --mh-type HOTI" => "--mh-type 1", "-p 135 --mh-type binding" => "--mh-type 0",
            "-p 135 --mh-type binding-e" => "--mh-type 7", "-p 135 --mh-type brr:cot" => "--mh-type 0:4",
            "-p 135 --mh-type 3:" => "--mh-type 3:255", "-p 135 --mh-type :3" => "--mh-type 0:3",
            "-p 135 --mh-type 3:3" => "--mh-type 3", "-p 135 --mh-type 0x10" => "--mh-type 16",
            "-p 135 --mh-type 4:3" => fails, "-p 135 --mh-type 256" => fails, "-p 135 --mh-type foo" => fails,
            "-p 135 --mh-type 1:2:3" => fails, "-p 135 --mh-type" => fails, "--mh-type 1" => fails, "" => fails,
            "-p 6 --mh-type 1" => fails, "! -p 135 --mh-type 1" => fails,
        }
    }

    #[test]
    fn layout_of_struct_ip6t_mh() {
        assert_eq!(
            layout::<Mh>(Family::Ipv6, 0, "-p 135 ! --mh-type 1:2"),
            Some(vec![1, 2, 1, 0, 0, 0, 0, 0])
        );
        assert!(decodes::<Mh>(Family::Ipv6, 0, &[0, 255, 0]));
        assert!(!decodes::<Mh>(Family::Ipv6, 0, &[2, 1, 0]));
        assert!(!decodes::<Mh>(Family::Ipv6, 0, &[1, 2, 2]));
    }

    #[test]
    fn packets() {
        let mut trial = Trial::new::<Mh>(Family::Ipv6, "-p 135 --mh-type 1:3", Nowhere);
        let mut judge = |payload: &[u8]| trial.matches(&ipv6(135, payload), &Meta::default());
        assert_eq!(judge(&[59, 0, 3, 0, 0, 0, 0, 0]), Outcome::Match);
        assert_eq!(judge(&[59, 0, 4, 0, 0, 0, 0, 0]), Outcome::NoMatch);
        // Nothing may follow a mobility message.
        assert_eq!(judge(&[17, 0, 3, 0, 0, 0, 0, 0]), Outcome::Drop);
        assert_eq!(judge(&[59, 0, 3, 0, 0]), Outcome::Drop);
    }
}
