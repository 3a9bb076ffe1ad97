use super::write_bare;
use crate::registry::{Domain, Scope, Value, ValueError};
use nfnetlink::wire::{DecodeError, Problem, Reader};

/// The name of something that the kernel keeps: 1 to `MAX` bytes, written without quotes wherever that is possible.
///
/// The default is no name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Name<const MAX: usize>(Box<str>);

impl<const MAX: usize> Name<MAX> {
    /// Takes a name that is not too long, not empty, and has no NUL.
    pub fn new(name: &str) -> Result<Self, ValueError> {
        match name.len() {
            0 => Err(ValueError::Form),
            len if len > MAX => Err(ValueError::TooLong { max: MAX }),
            _ if name.contains('\0') => Err(ValueError::Form),
            _ => Ok(Self(name.into())),
        }
    }

    /// Takes a name from a NUL-terminated field of `size` bytes.
    pub fn read(r: &mut Reader<'_>, size: usize, what: &'static str) -> Result<Self, DecodeError> {
        let at = *r;
        let name = std::str::from_utf8(r.c_string(size, what)?).ok().and_then(|name| Self::new(name).ok());
        name.ok_or_else(|| at.error(what, Problem::String))
    }

    /// Refuses a name that a file in /proc cannot have, where the kernel shows what it keeps under this name.
    pub fn for_proc(self) -> Result<Self, ValueError> {
        match self.0.contains('/') || matches!(&*self.0, "." | "..") {
            true => Err(ValueError::Because(
                "a file in /proc gets this name, so it cannot be `.`, `..` or contain `/`",
            )
            .by_kernel()),
            false => Ok(self),
        }
    }

    /// The name.
    #[must_use]
    pub const fn as_str(&self) -> &str {
        &self.0
    }
}

impl<const MAX: usize> Value for Name<MAX> {
    const DOMAIN: Domain = Domain::Text { min: 1, max: MAX, forbidden: "" };

    fn parse(text: &str, _: &Scope) -> Result<Self, ValueError> {
        Self::new(text)
    }

    fn write(&self, out: &mut String, _: &Scope) {
        write_bare(out, &self.0);
    }
}
