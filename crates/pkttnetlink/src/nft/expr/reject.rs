use crate::codec::{attributes, named};

named! {
    /// What the sender is told with.
    pub struct RejectType(u32) = "NFT_REJECT_" {
        /// An ICMP or ICMPv6 message of the packet's family.
        ICMP_UNREACH = 0,
        TCP_RST = 1,
        /// An ICMP or ICMPv6 message; the code is one of [`RejectCode`].
        ICMPX_UNREACH = 2,
    }
}

named! {
    /// Reasons that are the same for both families.
    pub struct RejectCode(u8) = "NFT_REJECT_ICMPX_" {
        NO_ROUTE = 0,
        PORT_UNREACH = 1,
        HOST_UNREACH = 2,
        ADMIN_PROHIBITED = 3,
    }
}

attributes! {
    /// Drops the packet and tells its sender.
    pub struct Reject<'a> = "NFTA_REJECT_" {
        /// What with.
        1 TYPE => reject_type: Option<RejectType>,
        /// The code of the message: the family's own, or of [`RejectCode`].
        2 ICMP_CODE => code: Option<u8>,
    }
}
