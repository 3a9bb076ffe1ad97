//! `-m tcp`: compares ports, flags and options of a TCP header.
use crate::domain::{PortRange, PortsOf};
use crate::extension;
use crate::model::{Families, Family, Negatable, protocol};
use crate::nft::ports;
use crate::packet::{Missing, Packet};
use crate::registry::{
    Backend, Choice, Condition, Context, Domain, Extension, Flag, FromNative, Lister, Load, Native,
    NativeWriter, Outcome, Recognised, Revision, RuleScope, Scope, Test, Value, ValueError, bang, sight,
};
use nfnetlink::wire::Problem;
use pkttnetlink::nft::expr::{CmpOp, PayloadBase};

/// The `tcp` match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tcp {
    /// The source port; all ports and not negated if it does not matter.
    pub source: Negatable<PortRange>,
    /// The destination port; all ports and not negated if it does not matter.
    pub destination: Negatable<PortRange>,
    /// An option that the header has, or has not.
    pub option: Option<Negatable<TcpOption>>,
    /// The flags; nothing examined and not negated if they do not matter.
    pub flags: Negatable<TcpFlags>,
}

crate::integer! {
    /// The kind number of a TCP option.
    pub struct TcpOption(u8): 1..=255, "";
}

/// Which TCP flags are examined, and which of those must be set while the others are clear.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct TcpFlags {
    /// The flags that are examined; bits as in byte 13 of the header.
    pub mask: u8,
    /// Those that must be set.
    pub set: u8,
}

extension! {
    /// Match TCP packets by port, flags or options.
    ///
    /// Without parameters it matches any TCP packet. The first fragment holds the header; further
    /// fragments of a packet never match.
    match "tcp" => Tcp {
        protocols: &[protocol::TCP],
        protocol_checked: true,
    } params {
        /// The port that the packet comes from is this one, or in this range.
        ///
        /// `:1023` means all up to 1023, `1024:` all from 1024. A name such as `http` is looked up in the
        /// system's list of services.
        [!] "sport" | "source-port": PortsOf<{ protocol::TCP }> {
            set: |m, ports, not| m.source = Negatable { value: ports.0, not },
            get: |m| m.source.given().map(|(ports, not)| (PortsOf(ports), not)),
            sees: Some(sight::source_port),
        }
        /// The port that the packet goes to is this one, or in this range.
        ///
        /// Ranges and names are written as with `--sport`.
        [!] "dport" | "destination-port": PortsOf<{ protocol::TCP }> {
            set: |m, ports, not| m.destination = Negatable { value: ports.0, not },
            get: |m| m.destination.given().map(|(ports, not)| (PortsOf(ports), not)),
            sees: Some(sight::destination_port),
        }
        /// The header has an option of this kind, for instance 2 for the maximum segment size.
        ///
        /// A packet whose header is cut off or malformed is dropped.
        [!] "tcp-option": TcpOption {
            set: |m, value, not| m.option = Some(Negatable { value, not }),
            get: |m| m.option.map(|option| (option.value, option.not)),
            sees: Some(sight::tcp_options),
        }
        /// Of the flags in the first list, those in the second are set and the others are clear.
        ///
        /// `--tcp-flags SYN,ACK SYN` is met by packets with SYN and without ACK, whatever the other flags.
        [!] "tcp-flags": TcpFlags {
            set: |m, value, not| m.flags = Negatable { value, not },
            get: |m| m.flags.given(),
            excludes: &["syn"],
            sees: Some(sight::tcp_flags),
        }
        /// The packet opens a connection: SYN is set; ACK, RST and FIN are clear.
        ///
        /// This is short for `--tcp-flags FIN,SYN,RST,ACK SYN`, which is also how it is saved.
        [!] "syn": Flag {
            set: |m, _, not| m.flags = Negatable { value: TcpFlags::SYN, not },
            get: |_| None,
            excludes: &["tcp-flags"],
            sees: Some(sight::tcp_flags),
        }
    }
}

// `struct xt_tcp`
impl Extension for Tcp {
    fn matches(&self, packet: &Packet<'_>, context: &mut Context<'_>) -> Outcome {
        if context.backend == Backend::Nft && self.is_native() {
            return self.test_native(packet);
        }
        let start = packet.layout.transport;
        let [s1, s2, d1, d2, .., offset, flags, _, _, _, _, _, _] = match packet.transport::<20>(0) {
            Ok(header) => header,
            // A fragment that begins within the header would overwrite it.
            Err(Missing::LaterFragment(8)) if packet.family() == Family::Ipv4 => return Outcome::Drop,
            Err(missing) => return missing.outcome(),
        };
        let port = |wanted: Negatable<PortRange>, port| wanted.value.contains(port) != wanted.not;
        if !port(self.source, u16::from_be_bytes([s1, s2]))
            || !port(self.destination, u16::from_be_bytes([d1, d2]))
            || self.flags.value.fits(flags) == self.flags.not
        {
            return Outcome::NoMatch;
        }
        let Some(wanted) = self.option else { return Outcome::Match };
        match options(packet, start, offset) {
            Ok(mut options) => (options.any(|option| option.kind == wanted.value.0) != wanted.not).into(),
            Err(Malformed) => Outcome::Drop,
        }
    }

