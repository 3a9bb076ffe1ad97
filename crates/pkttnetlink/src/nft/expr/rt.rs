use crate::codec::{attributes, named};
use crate::nft::Register;

named! {
    /// What is known of the packet's route.
    pub struct RtKey(u32) = "NFT_RT_" {
        CLASSID = 0,
        NEXTHOP4 = 1,
        NEXTHOP6 = 2,
        TCPMSS = 3,
        XFRM = 4,
    }
}

attributes! {
    /// Loads what is known of the packet's route into a register.
    pub struct Rt<'a> = "NFTA_RT_" {
        /// What is loaded.
        2 KEY => key: Option<RtKey>,
        /// Where it goes.
        1 DREG => dreg: Option<Register>,
    }
}
