//! The kinds of values that parameters take, one file each.

mod address;
mod dscp;
mod hex_mask;
mod hop_change;
mod hop_test;
mod host_mask;
mod icmp;
mod integer;
mod integer_range;
mod interface;
mod ipv6_options;
mod log_prefix;
mod mac;
mod mark_change;
mod masked;
mod name;
mod nat_ports;
mod nat_range;
mod object_name;
mod port;
mod prefix_len;
mod protocol;
mod rate;
mod set_lookup;
mod set_name;
mod text;
mod tos;
mod u32_range;

pub use address::{AddressRange, parse_address, parse_mask, parse_strict_address};
pub use dscp::{Dscp, DscpClass};
pub use hex_mask::HexMask;
pub use hop_change::{HopChange, HopStep};
pub use hop_test::HopTest;
pub use host_mask::HostMask;
pub use icmp::IcmpType;
pub use integer::{parse_bounded, parse_unsigned};
pub use ipv6_options::{Ipv6Options, Ipv6OptionsTest};
pub use log_prefix::LogPrefix;
pub use mac::Mac;
pub use mark_change::MarkChange;
pub use masked::Masked;
pub use name::Name;
pub use nat_ports::NatPorts;
pub use nat_range::{Endpoints, NatFlags, NatRange};
pub use object_name::{
    HelperName, InterfaceName, RateEstimatorName, SecurityContext, TimeoutPolicyName, TimerLabel,
};
pub use port::{Port, PortList, PortRange, PortsOf};
pub use prefix_len::PrefixLen;
pub use protocol::ProtocolNumber;
pub use rate::{Period, RateUnit};
pub use set_lookup::{Direction, Directions, SetLookup};
pub use set_name::SetName;
pub use text::{Text, write_quoted};
pub use tos::Tos;
pub use u32_range::U32Range;
