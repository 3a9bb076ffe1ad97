use crate::codec::{attributes, named};
use crate::nft::{Data, Register};

named! {
    /// What is computed.
    pub struct BitwiseOp(u32) = "NFT_BITWISE_" {
        /// `(register & mask) ^ xor`.
        MASK_XOR = 0,
        LSHIFT = 1,
        RSHIFT = 2,
        AND = 3,
        OR = 4,
        XOR = 5,
    }
}

attributes! {
    /// Bit operations on a register.
    pub struct Bitwise<'a> = "NFTA_BITWISE_" {
        /// The operand.
        1 SREG => sreg: Option<Register>,
        /// The second operand of and, or, xor.
        8 SREG2 => sreg2: Option<Register>,
        /// Where the result goes.
        2 DREG => dreg: Option<Register>,
        /// How many bytes.
        3 LEN => len: Option<u32>,
        /// What is computed.
        6 OP => op: Option<BitwiseOp>,
        /// The bits that are kept.
        4 MASK => mask: Option<Data<'a>>,
        /// The bits that are then turned over.
        5 XOR => xor: Option<Data<'a>>,
        /// How far to shift, or the second operand.
        7 DATA => data: Option<Data<'a>>,
    }
}
