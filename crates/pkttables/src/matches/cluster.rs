//! `-m cluster`: gives each of several machines its share of the connections.

use crate::domain::parse_bounded;
use crate::model::Families;
use crate::packet::{Connection, Packet, PacketKind, Status, jhash};
use crate::registry::{
    Context, Domain, Edit, Extension, Lister, Outcome, Require, Revision, RuleScope, Scope, Value,
    ValueError, bang,
};
use crate::{extension, integer};
use nfnetlink::wire::Problem;
use std::fmt::Write as _;
use std::net::IpAddr;

/// The `cluster` match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cluster {
    /// Which machines' shares are meant: bit 0 for the first.
    pub nodes: Hex,
    /// Whether the shares of all others are meant instead.
    pub not: bool,
    /// How many machines share the connections.
    pub total: Total,
    /// The number that the hash starts from.
    pub seed: Hex,
}

/// A number written with eight hexadecimal digits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Hex(pub u32);

integer! {
    /// A number of machines.
    pub struct Total(u32): 1..=32, "machines";
    /// The place of a machine among them.
    pub struct Place(u32): 1..=32, "";
}

extension! {
    /// Match the connections that fall to this machine, of several that all receive all packets.
    ///
    /// The kernel computes a hash from the connection's source address. So all machines of a cluster divide the
    /// connections among themselves without talking to each other. Needs connection tracking.
    match "cluster" => Cluster {
        require: Require::ExactlyOneOf(&["cluster-local-nodemask", "cluster-local-node"]),
    } params {
        /// The machines whose shares match, as a mask: bit 0 stands for the first machine.
        [!] "cluster-local-nodemask": Hex {
            set: |m, nodes, not| { m.nodes = nodes; m.not = not; },
            get: |m| Some((m.nodes, m.not)),
            excludes: &["cluster-local-node"],
        }
        /// The machine whose share matches; the first is 1.
        ///
        /// A rule shows it as `--cluster-local-nodemask`.
        [!] "cluster-local-node": Place {
            set: |m, place, not| { m.nodes = Hex(1 << place.0.saturating_sub(1).min(31)); m.not = not; },
            get: |_| None,
            excludes: &["cluster-local-nodemask"],
        }
        /// How many machines share the connections.
        "cluster-total-nodes": Total {
            set: |m, total, _| m.total = total,
            get: |m| Some((m.total, false)),
            required: true,
        }
        /// Any number, the same on all machines, from which the hash is computed.
        "cluster-hash-seed": Hex {
            set: |m, seed, _| m.seed = seed,
            get: |m| Some((m.seed, false)),
            required: true,
        }
    }
}

impl Cluster {
    /// The node that connections from an address fall to, from 0.
    fn node(&self, source: IpAddr) -> u32 {
        // Of an IPv6 address the kernel hashes no more than the first four bytes.
        let word = match source {
            IpAddr::V4(source) => source.octets(),
            IpAddr::V6(source) => ((source.to_bits() >> 96) as u32).to_be_bytes(),
        };
        let hash = jhash::words(&[u32::from_ne_bytes(word)], self.seed.0);
        jhash::scaled(hash, self.total.0)
    }
}

/// The address that decides; none if it is that of a connection which is gone.
fn source(connection: &Connection) -> Option<IpAddr> {
    match connection.status.contains(Status::EXPECTED) {
        true => connection.master_source,
        false => Some(connection.original.source),
    }
}

impl Extension for Cluster {
    fn matches(&self, packet: &Packet<'_>, context: &mut Context<'_>) -> Outcome {
        // All nodes share a link address of a group; what is not for a group is for this host from here on.
        if packet.meta.kind == PacketKind::Multicast && !packet.layout.destination.is_multicast() {
            context.edit(Edit::Kind(PacketKind::Host));
        }
        // A template falls to no node, not even to one of those that are not named.
        let Some(connection) = packet.connection() else { return Outcome::NoMatch };
        let Some(source) = source(connection) else { return Outcome::Unsupported };
        ((self.nodes.0 >> self.node(source) & 1 != 0) != self.not).into()
    }

    fn found(&self, packet: &Packet<'_>, _: &mut Context<'_>) -> Option<String> {
        let source = packet.connection().and_then(source);
        Some(source.map_or_else(
            || "there is no connection".into(),
            |source| format!("node {} is to take it", self.node(source) + 1),
        ))
    }

