use crate::codec::{attributes, flags, named};
use crate::nft::Register;

named! {
    /// What is known of a packet's connection.
    pub struct CtKey(u32) = "NFT_CT_" {
        /// A bit of [`CtState`].
        STATE = 0,
        DIRECTION = 1,
        /// Bits of [`CtStatus`].
        STATUS = 2,
        MARK = 3,
        SECMARK = 4,
        EXPIRATION = 5,
        HELPER = 6,
        L3PROTOCOL = 7,
        SRC = 8,
        DST = 9,
        PROTOCOL = 10,
        PROTO_SRC = 11,
        PROTO_DST = 12,
        LABELS = 13,
        PKTS = 14,
        BYTES = 15,
        AVGPKT = 16,
        ZONE = 17,
        EVENTMASK = 18,
        SRC_IP = 19,
        DST_IP = 20,
        SRC_IP6 = 21,
        DST_IP6 = 22,
        ID = 23,
    }
}

named! {
    /// Which of a connection's two directions is meant (`enum ip_conntrack_dir`).
    pub struct CtDirection(u8) = "IP_CT_DIR_" {
        ORIGINAL = 0,
        REPLY = 1,
    }
}

flags! {
    /// The values of [`CtKey::STATE`] (`NF_CT_STATE_BIT` of `enum ip_conntrack_info`).
    pub struct CtState: u32 = "NF_CT_STATE_" {
        INVALID = 1,
        ESTABLISHED = 2,
        RELATED = 4,
        NEW = 8,
        UNTRACKED = 64,
    }
}

flags! {
    /// The values of [`CtKey::STATUS`] (`enum ip_conntrack_status`).
    pub struct CtStatus: u32 = "IPS_" {
        EXPECTED = 1,
        SEEN_REPLY = 2,
        ASSURED = 4,
        CONFIRMED = 8,
        SRC_NAT = 16,
        DST_NAT = 32,
        SEQ_ADJUST = 64,
        SRC_NAT_DONE = 128,
        DST_NAT_DONE = 256,
        DYING = 512,
        FIXED_TIMEOUT = 1024,
        TEMPLATE = 2048,
        UNTRACKED = 4096,
        HELPER = 8192,
        OFFLOAD = 16384,
        HW_OFFLOAD = 32768,
    }
}

attributes! {
    /// Loads what is known of the connection into a register, or sets it from one.
    pub struct Ct<'a> = "NFTA_CT_" {
        /// Where it goes, when loading.
        1 DREG => dreg: Option<Register>,
        /// Where it comes from, when setting.
        4 SREG => sreg: Option<Register>,
        /// What is loaded or set.
        2 KEY => key: Option<CtKey>,
        /// Which direction's.
        3 DIRECTION => direction: Option<CtDirection>,
    }
}
