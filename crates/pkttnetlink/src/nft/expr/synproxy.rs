use crate::codec::{attributes, flags};

flags! {
    /// The TCP options of the proxy (`linux/netfilter/nf_synproxy.h`).
    pub struct SynproxyFlags: u32 = "NF_SYNPROXY_OPT_" {
        MSS = 1,
        WSCALE = 2,
        SACK_PERM = 4,
        TIMESTAMP = 8,
        ECN = 16,
    }
}

attributes! {
    /// Completes TCP handshakes in the server's place.
    pub struct Synproxy<'a> = "NFTA_SYNPROXY_" {
        /// The server's maximum segment size.
        1 MSS => mss: Option<u16>,
        /// The server's window scale.
        2 WSCALE => window_scale: Option<u8>,
        /// The server's TCP options.
        3 FLAGS => flags: Option<SynproxyFlags>,
    }
}
