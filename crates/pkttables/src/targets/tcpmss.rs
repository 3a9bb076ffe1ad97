//! `-j TCPMSS`: changes the maximum segment size that a TCP connection is opened with.
use crate::domain::parse_bounded;
use crate::extension;
use crate::model::{Families, Family, Hooks, protocol};
use crate::packet::{Missing, Packet};
use crate::registry::{
    Action, Context, Domain, Edit, Extension, Flag, Lister, Require, Revision, Scope, Value, ValueError,
};
use std::fmt::Write as _;

/// The `TCPMSS` target.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tcpmss {
    /// The new maximum segment size.
    pub mss: NewMss,
}

/// The maximum segment size that `TCPMSS` writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NewMss {
    /// This many bytes, but never more than the sender asked for.
    Bytes(u16),
    /// What fits the smallest MTU that is known of the path, or less if the sender asked for less.
    ClampToPathMtu,
}

/// A maximum segment size in bytes, which leaves room for the IP header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentSize(pub u16);

/// Stands for [`NewMss::ClampToPathMtu`] in the kernel's structure (`XT_TCPMSS_CLAMP_PMTU`).
const CLAMP: u16 = 0xffff;

impl Default for NewMss {
    fn default() -> Self {
        Self::Bytes(0)
    }
}

extension! {
    /// Lower the maximum segment size that the two ends of a TCP connection agree on.
    ///
    /// It helps where a network on the way carries only smaller packets (as DSL and tunnels do) and drops the ICMP
    /// messages that would tell the ends so, which shows as connections that open and then hang. It only makes sense
    /// on packets that open a connection: put `-p tcp --tcp-flags SYN,RST SYN` before it.
    target "TCPMSS" => Tcpmss {
        protocols: &[protocol::TCP],
        require: Require::AtLeastOne,
    } params {
        /// Lower the maximum segment size to this number of bytes; it is never raised.
        ///
        /// The largest is 65535 less the length of an IP header: 65515 for IPv4, 65495 for IPv6.
        "set-mss": SegmentSize {
            set: |m, SegmentSize(bytes), _| m.mss = NewMss::Bytes(bytes),
            get: |m| match m.mss { NewMss::Bytes(bytes) => Some((SegmentSize(bytes), false)), _ => None },
        }
        /// Lower the maximum segment size to what fits the path's MTU, as far as it is known: the MTU less 40 bytes
        /// for IPv4, less 60 for IPv6.
        ///
        /// Only possible in FORWARD, OUTPUT and POSTROUTING, where the route is known.
        "clamp-mss-to-pmtu": Flag {
            set: |m, _, _| m.mss = NewMss::ClampToPathMtu,
            get: |m| (m.mss == NewMss::ClampToPathMtu).then_some((Flag, false)),
            hooks: Hooks::FORWARD.union(Hooks::OUTPUT).union(Hooks::POSTROUTING),
        }
    }
}

impl Extension for Tcpmss {
    fn act(&self, packet: &Packet<'_>, context: &mut Context<'_>) -> Action {
        match packet.transport::<20>(0) {
            Err(Missing::LaterFragment(_)) => return Action::Continue,
            Err(Missing::Truncated) => return Action::Drop,
            Ok([.., offset, _, _, _, _, _, _, _]) => {
                let header = usize::from(offset >> 4) * 4;
                if header < 20 || packet.data.len() - packet.layout.transport < header {
                    return Action::Drop;
                }
            }
        }
        let size = match self.mss {
            NewMss::Bytes(size) => size,
            NewMss::ClampToPathMtu => {
                let headers = match packet.family() {
                    Family::Ipv4 => 40,
                    Family::Ipv6 => 60,
                };
                let mut mtu =
                    |to| context.environment.route(to, packet.meta.mark).map_or(u32::MAX, |route| route.mtu);
                let mtu = mtu(packet.layout.destination).min(mtu(packet.layout.source));
                match mtu.checked_sub(headers).filter(|size| *size > 0) {
                    Some(size) => u16::try_from(size).unwrap_or(u16::MAX),
                    None => return Action::Drop,
                }
            }
        };
        context.edit(Edit::SegmentSize(size));
        Action::Continue
    }

    // `struct xt_tcpmss_info` in linux/netfilter/xt_TCPMSS.h.
    const REVISIONS: &'static [Revision<Self>] = &[Revision {
        number: 0,
        size: 2,
        families: Families::all(),
        encode: |m, w| {
            w.ne_u16(match m.mss {
                NewMss::Bytes(bytes) => bytes,
                NewMss::ClampToPathMtu => CLAMP,
            });
            Ok(())
        },
        decode: |r, _| {
            let mss = match r.ne_u16("mss")? {
                CLAMP => NewMss::ClampToPathMtu,
                bytes => NewMss::Bytes(bytes),
            };
            Ok(Some(Self { mss }))
        },
    }];

    fn list(&self, out: &mut Lister<'_>) {
        match self.mss {
            NewMss::Bytes(bytes) => out.add(format_args!(" TCPMSS set {bytes}")),
            NewMss::ClampToPathMtu => out.add(" TCPMSS clamp to PMTU"),
        }
    }
}

impl Value for SegmentSize {
    const DOMAIN: Domain = Domain::PerFamily {
        ipv4: &Domain::Integer { min: 0, max: 65515, unit: "bytes" },
        ipv6: &Domain::Integer { min: 0, max: 65495, unit: "bytes" },
    };

    fn parse(text: &str, scope: &Scope) -> Result<Self, ValueError> {
        let max = match scope.family {
            Family::Ipv4 => 65515,
            Family::Ipv6 => 65495,
        };
        u16::try_from(parse_bounded(text, 0, max)?).map(Self).map_err(|_| ValueError::Form)
    }

    fn write(&self, out: &mut String, _: &Scope) {
        let _ = write!(out, "{}", self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::testing::text_cases;

    #[test]
    fn saved_forms() {
        text_cases! { Tcpmss, Ipv4:
            "-p 6 --set-mss 42" => "--set-mss 42", "-p 6 --set-mss 0" => "--set-mss 0",
            "-p 6 --set-mss 65515" => "--set-mss 65515", "-p 6 --clamp-mss-to-pmtu" => "--clamp-mss-to-pmtu",
            "-p 6 --set-mss 10 --clamp-mss-to-pmtu" => "--clamp-mss-to-pmtu",
            "-p 6 --clamp-mss-to-pmtu --set-mss 10" => "--set-mss 10",
            "-p 6 --set-mss 65516" => fails, "-p 6" => fails, "-p 17 --set-mss 1" => fails, "--set-mss 1" => fails,
            "! -p 6 --set-mss 1" => fails,
        }
        text_cases! { Tcpmss, Ipv6:
            "-p 6 --set-mss 65495" => "--set-mss 65495", "-p 6 --set-mss 65496" => fails,
        }
    }
}
