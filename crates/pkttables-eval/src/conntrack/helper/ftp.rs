use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use pkttables::model::{Family, protocol};
use pkttables::packet::{Data, Direction};

use super::{Follow, replace};
use crate::conntrack::entry::ConnectionId;
use crate::conntrack::headers::{View, address, octets};
use crate::conntrack::nat::Random;
use crate::conntrack::track::{Conntrack, Pass};

/// Sequence numbers at which a line starts, the last two.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct LineStarts {
    starts: [Option<u32>; 2],
}

impl LineStarts {
    fn contains(&self, sequence: u32) -> bool {
        self.starts.contains(&Some(sequence))
    }

    fn add(&mut self, sequence: u32) {
        if self.contains(sequence) {
            return;
        }
        let [first, second] = &mut self.starts;
        match (&first, &second) {
            (None, _) => *first = Some(sequence),
            (_, None) => *second = Some(sequence),
            (Some(one), Some(other)) if (one.wrapping_sub(*other) as i32) < 0 => *first = Some(sequence),
            _ => *second = Some(sequence),
        }
    }
}

/// Where a data connection is announced to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Announced {
    form: Form,
    /// Without one it is the sender's.
    address: Option<IpAddr>,
    port: u16,
    /// Where in the line it stands.
    at: usize,
    len: usize,
}

/// How address and port are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// `h1,h2,h3,h4,p1,p2` (RFC 959)
    Numbers,
    /// `|1|address|port|` (RFC 2428)
    Extended,
    /// `|||port|` (RFC 2428)
    ExtendedPassive,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    Nothing,
    /// A command or answer that is cut off: it cannot be let through unread.
    Partial,
    Port(Announced),
}

/// The longest form there is: `|2|`, an IPv6 address in full, `|65535|`.
const LONGEST: usize = 3 + 39 + 7;

impl Conntrack {
    pub(super) fn help_ftp(
        &mut self,
        id: ConnectionId,
        packet: &mut Vec<u8>,
        direction: Direction,
        random: &mut dyn Random,
    ) -> Pass {
        let Some(view) = View::parse(Data::new(packet)) else { return Pass::Accept };
        let Some(header) = view.u8(12).map(|byte| usize::from(byte >> 4) * 4) else { return Pass::Accept };
        let (start, end) = (view.offset + header, view.len());
        let (Some(sequence), Some(line)) =
            (view.be32(4), packet.get(start..end).filter(|line| !line.is_empty()))
        else {
            return Pass::Accept;
        };
        let after = sequence.wrapping_add(line.len() as u32);
        let ends_line = line.last() == Some(&b'\n');
        let Some(connection) = self.table.get_mut(id) else { return Pass::Accept };
        let family = connection.family();
        let state = connection.helper_state.get_or_insert_default();
        let [original, reply] = &mut state.lines;
        let (lines, found) = match direction {
            Direction::Original => (original, command as fn(&[u8], Family) -> Found),
            Direction::Reply => (reply, answer as _),
        };
        let found = if lines.contains(sequence) { found(line, family) } else { Found::Nothing };
        if found == Found::Partial {
            return Pass::Drop;
        }
        if ends_line {
            lines.add(after);
        }
        match found {
            Found::Port(announced) => {
                let at = Place { start, sequence, direction };
                self.announce_ftp(id, packet, &announced, &at, random)
            }
            _ => Pass::Accept,
        }
    }

    /// Expects the announced connection, and writes its address and port as the other side is to see them.
    fn announce_ftp(
        &mut self,
        id: ConnectionId,
        packet: &mut Vec<u8>,
        announced: &Announced,
        at: &Place,
        random: &mut dyn Random,
    ) -> Pass {
        let Some(connection) = self.table.get(id) else { return Pass::Accept };
        let (own, other) = (connection.tuple(at.direction), *connection.tuple(at.direction.other()));
        if announced.address.is_some_and(|address| octets(address) != (own.family, own.source)) {
            return Pass::Accept;
        }
        let expected = connection.expected_by_answers(&other, protocol::TCP, announced.port);
        if !connection.is_translated() {
            return self.expect(id, expected, None);
        }
        let follow = Follow { direction: at.direction.other(), port: announced.port };
        let Some(port) = self.expect_at_free_port(id, expected, follow, random) else { return Pass::Drop };
        let mut text = [0; LONGEST];
        let written = announced.form.write(&mut text, address(other.family, other.destination), port);
        let place = at.start + announced.at..at.start + announced.at + announced.len;
        let replaced = written.and_then(|written| {
            replace(packet, place, text.get(..written)?)?;
            Some(written)
        });
        let Some(written) = replaced else {
            self.withdraw(id);
            return Pass::Drop;
        };
        if written != announced.len {
            let longer = (written as u32).wrapping_sub(announced.len as u32);
            self.note_shift(id, at.direction, at.sequence, longer);
        }
        Pass::Accept
    }
}

/// Of a line.
struct Place {
    /// Where the payload starts.
    start: usize,
    sequence: u32,
    direction: Direction,
}

