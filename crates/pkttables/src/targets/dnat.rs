//! `-j DNAT`: changes the destination of connections.
use crate::domain::{Endpoints, NatFlags, NatRange};
use crate::extension;
use crate::model::{Families, Hooks, Tables};
use crate::packet::Packet;
use crate::registry::{Action, Context, Extension, Flag, Lister, Revision, Translation};

/// The `DNAT` target.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dnat {
    /// The new destination.
    pub range: NatRange,
}

extension! {
    /// Change the destination address, and perhaps port, of a connection.
    ///
    /// It is how a router hands connections to a server behind it. Only the first packet of a connection passes table
    /// nat; the later ones are treated like it, and answers get the original destination as their source. With several
    /// addresses one is chosen per client. Connections must also be let through by FORWARD in table filter, where
    /// they already have their new destination.
    target "DNAT" => Dnat {
        tables: Tables::NAT,
        hooks: Hooks::PREROUTING.union(Hooks::OUTPUT),
    } params {
        /// The new destination: an address or the first and last of several, with `:` and one or several ports
        /// behind it if the port changes too. `:PORT` alone changes only the port.
        ///
        /// Ports need `-p` with tcp, udp, sctp, dccp or icmp before them. `:1000-1009/8000` keeps the order: port
        /// 8000 becomes 1000, 8001 becomes 1001 and so on.
        "to-destination": Endpoints {
            set: |m, to, _| m.range.to = to,
            get: |m| (m.range.to != Endpoints::default()).then(|| (m.range.to.clone(), false)),
            required: true,
        }
        /// Choose the port at random.
        "random": Flag {
            set: |m, _, _| m.range.flags |= NatFlags::RANDOM,
            get: |m| m.range.flag(NatFlags::RANDOM),
        }
        /// Give a client the same of several addresses for all its connections.
        "persistent": Flag {
            set: |m, _, _| m.range.flags |= NatFlags::PERSISTENT,
            get: |m| m.range.flag(NatFlags::PERSISTENT),
        }
    }
}

impl Extension for Dnat {
    fn act(&self, _: &Packet<'_>, _: &mut Context<'_>) -> Action {
        Action::Translate(Translation { source: false, range: self.range.clone() })
    }

    const REVISIONS: &'static [Revision<Self>] = &[
        NatRange::range2(2, Families::all()),
        NatRange::range(1, Families::IPV6),
        NatRange::read_only(NatRange::range(1, Families::IPV4)),
        NatRange::multi_range(0),
    ];

    fn list(&self, out: &mut Lister<'_>) {
        out.each(self, |out, name, _, text| match name {
            "to-destination" => out.add(format_args!(" to:{text}")),
            flag => out.add(format_args!(" {flag}")),
        });
    }
}

impl From<NatRange> for Dnat {
    fn from(range: NatRange) -> Self {
        Self { range }
    }
}

