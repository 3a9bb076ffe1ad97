//! A rule as iptables-nft keeps it in nf_tables expressions, and back.

mod decode;
mod encode;
mod header;
pub(crate) mod ports;
pub(crate) mod template;
#[cfg(test)]
mod tests;

pub use decode::{RuleBody, read_rule};
pub use encode::{Revisions, RuleEncoder, RuleError};
