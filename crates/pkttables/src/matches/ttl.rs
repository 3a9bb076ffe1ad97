//! `-m ttl`: compares the time to live of an IPv4 packet.
use crate::domain::HopTest;
use crate::extension;
use crate::model::Families;
use crate::packet::Packet;
use crate::registry::{Context, Extension, Lister, Outcome, Require, Revision, sight};

/// The `ttl` match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ttl {
    /// What is asked of the time to live.
    pub test: HopTest,
}

extension! {
    /// Match IPv4 packets by their time to live, how many more routers they may pass.
    ///
    /// Every router takes one off and drops the packet when nothing is left. Most systems send with 64, 128 or 255.
    match "ttl" => Ttl {
        families: Families::IPV4,
        require: Require::ExactlyOne,
    } params {
        /// The time to live is exactly this number.
        [!] "ttl-eq" | "ttl": u8 {
            set: |m, hops, not| m.test = HopTest::equal(hops, not),
            get: |m| match m.test {
                HopTest::Equal(hops) => Some((hops, false)),
                HopTest::NotEqual(hops) => Some((hops, true)),
                _ => None,
            },
            excludes: &["ttl-lt", "ttl-gt"],
            sees: Some(sight::hops),
        }
        /// The time to live is less than this number.
        "ttl-lt": u8 {
            set: |m, hops, _| m.test = HopTest::Below(hops),
            get: |m| match m.test { HopTest::Below(hops) => Some((hops, false)), _ => None },
            excludes: &["ttl-eq", "ttl-gt"],
            sees: Some(sight::hops),
        }
        /// The time to live is greater than this number.
        "ttl-gt": u8 {
            set: |m, hops, _| m.test = HopTest::Above(hops),
            get: |m| match m.test { HopTest::Above(hops) => Some((hops, false)), _ => None },
            excludes: &["ttl-eq", "ttl-lt"],
            sees: Some(sight::hops),
        }
    }
}

// `struct ipt_ttl_info`
impl Extension for Ttl {
    fn matches(&self, packet: &Packet<'_>, _: &mut Context<'_>) -> Outcome {
        self.test.holds(packet.hops()).into()
    }

    const REVISIONS: &'static [Revision<Self>] = &[Revision {
        number: 0,
        size: HopTest::SIZE,
        families: Families::IPV4,
        encode: |m, w| {
            m.test.encode(w);
            Ok(())
        },
        decode: |r, _| Ok(Some(Self { test: HopTest::decode(r)? })),
    }];

    fn list(&self, out: &mut Lister<'_>) {
        out.add(format_args!(" TTL match TTL {}", self.test));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Family;
    use crate::registry::testing::{decodes, layout, text_cases};

    #[test]
    fn saved_forms() {
        text_cases! { Ttl, Ipv4:
            "--ttl-eq 0" => same, "! --ttl-eq 255" => same, "--ttl 5" => "--ttl-eq 5", "! --ttl 0x10" => "! --ttl-eq 16",
            "--ttl-lt 5" => same, "--ttl-lt 0" => same, "--ttl-gt 255" => same,
            "! --ttl-lt 5" => fails, "! --ttl-gt 5" => fails, "--ttl-eq 256" => fails, "--ttl-gt" => fails,
            "--ttl-lt 5 --ttl-gt 3" => fails, "--ttl-eq 1 --ttl-eq 1" => fails, "--ttl-eq -1" => fails, "" => fails,
        }
    }

    #[test]
    fn the_layout_is_struct_ipt_ttl_info() {
        for (text, mode) in [("--ttl-eq 5", 0), ("! --ttl-eq 5", 1), ("--ttl-lt 5", 2), ("--ttl-gt 5", 3)] {
            assert_eq!(layout::<Ttl>(Family::Ipv4, 0, text), Some(vec![mode, 5, 0, 0, 0, 0, 0, 0]));
        }
        assert!(!decodes::<Ttl>(Family::Ipv4, 0, &[4, 5]));
    }
}
