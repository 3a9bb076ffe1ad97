use crate::codec::{attributes, flags, named};

named! {
    /// What is counted.
    pub struct LimitType(u32) = "NFT_LIMIT_" {
        PKTS = 0,
        PKT_BYTES = 1,
    }
}

flags! {
    /// How the rate is meant.
    pub struct LimitFlags: u32 = "NFT_LIMIT_F_" {
        /// Matches above the rate.
        INV = 1,
    }
}

attributes! {
    /// Ends the rule unless the rate is kept (a token bucket).
    pub struct Limit<'a> = "NFTA_LIMIT_" {
        /// How many per unit.
        1 RATE => rate: Option<u64>,
        /// The unit in seconds.
        2 UNIT => unit: Option<u64>,
        /// How many may come at once.
        3 BURST => burst: Option<u32>,
        /// What is counted.
        4 TYPE => limit_type: Option<LimitType>,
        /// How the rate is meant.
        5 FLAGS => flags: Option<LimitFlags>,
    }
}
