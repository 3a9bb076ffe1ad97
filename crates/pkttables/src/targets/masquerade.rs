//! `-j MASQUERADE`: gives connections the address of the interface they leave by.
use crate::domain::{NatFlags, NatPorts, NatRange};
use crate::extension;
use crate::model::{Families, Hooks, Tables};
use crate::packet::Packet;
use crate::registry::{Action, Context, Extension, Flag, Lister, Revision, Translation, ValueError};

/// The `MASQUERADE` target.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Masquerade {
    /// The ports to choose from, and how. It has no addresses.
    pub range: NatRange,
}

extension! {
    /// Change the source address of a connection to that of the interface it leaves by.
    ///
    /// It is SNAT for an address that is not known beforehand, as on a dialled line: when the interface goes down or
    /// loses its address, its connections are forgotten.
    target "MASQUERADE" => Masquerade {
        tables: Tables::NAT,
        hooks: Hooks::POSTROUTING,
    } params {
        /// Choose the source port from these.
        ///
        /// Needs `-p` with tcp, udp, sctp, dccp or icmp before it. Without it a port below 512 stays below 512, one
        /// below 1024 below 1024, and others stay above.
        "to-ports": NatPorts {
            set: |m, ports, _| {
                m.range.to.ports = Some(ports);
                match ports.base {
                    Some(_) => Err(ValueError::Because("only DNAT can shift a range of ports")),
                    None => Ok(()),
                }
            },
            get: |m| m.range.to.ports.map(|ports| (ports, false)),
        }
        /// Choose the port at random, from a hash of the connection.
        "random": Flag {
            set: |m, _, _| m.range.flags |= NatFlags::RANDOM,
            get: |m| m.range.flag(NatFlags::RANDOM),
        }
        /// Choose the port at random, from a random number that cannot be guessed.
        "random-fully": Flag {
            set: |m, _, _| m.range.flags |= NatFlags::RANDOM_FULLY,
            get: |m| m.range.flag(NatFlags::RANDOM_FULLY),
        }
    }
}

impl Extension for Masquerade {
    fn act(&self, packet: &Packet<'_>, context: &mut Context<'_>) -> Action {
        let Some(interface) = packet.meta.output else { return Action::Drop };
        let destination = packet.layout.destination;
        let Some(address) = context.environment.interface_address(interface, destination) else {
            return Action::Drop;
        };
        Action::Translate(Translation { source: true, range: self.range.with_address(address) })
    }

    const REVISIONS: &'static [Revision<Self>] =
        &[NatRange::range(0, Families::IPV6), NatRange::multi_range(0)];

    fn list(&self, out: &mut Lister<'_>) {
        out.each(self, |out, name, _, text| match name {
            "to-ports" => out.add(format_args!(" masq ports: {text}")),
            flag => out.add(format_args!(" {flag}")),
        });
    }
}

impl From<NatRange> for Masquerade {
    fn from(range: NatRange) -> Self {
        Self { range }
    }
}

impl AsRef<NatRange> for Masquerade {
    fn as_ref(&self) -> &NatRange {
        &self.range
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::testing::text_cases;

    #[test]
    fn saved_forms() {
        text_cases! { Masquerade, Ipv4:
            "" => same, "--random" => same, "--random-fully --random" => "--random --random-fully",
            "-p 6 --to-ports 1024" => "--to-ports 1024", "-p 17 --to-ports 1024-65535" => "--to-ports 1024-65535",
            "-p 6 --to-ports 5-5 --random" => "--to-ports 5 --random", "-p 6 --to-ports http" => "--to-ports 80",
            "-p 17 --to-ports 1024-65536" => fails, "-p 17 --to-ports -1" => fails, "-p 6 --to-ports 5-1" => fails,
            "--to-ports 5" => fails, "-p 6 --to-ports 1-2/3" => fails, "--persistent" => fails,
        }
        text_cases! { Masquerade, Ipv6:
            "" => same, "--random-fully" => same, "-p 6 --to-ports 1024-1030" => "--to-ports 1024-1030",
        }
    }
}
