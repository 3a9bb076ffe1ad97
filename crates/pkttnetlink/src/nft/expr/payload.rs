use crate::codec::{attributes, flags, named};
use crate::nft::Register;

named! {
    /// Where an offset into the packet counts from.
    pub struct PayloadBase(u32) = "NFT_PAYLOAD_" {
        LL_HEADER = 0,
        NETWORK_HEADER = 1,
        TRANSPORT_HEADER = 2,
        INNER_HEADER = 3,
        /// Within an `inner` expression only.
        TUN_HEADER = 4,
    }
}

named! {
    /// Which checksum is adjusted when the packet is written to.
    pub struct ChecksumType(u32) = "NFT_PAYLOAD_CSUM_" {
        NONE = 0,
        INET = 1,
        SCTP = 2,
    }
}

flags! {
    /// More about the checksum.
    pub struct ChecksumFlags: u32 = "NFT_PAYLOAD_" {
        /// The transport checksum covers a pseudo header, and the address in it changes.
        L4CSUM_PSEUDOHDR = 1,
    }
}

attributes! {
    /// Loads bytes of the packet into a register, or writes a register into the packet.
    pub struct Payload<'a> = "NFTA_PAYLOAD_" {
        /// Where the bytes go, when loading.
        1 DREG => dreg: Option<Register>,
        /// Where the bytes come from, when writing.
        5 SREG => sreg: Option<Register>,
        /// Where the offset counts from.
        2 BASE => base: Option<PayloadBase>,
        /// The first byte.
        3 OFFSET => offset: Option<u32>,
        /// How many bytes.
        4 LEN => len: Option<u32>,
        /// The checksum to adjust, when writing.
        6 CSUM_TYPE => checksum_type: Option<ChecksumType>,
        /// Where it lies, from the same base.
        7 CSUM_OFFSET => checksum_offset: Option<u32>,
        /// More about it.
        8 CSUM_FLAGS => checksum_flags: Option<ChecksumFlags>,
    }
}
