//! `-j REDIRECT`: sends connections to this host.

use crate::domain::{NatFlags, NatPorts, NatRange};
use crate::extension;
use crate::model::{Families, Family, Hook, Hooks, Tables};
use crate::packet::Packet;
use crate::registry::{Action, Context, Extension, Flag, Lister, Revision, Translation, ValueError};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The `REDIRECT` target.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Redirect {
    /// The ports to choose from, and how. It has no addresses.
    pub range: NatRange,
}

extension! {
    /// Send a connection to this host itself: to the address of the interface it came in by.
    ///
    /// Connections made on this host go to 127.0.0.1 or ::1. With `--to-ports` a program on another port can take
    /// the connections over, for instance a proxy.
    target "REDIRECT" => Redirect {
        tables: Tables::NAT,
        hooks: Hooks::PREROUTING.union(Hooks::OUTPUT),
    } params {
        /// Change the destination port too, to this one or to one from the first to the last.
        ///
        /// Needs `-p` with tcp, udp, sctp, dccp or icmp before it.
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
        /// Choose the port at random.
        "random": Flag {
            set: |m, _, _| m.range.flags |= NatFlags::RANDOM,
            get: |m| m.range.flag(NatFlags::RANDOM),
        }
    }
}

impl Extension for Redirect {
    fn act(&self, packet: &Packet<'_>, context: &mut Context<'_>) -> Action {
        let address = match (context.hook, packet.family()) {
            (Hook::Output, Family::Ipv4) => Some(Ipv4Addr::LOCALHOST.into()),
            (Hook::Output, Family::Ipv6) => Some(Ipv6Addr::LOCALHOST.into()),
            _ => {
                let destination = packet.layout.destination;
                let of = |interface| context.environment.interface_address(interface, destination);
                packet.meta.input.and_then(of).filter(|address| stands_for(*address, destination))
            }
        };
        match address {
            Some(address) => {
                Action::Translate(Translation { source: false, range: self.range.with_address(address) })
            }
            None => Action::Drop,
        }
    }

    const REVISIONS: &'static [Revision<Self>] =
        &[NatRange::range(0, Families::IPV6), NatRange::multi_range(0)];

    fn list(&self, out: &mut Lister<'_>) {
        out.each(self, |out, name, _, text| match name {
            "to-ports" => out.add(format_args!(" redir ports {text}")),
            flag => out.add(format_args!(" {flag}")),
        });
    }
}

/// Whether an address of an interface may stand in the place of a destination: in IPv6 what counts within a link or
/// site is changed only to what does as well.
fn stands_for(address: IpAddr, destination: IpAddr) -> bool {
    match (address, destination) {
        (IpAddr::V6(address), IpAddr::V6(destination)) => {
            let wanted = reach(destination);
            wanted == Reach::Everywhere || wanted == reach(address)
        }
        _ => true,
    }
}

/// How far an IPv6 address means the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reach {
    Host,
    Link,
    Site,
    Everywhere,
}

fn reach(address: Ipv6Addr) -> Reach {
    let [first, ..] = address.segments();
    match (first >> 8, first & 0xf, first & 0xffc0) {
        (0xff, 1, _) => Reach::Host,
        (0xff, 2, _) | (_, _, 0xfe80) => Reach::Link,
        (0xff, 5, _) | (_, _, 0xfec0) => Reach::Site,
        _ if address.is_loopback() => Reach::Host,
        _ => Reach::Everywhere,
    }
}

impl From<NatRange> for Redirect {
    fn from(range: NatRange) -> Self {
        Self { range }
    }
}

impl AsRef<NatRange> for Redirect {
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
        text_cases! { Redirect, Ipv4:
            "" => same, "--random" => same, "-p 17 --to-ports 0-0" => "--to-ports 0",
            "-p 6 --to-ports 42-1234 --random" => "--to-ports 42-1234 --random", "-p 6 --to-ports ssh" => "--to-ports 22",
            "-p 6 --to-ports ftp-data" => "--to-ports 20", "-p 1 --to-ports 80" => "--to-ports 80",
            "-p 6 --to-ports ftp-ssh" => fails, "-p 6 --to-ports 10-ssh" => fails, "--to-ports 42" => fails,
            "-p 6 --to-ports 80-90/100" => fails, "-p 6 --to-ports :80" => fails, "-p 6 --to-ports 1:80" => fails,
            "--random-fully" => fails, "--persistent" => fails,
        }
        text_cases! { Redirect, Ipv6: "" => same, "-p 6 --to-ports 80-90" => "--to-ports 80-90" }
    }
}
