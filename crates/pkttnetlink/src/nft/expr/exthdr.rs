use crate::codec::{attributes, flags, named};
use crate::nft::Register;

named! {
    /// Where the header or option is looked for.
    pub struct ExthdrOp(u32) = "NFT_EXTHDR_OP_" {
        IPV6 = 0,
        TCPOPT = 1,
        IPV4 = 2,
        SCTP = 3,
        DCCP = 4,
    }
}

flags! {
    /// What is asked.
    pub struct ExthdrFlags: u32 = "NFT_EXTHDR_F_" {
        /// Whether it is there.
        PRESENT = 1,
    }
}

attributes! {
    /// Loads bytes of an IPv6 extension header or a TCP, IP, SCTP or DCCP option; writes or removes TCP options.
    pub struct Exthdr<'a> = "NFTA_EXTHDR_" {
        /// Where the bytes go, when loading.
        1 DREG => dreg: Option<Register>,
        /// Where they come from, when writing. Without either register the option is removed.
        7 SREG => sreg: Option<Register>,
        /// The header's or option's number.
        2 TYPE => header: Option<u8>,
        /// The first byte in it.
        3 OFFSET => offset: Option<u32>,
        /// How many bytes.
        4 LEN => len: Option<u32>,
        /// What is asked.
        5 FLAGS => flags: Option<ExthdrFlags>,
        /// Where it is looked for.
        6 OP => op: Option<ExthdrOp>,
    }
}
