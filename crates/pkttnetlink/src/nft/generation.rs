use crate::Text;
use crate::codec::attributes;

attributes! {
    /// The generation of the ruleset, which every commit raises.
    pub struct Generation<'a> = "NFTA_GEN_" {
        /// Its number; never 0.
        1 ID => id: Option<u32>,
        /// The process whose commit it was.
        2 PROC_PID => process_id: Option<u32>,
        /// That process's name.
        3 PROC_NAME => process_name: Option<Text<'a>>,
    }
}
