//! The expressions that rules, set elements and dynamic sets are made of.

mod bitwise;
mod cmp;
mod counter;
mod element;
mod immediate;
mod limit;
mod log;
mod lookup;
mod meta;
mod nat;
mod payload;
mod range;
mod xt;

pub use bitwise::{Bitwise, BitwiseOp};
pub use cmp::{Cmp, CmpOp};
pub use counter::Counter;
pub use element::{Expression, UnknownExpression};
pub use immediate::Immediate;
pub use limit::{Limit, LimitFlags, LimitType};
pub use log::{Log, LogFlags, LogLevel};
pub use lookup::{Lookup, LookupFlags};
pub use meta::{Meta, MetaKey};
pub use nat::{Masquerade, Nat, NatType, Redirect};
pub use payload::{ChecksumFlags, ChecksumType, Payload, PayloadBase};
pub use range::{Range, RangeOp};
pub use xt::{Match, Target};
