use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::fmt;

/// A place where an extension keeps a value from packet to packet.
#[derive(Default)]
pub struct Slot(Option<Box<dyn Any + Send + Sync>>);

impl Slot {
    /// The value; `None` if there is none, or one of another type.
    pub fn get<T: Any + Send + Sync>(&mut self) -> Option<&mut T> {
        self.0.as_mut()?.downcast_mut()
    }

    /// The value, or a default one if there was none of this type.
    ///
    /// Allocates when a value is made, and then no more.
    #[expect(clippy::unreachable, reason = "the slot was made of this type just before")]
    pub fn get_or<T: Any + Send + Sync>(&mut self, new: impl FnOnce() -> T) -> &mut T {
        if self.get::<T>().is_none() {
            self.0 = None;
        }
        let value = self.0.get_or_insert_with(|| Box::new(new()));
        match value.downcast_mut() {
            Some(value) => value,
            None => unreachable!("a slot of another type"),
        }
    }
}

impl fmt::Debug for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Slot(..)" } else { "Slot" })
    }
}

/// What extensions remember by name, each kind of value for itself.
#[derive(Debug, Default)]
pub struct Shared(HashMap<TypeId, HashMap<Box<str>, Slot>>);

impl Shared {
    /// The value called `name`, or what `new` makes if there is none.
    ///
    /// Allocates when a value is made, and then no more.
    #[expect(clippy::unreachable, reason = "the name was inserted just before")]
    pub fn get_or<T: Any + Send + Sync>(&mut self, name: &str, new: impl FnOnce() -> T) -> &mut T {
        let named = self.0.entry(TypeId::of::<T>()).or_default();
        if !named.contains_key(name) {
            named.insert(name.into(), Slot::default());
        }
        match named.get_mut(name) {
            Some(slot) => slot.get_or(new),
            None => unreachable!("no slot of this name"),
        }
    }
}
