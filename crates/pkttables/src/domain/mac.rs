use crate::registry::{Domain, Scope, Value, ValueError};
use std::fmt::Write as _;

/// A MAC address: six bytes, written in hexadecimal with colons.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Mac(pub [u8; 6]);

impl Value for Mac {
    const DOMAIN: Domain = Domain::Mac { multicast: false };

    fn parse(text: &str, _: &Scope) -> Result<Self, ValueError> {
        let mut bytes = [0; 6];
        let mut parts = text.split(':');
        for byte in &mut bytes {
            let part = parts.next().filter(|part| matches!(part.len(), 1 | 2)).ok_or(ValueError::Form)?;
            if part.starts_with('+') {
                return Err(ValueError::Form);
            }
            *byte = u8::from_str_radix(part, 16).map_err(|_| ValueError::Form)?;
        }
        if parts.next().is_some() { Err(ValueError::Form) } else { Ok(Self(bytes)) }
    }

    fn write(&self, out: &mut String, _: &Scope) {
        let [a, b, c, d, e, f] = self.0;
        let _ = write!(out, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{f:02x}");
    }
}
