//! `-j TPROXY`: hands the packet to a local socket without changing it.
use crate::domain::{HostAddress, MarkChange, Port};
use crate::extension;
use crate::model::{Families, Family, Hooks, Tables, protocol};
use crate::packet::{Missing, Packet};
use crate::registry::{Action, Context, Edit, Extension, Lister, Revision, RuleScope, ValueError};
use nfnetlink::wire::EncodeError;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The `TPROXY` target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tproxy {
    /// The port of the local socket; 0 for the packet's own destination port.
    pub port: Port,
    /// The address of the local socket; unspecified for that of the interface the packet came in by.
    pub address: IpAddr,
    /// What becomes of the packet's mark.
    pub mark: MarkChange,
}

impl Default for Tproxy {
    fn default() -> Self {
        Self { port: Port(0), address: Ipv4Addr::UNSPECIFIED.into(), mark: MarkChange::default() }
    }
}

extension! {
    /// Hand the packet to a socket on this host although it is for another one, without changing the packet.
    ///
    /// It is for transparent proxies: the socket, which must have the option `IP_TRANSPARENT`, sees the original
    /// destination. Mark the packet, and route packets with the mark to this host (`ip rule add fwmark 1 lookup 100`,
    /// `ip route add local 0.0.0.0/0 dev lo table 100`).
    target "TPROXY" => Tproxy {
        tables: Tables::MANGLE,
        hooks: Hooks::PREROUTING,
        protocols: &[protocol::TCP, protocol::UDP],
    } params {
        /// The port on which the proxy listens; 0 for the packet's own destination port.
        "on-port": Port { set: |m, port, _| m.port = port, get: |m| Some((m.port, false)), required: true }
        /// The address on which the proxy listens; that of the incoming interface if it is not given.
        "on-ip": HostAddress {
            set: |m, HostAddress(address), _| m.address = address,
            get: |m| Some((HostAddress(m.address), false)),
        }
        /// Change the packet's mark: clear the bits of the mask, then flip those of the value.
        "tproxy-mark": MarkChange { set: |m, mark, _| m.mark = mark, get: |m| Some((m.mark, false)) }
    }
}

impl Extension for Tproxy {
    fn act(&self, packet: &Packet<'_>, context: &mut Context<'_>) -> Action {
        if packet.transport::<8>(0) == Err(Missing::Truncated) {
            return Action::Drop;
        }
        match context.environment.proxy(self, packet) {
            Some(socket) if socket.transparent => {
                context.edit(Edit::Mark(packet.meta.mark & !self.mark.mask ^ self.mark.value));
                Action::Accept
            }
            _ => Action::Drop,
        }
    }

    // `struct xt_tproxy_target_info_v1` and `struct xt_tproxy_target_info` in linux/netfilter/xt_TPROXY.h.
    const REVISIONS: &'static [Revision<Self>] = &[
        Revision {
            number: 1,
            size: 28,
            families: Families::all(),
            encode: |m, w| {
                w.ne_u32(m.mark.mask);
                w.ne_u32(m.mark.value);
                w.inet_addr(m.address);
                w.be_u16(m.port.0);
                w.zeros(2);
                Ok(())
            },
            decode: |r, family| {
                let (mask, value) = (r.ne_u32("mark_mask")?, r.ne_u32("mark_value")?);
                let (address, port) = (r.inet_addr(family, "laddr")?, Port(r.be_u16("lport")?));
                r.take(2, "padding")?;
                Ok(Some(Self { port, address, mark: MarkChange { value, mask } }))
            },
        },
        Revision {
            number: 0,
            size: 16,
            families: Families::IPV4,
            encode: |m, w| {
                let IpAddr::V4(address) = m.address else {
                    return Err(EncodeError::NotRepresentable("an IPv6 address"));
                };
                w.ne_u32(m.mark.mask);
                w.ne_u32(m.mark.value);
                w.bytes(&address.octets());
                w.be_u16(m.port.0);
                w.zeros(2);
                Ok(())
            },
            decode: |r, _| {
                let (mask, value) = (r.ne_u32("mark_mask")?, r.ne_u32("mark_value")?);
                let (address, port) = (r.array::<4>("laddr")?, Port(r.be_u16("lport")?));
                r.take(2, "padding")?;
                Ok(Some(Self { port, address: address.into(), mark: MarkChange { value, mask } }))
            },
        },
    ];

    fn check(&mut self, rule: &RuleScope<'_>) -> Result<(), ValueError> {
        if rule.family == Family::Ipv6 && self.address.is_ipv4() {
            self.address = Ipv6Addr::UNSPECIFIED.into();
        }
        Ok(())
    }

    fn list(&self, out: &mut Lister<'_>) {
        out.add(format_args!(" TPROXY redirect {}:{}", self.address, self.port.0));
        out.add(format_args!(" mark {:#x}/{:#x}", self.mark.value, self.mark.mask));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::testing::{encoded, text_cases};

    #[test]
    fn saved_forms() {
        text_cases! { Tproxy, Ipv4:
            "-p 6 --on-port 80" => "--on-port 80 --on-ip 0.0.0.0 --tproxy-mark 0x0/0x0",
            "-p 6 --tproxy-mark 1 --on-ip 1.2.3.4 --on-port http" => "--on-port 80 --on-ip 1.2.3.4 --tproxy-mark 0x1/0xffffffff",
            "-p 17 --on-port 12345 --on-ip 10.0.0.1 --tproxy-mark 0x23/0xff" =>
                "--on-port 12345 --on-ip 10.0.0.1 --tproxy-mark 0x23/0xff",
            "-p 17 --on-port domain" => "--on-port 53 --on-ip 0.0.0.0 --tproxy-mark 0x0/0x0",
            "--on-port 12345" => fails, "-p 1 --on-port 1" => fails, "-p 6 --on-ip 1.2.3.4" => fails,
            "-p 6 --on-port 1 --on-ip 10.1" => "--on-port 1 --on-ip 10.0.0.1 --tproxy-mark 0x0/0x0",
            "-p 6 --on-port 0x50" => fails, "-p 6 --on-port 1 --on-ip 10.0.0.0/8" => fails, "-p 6" => fails,
        }
        text_cases! { Tproxy, Ipv6:
            "-p 6 --on-port 80" => "--on-port 80 --on-ip :: --tproxy-mark 0x0/0x0",
            "-p 17 --on-port 12345 --on-ip 2001:db8::1 --tproxy-mark 0x23/0xff" =>
                "--on-port 12345 --on-ip 2001:db8::1 --tproxy-mark 0x23/0xff",
            "-p 6 --on-port 80 --on-ip 1.2.3.4" => fails,
        }
    }

    #[test]
    fn layout_of_revision_0() {
        let info =
            [&0xff_u32.to_ne_bytes()[..], &0x23_u32.to_ne_bytes(), &[10, 0, 0, 1, 0, 80, 0, 0]].concat();
        let text = "-p 6 --on-port 80 --on-ip 10.0.0.1 --tproxy-mark 0x23/0xff";
        assert_eq!(encoded::<Tproxy>(Family::Ipv4, text, 0), Some(info));
    }
}
