//! `-m iprange`: compares addresses with ranges that need not be prefixes.

use crate::domain::AddressRange;
use crate::extension;
use crate::model::{Families, Negatable};
use crate::packet::Packet;
use crate::registry::{
    Context, Domain, Extension, Lister, Outcome, Require, Revision, Scope, Value, ValueError, sight,
};

/// The `iprange` match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Iprange {
    /// Where the source address must lie.
    pub source: Option<Negatable<Span>>,
    /// Where the destination address must lie.
    pub destination: Option<Negatable<Span>>,
}

/// Two addresses and all between them; nothing, if the first is the higher one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Span(pub AddressRange);

extension! {
    /// Match packets whose address lies in a range that has a first and a last address.
    ///
    /// For ranges that are not a whole prefix; for those `-s` and `-d` are simpler and quicker.
    match "iprange" => Iprange {
        require: Require::AtLeastOne,
    } params {
        /// The source address is one of these, both ends included.
        [!] "src-range": Span {
            set: |m, value, not| m.source = Some(Negatable { value, not }),
            get: |m| m.source.map(Into::into),
            sees: Some(sight::source),
        }
        /// The destination address is one of these, both ends included.
        [!] "dst-range": Span {
            set: |m, value, not| m.destination = Some(Negatable { value, not }),
            get: |m| m.destination.map(Into::into),
            sees: Some(sight::destination),
        }
    }
}

const SOURCE: u8 = 1;
const DESTINATION: u8 = 2;
const SOURCE_NOT: u8 = 0x10;
const DESTINATION_NOT: u8 = 0x20;

impl Extension for Iprange {
    fn matches(&self, packet: &Packet<'_>, _: &mut Context<'_>) -> Outcome {
        let test = |wanted: Option<Negatable<Span>>, address| {
            wanted.is_none_or(|wanted| {
                let Span(range) = wanted.value;
                (range.first <= address && address <= range.last) != wanted.not
            })
        };
        (test(self.source, packet.layout.source) && test(self.destination, packet.layout.destination)).into()
    }

    const REVISIONS: &'static [Revision<Self>] = &[Revision {
        number: 1,
        size: 68,
        families: Families::all(),
        encode: |m, w| {
            let mut flags = 0;
            for (range, given, not) in
                [(m.source, SOURCE, SOURCE_NOT), (m.destination, DESTINATION, DESTINATION_NOT)]
            {
                match range {
                    Some(range) => {
                        flags |= given | if range.not { not } else { 0 };
                        w.inet_addr(range.value.0.first);
                        w.inet_addr(range.value.0.last);
                    }
                    None => w.zeros(32),
                }
            }
            w.u8(flags);
            w.zeros(3);
            Ok(())
        },
        decode: |r, family| {
            let mut span = || {
                let (first, last) = (r.inet_addr(family, "first")?, r.inet_addr(family, "last")?);
                Ok(Span(AddressRange { first, last }))
            };
            let (source, destination) = (span()?, span()?);
            let flags = r.u8("flags")?;
            r.take(3, "padding")?;
            let range = |value, given: u8, not: u8| {
                (flags & given != 0).then_some(Negatable { value, not: flags & not != 0 })
            };
            Ok(Some(Self {
                source: range(source, SOURCE, SOURCE_NOT),
                destination: range(destination, DESTINATION, DESTINATION_NOT),
            }))
        },
    }];

    fn list(&self, out: &mut Lister<'_>) {
        out.each(self, |out, name, not, text| {
            let side = if name == "src-range" { "source" } else { "destination" };
            out.add(format_args!(" {side} IP range{} {text}", if not { " !" } else { "" }));
        });
    }
}

impl Value for Span {
    const DOMAIN: Domain = AddressRange::DOMAIN;

    fn parse(text: &str, scope: &Scope) -> Result<Self, ValueError> {
        AddressRange::parse_ends(text, scope.family).map(Self)
    }

    fn write(&self, out: &mut String, scope: &Scope) {
        self.0.write(out, scope);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::testing::{layout_cases, text_cases};

    #[test]
    fn saved_forms() {
        text_cases! { Iprange, Ipv4:
            "--src-range 1.2.3.4-1.2.3.9" => same, "--src-range 1.2.3.4" => "--src-range 1.2.3.4-1.2.3.4",
            "! --dst-range 1.2.3.4-1.2.3.9 --src-range 0.0.0.0-1.1.1.1" =>
                "--src-range 0.0.0.0-1.1.1.1 ! --dst-range 1.2.3.4-1.2.3.9",
            "--src-range 1.2-1.3" => "--src-range 1.2.0.0-1.3.0.0", "--src-range 1.2.3.4-1.2.3.1" => same,
            "--src-range 1.2.3.4-" => fails, "--src-range -1.2.3.4" => fails, "--src-range localhost" => fails,
            "--src-range 1.2.3.4-1.2.3.5-1.2.3.6" => fails, "--src-range ::1" => fails, "" => fails,
        }
        text_cases! { Iprange, Ipv6:
            "--src-range 2001:db8::1-2001:db8::10" => same, "! --dst-range ::1" => "! --dst-range ::1-::1",
            "--dst-range ::ffff:1.2.3.4-0:0:2::1" => same, "--dst-range 1.2.3.4" => fails,
        }
    }

    #[test]
    fn kernel_structures() {
        layout_cases! { Iprange, Ipv4: "--src-range 0.0.0.0-1.1.1.1 ! --dst-range 1.2.3.4-1.2.3.9", 1 => "00000000 000000000000000000000000 01010101 000000000000000000000000 01020304 000000000000000000000000 01020309 000000000000000000000000 23" }
    }
}
