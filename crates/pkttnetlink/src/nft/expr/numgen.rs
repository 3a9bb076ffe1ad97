use crate::Text;
use crate::codec::{attributes, named};
use crate::nft::Register;

named! {
    /// How the number is made.
    pub struct NumgenType(u32) = "NFT_NG_" {
        /// One more for each packet.
        INCREMENTAL = 0,
        RANDOM = 1,
    }
}

attributes! {
    /// Makes a number.
    pub struct Numgen<'a> = "NFTA_NG_" {
        /// Where it goes.
        1 DREG => dreg: Option<Register>,
        /// It is below this.
        2 MODULUS => modulus: Option<u32>,
        /// How it is made.
        3 TYPE => numgen_type: Option<NumgenType>,
        /// Added at the end.
        4 OFFSET => offset: Option<u32>,
        /// No longer used.
        5 SET_NAME => set: Option<Text<'a>>,
        /// No longer used.
        6 SET_ID => set_id: Option<u32>,
    }
}
