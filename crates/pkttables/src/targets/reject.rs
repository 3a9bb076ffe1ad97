//! `-j REJECT` of IPv4: drops the packet and tells its sender.
use crate::model::{Families, Hooks, Tables, protocol};
use crate::packet::Packet;
use crate::registry::{Action, Answer, Context, Extension, Lister, Revision, RuleScope, ValueError};
use crate::{choices, extension};
use nfnetlink::wire::Problem;

/// The `REJECT` target of IPv4.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reject {
    /// What the sender is told.
    pub with: RejectWith,
}

choices! {
    /// What the sender of a rejected IPv4 packet is told (`enum ipt_reject_with`).
    pub enum RejectWith: u32, abbreviated {
        /// The network cannot be reached.
        NetUnreachable = 0 => "icmp-net-unreachable" | "net-unreach",
        /// The host cannot be reached.
        HostUnreachable = 1 => "icmp-host-unreachable" | "host-unreach",
        /// The host does not speak the protocol.
        ProtoUnreachable = 2 => "icmp-proto-unreachable" | "proto-unreach",
        /// Nothing listens on the port; what a host without a firewall would say.
        PortUnreachable = 3 => "icmp-port-unreachable" | "port-unreach",
        /// Communication with the network is forbidden.
        NetProhibited = 5 => "icmp-net-prohibited" | "net-prohib",
        /// Communication with the host is forbidden.
        HostProhibited = 6 => "icmp-host-prohibited" | "host-prohib",
        /// The TCP connection is reset, as by a host on whose port nothing listens; needs `-p tcp`.
        TcpReset = 7 => "tcp-reset" | "tcp-rst",
        /// A firewall forbids the communication, and says so.
        AdminProhibited = 8 => "icmp-admin-prohibited" | "admin-prohib",
    }
}

impl Default for Reject {
    fn default() -> Self {
        Self { with: RejectWith::PortUnreachable }
    }
}

extension! {
    /// Drop the packet and send an error back to its sender.
    ///
    /// The sender learns at once that it cannot get through, where after DROP it would wait for an answer until it
    /// gives up. No error is sent for ICMP errors, broadcasts, packets with a wrong checksum and later fragments.
    target "REJECT" => Reject {
        families: Families::IPV4,
        tables: Tables::FILTER,
        hooks: Hooks::INPUT.union(Hooks::FORWARD).union(Hooks::OUTPUT),
    } params {
        /// What the sender is told: an ICMP error, or a TCP reset.
        "reject-with": RejectWith {
            set: |m, with, _| m.with = with,
            get: |m| Some((m.with, false)),
            default: Some("icmp-port-unreachable"),
        }
    }
}

impl Extension for Reject {
    fn act(&self, _: &Packet<'_>, _: &mut Context<'_>) -> Action {
        Action::Reject(match self.with {
            RejectWith::NetUnreachable => Answer::Icmp(3, 0),
            RejectWith::HostUnreachable => Answer::Icmp(3, 1),
            RejectWith::ProtoUnreachable => Answer::Icmp(3, 2),
            RejectWith::PortUnreachable => Answer::Icmp(3, 3),
            RejectWith::NetProhibited => Answer::Icmp(3, 9),
            RejectWith::HostProhibited => Answer::Icmp(3, 10),
            RejectWith::AdminProhibited => Answer::Icmp(3, 13),
            RejectWith::TcpReset => Answer::Reset,
        })
    }

    // `struct ipt_reject_info` in linux/netfilter_ipv4/ipt_REJECT.h.
    const REVISIONS: &'static [Revision<Self>] = &[Revision {
        number: 0,
        size: 4,
        families: Families::IPV4,
        encode: |m, w| {
            w.ne_u32(m.with.number());
            Ok(())
        },
        decode: |r, _| {
            let number = r.ne_u32("with")?;
            let with = RejectWith::from_number(number);
            let with = with.ok_or_else(|| r.error("with", Problem::Value(number.into())))?;
            Ok(Some(Self { with }))
        },
    }];

    fn check(&mut self, rule: &RuleScope<'_>) -> Result<(), ValueError> {
        check_reset(self.with == RejectWith::TcpReset, rule)
    }

    fn list(&self, out: &mut Lister<'_>) {
        out.each(self, |out, _, _, text| out.add(format_args!(" reject-with {text}")));
    }
}

/// Refuses a TCP reset in a rule that is not about TCP alone, as the kernel does.
pub(super) fn check_reset(is_reset: bool, rule: &RuleScope<'_>) -> Result<(), ValueError> {
    let is_tcp = rule.header.protocol.is_some_and(|named| !named.not && named.value == protocol::TCP);
    if is_reset && !is_tcp {
        Err(ValueError::Because("tcp-reset needs `-p tcp`").by_kernel())
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::testing::text_cases;

    #[test]
    fn saved_forms() {
        text_cases! { Reject, Ipv4:
            "" => "--reject-with icmp-port-unreachable", "--reject-with icmp-host-unreachable" => same,
            "--reject-with icmp-proto-unreachable" => same, "--reject-with icmp-net-prohibited" => same,
            "--reject-with icmp-net-unreach" => "--reject-with icmp-net-unreachable",
            "--reject-with ICMP-NET" => "--reject-with icmp-net-unreachable",
            "--reject-with i" => "--reject-with icmp-net-unreachable",
            "--reject-with icmp-host-p" => "--reject-with icmp-host-prohibited",
            "--reject-with admin-prohib" => "--reject-with icmp-admin-prohibited",
            "-p 6 --reject-with tcp" => "--reject-with tcp-reset", "-p 6 --reject-with tcp-rst" => "--reject-with tcp-reset",
            "--reject-with tcp-reset" => fails, "! -p 6 --reject-with tcp-reset" => fails,
            "-p 17 --reject-with tcp-reset" => fails, "-p 6 --reject-with tcp-resett" => fails,
            "--reject-with echo-reply" => fails, "--reject-with" => fails, "--reject-with icmp6-no-route" => fails,
        }
    }
}