    fn check(&mut self, _: &RuleScope<'_>) -> Result<(), ValueError> {
        if self.is_native() {
            ports::normalise(&mut self.source);
            ports::normalise(&mut self.destination);
        }
        Ok(())
    }

    fn to_native(&self, _: &RuleScope<'_>, out: &mut NativeWriter<'_>) -> bool {
        if !self.is_native() {
            return false;
        }
        if let Some((flags, not)) = self.flags.given() {
            let op = if not { CmpOp::NEQ } else { CmpOp::EQ };
            let test = Test::Compare(op, &[flags.set]);
            out.condition(&Condition { load: FLAGS, mask: Some(&[flags.mask]), test });
        }
        ports::write(self.source, self.destination, out);
        true
    }

    fn absorb(&mut self, next: &mut Self) -> bool {
        if !self.is_native() || !next.is_native() || !ports::absorb(self.ports(), next.ports()) {
            return false;
        }
        let free = self.flags.given().is_none() || next.flags.given().is_none();
        if free && next.flags.given().is_some() {
            self.flags = std::mem::take(&mut next.flags);
        }
        free
    }

    const FROM_NATIVE: Option<FromNative<Self>> = Some(|native, rule, previous| {
        let (&Native::Condition(condition), true) = (native, rule.header.names_protocol(protocol::TCP))
        else {
            return Recognised::No;
        };
        if previous.is_some_and(|previous| previous.read(&condition)) {
            return Recognised::Merged;
        }
        let mut new = Self::default();
        if new.read(&condition) { Recognised::New(new) } else { Recognised::No }
    });

    const REVISIONS: &'static [Revision<Self>] = &[Revision {
        number: 0,
        size: 12,
        families: Families::all(),
        encode: |m, w| {
            for ports in [m.source, m.destination] {
                w.ne_u16(ports.value.min());
                w.ne_u16(ports.value.max());
            }
            w.u8(m.option.map_or(0, |option| option.value.0));
            w.bytes(&[m.flags.value.mask, m.flags.value.set]);
            let option = m.option.is_some_and(|option| option.not);
            let inverted = [m.source.not, m.destination.not, m.flags.not, option];
            w.u8(inverted.iter().zip(0..).map(|(&not, bit)| u8::from(not) << bit).sum());
            Ok(())
        },
        decode: |r, _| {
            let (source, destination) = (PortRange::decode(r)?, PortRange::decode(r)?);
            let option = r.u8("option")?;
            let flags = TcpFlags { mask: r.u8("mask")?, set: r.u8("flags")? };
            let inverted = r.u8("inverted")?;
            let not = |bit: u8| inverted & (1 << bit) != 0;
            if inverted > 0xf || (option == 0 && not(3)) {
                return Err(r.error("inverted", Problem::Value(inverted.into())));
            }
            Ok(Some(Self {
                source: Negatable { value: source, not: not(0) },
                destination: Negatable { value: destination, not: not(1) },
                option: (option != 0).then(|| Negatable { value: TcpOption(option), not: not(3) }),
                flags: Negatable { value: flags, not: not(2) },
            }))
        },
    }];

    fn list(&self, out: &mut Lister<'_>) {
        out.add(" tcp");
        let (source, destination) = (self.source, self.destination);
        out.labelled_ports("spt", source.not, source.value.min(), source.value.max());
        out.labelled_ports("dpt", destination.not, destination.value.min(), destination.value.max());
        out.each(self, |out, name, not, text| match name {
            "tcp-option" => out.add(format_args!(" option={}{text}", bang(not))),
            "tcp-flags" if out.is_numeric() => {
                let TcpFlags { mask, set } = self.flags.value;
                out.add(format_args!(" flags:{}0x{mask:02X}/0x{set:02X}", bang(not)));
            }
            "tcp-flags" => out.add(format_args!(" flags:{}{}", bang(not), text.replace(' ', "/"))),
            _ => {}
        });
    }
}

/// A TCP option: its kind and, if the packet has them, the three bytes that follow.
pub(crate) struct SeenOption {
    pub(crate) kind: u8,
    pub(crate) rest: Option<[u8; 3]>,
}

