use crate::codec::{attributes, named};
use crate::nft::Register;

named! {
    /// What is known of the tunnel a packet came through.
    pub struct TunnelKey(u32) = "NFT_TUNNEL_" {
        /// Whether there is one.
        PATH = 0,
        ID = 1,
    }
}

named! {
    /// Which side of the tunnel is meant.
    pub struct TunnelMode(u32) = "NFT_TUNNEL_MODE_" {
        NONE = 0,
        RX = 1,
        TX = 2,
    }
}

attributes! {
    /// Loads what is known of the packet's tunnel into a register.
    pub struct Tunnel<'a> = "NFTA_TUNNEL_" {
        /// What is loaded.
        1 KEY => key: Option<TunnelKey>,
        /// Where it goes.
        2 DREG => dreg: Option<Register>,
        /// Which side.
        3 MODE => mode: Option<TunnelMode>,
    }
}
