use super::common::Device;
use super::data::VerdictCode;
use crate::codec::{attributes, flags, named};
use crate::{Bytes, Text};

named! {
    /// Where a base chain of the families ip, ip6, inet and bridge sits (`enum nf_inet_hooks`).
    ///
    /// The families netdev and arp number theirs differently: [`IngressHook`], and 0 for ARP's input, 1 for
    /// its output.
    pub struct Hook(u32) = "NF_INET_" {
        PRE_ROUTING = 0,
        LOCAL_IN = 1,
        FORWARD = 2,
        LOCAL_OUT = 3,
        POST_ROUTING = 4,
        INGRESS = 5,
    }
}

named! {
    /// Where a base chain of the family netdev sits (`enum nf_dev_hooks`).
    pub struct IngressHook(u32) = "NF_NETDEV_" {
        INGRESS = 0,
        EGRESS = 1,
    }
}

flags! {
    /// What a chain is like.
    pub struct ChainFlags: u32 = "NFT_CHAIN_" {
        /// It is attached to a hook.
        BASE = 1,
        /// It is handed to the network card.
        HW_OFFLOAD = 2,
        /// It belongs to one rule and goes with it.
        BINDING = 4,
    }
}

attributes! {
    /// Where a base chain is attached.
    pub struct ChainHook<'a> = "NFTA_HOOK_" {
        /// The hook.
        1 HOOKNUM => hook: Option<Hook>,
        /// Its place among the chains of the hook; low comes first.
        2 PRIORITY => priority: Option<i32>,
        /// The devices (family netdev).
        4 DEVS => devices: Vec<Device<'a>>,
        /// The device, if there is but one (family netdev).
        3 DEV => device: Option<Text<'a>>,
    }
}

attributes! {
    /// What a base chain's policy was applied to. The same numbers as in a counter, the other way round.
    pub struct ChainCounters<'a> = "NFTA_COUNTER_" {
        /// How many packets.
        2 PACKETS => packets: Option<u64>,
        /// How many bytes.
        1 BYTES => bytes: Option<u64>,
    }
}

attributes! {
    /// A chain.
    pub struct Chain<'a> = "NFTA_CHAIN_" {
        /// The table it is in.
        1 TABLE => table: Option<Text<'a>>,
        /// Its name, unique in the table.
        3 NAME => name: Option<Text<'a>>,
        /// The number that the kernel gave it.
        2 HANDLE => handle: Option<u64>,
        /// Where a base chain is attached.
        4 HOOK => hook: Option<ChainHook<'a>>,
        /// A base chain's verdict on packets that reach its end.
        5 POLICY => policy: Option<VerdictCode>,
        /// A base chain's type: `filter`, `nat` or `route`.
        7 TYPE => chain_type: Option<Text<'a>>,
        /// What the policy was applied to.
        8 COUNTERS => counters: Option<ChainCounters<'a>>,
        /// What it is like.
        10 FLAGS => flags: Option<ChainFlags>,
        /// How many rules and jumps it has.
        6 USE => use_count: Option<u32>,
        /// The number by which the rest of the batch names it.
        11 ID => id: Option<u32>,
        /// What programs keep with it (see [`UserData`](super::UserData)).
        12 USERDATA => user_data: Option<Bytes<'a>>,
    }
}

impl Chain<'_> {
    /// The type of chains that filter.
    pub const FILTER: &'static str = "filter";
    /// The type of chains that translate addresses.
    pub const NAT: &'static str = "nat";
    /// The type of chains whose changes lead to another routing decision (mangle's OUTPUT).
    pub const ROUTE: &'static str = "route";
}
