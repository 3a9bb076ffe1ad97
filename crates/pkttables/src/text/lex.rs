use crate::domain::write_quoted;

/// The words of one line of a save file, or of a command line, and where they stand.
///
/// One value serves for many lines: its memory is used again.
#[derive(Clone, Debug, Default)]
pub struct Words {
    source: String,
    /// The words that do not stand in the source as they are, without their quotes.
    unquoted: String,
    spans: Vec<Span>,
}

/// Why a line cannot be split into words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LexError {
    /// A `"` that opens and none that closes.
    #[error("the quote is never closed")]
    UnclosedQuote {
        /// Where it opens, in bytes from the start of the line.
        offset: usize,
    },
    /// A NUL byte.
    #[error("a NUL byte")]
    Nul {
        /// Where it stands, in bytes from the start of the line.
        offset: usize,
    },
}

impl LexError {
    /// Where it is, in bytes from the start of the line.
    #[must_use]
    pub const fn offset(self) -> usize {
        match self {
            Self::UnclosedQuote { offset } | Self::Nul { offset } => offset,
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct Span {
    /// Where the word's text is: in the source or among the unquoted words.
    start: usize,
    end: usize,
    quoted: bool,
    /// Where it stands in the source.
    offset: usize,
    width: usize,
}

impl Words {
    /// No words.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Splits a line of a save file, from byte `from` on, as iptables-restore does.
    ///
    /// Blanks separate words. Between double quotes blanks are part of the word and a backslash takes what
    /// follows as it is; the closing quote also ends the word. Elsewhere a backslash means nothing.
    pub fn read_line(&mut self, line: &str, from: usize) -> Result<(), LexError> {
        self.clear();
        self.source.push_str(line);
        let mut start = if line.is_char_boundary(from) { from } else { line.len() };
        let mut stops = Stops::new(line.as_bytes(), start);
        while let Some((at, byte)) = stops.next() {
            match byte {
                b'"' => {
                    start = self.read_quoted(line, start, at)?;
                    stops.go_to(start);
                }
                0 => return Err(LexError::Nul { offset: at }),
                _ => {
                    self.push_plain(start, at);
                    start = at + 1;
                }
            }
        }
        self.push_plain(start, line.len());
        Ok(())
    }

    /// Takes the words of a command line, which a shell has already split.
    pub fn read_args<S: AsRef<str>>(&mut self, args: &[S]) {
        self.clear();
        for arg in args {
            let arg = arg.as_ref();
            if !self.spans.is_empty() {
                self.source.push(' ');
            }
            let (offset, start) = (self.source.len(), self.unquoted.len());
            self.unquoted.push_str(arg);
            if arg.is_empty() || arg.contains([' ', '\t', '\n', '"', '\'', '\\']) {
                write_quoted(&mut self.source, arg);
            } else {
                self.source.push_str(arg);
            }
            let width = self.source.len() - offset;
            self.spans.push(Span { start, end: self.unquoted.len(), quoted: true, offset, width });
        }
    }

    /// How many words there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.spans.len()
    }

    /// Whether there is no word.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// A word.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<&str> {
        let span = self.spans.get(index)?;
        let text = if span.quoted { &self.unquoted } else { &self.source };
        text.get(span.start..span.end)
    }

    /// The line.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Where a word stands in the line and how long it is there, in bytes; behind the last word an empty one.
    #[must_use]
    pub fn place(&self, index: usize) -> (usize, usize) {
        self.spans.get(index).map_or((self.source.len(), 0), |span| (span.offset, span.width))
    }

    /// Adds what stands between two places of the line, if it is a word.
    fn push_plain(&mut self, start: usize, end: usize) {
        if start < end {
            self.spans.push(Span { start, end, quoted: false, offset: start, width: end - start });
        }
    }

    fn clear(&mut self) {
        self.source.clear();
        self.unquoted.clear();
        self.spans.clear();
    }

    /// Reads a word that begins at `offset` and whose quote opens at `quote`; returns where it ends.
    fn read_quoted(&mut self, line: &str, offset: usize, quote: usize) -> Result<usize, LexError> {
        let start = self.unquoted.len();
        self.unquoted.push_str(line.get(offset..quote).unwrap_or_default());
        let mut at = quote + 1;
        loop {
            let rest = line.get(at..).unwrap_or_default();
            let Some(plain) = rest.find(['"', '\\', '\0']) else {
                return Err(LexError::UnclosedQuote { offset: quote });
            };
            self.unquoted.push_str(rest.get(..plain).unwrap_or_default());
            at += plain + 1;
            match rest.as_bytes().get(plain) {
                Some(b'"') => break,
                Some(0) => return Err(LexError::Nul { offset: at - 1 }),
                _ => {}
            }
            let escaped = rest.get(plain + 1..).and_then(|rest| rest.chars().next());
            let escaped = escaped.ok_or(LexError::UnclosedQuote { offset: quote })?;
            if escaped == '\0' {
                return Err(LexError::Nul { offset: at });
            }
            self.unquoted.push(escaped);
            at += escaped.len_utf8();
        }
        let end = self.unquoted.len();
        self.spans.push(Span { start, end, quoted: true, offset, width: at - offset });
        Ok(at)
    }
}

/// Finds the bytes that a word without quotes ends before: blanks, quotes and NULs.
struct Stops<'l> {
    bytes: &'l [u8],
    /// Where the next eight bytes begin.
    next: usize,
    /// The highest bit of each of the last eight bytes that may be a stop.
    found: u64,
}

