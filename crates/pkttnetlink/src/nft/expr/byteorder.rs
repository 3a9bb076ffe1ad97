use crate::codec::{attributes, named};
use crate::nft::Register;

named! {
    /// The direction of the conversion.
    pub struct ByteorderOp(u32) = "NFT_BYTEORDER_" {
        /// Network to host order.
        NTOH = 0,
        /// Host to network order.
        HTON = 1,
    }
}

attributes! {
    /// Converts integers in a register between network and host byte order.
    pub struct Byteorder<'a> = "NFTA_BYTEORDER_" {
        /// The operand.
        1 SREG => sreg: Option<Register>,
        /// Where the result goes.
        2 DREG => dreg: Option<Register>,
        /// The direction.
        3 OP => op: Option<ByteorderOp>,
        /// How many bytes in all.
        4 LEN => len: Option<u32>,
        /// How many bytes an integer has: 2, 4 or 8.
        5 SIZE => size: Option<u32>,
    }
}
