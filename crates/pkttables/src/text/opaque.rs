//! Extensions that nothing here understands, as text: `NAME [revision NUMBER BYTES]`, in brackets so that nobody
//! takes them for options.

use super::diagnostic::Diagnostic;
use super::line::Line;
use super::problem::Problem;
use crate::model::Opaque;
use std::fmt::Write as _;

const START: &str = "[revision";

/// Appends the form that reads back as the same.
pub(super) fn write_opaque(out: &mut String, opaque: &Opaque) {
    let _ = write!(out, "{} {START} {}", opaque.name, opaque.revision);
    for byte in &opaque.info {
        let _ = write!(out, " {byte:02x}");
    }
    out.push(']');
}

impl Line<'_, '_, '_> {
    /// Reads what follows the extension's name if it is given by its bytes.
    #[inline]
    pub(super) fn opaque(&mut self, name: &str) -> Result<Option<Opaque>, Box<Diagnostic>> {
        if self.cursor.skip(START) { self.bytes_of(name).map(Some) } else { Ok(None) }
    }

    fn bytes_of(&mut self, name: &str) -> Result<Opaque, Box<Diagnostic>> {
        let (mut revision, mut info) = (None, Vec::new());
        loop {
            let word = self.cursor.plain_word().ok_or_else(|| self.missing(Problem::OpaqueForm))?;
            let digits = word.strip_suffix(']').unwrap_or(word);
            let bad = || self.value_error(Problem::OpaqueForm);
            match revision {
                None => revision = Some(digits.parse().map_err(|_| bad())?),
                Some(_) => info.push(byte(digits).ok_or_else(bad)?),
            }
            if digits.len() < word.len() {
                break;
            }
        }
        let revision = revision.unwrap_or_default();
        Ok(Opaque { name: name.into(), revision, info: info.into() })
    }
}

/// Two hexadecimal digits.
fn byte(digits: &str) -> Option<u8> {
    let two = digits.len() == 2 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    u8::from_str_radix(digits, 16).ok().filter(|_| two)
}
