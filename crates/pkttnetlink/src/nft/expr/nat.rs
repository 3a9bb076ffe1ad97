use crate::codec::{attributes, named};
use crate::nft::{Family, NatFlags, Register};

named! {
    /// Which end is translated.
    pub struct NatType(u32) = "NFT_NAT_" {
        SNAT = 0,
        DNAT = 1,
    }
}

attributes! {
    /// Translates the source or destination to addresses and ports from registers.
    pub struct Nat<'a> = "NFTA_NAT_" {
        /// Which end.
        1 TYPE => nat_type: Option<NatType>,
        /// The addresses' family.
        2 FAMILY => family: Option<Family>,
        /// The first address.
        3 REG_ADDR_MIN => address_min: Option<Register>,
        /// The last address.
        4 REG_ADDR_MAX => address_max: Option<Register>,
        /// The first port.
        5 REG_PROTO_MIN => port_min: Option<Register>,
        /// The last port.
        6 REG_PROTO_MAX => port_max: Option<Register>,
        /// How they are chosen.
        7 FLAGS => flags: Option<NatFlags>,
    }
}

attributes! {
    /// Translates the source to the address of the outgoing interface.
    pub struct Masquerade<'a> = "NFTA_MASQ_" {
        /// How the port is chosen.
        1 FLAGS => flags: Option<NatFlags>,
        /// The first port.
        2 REG_PROTO_MIN => port_min: Option<Register>,
        /// The last port.
        3 REG_PROTO_MAX => port_max: Option<Register>,
    }
}

attributes! {
    /// Translates the destination to the host itself.
    pub struct Redirect<'a> = "NFTA_REDIR_" {
        /// The first port.
        1 REG_PROTO_MIN => port_min: Option<Register>,
        /// The last port.
        2 REG_PROTO_MAX => port_max: Option<Register>,
        /// How the port is chosen.
        3 FLAGS => flags: Option<NatFlags>,
    }
}