impl AsRef<NatRange> for Dnat {
    fn as_ref(&self) -> &NatRange {
        &self.range
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Family;
    use crate::registry::testing::{decoded, encoded, text_cases};

    #[test]
    fn saved_forms() {
        text_cases! { Dnat, Ipv4:
            "--to-destination 1.1.1.1" => same, "--to-destination 1.1.1.1-1.1.1.10" => same,
            "--to-destination 1.1.1.10-1.1.1.1" => same, "--to-destination 1.1.1.1-1.1.1.1" => "--to-destination 1.1.1.1",
            "-p 6 --to-destination :80" => "--to-destination :80",
            "-p 6 --to-destination 1.1.1.1:80" => "--to-destination 1.1.1.1:80",
            "-p 17 --to-destination 1.1.1.1:0x50" => "--to-destination 1.1.1.1:80",
            "-p 1 --to-destination 1.1.1.1:80" => "--to-destination 1.1.1.1:80",
            "-p 132 --to-destination 1.1.1.1-1.1.1.5:80-90" => "--to-destination 1.1.1.1-1.1.1.5:80-90",
            "-p 33 --to-destination 1.1.1.1:80-80" => "--to-destination 1.1.1.1:80",
            "! -p 6 --to-destination 1.1.1.1:80" => "--to-destination 1.1.1.1:80",
            "-p 6 --to-destination 1.1.1.1:1000-2000/65535" => "--to-destination 1.1.1.1:1000-2000/65535",
            "-p 6 --to-destination 1.1.1.1:ssh" => "--to-destination 1.1.1.1:22",
            "-p 6 --to-destination 1.1.1.1:80-90/http" => "--to-destination 1.1.1.1:80-90/80",
            "--to-destination 1.1.1.1 --persistent --random" => "--to-destination 1.1.1.1 --random --persistent",
            "--to-destination 1.1.1.1:80" => fails, "-p 136 --to-destination 1.1.1.1:80" => fails,
            "-p 47 --to-destination 1.1.1.1:80" => fails, "-p 6 --to-destination 1.1.1.1:90-80" => fails,
            "-p 6 --to-destination 1.1.1.1:65536" => fails, "-p 6 --to-destination 1.1.1.1:80/8000" => fails,
            "-p 6 --to-destination 1.1.1.1:80-90/0" => fails, "-p 6 --to-destination 1.1.1.1:http-90" => fails,
            "-p 6 --to-destination 1.1.1.1:" => fails, "-p 6 --to-destination 1.1.1.1:80:90" => fails,
            "-p 6 --to-destination 1.1.1.1:80-" => fails, "-p 6 --to-destination 1.1.1.1:-" => fails,
            "--to-destination 1.1.1" => fails, "--to-destination 1.1.1.01" => fails, "--to-destination 1.1.1.1-" => fails,
            "-p 6 --to-destination [1.1.1.1]:80" => fails, "--to-destination ::1" => fails, "--random" => fails,
            "--to-destination 1.1.1.1 --random-fully" => fails, "" => fails,
            "--to-destination 1.1.1.1 --to-destination 2.2.2.2" => fails,
        }
        text_cases! { Dnat, Ipv6:
            "--to-destination dead::beef" => same, "--to-destination [dead::beef]" => "--to-destination dead::beef",
            "--to-destination dead::beef-dead::fee7" => same,
            "--to-destination [dead::beef-dead::fee7]" => "--to-destination dead::beef-dead::fee7",
            "-p 6 --to-destination [dead::beef-dead::fee7]:1-2/3" => "--to-destination [dead::beef-dead::fee7]:1-2/3",
            "-p 6 --to-destination dead::beef:80" => "--to-destination dead::beef:80",
            "-p 6 --to-destination []:80" => "--to-destination :80", "-p 6 --to-destination :80" => "--to-destination :80",
            "--to-destination ::ffff:1.2.3.4" => same, "--to-destination ::" => same,
            "-p 6 --to-destination [dead::beef]:" => fails, "--to-destination [dead::beef" => fails,
            "-p 58 --to-destination [dead::beef]:80" => fails, "--to-destination 1.2.3.4" => fails,
            "--to-destination abcd" => fails, "--to-destination [dead::beef]-[dead::fee7]" => fails,
        }
    }

    #[test]
    fn layouts() {
        let text = "-p 6 --to-destination 1.2.3.4:80-81 --random";
        let old = [
            &1_u32.to_ne_bytes()[..],
            &7_u32.to_ne_bytes(),
            &[1, 2, 3, 4, 1, 2, 3, 4, 0, 80, 0, 81],
            &[0; 4],
        ];
        assert_eq!(encoded::<Dnat>(Family::Ipv4, text, 0), Some(old.concat()));
        let address: &[u8] = &[1, 2, 3, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        let new = [&7_u32.to_ne_bytes()[..], address, address, &[0, 80, 0, 81, 0, 0, 0, 0], &[0; 4]].concat();
        assert_eq!(encoded::<Dnat>(Family::Ipv4, text, 2), Some(new.clone()));
        assert_eq!(encoded::<Dnat>(Family::Ipv4, text, 1), None);
        let saved = "--to-destination 1.2.3.4:80-81 --random";
        assert_eq!(decoded::<Dnat>(Family::Ipv4, 1, &new).as_deref(), Some(saved));
        let shifted = "-p 6 --to-destination 1.2.3.4:80-81/8080";
        assert!(encoded::<Dnat>(Family::Ipv4, shifted, 2).is_some());
        assert_eq!(encoded::<Dnat>(Family::Ipv4, shifted, 0), None);
    }
}
