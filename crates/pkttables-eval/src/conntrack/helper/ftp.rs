use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use pkttables::model::protocol;
use pkttables::packet::Direction;

use crate::conntrack::entry::ConnectionId;
use crate::conntrack::expect::Expected;
use crate::conntrack::headers::{View, octets};
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

/// Where a data connection is announced to go; without an address it is the sender's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Announced {
    address: Option<IpAddr>,
    port: u16,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    Nothing,
    /// A command or answer that is cut off: it cannot be let through unread.
    Partial,
    Port(Announced),
}

const LONGEST_LINE: usize = 1024;

impl Conntrack {
    pub(super) fn help_ftp(&mut self, id: ConnectionId, view: &View<'_>, direction: Direction) -> Pass {
        let Some(header) = view.u8(12).map(|byte| usize::from(byte >> 4) * 4) else { return Pass::Accept };
        let data = view.data();
        let start = view.offset + header;
        let (Some(sequence), Some(last)) =
            (view.be32(4), data.len().checked_sub(1).filter(|last| *last >= start))
        else {
            return Pass::Accept;
        };
        let after = sequence.wrapping_add((data.len() - start) as u32);
        let Some(connection) = self.table.get_mut(id) else { return Pass::Accept };
        let state = connection.helper_state.get_or_insert_default();
        let [original, reply] = &mut state.lines;
        let lines = match direction {
            Direction::Original => original,
            Direction::Reply => reply,
        };
        let begins_line = lines.contains(sequence);
        if data.u8(last) == Some(b'\n') {
            lines.add(after);
        }
        if !begins_line {
            return Pass::Accept;
        }
        let line: Vec<u8> = data.chunks(start, data.len()).flatten().copied().take(LONGEST_LINE).collect();
        let found = match direction {
            Direction::Original => command(&line),
            Direction::Reply => answer(&line),
        };
        let announced = match found {
            Found::Nothing => return Pass::Accept,
            Found::Partial => return Pass::Drop,
            Found::Port(announced) => announced,
        };
        let (own, other) = (connection.tuple(direction), connection.tuple(direction.other()));
        if announced.address.is_some_and(|address| octets(address) != (own.family, own.source)) {
            return Pass::Accept;
        }
        let expected = Expected {
            source: other.source,
            destination: other.destination,
            port: announced.port,
            protocol: protocol::TCP,
            family: own.family,
        };
        self.expect(id, expected);
        Pass::Accept
    }
}

/// `PORT h1,h2,h3,h4,p1,p2` (RFC 959) and `EPRT |1|address|port|` (RFC 2428).
fn command(line: &[u8]) -> Found {
    match after_word(line, b"PORT") {
        Word::Partial => return Found::Partial,
        Word::Rest(rest) => {
            return behind(rest, b' ').and_then(|list| six_numbers(list, Some(b'\r'))).into();
        }
        Word::Other => {}
    }
    match after_word(line, b"EPRT") {
        Word::Partial => Found::Partial,
        Word::Rest(rest) => behind(rest, b' ').and_then(extended_port).into(),
        Word::Other => Found::Nothing,
    }
}

/// `227 … h1,h2,h3,h4,p1,p2` (RFC 959, RFC 1123) and `229 … (|||port|)` (RFC 2428).
fn answer(line: &[u8]) -> Found {
    match after_word(line, b"227 ") {
        Word::Partial => return Found::Partial,
        Word::Rest(rest) => {
            let digits = rest.iter().position(u8::is_ascii_digit).and_then(|at| rest.get(at..));
            return digits.and_then(|list| six_numbers(list, None)).into();
        }
        Word::Other => {}
    }
    match after_word(line, b"229 ") {
        Word::Partial => Found::Partial,
        Word::Rest(rest) => behind(rest, b'(').and_then(extended_passive).into(),
        Word::Other => Found::Nothing,
    }
}

impl From<Option<Announced>> for Found {
    fn from(announced: Option<Announced>) -> Self {
        announced.map_or(Self::Partial, Self::Port)
    }
}

enum Word<'a> {
    Other,
    Partial,
    Rest(&'a [u8]),
}

