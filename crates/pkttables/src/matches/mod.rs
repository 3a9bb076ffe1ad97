//! The matches, one file each.

use crate::registry::{Describe, Descriptor};

crate::registry::extensions! {
    length::Length,
    multiport::Multiport,
    tcp::Tcp,
    udp::Udp,
}
