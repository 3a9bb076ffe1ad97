//! `-m string`: searches the packet for a string of bytes.
use crate::model::Families;
use crate::packet::Packet;
use crate::registry::{
    Context, Domain, Extension, Flag, Lister, Outcome, Require, Revision, RuleScope, Scope, Value,
    ValueError, bang,
};
use crate::{choices, extension};
use nfnetlink::wire::{EncodeError, Problem};
use std::fmt::Write as _;

/// The `string` match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StringMatch {
    /// What is searched for: at most 128 bytes.
    pub pattern: Box<[u8]>,
    /// Whether the rule matches when it is not found.
    pub not: bool,
    /// How it is searched for.
    pub algorithm: Algorithm,
    /// The first byte at which it may begin, counted from the IP header.
    pub from: u16,
    /// The last byte at which it may begin.
    pub to: u16,
    /// Whether upper and lower case of ASCII letters are the same.
    pub ignore_case: bool,
}

choices! {
    /// How the kernel searches for a string.
    pub enum Algorithm: u8 {
        /// Boyer-Moore: skips bytes, so it is fast with long strings. It can miss a string that is split over the
        /// parts in which the kernel holds a packet.
        BoyerMoore = 0 => "bm",
        /// Knuth-Morris-Pratt: looks at each byte once.
        KnuthMorrisPratt = 1 => "kmp",
    }
}

extension! {
    /// Match packets that contain a string of bytes.
    ///
    /// The whole packet is searched, IP header included. A string that is split over two packets is not found, and
    /// in encrypted traffic there is nothing to be found.
    match "string" => StringMatch {
        require: Require::AtLeastOneOf(&["string", "hex-string"]),
    } params {
        /// The packet contains this text.
        [!] "string": Literal {
            set: |m, Literal(pattern), not| (m.pattern, m.not) = (pattern, not),
            get: |m| (!m.needs_hex()).then(|| (Literal(m.pattern.clone()), m.not)),
            excludes: &["hex-string"],
        }
        /// The packet contains these bytes: text in which hexadecimal numbers can stand between `|` signs.
        ///
        /// For instance `GET /|0d 0a|`. A backslash takes the next character as it is.
        [!] "hex-string": Hex {
            set: |m, Hex(pattern), not| (m.pattern, m.not) = (pattern, not),
            get: |m| m.needs_hex().then(|| (Hex(m.pattern.clone()), m.not)),
            excludes: &["string"],
        }
        /// How to search.
        "algo": Algorithm {
            set: |m, algorithm, _| m.algorithm = algorithm,
            get: |m| Some((m.algorithm, false)),
            required: true,
            by_kernel: true,
        }
        /// The string begins at this byte of the packet or later; 0 is the first byte of the IP header.
        "from": u16 {
            set: |m, from, _| m.from = from,
            get: |m| (m.from != 0).then_some((m.from, false)),
            default: Some("0"),
        }
        /// The string begins at this byte of the packet or earlier.
        "to": u16 {
            set: |m, to, _| m.to = to,
            get: |m| (m.to != u16::MAX).then_some((m.to, false)),
            default: Some("65535"),
        }
        /// Take upper and lower case of ASCII letters for the same.
        "icase": Flag {
            set: |m, _, _| m.ignore_case = true,
            get: |m| m.ignore_case.then_some((Flag, false)),
        }
    }
}

impl Default for StringMatch {
    fn default() -> Self {
        let (pattern, algorithm) = (Box::default(), Algorithm::BoyerMoore);
        Self { pattern, not: false, algorithm, from: 0, to: u16::MAX, ignore_case: false }
    }
}

impl StringMatch {
    /// Where the pattern begins first.
    fn place(&self, packet: &Packet<'_>) -> Option<usize> {
        let (from, to) = (usize::from(self.from), usize::from(self.to).min(packet.data.len()));
        let same = |byte: u8, wanted: u8| match self.ignore_case {
            true => byte.eq_ignore_ascii_case(&wanted),
            false => byte == wanted,
        };
        let last = to.checked_sub(self.pattern.len())?;
        (from..=last).find(|at| {
            let bytes = packet.data.chunks(*at, *at + self.pattern.len()).flatten();
            bytes.zip(&self.pattern).all(|(byte, wanted)| same(*byte, *wanted))
        })
    }
}

impl Extension for StringMatch {
    fn matches(&self, packet: &Packet<'_>, _: &mut Context<'_>) -> Outcome {
        (self.place(packet).is_some() != self.not).into()
    }

