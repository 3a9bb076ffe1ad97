//! `-j HL`: changes the hop limit of an IPv6 packet.
use crate::domain::{HopChange, HopStep};
use crate::extension;
use crate::model::{Families, Tables};
use crate::packet::Packet;
use crate::registry::{Action, Context, Edit, Extension, Lister, Require, Revision};

/// The `HL` target.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hl {
    /// What becomes of the hop limit.
    pub change: HopChange,
}

extension! {
    /// Change how many more routers an IPv6 packet may pass, its hop limit.
    ///
    /// A packet whose hop limit reaches 0 is dropped by the next router; that is what stops a packet in a routing
    /// loop. Increasing it where packets can loop makes them loop forever.
    target "HL" => Hl {
        families: Families::IPV6,
        tables: Tables::MANGLE,
        require: Require::ExactlyOne,
    } params {
        /// Set the hop limit to this number.
        "hl-set": u8 {
            set: |m, hops, _| m.change = HopChange::Set(hops),
            get: |m| match m.change { HopChange::Set(hops) => Some((hops, false)), _ => None },
        }
        /// Take this number off the hop limit.
        "hl-dec": HopStep {
            set: |m, HopStep(hops), _| m.change = HopChange::Decrease(hops),
            get: |m| match m.change { HopChange::Decrease(hops) => Some((HopStep(hops), false)), _ => None },
        }
        /// Add this number to the hop limit.
        "hl-inc": HopStep {
            set: |m, HopStep(hops), _| m.change = HopChange::Increase(hops),
            get: |m| match m.change { HopChange::Increase(hops) => Some((HopStep(hops), false)), _ => None },
        }
    }
}

impl Extension for Hl {
    fn act(&self, packet: &Packet<'_>, context: &mut Context<'_>) -> Action {
        context.edit(Edit::Hops(self.change.apply(packet.hops())));
        Action::Continue
    }

    const REVISIONS: &'static [Revision<Self>] = &[Revision {
        number: 0,
        size: HopChange::SIZE,
        families: Families::IPV6,
        encode: |m, w| {
            m.change.encode(w);
            Ok(())
        },
        decode: |r, _| Ok(Some(Self { change: HopChange::decode(r)? })),
    }];

    fn list(&self, out: &mut Lister<'_>) {
        out.add(format_args!(" HL {}", self.change));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::testing::text_cases;

    #[test]
    fn saved_forms() {
        text_cases! { Hl, Ipv6:
            "--hl-set 42" => same, "--hl-set 0" => same, "--hl-inc 255" => same, "--hl-dec 0x1" => "--hl-dec 1",
            "--hl-inc 0" => fails, "--hl-dec 0" => fails, "--hl-set 256" => fails, "--hl-set -1" => fails,
            "--hl-dec 1 --hl-inc 1" => fails, "--hl-set" => fails, "" => fails,
        }
    }
}
