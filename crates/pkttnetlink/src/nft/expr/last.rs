use crate::codec::attributes;

attributes! {
    /// Remembers when a packet last came by.
    pub struct Last<'a> = "NFTA_LAST_" {
        /// Not 0 when one did.
        1 SET => set: Option<u32>,
        /// How many milliseconds ago.
        2 MSECS => milliseconds: Option<u64>,
    }
}
