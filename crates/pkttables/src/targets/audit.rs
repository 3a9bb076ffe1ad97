//! `-j AUDIT`: writes the packet to the audit log.
use crate::model::Families;
use crate::packet::Packet;
use crate::registry::{Action, Context, Extension, Lister, Revision};
use crate::{choices, extension};
use nfnetlink::wire::Problem;

/// The `AUDIT` target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audit {
    /// What the record says of the packet.
    pub kind: AuditKind,
}

choices! {
    /// What an audit record says is done with the packet.
    pub enum AuditKind: u8, any_case {
        /// It is accepted.
        Accept = 0 => "accept",
        /// It is dropped.
        Drop = 1 => "drop",
        /// It is rejected.
        Reject = 2 => "reject",
    }
}

impl Default for Audit {
    fn default() -> Self {
        Self { kind: AuditKind::Accept }
    }
}

extension! {
    /// Write a record of the packet to the audit log and go on with the next rule.
    ///
    /// The record tells what a rule after this one does with the packet; it does not do that itself.
    target "AUDIT" => Audit {} params {
        /// What the record says is done with the packet.
        "type": AuditKind { set: |m, kind, _| m.kind = kind, get: |m| Some((m.kind, false)), required: true }
    }
}

impl Extension for Audit {
    fn act(&self, _: &Packet<'_>, _: &mut Context<'_>) -> Action {
        Action::Report
    }

    // `struct xt_audit_info` in linux/netfilter/xt_AUDIT.h.
    const REVISIONS: &'static [Revision<Self>] = &[Revision {
        number: 0,
        size: 1,
        families: Families::all(),
        encode: |m, w| {
            w.u8(m.kind.number());
            Ok(())
        },
        decode: |r, _| {
            let number = r.u8("type")?;
            let kind = AuditKind::from_number(number);
            Ok(Some(Self { kind: kind.ok_or_else(|| r.error("type", Problem::Value(number.into())))? }))
        },
    }];

    fn list(&self, out: &mut Lister<'_>) {
        out.each(self, |out, _, _, text| out.add(format_args!(" AUDIT {text}")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::testing::text_cases;

    #[test]
    fn saved_forms() {
        text_cases! { Audit, Ipv4:
            "--type accept" => same, "--type drop" => same, "--type REJECT" => "--type reject",
            "--type foo" => fails, "--type acc" => fails, "" => fails,
        }
    }
}
