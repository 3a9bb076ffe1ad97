use super::common::Family;
use super::data::{Verdict, VerdictCode};
use super::expr::{CtDirection, CtState, CtStatus};
use crate::codec::{attributes, named};
use crate::{Bytes, Text};

named! {
    /// What a trace message tells.
    pub struct TraceType(u32) = "NFT_TRACETYPE_" {
        UNSPEC = 0,
        /// The policy of a base chain was applied.
        POLICY = 1,
        /// A chain was left at its end.
        RETURN = 2,
        /// A rule matched.
        RULE = 3,
    }
}

attributes! {
    /// A step of a traced packet through the ruleset.
    pub struct Trace<'a> = "NFTA_TRACE_" {
        /// The family of the chain.
        15 NFPROTO => family: Option<Family>,
        /// What is told.
        4 TYPE => trace_type: Option<TraceType>,
        /// The packet's number, the same for all of its steps.
        6 ID => id: Option<u32>,
        /// The chain.
        2 CHAIN => chain: Option<Text<'a>>,
        /// The table.
        1 TABLE => table: Option<Text<'a>>,
        /// The rule.
        3 RULE_HANDLE => rule: Option<u64>,
        /// The rule's verdict.
        5 VERDICT => verdict: Option<Verdict<'a>>,
        /// The policy.
        16 POLICY => policy: Option<VerdictCode>,
        /// The packet's mark.
        14 MARK => mark: Option<u32>,
        /// The index of the interface it came in by.
        10 IIF => iif: Option<u32>,
        /// That interface's type (`ARPHRD_*`).
        11 IIFTYPE => iif_type: Option<u16>,
        /// The index of the interface it goes out by.
        12 OIF => oif: Option<u32>,
        /// That interface's type (`ARPHRD_*`).
        13 OIFTYPE => oif_type: Option<u16>,
        /// The beginning of the network header.
        8 NETWORK_HEADER => network_header: Option<Bytes<'a>>,
        /// The beginning of the transport header.
        9 TRANSPORT_HEADER => transport_header: Option<Bytes<'a>>,
        /// The beginning of the link layer header.
        7 LL_HEADER => link_header: Option<Bytes<'a>>,
        /// The packet's place in its connection.
        21 CT_STATE => ct_state: Option<CtState>,
        /// The packet's direction in it.
        19 CT_DIRECTION => ct_direction: Option<CtDirection>,
        /// The connection's number.
        18 CT_ID => ct_id: Option<u32>,
        /// What has become of the connection so far.
        20 CT_STATUS => ct_status: Option<CtStatus>,
    }
}