    const REVISIONS: &'static [Revision<Self>] = &[Revision {
        number: 0,
        size: 16,
        families: Families::all(),
        encode: |m, w| {
            w.ne_u32(m.total.0);
            w.ne_u32(m.nodes.0);
            w.ne_u32(m.seed.0);
            w.ne_u32(m.not.into());
            Ok(())
        },
        decode: |r, _| {
            let at = **r;
            let (total, nodes) = (r.ne_u32("total_nodes")?, r.ne_u32("node_mask")?);
            let (seed, flags) = (r.ne_u32("hash_seed")?, r.ne_u32("flags")?);
            match total {
                1..=32 => Ok(Some(Self {
                    nodes: Hex(nodes),
                    not: flags & 1 != 0,
                    total: Total(total),
                    seed: Hex(seed),
                })),
                _ => Err(at.error("total_nodes", Problem::Value(total.into()))),
            }
        },
    }];

    fn check(&mut self, _: &RuleScope<'_>) -> Result<(), ValueError> {
        match self.nodes.0.checked_shr(self.total.0) {
            _ if self.nodes.0 == 0 => {
                Err(ValueError::Because("--cluster-local-node or --cluster-local-nodemask must be specified"))
            }
            Some(1..) => Err(ValueError::Because("a node above --cluster-total-nodes")),
            _ => Ok(()),
        }
    }

    fn list(&self, out: &mut Lister<'_>) {
        out.add(" cluster");
        out.each(self, |out, name, not, text| match name {
            "cluster-local-nodemask" => out.add(format_args!(" {}node_mask={text}", bang(not))),
            "cluster-total-nodes" => out.add(format_args!(" total_nodes={text}")),
            _ => out.add(format_args!(" hash_seed={text}")),
        });
    }
}

impl Value for Hex {
    const DOMAIN: Domain = Domain::Integer { min: 0, max: u32::MAX as u64, unit: "" };

    fn parse(text: &str, _: &Scope) -> Result<Self, ValueError> {
        u32::try_from(parse_bounded(text, 0, u32::MAX.into())?).map(Self).map_err(|_| ValueError::Form)
    }

    fn write(&self, out: &mut String, _: &Scope) {
        let _ = write!(out, "{:#010x}", self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::testing::{layout_cases, text_cases};

    #[test]
    fn saved_forms() {
        text_cases! { Cluster, Ipv4:
            "--cluster-total-nodes 2 --cluster-local-node 2 --cluster-hash-seed 0xfeedcafe" =>
                "--cluster-local-nodemask 0x00000002 --cluster-total-nodes 2 --cluster-hash-seed 0xfeedcafe",
            "! --cluster-local-node 1 --cluster-total-nodes 1 --cluster-hash-seed 5" =>
                "! --cluster-local-nodemask 0x00000001 --cluster-total-nodes 1 --cluster-hash-seed 0x00000005",
            "--cluster-total-nodes 4 ! --cluster-local-nodemask 15 --cluster-hash-seed 5" =>
                "! --cluster-local-nodemask 0x0000000f --cluster-total-nodes 4 --cluster-hash-seed 0x00000005",
            "--cluster-total-nodes 32 --cluster-local-node 32 --cluster-hash-seed 0" =>
                "--cluster-local-nodemask 0x80000000 --cluster-total-nodes 32 --cluster-hash-seed 0x00000000",
            "--cluster-local-nodemask 0x80000000 --cluster-total-nodes 32 --cluster-hash-seed 0x00000000" => same,
            "--cluster-total-nodes 2 --cluster-local-node 3 --cluster-hash-seed 5" => fails,
            "--cluster-total-nodes 4 --cluster-local-nodemask 32 --cluster-hash-seed 5" => fails,
            "--cluster-total-nodes 32 --cluster-local-nodemask 0 --cluster-hash-seed 5" => fails,
            "--cluster-total-nodes 33 --cluster-local-node 1 --cluster-hash-seed 5" => fails,
            "--cluster-total-nodes 0 --cluster-local-node 1 --cluster-hash-seed 5" => fails,
            "--cluster-total-nodes 2 --cluster-local-node 1 --cluster-local-nodemask 1 --cluster-hash-seed 5" => fails,
            "--cluster-total-nodes 2 --cluster-local-node 1" => fails, "--cluster-total-nodes 2 --cluster-hash-seed 5" => fails,
            "--cluster-local-node 1 --cluster-hash-seed 5" => fails, "" => fails,
        }
    }

    #[test]
    fn kernel_structures() {
        layout_cases! { Cluster, Ipv4:
            "--cluster-total-nodes 2 ! --cluster-local-node 2 --cluster-hash-seed 0xfeedcafe", 0 =>
                "02000000 02000000 fecaedfe 01000000",
        }
    }
}
