//! `-j CLUSTERIP`: shares an address among the nodes of a cluster.
use crate::domain::Mac;
use crate::model::Families;
use crate::registry::{Domain, Extension, Flag, Revision, Scope, Value, ValueError};
use crate::{choices, extension, integer};
use nfnetlink::wire::Problem;
use std::fmt::Write as _;

/// The `CLUSTERIP` target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clusterip {
    /// Whether this rule makes the cluster; without it the one that another rule made for the address is meant,
    /// and nothing else counts.
    pub new: bool,
    /// From what the node that a packet is for is computed.
    pub hash_mode: HashMode,
    /// The Ethernet address that all nodes share.
    pub mac: ClusterMac,
    /// How many nodes there are.
    pub total_nodes: u16,
    /// The number of this node.
    pub local_node: u16,
    /// What the computation begins with.
    pub hash_init: u32,
}

choices! {
    /// From what the node that a packet is for is computed (`enum clusterip_hashmode`).
    pub enum HashMode: u32 {
        /// From the source address.
        SourceIp = 0 => "sourceip",
        /// From source address and port.
        SourceIpPort = 1 => "sourceip-sourceport",
        /// From source address and port and destination port.
        SourceIpPortDestPort = 2 => "sourceip-sourceport-destport",
    }
}

integer! {
    /// A number of nodes, at most `CLUSTERIP_MAX_NODES`.
    pub struct Nodes(u16): 1..=16, "nodes";
}

integer! {
    /// The number of a node.
    pub struct Node(u16): 1..=16, "";
}

/// A multicast Ethernet address, printed in capitals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClusterMac(Mac);

impl Default for Clusterip {
    fn default() -> Self {
        Self {
            new: false,
            hash_mode: HashMode::SourceIp,
            mac: ClusterMac::default(),
            total_nodes: 0,
            local_node: 0,
            hash_init: 0,
        }
    }
}

extension! {
    /// Share one address among the nodes of a cluster without a load balancer before them.
    ///
    /// All nodes have the address and the same multicast Ethernet address, so that each gets every packet; a hash of
    /// the connection says which of them answers. Linux no longer has this target; use the `cluster` match.
    target "CLUSTERIP" => Clusterip {
        families: Families::IPV4,
    } params {
        /// Make the cluster for the rule's destination address; the other options describe it.
        "new": Flag {
            set: |m, _, _| m.new = true,
            get: |m| m.new.then_some((Flag, false)),
            needs: &["hashmode", "clustermac", "total-nodes", "local-node"],
        }
        /// From what the node that a packet is for is computed.
        "hashmode": HashMode {
            set: |m, mode, _| m.hash_mode = mode,
            get: |m| m.new.then_some((m.hash_mode, false)),
            needs: &["new"],
        }
        /// The Ethernet address that all nodes share; it must be a multicast one, with an odd first byte.
        "clustermac": ClusterMac {
            set: |m, mac, _| m.mac = mac,
            get: |m| m.new.then_some((m.mac, false)),
            needs: &["new"],
        }
        /// How many nodes the cluster has.
        "total-nodes": Nodes {
            set: |m, Nodes(nodes), _| m.total_nodes = nodes,
            get: |m| m.new.then_some((Nodes(m.total_nodes), false)),
            needs: &["new"],
        }
        /// The number of this node, from 1.
        "local-node": Node {
            set: |m, Node(node), _| m.local_node = node,
            get: |m| m.new.then_some((Node(m.local_node), false)),
            needs: &["new"],
        }
        /// What the hash begins with; the same on all nodes.
        "hash-init": u32 {
            set: |m, hash_init, _| m.hash_init = hash_init,
            get: |m| m.new.then_some((m.hash_init, false)),
            needs: &["new"],
            default: Some("0"),
        }
    }
}

/// `CLUSTERIP_FLAG_NEW`
const NEW: u32 = 1;

