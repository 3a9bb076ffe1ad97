//! What a ruleset consists of.

mod family;
mod header;
pub mod protocol;
mod rule;
mod ruleset;
mod table;

pub use family::{Families, Family};
pub use header::{AddressMask, Header, InterfacePattern, Negatable};
pub use rule::{Counters, Match, Opaque, Rule, Target, Verdict};
pub use ruleset::{Chain, Policy, Ruleset, Table};
pub use table::{Hook, Hooks, TableName, Tables};
