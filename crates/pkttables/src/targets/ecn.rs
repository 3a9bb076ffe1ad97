//! `-j ECN`: changes the bits of explicit congestion notification.
use crate::model::{Families, Tables, protocol};
use crate::packet::Packet;
use crate::registry::{
    Action, Context, Edit, Extension, Flag, Lister, Require, Revision, RuleScope, ValueError,
};
use crate::{extension, integer};
use nfnetlink::wire::Problem;

/// The `ECN` target.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ecn {
    /// What the ECE bit of the TCP header becomes.
    pub ece: Option<Bit>,
    /// What the CWR bit of the TCP header becomes.
    pub cwr: Option<Bit>,
    /// What the codepoint in the IP header becomes.
    pub ect: Option<Codepoint>,
}

integer! {
    /// A bit.
    pub struct Bit(u8): 0..=1, "";
    /// A codepoint of explicit congestion notification.
    pub struct Codepoint(u8): 0..=3, "";
}

extension! {
    /// Change the bits by which routers and ends tell each other about congestion without dropping packets.
    ///
    /// Its use is `--ecn-tcp-remove` towards hosts or networks that drop packets with these bits. The other options
    /// are for experiments.
    target "ECN" => Ecn {
        families: Families::IPV4,
        tables: Tables::MANGLE,
        require: Require::AtLeastOne,
    } params {
        /// Clear both bits of the TCP header, so that the ends do not agree on using them. Needs `-p tcp`.
        "ecn-tcp-remove": Flag {
            set: |m, _, _| *m = Ecn::REMOVE,
            get: |m| (*m == Ecn::REMOVE).then_some((Flag, false)),
            excludes: &["ecn-tcp-cwr", "ecn-tcp-ece"],
        }
        /// Set the bit that tells of congestion to this. Needs `-p tcp`.
        "ecn-tcp-ece": Bit {
            set: |m, bit, _| m.ece = Some(bit),
            get: |m| m.ece.filter(|_| *m != Ecn::REMOVE).map(|bit| (bit, false)),
            excludes: &["ecn-tcp-remove"],
        }
        /// Set the bit that confirms that sending was slowed down to this. Needs `-p tcp`.
        "ecn-tcp-cwr": Bit {
            set: |m, bit, _| m.cwr = Some(bit),
            get: |m| m.cwr.filter(|_| *m != Ecn::REMOVE).map(|bit| (bit, false)),
            excludes: &["ecn-tcp-remove"],
        }
        /// Set the codepoint in the IP header to this: 0 for not capable, 1 and 2 for capable, 3 for congestion.
        "ecn-ip-ect": Codepoint { set: |m, ect, _| m.ect = Some(ect), get: |m| m.ect.map(|ect| (ect, false)) }
    }
}

/// `IPT_ECN_OP_*`
const SET_IP: u8 = 0x01;
const SET_ECE: u8 = 0x10;
const SET_CWR: u8 = 0x20;
/// The two bits of the structure's bit field.
const ECE: u8 = if cfg!(target_endian = "little") { 0x01 } else { 0x80 };
const CWR: u8 = if cfg!(target_endian = "little") { 0x02 } else { 0x40 };

impl Ecn {
    const REMOVE: Self = Self { ece: Some(Bit(0)), cwr: Some(Bit(0)), ect: None };
}

impl Extension for Ecn {
    fn act(&self, packet: &Packet<'_>, context: &mut Context<'_>) -> Action {
        if let Some(ect) = self.ect {
            context.edit(Edit::Tos(packet.tos() & !3 | ect.0));
        }
        if (self.ece.is_some() || self.cwr.is_some()) && packet.is(protocol::TCP) {
            if packet.data.array::<20>(packet.layout.transport).is_none() {
                return Action::Drop;
            }
            let bit = |bit: Option<Bit>, flag: u8| {
                bit.map_or((0, 0), |bit| (flag, if bit.0 != 0 { flag } else { 0 }))
            };
            let (ece, cwr) = (bit(self.ece, 0x40), bit(self.cwr, 0x80));
            context.edit(Edit::TcpFlags(ece.0 | cwr.0, ece.1 | cwr.1));
        }
        Action::Continue
    }

