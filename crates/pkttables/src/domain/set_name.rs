use super::write_bare;
use crate::registry::{Domain, ObjectKind, Scope, Value, ValueError};
use std::fmt;

/// The name of a set made by ipset (`IPSET_MAXNAMELEN`: at most 31 bytes). The default is no name.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SetName {
    bytes: [u8; Self::MAX],
    len: u8,
}

impl SetName {
    /// The most bytes that a name can have.
    pub const MAX: usize = 31;
    /// The number that no set has (`IPSET_INVALID_ID`).
    pub const NO_INDEX: u16 = u16::MAX;

    /// `None` if the name is too long, empty, or contains a NUL.
    #[must_use]
    pub fn new(name: &[u8]) -> Option<Self> {
        if name.is_empty() || name.contains(&0) {
            return None;
        }
        let mut bytes = [0; Self::MAX];
        bytes.get_mut(..name.len())?.copy_from_slice(name);
        Some(Self { bytes, len: u8::try_from(name.len()).ok()? })
    }

    /// The name.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or_default()
    }
}

impl Value for SetName {
    const DOMAIN: Domain = Domain::Object { kind: ObjectKind::IpSet, max: Self::MAX };

    fn parse(text: &str, _: &Scope) -> Result<Self, ValueError> {
        match text.len() {
            0 => Err(ValueError::Form),
            1..=Self::MAX => Self::new(text.as_bytes()).ok_or(ValueError::Form),
            _ => Err(ValueError::TooLong { max: Self::MAX }),
        }
    }

    fn write(&self, out: &mut String, _: &Scope) {
        let name = String::from_utf8_lossy(self.as_bytes());
        write_bare(out, &name);
    }
}

impl fmt::Display for SetName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(self.as_bytes()))
    }
}

impl fmt::Debug for SetName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.as_bytes().escape_ascii())
    }
}
