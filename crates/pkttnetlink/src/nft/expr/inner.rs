use super::Expression;
use crate::codec::{attributes, flags, named};

named! {
    /// Which tunnel is looked into.
    pub struct InnerType(u32) = "NFT_INNER_" {
        UNSPEC = 0,
        VXLAN = 1,
        GENEVE = 2,
    }
}

flags! {
    /// Which headers there are inside.
    pub struct InnerFlags: u32 = "NFT_INNER_" {
        /// A tunnel header of known size.
        HDRSIZE = 1,
        LL = 2,
        NH = 4,
        TH = 8,
    }
}

attributes! {
    /// Runs an expression on the packet inside a tunnel.
    pub struct Inner<'a> = "NFTA_INNER_" {
        /// How deep; always 0.
        1 NUM => number: Option<u32>,
        /// Which tunnel.
        2 TYPE => inner_type: Option<InnerType>,
        /// Which headers there are.
        3 FLAGS => flags: Option<InnerFlags>,
        /// The size of the tunnel's header.
        4 HDRSIZE => header_size: Option<u32>,
        /// The expression: payload or meta.
        5 EXPR => expression: Option<Box<Expression<'a>>>,
    }
}
