use crate::codec::{attributes, named};
use crate::nft::{Data, Register};

named! {
    /// On which side of the range it matches.
    pub struct RangeOp(u32) = "NFT_RANGE_" {
        /// Inside.
        EQ = 0,
        /// Outside.
        NEQ = 1,
    }
}

attributes! {
    /// Ends the rule unless a register is inside, or outside, a range with both ends included.
    pub struct Range<'a> = "NFTA_RANGE_" {
        /// The register.
        1 SREG => sreg: Option<Register>,
        /// Inside or outside.
        2 OP => op: Option<RangeOp>,
        /// The first value.
        3 FROM_DATA => from: Option<Data<'a>>,
        /// The last value.
        4 TO_DATA => to: Option<Data<'a>>,
    }
}
