//! `-m policy`: asks how IPsec treats the packet.

use crate::domain::HostMask;
use crate::model::{Families, Family, Negatable, protocol};
use crate::packet::Packet;
use crate::registry::{
    Choice, Context, Domain, Extension, Flag, InfoReader, InfoWriter, Lister, Outcome, Revision, RuleScope,
    Scope, Sink, Value, ValueError,
};
use crate::system::Protocols;
use crate::{choices, extension};
use nfnetlink::wire::{DecodeError, EncodeError, Problem};
use std::fmt::Write as _;

/// The `policy` match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// Whether the transformations before or after this hook are meant.
    pub direction: Option<Direction>,
    /// Whether the packet must be transformed at all.
    pub policy: Treatment,
    /// Whether all transformations must be those of `elements`, in that order.
    pub strict: bool,
    /// What the transformations are; one unless `strict`.
    pub elements: Vec<Element>,
}

/// One transformation: what is given of it must fit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Element {
    /// The number that ties it to a policy.
    pub request: Option<Negatable<u32>>,
    /// The security parameter index, as it lies in memory.
    pub spi: Option<Negatable<Spi>>,
    /// The protocol: 50 (ESP), 51 (AH) or 108 (IPComp).
    pub protocol: Option<Negatable<IpsecProtocol>>,
    /// Whether whole packets or their payload are transformed.
    pub mode: Option<Negatable<Mode>>,
    /// The receiving end of the tunnel.
    pub tunnel_destination: Option<Negatable<HostMask>>,
    /// The sending end of the tunnel.
    pub tunnel_source: Option<Negatable<HostMask>>,
}

choices! {
    /// Which transformations are meant.
    pub enum Direction: u16 {
        /// Those that a received packet has gone through; in PREROUTING, INPUT and FORWARD.
        In = 1 => "in",
        /// Those that a packet will go through before it is sent; in POSTROUTING, OUTPUT and FORWARD.
        Out = 2 => "out",
    }
}

choices! {
    /// Whether a packet is transformed.
    pub enum Treatment: u16 {
        /// By IPsec.
        Ipsec = 0 => "ipsec",
        /// Not at all.
        None = 4 => "none",
    }
}

choices! {
    /// What is transformed.
    pub enum Mode: u8 {
        /// The payload of the packet.
        Transport = 0 => "transport",
        /// The whole packet, which travels inside another one.
        Tunnel = 1 => "tunnel",
    }
}

/// A security parameter index, written in hexadecimal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Spi(pub u32);

/// A protocol of IPsec.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct IpsecProtocol(u8);

extension! {
    /// Match packets by the IPsec policy they have come under, or will.
    ///
    /// With `--pol ipsec` and nothing else, any packet matches that IPsec transforms. The options from `--reqid` on
    /// describe one transformation; with `--strict` all of them are described in turn, with `--next` in between.
    match "policy" => Policy {} params {
        /// Ask about the transformations already undone (in) or still to come (out).
        "dir": Direction {
            set: |m, direction, _| m.direction = Some(direction),
            get: |m| m.direction.map(|direction| (direction, false)),
            required: true,
        }
        /// Whether IPsec transforms the packet.
        "pol": Treatment {
            set: |m, policy, _| m.policy = policy,
            get: |m| Some((m.policy, false)),
            default: Some("ipsec"),
        }
        /// The transformations are exactly those described, no more; otherwise one that fits is enough.
        "strict": Flag {
            set: |m, _, _| m.strict = true,
            get: |m| m.strict.then_some((Flag, false)),
        }
        /// The transformation was asked for by the policy with this number (`reqid` of `ip xfrm`).
        [!] "reqid": u32 {
            set: |m, value, not| m.describe(|element| put(&mut element.request, value, not)),
            get: |m| m.elements.first().and_then(|element| element.request).map(Into::into),
            repeatable: true,
        }
        /// The transformation has this security parameter index.
        [!] "spi": Spi {
            set: |m, value, not| m.describe(|element| put(&mut element.spi, value, not)),
            get: |m| m.elements.first().and_then(|element| element.spi).map(Into::into),
            repeatable: true,
        }
        /// The transformation encrypts (esp), authenticates (ah) or compresses (ipcomp).
        [!] "proto": IpsecProtocol {
            set: |m, value, not| m.describe(|element| put(&mut element.protocol, value, not)),
            get: |m| m.elements.first().and_then(|element| element.protocol).map(Into::into),
            repeatable: true,
        }
        /// The transformation is of payloads only, or of whole packets.
        [!] "mode": Mode {
            set: |m, value, not| m.describe(|element| put(&mut element.mode, value, not)),
            get: |m| m.elements.first().and_then(|element| element.mode).map(Into::into),
            repeatable: true,
        }
        /// The tunnel ends at this address, or in this network; only with mode tunnel.
        [!] "tunnel-dst": HostMask {
            set: |m, value, not| m.describe(|element| put(&mut element.tunnel_destination, value, not)),
            get: |m| m.elements.first().and_then(|element| element.tunnel_destination).map(Into::into),
            repeatable: true,
        }
        /// The tunnel begins at this address, or in this network; only with mode tunnel.
        [!] "tunnel-src": HostMask {
            set: |m, value, not| m.describe(|element| put(&mut element.tunnel_source, value, not)),
            get: |m| m.elements.first().and_then(|element| element.tunnel_source).map(Into::into),
            repeatable: true,
        }
        /// The options that follow describe the next transformation, of at most four.
        "next": Flag {
            set: |m, _, _| m.next(),
            get: |m| (m.elements.len() > 1).then_some((Flag, false)),
            repeatable: true,
            needs: &["strict"],
        }
    }
}

