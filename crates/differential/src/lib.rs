//! Random rulesets and random packets, judged by the real kernel and by the evaluator.
//!
//! A [`Trial`] lives in a network namespace with a router of four interfaces. The kernel and the evaluator get the same
//! rules; then packets are made one after another, often as answers to what just left, and each goes through both.
//! What leaves, what comes to local sockets and what is answered must be the same for each packet, and in the end
//! all counters must. [`shrunk`] makes a failure small.

mod compare;
mod kernel;
mod manner;
mod nflog;
pub mod packets;
mod recording;
pub mod rules;
mod sets;
mod shrink;
mod topology;
mod trial;

pub use compare::differences;
pub use kernel::{Observed, Router, program};
pub use manner::Manner;
pub use recording::Recording;
pub use shrink::{repeats, shrunk};
pub use topology::{PORTS, Port, host};
pub use trial::{Failure, Outcome, Plan, Trial, random, replay, replay_for, traced};

/// A packet that is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// Where it comes from.
    pub source: Source,
    /// How many milliseconds pass before.
    pub after: u64,
    /// The bytes from the network header on.
    pub bytes: Vec<u8>,
}

/// Where a packet comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// From the network, by one of the [`PORTS`].
    Wire {
        /// Which.
        port: usize,
        /// The link address that it is sent to.
        destination: [u8; 6],
    },
    /// From this host.
    Own {
        /// By which of the [`PORTS`] it leaves.
        port: usize,
    },
}