    fn found(&self, packet: &Packet<'_>, _: &mut Context<'_>) -> Option<String> {
        let (from, to) = (usize::from(self.from), usize::from(self.to).min(packet.data.len()));
        if let Some(at) = self.place(packet) {
            return Some(format!("it is found at byte {at}"));
        }
        const SHOWN: usize = 40;
        let start = from.max(packet.layout.transport);
        let bytes: Vec<u8> = packet.data.chunks(start, to).flatten().copied().take(SHOWN).collect();
        let more = if to.saturating_sub(start) > SHOWN { " and so on" } else { "" };
        Some(format!("from byte {start} on there is \"{}\"{more}", bytes.escape_ascii()))
    }

    const REVISIONS: &'static [Revision<Self>] = &[Revision {
        number: 1,
        size: 152 + size_of::<usize>(),
        families: Families::all(),
        encode: |m, w| {
            let too_long = EncodeError::NotRepresentable("more than 128 bytes");
            let len = u8::try_from(m.pattern.len()).ok().filter(|len| usize::from(*len) <= MAX);
            w.ne_u16(m.from);
            w.ne_u16(m.to);
            w.c_string(m.algorithm.name().as_bytes(), ALGORITHM_LEN);
            w.c_string(&m.pattern, MAX);
            w.u8(len.ok_or(too_long)?);
            w.u8(u8::from(m.not) * INVERT + u8::from(m.ignore_case) * IGNORE_CASE);
            w.align(8);
            w.zeros(size_of::<usize>());
            Ok(())
        },
        decode: |r, _| {
            let (from, to) = (r.ne_u16("from_offset")?, r.ne_u16("to_offset")?);
            let at = **r;
            let algorithm = std::str::from_utf8(r.c_string(ALGORITHM_LEN, "algo")?).ok();
            let algorithm =
                algorithm.and_then(Algorithm::from_name).ok_or_else(|| at.error("algo", Problem::String))?;
            let pattern = r.take(MAX, "pattern")?;
            let at = **r;
            let len = r.u8("patlen")?;
            let pattern =
                pattern.get(..len.into()).ok_or_else(|| at.error("patlen", Problem::Length(len.into())))?;
            let flags = r.u8("flags")?;
            r.rest();
            let (not, ignore_case) = (flags & INVERT != 0, flags & IGNORE_CASE != 0);
            Ok(Some(Self { pattern: pattern.into(), not, algorithm, from, to, ignore_case }))
        },
    }];

    fn check(&mut self, _: &RuleScope<'_>) -> Result<(), ValueError> {
        if self.from <= self.to { Ok(()) } else { Err(ValueError::Reversed.by_kernel()) }
    }

    fn list(&self, out: &mut Lister<'_>) {
        out.each(self, |out, name, not, text| match name {
            "string" | "hex-string" => out.add(format_args!(" STRING match {} {text}", bang(not))),
            "algo" => out.add(format_args!(" ALGO name {text}")),
            "from" => out.add(format_args!(" FROM {text}")),
            "to" => out.add(format_args!(" TO {text}")),
            _ => out.add(" ICASE"),
        });
    }
}

/// The most bytes of a pattern (`XT_STRING_MAX_PATTERN_SIZE`).
const MAX: usize = 128;
const ALGORITHM_LEN: usize = 16;
const INVERT: u8 = 1;
const IGNORE_CASE: u8 = 2;

impl StringMatch {
    /// Whether the pattern cannot be shown as text.
    fn needs_hex(&self) -> bool {
        !self.pattern.iter().all(|byte| matches!(byte, b' '..=b'~')) || self.pattern.ends_with(b"\\")
    }
}

/// A pattern that is written as text.
struct Literal(Box<[u8]>);

/// A pattern that is written as text with hexadecimal numbers.
struct Hex(Box<[u8]>);

impl Value for Literal {
    const DOMAIN: Domain = Domain::Text { min: 1, max: MAX, forbidden: "" };

    fn parse(text: &str, _: &Scope) -> Result<Self, ValueError> {
        match text.len() {
            0 => Err(ValueError::Form),
            1..=MAX => Ok(Self(text.as_bytes().into())),
            _ => Err(ValueError::TooLong { max: MAX }),
        }
    }

    fn write(&self, out: &mut String, _: &Scope) {
        out.push('"');
        for &byte in &self.0 {
            if matches!(byte, b'"' | b'\\') {
                out.push('\\');
            }
            out.push(byte.into());
        }
        out.push('"');
    }
}

impl Value for Hex {
    const DOMAIN: Domain = Domain::Bytes { max: MAX };