/// The most transformations (`XT_POLICY_MAX_ELEM`).
const MAX: usize = 4;
/// Bytes of `struct xt_policy_elem`.
const ELEMENT: usize = 76;
const STRICT: u16 = 8;

impl Extension for Policy {
    /// Without policies of IPsec, as which the evaluator takes it, no packet is transformed.
    fn matches(&self, _: &Packet<'_>, _: &mut Context<'_>) -> Outcome {
        (self.policy == Treatment::None).into()
    }

    fn found(&self, _: &Packet<'_>, _: &mut Context<'_>) -> Option<String> {
        Some("no IPsec policy is applied to it".into())
    }

    const REVISIONS: &'static [Revision<Self>] = &[Revision {
        number: 0,
        size: 308,
        families: Families::all(),
        encode: |m, w| {
            if m.elements.len() > MAX {
                return Err(EncodeError::NotRepresentable("more than four transformations"));
            }
            m.elements.iter().for_each(|element| element.encode(w));
            w.zeros(ELEMENT * (MAX - m.elements.len()));
            w.ne_u16(
                m.direction.map_or(0, Direction::number)
                    | m.policy.number()
                    | if m.strict { STRICT } else { 0 },
            );
            w.ne_u16(u16::try_from(m.elements.len()).unwrap_or(0));
            Ok(())
        },
        decode: |r, family| {
            let mut elements = Vec::new();
            for _ in 0..MAX {
                elements.push(Element::decode(r, family)?);
            }
            let at = **r;
            let (flags, len) = (r.ne_u16("flags")?, usize::from(r.ne_u16("len")?));
            let unknown = |what, value: u16| at.error(what, Problem::Value(value.into()));
            if len > MAX {
                return Err(unknown("len", flags));
            }
            elements.truncate(len);
            let direction = Direction::from_number(flags & 3).ok_or_else(|| unknown("flags", flags))?;
            let policy = Treatment::from_number(flags & 4).ok_or_else(|| unknown("flags", flags))?;
            let elements = elements.into_iter().collect::<Option<Vec<_>>>();
            let elements = elements.ok_or_else(|| unknown("element", flags))?;
            Ok(Some(Self { direction: Some(direction), policy, strict: flags & STRICT != 0, elements }))
        },
    }];

    fn check(&mut self, _: &RuleScope<'_>) -> Result<(), ValueError> {
        if self.policy == Treatment::None {
            if self.strict {
                return Err(ValueError::Because("--pol none cannot stand with --strict"));
            }
            self.elements.clear();
            return Ok(());
        }
        self.describe(|_| ());
        for element in &self.elements {
            if self.strict && *element == Element::default() {
                return Err(ValueError::Because("--strict needs a description of each transformation"));
            }
            let tunnel = element.mode.is_some_and(|mode| (mode.value == Mode::Tunnel) != mode.not);
            if (element.tunnel_source.is_some() || element.tunnel_destination.is_some()) && !tunnel {
                return Err(ValueError::Because("--tunnel-src and --tunnel-dst need --mode tunnel"));
            }
        }
        Ok(())
    }

    fn params(&self, sink: &mut dyn Sink) {
        if let Some(direction) = &self.direction {
            sink.param("dir", false, direction);
        }
        sink.param("pol", false, &self.policy);
        if self.strict {
            sink.param("strict", false, &Flag);
        }
        for (place, element) in self.elements.iter().enumerate() {
            if place > 0 {
                sink.param("next", false, &Flag);
            }
            element.params(sink);
        }
    }

    fn list(&self, out: &mut Lister<'_>) {
        out.add(" policy match");
        let strict = self.elements.len() > 1;
        let mut place = 0;
        out.each(self, |out, name, not, text| {
            if strict && (name == "next" || (place == 0 && !["dir", "pol", "strict"].contains(&name))) {
                out.add(format_args!(" [{place}]"));
                place += 1;
            }
            match (name, text) {
                ("next", _) => {}
                ("strict", _) => out.add(" strict"),
                ("proto", text) if out.is_numeric() => {
                    let number = protocol::known_number(text)
                        .map_or_else(|| text.to_owned(), |number| number.to_string());
                    out.add(format_args!("{} proto {number}", if not { " !" } else { "" }));
                }
                (name, text) => out.add(format_args!("{} {name} {text}", if not { " !" } else { "" })),
            }
        });
    }
}