impl Extension for Clusterip {
    // `struct ipt_clusterip_tgt_info` in linux/netfilter_ipv4/ipt_CLUSTERIP.h, which ends in a pointer of the kernel.
    const REVISIONS: &'static [Revision<Self>] = &[Revision {
        number: 0,
        size: 64,
        families: Families::IPV4,
        encode: |m, w| {
            w.ne_u32(if m.new { NEW } else { 0 });
            w.bytes(&m.mac.0.0);
            w.ne_u16(m.total_nodes);
            w.ne_u16(m.new.into());
            w.ne_u16(m.local_node);
            w.zeros(2 * 15 + 2);
            w.ne_u32(m.hash_mode.number());
            w.ne_u32(m.hash_init);
            w.zeros(8);
            Ok(())
        },
        decode: |r, _| {
            let at = **r;
            let (flags, mac, total_nodes) = (r.ne_u32("flags")?, r.array("clustermac")?, r.ne_u16("nodes")?);
            let (local_nodes, local_node) = (r.ne_u16("local nodes")?, r.ne_u16("local node")?);
            r.take(2 * 15 + 2, "local nodes")?;
            let (mode, hash_init) = (r.ne_u32("hash_mode")?, r.ne_u32("hash_initval")?);
            r.take(8, "kernel's own")?;
            let hash_mode = HashMode::from_number(mode);
            let hash_mode = hash_mode.ok_or_else(|| at.error("hash_mode", Problem::Value(mode.into())))?;
            let new = flags == NEW;
            if flags > NEW || local_nodes != u16::from(new) {
                return Err(at.error("flags", Problem::Value(flags.into())));
            }
            let mac = ClusterMac(Mac(mac));
            Ok(Some(Self { new, hash_mode, mac, total_nodes, local_node, hash_init }))
        },
    }];
}

impl Value for ClusterMac {
    const DOMAIN: Domain = Domain::Mac { multicast: true };

    fn parse(text: &str, scope: &Scope) -> Result<Self, ValueError> {
        let mac = Mac::parse(text, scope)?;
        let [first, ..] = mac.0;
        if first & 1 == 0 { Err(ValueError::Because("not a multicast address")) } else { Ok(Self(mac)) }
    }

    fn write(&self, out: &mut String, _: &Scope) {
        let [a, b, c, d, e, f] = self.0.0;
        let _ = write!(out, "{a:02X}:{b:02X}:{c:02X}:{d:02X}:{e:02X}:{f:02X}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::testing::text_cases;

    #[test]
    fn saved_forms() {
        text_cases! { Clusterip, Ipv4:
            "" => same,
            "--new --hashmode sourceip --clustermac 01:aa:7b:47:f7:d7 --total-nodes 2 --local-node 1" =>
                "--new --hashmode sourceip --clustermac 01:AA:7B:47:F7:D7 --total-nodes 2 --local-node 1 --hash-init 0",
            "--hash-init 1 --local-node 16 --total-nodes 16 --clustermac 01:02:03:04:05:06 --hashmode sourceip-sourceport-destport --new" =>
                "--new --hashmode sourceip-sourceport-destport --clustermac 01:02:03:04:05:06 --total-nodes 16 --local-node 16 --hash-init 1",
            "--new" => fails, "--hashmode sourceip" => fails, "--hash-init 1" => fails,
            "--new --hashmode sourceip --clustermac 02:aa:7b:47:f7:d7 --total-nodes 2 --local-node 1" => fails,
            "--new --hashmode source --clustermac 01:aa:7b:47:f7:d7 --total-nodes 2 --local-node 1" => fails,
            "--new --hashmode sourceip --clustermac 01:aa:7b:47:f7:d7 --total-nodes 17 --local-node 1" => fails,
            "--new --hashmode sourceip --clustermac 01:aa:7b:47:f7:d7 --total-nodes 2" => fails,
        }
    }
}
