//! The C API of pkttables. What it is for C stands in `include/pkttables.h`, which is made from these sources.
//!
//! The library crates are wrapped one subject a file. Handles are opaque; a pointer that may be NULL is an
//! `Option` here. Every entry runs in `guard`, which keeps panics in, and what is `unsafe` stands in `ffi`.
#![allow(non_camel_case_types, reason = "the names are those that C programs use")]
#![allow(unsafe_code, reason = "C calls these functions by their names; unsafe blocks are in `ffi` alone")]
#![deny(clippy::undocumented_unsafe_blocks)]
#![cfg_attr(
    not(test),
    warn(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::unreachable,
        clippy::indexing_slicing,
        clippy::string_slice
    )
)]

// In the order in which a C program meets them; the header has its functions in this order.
pub mod version;

pub mod error;

pub mod names;

pub mod registry;

pub mod extension;

pub mod param;

pub mod ruleset;

pub mod chain;

pub mod rule;

pub mod part;

pub mod compose;

pub mod edit;

pub mod kernel;

pub mod plan;

pub mod transaction;

pub mod events;

pub mod host;

pub mod eval;

pub mod netlink;

// What the entries share.
mod failure;
pub mod ffi;
mod guard;
mod link;
