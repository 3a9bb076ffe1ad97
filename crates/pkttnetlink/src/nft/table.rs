use crate::codec::{attributes, flags};
use crate::{Bytes, Text};

flags! {
    /// What a table is like.
    pub struct TableFlags: u32 = "NFT_TABLE_F_" {
        /// Its chains are not attached to their hooks.
        DORMANT = 1,
        /// It belongs to the socket that made it.
        OWNER = 2,
        /// It outlives the socket that owns it.
        PERSIST = 4,
    }
}

attributes! {
    /// A table.
    pub struct Table<'a> = "NFTA_TABLE_" {
        /// Its name, unique in the family.
        1 NAME => name: Option<Text<'a>>,
        /// How many chains, sets, objects and flowtables are in it.
        3 USE => use_count: Option<u32>,
        /// The number that the kernel gave it.
        4 HANDLE => handle: Option<u64>,
        /// What it is like.
        2 FLAGS => flags: Option<TableFlags>,
        /// The netlink port of its owner.
        7 OWNER => owner: Option<u32>,
        /// What programs keep with it (see [`UserData`](super::UserData)).
        6 USERDATA => user_data: Option<Bytes<'a>>,
    }
}
