use crate::codec::{attributes, named};
use crate::nft::Register;

named! {
    /// What is known of the IPsec state that a packet passed.
    pub struct XfrmKey(u32) = "NFT_XFRM_KEY_" {
        UNSPEC = 0,
        DADDR_IP4 = 1,
        DADDR_IP6 = 2,
        SADDR_IP4 = 3,
        SADDR_IP6 = 4,
        REQID = 5,
        SPI = 6,
    }
}

named! {
    /// Which way the packet goes (`linux/xfrm.h`).
    pub struct XfrmDirection(u8) = "XFRM_POLICY_" {
        IN = 0,
        OUT = 1,
    }
}

attributes! {
    /// Loads what is known of the packet's IPsec state into a register.
    pub struct Xfrm<'a> = "NFTA_XFRM_" {
        /// Where it goes.
        1 DREG => dreg: Option<Register>,
        /// What is loaded.
        2 KEY => key: Option<XfrmKey>,
        /// Which way the packet goes.
        3 DIR => direction: Option<XfrmDirection>,
        /// Which state, if the packet passed several.
        4 SPNUM => number: Option<u32>,
    }
}