/// The header is cut off or shorter than it must be.
pub(crate) struct Malformed;

/// Walks through the options of the TCP header at `start`, whose byte 12 is `offset`.
pub(crate) fn options<'p>(
    packet: &Packet<'p>,
    start: usize,
    offset: u8,
) -> Result<impl Iterator<Item = SeenOption> + use<'p>, Malformed> {
    let end = start + usize::from(offset >> 4) * 4;
    if end < start + 20 || end > packet.data.len() {
        return Err(Malformed);
    }
    let data = packet.data.truncated(end);
    let mut at = start + 20;
    Ok(std::iter::from_fn(move || {
        let kind = data.u8(at)?;
        let option = SeenOption { kind, rest: data.array(at + 1) };
        at += match (kind, data.u8(at + 1)) {
            (0 | 1, _) | (_, Some(0) | None) => 1,
            (_, Some(len)) => usize::from(len),
        };
        Some(option)
    }))
}

impl Tcp {
    /// As nf_tables does: what cannot be read does not match, and later fragments are read as if they had a header.
    fn test_native(&self, packet: &Packet<'_>) -> Outcome {
        if self.flags.given().is_some() {
            let flags = packet.data.u8(packet.layout.transport + 13);
            if flags.is_none_or(|flags| self.flags.value.fits(flags) == self.flags.not) {
                return Outcome::NoMatch;
            }
        }
        ports::test(self.source, self.destination, packet)
    }
}

impl TcpFlags {
    const fn fits(self, flags: u8) -> bool {
        flags & self.mask == self.set
    }
}

/// Byte 13 of the header holds the flags (RFC 9293).
const FLAGS: Load = Load::Payload { base: PayloadBase::TRANSPORT_HEADER, offset: 13, len: 1 };

impl Tcp {
    /// Whether iptables-nft has native expressions for this: not for options, nor for a match of anything.
    fn is_native(&self) -> bool {
        let looks_at_flags = self.flags.value.mask != 0;
        let given = self.source.given().is_some() || self.destination.given().is_some() || looks_at_flags;
        self.option.is_none() && given && (looks_at_flags || self.flags.given().is_none())
    }

    const fn ports(&mut self) -> ports::Ports<'_> {
        let Self { source, destination, .. } = self;
        ports::Ports { source, destination }
    }

    fn read(&mut self, condition: &Condition<'_>) -> bool {
        if condition.load != FLAGS {
            return ports::read(condition, self.ports());
        }
        let (&[mask], Test::Compare(op, &[set])) = (condition.mask.unwrap_or(&[0xff]), condition.test) else {
            return false;
        };
        let known = mask != 0 && matches!(op, CmpOp::EQ | CmpOp::NEQ) && self.flags.given().is_none();
        if known {
            self.flags = Negatable { value: TcpFlags { mask, set }, not: op == CmpOp::NEQ };
        }
        known
    }
}

impl TcpFlags {
    /// What `--syn` stands for.
    pub const SYN: Self = Self { mask: 0x17, set: 0x02 };
    const ALL: u8 = 0x3f;
}

const FLAG_LIST: Domain = Domain::Flags {
    separator: ',',
    choices: &[
        flag("FIN", "The sender has nothing more to send."),
        flag("SYN", "Opens a connection."),
        flag("RST", "Breaks the connection off."),
        flag("PSH", "The receiver should hand the data on at once."),
        flag("ACK", "Acknowledges what was received; set on all packets but the first."),
        flag("URG", "Some of the data is urgent."),
        flag("ALL", "All six flags."),
        flag("NONE", "No flag."),
    ],
};

/// The names of the flags from the lowest bit on.
const NAMES: [&str; 6] = ["FIN", "SYN", "RST", "PSH", "ACK", "URG"];

const fn flag(name: &'static str, help: &'static str) -> Choice {
    Choice { name, aliases: &[], help, families: Families::all() }
}

impl Value for TcpFlags {
    const DOMAIN: Domain = Domain::Words(&[FLAG_LIST, FLAG_LIST]);
    const WORDS: usize = 2;

    fn parse(text: &str, _: &Scope) -> Result<Self, ValueError> {
        let (mask, set) = text.split_once(' ').ok_or(ValueError::Form)?;
        Ok(Self { mask: parse_flags(mask)?, set: parse_flags(set)? })
    }

    fn write(&self, out: &mut String, _: &Scope) {
        write_flags(out, self.mask);
        out.push(' ');
        write_flags(out, self.set);
    }
}

