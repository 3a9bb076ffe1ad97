use super::parse_bounded;
use crate::model::Families;
use crate::packet::Packet;
use crate::registry::{Choice, Domain, Lister, Outcome, Scope, Value, ValueError, bang};
use nfnetlink::wire::{DecodeError, Problem, Reader};
use std::fmt::Write as _;

/// A type of ICMP messages and the codes that are meant, of ICMP for IPv4 or with `V6` of ICMPv6.
///
/// Text is a name, the beginning of one that no other name has, `type`, `type/code` or `type/code:code`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct IcmpType<const V6: bool> {
    /// The type. For IPv4, 255 with all codes means any type.
    pub kind: u8,
    min_code: u8,
    max_code: u8,
}

impl<const V6: bool> IcmpType<V6> {
    /// All codes of a type.
    #[must_use]
    pub const fn new(kind: u8) -> Self {
        Self { kind, min_code: 0, max_code: u8::MAX }
    }

    /// The codes from `min` to `max` of a type; `None` if `max` comes first.
    #[must_use]
    pub const fn with_codes(kind: u8, min: u8, max: u8) -> Option<Self> {
        if min <= max { Some(Self { kind, min_code: min, max_code: max }) } else { None }
    }

    /// The lowest and the highest code.
    #[must_use]
    pub const fn codes(self) -> (u8, u8) {
        (self.min_code, self.max_code)
    }

    /// Whether a packet has such a message, or with `not` another one.
    pub(crate) fn test(self, packet: &Packet<'_>, not: bool) -> Outcome {
        let [kind, code, ..] = match packet.transport::<8>(0) {
            Ok(header) => header,
            Err(missing) => return missing.outcome(),
        };
        // The kernel takes 255 for any type, whatever the codes.
        let any = !V6 && self.kind == u8::MAX;
        let meant = self.kind == kind && (self.min_code..=self.max_code).contains(&code);
        ((any || meant) != not).into()
    }

    /// The name, if type and codes have one.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        let meaning = (self.kind, self.min_code, self.max_code);
        Self::names().find(|(_, known)| *known == meaning).map(|(choice, _)| choice.name)
    }

    /// Appends name or numbers as a listing shows them.
    pub fn list(self, not: bool, out: &mut Lister<'_>) {
        if let Some(name) = self.name().filter(|_| !out.is_numeric()) {
            return out.add(format_args!(" {}{name}", bang(not)));
        }
        out.add(format_args!("{}type {}", if not { " !" } else { "" }, self.kind));
        match self.codes() {
            (0, u8::MAX) => {}
            (min, max) if min == max => out.add(format_args!(" code {min}")),
            (min, max) => out.add(format_args!(" codes {min}-{max}")),
        }
    }

    /// Reads type, lowest and highest code from a kernel structure.
    pub fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (kind, min, max) = (r.u8("type")?, r.u8("lowest code")?, r.u8("highest code")?);
        Self::with_codes(kind, min, max).ok_or_else(|| r.error("codes", Problem::Value(max.into())))
    }

    fn names() -> impl Iterator<Item = (&'static Choice, (u8, u8, u8))> {
        let (choices, meanings) = match V6 {
            true => (V6_CHOICES, V6_MEANINGS),
            false => (V4_CHOICES, V4_MEANINGS),
        };
        choices.iter().zip(meanings.iter().copied())
    }
}

impl<const V6: bool> Default for IcmpType<V6> {
    fn default() -> Self {
        Self::new(if V6 { 0 } else { 255 })
    }
}

impl<const V6: bool> Value for IcmpType<V6> {
    const DOMAIN: Domain =
        Domain::OneOf(&[Domain::Choice(if V6 { V6_CHOICES } else { V4_CHOICES }), NUMBERS]);

    fn parse(text: &str, _: &Scope) -> Result<Self, ValueError> {
        let begins =
            |name: &str| name.get(..text.len()).is_some_and(|beginning| beginning.eq_ignore_ascii_case(text));
        let mut found = Self::names().flat_map(|(choice, meaning)| {
            let names = std::iter::once(&choice.name).chain(choice.aliases);
            names.filter(|name| begins(name)).map(move |_| meaning)
        });
        match (found.next(), found.next()) {
            (None, _) => parse_numbers(text),
            (Some((kind, min_code, max_code)), None) => Ok(Self { kind, min_code, max_code }),
            (Some(_), Some(_)) => Err(ValueError::Because("several names begin like this")),
        }
    }

    fn write(&self, out: &mut String, _: &Scope) {
        let _ = match (self.min_code, self.max_code) {
            (0, 255) if !V6 && self.kind == 255 => write!(out, "any"),
            (0, 255) => write!(out, "{}", self.kind),
            (min, max) if min == max => write!(out, "{}/{min}", self.kind),
            (min, max) => write!(out, "{}/{min}:{max}", self.kind),
        };
    }
}

