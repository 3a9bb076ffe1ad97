use super::expr::Expression;
use crate::codec::{attributes, flags};
use crate::{Bytes, Text};

flags! {
    /// How a rule's protocol is meant.
    pub struct RuleCompatFlags: u32 = "NFT_RULE_COMPAT_F_" {
        UNUSED = 1,
        /// Every protocol but this.
        INV = 2,
    }
}

attributes! {
    /// What the xt extensions of a rule must be told of it when they are checked. The kernel does not dump it.
    pub struct RuleCompat<'a> = "NFTA_RULE_COMPAT_" {
        /// The layer 4 protocol.
        1 PROTO => protocol: Option<u32>,
        /// How it is meant.
        2 FLAGS => flags: Option<RuleCompatFlags>,
    }
}

attributes! {
    /// A rule.
    pub struct Rule<'a> = "NFTA_RULE_" {
        /// The table it is in.
        1 TABLE => table: Option<Text<'a>>,
        /// The chain it is in.
        2 CHAIN => chain: Option<Text<'a>>,
        /// The same by the id given to it within the batch.
        11 CHAIN_ID => chain_id: Option<u32>,
        /// The number that the kernel gave it.
        3 HANDLE => handle: Option<u64>,
        /// The handle of the rule before it; in a request, where it is to go.
        6 POSITION => position: Option<u64>,
        /// The same by the id given to that rule within the batch.
        10 POSITION_ID => position_id: Option<u32>,
        /// The number by which the rest of the batch names it.
        9 ID => id: Option<u32>,
        /// What it does, in order.
        4 EXPRESSIONS => expressions: Vec<Expression<'a>>,
        /// What its xt extensions are told of it.
        5 COMPAT => compat: Option<RuleCompat<'a>>,
        /// What programs keep with it, a comment for instance (see [`UserData`](super::UserData)).
        7 USERDATA => user_data: Option<Bytes<'a>>,
    }
}
