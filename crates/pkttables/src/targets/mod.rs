//! The targets, one file each.

#[allow(unused_imports)]
use crate::registry::{Describe, Descriptor};

crate::registry::extensions! {}
