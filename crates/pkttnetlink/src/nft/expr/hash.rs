use crate::Text;
use crate::codec::{attributes, named};
use crate::nft::Register;

named! {
    /// How it is hashed.
    pub struct HashType(u32) = "NFT_HASH_" {
        /// A register's bytes by Jenkins' hash.
        JENKINS = 0,
        /// The connection's addresses and ports, both directions alike.
        SYM = 1,
    }
}

attributes! {
    /// Hashes a register's value, or the flow of the packet.
    pub struct Hash<'a> = "NFTA_HASH_" {
        /// The operand.
        1 SREG => sreg: Option<Register>,
        /// Where the hash goes.
        2 DREG => dreg: Option<Register>,
        /// How many bytes are hashed.
        3 LEN => len: Option<u32>,
        /// The hash is taken modulo this.
        4 MODULUS => modulus: Option<u32>,
        /// The seed; without it the kernel draws one and keeps it to itself.
        5 SEED => seed: Option<u32>,
        /// Added at the end.
        6 OFFSET => offset: Option<u32>,
        /// How it is hashed.
        7 TYPE => hash_type: Option<HashType>,
        /// No longer used.
        8 SET_NAME => set: Option<Text<'a>>,
        /// No longer used.
        9 SET_ID => set_id: Option<u32>,
    }
}
