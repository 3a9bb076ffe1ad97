use crate::codec::attributes;
use crate::nft::{Family, Register};

attributes! {
    /// Gives the packet to a local transparent socket.
    pub struct Tproxy<'a> = "NFTA_TPROXY_" {
        /// The address's family.
        1 FAMILY => family: Option<Family>,
        /// The socket's address.
        2 REG_ADDR => address: Option<Register>,
        /// The socket's port.
        3 REG_PORT => port: Option<Register>,
    }
}
