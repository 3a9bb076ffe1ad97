//! What the Linux packet filter would do with a packet, and why, without a kernel.
//!
//! [`Evaluator`] takes a ruleset and packets; a [`Host`], or another
//! [`Environment`](pkttables::registry::Environment), answers what follows from neither. [`conntrack`] tracks and
//! translates connections.
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

pub mod builder;
mod checksum;
pub mod conntrack;
mod copies;
mod error;
mod evaluator;
mod event;
mod header;
mod host;
mod ip_options;
pub mod ipset;
mod log;
mod needs;
mod network;
mod program;
mod quick;
mod reject;
mod scenario;
mod setup;
mod stack;
mod tracking;
mod walk;
mod why;
mod working;

pub use copies::Copied;
pub use error::Error;
pub use evaluator::{Evaluator, Fate, Origin, RuleName, Verdict};
pub use event::{Event, Observer, Record, Report};
pub use host::Host;
pub use log::LogLine;
pub use program::Linear;
pub use scenario::{Difference, Expected, FIELDS, Scenario, SendError, Sent};
pub use setup::{Setup, SetupError};
pub use walk::{Decision, Judge, Judgement, Place, World};
pub use why::Reason;
pub use working::Working;

/// The examples of the README are tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
