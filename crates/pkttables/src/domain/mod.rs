//! The kinds of values that parameters take, one file each.

mod address;
mod integer;
mod interface;
mod mac;
mod masked;
mod port;
mod set_name;
mod text;

pub use address::{AddressRange, parse_address, parse_mask};
pub use integer::{parse_bounded, parse_unsigned};
pub use mac::Mac;
pub use masked::Masked;
pub use port::{Port, PortList, PortRange, PortsOf};
pub use set_name::SetName;
pub use text::{Text, write_quoted};
