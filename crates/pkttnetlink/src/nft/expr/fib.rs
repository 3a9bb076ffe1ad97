use crate::codec::{attributes, flags, named};
use crate::nft::Register;

named! {
    /// What is asked of the routing table.
    pub struct FibResult(u32) = "NFT_FIB_RESULT_" {
        UNSPEC = 0,
        /// The index of the interface.
        OIF = 1,
        /// The name of the interface.
        OIFNAME = 2,
        /// The type of the address (`RTN_*`).
        ADDRTYPE = 3,
    }
}

flags! {
    /// What the routing table is asked with.
    pub struct FibFlags: u32 = "NFTA_FIB_F_" {
        SADDR = 1,
        DADDR = 2,
        MARK = 4,
        IIF = 8,
        OIF = 16,
        /// Only whether there is an answer.
        PRESENT = 32,
    }
}

attributes! {
    /// Asks the routing table.
    pub struct Fib<'a> = "NFTA_FIB_" {
        /// Where the answer goes.
        1 DREG => dreg: Option<Register>,
        /// What is asked.
        2 RESULT => result: Option<FibResult>,
        /// What with.
        3 FLAGS => flags: Option<FibFlags>,
    }
}
