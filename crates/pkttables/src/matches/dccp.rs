//! `-m dccp`: compares ports, packet type and options of a DCCP header.
use crate::domain::PortRange;
use crate::extension;
use crate::model::{Families, Negatable, protocol};
use crate::packet::Packet;
use crate::registry::{
    Choice, Context, Domain, Extension, Lister, Outcome, Revision, Scope, Value, ValueError, bang, sight,
};
use nfnetlink::wire::Problem;

/// The `dccp` match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dccp {
    /// The source port.
    pub source: Option<Negatable<PortRange>>,
    /// The destination port.
    pub destination: Option<Negatable<PortRange>>,
    /// The packet's type.
    pub types: Option<Negatable<DccpTypes>>,
    /// An option that the header has.
    pub option: Option<Negatable<DccpOption>>,
}

crate::integer! {
    /// The kind number of a DCCP option.
    pub struct DccpOption(u8): 1..=255, "";
}

/// Types of DCCP packets (RFC 4340), a bit each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DccpTypes(u16);

const SOURCE: u16 = 1;
const DESTINATION: u16 = 2;
const TYPES: u16 = 4;
const OPTION: u16 = 8;

extension! {
    /// Match DCCP packets by port, type or options.
    ///
    /// Without parameters it matches any DCCP packet.
    match "dccp" => Dccp {
        protocols: &[protocol::DCCP],
    } params {
        /// The port that the packet comes from is this one, or in this range.
        ///
        /// `:1023` means all up to 1023, `1024:` all from 1024. A name is looked up in the system's list of services.
        [!] "sport" | "source-port": PortRange {
            set: |m, value, not| m.source = Some(Negatable { value, not }),
            get: |m| m.source.map(|ports| (ports.value, ports.not)),
            sees: Some(sight::source_port),
        }
        /// The port that the packet goes to is this one, or in this range.
        ///
        /// Ranges and names are written as with `--sport`.
        [!] "dport" | "destination-port": PortRange {
            set: |m, value, not| m.destination = Some(Negatable { value, not }),
            get: |m| m.destination.map(|ports| (ports.value, ports.not)),
            sees: Some(sight::destination_port),
        }
        /// The packet has one of these types.
        [!] "dccp-types": DccpTypes {
            set: |m, value, not| m.types = Some(Negatable { value, not }),
            get: |m| m.types.map(|types| (types.value, types.not)),
            sees: Some(sight::dccp_type),
        }
        /// The header has an option of this kind.
        [!] "dccp-option": DccpOption {
            set: |m, value, not| m.option = Some(Negatable { value, not }),
            get: |m| m.option.map(|option| (option.value, option.not)),
        }
    }
}

// `struct xt_dccp_info`
impl Extension for Dccp {
    fn matches(&self, packet: &Packet<'_>, _: &mut Context<'_>) -> Outcome {
        let [s1, s2, d1, d2, offset, _, _, _, kind, ..] = match packet.transport::<12>(0) {
            Ok(header) => header,
            Err(missing) => return missing.outcome(),
        };
        let port = |wanted: Option<Negatable<PortRange>>, bytes| {
            let port = u16::from_be_bytes(bytes);
            wanted.is_none_or(|wanted| wanted.value.contains(port) != wanted.not)
        };
        let (type_number, extended) = (kind >> 1 & 0xf, kind & 1);
        let of_type =
            |wanted: Negatable<DccpTypes>| (wanted.value.bits() >> type_number & 1 != 0) != wanted.not;
        if !port(self.source, [s1, s2])
            || !port(self.destination, [d1, d2])
            || !self.types.is_none_or(of_type)
        {
            return Outcome::NoMatch;
        }
        let Some(wanted) = self.option else { return Outcome::Match };
        // The generic header, then what the type adds (RFC 4340, 5).
        let added = match type_number {
            2 => 0,
            0 => 4,
            3..=6 | 8 | 9 => 8,
            _ => 12,
        };
        let start = packet.layout.transport;
        let mut at = start + 12 + usize::from(extended) * 4 + added;
        let end = start + usize::from(offset) * 4;
        // Without options the kernel does not look whether the whole header is there.
        if end < at || end > at && end > packet.data.len() {
            return if wanted.not { Outcome::DropMatching } else { Outcome::Drop };
        }
        let mut found = false;
        while at < end && !found {
            let [kind, len] =
                packet.data.array(at).unwrap_or_else(|| [packet.data.u8(at).unwrap_or_default(), 0]);
            found = kind == wanted.value.0;
            at += if kind < 2 || len == 0 { 1 } else { len.into() };
        }
        (found != wanted.not).into()
    }

