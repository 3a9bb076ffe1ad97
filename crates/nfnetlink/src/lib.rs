//! NETLINK_NETFILTER as a library: framing, attributes, batches, dumps, events and sockets.
//!
//! This layer knows no table and no rule. Everything above it works on a [`Transport`], so a program can
//! talk to the running kernel or to an in-process stand-in with the same bytes.
#![forbid(unsafe_op_in_unsafe_fn)]

pub mod wire;
