//! The kinds of values that parameters take, one file each.

mod address;
mod hex_mask;
mod hop_change;
mod host_mask;
mod icmp;
mod integer;
mod integer_range;
mod interface;
mod log_prefix;
mod mac;
mod mark_change;
mod masked;
mod port;
mod protocol;
mod rate;
mod set_lookup;
mod set_name;
mod text;

pub use address::{AddressRange, parse_address, parse_mask};
pub use hex_mask::HexMask;
pub use hop_change::{HopChange, HopStep};
pub use host_mask::HostMask;
pub use icmp::IcmpType;
pub use integer::{parse_bounded, parse_unsigned};
pub use log_prefix::LogPrefix;
pub use mac::Mac;
pub use mark_change::MarkChange;
pub use masked::Masked;
pub use port::{Port, PortList, PortRange, PortsOf};
pub use protocol::ProtocolNumber;
pub use rate::{Period, RateUnit};
pub use set_lookup::{Direction, Directions, SetLookup};
pub use set_name::SetName;
pub use text::{Text, write_quoted};