    const REVISIONS: &'static [Revision<Self>] = &[Revision {
        number: 0,
        size: 16,
        families: Families::all(),
        encode: |m, w| {
            for ports in [m.destination, m.source] {
                let ports = ports.map(|ports| (ports.value.min(), ports.value.max())).unwrap_or_default();
                w.ne_u16(ports.0);
                w.ne_u16(ports.1);
            }
            let parts = [
                (SOURCE, m.source.map(|ports| ports.not)),
                (DESTINATION, m.destination.map(|ports| ports.not)),
                (TYPES, m.types.map(|types| types.not)),
                (OPTION, m.option.map(|option| option.not)),
            ];
            let bits = |test: fn(Option<bool>) -> bool| {
                parts.iter().filter(|(_, not)| test(*not)).map(|(bit, _)| bit).sum()
            };
            w.ne_u16(bits(|not| not.is_some()));
            w.ne_u16(bits(|not| not == Some(true)));
            w.ne_u16(m.types.map_or(0, |types| types.value.0));
            w.bytes(&[m.option.map_or(0, |option| option.value.0), 0]);
            Ok(())
        },
        decode: |r, _| {
            let (destination, source) = (PortRange::decode(r)?, PortRange::decode(r)?);
            let (flags, inverted) = (r.ne_u16("flags")?, r.ne_u16("inverted")?);
            let (types, option) = (DccpTypes::new(r.ne_u16("types")?), r.u8("option")?);
            r.take(1, "padding")?;
            if flags > 0xf || inverted & !flags != 0 {
                return Err(r.error("flags", Problem::Value(flags.into())));
            }
            let has = |flag| flags & flag != 0;
            let not = |flag| inverted & flag != 0;
            let types = match (has(TYPES), types) {
                (false, _) => None,
                (true, Some(value)) => Some(Negatable { value, not: not(TYPES) }),
                (true, None) => return Err(r.error("types", Problem::Value(0))),
            };
            Ok(Some(Self {
                source: has(SOURCE).then_some(Negatable { value: source, not: not(SOURCE) }),
                destination: has(DESTINATION)
                    .then_some(Negatable { value: destination, not: not(DESTINATION) }),
                types,
                option: has(OPTION).then_some(Negatable { value: DccpOption(option), not: not(OPTION) }),
            }))
        },
    }];

    fn list(&self, out: &mut Lister<'_>) {
        out.add(" dccp");
        for (label, ports) in [("spt", self.source), ("dpt", self.destination)] {
            if let Some(Negatable { value, not }) = ports {
                out.labelled_ports(label, not, value.min(), value.max());
            }
        }
        if let Some(types) = self.types {
            let has = |place: &usize| types.value.bits() >> place & 1 != 0;
            let names: Vec<String> = match out.is_numeric() {
                true => (0..16).filter(has).map(|place| place.to_string()).collect(),
                false => (0..NAMES.len())
                    .filter(has)
                    .filter_map(|place| NAMES.get(place))
                    .map(|choice| choice.name.to_owned())
                    .collect(),
            };
            out.add(format_args!(" {}{}", if types.not { "! " } else { "" }, names.join(",")));
        }
        if let Some(option) = self.option {
            out.add(format_args!(" option={}{}", bang(option.not), option.value.0));
        }
    }
}

impl DccpTypes {
    /// The bits of all types that no name but `INVALID` stands for.
    const INVALID: u16 = 0xfc00;

    /// The types whose bits are set; `None` if there is none, or some but not all of the invalid ones.
    #[must_use]
    pub const fn new(bits: u16) -> Option<Self> {
        match bits & Self::INVALID {
            0 | Self::INVALID if bits != 0 => Some(Self(bits)),
            _ => None,
        }
    }

    /// A bit for each type.
    #[must_use]
    pub const fn bits(self) -> u16 {
        self.0
    }
}

impl Value for DccpTypes {
    const DOMAIN: Domain = Domain::Flags { choices: &NAMES, separator: ',' };

