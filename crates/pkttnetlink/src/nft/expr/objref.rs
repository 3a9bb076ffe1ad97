use crate::Text;
use crate::codec::attributes;
use crate::nft::{ObjectType, Register};

attributes! {
    /// Applies a named object: one given by name, or one that a map gives for a register.
    pub struct Objref<'a> = "NFTA_OBJREF_" {
        /// The object's name.
        2 IMM_NAME => name: Option<Text<'a>>,
        /// The object's type.
        1 IMM_TYPE => object_type: Option<ObjectType>,
        /// The key to look up.
        3 SET_SREG => sreg: Option<Register>,
        /// The map's name.
        4 SET_NAME => set: Option<Text<'a>>,
        /// The same by the id given to it within the batch.
        5 SET_ID => set_id: Option<u32>,
    }
}
