//! `-j DSCP`: changes the class that the packet's header asks for.
use crate::domain::{Dscp as CodePoint, DscpClass};
use crate::extension;
use crate::model::{Families, Tables};
use crate::packet::Packet;
use crate::registry::{Action, Context, Edit, Extension, Lister, Require, Revision};
use nfnetlink::wire::Problem;

/// The `DSCP` target.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dscp {
    /// The new code point.
    pub code_point: CodePoint,
}

extension! {
    /// Set the differentiated services code point in the IP header, by which routers choose how to treat the packet.
    ///
    /// These are the upper six bits of the type of service or traffic class; the lower two are left as they are.
    target "DSCP" => Dscp {
        tables: Tables::MANGLE,
        require: Require::ExactlyOne,
    } params {
        /// The new code point as a number.
        "set-dscp": CodePoint { set: |m, code, _| m.code_point = code, get: |m| Some((m.code_point, false)) }
        /// The new code point by the name of its class, such as `EF` or `AF41`.
        "set-dscp-class": DscpClass { set: |m, DscpClass(code), _| m.code_point = code, get: |_| None }
    }
}

impl Extension for Dscp {
    fn act(&self, packet: &Packet<'_>, context: &mut Context<'_>) -> Action {
        context.edit(Edit::Tos(packet.tos() & 3 | self.code_point.number() << 2));
        Action::Continue
    }

    // `struct xt_DSCP_info` in linux/netfilter/xt_DSCP.h.
    const REVISIONS: &'static [Revision<Self>] = &[Revision {
        number: 0,
        size: 1,
        families: Families::all(),
        encode: |m, w| {
            w.u8(m.code_point.number());
            Ok(())
        },
        decode: |r, _| {
            let number = r.u8("dscp")?;
            let code_point = CodePoint::new(number);
            let code_point = code_point.ok_or_else(|| r.error("dscp", Problem::Value(number.into())))?;
            Ok(Some(Self { code_point }))
        },
    }];

    fn list(&self, out: &mut Lister<'_>) {
        out.add(format_args!(" DSCP set {:#04x}", self.code_point.number()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::testing::text_cases;

    #[test]
    fn saved_forms() {
        text_cases! { Dscp, Ipv6:
            "--set-dscp 0x3f" => same, "--set-dscp 0" => "--set-dscp 0x00", "--set-dscp-class CS0" => "--set-dscp 0x00",
            "--set-dscp-class ef" => "--set-dscp 0x2e", "--set-dscp-class af11" => "--set-dscp 0x0a",
            "--set-dscp-class BE" => "--set-dscp 0x00", "--set-dscp 64" => fails, "--set-dscp -1" => fails,
            "--set-dscp-class LE" => fails, "--set-dscp 1 --set-dscp-class EF" => fails, "" => fails,
        }
    }
}
