use crate::domain::SetName;
use crate::model::Family;
use nfnetlink::Error;

/// The sets that a kernel keeps: the structures of rules know them by number, people by name.
pub trait Sets {
    /// The set called `name`, if there is one.
    fn find(&self, name: &SetName) -> Option<SetEntry>;

    /// The name of the set with this number, if there is one.
    fn name(&self, index: u16) -> Option<SetName>;

    /// Forgets what was found, so that the kernel is asked again: sets can be renamed and swapped.
    fn forget(&self) {}

    /// Why the kernel could not be asked, where a set was not found for that reason.
    fn take_error(&self) -> Option<Error> {
        None
    }
}

/// What the kernel knows of a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SetEntry {
    /// Its number.
    pub index: u16,
    /// The family of the addresses in it; `None` if it suits both.
    pub family: Option<Family>,
}

/// A kernel without sets, or one that cannot be asked.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoSets;

impl Sets for NoSets {
    fn find(&self, _: &SetName) -> Option<SetEntry> {
        None
    }

    fn name(&self, _: u16) -> Option<SetName> {
        None
    }
}
