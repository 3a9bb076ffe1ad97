//! `-m hl`: compares the hop limit of an IPv6 packet.
use crate::domain::HopTest;
use crate::extension;
use crate::model::Families;
use crate::packet::Packet;
use crate::registry::{Context, Extension, Lister, Outcome, Require, Revision, sight};

/// The `hl` match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hl {
    /// What is asked of the hop limit.
    pub test: HopTest,
}

extension! {
    /// Match IPv6 packets by their hop limit, how many more routers they may pass.
    ///
    /// Every router takes one off and drops the packet when nothing is left. Most systems send with 64, 128 or 255.
    match "hl" => Hl {
        families: Families::IPV6,
        require: Require::ExactlyOne,
    } params {
        /// The hop limit is exactly this number.
        [!] "hl-eq" | "hl": u8 {
            set: |m, hops, not| m.test = HopTest::equal(hops, not),
            get: |m| match m.test {
                HopTest::Equal(hops) => Some((hops, false)),
                HopTest::NotEqual(hops) => Some((hops, true)),
                _ => None,
            },
            excludes: &["hl-lt", "hl-gt"],
            sees: Some(sight::hops),
        }
        /// The hop limit is less than this number.
        "hl-lt": u8 {
            set: |m, hops, _| m.test = HopTest::Below(hops),
            get: |m| match m.test { HopTest::Below(hops) => Some((hops, false)), _ => None },
            excludes: &["hl-eq", "hl-gt"],
            sees: Some(sight::hops),
        }
        /// The hop limit is greater than this number.
        "hl-gt": u8 {
            set: |m, hops, _| m.test = HopTest::Above(hops),
            get: |m| match m.test { HopTest::Above(hops) => Some((hops, false)), _ => None },
            excludes: &["hl-eq", "hl-lt"],
            sees: Some(sight::hops),
        }
    }
}

// `struct ip6t_hl_info`
impl Extension for Hl {
    fn matches(&self, packet: &Packet<'_>, _: &mut Context<'_>) -> Outcome {
        self.test.holds(packet.hops()).into()
    }

    const REVISIONS: &'static [Revision<Self>] = &[Revision {
        number: 0,
        size: HopTest::SIZE,
        families: Families::IPV6,
        encode: |m, w| {
            m.test.encode(w);
            Ok(())
        },
        decode: |r, _| Ok(Some(Self { test: HopTest::decode(r)? })),
    }];

    fn list(&self, out: &mut Lister<'_>) {
        out.add(format_args!(" HL match HL {}", self.test));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Family;
    use crate::registry::testing::{decodes, layout, text_cases};

    #[test]
    fn saved_forms() {
        text_cases! { Hl, Ipv6:
            "--hl-eq 0" => same, "! --hl-eq 255" => same, "--hl 5" => "--hl-eq 5", "! --hl 0x10" => "! --hl-eq 16",
            "--hl-lt 5" => same, "--hl-lt 0" => same, "--hl-gt 255" => same,
            "! --hl-lt 5" => fails, "! --hl-gt 5" => fails, "--hl-eq 256" => fails, "--hl-gt" => fails,
            "--hl-lt 5 --hl-gt 3" => fails, "--hl-eq 1 --hl-eq 1" => fails, "--hl-eq -1" => fails, "" => fails,
        }
    }

    #[test]
    fn the_layout_is_struct_ip6t_hl_info() {
        for (text, mode) in [("--hl-eq 5", 0), ("! --hl-eq 5", 1), ("--hl-lt 5", 2), ("--hl-gt 5", 3)] {
            assert_eq!(layout::<Hl>(Family::Ipv6, 0, text), Some(vec![mode, 5, 0, 0, 0, 0, 0, 0]));
        }
        assert!(!decodes::<Hl>(Family::Ipv6, 0, &[4, 5]));
    }
}