fn parse_numbers<const V6: bool>(text: &str) -> Result<IcmpType<V6>, ValueError> {
    let number = |text: &str| {
        let number = parse_bounded(text, 0, 255)?;
        u8::try_from(number).map_err(|_| ValueError::Form)
    };
    let Some((kind, codes)) = text.split_once('/') else {
        let known = |error| if error == ValueError::Form { ValueError::UnknownName } else { error };
        return number(text).map(IcmpType::new).map_err(known);
    };
    let (min, max) = match codes.split_once(':') {
        Some((min, max)) => (number(min)?, number(max)?),
        None => (number(codes)?, number(codes)?),
    };
    IcmpType::with_codes(number(kind)?, min, max).ok_or(ValueError::Reversed)
}

const NUMBERS: Domain =
    Domain::List { of: &Domain::Integer { min: 0, max: 255, unit: "" }, max: 2, separator: '/' };

macro_rules! names {
    ($choices:ident, $meanings:ident, $families:expr;
     $($name:literal $(| $alias:literal)* = $kind:literal $(/ $code:literal)?, $help:literal;)*) => {
        const $choices: &[Choice] = &[$(
            Choice { name: $name, aliases: &[$($alias),*], help: $help, families: $families },
        )*];
        /// Type, lowest and highest code of each name.
        const $meanings: &[(u8, u8, u8)] = &[$(names!(@meaning $kind $($code)?),)*];
    };
    (@meaning $kind:literal) => { ($kind, 0, 255) };
    (@meaning $kind:literal $code:literal) => { ($kind, $code, $code) };
}

names! { V4_CHOICES, V4_MEANINGS, Families::IPV4;
    "any" = 255, "Every message, whatever its type.";
    "echo-reply" | "pong" = 0, "Answer to an echo request.";
    "destination-unreachable" = 3, "A packet could not be delivered, for any reason.";
    "network-unreachable" = 3/0, "There is no route to the network.";
    "host-unreachable" = 3/1, "The last router cannot reach the host.";
    "protocol-unreachable" = 3/2, "The host does not speak the transport protocol.";
    "port-unreachable" = 3/3, "Nothing listens at the port.";
    "fragmentation-needed" = 3/4, "The packet is too large for a link and may not be fragmented; path MTU discovery needs these.";
    "source-route-failed" = 3/5, "The packet asked for a route that cannot be taken.";
    "network-unknown" = 3/6, "The network does not exist as far as the router knows.";
    "host-unknown" = 3/7, "The host does not exist as far as the router knows.";
    "network-prohibited" = 3/9, "The administrator forbids traffic with the network.";
    "host-prohibited" = 3/10, "The administrator forbids traffic with the host.";
    "TOS-network-unreachable" = 3/11, "The network cannot be reached with this type of service.";
    "TOS-host-unreachable" = 3/12, "The host cannot be reached with this type of service.";
    "communication-prohibited" = 3/13, "A filter forbids the communication.";
    "host-precedence-violation" = 3/14, "The packet's precedence is not allowed for the host.";
    "precedence-cutoff" = 3/15, "The packet's precedence is below what the network carries.";
    "source-quench" = 4, "Please send more slowly; obsolete.";
    "redirect" = 5, "Please use another router, for any reason.";
    "network-redirect" = 5/0, "Another router is better for the whole network.";
    "host-redirect" = 5/1, "Another router is better for the host.";
    "TOS-network-redirect" = 5/2, "Another router is better for the network with this type of service.";
    "TOS-host-redirect" = 5/3, "Another router is better for the host with this type of service.";
    "echo-request" | "ping" = 8, "Please answer; what the ping command sends.";
    "router-advertisement" = 9, "A router makes itself known.";
    "router-solicitation" = 10, "A host asks for routers.";
    "time-exceeded" | "ttl-exceeded" = 11, "A packet took too long, in hops or in reassembly.";
    "ttl-zero-during-transit" = 11/0, "A packet passed more routers than its TTL allows; traceroute lives on these.";
    "ttl-zero-during-reassembly" = 11/1, "Fragments of a packet did not come in time.";
    "parameter-problem" = 12, "Something in a packet's header cannot be processed.";
    "ip-header-bad" = 12/0, "The header is wrong at the place that a pointer shows.";
    "required-option-missing" = 12/1, "The header lacks an option that is required.";
    "timestamp-request" = 13, "Please tell your time.";
    "timestamp-reply" = 14, "Answer to a timestamp request.";
    "address-mask-request" = 17, "Please tell the subnet mask; obsolete.";
    "address-mask-reply" = 18, "Answer to an address mask request; obsolete.";
}

