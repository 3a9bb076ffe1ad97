use crate::codec::{attributes, flags};

flags! {
    /// How the number is meant.
    pub struct ConnlimitFlags: u32 = "NFT_CONNLIMIT_F_" {
        /// Matches above the number.
        INV = 1,
    }
}

attributes! {
    /// Ends the rule unless the number of connections is kept.
    pub struct Connlimit<'a> = "NFTA_CONNLIMIT_" {
        /// How many connections.
        1 COUNT => count: Option<u32>,
        /// How the number is meant.
        2 FLAGS => flags: Option<ConnlimitFlags>,
    }
}
