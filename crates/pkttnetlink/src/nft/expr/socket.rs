use crate::codec::{attributes, named};
use crate::nft::Register;

named! {
    /// What is known of the socket that a packet is for.
    pub struct SocketKey(u32) = "NFT_SOCKET_" {
        TRANSPARENT = 0,
        MARK = 1,
        WILDCARD = 2,
        CGROUPV2 = 3,
    }
}

attributes! {
    /// Loads what is known of the packet's socket into a register.
    pub struct Socket<'a> = "NFTA_SOCKET_" {
        /// What is loaded.
        1 KEY => key: Option<SocketKey>,
        /// Where it goes.
        2 DREG => dreg: Option<Register>,
        /// Which ancestor of the control group, from the root.
        3 LEVEL => level: Option<u32>,
    }
}
