//! `-m udp`: compares ports of a UDP header.
use crate::domain::PortRange;
use crate::extension;
use crate::model::{Families, Negatable, protocol};
use crate::nft::ports;
use crate::packet::Packet;
use crate::registry::{
    Backend, Context, Extension, FromNative, Lister, Native, NativeWriter, Outcome, Recognised, Revision,
    RuleScope, ValueError, sight,
};
use nfnetlink::wire::Problem;

/// The `udp` match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Udp {
    /// The source port; all ports and not negated if it does not matter.
    pub source: Negatable<PortRange>,
    /// The destination port; all ports and not negated if it does not matter.
    pub destination: Negatable<PortRange>,
}

extension! {
    /// Match UDP packets by port.
    ///
    /// Without parameters it matches any UDP packet. The first fragment holds the header; further
    /// fragments of a packet never match.
    match "udp" => Udp {
        protocols: &[protocol::UDP],
        protocol_checked: true,
    } params {
        /// The port that the packet comes from is this one, or in this range.
        ///
        /// `:1023` means all up to 1023, `1024:` all from 1024. A name such as `domain` is looked up in the
        /// system's list of services.
        [!] "sport" | "source-port": PortRange {
            set: |m, value, not| m.source = Negatable { value, not },
            get: |m| m.source.given(),
            sees: Some(sight::source_port),
        }
        /// The port that the packet goes to is this one, or in this range.
        ///
        /// Ranges and names are written as with `--sport`.
        [!] "dport" | "destination-port": PortRange {
            set: |m, value, not| m.destination = Negatable { value, not },
            get: |m| m.destination.given(),
            sees: Some(sight::destination_port),
        }
    }
}

// `struct xt_udp`
impl Extension for Udp {
    fn matches(&self, packet: &Packet<'_>, context: &mut Context<'_>) -> Outcome {
        if context.backend == Backend::Nft && *self != Self::default() {
            return ports::test(self.source, self.destination, packet);
        }
        match packet.transport::<8>(0) {
            Ok([s1, s2, d1, d2, ..]) => {
                let holds = |wanted: Negatable<PortRange>, port| wanted.value.contains(port) != wanted.not;
                let source = holds(self.source, u16::from_be_bytes([s1, s2]));
                (source && holds(self.destination, u16::from_be_bytes([d1, d2]))).into()
            }
            Err(missing) => missing.outcome(),
        }
    }

    fn check(&mut self, _: &RuleScope<'_>) -> Result<(), ValueError> {
        ports::normalise(&mut self.source);
        ports::normalise(&mut self.destination);
        Ok(())
    }

    fn to_native(&self, _: &RuleScope<'_>, out: &mut NativeWriter<'_>) -> bool {
        let native = *self != Self::default();
        if native {
            ports::write(self.source, self.destination, out);
        }
        native
    }

    fn absorb(&mut self, next: &mut Self) -> bool {
        let native = *self != Self::default() && *next != Self::default();
        native && ports::absorb(self.ports(), next.ports())
    }

    const FROM_NATIVE: Option<FromNative<Self>> = Some(|native, rule, previous| {
        let (Native::Condition(condition), true) = (native, rule.header.names_protocol(protocol::UDP)) else {
            return Recognised::No;
        };
        let read = |m: &mut Self| ports::read(condition, m.ports());
        if previous.is_some_and(read) {
            return Recognised::Merged;
        }
        let mut new = Self::default();
        if read(&mut new) { Recognised::New(new) } else { Recognised::No }
    });

    const REVISIONS: &'static [Revision<Self>] = &[Revision {
        number: 0,
        size: 10,
        families: Families::all(),
        encode: |m, w| {
            for ports in [m.source, m.destination] {
                w.ne_u16(ports.value.min());
                w.ne_u16(ports.value.max());
            }
            w.u8(u8::from(m.source.not) | u8::from(m.destination.not) << 1);
            w.zeros(1);
            Ok(())
        },
        decode: |r, _| {
            let (source, destination) = (PortRange::decode(r)?, PortRange::decode(r)?);
            let inverted = r.u8("inverted")?;
            if inverted > 3 {
                return Err(r.error("inverted", Problem::Value(inverted.into())));
            }
            r.take(1, "padding")?;
            Ok(Some(Self {
                source: Negatable { value: source, not: inverted & 1 != 0 },
                destination: Negatable { value: destination, not: inverted & 2 != 0 },
            }))
        },
    }];

    fn list(&self, out: &mut Lister<'_>) {
        out.add(" udp");
        let (source, destination) = (self.source, self.destination);
        out.labelled_ports("spt", source.not, source.value.min(), source.value.max());
        out.labelled_ports("dpt", destination.not, destination.value.min(), destination.value.max());
    }
}

impl Udp {
    const fn ports(&mut self) -> ports::Ports<'_> {
        let Self { source, destination } = self;
        ports::Ports { source, destination }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::testing::text_cases;

    #[test]
    fn saved_forms() {
        text_cases! { Udp, Ipv4:
            "-p 17" => "", "-p 17 --sport 1" => "--sport 1", "-p 17 --source-port 1:2" => "--sport 1:2",
            "-p 17 --dport 4:4 ! --sport 7:" => "! --sport 7:65535 --dport 4",
            "-p 17 --sport :" => "", "-p 17 ! --sport :" => "! --sport 0:65535", "-p 17 --sport 010" => "--sport 10",
            "-p 17 --destination-port :5" => "--dport 0:5", "-p 17 --sport 0" => "--sport 0",
            "-p 17 --dport 4:3" => fails, "-p 17 --dport 65536" => fails, "-p 17 --dport -1" => fails,
            "-p 17 --dport 0x10" => fails, "-p 17 --dport 1:2:3" => fails, "-p 17 --dport nosuchservice" => fails,
            "-p 17 --sport 1 --source-port 2" => fails,
            "" => fails, "--sport 1" => fails, "-p 6 --sport 1" => fails, "-p 136 --sport 1" => fails,
            "! -p 17 --sport 1" => fails,
        }
        text_cases! { Udp, Ipv6: "-p 17 ! --dport 53" => "! --dport 53" }
    }
}
