use super::write_quoted;
use crate::registry::{Domain, Scope, Value, ValueError};

/// Text that stands at the beginning of log messages; what goes beyond `MAX` bytes is cut off.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct LogPrefix<const MAX: usize>(Box<str>);

impl<const MAX: usize> LogPrefix<MAX> {
    /// The text, cut to what fits.
    pub fn new(text: &str) -> Result<Self, ValueError> {
        if text.is_empty() {
            return Err(ValueError::Because("an empty prefix says nothing"));
        }
        if text.contains(['\n', '\0']) {
            return Err(ValueError::Because("a prefix cannot have newlines or NUL bytes"));
        }
        let end = (0..=MAX.min(text.len())).rev().find(|&end| text.is_char_boundary(end)).unwrap_or(0);
        Ok(Self(text.get(..end).unwrap_or_default().into()))
    }

    /// The text.
    #[must_use]
    pub const fn as_str(&self) -> &str {
        &self.0
    }
}

impl<const MAX: usize> Value for LogPrefix<MAX> {
    const DOMAIN: Domain = Domain::Text { min: 1, max: usize::MAX, forbidden: "\n" };

    fn parse(text: &str, _: &Scope) -> Result<Self, ValueError> {
        Self::new(text)
    }

    fn write(&self, out: &mut String, _: &Scope) {
        write_quoted(out, &self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_long_is_cut_between_characters() {
        let cut = |text| LogPrefix::<3>::new(text).map(|prefix| prefix.as_str().to_owned());
        assert_eq!(cut("abcd").as_deref(), Ok("abc"));
        assert_eq!(cut("abé").as_deref(), Ok("ab"));
        assert_eq!(cut("ab").as_deref(), Ok("ab"));
        assert!(cut("").is_err() && cut("a\n").is_err());
    }
}