impl Form {
    /// Writes an address and a port; how long that is.
    fn write(self, buffer: &mut [u8], address: IpAddr, port: u16) -> Option<usize> {
        let len = buffer.len();
        let mut rest = buffer;
        match (self, address) {
            (Self::Numbers, IpAddr::V4(address)) => {
                let ([a, b, c, d], [high, low]) = (address.octets(), port.to_be_bytes());
                write!(rest, "{a},{b},{c},{d},{high},{low}")
            }
            (Self::Numbers, IpAddr::V6(_)) => return None,
            (Self::Extended, IpAddr::V4(address)) => write!(rest, "|1|{address}|{port}|"),
            (Self::Extended, IpAddr::V6(address)) => {
                // In full, with zeros.
                let [a, b, c, d, e, f, g, h] = address.segments();
                write!(rest, "|2|{a:04x}:{b:04x}:{c:04x}:{d:04x}:{e:04x}:{f:04x}:{g:04x}:{h:04x}|{port}|")
            }
            (Self::ExtendedPassive, _) => write!(rest, "|||{port}|"),
        }
        .ok()?;
        Some(len - rest.len())
    }
}

/// `PORT h1,h2,h3,h4,p1,p2` and `EPRT |1|address|port|`.
fn command(line: &[u8], family: Family) -> Found {
    match after_word(line, b"PORT") {
        Word::Partial => return Found::Partial,
        Word::Rest => {
            let at = behind(line, 4, b' ');
            return at.and_then(|at| six_numbers(line, at, Some(b'\r'))).into();
        }
        Word::Other => {}
    }
    match after_word(line, b"EPRT") {
        Word::Partial => Found::Partial,
        Word::Rest => behind(line, 4, b' ').and_then(|at| extended_port(line, at, family)).into(),
        Word::Other => Found::Nothing,
    }
}

/// `227 … h1,h2,h3,h4,p1,p2` (RFC 959, RFC 1123) and `229 … (|||port|)`.
fn answer(line: &[u8], _: Family) -> Found {
    match after_word(line, b"227 ") {
        Word::Partial => return Found::Partial,
        Word::Rest => {
            let digits = line.iter().skip(4).position(u8::is_ascii_digit).map(|at| at + 4);
            return digits.and_then(|at| six_numbers(line, at, None)).into();
        }
        Word::Other => {}
    }
    match after_word(line, b"229 ") {
        Word::Partial => Found::Partial,
        Word::Rest => behind(line, 4, b'(').and_then(|at| extended_passive(line, at)).into(),
        Word::Other => Found::Nothing,
    }
}

impl From<Option<Announced>> for Found {
    fn from(announced: Option<Announced>) -> Self {
        announced.map_or(Self::Partial, Self::Port)
    }
}

enum Word {
    Other,
    Partial,
    Rest,
}

fn after_word(line: &[u8], word: &[u8]) -> Word {
    let len = line.len().min(word.len());
    match (line.get(..len), word.get(..len)) {
        (Some(start), Some(word)) if !start.eq_ignore_ascii_case(word) => Word::Other,
        _ if line.len() <= word.len() => Word::Partial,
        _ => Word::Rest,
    }
}

/// The place behind the first such byte from `start` on; not if it is the last one of the line.
fn behind(line: &[u8], start: usize, byte: u8) -> Option<usize> {
    let at = start + line.get(start..)?.iter().position(|candidate| *candidate == byte)? + 1;
    (at < line.len()).then_some(at)
}

fn six_numbers(line: &[u8], at: usize, end: Option<u8>) -> Option<Announced> {
    let ([a, b, c, d, high, low], len) = numbers(line.get(at..)?, b',', end)?;
    let port = (high << 8 | low) as u16;
    Some(Announced { form: Form::Numbers, address: Some(ipv4([a, b, c, d])), port, at, len })
}

fn ipv4([a, b, c, d]: [u32; 4]) -> IpAddr {
    Ipv4Addr::from(a << 24 | b << 16 | c << 8 | d).into()
}

/// `N` numbers, which may be too large or missing, up to something else, which is `end` if that is said; and how long
/// they are.
fn numbers<const N: usize>(text: &[u8], separator: u8, end: Option<u8>) -> Option<([u32; N], usize)> {
    let mut numbers = [0_u32; N];
    let mut place = 0;
    for (len, byte) in text.iter().enumerate() {
        if byte.is_ascii_digit() {
            let number = numbers.get_mut(place)?;
            *number = number.wrapping_mul(10).wrapping_add(u32::from(byte - b'0'));
        } else if *byte == separator {
            place += 1;
            if place == N {
                return None;
            }
        } else {
            let ended = end.is_none_or(|end| end == *byte) && place + 1 == N;
            return ended.then_some((numbers, len));
        }
    }
    None
}

