use super::transport::Tcp;
use super::{BuildError, Fragment, PacketBuilder, Transport};
use pkttables::domain::{IcmpType, Mac, parse_unsigned};
use pkttables::model::{Family, protocol};
use pkttables::registry::{Scope, Value as _};
use pkttables::system::{Protocols, Services};
use pkttables::text::nearest;
use std::net::IpAddr;
use std::time::Duration;
use thiserror::Error;

/// A word of a packet that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{word}': {problem}")]
pub struct WordError {
    /// The word.
    pub word: Box<str>,
    /// What is wrong with it.
    pub problem: WordProblem,
}

/// What is wrong with a word of a packet.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum WordProblem {
    /// It is not `KEY=VALUE`.
    #[error("expected KEY=VALUE")]
    Form,
    /// There is no such key.
    #[error("there is no `{key}'{}; there are {}", hint.map_or_else(String::new, |hint| format!(", did you mean `{hint}'?")), keys())]
    Key {
        /// The key.
        key: Box<str>,
        /// What may have been meant.
        hint: Option<&'static str>,
    },
    /// The key takes something else.
    #[error("expected {0}")]
    Value(&'static str),
    /// The key was given before.
    #[error("given twice")]
    Twice,
    /// The key must be given.
    #[error("is missing")]
    Missing,
    /// The key belongs to other protocols.
    #[error("belongs to proto={0}")]
    Protocol(&'static str),
    /// The packet cannot be made.
    #[error(transparent)]
    Build(#[from] BuildError),
}

/// A key, what its value is, and the protocols that it belongs to; empty if to all.
struct Known {
    name: &'static str,
    expected: &'static str,
    protocols: &'static str,
}

const PORTS: &str = "tcp, udp, udplite, sctp or dccp";

const KNOWN: [Known; 35] = [
    known("in", "the name of an interface", ""),
    known("out", "the name of an interface", ""),
    known("src", "an IPv4 or IPv6 address", ""),
    known("dst", "an IPv4 or IPv6 address", ""),
    known("proto", "tcp, udp, udplite, icmp, icmpv6, sctp, dccp, gre, esp, ah or a number", ""),
    known("sport", "a port, 0 to 65535 or the name of a service", PORTS),
    known("dport", "a port, 0 to 65535 or the name of a service", PORTS),
    known("flags", "syn, ack, fin, rst, psh, urg, ece, cwr with commas between them, or none", "tcp"),
    known("seq", "a number of 32 bits; of icmp of 16 bits", "tcp or icmp"),
    known("ack", "a number of 32 bits", "tcp"),
    known("window", "a number of 16 bits", "tcp"),
    known("mss", "a number of 16 bits", "tcp"),
    known("tcp-options", "up to 40 bytes in hexadecimal", "tcp"),
    known("type", "a name or number; of icmp also TYPE/CODE", "icmp, icmpv6, sctp or dccp"),
    known("code", "0 to 255", "icmp or icmpv6"),
    known("icmp-id", "a number of 16 bits", "icmp or icmpv6"),
    known("tag", "a number of 32 bits", "sctp"),
    known("spi", "a number of 32 bits", "esp or ah"),
    known("key", "a number of 32 bits", "gre"),
    known("payload", "text, or 0x and bytes in hexadecimal", ""),
    known("length", "the length from the IP header on, up to 65535", ""),
    known("ttl", "0 to 255", ""),
    known("hl", "0 to 255", ""),
    known("tos", "0 to 255", ""),
    known("id", "a number, of 16 bits in IPv4", ""),
    known("df", "0 or 1", ""),
    known("frag", "OFFSET in bytes, with + behind it if another fragment follows", ""),
    known("options", "up to 40 bytes in hexadecimal, a multiple of 4", ""),
    known("checksum", "right or wrong", ""),
    known("mark", "a number of 32 bits", ""),
    known("smac", "a MAC address", ""),
    known("dmac", "a MAC address", ""),
    known("time", "a time since the first packet, as in 1.5, 90s, 200ms, 5m, 2h or 1d", ""),
    known("realm", "a number of 32 bits", ""),
    known("priority", "a number of 32 bits", ""),
];

const fn known(name: &'static str, expected: &'static str, protocols: &'static str) -> Known {
    Known { name, expected, protocols }
}

fn keys() -> String {
    KNOWN.iter().map(|known| known.name).collect::<Vec<_>>().join(", ")
}

/// The words of a packet by key.
struct Given<'a> {
    words: Vec<(&'static Known, &'a str, &'a str)>,
    used: Vec<&'static str>,
}

impl PacketBuilder {
    /// A packet from words of the form `KEY=VALUE`, separated by spaces; a value with spaces stands between `"`.
    ///
    /// `src`, `dst` and `proto` must be there; `in` is the interface by which the packet comes, `out` that by which
    /// one that this host makes leaves. The first TCP segment of a connection is meant unless `flags` say otherwise.
    ///
    /// # Errors
    /// The first word that is wrong, and what would be right.
    pub fn parse(text: &str) -> Result<Self, WordError> {
        let mut given = Given::read(text)?;
        let source = given.required("src", |text| text.parse::<IpAddr>().ok())?;
        let destination = given.required("dst", |text| text.parse::<IpAddr>().ok())?;
        let family = if source.is_ipv4() { Family::Ipv4 } else { Family::Ipv6 };
        let mut packet = Self::new(source, destination);
        packet.transport = given.transport(family)?;
        if let Some(hops) = given.number("ttl")?.or(given.number("hl")?) {
            packet.hops = hops;
        }
        packet.tos = given.number("tos")?.unwrap_or_default();
        packet.id = given.number("id")?.unwrap_or_default();
        packet.dont_fragment = given.number("df")?.is_some_and(|bit: u8| bit != 0);
        packet.length = given.number("length")?;
        packet.meta.mark = given.number("mark")?.unwrap_or_default();
        packet.meta.realm = given.number("realm")?.unwrap_or_default();
        packet.meta.priority = given.number("priority")?.unwrap_or_default();
        packet.payload = given.value("payload", payload)?.unwrap_or_default();
        packet.options = given.value("options", hex)?.unwrap_or_default();
        packet.fragment = given.value("frag", fragment)?;
        packet.wrong_checksum = given.value("checksum", |text| match text {
            "right" => Some(false),
            "wrong" => Some(true),
            _ => None,
        })? == Some(true);
        if let Some(time) = given.value("time", duration)? {
            packet = packet.time(time);
        }
        let (from, to) = (given.value("smac", mac)?, given.value("dmac", mac)?);
        if from.is_some() || to.is_some() {
            packet = packet.link(from.unwrap_or([2, 0, 0, 0, 0, 1]), to.unwrap_or([2, 0, 0, 0, 0, 2]));
        }
        if let Some(name) = given.value("in", |text| Some(text.to_owned()))? {
            packet = packet.input(&name).map_err(|_| given.error("in"))?;
        }
        if let Some(name) = given.value("out", |text| Some(text.to_owned()))? {
            packet = packet.output(&name).map_err(|_| given.error("out"))?;
        }
        given.finish()?;
        packet.build().map_err(|error| WordError { word: text.into(), problem: error.into() })?;
        Ok(packet)
    }
}

impl<'a> Given<'a> {
    fn read(text: &'a str) -> Result<Self, WordError> {
        let mut words: Vec<(&'static Known, &str, &str)> = Vec::new();
        let mut rest = text.trim_start();
        while !rest.is_empty() {
            let mut quoted = false;
            let ends = |character: char| {
                quoted ^= character == '"';
                character.is_whitespace() && !quoted
            };
            let (word, after) = rest.split_at(rest.find(ends).unwrap_or(rest.len()));
            rest = after.trim_start();
            let wrong = |problem| WordError { word: word.into(), problem };
            let (key, value) = word.split_once('=').ok_or_else(|| wrong(WordProblem::Form))?;
            let found = KNOWN.iter().find(|known| known.name == key);
            let known = found.ok_or_else(|| {
                let hint = nearest(key, KNOWN.iter().map(|known| known.name));
                wrong(WordProblem::Key { key: key.into(), hint })
            })?;
            if words.iter().any(|(other, ..)| other.name == key) {
                return Err(wrong(WordProblem::Twice));
            }
            let unquoted = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
            words.push((known, word, unquoted.unwrap_or(value)));
        }
        Ok(Self { words, used: Vec::new() })
    }

    fn find(&self, key: &str) -> Option<&(&'static Known, &'a str, &'a str)> {
        self.words.iter().find(|(known, ..)| known.name == key)
    }

    /// That the value of a key that was given is none it takes.
    fn error(&self, key: &str) -> WordError {
        match self.find(key) {
            Some((known, word, _)) => {
                WordError { word: (*word).into(), problem: WordProblem::Value(known.expected) }
            }
            None => WordError { word: key.into(), problem: WordProblem::Missing },
        }
    }

    fn value<T>(
        &mut self,
        key: &'static str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, WordError> {
        self.used.push(key);
        match self.find(key) {
            Some((_, _, value)) => read(value).map(Some).ok_or_else(|| self.error(key)),
            None => Ok(None),
        }
    }

    fn required<T>(&mut self, key: &'static str, read: impl Fn(&str) -> Option<T>) -> Result<T, WordError> {
        self.value(key, read)?.ok_or_else(|| self.error(key))
    }

    /// A number in decimal, octal with 0 or hexadecimal with 0x.
    fn number<T: TryFrom<u64>>(&mut self, key: &'static str) -> Result<Option<T>, WordError> {
        self.value(key, |text| parse_unsigned(text).ok().and_then(|number| T::try_from(number).ok()))
    }

    /// That a word was given which nobody asked for.
    fn finish(&self) -> Result<(), WordError> {
        match self.words.iter().find(|(known, ..)| !self.used.contains(&known.name)) {
            Some((known, word, _)) => {
                Err(WordError { word: (*word).into(), problem: WordProblem::Protocol(known.protocols) })
            }
            None => Ok(()),
        }
    }

    fn transport(&mut self, family: Family) -> Result<Transport, WordError> {
        let number = self.required("proto", |text| match (text, family) {
            ("icmp", Family::Ipv6) => Some(protocol::ICMPV6),
            ("gre", _) => Some(47),
            _ => {
                let known = protocol::known_number(text).or_else(|| Protocols::system().number(text));
                known.or_else(|| text.parse().ok())
            }
        })?;
        Ok(match (number, family) {
            (protocol::TCP, _) => Transport::Tcp(self.tcp()?),
            (protocol::UDP, _) => {
                let (source, destination) = self.ports("udp")?;
                Transport::Udp { source, destination }
            }
            (protocol::UDPLITE, _) => {
                let (source, destination) = self.ports("udplite")?;
                Transport::UdpLite { source, destination }
            }
            (protocol::SCTP, _) => {
                let (source, destination) = self.ports("sctp")?;
                let chunk = self.value("type", |text| choice(text, &CHUNKS))?.unwrap_or(1);
                let tag = self.number("tag")?.unwrap_or_else(|| u32::from(chunk != 1));
                Transport::Sctp { source, destination, tag, chunk }
            }
            (protocol::DCCP, _) => {
                let (source, destination) = self.ports("dccp")?;
                let kind = self.value("type", |text| choice(text, &DCCP_TYPES).filter(|kind| *kind < 10))?;
                Transport::Dccp { source, destination, kind: kind.unwrap_or(0) }
            }
            (protocol::ICMP, Family::Ipv4) => self.icmp::<false>(8)?,
            (protocol::ICMPV6, Family::Ipv6) => self.icmp::<true>(128)?,
            (47, _) => Transport::Gre { key: self.number("key")? },
            (protocol::ESP, _) => Transport::Esp { spi: self.number("spi")?.unwrap_or(256) },
            (protocol::AH, _) => Transport::Ah { spi: self.number("spi")?.unwrap_or(256) },
            (number, _) => Transport::Raw(number),
        })
    }

    fn ports(&mut self, protocol: &str) -> Result<(u16, u16), WordError> {
        let port = |text: &str| text.parse().ok().or_else(|| Services::system().port(text, Some(protocol)));
        Ok((self.value("sport", port)?.unwrap_or(1025), self.required("dport", port)?))
    }

    fn tcp(&mut self) -> Result<Tcp, WordError> {
        let (source, destination) = self.ports("tcp")?;
        let mut options = self.value("tcp-options", |text| hex(text).filter(|bytes| bytes.len() <= 40))?;
        if let Some(size) = self.number::<u16>("mss")? {
            let [high, low] = size.to_be_bytes();
            options.get_or_insert_default().splice(0..0, [2, 4, high, low]);
        }
        Ok(Tcp {
            source,
            destination,
            flags: self.value("flags", flags)?.unwrap_or(Tcp::SYN.flags),
            sequence: self.number("seq")?.unwrap_or_default(),
            acknowledgement: self.number("ack")?.unwrap_or_default(),
            window: self.number("window")?.unwrap_or(Tcp::SYN.window),
            options: options.unwrap_or_default(),
        })
    }

    fn icmp<const V6: bool>(&mut self, default: u8) -> Result<Transport, WordError> {
        let family = if V6 { Family::Ipv6 } else { Family::Ipv4 };
        let meant =
            self.value("type", |text| IcmpType::<V6>::parse(text, &Scope { family, protocol: None }).ok())?;
        let meant = meant.unwrap_or_else(|| IcmpType::new(default));
        Ok(Transport::Icmp {
            kind: meant.kind,
            code: self.number("code")?.unwrap_or_else(|| meant.codes().0),
            id: self.number("icmp-id")?.unwrap_or(1),
            sequence: self.number("seq")?.unwrap_or(1),
        })
    }
}

const FLAGS: [&str; 8] = ["fin", "syn", "rst", "psh", "ack", "urg", "ece", "cwr"];
const CHUNKS: [&str; 16] = [
    "data",
    "init",
    "init-ack",
    "sack",
    "heartbeat",
    "heartbeat-ack",
    "abort",
    "shutdown",
    "shutdown-ack",
    "error",
    "cookie-echo",
    "cookie-ack",
    "ecn-ecne",
    "ecn-cwr",
    "shutdown-complete",
    "auth",
];
const DCCP_TYPES: [&str; 10] =
    ["request", "response", "data", "ack", "dataack", "closereq", "close", "reset", "sync", "syncack"];

fn choice(text: &str, names: &[&str]) -> Option<u8> {
    let place = names.iter().position(|name| name.eq_ignore_ascii_case(text));
    place.and_then(|place| u8::try_from(place).ok()).or_else(|| text.parse().ok())
}

fn flags(text: &str) -> Option<u8> {
    if text.eq_ignore_ascii_case("none") {
        return Some(0);
    }
    text.split([',', '|']).try_fold(0, |flags, name| {
        let bit = FLAGS.iter().position(|flag| flag.eq_ignore_ascii_case(name))?;
        Some(flags | 1 << bit)
    })
}

fn payload(text: &str) -> Option<Vec<u8>> {
    match text.strip_prefix("0x") {
        Some(digits) => hex(digits),
        None => Some(text.as_bytes().to_vec()),
    }
}

fn hex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> =
        text.chars().map(|digit| digit.to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect();
    let digits = digits.filter(|digits| digits.len() % 2 == 0)?;
    Some(digits.chunks_exact(2).map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit)).collect())
}

fn fragment(text: &str) -> Option<Fragment> {
    let (offset, more) = match text.strip_suffix('+') {
        Some(offset) => (offset, true),
        None => (text, false),
    };
    Some(Fragment { offset: offset.parse().ok().filter(|offset| offset % 8 == 0)?, more })
}

fn mac(text: &str) -> Option<[u8; 6]> {
    Mac::parse(text, &Scope { family: Family::Ipv4, protocol: None }).ok().map(|mac| mac.0)
}

/// A number of seconds, or of what is named behind it.
fn duration(text: &str) -> Option<Duration> {
    let at = text.find(|character: char| character.is_ascii_alphabetic()).unwrap_or(text.len());
    let (number, unit) = text.split_at(at);
    let seconds = match unit {
        "" | "s" => 1.0,
        "us" => 1e-6,
        "ms" => 1e-3,
        "m" => 60.0,
        "h" => 3600.0,
        "d" => 86_400.0,
        _ => return None,
    };
    Duration::try_from_secs_f64(number.parse::<f64>().ok()? * seconds).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use pkttables::packet::{Authentication, Data, Layout};

    fn wrong(text: &str) -> String {
        PacketBuilder::parse(text).unwrap_err().to_string()
    }

    #[test]
    fn errors_name_the_word_and_what_it_takes() {
        let whole = "src=10.0.0.1 dst=10.0.0.2 ";
        assert_eq!(
            wrong("src=10.0.0.1 dst=10.0.0.256 proto=udp"),
            "`dst=10.0.0.256': expected an IPv4 or IPv6 address"
        );
        assert_eq!(wrong(&format!("{whole}proto=udp")), "`dport': is missing");
        assert_eq!(wrong(&format!("{whole}proto=udp dport=1 dport=2")), "`dport=2': given twice");
        assert_eq!(
            wrong(&format!("{whole}proto=udp dport=1 flags=syn")),
            "`flags=syn': belongs to proto=tcp"
        );
        assert_eq!(wrong(&format!("{whole}udp")), "`udp': expected KEY=VALUE");
        assert!(
            wrong(&format!("{whole}prot=udp"))
                .starts_with("`prot=udp': there is no `prot', did you mean `proto'?")
        );
        assert!(wrong("src=10.0.0.1 dst=::1 proto=udp dport=1").ends_with("of different families"));
        assert!(wrong(&format!("{whole}proto=tcp dport=1 length=30")).contains("has 40 bytes of headers"));
        assert!(
            wrong(&format!("{whole}proto=tcp dport=1 flags=syn,akk"))
                .contains("`flags=syn,akk': expected syn, ack")
        );
    }

    #[test]
    fn checksums_are_right_unless_they_shall_not_be() {
        for (src, dst) in [("10.0.0.1", "10.0.0.2"), ("2001:db8::1", "2001:db8::2")] {
            for proto in ["tcp dport=http", "udp dport=53", "icmp", "udplite dport=7", "dccp dport=9"] {
                for (more, right) in [("payload=odd", true), ("payload=even checksum=wrong", false)] {
                    let text = format!("src={src} dst={dst} proto={proto} {more}");
                    let made = PacketBuilder::parse(&text).unwrap().build().unwrap();
                    let data = Data::new(&made.bytes);
                    let layout = Layout::parse(&data, Authentication::Stop).unwrap();
                    assert!(layout.check_ipv4_checksum(&data), "{text}");
                    let (start, end) = (layout.transport, made.bytes.len());
                    let addresses = if src.contains(':') { 8..40 } else { 12..20 };
                    let number = u32::from(layout.protocol.unwrap());
                    let mut pseudo = data.sum(addresses.start, addresses.end, number + (end - start) as u32);
                    if number == 1 {
                        pseudo = 0;
                    }
                    assert_eq!(data.sum(start, end, pseudo) == 0xffff, right, "{text}");
                }
            }
        }
    }

    #[test]
    fn fields_are_where_they_belong() {
        let text = "in=eth0 src=10.0.0.1 dst=10.0.0.2 proto=tcp sport=1 dport=2 flags=psh,ack seq=5 ack=6 mss=1400 \
            ttl=3 tos=0x10 id=7 df=1 mark=0xff time=1.5 payload=\"a b\" length=50";
        let made = PacketBuilder::parse(text).unwrap().build().unwrap();
        let expected = "4510003200074000 0306 0a000001 0a000002 00010002 00000005 00000006 6018faf0 0000 02040578 612062000000";
        let mut bytes = made.bytes.clone();
        bytes.drain(36..38);
        bytes.drain(10..12);
        let printed: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        // Without the checksums.
        assert_eq!(printed, expected.replace(' ', ""));
        assert_eq!((made.meta.mark, made.meta.time), (255, 1_500_000_000));
        let later =
            PacketBuilder::parse("src=::1 dst=::2 proto=udp dport=2 frag=8+ id=9 payload=0x0102").unwrap();
        assert_eq!(later.build().unwrap().bytes[40..], [17, 0, 0, 9, 0, 0, 0, 9, 1, 2]);
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "(src|dst|proto|dport|frag|options|length|time|payload)?(=)?[ -~]{0,20}", more in "[a-z= \"0-9:.]{0,40}") {
            if let Ok(packet) = PacketBuilder::parse(&format!("src=10.0.0.1 dst=10.0.0.2 proto=tcp {text} {more}")) {
                proptest::prop_assert!(packet.build().is_ok());
            }
        }
    }
}