impl Policy {
    /// Changes the transformation that is being described, the last one.
    fn describe<R>(&mut self, change: impl FnOnce(&mut Element) -> R) -> R {
        let mut element = self.elements.pop().unwrap_or_default();
        let result = change(&mut element);
        self.elements.push(element);
        result
    }

    fn next(&mut self) -> Result<(), ValueError> {
        self.describe(|_| ());
        if self.elements.len() == MAX {
            return Err(ValueError::TooMany { max: MAX });
        }
        self.elements.push(Element::default());
        Ok(())
    }
}

fn put<T>(place: &mut Option<Negatable<T>>, value: T, not: bool) -> Result<(), ValueError> {
    match place.replace(Negatable { value, not }) {
        None => Ok(()),
        Some(_) => Err(ValueError::Because("given twice for one transformation")),
    }
}

/// Bits of `struct xt_policy_spec`, a C bit field.
const fn bit(place: u8) -> u8 {
    if cfg!(target_endian = "big") { 0x80 >> place } else { 1 << place }
}

const TUNNEL_SOURCE: u8 = bit(0);
const TUNNEL_DESTINATION: u8 = bit(1);
const PROTOCOL: u8 = bit(2);
const MODE: u8 = bit(3);
const SPI: u8 = bit(4);
const REQUEST: u8 = bit(5);

impl Element {
    fn params(&self, sink: &mut dyn Sink) {
        fn give<T: Value>(sink: &mut dyn Sink, name: &'static str, condition: Option<&Negatable<T>>) {
            if let Some(condition) = condition {
                sink.param(name, condition.not, &condition.value);
            }
        }
        give(sink, "reqid", self.request.as_ref());
        give(sink, "spi", self.spi.as_ref());
        give(sink, "proto", self.protocol.as_ref());
        give(sink, "mode", self.mode.as_ref());
        give(sink, "tunnel-dst", self.tunnel_destination.as_ref());
        give(sink, "tunnel-src", self.tunnel_source.as_ref());
    }

