//! `-j CLASSIFY`: puts the packet into a class of traffic control.
use crate::extension;
use crate::model::{Families, Hooks};
use crate::packet::Packet;
use crate::registry::{Action, Context, Domain, Edit, Extension, Lister, Revision, Scope, Value, ValueError};
use std::fmt::Write as _;

/// The `CLASSIFY` target.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Classify {
    /// The class.
    pub class: TrafficClass,
}

/// A class of traffic control, written `MAJOR:MINOR` in hexadecimal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TrafficClass {
    /// The number of the queueing discipline.
    pub major: u16,
    /// The number of the class in it.
    pub minor: u16,
}

extension! {
    /// Put the packet into a class of traffic control (`tc`).
    ///
    /// The classes are those of a queueing discipline such as HTB on the interface by which the packet leaves. The next rules still see the packet.
    target "CLASSIFY" => Classify {
        hooks: Hooks::FORWARD.union(Hooks::OUTPUT).union(Hooks::POSTROUTING),
    } params {
        /// The class, its two numbers in hexadecimal as `tc` shows them.
        "set-class": TrafficClass { set: |m, class, _| m.class = class, get: |m| Some((m.class, false)), required: true }
    }
}

impl Extension for Classify {
    fn act(&self, _: &Packet<'_>, context: &mut Context<'_>) -> Action {
        context.edit(Edit::Priority(u32::from(self.class.major) << 16 | u32::from(self.class.minor)));
        Action::Continue
    }

    // `struct xt_classify_target_info` in linux/netfilter/xt_CLASSIFY.h.
    const REVISIONS: &'static [Revision<Self>] = &[Revision {
        number: 0,
        size: 4,
        families: Families::all(),
        encode: |m, w| {
            w.ne_u32(u32::from(m.class.major) << 16 | u32::from(m.class.minor));
            Ok(())
        },
        decode: |r, _| {
            let [high_major, low_major, high_minor, low_minor] = r.ne_u32("priority")?.to_be_bytes();
            let class = TrafficClass {
                major: u16::from_be_bytes([high_major, low_major]),
                minor: u16::from_be_bytes([high_minor, low_minor]),
            };
            Ok(Some(Self { class }))
        },
    }];

    fn list(&self, out: &mut Lister<'_>) {
        out.add(format_args!(" CLASSIFY set {:x}:{:x}", self.class.major, self.class.minor));
    }
}

impl Value for TrafficClass {
    const DOMAIN: Domain = Domain::Expression {
        language: "class of traffic control, such as 1:10, in hexadecimal",
        examples: &["1:10", "0:0", "ffff:a"],
        refused: &["word", "1", "1:", "1:x"],
    };

    /// Of numbers with more than 16 bits the upper bits are dropped.
    fn parse(text: &str, _: &Scope) -> Result<Self, ValueError> {
        let number = |text: &str| {
            let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")).unwrap_or(text);
            if digits.starts_with('+') {
                return Err(ValueError::Form);
            }
            u32::from_str_radix(digits, 16).map(|number| number as u16).map_err(|_| ValueError::Form)
        };
        let (major, minor) = text.split_once(':').ok_or(ValueError::Form)?;
        Ok(Self { major: number(major)?, minor: number(minor)? })
    }

    fn write(&self, out: &mut String, _: &Scope) {
        let _ = write!(out, "{:04x}:{:04x}", self.major, self.minor);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Family;
    use crate::registry::testing::{encoded, text_cases};

    #[test]
    fn saved_forms() {
        text_cases! { Classify, Ipv4:
            "--set-class 0000:ffff" => same, "--set-class 1:2" => "--set-class 0001:0002",
            "--set-class 0x1:0xff" => "--set-class 0001:00ff", "--set-class 12345:1" => "--set-class 2345:0001",
            "--set-class 1" => fails, "--set-class 1:" => fails, "--set-class :1" => fails, "--set-class g:1" => fails,
            "" => fails,
        }
    }

    #[test]
    fn layout() {
        let info = [&0x0001_00ff_u32.to_ne_bytes()[..], &[0; 4]].concat();
        assert_eq!(encoded::<Classify>(Family::Ipv4, "--set-class 1:ff", 0), Some(info));
    }
}
