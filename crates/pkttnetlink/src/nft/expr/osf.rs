use crate::codec::{attributes, flags};
use crate::nft::Register;

flags! {
    /// What is told of the system.
    pub struct OsfFlags: u32 = "NFT_OSF_F_" {
        /// Its version too.
        VERSION = 1,
    }
}

attributes! {
    /// Guesses the sender's operating system from its SYN packet.
    pub struct Osf<'a> = "NFTA_OSF_" {
        /// How the TTL is compared: 0 distance, 1 less or equal, 2 not at all.
        2 TTL => ttl: Option<u8>,
        /// What is told.
        3 FLAGS => flags: Option<OsfFlags>,
        /// Where the name goes, 16 bytes.
        1 DREG => dreg: Option<Register>,
    }
}
