//! `-j CHECKSUM`: computes a checksum that is left to the network card.
use crate::extension;
use crate::model::{Families, Tables};
use crate::packet::Packet;
use crate::registry::{Action, Context, Extension, Flag, Lister, Revision};
use nfnetlink::wire::Problem;

/// The `CHECKSUM` target.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checksum;

extension! {
    /// Compute the transport checksum of a packet that does not have one yet.
    ///
    /// A packet between virtual machines of one host has no checksum if the host leaves it to network cards. Some
    /// programs, such as old DHCP clients, look at it even so and throw the packet away.
    target "CHECKSUM" => Checksum {
        tables: Tables::MANGLE,
    } params {
        /// Compute and fill in the checksum.
        "checksum-fill": Flag { set: |_, _, _| (), get: |_| Some((Flag, false)), required: true }
    }
}

/// `XT_CHECKSUM_OP_FILL`
const FILL: u8 = 1;

impl Extension for Checksum {
    fn act(&self, _: &Packet<'_>, _: &mut Context<'_>) -> Action {
        // Packets that the evaluator sees have their checksums.
        Action::Continue
    }

    // `struct xt_CHECKSUM_info` in linux/netfilter/xt_CHECKSUM.h.
    const REVISIONS: &'static [Revision<Self>] = &[Revision {
        number: 0,
        size: 1,
        families: Families::all(),
        encode: |_, w| {
            w.u8(FILL);
            Ok(())
        },
        decode: |r, _| match r.u8("operation")? {
            FILL => Ok(Some(Self)),
            other => Err(r.error("operation", Problem::Value(other.into()))),
        },
    }];

    fn list(&self, out: &mut Lister<'_>) {
        out.add(" CHECKSUM fill");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::testing::text_cases;

    #[test]
    fn saved_forms() {
        text_cases! { Checksum, Ipv4: "--checksum-fill" => same, "" => fails, "! --checksum-fill" => fails }
    }
}
