//! `-m pkttype`: asks whom the frame was addressed to.

use crate::model::Families;
use crate::packet::{Packet, PacketKind};
use crate::registry::{
    Context, Domain, Extension, Lister, Outcome, Revision, Scope, Value, ValueError, bang, sight,
};
use crate::{choices, extension};
use nfnetlink::wire::Problem;

/// The `pkttype` match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pkttype {
    /// Whom the frame was addressed to.
    pub receiver: Receiver,
    /// Whether every other receiver is meant instead.
    pub not: bool,
}

choices! {
    /// Whom a frame was addressed to on its link (`PACKET_*` of `linux/if_packet.h`).
    pub enum Receiver: u32 {
        /// To this machine alone.
        Unicast = 0 => "unicast" | "host",
        /// To all machines on the link.
        Broadcast = 1 => "broadcast" | "bcast",
        /// To a group of machines.
        Multicast = 2 => "multicast" | "mcast",
        /// To another machine; such frames come only while a device is in promiscuous mode.
        Otherhost = 3 => "otherhost",
    }
}

/// A [`Receiver`], written in letters of either case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct AnyCase(Receiver);

extension! {
    /// Match packets by whom their frame was addressed to on the link.
    ///
    /// This is about the frame's address, not that of the IP packet in it. A broadcast or multicast of this
    /// machine that comes back to itself counts as multicast if its IP address is one, else as broadcast.
    match "pkttype" => Pkttype {} params {
        /// The frame was addressed to this machine, to all, to a group or to another machine.
        [!] "pkt-type": AnyCase {
            set: |m, receiver, not| *m = Pkttype { receiver: receiver.0, not },
            get: |m| Some((AnyCase(m.receiver), m.not)),
            required: true,
            sees: Some(sight::kind),
        }
    }
}

impl Default for Pkttype {
    fn default() -> Self {
        Self { receiver: Receiver::Unicast, not: false }
    }
}

impl Extension for Pkttype {
    fn matches(&self, packet: &Packet<'_>, _: &mut Context<'_>) -> Outcome {
        let receiver = match packet.meta.kind {
            PacketKind::Host => Some(Receiver::Unicast),
            PacketKind::Broadcast => Some(Receiver::Broadcast),
            PacketKind::Multicast => Some(Receiver::Multicast),
            PacketKind::Other => Some(Receiver::Otherhost),
            PacketKind::Outgoing => None,
        };
        ((receiver == Some(self.receiver)) != self.not).into()
    }

    const REVISIONS: &'static [Revision<Self>] = &[Revision {
        number: 0,
        size: 8,
        families: Families::all(),
        encode: |m, w| {
            w.ne_u32(m.receiver.number());
            w.ne_u32(m.not.into());
            Ok(())
        },
        decode: |r, _| {
            let at = **r;
            let number = r.ne_u32("pkttype")?;
            let receiver = Receiver::from_number(number)
                .ok_or_else(|| at.error("pkttype", Problem::Value(number.into())))?;
            Ok(Some(Self { receiver, not: r.ne_u32("invert")? != 0 }))
        },
    }];

    fn list(&self, out: &mut Lister<'_>) {
        out.each(self, |out, _, not, text| out.add(format_args!(" PKTTYPE {}= {text}", bang(not))));
    }
}

impl Value for AnyCase {
    const DOMAIN: Domain = Domain::Choice(Receiver::CHOICES);

    fn parse(text: &str, _: &Scope) -> Result<Self, ValueError> {
        Receiver::from_name(&text.to_ascii_lowercase()).map(Self).ok_or(ValueError::UnknownName)
    }

    fn write(&self, out: &mut String, scope: &Scope) {
        self.0.write(out, scope);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::testing::{layout_cases, text_cases};

    #[test]
    fn saved_forms() {
        text_cases! { Pkttype, Ipv4:
            "--pkt-type unicast" => same, "--pkt-type broadcast" => same, "! --pkt-type multicast" => same,
            "--pkt-type otherhost" => same, "--pkt-type host" => "--pkt-type unicast",
            "--pkt-type bcast" => "--pkt-type broadcast", "! --pkt-type MCast" => "! --pkt-type multicast",
            "--pkt-type outgoing" => fails, "--pkt-type 1" => fails, "--pkt-type uni" => fails, "" => fails,
        }
        text_cases! { Pkttype, Ipv6: "! --pkt-type unicast" => same }
    }

    #[test]
    fn kernel_structures() {
        layout_cases! { Pkttype, Ipv4: "! --pkt-type broadcast", 0 => "01000000 01" }
    }
}
