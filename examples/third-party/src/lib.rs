//! A match and a target that are not part of iptables, for a kernel that has modules of these names.
//!
//! [`registry`] has them beside the built-in ones.

mod odd;
mod paint;

pub use odd::Odd;
pub use paint::{Color, Paint};

use pkttables::registry::{Describe, Registry};

/// The built-in extensions and the two of this crate.
#[must_use]
pub fn registry() -> Registry {
    let mut registry = Registry::builtin().clone();
    registry.register(Odd::DESCRIPTOR);
    registry.register(Paint::DESCRIPTOR);
    registry
}