impl<'l> Stops<'l> {
    const EACH: u64 = u64::MAX / 255;
    const WIDTH: usize = 8;

    const fn new(bytes: &'l [u8], from: usize) -> Self {
        Self { bytes, next: from, found: 0 }
    }

    /// Goes on with the byte at this place.
    const fn go_to(&mut self, place: usize) {
        (self.next, self.found) = (place, 0);
    }

    /// The next one and where it is.
    fn next(&mut self) -> Option<(usize, u8)> {
        loop {
            while self.found != 0 {
                let at = self.next - Self::WIDTH + self.found.trailing_zeros() as usize / 8;
                self.found &= self.found - 1;
                if let Some(&byte @ (b' ' | b'\t' | b'\n' | b'"' | 0)) = self.bytes.get(at) {
                    return Some((at, byte));
                }
            }
            let rest = self.bytes.get(self.next..).filter(|rest| !rest.is_empty())?;
            let eight = rest.first_chunk().map_or_else(
                || rest.iter().rev().fold(u64::MAX, |eight, &byte| eight << 8 | u64::from(byte)),
                |eight| u64::from_le_bytes(*eight),
            );
            self.next += Self::WIDTH;
            // All stops are at most `"`. What is found behind one in the same eight may be something else.
            let above = Self::EACH * u64::from(b'"' + 1);
            self.found = eight.wrapping_sub(above) & !eight & (Self::EACH << 7);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn split(line: &str) -> Vec<String> {
        let mut words = Words::new();
        words.read_line(line, 0).expect("a line that can be split");
        (0..words.len()).map(|index| words.get(index).expect("a word").to_owned()).collect()
    }

    #[test]
    fn words_and_quotes() {
        assert_eq!(split(" -A  INPUT\t-j ACCEPT "), ["-A", "INPUT", "-j", "ACCEPT"]);
        assert_eq!(split(r#"a "b c" d"#), ["a", "b c", "d"]);
        assert_eq!(split(r#"--x="b c"d e"#), ["--x=b c", "d", "e"]);
        assert_eq!(split(r#""" x "a\"b\\c\'d""#), ["", "x", r#"a"b\c'd"#]);
        assert_eq!(split(r"a\ b 'c d'"), [r"a\", "b", "'c", "d'"]);
        assert_eq!(split(""), [""; 0]);
    }

    #[test]
    fn quotes_must_close() {
        let mut words = Words::new();
        for line in ["ab \"c", "ab \"c\\", "ab \"c\\\""] {
            assert_eq!(words.read_line(line, 0), Err(LexError::UnclosedQuote { offset: 3 }), "{line}");
        }
        assert_eq!(words.read_line("a\0b", 0), Err(LexError::Nul { offset: 1 }));
        assert_eq!(words.read_line("\"a\0b\"", 0), Err(LexError::Nul { offset: 2 }));
        assert_eq!(words.read_line("\"a\\\0b\"", 0), Err(LexError::Nul { offset: 3 }));
    }

    #[test]
    fn places_are_those_of_the_source() {
        let mut words = Words::new();
        words.read_line(r#"[1:2] -A "x y"z"#, 5).expect("a line that can be split");
        let places: Vec<_> = (0..4).map(|index| words.place(index)).collect();
        assert_eq!(places, [(6, 2), (9, 5), (14, 1), (15, 0)]);
        words.read_args(&["-A", "a b", "c"]);
        assert_eq!(words.source(), r#"-A "a b" c"#);
        assert_eq!((words.get(1), words.place(1), words.place(2)), (Some("a b"), (3, 5), (9, 1)));
    }

    proptest! {
        #[test]
        fn what_is_written_quoted_reads_back(texts in prop::collection::vec("[^\\x00\\n]*", 0..5)) {
            let mut line = String::new();
            for text in &texts {
                line.push(' ');
                write_quoted(&mut line, text);
            }
            prop_assert_eq!(split(&line), texts);
        }

        #[test]
        fn plain_words_are_those_between_blanks(line in "[ -~\\t\\u{80}-\\u{2ff}&&[^\"]]*") {
            let words: Vec<&str> = line.split([' ', '\t']).filter(|word| !word.is_empty()).collect();
            prop_assert_eq!(split(&line), words);
        }

        #[test]
        fn any_line_is_split_or_refused(line in ".*", from in 0_usize..80) {
            let mut words = Words::new();
            let _ = words.read_line(&line, from);
            for index in 0..words.len() {
                prop_assert!(words.get(index).is_some());
                let (offset, width) = words.place(index);
                prop_assert!(line.get(offset..offset + width).is_some());
            }
        }
    }
}
