//! The kinds of values that parameters take, one file each.

mod address;
mod hex_mask;
mod hop_change;
mod icmp;
mod integer;
mod interface;
mod log_prefix;
mod mac;
mod mark_change;
mod masked;
mod port;
mod set_lookup;
mod set_name;
mod text;

pub use address::{AddressRange, parse_address, parse_mask};
pub use hex_mask::HexMask;
pub use hop_change::{HopChange, HopStep};
pub use icmp::IcmpType;
pub use integer::{parse_bounded, parse_unsigned};
pub use log_prefix::LogPrefix;
pub use mac::Mac;
pub use mark_change::MarkChange;
pub use masked::Masked;
pub use port::{Port, PortList, PortRange, PortsOf};
pub use set_lookup::{Direction, Directions, SetLookup};
pub use set_name::SetName;
pub use text::{Text, write_quoted};
