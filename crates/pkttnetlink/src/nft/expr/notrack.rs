use crate::codec::attributes;

attributes! {
    /// Exempts the packet from connection tracking.
    pub struct Notrack<'a> = "" {
    }
}
