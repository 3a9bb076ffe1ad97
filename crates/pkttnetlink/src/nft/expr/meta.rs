use crate::codec::{attributes, named};
use crate::nft::Register;

named! {
    /// What is known of a packet besides its bytes.
    pub struct MetaKey(u32) = "NFT_META_" {
        LEN = 0,
        PROTOCOL = 1,
        PRIORITY = 2,
        MARK = 3,
        IIF = 4,
        OIF = 5,
        IIFNAME = 6,
        OIFNAME = 7,
        IIFTYPE = 8,
        OIFTYPE = 9,
        SKUID = 10,
        SKGID = 11,
        NFTRACE = 12,
        RTCLASSID = 13,
        SECMARK = 14,
        NFPROTO = 15,
        L4PROTO = 16,
        BRI_IIFNAME = 17,
        BRI_OIFNAME = 18,
        PKTTYPE = 19,
        CPU = 20,
        IIFGROUP = 21,
        OIFGROUP = 22,
        CGROUP = 23,
        PRANDOM = 24,
        SECPATH = 25,
        IIFKIND = 26,
        OIFKIND = 27,
        BRI_IIFPVID = 28,
        BRI_IIFVPROTO = 29,
        TIME_NS = 30,
        TIME_DAY = 31,
        TIME_HOUR = 32,
        SDIF = 33,
        SDIFNAME = 34,
        BRI_BROUTE = 35,
    }
}

attributes! {
    /// Loads what is known of a packet into a register, or sets it from one.
    pub struct Meta<'a> = "NFTA_META_" {
        /// What is loaded or set.
        2 KEY => key: Option<MetaKey>,
        /// Where it goes, when loading.
        1 DREG => dreg: Option<Register>,
        /// Where it comes from, when setting.
        3 SREG => sreg: Option<Register>,
    }
}
