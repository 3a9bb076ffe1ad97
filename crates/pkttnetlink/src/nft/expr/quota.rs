use crate::codec::{attributes, flags};

flags! {
    /// How the quota is meant.
    pub struct QuotaFlags: u32 = "NFT_QUOTA_F_" {
        /// Matches when it is used up.
        INV = 1,
        /// It is used up.
        DEPLETED = 2,
    }
}

attributes! {
    /// Ends the rule when a number of bytes has come by.
    pub struct Quota<'a> = "NFTA_QUOTA_" {
        /// How many bytes.
        1 BYTES => bytes: Option<u64>,
        /// How many have come by.
        4 CONSUMED => consumed: Option<u64>,
        /// How it is meant.
        2 FLAGS => flags: Option<QuotaFlags>,
    }
}
