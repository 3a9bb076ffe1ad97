use crate::domain::SetName;

/// The sets that a kernel keeps: the structures of rules know them by number, people by name.
pub trait Sets {
    /// The number of the set called `name`, if there is one.
    fn index(&self, name: &SetName) -> Option<u16>;

    /// The name of the set with this number, if there is one.
    fn name(&self, index: u16) -> Option<SetName>;
}

/// A kernel without sets, or one that cannot be asked.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoSets;

impl Sets for NoSets {
    fn index(&self, _: &SetName) -> Option<u16> {
        None
    }

    fn name(&self, _: u16) -> Option<SetName> {
        None
    }
}
