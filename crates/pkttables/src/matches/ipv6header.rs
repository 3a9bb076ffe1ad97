//! `-m ipv6header`: tests which headers an IPv6 packet has.
use crate::extension;
use crate::model::{Families, Family, protocol};
use crate::packet::Packet;
use crate::registry::{
    Choice, Context, Domain, Extension, Flag, Lister, Outcome, Revision, Scope, Value, ValueError, bang,
};
use nfnetlink::wire::Problem;

/// The `ipv6header` match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ipv6Header {
    /// The headers that are meant.
    pub headers: Headers,
    /// Whether the packet must not have them.
    pub not: bool,
    /// Whether it may have others too.
    pub soft: bool,
}

bitflags::bitflags! {
    /// Kinds of headers in an IPv6 packet.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    pub struct Headers: u8 {
        /// Any transport protocol.
        const PROTOCOL = 1;
        /// Nothing follows.
        const NONE = 2;
        /// Encapsulating security payload.
        const ESP = 4;
        /// Authentication.
        const AH = 8;
        /// Fragment.
        const FRAGMENT = 16;
        /// Routing.
        const ROUTING = 32;
        /// Destination options.
        const DESTINATION = 64;
        /// Hop-by-hop options.
        const HOP_BY_HOP = 128;
    }
}

extension! {
    /// Match IPv6 packets by the extension headers that they have.
    ///
    /// Such headers stand between the IPv6 header and the transport protocol. Few networks need them, so a border may
    /// drop what has some: `--soft --header ipv6-route` meets all packets with a routing header.
    match "ipv6header" => Ipv6Header {
        families: Families::IPV6,
    } params {
        /// The packet has exactly these headers, or with `--soft` at least these.
        [!] "header": Headers {
            set: |m, headers, not| { m.headers = headers; m.not = not },
            get: |m| Some((m.headers, m.not)),
            required: true,
        }
        /// The packet may have further headers.
        "soft": Flag {
            set: |m, _, _| m.soft = true,
            get: |m| m.soft.then_some((Flag, false)),
        }
    }
}

impl Headers {
    /// The headers of a packet; `None` if one is cut off.
    fn of(packet: &Packet<'_>) -> Option<Self> {
        let (mut found, mut next, mut at) = (Self::empty(), packet.data.u8(6)?, 40);
        loop {
            let (header, units) = match next {
                0 => (Self::HOP_BY_HOP, 8),
                43 => (Self::ROUTING, 8),
                44 => (Self::FRAGMENT, 0),
                protocol::AH => (Self::AH, 4),
                60 => (Self::DESTINATION, 8),
                protocol::ESP if packet.data.len() < at + 2 => return None,
                protocol::ESP => return Some(found | Self::ESP),
                59 => return Some(found | Self::NONE),
                _ => break,
            };
            let [following, length] = packet.data.array(at)?;
            let length = usize::from(length);
            at += match units {
                4 => (length + 2) * 4,
                8 => (length + 1) * 8,
                _ => 8,
            };
            found |= header;
            next = following;
            if at > packet.data.len() {
                break;
            }
        }
        // What follows a header that is cut off is not looked at, but taken for the payload unless it says otherwise.
        Some(if matches!(next, 59 | protocol::ESP) { found } else { found | Self::PROTOCOL })
    }
}

// `struct ip6t_ipv6header_info`
impl Extension for Ipv6Header {
    fn matches(&self, packet: &Packet<'_>, _: &mut Context<'_>) -> Outcome {
        let Some(found) = Headers::of(packet) else { return Outcome::NoMatch };
        let (wanted, found) = (self.headers, found.bits());
        // With `!` and `--soft` none of the headers may be there.
        match (self.soft, self.not) {
            (true, not) => {
                let inverted = if not { 0xff } else { 0 };
                ((found ^ wanted.bits() ^ inverted) & wanted.bits() == 0).into()
            }
            (false, not) => ((found == wanted.bits()) != not).into(),
        }
    }

    fn found(&self, packet: &Packet<'_>, _: &mut Context<'_>) -> Option<String> {
        let Some(headers) = Headers::of(packet) else { return Some("a header is cut off".into()) };
        let mut text = "the headers are ".to_owned();
        headers.write(&mut text, &Scope { family: Family::Ipv6, protocol: None });
        Some(text)
    }

    const REVISIONS: &'static [Revision<Self>] = &[Revision {
        number: 0,
        size: 3,
        families: Families::IPV6,
        encode: |m, w| {
            let all = |flag| if flag { 0xff } else { 0 };
            w.bytes(&[m.headers.bits(), all(m.not), all(m.soft)]);
            Ok(())
        },
        decode: |r, _| {
            let headers = Headers::from_bits_retain(r.u8("headers")?);
            let mut flag = |what| match r.u8(what)? {
                0 => Ok(false),
                0xff => Ok(true),
                other => Err(r.error(what, Problem::Value(other.into()))),
            };
            Ok(Some(Self { headers, not: flag("invert")?, soft: flag("soft")? }))
        },
    }];

    fn list(&self, out: &mut Lister<'_>) {
        out.add(" ipv6header");
        out.each(self, |out, name, not, text| match name {
            "header" if out.is_numeric() => {
                out.add(format_args!(" flags:{}0x{:02X}", bang(not), self.headers.bits()));
            }
            "header" => out.add(format_args!(" flags:{}{text}", bang(not))),
            _ => out.add(" soft"),
        });
    }
}

