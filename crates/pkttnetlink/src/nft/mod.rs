//! nf_tables and nft_compat (`linux/netfilter/nf_tables.h`, `nf_tables_compat.h`).

mod chain;
mod common;
mod compat;
mod data;
pub mod expr;
mod flowtable;
mod generation;
mod message;
mod object;
mod place;
mod rule;
mod set;
mod set_element;
mod table;
#[cfg(test)]
mod tests;
mod trace;
mod user_data;

pub use chain::{Chain, ChainCounters, ChainFlags, ChainHook, Hook, IngressHook};
pub use common::{Device, Family, NatFlags, Register};
pub use compat::{Compat, CompatKind};
pub use data::{Data, Verdict, VerdictCode};
pub use flowtable::{Flowtable, FlowtableFlags, FlowtableHook};
pub use generation::Generation;
pub use message::{Body, Message, UnknownBody, kind};
pub use object::{CtExpect, CtHelper, CtTimeout, Object, ObjectData, ObjectType, Secmark, Timeout};
pub use place::{Place, Step};
pub use rule::{Rule, RuleCompat, RuleCompatFlags};
pub use set::{DataType, Set, SetDescription, SetField, SetFlags, SetPolicy};
pub use set_element::{SetElement, SetElementFlags, SetElements};
pub use table::{Table, TableFlags};
pub use trace::{Trace, TraceType};
pub use user_data::{UserData, UserDataEntry};
