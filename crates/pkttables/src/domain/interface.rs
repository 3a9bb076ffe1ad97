use crate::model::InterfacePattern;
use crate::registry::{Domain, Scope, Value, ValueError};

impl Value for InterfacePattern {
    const DOMAIN: Domain = Domain::Interface;

    fn parse(text: &str, _: &Scope) -> Result<Self, ValueError> {
        if text.is_empty() {
            return Err(ValueError::Because("an empty interface name matches nothing"));
        }
        if text.len() > Self::MAX {
            return Err(ValueError::TooLong { max: Self::MAX });
        }
        let (name, prefix) = text.strip_suffix('+').map_or((text, false), |name| (name, true));
        Self::new(name.as_bytes(), prefix).ok_or(ValueError::Form)
    }

    fn write(&self, out: &mut String, _: &Scope) {
        out.push_str(&String::from_utf8_lossy(self.name()));
        if self.is_prefix() {
            out.push('+');
        }
    }
}
