use super::expr::Expression;
use super::object::ObjectType;
use crate::codec::{attributes, flags, list_element, named};
use crate::{Bytes, Text};

flags! {
    /// What a set is like.
    pub struct SetFlags: u32 = "NFT_SET_" {
        /// It belongs to one rule and goes with it; `%d` in its name becomes a number.
        ANONYMOUS = 1,
        /// Its elements stay as they are once a rule uses it.
        CONSTANT = 2,
        /// Its elements are the ends of intervals.
        INTERVAL = 4,
        /// Its elements carry values.
        MAP = 8,
        /// Its elements can time out.
        TIMEOUT = 16,
        /// Rules add elements to it.
        EVAL = 32,
        /// Its elements carry objects.
        OBJECT = 64,
        /// Its keys are concatenations.
        CONCAT = 128,
        /// Its elements carry expressions.
        EXPR = 256,
    }
}

named! {
    /// What the kernel is to choose a set's representation for.
    pub struct SetPolicy(u32) = "NFT_SET_POL_" {
        PERFORMANCE = 0,
        MEMORY = 1,
    }
}

named! {
    /// What keys and values mean to programs that list sets. The kernel stores it; the numbers are those of `nft`.
    ///
    /// A concatenation has six bits for each of its parts, the last part lowest.
    pub struct DataType(u32) = "TYPE_" {
        INVALID = 0,
        /// A verdict, in rules and keys; for a map's values see [`DataType::VERDICT_MAP`].
        VERDICT = 1,
        NFPROTO = 2,
        BITMASK = 3,
        INTEGER = 4,
        STRING = 5,
        LLADDR = 6,
        IPADDR = 7,
        IP6ADDR = 8,
        ETHERADDR = 9,
        ETHERTYPE = 10,
        ARPOP = 11,
        INET_PROTOCOL = 12,
        INET_SERVICE = 13,
        ICMP_TYPE = 14,
        TCP_FLAG = 15,
        DCCP_PKTTYPE = 16,
        MH_TYPE = 17,
        TIME = 18,
        MARK = 19,
        IFINDEX = 20,
        ARPHRD = 21,
        REALM = 22,
        CLASSID = 23,
        UID = 24,
        GID = 25,
        CT_STATE = 26,
        CT_DIR = 27,
        CT_STATUS = 28,
        ICMP6_TYPE = 29,
        CT_LABEL = 30,
        PKTTYPE = 31,
        ICMP_CODE = 32,
        ICMPV6_CODE = 33,
        ICMPX_CODE = 34,
        DEVGROUP = 35,
        DSCP = 36,
        ECN = 37,
        FIB_ADDR = 38,
        BOOLEAN = 39,
        CT_EVENTBIT = 40,
        IFNAME = 41,
        IGMP_TYPE = 42,
        TIME_DATE = 43,
        TIME_HOUR = 44,
        TIME_DAY = 45,
        CGROUPV2 = 46,
        /// The values of a verdict map (the kernel's own `NFT_DATA_VERDICT`).
        VERDICT_MAP = 0xffff_ff00,
    }
}

attributes! {
    /// One part of a concatenated key.
    pub struct SetField<'a> = "NFTA_SET_FIELD_" {
        /// Its length in bytes.
        1 LEN => len: Option<u32>,
    }
}

list_element!(SetField, at most 16);

attributes! {
    /// What helps the kernel to choose a set's representation.
    pub struct SetDescription<'a> = "NFTA_SET_DESC_" {
        /// How many elements there may be.
        1 SIZE => size: Option<u32>,
        /// The parts of concatenated keys.
        2 CONCAT => fields: Vec<SetField<'a>>,
    }
}

attributes! {
    /// A set or map.
    pub struct Set<'a> = "NFTA_SET_" {
        /// The table it is in.
        1 TABLE => table: Option<Text<'a>>,
        /// Its name, unique in the table.
        2 NAME => name: Option<Text<'a>>,
        /// The number that the kernel gave it.
        16 HANDLE => handle: Option<u64>,
        /// What it is like.
        3 FLAGS => flags: Option<SetFlags>,
        /// What its keys mean.
        4 KEY_TYPE => key_type: Option<DataType>,
        /// How long its keys are.
        5 KEY_LEN => key_len: Option<u32>,
        /// What its values mean.
        6 DATA_TYPE => data_type: Option<DataType>,
        /// How long its values are.
        7 DATA_LEN => data_len: Option<u32>,
        /// What type of object its elements carry.
        15 OBJ_TYPE => object_type: Option<ObjectType>,
        /// After how many milliseconds its elements time out.
        11 TIMEOUT => timeout: Option<u64>,
        /// How often in milliseconds such elements are removed.
        12 GC_INTERVAL => gc_interval: Option<u32>,
        /// What its representation is chosen for.
        8 POLICY => policy: Option<SetPolicy>,
        /// What programs keep with it (see [`UserData`](super::UserData)).
        13 USERDATA => user_data: Option<Bytes<'a>>,
        /// What helps to choose its representation.
        9 DESC => description: Option<SetDescription<'a>>,
        /// The number by which the rest of the batch names it.
        10 ID => id: Option<u32>,
        /// The representation that the kernel chose; not for requests.
        19 TYPE => set_type: Option<Text<'a>>,
        /// How many elements there are; not for requests.
        20 COUNT => count: Option<u32>,
        /// An expression that each element carries.
        17 EXPR => expression: Option<Box<Expression<'a>>>,
        /// Expressions that each element carries, if more than one.
        18 EXPRESSIONS => expressions: Vec<Expression<'a>>,
    }
}
