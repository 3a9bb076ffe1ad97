//! `-m dscp`: compares the differentiated services code point.
use crate::domain::{Dscp as CodePoint, DscpClass};
use crate::extension;
use crate::model::Families;
use crate::packet::Packet;
use crate::registry::{Context, Extension, Lister, Outcome, Require, Revision, bang, sight};
use nfnetlink::wire::Problem;

/// The `dscp` match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dscp {
    /// The code point that is meant.
    pub value: CodePoint,
    /// Whether every other code point is meant instead.
    pub not: bool,
}

extension! {
    /// Match packets by the class of service that they ask for, their differentiated services code point.
    ///
    /// It is the upper six bits of the type of service field of IPv4 or the traffic class of IPv6.
    match "dscp" => Dscp {
        require: Require::ExactlyOne,
    } params {
        /// The code point is this number.
        [!] "dscp": CodePoint {
            set: |m, value, not| *m = Dscp { value, not },
            get: |m| Some((m.value, m.not)),
            excludes: &["dscp-class"],
            sees: Some(sight::dscp),
        }
        /// The code point is that of this class; it is saved as a number.
        [!] "dscp-class": DscpClass {
            set: |m, class, not| *m = Dscp { value: class.0, not },
            get: |_| None,
            excludes: &["dscp"],
            sees: Some(sight::dscp),
        }
    }
}

// `struct xt_dscp_info`
impl Extension for Dscp {
    fn matches(&self, packet: &Packet<'_>, _: &mut Context<'_>) -> Outcome {
        ((packet.tos() >> 2 == self.value.number()) != self.not).into()
    }

    const REVISIONS: &'static [Revision<Self>] = &[Revision {
        number: 0,
        size: 2,
        families: Families::all(),
        encode: |m, w| {
            w.bytes(&[m.value.number(), m.not.into()]);
            Ok(())
        },
        decode: |r, _| {
            let number = r.u8("dscp")?;
            let value =
                CodePoint::new(number).ok_or_else(|| r.error("dscp", Problem::Value(number.into())))?;
            Ok(Some(Self { value, not: r.u8("invert")? != 0 }))
        },
    }];

    fn list(&self, out: &mut Lister<'_>) {
        out.add(format_args!(" DSCP match {}{:#04x}", bang(self.not), self.value.number()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Family;
    use crate::registry::testing::{decodes, layout, text_cases};

    #[test]
    fn saved_forms() {
        text_cases! { Dscp, Ipv6:
            "--dscp 0" => "--dscp 0x00", "! --dscp 63" => "! --dscp 0x3f", "--dscp 0x1e" => same,
            "--dscp-class BE" => "--dscp 0x00", "--dscp-class CS0" => "--dscp 0x00", "--dscp-class CS7" => "--dscp 0x38",
            "! --dscp-class af11" => "! --dscp 0x0a", "--dscp-class AF43" => "--dscp 0x26", "--dscp-class EF" => "--dscp 0x2e",
            "--dscp 64" => fails, "--dscp 0x40" => fails, "--dscp 0x" => fails, "--dscp-class AF" => fails,
            "--dscp-class CS8" => fails, "--dscp-class AF44" => fails, "--dscp 1 --dscp-class EF" => fails, "" => fails,
        }
    }

    #[test]
    fn layout_of_struct_xt_dscp_info() {
        assert_eq!(layout::<Dscp>(Family::Ipv4, 0, "! --dscp 5"), Some(vec![5, 1, 0, 0, 0, 0, 0, 0]));
        assert!(!decodes::<Dscp>(Family::Ipv4, 0, &[64, 0]));
    }
}