    fn encode(&self, w: &mut InfoWriter<'_>) {
        for end in [self.tunnel_source, self.tunnel_destination] {
            match end {
                Some(end) => end.value.encode(w),
                None => w.zeros(32),
            }
        }
        w.ne_u32(self.spi.map_or(0, |spi| spi.value.0));
        w.ne_u32(self.request.map_or(0, |request| request.value));
        w.u8(self.protocol.map_or(0, |protocol| protocol.value.0));
        w.u8(self.mode.map_or(0, |mode| mode.value.number()));
        let conditions = [
            (TUNNEL_SOURCE, self.tunnel_source.map(|end| end.not)),
            (TUNNEL_DESTINATION, self.tunnel_destination.map(|end| end.not)),
            (PROTOCOL, self.protocol.map(|protocol| protocol.not)),
            (MODE, self.mode.map(|mode| mode.not)),
            (SPI, self.spi.map(|spi| spi.not)),
            (REQUEST, self.request.map(|request| request.not)),
        ];
        let bits = |which: fn(bool) -> bool| {
            conditions.iter().filter(|(_, not)| not.is_some_and(which)).map(|(bit, _)| bit).sum()
        };
        w.u8(bits(|_| true));
        w.u8(bits(|not| not));
    }

    /// `None` if it has a mode or protocol that does not exist.
    fn decode(r: &mut InfoReader<'_>, family: Family) -> Result<Option<Self>, DecodeError> {
        let (source, destination) = (HostMask::decode(r, family)?, HostMask::decode(r, family)?);
        let (spi, request) = (Spi(r.ne_u32("spi")?), r.ne_u32("reqid")?);
        let (protocol, mode) = (r.u8("proto")?, r.u8("mode")?);
        let (given, not) = (r.u8("match")?, r.u8("invert")?);
        fn condition<T>(given: u8, not: u8, bit: u8, value: T) -> Option<Negatable<T>> {
            (given & bit != 0).then_some(Negatable { value, not: not & bit != 0 })
        }
        let (protocol, mode) = match (IpsecProtocol::new(protocol), Mode::from_number(mode)) {
            (None, _) if given & PROTOCOL != 0 => return Ok(None),
            (_, None) => return Ok(None),
            (protocol, Some(mode)) => (
                protocol.and_then(|protocol| condition(given, not, PROTOCOL, protocol)),
                condition(given, not, MODE, mode),
            ),
        };
        Ok(Some(Self {
            request: condition(given, not, REQUEST, request),
            spi: condition(given, not, SPI, spi),
            protocol,
            mode,
            tunnel_destination: condition(given, not, TUNNEL_DESTINATION, destination),
            tunnel_source: condition(given, not, TUNNEL_SOURCE, source),
        }))
    }
}

#[allow(clippy::derivable_impls, reason = "`choices!` takes no attributes on variants")]
impl Default for Treatment {
    fn default() -> Self {
        Self::Ipsec
    }
}

impl IpsecProtocol {
    /// `None` if the protocol is none of IPsec's.
    #[must_use]
    pub const fn new(number: u8) -> Option<Self> {
        match number {
            protocol::ESP | protocol::AH | protocol::IPCOMP => Some(Self(number)),
            _ => None,
        }
    }

    /// The protocol's number.
    #[must_use]
    pub const fn number(self) -> u8 {
        self.0
    }
}

