//! What `iptables2` reads besides rulesets and arguments, as a library: for other readers, and for fuzzers.
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

pub mod capture;
pub mod scenario_file;
