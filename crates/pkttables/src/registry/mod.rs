//! The matches and targets that exist, and what each says about itself.
//!
//! An extension is one typed struct. [`extension!`](crate::extension) turns it, its doc comments and one line
//! per parameter into a [`Descriptor`], from which come parsing, printing, validation, queries and help; the
//! [`Extension`] trait adds its kernel layouts.

mod build;
mod builtin;
#[cfg(test)]
mod captured;
mod choices;
mod complete;
mod describe;
mod domain;
mod environment;
mod evaluate;
mod extension;
mod info;
mod lister;
mod lookup;
mod macros;
mod memory;
mod native;
mod query;
pub(crate) use macros::extensions;
mod sample;
mod sets;
pub mod sight;
#[cfg(test)]
pub(crate) mod testing;
mod value;

pub use build::{Builder, ParamError, ParamProblem};
pub use complete::Completion;
pub use describe::{
    Decoded, Descriptor, FromNativeErased, Help, Kind, OwnLayout, Param, Require, RevisionInfo, Sight,
};
pub use domain::{Choice, Domain, ObjectKind};
pub use environment::{Environment, Route, Socket, address_type_of_number};
pub use evaluate::{
    Action, Answer, Backend, Connections, Context, Edit, Handshake, Outcome, Template, Translation,
};
pub use extension::{Describe, Extension, Instance, Revision, RuleScope};
pub use info::{InfoError, InfoReader, InfoWriter};
pub use lister::{Lister, bang};
pub use lookup::Registry;
pub use memory::{Shared, Slot};
pub use native::{Condition, FromNative, Load, Native, NativeWriter, Recognised, Test};
pub use sample::Pick;
pub use sets::{NoSets, SetEntry, Sets};
pub use value::{Flag, Scope, SetResult, Sink, Value, ValueError, WriteValue};

#[doc(hidden)]
pub use bitflags;
#[doc(hidden)]
pub use extension::{decode_erased, downcast_mut, downcast_ref, from_native_erased, revision_of};
