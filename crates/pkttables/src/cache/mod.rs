//! One copy of what the kernel holds.
//!
//! A [`Cache`] is filled by dumps as far as it is asked for, and holds for one generation; a [`LiveCache`] follows the
//! kernel's events from one to the next. A chain is found by name
//! at once, a rule by number or handle in logarithmic time, and rules are put in and taken out in logarithmic
//! time ([`List`]). [`Calls`] knows which chain calls which, and finds loops and ladders that the kernel refuses.

mod callers;
mod calls;
mod difference;
mod fingerprint;
mod handles;
mod list;
mod live;
mod order;
mod rules;
mod table;

pub use calls::{Calls, DEPTH, Endless};
pub use difference::{Difference, Differences};
pub(crate) use fingerprint::Fingerprints;
pub use list::{ItemId, Iter, List};
pub use live::LiveCache;
pub use rules::{CachedRule, ChainRules};
pub use table::{Cache, CachedChain, CachedTable, callee};
