//! `-m ecn`: tests the bits of explicit congestion notification.
use crate::extension;
use crate::model::{Families, Negatable, protocol};
use crate::packet::Packet;
use crate::registry::{
    Context, Extension, Flag, Lister, Outcome, Require, Revision, RuleScope, ValueError, bang, sight,
};
use nfnetlink::wire::Problem;

/// The `ecn` match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ecn {
    /// TCP's ECE bit, which must be set or with `not` clear.
    pub ece: Option<Negatable<()>>,
    /// TCP's CWR bit, which must be set or with `not` clear.
    pub cwr: Option<Negatable<()>>,
    /// The code point in the IP header.
    pub ect: Option<Negatable<CodePoint>>,
}

crate::integer! {
    /// The lowest two bits of the type of service or traffic class.
    pub struct CodePoint(u8): 0..=3, "";
}

const IP: u8 = 0x01;
const ECE: u8 = 0x10;
const CWR: u8 = 0x20;

extension! {
    /// Match packets by what they say of congestion (ECN, RFC 3168).
    ///
    /// Routers mark packets instead of dropping them; receivers tell senders, and these slow down. The tests of TCP
    /// bits need `-p tcp` in the same rule.
    match "ecn" => Ecn {
        require: Require::AtLeastOne,
    } params {
        /// TCP's ECE bit is set: the sender of this packet has seen marked packets, or offers ECN in a SYN.
        [!] "ecn-tcp-ece": Flag {
            set: |m, _, not| m.ece = Some(Negatable { value: (), not }),
            get: |m| m.ece.map(|bit| (Flag, bit.not)),
            sees: Some(sight::tcp_flags),
        }
        /// TCP's CWR bit is set: the sender of this packet has slowed down.
        [!] "ecn-tcp-cwr": Flag {
            set: |m, _, not| m.cwr = Some(Negatable { value: (), not }),
            get: |m| m.cwr.map(|bit| (Flag, bit.not)),
            sees: Some(sight::tcp_flags),
        }
        /// The code point in the IP header is this: 0 without ECN, 1 or 2 with it, 3 congestion met.
        [!] "ecn-ip-ect": CodePoint {
            set: |m, value, not| m.ect = Some(Negatable { value, not }),
            get: |m| m.ect.map(|ect| (ect.value, ect.not)),
            sees: Some(sight::ecn),
        }
    }
}

// `struct xt_ecn_info`
impl Extension for Ecn {
    fn matches(&self, packet: &Packet<'_>, _: &mut Context<'_>) -> Outcome {
        if let Some(ect) = self.ect
            && (packet.tos() & 3 == ect.value.0) == ect.not
        {
            return Outcome::NoMatch;
        }
        if self.ece.is_none() && self.cwr.is_none() {
            return Outcome::Match;
        }
        // The kernel does not ask whether this is a later fragment.
        let Some([.., flags, _, _, _, _, _, _]) = packet.data.array::<20>(packet.layout.transport) else {
            return Outcome::NoMatch;
        };
        let test = |wanted: Option<Negatable<()>>, flag| {
            wanted.is_none_or(|wanted| (flags & flag != 0) != wanted.not)
        };
        (test(self.ece, 0x40) && test(self.cwr, 0x80)).into()
    }

    const REVISIONS: &'static [Revision<Self>] = &[Revision {
        number: 0,
        size: 4,
        families: Families::all(),
        encode: |m, w| {
            let tests = [
                (ECE, m.ece.map(|bit| bit.not)),
                (CWR, m.cwr.map(|bit| bit.not)),
                (IP, m.ect.map(|ect| ect.not)),
            ];
            let (mut operation, mut inverted) = (0, 0);
            for (bit, not) in tests.into_iter().filter_map(|(bit, not)| Some((bit, not?))) {
                operation |= bit;
                inverted |= if not { bit } else { 0 };
            }
            w.bytes(&[operation, inverted, m.ect.map_or(0, |ect| ect.value.0), 0]);
            Ok(())
        },
        decode: |r, _| {
            let (operation, inverted, ect) = (r.u8("operation")?, r.u8("invert")?, r.u8("code point")?);
            if (operation | inverted) & !(IP | ECE | CWR) != 0 || ect > 3 {
                return Err(r.error("operation", Problem::Value(operation.into())));
            }
            r.take(1, "unused")?;
            let not = |bit| inverted & bit != 0;
            let flag = |bit| (operation & bit != 0).then(|| Negatable { value: (), not: not(bit) });
            Ok(Some(Self {
                ece: flag(ECE),
                cwr: flag(CWR),
                ect: (operation & IP != 0).then(|| Negatable { value: CodePoint(ect), not: not(IP) }),
            }))
        },
    }];

    fn check(&mut self, rule: &RuleScope<'_>) -> Result<(), ValueError> {
        let is_tcp = rule.header.protocol == Some(Negatable { value: protocol::TCP, not: false });
        match (self.ece.or(self.cwr), is_tcp) {
            (Some(_), false) => Err(ValueError::Because("the tests of TCP bits need `-p tcp`").by_kernel()),
            _ => Ok(()),
        }
    }

    fn list(&self, out: &mut Lister<'_>) {
        out.add(" ECN match");
        out.each(self, |out, name, not, text| match name {
            "ecn-tcp-ece" => out.add(format_args!(" {}ECE", bang(not))),
            "ecn-tcp-cwr" => out.add(format_args!(" {}CWR", bang(not))),
            _ => out.add(format_args!(" {}ECT={text}", bang(not))),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Family;
    use crate::registry::testing::{decodes, layout, text_cases};

    #[test]
    fn saved_forms() {
        text_cases! { Ecn, Ipv4:
            "-p 6 --ecn-tcp-cwr" => "--ecn-tcp-cwr", "-p 6 ! --ecn-tcp-ece" => "! --ecn-tcp-ece",
            "-p 6 ! --ecn-ip-ect 0 ! --ecn-tcp-cwr ! --ecn-tcp-ece" => "! --ecn-tcp-ece ! --ecn-tcp-cwr ! --ecn-ip-ect 0",
            "-p 17 --ecn-ip-ect 2" => "--ecn-ip-ect 2", "! --ecn-ip-ect 0x3" => "! --ecn-ip-ect 3",
            "--ecn-tcp-cwr" => fails, "-p 17 --ecn-tcp-ece" => fails, "! -p 6 --ecn-tcp-ece" => fails,
            "--ecn-ip-ect 4" => fails, "--ecn-ip-ect" => fails, "-p 6" => fails,
            "-p 6 --ecn-tcp-cwr --ecn-tcp-cwr" => fails,
        }
    }

    #[test]
    fn layout_of_struct_xt_ecn_info() {
        let text = "-p 6 --ecn-tcp-ece ! --ecn-ip-ect 2";
        assert_eq!(layout::<Ecn>(Family::Ipv6, 0, text), Some(vec![0x11, 1, 2, 0, 0, 0, 0, 0]));
        assert!(decodes::<Ecn>(Family::Ipv6, 0, &[0x31, 0x31, 3, 0]));
        assert!(!decodes::<Ecn>(Family::Ipv6, 0, &[0x02, 0, 0, 0]));
        assert!(!decodes::<Ecn>(Family::Ipv6, 0, &[0x01, 0, 4, 0]));
    }
}
