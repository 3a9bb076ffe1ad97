use super::chain::IngressHook;
use super::common::Device;
use crate::Text;
use crate::codec::{attributes, flags};

flags! {
    /// What a flowtable is like.
    pub struct FlowtableFlags: u32 = "NFT_FLOWTABLE_" {
        /// It is handed to the network card.
        HW_OFFLOAD = 1,
        /// It counts packets and bytes.
        COUNTER = 2,
    }
}

attributes! {
    /// Where a flowtable is attached.
    pub struct FlowtableHook<'a> = "NFTA_FLOWTABLE_HOOK_" {
        /// The hook.
        1 NUM => hook: Option<IngressHook>,
        /// Its place among what is attached there; low comes first.
        2 PRIORITY => priority: Option<i32>,
        /// The devices.
        3 DEVS => devices: Vec<Device<'a>>,
    }
}

attributes! {
    /// A flowtable: connections in it bypass the ruleset.
    pub struct Flowtable<'a> = "NFTA_FLOWTABLE_" {
        /// The table it is in.
        1 TABLE => table: Option<Text<'a>>,
        /// Its name, unique in the table.
        2 NAME => name: Option<Text<'a>>,
        /// The number that the kernel gave it.
        5 HANDLE => handle: Option<u64>,
        /// How many rules use it.
        4 USE => use_count: Option<u32>,
        /// What it is like.
        7 FLAGS => flags: Option<FlowtableFlags>,
        /// Where it is attached.
        3 HOOK => hook: Option<FlowtableHook<'a>>,
    }
}
