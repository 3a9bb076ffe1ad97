use crate::Text;
use crate::codec::attributes;
use crate::nft::{Family, Register};

attributes! {
    /// Sends a copy of the packet to another host or device.
    pub struct Dup<'a> = "NFTA_DUP_" {
        /// The host's address.
        1 SREG_ADDR => sreg_address: Option<Register>,
        /// The device's index.
        2 SREG_DEV => sreg_device: Option<Register>,
    }
}

attributes! {
    /// Sends the packet out through another device (family netdev).
    pub struct Fwd<'a> = "NFTA_FWD_" {
        /// The device's index.
        1 SREG_DEV => sreg_device: Option<Register>,
        /// The neighbour's address.
        2 SREG_ADDR => sreg_address: Option<Register>,
        /// The family of that address.
        3 NFPROTO => family: Option<Family>,
    }
}

attributes! {
    /// Hands the connection to a flowtable, so that its packets bypass the ruleset.
    pub struct FlowOffload<'a> = "NFTA_FLOW_" {
        /// The flowtable's name.
        1 TABLE_NAME => flowtable: Option<Text<'a>>,
    }
}