fn after_word<'a>(line: &'a [u8], word: &[u8]) -> Word<'a> {
    match line.split_at_checked(word.len()) {
        Some((start, rest)) if start.eq_ignore_ascii_case(word) && !rest.is_empty() => Word::Rest(rest),
        Some((start, [])) if start.eq_ignore_ascii_case(word) => Word::Partial,
        None if word.get(..line.len()).is_some_and(|start| start.eq_ignore_ascii_case(line)) => Word::Partial,
        _ => Word::Other,
    }
}

fn behind(line: &[u8], byte: u8) -> Option<&[u8]> {
    let at = line.iter().position(|candidate| *candidate == byte)?;
    line.get(at + 1..)
}

fn six_numbers(list: &[u8], end: Option<u8>) -> Option<Announced> {
    let length = list.iter().position(|byte| !byte.is_ascii_digit() && *byte != b',')?;
    if end.is_some_and(|end| list.get(length) != Some(&end)) {
        return None;
    }
    let mut numbers = [0_u8; 6];
    let mut count = 0;
    for number in list.get(..length)?.split(|byte| *byte == b',') {
        *numbers.get_mut(count)? = std::str::from_utf8(number).ok()?.parse().ok()?;
        count += 1;
    }
    let [a, b, c, d, high, low] = numbers;
    let port = u16::from_be_bytes([high, low]);
    (count == 6 && port != 0).then_some(Announced { address: Some(Ipv4Addr::new(a, b, c, d).into()), port })
}

fn extended_port(list: &[u8]) -> Option<Announced> {
    let (mark, rest) =
        list.split_first().filter(|(mark, _)| mark.is_ascii_graphic() && !mark.is_ascii_digit())?;
    let mut parts = rest.split(|byte| byte == mark);
    let family = parts.next()?;
    let address = std::str::from_utf8(parts.next()?).ok()?;
    let port = port(parts.next()?)?;
    parts.next()?;
    let address = match family {
        b"1" => address.parse::<Ipv4Addr>().ok()?.into(),
        b"2" => address.parse::<Ipv6Addr>().ok()?.into(),
        _ => return None,
    };
    Some(Announced { address: Some(address), port })
}

fn extended_passive(list: &[u8]) -> Option<Announced> {
    let [mark, second, third, rest @ ..] = list else { return None };
    if !mark.is_ascii_graphic() || second != mark || third != mark {
        return None;
    }
    let end = rest.iter().position(|byte| byte == mark)?;
    Some(Announced { address: None, port: port(rest.get(..end)?)? })
}

fn port(digits: &[u8]) -> Option<u16> {
    std::str::from_utf8(digits).ok()?.parse().ok().filter(|port| *port != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn port(address: Option<&str>, port: u16) -> Found {
        Found::Port(Announced { address: address.map(|text| text.parse().unwrap()), port })
    }

    #[test]
    fn commands_and_answers_announce_ports() {
        assert_eq!(command(b"PORT 10,0,0,1,4,1\r\n"), port(Some("10.0.0.1"), 1025));
        assert_eq!(command(b"eprt |1|10.0.0.1|5000|\r\n"), port(Some("10.0.0.1"), 5000));
        assert_eq!(command(b"EPRT |2|fd00::1|5000|\r\n"), port(Some("fd00::1"), 5000));
        assert_eq!(answer(b"227 Entering Passive Mode (10,0,0,2,0,20)\r\n"), port(Some("10.0.0.2"), 20));
        assert_eq!(answer(b"227 =10,0,0,2,0,20\r\n"), port(Some("10.0.0.2"), 20));
        assert_eq!(answer(b"229 Extended (|||6446|)\r\n"), port(None, 6446));
    }

    #[test]
    fn other_lines_announce_nothing_and_cut_ones_are_noticed() {
        assert_eq!(command(b"USER x\r\n"), Found::Nothing);
        assert_eq!(answer(b"220 ready\r\n"), Found::Nothing);
        for cut in [&b"PO"[..], b"PORT 10,0", b"PORT 10,0,0,1,4\r\n", b"PORT 10,0,0,256,4,1\r\n"] {
            assert_eq!(command(cut), Found::Partial);
        }
    }

    proptest::proptest! {
        #[test]
        fn any_line_is_read_without_panic(line: Vec<u8>, word in "(PORT |EPRT |227 |229 \\()?") {
            let line = [word.as_bytes(), &line].concat();
            let _ = (command(&line), answer(&line));
        }
    }
}
