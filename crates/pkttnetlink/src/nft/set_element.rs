use super::data::Data;
use super::expr::Expression;
use crate::codec::{attributes, flags, list_element};
use crate::{Bytes, Text};

flags! {
    /// What an element is like.
    pub struct SetElementFlags: u32 = "NFT_SET_ELEM_" {
        /// The first value behind an interval.
        INTERVAL_END = 1,
        /// What all keys find that find no other element.
        CATCHALL = 2,
    }
}

attributes! {
    /// An element of a set or map.
    pub struct SetElement<'a> = "NFTA_SET_ELEM_" {
        /// Its key.
        1 KEY => key: Option<Data<'a>>,
        /// The last key of a range of concatenations.
        10 KEY_END => key_end: Option<Data<'a>>,
        /// A map's value.
        2 DATA => data: Option<Data<'a>>,
        /// An expression that it carries.
        7 EXPR => expression: Option<Box<Expression<'a>>>,
        /// Expressions that it carries, if more than one.
        11 EXPRESSIONS => expressions: Vec<Expression<'a>>,
        /// The name of the object that it carries.
        9 OBJREF => object: Option<Text<'a>>,
        /// What it is like.
        3 FLAGS => flags: Option<SetElementFlags>,
        /// After how many milliseconds it times out.
        4 TIMEOUT => timeout: Option<u64>,
        /// In how many milliseconds it will have.
        5 EXPIRATION => expiration: Option<u64>,
        /// What programs keep with it (see [`UserData`](super::UserData)).
        6 USERDATA => user_data: Option<Bytes<'a>>,
    }
}

list_element!(SetElement, at most 16384);

attributes! {
    /// Elements of one set.
    pub struct SetElements<'a> = "NFTA_SET_ELEM_LIST_" {
        /// The table the set is in.
        1 TABLE => table: Option<Text<'a>>,
        /// The set's name.
        2 SET => set: Option<Text<'a>>,
        /// The same by the id given to it within the batch.
        4 SET_ID => set_id: Option<u32>,
        /// The elements.
        3 ELEMENTS => elements: Vec<SetElement<'a>>,
    }
}
