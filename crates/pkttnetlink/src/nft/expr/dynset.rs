use super::Expression;
use crate::Text;
use crate::codec::{attributes, flags, named};
use crate::nft::Register;

named! {
    /// What happens to the set.
    pub struct DynsetOp(u32) = "NFT_DYNSET_OP_" {
        ADD = 0,
        /// Adds, or renews the timeout.
        UPDATE = 1,
        DELETE = 2,
    }
}

flags! {
    /// How the operation is meant.
    pub struct DynsetFlags: u32 = "NFT_DYNSET_F_" {
        /// Matches when it fails.
        INV = 1,
        /// Expressions are given in a list.
        EXPR = 2,
    }
}

attributes! {
    /// Adds a register's value to a set, or deletes it, when a packet comes by.
    pub struct Dynset<'a> = "NFTA_DYNSET_" {
        /// The key.
        4 SREG_KEY => sreg_key: Option<Register>,
        /// The value, for maps.
        5 SREG_DATA => sreg_data: Option<Register>,
        /// What happens.
        3 OP => op: Option<DynsetOp>,
        /// The set's name.
        1 SET_NAME => set: Option<Text<'a>>,
        /// The same by the id given to it within the batch.
        2 SET_ID => set_id: Option<u32>,
        /// For how many milliseconds.
        6 TIMEOUT => timeout: Option<u64>,
        /// An expression that goes with the element.
        7 EXPR => expression: Option<Box<Expression<'a>>>,
        /// Expressions that go with the element, if more than one.
        10 EXPRESSIONS => expressions: Vec<Expression<'a>>,
        /// How it is meant.
        9 FLAGS => flags: Option<DynsetFlags>,
    }
}
