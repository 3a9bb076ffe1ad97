//! `-j SNAT`: changes the source of connections.
use crate::domain::{Endpoints, NatFlags, NatRange};
use crate::extension;
use crate::model::{Families, Hooks, Tables};
use crate::packet::Packet;
use crate::registry::{Action, Context, Extension, Flag, Lister, Revision, Translation, ValueError};

/// The `SNAT` target.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snat {
    /// The new source.
    pub range: NatRange,
}

extension! {
    /// Change the source address, and perhaps port, of a connection.
    ///
    /// It is how hosts with private addresses share a public one that does not change; where it can change use
    /// MASQUERADE. Only the first packet of a connection passes table nat; the later ones are treated like it, and
    /// answers find their way back. A source port is kept if it is free.
    target "SNAT" => Snat {
        tables: Tables::NAT,
        hooks: Hooks::POSTROUTING.union(Hooks::INPUT),
    } params {
        /// The new source: an address or the first and last of several, with `:` and one or several ports behind
        /// it to choose the port from. `:FIRST-LAST` alone only limits the port.
        ///
        /// Ports need `-p` with tcp, udp, sctp, dccp or icmp before them. Without them a port below 512 stays below
        /// 512, one below 1024 below 1024, and others stay above.
        "to-source": Endpoints {
            set: |m, to, _| {
                m.range.to = to;
                match m.range.to.ports.and_then(|ports| ports.base) {
                    Some(_) => Err(ValueError::Because("only DNAT can shift a range of ports")),
                    None => Ok(()),
                }
            },
            get: |m| (m.range.to != Endpoints::default()).then(|| (m.range.to.clone(), false)),
            required: true,
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
        /// Give a client the same of several addresses for all its connections.
        "persistent": Flag {
            set: |m, _, _| m.range.flags |= NatFlags::PERSISTENT,
            get: |m| m.range.flag(NatFlags::PERSISTENT),
        }
    }
}

impl Extension for Snat {
    fn act(&self, _: &Packet<'_>, _: &mut Context<'_>) -> Action {
        Action::Translate(Translation { source: true, range: self.range.clone() })
    }

    const REVISIONS: &'static [Revision<Self>] = &[
        NatRange::read_only(NatRange::range2(2, Families::all())),
        NatRange::range(1, Families::IPV6),
        NatRange::read_only(NatRange::range(1, Families::IPV4)),
        NatRange::multi_range(0),
    ];

    fn list(&self, out: &mut Lister<'_>) {
        out.each(self, |out, name, _, text| match name {
            "to-source" => out.add(format_args!(" to:{text}")),
            flag => out.add(format_args!(" {flag}")),
        });
    }
}

impl From<NatRange> for Snat {
    fn from(range: NatRange) -> Self {
        Self { range }
    }
}

impl AsRef<NatRange> for Snat {
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
        text_cases! { Snat, Ipv4:
            "--to-source 1.1.1.1-1.1.1.10" => same, "--to-source 1.1.1.1 --random-fully" => same,
            "--to-source 1.1.1.1 --persistent --random-fully --random" =>
                "--to-source 1.1.1.1 --random --random-fully --persistent",
            "-p 6 --to-source 1.1.1.1:1-2" => "--to-source 1.1.1.1:1-2", "-p 6 --to-source :1-2" => "--to-source :1-2",
            "-p 6 --to-source 1.1.1.1:1-2/5" => fails, "--to-source 1.1.1.1:1025-65535" => fails,
            "--to-source 1.1.1.1 --to-source 2.2.2.2" => fails, "" => fails, "--persistent" => fails,
        }
        text_cases! { Snat, Ipv6:
            "--to-source dead::beef --random --persistent" => same,
            "-p 6 --to-source [dead::beef-dead::fee7]:1025-65535" => "--to-source [dead::beef-dead::fee7]:1025-65535",
            "-p 6 --to-source [dead::beef]:1-2/5" => fails, "--to-source 1.1.1.1" => fails,
        }
    }
}