    fn parse(text: &str, _: &Scope) -> Result<Self, ValueError> {
        let mut rest = text.as_bytes();
        let mut pattern = Vec::new();
        let mut in_hex = false;
        while let Some((&first, mut tail)) = rest.split_first() {
            if first == b'|' {
                in_hex = !in_hex;
                while let (true, Some(after)) = (in_hex, tail.strip_prefix(b" ")) {
                    tail = after;
                }
                rest = tail;
            }
            // What follows a `|` is never a sign itself.
            let escaped = first == b'\\';
            let byte = match *rest {
                [] => break,
                [_, byte, ..] if escaped && !in_hex => {
                    rest = tail.get(1..).unwrap_or_default();
                    byte
                }
                _ if escaped => return Err(ValueError::Because("a backslash with nothing to escape")),
                [high, low, ref after @ ..] if in_hex && !after.is_empty() => {
                    rest = after.strip_prefix(b" ").unwrap_or(after);
                    hex_digit(high)? << 4 | hex_digit(low)?
                }
                _ if in_hex => {
                    return Err(ValueError::Because("hexadecimal digits come in pairs and end with `|`"));
                }
                [byte, ref after @ ..] => {
                    rest = after;
                    byte
                }
            };
            pattern.push(byte);
            if pattern.len() > MAX {
                return Err(ValueError::TooLong { max: MAX });
            }
        }
        if pattern.is_empty() { Err(ValueError::Form) } else { Ok(Self(pattern.into())) }
    }

    fn write(&self, out: &mut String, _: &Scope) {
        out.push_str("\"|");
        for byte in &self.0 {
            let _ = write!(out, "{byte:02x}");
        }
        out.push_str("|\"");
    }
}

fn hex_digit(digit: u8) -> Result<u8, ValueError> {
    let value = char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
    value.ok_or(ValueError::Because("not a hexadecimal digit"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Family;
    use crate::registry::testing::text_cases;
    use proptest::prelude::*;

    #[test]
    fn saved_forms() {
        text_cases! { StringMatch, Ipv4:
            "--algo bm --string test" => r#"--string "test" --algo bm"#,
            "! --string test --algo kmp --from 5 --to 0x40 --icase"
                => r#"! --string "test" --algo kmp --from 5 --to 64 --icase"#,
            r#"--string a"b\c'd --algo bm"# => r#"--string "a\"b\\c'd" --algo bm"#,
            r"--string ab\ --algo bm" => r#"--hex-string "|61625c|" --algo bm"#,
            "--string é --algo bm" => r#"--hex-string "|c3a9|" --algo bm"#,
            "--hex-string |41|bc|44|e --algo bm" => r#"--string "AbcDe" --algo bm"#,
            "--hex-string 0|0a0b|1 --algo bm --to 0" => r#"--hex-string "|300a0b31|" --algo bm --to 0"#,
            r"--hex-string a\|b\\c --algo bm" => r#"--string "a|b\\c" --algo bm"#,
            "--hex-string |61||62| --algo bm" => r#"--string "a|62" --algo bm"#,
            "--hex-string |6 --algo bm" => fails, "--hex-string |61 --algo bm" => fails,
            "--hex-string |6g| --algo bm" => fails, "--hex-string |616| --algo bm" => fails,
            r"--hex-string a\ --algo bm" => fails, r"--hex-string |61\62| --algo bm" => fails,
            "--hex-string | --algo bm" => fails, "--hex-string || --algo bm" => fails,
            "--string a --hex-string b --algo bm" => fails, "--string a --string b --algo bm" => fails,
            "--string a --algo wrong" => fails, "--string a" => fails, "--algo bm" => fails, "" => fails,
            "--string a --algo bm --from 65536" => fails, "--string a --algo bm --from 5 --to 4" => fails,
        }
        let long = "x".repeat(128);
        let check = |text: &str| crate::registry::testing::check_text::<StringMatch>(Family::Ipv6, text);
        assert_eq!(
            check(&format!("--string {long} --algo bm")),
            Ok(format!("--string \"{long}\" --algo bm"))
        );
        assert!(check(&format!("--string {long}x --algo bm")).is_err());
        assert!(check(&format!("--hex-string {long}x --algo bm")).is_err());
    }

    #[test]
    fn kernel_structures() {
        let hex = format!("0500 0900 6b6d70 {} 6162 {} 02 03", "00".repeat(13), "00".repeat(126));
        let text = "! --string ab --algo kmp --from 5 --to 9 --icase";
        crate::registry::testing::check_layout::<StringMatch>(Family::Ipv4, text, 1, &hex);
    }

    proptest! {
        #[test]
        fn any_bytes_survive_hexadecimal(bytes in proptest::collection::vec(any::<u8>(), 1..=128)) {
            let scope = Scope { family: Family::Ipv4, protocol: None };
            let mut text = String::new();
            Hex(bytes.clone().into()).write(&mut text, &scope);
            let again = Hex::parse(text.trim_matches('"'), &scope).map(|hex| hex.0.to_vec());
            prop_assert_eq!(again, Ok(bytes));
        }

        #[test]
        fn no_text_is_too_much(text in "[|\\\\ a0-]{0,12}") {
            let scope = Scope { family: Family::Ipv4, protocol: None };
            prop_assert!(Hex::parse(&text, &scope).map_or(true, |hex| hex.0.len() <= text.len()));
        }
    }
}
