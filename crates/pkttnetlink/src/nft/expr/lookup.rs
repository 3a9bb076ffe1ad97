use crate::Text;
use crate::codec::{attributes, flags};
use crate::nft::Register;

flags! {
    /// How the lookup is meant.
    pub struct LookupFlags: u32 = "NFT_LOOKUP_F_" {
        /// Matches what is not in the set.
        INV = 1,
    }
}

attributes! {
    /// Looks a register up in a set or map; ends the rule if it is not there.
    pub struct Lookup<'a> = "NFTA_LOOKUP_" {
        /// The set's name.
        1 SET => set: Option<Text<'a>>,
        /// The same by the id given to it within the batch.
        4 SET_ID => set_id: Option<u32>,
        /// The key.
        2 SREG => sreg: Option<Register>,
        /// Where a map's value goes.
        3 DREG => dreg: Option<Register>,
        /// How the lookup is meant.
        5 FLAGS => flags: Option<LookupFlags>,
    }
}
