use crate::codec::attributes;

attributes! {
    /// Counts packets and bytes.
    pub struct Counter<'a> = "NFTA_COUNTER_" {
        /// How many bytes.
        1 BYTES => bytes: Option<u64>,
        /// How many packets.
        2 PACKETS => packets: Option<u64>,
    }
}
