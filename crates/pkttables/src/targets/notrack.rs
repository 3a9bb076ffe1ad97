//! `-j NOTRACK`: does not track the packet's connection.
use super::ct::{CtFlags, NOTRACK_ALIAS};
use crate::extension;
use crate::model::{Families, Hooks, Tables};
use crate::packet::Packet;
use crate::registry::{Action, Context, Edit, Extension, Lister, OwnLayout, Revision};

/// The `NOTRACK` target, which the kernel keeps as `CT` with a flag that tells it from `CT --notrack`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notrack;

extension! {
    /// Do not track the packet: its state will be UNTRACKED, and addresses are not translated.
    ///
    /// It saves the work of connection tracking where no rule needs it, for instance for a busy name server. The answers need a
    /// rule of their own. The same as `CT --notrack`.
    target "NOTRACK" => Notrack {
        xt_name: "CT",
        own_layouts: &[OwnLayout { revision: 0, read: |info| info.is_empty().then(|| Box::new(Notrack) as _) }],
        tables: Tables::RAW,
        hooks: Hooks::PREROUTING.union(Hooks::OUTPUT),
    } params {}
}

impl Extension for Notrack {
    fn act(&self, packet: &Packet<'_>, context: &mut Context<'_>) -> Action {
        if packet.meta.connection.is_none() {
            context.edit(Edit::Untrack);
        }
        Action::Continue
    }

    // `struct xt_ct_target_info_v1` in linux/netfilter/xt_CT.h.
    const REVISIONS: &'static [Revision<Self>] = &[Revision {
        number: 2,
        size: 72,
        families: Families::all(),
        encode: |_, w| {
            w.ne_u16(CtFlags::NOTRACK.bits() | NOTRACK_ALIAS);
            w.zeros(70);
            Ok(())
        },
        decode: |r, _| {
            let flags = r.ne_u16("flags")?;
            r.rest();
            Ok((flags & NOTRACK_ALIAS != 0).then_some(Self))
        },
    }];

    fn list(&self, out: &mut Lister<'_>) {
        out.add(" NOTRACK");
    }
}

#[cfg(test)]
mod tests {
    use super::super::ct::Ct;
    use super::*;
    use crate::model::Family;
    use crate::registry::testing::{decoded, encoded, text_cases};

    #[test]
    fn saved_forms() {
        text_cases! { Notrack, Ipv4: "" => same, "--notrack" => fails }
    }

    #[test]
    fn each_leaves_the_structures_of_the_other_alone() {
        let notrack = encoded::<Notrack>(Family::Ipv4, "", 2).unwrap();
        let ct = encoded::<Ct>(Family::Ipv4, "--notrack", 2).unwrap();
        assert_eq!(decoded::<Ct>(Family::Ipv4, 2, &notrack), None);
        assert_eq!(decoded::<Notrack>(Family::Ipv4, 2, &ct), None);
        assert_eq!(decoded::<Notrack>(Family::Ipv4, 2, &notrack).as_deref(), Some(""));
    }
}
