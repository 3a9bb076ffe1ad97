//! `-j CONNSECMARK`: copies security marks between packet and connection.
use crate::extension;
use crate::model::{Families, Tables};
use crate::packet::Packet;
use crate::registry::{Action, Context, Edit, Extension, Flag, Require, Revision};
use nfnetlink::wire::Problem;

/// The `CONNSECMARK` target.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Connsecmark {
    /// The packet's security mark is copied to the connection, if that has none.
    #[default]
    Save,
    /// The connection's security mark is copied to the packet, if that has none.
    Restore,
}

extension! {
    /// Copy the security mark between the packet and its connection.
    ///
    /// The mark is given to the first packet of a connection by SECMARK and means a security context of SELinux.
    target "CONNSECMARK" => Connsecmark {
        tables: Tables::MANGLE.union(Tables::SECURITY),
        require: Require::ExactlyOne,
    } params {
        /// Copy the packet's mark to the connection if the connection has none.
        "save": Flag { set: |m, _, _| *m = Connsecmark::Save, get: |m| (*m == Connsecmark::Save).then_some((Flag, false)) }
        /// Copy the connection's mark to the packet if the packet has none.
        "restore": Flag {
            set: |m, _, _| *m = Connsecmark::Restore,
            get: |m| (*m == Connsecmark::Restore).then_some((Flag, false)),
        }
    }
}

impl Extension for Connsecmark {
    fn act(&self, packet: &Packet<'_>, context: &mut Context<'_>) -> Action {
        let Some(connection) = &packet.meta.connection else { return Action::Continue };
        match (self, packet.meta.secmark, connection.secmark) {
            (Self::Save, 1.., 0) => context.edit(Edit::ConnectionSecMark(packet.meta.secmark)),
            (Self::Restore, 0, 1..) => context.edit(Edit::SecMark(connection.secmark)),
            _ => {}
        }
        Action::Continue
    }

    // `struct xt_connsecmark_target_info` in linux/netfilter/xt_CONNSECMARK.h.
    const REVISIONS: &'static [Revision<Self>] = &[Revision {
        number: 0,
        size: 1,
        families: Families::all(),
        encode: |m, w| {
            w.u8(match m {
                Self::Save => 1,
                Self::Restore => 2,
            });
            Ok(())
        },
        decode: |r, _| match r.u8("mode")? {
            1 => Ok(Some(Self::Save)),
            2 => Ok(Some(Self::Restore)),
            other => Err(r.error("mode", Problem::Value(other.into()))),
        },
    }];
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::testing::text_cases;

    #[test]
    fn saved_forms() {
        text_cases! { Connsecmark, Ipv4:
            "--save" => same, "--restore" => same, "" => fails, "--save --restore" => fails,
        }
    }
}
