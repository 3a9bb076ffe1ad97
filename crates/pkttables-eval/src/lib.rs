//! What the Linux packet filter would do with a packet, and why, without a kernel.

pub mod conntrack;
