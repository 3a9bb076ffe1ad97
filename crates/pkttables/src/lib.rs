//! Rulesets of the Linux packet filter, typed and self-described.
//!
//! - [`model`]: families, tables, hooks, chains, rules.
//! - [`registry`]: which matches and targets exist, which parameters they take, what those accept.
//! - [`domain`]: the kinds of values that parameters take.
//! - [`mod@matches`] and [`targets`]: the extensions, one file each.
//! - [`text`]: the iptables language, from words to save files.
//! - [`nft`]: a rule as iptables-nft keeps it in nf_tables expressions.
//! - [`packet`]: packets as rules see them, for the evaluation of rules without a kernel.
//! - [`kernel`]: reading the rulesets of a kernel, and changing them.
//! - [`cache`]: one copy of what the kernel holds, found by name, number and handle.
//! - [`edit`]: edits by chain names and rule numbers.
//! - [`plan`]: the least change that makes a table what it shall be.
//! - `json`: rulesets and descriptions as JSON, and their JSON Schema; with the feature of that name.
//! - [`system`]: the names of services, protocols, accounts and more on this system.
#![forbid(unsafe_code)]
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

pub mod cache;
pub mod domain;
pub mod edit;
#[cfg(feature = "json")]
pub mod json;
pub mod kernel;
pub mod matches;
pub mod model;
pub mod nft;
pub mod packet;
pub mod plan;
pub mod registry;
pub mod system;
pub mod targets;
pub mod text;

/// The examples of the README are tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
