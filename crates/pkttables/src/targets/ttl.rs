//! `-j TTL`: changes the time to live of an IPv4 packet.
use crate::domain::{HopChange, HopStep};
use crate::extension;
use crate::model::{Families, Tables};
use crate::packet::Packet;
use crate::registry::{Action, Context, Edit, Extension, Lister, Require, Revision};

/// The `TTL` target.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ttl {
    /// What becomes of the time to live.
    pub change: HopChange,
}

extension! {
    /// Change how many more routers an IPv4 packet may pass, its time to live.
    ///
    /// A packet whose time to live reaches 0 is dropped by the next router; that is what stops a packet in a routing
    /// loop. Increasing it where packets can loop makes them loop forever.
    target "TTL" => Ttl {
        families: Families::IPV4,
        tables: Tables::MANGLE,
        require: Require::ExactlyOne,
    } params {
        /// Set the time to live to this number.
        "ttl-set": u8 {
            set: |m, hops, _| m.change = HopChange::Set(hops),
            get: |m| match m.change { HopChange::Set(hops) => Some((hops, false)), _ => None },
        }
        /// Take this number off the time to live.
        "ttl-dec": HopStep {
            set: |m, HopStep(hops), _| m.change = HopChange::Decrease(hops),
            get: |m| match m.change { HopChange::Decrease(hops) => Some((HopStep(hops), false)), _ => None },
        }
        /// Add this number to the time to live.
        "ttl-inc": HopStep {
            set: |m, HopStep(hops), _| m.change = HopChange::Increase(hops),
            get: |m| match m.change { HopChange::Increase(hops) => Some((HopStep(hops), false)), _ => None },
        }
    }
}

impl Extension for Ttl {
    fn act(&self, packet: &Packet<'_>, context: &mut Context<'_>) -> Action {
        context.edit(Edit::Hops(self.change.apply(packet.hops())));
        Action::Continue
    }

    const REVISIONS: &'static [Revision<Self>] = &[Revision {
        number: 0,
        size: HopChange::SIZE,
        families: Families::IPV4,
        encode: |m, w| {
            m.change.encode(w);
            Ok(())
        },
        decode: |r, _| Ok(Some(Self { change: HopChange::decode(r)? })),
    }];

    fn list(&self, out: &mut Lister<'_>) {
        out.add(format_args!(" TTL {}", self.change));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::testing::text_cases;

    #[test]
    fn saved_forms() {
        text_cases! { Ttl, Ipv4:
            "--ttl-set 42" => same, "--ttl-set 0" => same, "--ttl-inc 255" => same, "--ttl-dec 0x1" => "--ttl-dec 1",
            "--ttl-inc 0" => fails, "--ttl-dec 0" => fails, "--ttl-set 256" => fails, "--ttl-set -1" => fails,
            "--ttl-dec 1 --ttl-inc 1" => fails, "--ttl-set" => fails, "" => fails,
        }
    }
}