    fn parse(text: &str, _: &Scope) -> Result<Self, ValueError> {
        let bit = |name: &str| {
            let place = NAMES.iter().position(|choice| choice.name.eq_ignore_ascii_case(name));
            match place.ok_or(ValueError::UnknownName)? {
                10 => Ok(Self::INVALID),
                place => Ok(1 << place),
            }
        };
        let mut names = text.split(',').filter(|name| !name.is_empty());
        let bits = names.try_fold(0, |bits, name| Ok(bits | bit(name)?))?;
        Self::new(bits).ok_or(ValueError::Form)
    }

    fn write(&self, out: &mut String, _: &Scope) {
        let has = |bit: u16| self.0 & (1 << bit) != 0;
        let names: Vec<&str> =
            NAMES.iter().zip(0..).filter(|(_, bit)| has(*bit)).map(|(choice, _)| choice.name).collect();
        out.push_str(&names.join(","));
    }
}

/// The types from the lowest bit on.
const NAMES: [Choice; 11] = [
    choice("REQUEST", "Opens a connection."),
    choice("RESPONSE", "Answers a request."),
    choice("DATA", "Carries data."),
    choice("ACK", "Acknowledges packets."),
    choice("DATAACK", "Carries data and acknowledges packets."),
    choice("CLOSEREQ", "The server asks the client to close."),
    choice("CLOSE", "Closes the connection."),
    choice("RESET", "Ends the connection, orderly or not."),
    choice("SYNC", "Finds the right sequence numbers after losses."),
    choice("SYNCACK", "Answers a sync."),
    choice("INVALID", "All types that have no meaning."),
];

const fn choice(name: &'static str, help: &'static str) -> Choice {
    Choice { name, aliases: &[], help, families: Families::all() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Family;
    use crate::registry::testing::{decodes, layout, text_cases};

    #[test]
    fn saved_forms() {
        text_cases! { Dccp, Ipv4:
            "-p 33" => "", "-p 33 --sport 1" => "--sport 1", "-p 33 --sport :" => "--sport 0:65535",
            "-p 33 ! --dport :" => "! --dport 0:65535", "-p 33 --sport 4:4" => "--sport 4", "-p 33 --dport 4:" => "--dport 4:65535",
            "-p 33 --dccp-option 3 --dccp-types ACK --destination-port 6 ! --source-port 5" =>
                "! --sport 5 --dport 6 --dccp-types ACK --dccp-option 3",
            "-p 33 --dccp-types request,RESPONSE,DATA,ACK,DATAACK,CLOSEREQ,CLOSE,RESET,SYNC,SYNCACK,INVALID" =>
                "--dccp-types REQUEST,RESPONSE,DATA,ACK,DATAACK,CLOSEREQ,CLOSE,RESET,SYNC,SYNCACK,INVALID",
            "-p 33 ! --dccp-types INVALID" => "! --dccp-types INVALID", "-p 33 --dccp-types SYNC,,ACK" => "--dccp-types ACK,SYNC",
            "-p 33 ! --dccp-option 255" => "! --dccp-option 255",
            "-p 33 --dccp-types FOO" => fails, "-p 33 --dccp-types 1" => fails, "-p 33 --dccp-types ," => fails,
            "-p 33 --dccp-option 0" => fails, "-p 33 --dccp-option 256" => fails, "-p 33 --dccp-option -1" => fails,
            "-p 33 --sport 4:3" => fails, "-p 33 --sport -1" => fails, "-p 33 --sport 65536" => fails,
            "-p 6 --sport 1" => fails, "" => fails, "-p 33 --sport 1 --sport 1" => fails,
        }
    }

    #[test]
    fn layout_of_struct_xt_dccp_info() {
        let text = "-p 33 --sport 1:2 ! --dport 3 ! --dccp-types REQUEST,INVALID --dccp-option 9";
        let mut expected = [3_u16, 3, 1, 2, 15, 6, 0xfc01].map(u16::to_ne_bytes).concat();
        expected.extend([9, 0]);
        assert_eq!(layout::<Dccp>(Family::Ipv6, 0, text), Some(expected));
        let info = |flags: u16, inverted: u16, types: u16| {
            [0, 0, 0, 0, flags, inverted, types, 0].map(u16::to_ne_bytes).concat()
        };
        assert!(decodes::<Dccp>(Family::Ipv6, 0, &info(7, 3, 0xfc00)));
        assert!(!decodes::<Dccp>(Family::Ipv6, 0, &info(16, 0, 0)));
        assert!(!decodes::<Dccp>(Family::Ipv6, 0, &info(1, 2, 0)));
        assert!(!decodes::<Dccp>(Family::Ipv6, 0, &info(4, 0, 0x0800)));
    }
}