fn extended_port(line: &[u8], at: usize, family: Family) -> Option<Announced> {
    let text = line.get(at..).filter(|text| text.len() > 3)?;
    let [mark, kind, second, rest @ ..] = text else { return None };
    let wanted = match family {
        Family::Ipv4 => b'1',
        Family::Ipv6 => b'2',
    };
    if !is_mark(*mark) || second != mark || *kind != wanted {
        return None;
    }
    let (address, len) = match family {
        Family::Ipv4 => {
            let (octets, len) = numbers(rest, b'.', Some(*mark))?;
            (ipv4(octets), len)
        }
        Family::Ipv6 => {
            let len = rest.iter().position(|byte| byte == mark)?;
            let text = std::str::from_utf8(rest.get(..len)?).ok()?;
            (text.parse::<Ipv6Addr>().ok()?.into(), len)
        }
    };
    if len == 0 {
        return None;
    }
    let (port, len) = port(text, 3 + len + 1, *mark)?;
    Some(Announced { form: Form::Extended, address: Some(address), port, at, len })
}

fn extended_passive(line: &[u8], at: usize) -> Option<Announced> {
    let text = line.get(at..).filter(|text| text.len() > 3)?;
    let [mark, second, third, ..] = text else { return None };
    if !is_mark(*mark) || second != mark || third != mark {
        return None;
    }
    let (port, len) = port(text, 3, *mark)?;
    Some(Announced { form: Form::ExtendedPassive, address: None, port, at, len })
}

const fn is_mark(byte: u8) -> bool {
    byte.is_ascii_graphic() && !byte.is_ascii_digit()
}

/// A port from `start` on, and where the mark behind it ends.
fn port(text: &[u8], start: usize, mark: u8) -> Option<(u16, usize)> {
    let mut port = 0_u16;
    for (at, byte) in text.iter().enumerate().skip(start) {
        if *byte == mark {
            return (port != 0).then_some((port, at + 1));
        }
        let digit = byte.is_ascii_digit().then(|| u16::from(byte - b'0'))?;
        port = port.wrapping_mul(10).wrapping_add(digit);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Address, port and the place in the line.
    fn port(found: Found) -> (Option<String>, u16, usize, usize) {
        match found {
            Found::Port(Announced { address, port, at, len, .. }) => {
                (address.map(|address| address.to_string()), port, at, len)
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn commands_and_answers_announce_ports() {
        let there = |text: &str| Some(text.to_owned());
        let v4 = |line: &[u8]| command(line, Family::Ipv4);
        assert_eq!(port(v4(b"PORT 10,0,0,1,4,1\r\n")), (there("10.0.0.1"), 1025, 5, 12));
        assert_eq!(port(v4(b"PORT 10,0,0,1,,1\r\n")), (there("10.0.0.1"), 1, 5, 11));
        assert_eq!(port(v4(b"eprt |1|10.0.0.1|5000|\r\n")), (there("10.0.0.1"), 5000, 5, 17));
        let eprt = command(b"EPRT |2|fd00::1|5000|\r\n", Family::Ipv6);
        assert_eq!(port(eprt), (there("fd00::1"), 5000, 5, 16));
        let answer = |line: &[u8]| answer(line, Family::Ipv4);
        let passive = port(answer(b"227 Entering Passive Mode (10,0,0,2,0,20)\r\n"));
        assert_eq!(passive, (there("10.0.0.2"), 20, 27, 13));
        assert_eq!(port(answer(b"227 =10,0,0,2,0,20\r\n")), (there("10.0.0.2"), 20, 5, 13));
        assert_eq!(port(answer(b"229 Extended (|||6446|)\r\n")), (None, 6446, 14, 8));
    }

    #[test]
    fn other_lines_announce_nothing_and_cut_ones_are_noticed() {
        assert_eq!(command(b"USER x\r\n", Family::Ipv4), Found::Nothing);
        assert_eq!(answer(b"220 ready\r\n", Family::Ipv4), Found::Nothing);
        for cut in [&b"PO"[..], b"PORT", b"PORT 10,0", b"PORT 10,0,0,1,4\r\n", b"EPRT |2|fd00::1|5000|\r\n"] {
            assert_eq!(command(cut, Family::Ipv4), Found::Partial);
        }
    }

    #[test]
    fn the_forms_that_are_written() {
        let written = |form: Form, address: &str| {
            let mut text = [0; LONGEST];
            let len = form.write(&mut text, address.parse().unwrap(), 65535).unwrap();
            String::from_utf8(text[..len].to_vec()).unwrap()
        };
        assert_eq!(written(Form::Numbers, "255.255.255.255"), "255,255,255,255,255,255");
        assert_eq!(written(Form::Extended, "10.0.0.1"), "|1|10.0.0.1|65535|");
        assert_eq!(written(Form::ExtendedPassive, "fd00::1"), "|||65535|");
        let longest = written(Form::Extended, "fd00::1");
        assert_eq!(longest, "|2|fd00:0000:0000:0000:0000:0000:0000:0001|65535|");
        assert_eq!(longest.len(), LONGEST);
    }

    proptest::proptest! {
        #[test]
        fn any_line_is_read_without_panic(line: Vec<u8>, word in "(PORT |EPRT |227 |229 \\()?") {
            let line = [word.as_bytes(), &line].concat();
            let _ = (command(&line, Family::Ipv4), command(&line, Family::Ipv6), answer(&line, Family::Ipv4));
        }
    }
}
