use pkttnetlink::nft::{Flowtable as FlowtableMessage, ObjectData, ObjectType};

use super::table::Name;

/// A named object.
#[derive(Clone, Debug)]
pub(crate) struct Object {
    pub(crate) name: Name,
    pub(crate) handle: u64,
    pub(crate) object_type: ObjectType,
    pub(crate) data: ObjectData<'static>,
    pub(crate) user_data: Box<[u8]>,
    /// How many rules and elements refer to it.
    pub(crate) uses: u32,
}

/// A flowtable, in the form in which it is told.
#[derive(Clone, Debug)]
pub(crate) struct Flowtable {
    pub(crate) name: Name,
    pub(crate) handle: u64,
    pub(crate) content: FlowtableMessage<'static>,
    /// How many rules refer to it.
    pub(crate) uses: u32,
}
