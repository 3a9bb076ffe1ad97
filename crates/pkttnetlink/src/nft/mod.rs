//! nf_tables and nft_compat (`linux/netfilter/nf_tables.h`, `nf_tables_compat.h`).

mod chain;
mod common;
mod compat;
mod data;
pub mod expr;
mod generation;
mod message;
mod rule;
mod table;
#[cfg(test)]
mod tests;
mod user_data;

pub use chain::{Chain, ChainCounters, ChainFlags, ChainHook, Hook, IngressHook};
pub use common::{Device, Family, NatFlags, Register};
pub use compat::{Compat, CompatKind};
pub use data::{Data, Verdict, VerdictCode};
pub use generation::Generation;
pub use message::{Body, Message, UnknownBody, kind};
pub use rule::{Rule, RuleCompat, RuleCompatFlags};
pub use table::{Table, TableFlags};
pub use user_data::{UserData, UserDataEntry};
