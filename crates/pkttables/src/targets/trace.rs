//! `-j TRACE`: makes the packet's way through the rules visible.
use crate::extension;
use crate::model::{Families, Tables};
use crate::packet::Packet;
use crate::registry::{
    Action, Context, Edit, Extension, FromNative, Lister, Native, NativeWriter, Recognised, Revision,
    RuleScope,
};
use pkttnetlink::nft::expr::MetaKey;

/// The `TRACE` target.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trace;

extension! {
    /// Report every rule that the packet matches from here on.
    ///
    /// The reports go to those who listen to the kernel's trace events, such as `xtables-monitor --trace` and
    /// `nft monitor trace`. The packet itself is treated as if this rule were not there.
    target "TRACE" => Trace {
        tables: Tables::RAW,
    } params {}
}

impl Extension for Trace {
    fn act(&self, _: &Packet<'_>, context: &mut Context<'_>) -> Action {
        context.edit(Edit::Trace);
        Action::Continue
    }

    fn to_native(&self, _: &RuleScope<'_>, out: &mut NativeWriter<'_>) -> bool {
        out.set_meta(MetaKey::NFTRACE, &[1]);
        true
    }

    const FROM_NATIVE: Option<FromNative<Self>> = Some(|native, _, _| match native {
        Native::SetMeta(MetaKey::NFTRACE, [1, rest @ ..]) if rest.iter().all(|&byte| byte == 0) => {
            Recognised::New(Self)
        }
        _ => Recognised::No,
    });

    const REVISIONS: &'static [Revision<Self>] = &[Revision {
        number: 0,
        size: 0,
        families: Families::all(),
        encode: |_, _| Ok(()),
        decode: |_, _| Ok(Some(Self)),
    }];

    fn list(&self, out: &mut Lister<'_>) {
        out.plain(self, "");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::testing::text_cases;

    #[test]
    fn saved_forms() {
        text_cases! { Trace, Ipv4: "" => same }
    }
}
