use crate::registry::{Domain, Scope, Value, ValueError};

/// Text of at most `MAX` bytes, quoted where a saved rule needs it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Text<const MAX: usize>(Box<str>);

impl<const MAX: usize> Text<MAX> {
    /// Takes text that is not too long.
    pub fn new(text: &str) -> Result<Self, ValueError> {
        if text.contains('\0') {
            return Err(ValueError::Because("a NUL byte cannot stand in text"));
        }
        if text.len() <= MAX { Ok(Self(text.into())) } else { Err(ValueError::TooLong { max: MAX }) }
    }

    /// The text.
    #[must_use]
    pub const fn as_str(&self) -> &str {
        &self.0
    }
}

impl<const MAX: usize> Value for Text<MAX> {
    const DOMAIN: Domain = Domain::Text { min: 0, max: MAX, forbidden: "" };

    fn parse(text: &str, _: &Scope) -> Result<Self, ValueError> {
        Self::new(text)
    }

    fn write(&self, out: &mut String, _: &Scope) {
        write_quoted(out, &self.0);
    }
}

/// What stands before and behind the first of these bytes, an ASCII character.
pub(crate) fn split_at_byte(text: &str, byte: u8) -> Option<(&str, &str)> {
    let at = text.bytes().position(|other| other == byte)?;
    text.get(..at).zip(text.get(at + 1..))
}

/// Appends a word as a saved rule shows it: as it is if it has only letters, digits, `-` and `_`, otherwise
/// between quotes, with a backslash before `"`, `'` and `\`.
pub fn write_quoted(out: &mut String, text: &str) {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if !text.is_empty() && text.bytes().all(plain) {
        return out.push_str(text);
    }
    out.push('"');
    for character in text.chars() {
        if matches!(character, '"' | '\'' | '\\') {
            out.push('\\');
        }
        out.push(character);
    }
    out.push('"');
}

/// Appends a word without quotes wherever it can be read again so: where it has no spaces, quotes or backslashes.
pub fn write_bare(out: &mut String, text: &str) {
    match text.is_empty() || text.contains([' ', '\t', '\n', '"', '\'', '\\']) {
        true => write_quoted(out, text),
        false => out.push_str(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_words_stand_without_quotes() {
        for (text, quoted) in
            [("a_b-9", "a_b-9"), ("a.b", "\"a.b\""), ("", "\"\""), ("a'\"\\", "\"a\\'\\\"\\\\\"")]
        {
            let mut out = String::new();
            write_quoted(&mut out, text);
            assert_eq!(out, quoted);
        }
    }

    #[test]
    fn length_counts_bytes() {
        assert!(Text::<2>::new("é").is_ok());
        assert_eq!(Text::<2>::new("éa"), Err(ValueError::TooLong { max: 2 }));
        assert!(Text::<9>::new("a\0").is_err());
    }
}