    // `struct ipt_ECN_info` in linux/netfilter_ipv4/ipt_ECN.h.
    const REVISIONS: &'static [Revision<Self>] = &[Revision {
        number: 0,
        size: 3,
        families: Families::IPV4,
        encode: |m, w| {
            let operation =
                [(m.ect.is_some(), SET_IP), (m.ece.is_some(), SET_ECE), (m.cwr.is_some(), SET_CWR)];
            let bits = [(m.ece == Some(Bit(1)), ECE), (m.cwr == Some(Bit(1)), CWR)];
            let sum =
                |bits: &[(bool, u8)]| bits.iter().filter(|(set, _)| *set).fold(0, |sum, (_, bit)| sum | bit);
            w.bytes(&[sum(&operation), m.ect.map_or(0, |ect| ect.0), sum(&bits)]);
            Ok(())
        },
        decode: |r, _| {
            let (operation, ect, bits) = (r.u8("operation")?, r.u8("ip_ect")?, r.u8("tcp")?);
            if operation & !(SET_IP | SET_ECE | SET_CWR) != 0 || ect > 3 {
                return Err(r.error("operation", Problem::Value(operation.into())));
            }
            let bit = |set, bit| (operation & set != 0).then_some(Bit(u8::from(bits & bit != 0)));
            let ect = (operation & SET_IP != 0).then_some(Codepoint(ect));
            Ok(Some(Self { ece: bit(SET_ECE, ECE), cwr: bit(SET_CWR, CWR), ect }))
        },
    }];

    fn check(&mut self, rule: &RuleScope<'_>) -> Result<(), ValueError> {
        let is_tcp = rule.header.protocol.is_some_and(|named| !named.not && named.value == protocol::TCP);
        match (self.ece.or(self.cwr), is_tcp) {
            (Some(_), false) => {
                Err(ValueError::Because("the bits of the TCP header need `-p tcp`").by_kernel())
            }
            _ => Ok(()),
        }
    }

    fn list(&self, out: &mut Lister<'_>) {
        out.add(" ECN");
        out.each(self, |out, name, _, text| match name {
            "ecn-tcp-remove" => out.add(" TCP remove"),
            "ecn-tcp-ece" => out.add(format_args!(" ECE={text}")),
            "ecn-tcp-cwr" => out.add(format_args!(" CWR={text}")),
            _ => out.add(format_args!(" ECT codepoint={text}")),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Family;
    use crate::registry::testing::{encoded, text_cases};

    #[test]
    fn saved_forms() {
        text_cases! { Ecn, Ipv4:
            "-p 6 --ecn-tcp-remove" => "--ecn-tcp-remove", "-p 6 --ecn-tcp-cwr 0" => "--ecn-tcp-cwr 0",
            "-p 6 --ecn-tcp-cwr 1 --ecn-tcp-ece 0" => "--ecn-tcp-ece 0 --ecn-tcp-cwr 1",
            "-p 6 --ecn-tcp-cwr 0 --ecn-tcp-ece 0" => "--ecn-tcp-remove", "--ecn-ip-ect 3" => same,
            "-p 6 --ecn-ip-ect 1 --ecn-tcp-remove" => "--ecn-tcp-remove",
            "-p 6 --ecn-tcp-remove --ecn-ip-ect 1" => "--ecn-tcp-ece 0 --ecn-tcp-cwr 0 --ecn-ip-ect 1",
            "--ecn-tcp-remove" => fails, "! -p 6 --ecn-tcp-cwr 1" => fails, "--ecn-ip-ect 4" => fails,
            "-p 6 --ecn-tcp-remove --ecn-tcp-cwr 1" => fails, "-p 6 --ecn-tcp-cwr 2" => fails, "" => fails,
        }
    }

    #[test]
    fn layout() {
        let text = "-p 6 --ecn-tcp-cwr 1 --ecn-tcp-ece 0 --ecn-ip-ect 2";
        assert_eq!(encoded::<Ecn>(Family::Ipv4, text, 0), Some(vec![0x31, 2, CWR, 0, 0, 0, 0, 0]));
    }
}
