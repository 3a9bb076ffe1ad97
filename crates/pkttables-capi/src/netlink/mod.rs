//! The two lower layers, for programs that speak to the kernel's netfilter subsystems in messages of their own: in
//! place of libnfnetlink and libmnl.

pub mod socket;

pub mod writer;

pub mod batch;

pub mod message;

pub mod attribute;
