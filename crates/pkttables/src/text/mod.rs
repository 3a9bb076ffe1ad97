//! The iptables language: words, options, commands, save files, and what is wrong with them.
//!
//! [`Parser`] reads a command line, or a line of a save file, into an [`Invocation`]; [`Reader`] walks through
//! a save file, [`save`] prints rules and tables as iptables-save does.

mod address;
mod chains;
mod collect;
mod command;
mod diagnostic;
mod draft;
mod header;
mod hints;
mod lex;
mod line;
mod meaning;
mod number;
mod opaque;
mod options;
mod parser;
mod problem;
mod restore;
mod rule;
pub mod save;
mod suggest;

pub use address::{Resolver, resolve_host};
pub use collect::read_ruleset;
pub use command::{Command, Invocation, Listing, Output, Rules, Wait, Zero};
pub use diagnostic::Diagnostic;
pub use lex::{LexError, Words};
pub use parser::{Parser, Warning};
pub use problem::{Problem, Refusal};
pub use restore::{ChainLine, Event, ReadOptions, Reader};
pub use suggest::nearest;
