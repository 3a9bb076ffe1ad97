//! Connection tracking: connections, their states, the connections expected, fragments and address translation.

pub(crate) mod crc32c;
mod entry;
mod expect;
mod fragments;
mod headers;
mod helper;
mod index;
mod nat;
mod protocol;
mod settings;
mod table;
#[cfg(test)]
mod tests;
mod track;
mod tuple;
mod wheel;

pub use entry::{Connection, ConnectionId, Zone};
pub use fragments::{Cuts, Place, Reassembled, Reassembly};
pub(crate) use headers::skip_extensions;
pub use helper::{Helper, Unread};
pub use nat::{Manipulation, NatRange, Random};
pub use settings::{SettingError, Settings};
pub use track::{Conntrack, Entry, Pass, Tracking};