const fn protocol_choice(name: &'static str, aliases: &'static [&'static str], help: &'static str) -> Choice {
    Choice { name, aliases, help, families: Families::all() }
}

impl Value for IpsecProtocol {
    const DOMAIN: Domain = Domain::Choice(&[
        protocol_choice("esp", &["50"], "Encrypts packets."),
        protocol_choice("ah", &["51"], "Authenticates packets, without encrypting them."),
        protocol_choice("ipcomp", &["108"], "Compresses packets."),
    ]);

    fn parse(text: &str, scope: &Scope) -> Result<Self, ValueError> {
        let number = match u8::parse(text, scope) {
            Ok(number) => number,
            Err(_) => {
                let known = protocol::known_number(text).or_else(|| Protocols::system().number(text));
                known.ok_or(ValueError::UnknownName)?
            }
        };
        Self::new(number).ok_or(ValueError::Because("it must be esp, ah or ipcomp"))
    }

    fn write(&self, out: &mut String, _: &Scope) {
        out.push_str(&protocol::name(self.0));
    }
}

impl Value for Spi {
    const DOMAIN: Domain = u32::DOMAIN;

    fn parse(text: &str, scope: &Scope) -> Result<Self, ValueError> {
        u32::parse(text, scope).map(Self)
    }

    fn write(&self, out: &mut String, _: &Scope) {
        let _ = write!(out, "{:#x}", self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::testing::text_cases;

    #[test]
    fn saved_forms() {
        text_cases! { Policy, Ipv4:
            "--dir in --pol ipsec" => same, "--dir out --pol none" => same, "--dir in" => "--dir in --pol ipsec",
            "--dir in --pol none --reqid 5" => "--dir in --pol none", "--dir in --pol ipsec --proto ipcomp" => same,
            "--dir in --pol ipsec --proto 50" => "--dir in --pol ipsec --proto esp",
            "--dir in --reqid 0x10 --spi 16 ! --mode tunnel ! --proto esp" =>
                "--dir in --pol ipsec --reqid 16 --spi 0x10 ! --proto esp ! --mode tunnel",
            "--dir in --pol ipsec --mode transport" => same, "--dir in --pol ipsec --mode tunnel --tunnel-src 10.0.0.0/8" => same,
            "--dir in --pol ipsec ! --mode transport --tunnel-src 10.0.0.0/8" => same,
            "--dir in --pol ipsec --mode tunnel ! --tunnel-dst 10.1.2.3/255.0.255.0 --tunnel-src 1.2.3.4" => same,
            "--dir in --pol ipsec --mode tunnel --tunnel-dst 10.1.2.3/0" => same,
            "--dir in --pol ipsec --strict --reqid 1 --spi 0x1 --proto esp --mode tunnel --tunnel-dst 10.0.0.0/8 --tunnel-src 10.0.0.0/8 --next --reqid 2" => same,
            "--strict --dir in --reqid 1 --next --reqid 2 --next --spi 3 --next --proto ah" =>
                "--dir in --pol ipsec --strict --reqid 1 --next --reqid 2 --next --spi 0x3 --next --proto ah",
            "--pol ipsec" => fails, "" => fails, "--dir fwd" => fails, "--dir in --pol other" => fails,
            "--dir in --pol ipsec --strict" => fails, "--dir in --pol none --strict" => fails, "--dir in --proto tcp" => fails,
            "--dir in --proto all" => fails, "--dir in --mode transport --tunnel-src 1.2.3.4" => fails,
            "--dir in ! --mode tunnel --tunnel-src 1.2.3.4" => fails, "--dir in --tunnel-dst 1.2.3.4" => fails,
            "--dir in --reqid 1 --next --reqid 2" => fails, "--dir in --strict --reqid 1 --next --next --reqid 2" => fails,
            "--dir in --strict --next --reqid 2" => fails, "--dir in --reqid 1 --reqid 2" => fails,
            "--dir in --strict --reqid 1 --next --reqid 2 --next --reqid 3 --next --reqid 4 --next --reqid 5" => fails,
            "--dir in --dir out" => fails, "--dir in --spi 4294967296" => fails, "! --dir in" => fails,
        }
        text_cases! { Policy, Ipv6:
            "--dir in --pol ipsec --strict --mode tunnel --tunnel-dst 2001:db8::/32 --tunnel-src 2001:db8::1 --next --reqid 2" => same,
        }
    }

    #[test]
    fn kernel_structures() {
        let zeros = "00".repeat(32);
        let rest = "00".repeat(ELEMENT);
        let check = crate::registry::testing::check_layout::<Policy>;
        check(
            Family::Ipv4,
            "--dir in --reqid 16 --spi 5 ! --mode tunnel ! --proto esp",
            0,
            &format!("{zeros} {zeros} 05000000 10000000 32 01 3c 0c {rest} {rest} {rest} 0100 0100"),
        );
        check(Family::Ipv4, "--dir out --strict --mode tunnel ! --tunnel-src 10.0.0.0/8 --next --reqid 2", 0,
            &format!("0a000000000000000000000000000000 ff000000000000000000000000000000 {zeros} 00000000 00000000 00 01 09 01
                {zeros} {zeros} 00000000 02000000 00 00 20 00 {rest} {rest} 0a00 0200"));
    }
}