fn parse_flags(text: &str) -> Result<u8, ValueError> {
    let bits = |name: &str| {
        if name.eq_ignore_ascii_case("ALL") {
            Ok(TcpFlags::ALL)
        } else if name.is_empty() || name.eq_ignore_ascii_case("NONE") {
            Ok(0)
        } else {
            let bit = NAMES.iter().position(|known| known.eq_ignore_ascii_case(name));
            bit.map(|bit| 1 << bit).ok_or(ValueError::UnknownName)
        }
    };
    text.split(',').try_fold(0, |flags, name| Ok(flags | bits(name)?))
}

fn write_flags(out: &mut String, flags: u8) {
    let names: Vec<&str> =
        NAMES.iter().zip(0..).filter(|(_, bit)| flags & (1 << bit) != 0).map(|(name, _)| *name).collect();
    out.push_str(&if names.is_empty() { "NONE".into() } else { names.join(",") });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Family;
    use crate::registry::testing::{decodes, layout, text_cases};
    use proptest::prelude::*;

    #[test]
    fn ports() {
        text_cases! { Tcp, Ipv4:
            "-p 6" => "", "-p 6 --sport 1" => "--sport 1", "-p 6 --source-port 1:2" => "--sport 1:2",
            "-p 6 --dport 4:4 ! --sport 7:" => "! --sport 7:65535 --dport 4", "-p 6 --sport :" => "",
            "-p 6 ! --sport :" => "! --sport 0:65535", "-p 6 --sport 010:0x10" => "--sport 8:16",
            "-p 6 --destination-port :5" => "--dport 0:5", "-p 6 ! --dport 65535" => "! --dport 65535",
            "-p 6 --dport 4:3" => fails, "-p 6 --dport 65536" => fails, "-p 6 --dport -1" => fails,
            "-p 6 --dport 0x" => fails, "-p 6 --dport 1:2:3" => fails, "-p 6 --dport nosuchservice" => fails,
            "-p 6 --sport 1 --sport 2" => fails, "--dport 1" => fails, "-p 17 --dport 1" => fails, "" => fails,
        }
    }

    #[test]
    fn flags_and_options() {
        text_cases! { Tcp, Ipv6:
            "-p 6 --syn" => "--tcp-flags FIN,SYN,RST,ACK SYN", "-p 6 ! --syn" => "! --tcp-flags FIN,SYN,RST,ACK SYN",
            "-p 6 --tcp-flags ALL NONE" => "--tcp-flags FIN,SYN,RST,PSH,ACK,URG NONE",
            "-p 6 --tcp-flags all syn,,ack" => "--tcp-flags FIN,SYN,RST,PSH,ACK,URG SYN,ACK",
            "-p 6 --tcp-flags ACK,SYN FIN,FIN" => "--tcp-flags SYN,ACK FIN",
            "-p 6 --tcp-flags , ," => "", "-p 6 ! --tcp-flags NONE NONE" => "! --tcp-flags NONE NONE",
            "-p 6 --syn --tcp-option 7 --dport 1 --sport 2" =>
                "--sport 2 --dport 1 --tcp-option 7 --tcp-flags FIN,SYN,RST,ACK SYN",
            "-p 6 ! --tcp-option 0xff" => "! --tcp-option 255",
            "-p 6 --tcp-option 0" => fails, "-p 6 --tcp-option 256" => fails, "-p 6 --tcp-flags FOO SYN" => fails,
            "-p 6 --tcp-flags 0x10 ACK" => fails, "-p 6 --tcp-flags SYN" => fails,
            "-p 6 --syn --tcp-flags SYN SYN" => fails, "-p 6 --syn --syn" => fails,
        }
    }

    #[test]
    fn the_layout_is_struct_xt_tcp() {
        let text = "-p 6 ! --sport 1:2 --dport 80 ! --tcp-option 5 --tcp-flags SYN,ACK SYN";
        let ports = [1_u16, 2, 80, 80].map(u16::to_ne_bytes).concat();
        let expected = [&ports[..], &[5, 0x12, 0x02, 0b1001, 0, 0, 0, 0]].concat();
        assert_eq!(layout::<Tcp>(Family::Ipv4, 0, text), Some(expected));
    }

    #[test]
    fn only_what_the_kernel_accepts_is_decoded() {
        let decode = |option: u8, inverted: u8| {
            let info =
                [[0, 0, 255, 255].as_slice(), &[0, 0, 255, 255, option, 0, 0, inverted, 0, 0, 0, 0]].concat();
            decodes::<Tcp>(Family::Ipv4, 0, &info)
        };
        assert!(decode(0, 7) && decode(1, 15));
        assert!(!decode(0, 8) && !decode(1, 16));
    }

    proptest! {
        #[test]
        fn what_decodes_encodes_back(info: [u8; 12]) {
            decodes::<Tcp>(Family::Ipv6, 0, &info);
        }
    }
}
