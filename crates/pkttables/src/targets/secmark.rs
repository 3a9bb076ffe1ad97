//! `-j SECMARK`: gives the packet a security context.
use crate::domain::SecurityContext;
use crate::extension;
use crate::model::{Families, Tables};
use crate::packet::Packet;
use crate::registry::{Action, Context, Edit, Extension, Revision};
use nfnetlink::wire::{DecodeError, Problem, Reader};

/// The `SECMARK` target.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Secmark {
    /// The security context.
    pub context: Option<SecurityContext>,
}

/// `SECMARK_MODE_SEL`
const SELINUX: u8 = 1;

extension! {
    /// Give the packet a security context, by which SELinux decides who may send and receive it.
    ///
    /// CONNSECMARK makes the context hold for the whole connection.
    target "SECMARK" => Secmark {
        tables: Tables::MANGLE.union(Tables::SECURITY),
    } params {
        /// The context, such as `system_u:object_r:http_client_packet_t:s0`; the loaded policy must know it.
        "selctx": SecurityContext {
            set: |m, context, _| m.context = Some(context),
            get: |m| m.context.clone().map(|context| (context, false)),
            required: true,
            by_kernel: true,
        }
    }
}

impl Extension for Secmark {
    fn act(&self, _: &Packet<'_>, context: &mut Context<'_>) -> Action {
        if let Some(security) = &self.context {
            let number = context.environment.security_id(security.as_str());
            context.edit(Edit::SecMark(number));
        }
        Action::Continue
    }

    // `struct xt_secmark_target_info_v1` and `struct xt_secmark_target_info` in linux/netfilter/xt_SECMARK.h.
    const REVISIONS: &'static [Revision<Self>] = &[
        Revision {
            number: 1,
            size: 264,
            families: Families::all(),
            encode: |m, w| {
                w.u8(SELINUX);
                SecurityContext::write_field(m.context.as_ref(), w);
                w.zeros(3 + 4);
                Ok(())
            },
            decode: |r, _| {
                mode(r)?;
                let context = SecurityContext::read(r)?;
                r.take(3 + 4, "kernel's own")?;
                Ok(Some(Self { context }))
            },
        },
        Revision {
            number: 0,
            size: 264,
            families: Families::all(),
            encode: |m, w| {
                w.u8(SELINUX);
                w.zeros(3 + 4);
                SecurityContext::write_field(m.context.as_ref(), w);
                Ok(())
            },
            decode: |r, _| {
                mode(r)?;
                r.take(3 + 4, "kernel's own")?;
                Ok(Some(Self { context: SecurityContext::read(r)? }))
            },
        },
    ];
}

fn mode(r: &mut Reader<'_>) -> Result<(), DecodeError> {
    match r.u8("mode")? {
        SELINUX => Ok(()),
        other => Err(r.error("mode", Problem::Value(other.into()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::testing::text_cases;

    #[test]
    fn saved_forms() {
        text_cases! { Secmark, Ipv4:
            "--selctx system_u:object_r:firewalld_exec_t:s0" => same, "--selctx" => fails, "" => fails,
        }
    }
}