impl Value for Headers {
    const DOMAIN: Domain = Domain::Flags { choices: &CHOICES, separator: ',' };

    fn parse(text: &str, _: &Scope) -> Result<Self, ValueError> {
        let find = |name: &str| {
            let is_called = |choice: &Choice| choice.name == name || choice.aliases.contains(&name);
            let place = CHOICES.iter().position(is_called).ok_or(ValueError::UnknownName)?;
            Ok(Self::from_bits_retain(0x80 >> place))
        };
        let mut names = text.split(',').filter(|name| !name.is_empty());
        let headers = names.try_fold(Self::empty(), |headers, name| Ok(headers | find(name)?))?;
        if headers.is_empty() { Err(ValueError::Form) } else { Ok(headers) }
    }

    fn write(&self, out: &mut String, _: &Scope) {
        let has = |place: u8| self.bits() & (0x80 >> place) != 0;
        let names: Vec<&str> =
            CHOICES.iter().zip(0..).filter(|(_, place)| has(*place)).map(|(choice, _)| choice.name).collect();
        out.push_str(&names.join(","));
    }
}

/// The headers from the highest bit on, by the names that `/etc/protocols` usually has.
const CHOICES: [Choice; 8] = [
    choice("hop-by-hop", &["hop", "hopopt", "HOPOPT", "0"], "Options that every router looks at."),
    choice("ipv6-opts", &["dst", "IPv6-Opts", "60"], "Options that the destination looks at."),
    choice("ipv6-route", &["route", "IPv6-Route", "43"], "Routers that the packet should visit."),
    choice("ipv6-frag", &["frag", "IPv6-Frag", "44"], "The packet is a fragment."),
    choice("ah", &["auth", "IPSEC-AH", "51"], "IPsec's authentication header."),
    choice("esp", &["IPSEC-ESP", "50"], "IPsec's encrypted payload."),
    choice("ipv6-nonxt", &["none", "IPv6-NoNxt", "59"], "Nothing follows the headers."),
    choice("protocol", &["prot", "255"], "A transport protocol such as TCP."),
];

const fn choice(name: &'static str, aliases: &'static [&'static str], help: &'static str) -> Choice {
    Choice { name, aliases, help, families: Families::IPV6 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::Meta;
    use crate::registry::testing::{Nowhere, Trial, ipv6};
    use crate::registry::testing::{decodes, layout, text_cases};

    #[test]
    fn saved_forms() {
        text_cases! { Ipv6Header, Ipv6:
            "--header hop-by-hop" => same, "--header hop-by-hop --soft" => same, "--header ipv6-nonxt" => same,
            "! --header esp --soft" => same, "--header esp,,ah" => "--header ah,esp", "--header 0" => "--header hop-by-hop",
            "--header hop,dst,route,frag,auth,esp,none,prot" =>
                "--header hop-by-hop,ipv6-opts,ipv6-route,ipv6-frag,ah,esp,ipv6-nonxt,protocol",
            "--header 60,43,255" => "--header ipv6-opts,ipv6-route,protocol", "--header IPv6-Opts" => "--header ipv6-opts",
            "--soft" => fails, "" => fails, "--header ," => fails, "--header tcp" => fails, "--header 6" => fails,
            "--header ALL" => fails, "--header HOP" => fails, "--header AH" => fails, "--header esp --header ah" => fails, "! --soft --header esp" => fails,
        }
    }

    #[test]
    fn layout_of_struct_ip6t_ipv6header_info() {
        let text = "! --header hop,esp --soft";
        let expected = vec![0x84, 0xff, 0xff, 0, 0, 0, 0, 0];
        assert_eq!(layout::<Ipv6Header>(Family::Ipv6, 0, text), Some(expected));
        assert!(!decodes::<Ipv6Header>(Family::Ipv6, 0, &[1, 1, 0]));
    }

    #[test]
    fn packets() {
        let packet = ipv6(0, &[60, 0, 1, 4, 0, 0, 0, 0, 17, 0, 1, 4, 0, 0, 0, 0, 0, 0, 0, 0]);
        for (text, holds) in [
            ("--header hop-by-hop,ipv6-opts,protocol", true),
            ("--header hop-by-hop", false),
            ("! --header hop-by-hop", true),
            ("--header hop-by-hop --soft", true),
            ("! --header hop-by-hop --soft", false),
            ("! --header hop-by-hop,ipv6-route --soft", false),
            ("! --header ipv6-route --soft", true),
        ] {
            let mut trial = Trial::new::<Ipv6Header>(Family::Ipv6, text, Nowhere);
            assert_eq!(trial.matches(&packet, &Meta::default()), holds.into(), "{text}");
        }
    }
}
