use crate::codec::{attributes, named};
use crate::nft::{Data, Register};

named! {
    /// How a register is compared; bytewise, the first byte counting most.
    pub struct CmpOp(u32) = "NFT_CMP_" {
        EQ = 0,
        NEQ = 1,
        LT = 2,
        LTE = 3,
        GT = 4,
        GTE = 5,
    }
}

attributes! {
    /// Ends the rule unless a register compares with a value.
    pub struct Cmp<'a> = "NFTA_CMP_" {
        /// The register.
        1 SREG => sreg: Option<Register>,
        /// How it is compared.
        2 OP => op: Option<CmpOp>,
        /// What with. A value shorter than the register compares only its length.
        3 DATA => data: Option<Data<'a>>,
    }
}