names! { V6_CHOICES, V6_MEANINGS, Families::IPV6;
    "destination-unreachable" = 1, "A packet could not be delivered, for any reason.";
    "no-route" = 1/0, "There is no route to the destination.";
    "communication-prohibited" = 1/1, "A filter forbids the communication.";
    "beyond-scope" = 1/2, "The source address is not valid where the destination is.";
    "address-unreachable" = 1/3, "The last router cannot reach the address.";
    "port-unreachable" = 1/4, "Nothing listens at the port.";
    "failed-policy" = 1/5, "The source address is refused by a policy.";
    "reject-route" = 1/6, "The route to the destination rejects packets.";
    "packet-too-big" = 2, "The packet is too large for a link; path MTU discovery needs these.";
    "time-exceeded" | "ttl-exceeded" = 3, "A packet took too long, in hops or in reassembly.";
    "ttl-zero-during-transit" = 3/0, "A packet passed more routers than its hop limit allows.";
    "ttl-zero-during-reassembly" = 3/1, "Fragments of a packet did not come in time.";
    "parameter-problem" = 4, "Something in a packet's headers cannot be processed.";
    "bad-header" = 4/0, "A header field is wrong.";
    "unknown-header-type" = 4/1, "A header's type is not known.";
    "unknown-option" = 4/2, "An option in a header is not known.";
    "echo-request" | "ping" = 128, "Please answer; what the ping command sends.";
    "echo-reply" | "pong" = 129, "Answer to an echo request.";
    "mld-listener-query" = 130, "A router asks who listens to which multicast group.";
    "mld-listener-report" = 131, "A host tells that it listens to a multicast group.";
    "mld-listener-done" | "mld-listener-reduction" = 132, "A host no longer listens to a multicast group.";
    "router-solicitation" = 133, "A host asks for routers.";
    "router-advertisement" = 134, "A router makes itself and the network's prefixes known.";
    "neighbour-solicitation" | "neighbor-solicitation" = 135, "A host asks for the link address of a neighbour.";
    "neighbour-advertisement" | "neighbor-advertisement" = 136, "A host tells its link address.";
    "redirect" = 137, "Another router, or the host itself, is the better next hop.";
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Family;
    use proptest::prelude::*;

    const SCOPE: Scope = Scope { family: Family::Ipv4, protocol: None };

    fn written<const V6: bool>(text: &str) -> Result<String, ValueError> {
        let mut out = String::new();
        IcmpType::<V6>::parse(text, &SCOPE)?.write(&mut out, &SCOPE);
        Ok(out)
    }

    #[test]
    fn names_and_beginnings_of_names() {
        for (text, number) in [
            ("any", "any"),
            ("echo-req", "8"),
            ("PONG", "0"),
            ("host-unr", "3/1"),
            ("redirect", "5"),
            ("tos-host-r", "5/3"),
            ("ttl-exceeded", "11"),
            ("source-q", "4"),
        ] {
            assert_eq!(written::<false>(text).as_deref(), Ok(number), "{text}");
        }
        for (text, number) in [
            ("ping", "128"),
            ("neighbor-s", "135"),
            ("neighbour-solicitation", "135"),
            ("no-route", "1/0"),
            ("mld-listener-red", "132"),
            ("ttl-zero-during-t", "3/0"),
        ] {
            assert_eq!(written::<true>(text).as_deref(), Ok(number), "{text}");
        }
        for ambiguous in ["", "echo", "p", "neighbo", "mld-listener-re", "ttl"] {
            assert!(written::<true>(ambiguous).is_err(), "{ambiguous}");
        }
        assert_eq!(written::<true>("any"), Err(ValueError::UnknownName));
    }

    #[test]
    fn numbers() {
        for (text, same) in [
            ("8", "8"),
            ("0x8/010", "8/8"),
            ("8/0", "8/0"),
            ("8/0:255", "8"),
            ("8/1:2", "8/1:2"),
            ("255", "any"),
            ("255/255", "255/255"),
            ("255/0:255", "any"),
            ("4/255", "4/255"),
        ] {
            assert_eq!(written::<false>(text).as_deref(), Ok(same), "{text}");
        }
        assert_eq!(written::<true>("255").as_deref(), Ok("255"));
        let limits = ValueError::OutOfRange { min: 0, max: 255 };
        assert_eq!(written::<false>("256"), Err(limits.clone()));
        assert_eq!(written::<false>("8/256"), Err(limits));
        assert_eq!(written::<false>("8/2:1"), Err(ValueError::Reversed));
        for bad in ["8/", "/5", "8/:1", "8/1:", "8/1-2", "8/1:2:3", "8/1/2", "echo-request/0", "8 "] {
            assert!(written::<false>(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn each_name_means_itself() {
        fn check<const V6: bool>() {
            for (choice, meaning) in IcmpType::<V6>::names() {
                let parsed = IcmpType::<V6>::parse(choice.name, &SCOPE).unwrap();
                assert_eq!((parsed.kind, parsed.min_code, parsed.max_code), meaning);
                assert_eq!(parsed.name(), Some(choice.name));
            }
        }
        check::<false>();
        check::<true>();
    }

    proptest! {
        #[test]
        fn text_is_lossless(kind: u8, one: u8, other: u8) {
            let value = IcmpType::<false>::with_codes(kind, one.min(other), one.max(other)).unwrap();
            let mut text = String::new();
            value.write(&mut text, &SCOPE);
            prop_assert_eq!(IcmpType::parse(&text, &SCOPE), Ok(value));
        }
    }
}
