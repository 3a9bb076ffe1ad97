//! `-j REJECT` of IPv6: drops the packet and tells its sender.
use super::reject::check_reset;
use crate::model::{Families, Hooks, Tables};
use crate::packet::Packet;
use crate::registry::{Action, Answer, Context, Extension, Lister, Revision, RuleScope, ValueError};
use crate::{choices, extension};
use nfnetlink::wire::Problem;

/// The `REJECT` target of IPv6.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reject6 {
    /// What the sender is told.
    pub with: RejectWith6,
}

choices! {
    /// What the sender of a rejected IPv6 packet is told (`enum ip6t_reject_with`).
    pub enum RejectWith6: u32, abbreviated {
        /// There is no route to the destination.
        NoRoute = 0 => "icmp6-no-route" | "no-route",
        /// A firewall forbids the communication, and says so.
        AdmProhibited = 1 => "icmp6-adm-prohibited" | "adm-prohibited",
        /// The address cannot be reached.
        AddrUnreachable = 3 => "icmp6-addr-unreachable" | "addr-unreach",
        /// Nothing listens on the port; what a host without a firewall would say.
        PortUnreachable = 4 => "icmp6-port-unreachable" | "port-unreach",
        /// The TCP connection is reset, as by a host on whose port nothing listens; needs `-p tcp`.
        TcpReset = 6 => "tcp-reset",
        /// The source address breaks a rule of the network's border.
        PolicyFail = 7 => "icmp6-policy-fail" | "policy-fail",
        /// The route to the destination is one that rejects.
        RejectRoute = 8 => "icmp6-reject-route" | "reject-route",
    }
}

impl Default for Reject6 {
    fn default() -> Self {
        Self { with: RejectWith6::PortUnreachable }
    }
}

extension! {
    /// Drop the packet and send an error back to its sender.
    ///
    /// The sender learns at once that it cannot get through, where after DROP it would wait for an answer until it
    /// gives up. No error is sent for ICMPv6 errors, to multicast addresses and for packets with a wrong checksum.
    target "REJECT" => Reject6 {
        families: Families::IPV6,
        tables: Tables::FILTER,
        hooks: Hooks::INPUT.union(Hooks::FORWARD).union(Hooks::OUTPUT),
    } params {
        /// What the sender is told: an ICMPv6 error, or a TCP reset.
        "reject-with": RejectWith6 {
            set: |m, with, _| m.with = with,
            get: |m| Some((m.with, false)),
            default: Some("icmp6-port-unreachable"),
        }
    }
}

impl Extension for Reject6 {
    fn act(&self, _: &Packet<'_>, _: &mut Context<'_>) -> Action {
        Action::Reject(match self.with {
            RejectWith6::NoRoute => Answer::Icmp(1, 0),
            RejectWith6::AdmProhibited => Answer::Icmp(1, 1),
            RejectWith6::AddrUnreachable => Answer::Icmp(1, 3),
            RejectWith6::PortUnreachable => Answer::Icmp(1, 4),
            RejectWith6::PolicyFail => Answer::Icmp(1, 5),
            RejectWith6::RejectRoute => Answer::Icmp(1, 6),
            RejectWith6::TcpReset => Answer::Reset,
        })
    }

    // `struct ip6t_reject_info` in linux/netfilter_ipv6/ip6t_REJECT.h.
    const REVISIONS: &'static [Revision<Self>] = &[Revision {
        number: 0,
        size: 4,
        families: Families::IPV6,
        encode: |m, w| {
            w.ne_u32(m.with.number());
            Ok(())
        },
        decode: |r, _| {
            let number = r.ne_u32("with")?;
            let with = RejectWith6::from_number(number);
            let with = with.ok_or_else(|| r.error("with", Problem::Value(number.into())))?;
            Ok(Some(Self { with }))
        },
    }];

    fn check(&mut self, rule: &RuleScope<'_>) -> Result<(), ValueError> {
        check_reset(self.with == RejectWith6::TcpReset, rule)
    }

    fn list(&self, out: &mut Lister<'_>) {
        out.each(self, |out, _, _, text| out.add(format_args!(" reject-with {text}")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::testing::text_cases;

    #[test]
    fn saved_forms() {
        text_cases! { Reject6, Ipv6:
            "" => "--reject-with icmp6-port-unreachable", "--reject-with icmp6-policy-fail" => same,
            "--reject-with icmp6-reject-route" => same, "--reject-with no-route" => "--reject-with icmp6-no-route",
            "--reject-with icmp6-adm" => "--reject-with icmp6-adm-prohibited",
            "--reject-with addr-unreach" => "--reject-with icmp6-addr-unreachable",
            "--reject-with ICMP6" => "--reject-with icmp6-no-route",
            "-p 6 --reject-with tcp-reset" => "--reject-with tcp-reset", "--reject-with tcp-reset" => fails,
            "-p 6 --reject-with tcp-rst" => fails, "--reject-with beyond-scope" => fails,
            "--reject-with icmp-port-unreachable" => fails,
        }
    }
}
