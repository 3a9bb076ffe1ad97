use super::kind::{Part, Storage};
use super::set::Options;
use pkttables::domain::{Direction, Directions};
use pkttables::model::{Family, protocol};
use pkttables::packet::{InterfaceName, Packet, skip_extension_headers};
use std::net::IpAddr;

/// What tells an entry of a set from the others. Parts that entries of its type do not have are zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) networks: [Network; 2],
    pub(super) protocol: u8,
    pub(super) port: u16,
    pub(super) mac: [u8; 6],
    pub(super) mark: u32,
    pub(super) interface: Option<Interface>,
}

/// An address, or the first one of a network; IPv4's are in the lower bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Network {
    pub(super) address: u128,
    pub(super) prefix: u8,
}

/// An interface of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Interface {
    pub(super) name: InterfaceName,
    /// Whether all interfaces whose names begin so are meant.
    pub(super) beginning: bool,
}

impl Interface {
    pub(super) fn fits(&self, name: InterfaceName) -> bool {
        match self.beginning {
            true => name.as_bytes().starts_with(self.name.as_bytes()),
            false => name == self.name,
        }
    }
}

/// How many bits an address has.
pub(super) const fn width(family: Family) -> u8 {
    match family {
        Family::Ipv4 => 32,
        Family::Ipv6 => 128,
    }
}

/// The bits that the first `prefix` of `width` bits are.
pub(super) const fn mask(width: u8, prefix: u8) -> u128 {
    let all = if width >= 128 { u128::MAX } else { (1 << width) - 1 };
    match all.checked_shr(prefix as u32) {
        Some(host) => all & !host,
        None => all,
    }
}

pub(super) fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => address.to_bits().into(),
        IpAddr::V6(address) => address.to_bits(),
    }
}

impl Key {
    /// What a packet has at these places; `None` if it lacks one of them, or no entry can be like that.
    ///
    /// Networks are single addresses yet.
    pub(super) fn of_packet(options: &Options, packet: &Packet<'_>, directions: &Directions) -> Option<Self> {
        let mut key = Self::default();
        let mut networks = key.networks.iter_mut();
        let mut directions = directions.iter();
        for part in options.kind.parts {
            let source = directions.next()? == Direction::Source;
            match part {
                Part::Address | Part::Network => {
                    let address = if source { packet.layout.source } else { packet.layout.destination };
                    let address = bits(address) & options.mask;
                    let width = width(packet.family());
                    *networks.next()? = Network { address, prefix: width };
                }
                Part::Port => (key.protocol, key.port) = port(packet, source)?,
                Part::PlainPort => {
                    let (protocol, port) = port(packet, source)?;
                    key.port = matches!(protocol, protocol::TCP | protocol::UDP).then_some(port)?;
                }
                Part::Mac => {
                    let link = packet.meta.link?;
                    key.mac = if source { link.source } else { link.destination };
                    if key.mac == [0; 6] {
                        return None;
                    }
                }
                Part::Mark => key.mark = packet.meta.mark & options.mark_mask,
                Part::Interface => {
                    let name = if source { packet.meta.input } else { packet.meta.output };
                    key.interface = Some(Interface { name: name?, beginning: false });
                }
                Part::Set => return None,
            }
        }
        let [Network { address, .. }, _] = key.networks;
        // The kernel takes no address for one that is not set.
        let unset = options.kind.parts == [Part::Address] && options.kind.storage == Storage::Hash;
        (!unset || address != 0).then_some(key)
    }
}

/// The packet's protocol and port; of ICMP type and code instead, of protocols without ports 0.
fn port(packet: &Packet<'_>, source: bool) -> Option<(u8, u16)> {
    let number = packet.layout.protocol?;
    if packet.layout.fragment.offset != 0 {
        use protocol::{ICMP, SCTP, TCP, UDP, UDPLITE};
        let has_ports = matches!(number, TCP | SCTP | UDP | UDPLITE | ICMP);
        return (packet.family() == Family::Ipv4 && !has_ports).then_some((number, 0));
    }
    let (number, start) = match packet.family() {
        Family::Ipv4 => (number, packet.layout.transport),
        // What stands behind an authentication header counts here, whatever loaded the rules.
        Family::Ipv6 => skip_extension_headers(&packet.data, packet.data.u8(6)?, 40)?,
    };
    let header = match number {
        protocol::TCP => packet.data.array::<20>(start)?.first_chunk().copied(),
        protocol::SCTP => packet.data.array::<12>(start)?.first_chunk().copied(),
        protocol::UDP | protocol::UDPLITE => packet.data.array::<8>(start)?.first_chunk().copied(),
        protocol::ICMP | protocol::ICMPV6 => {
            let [kind, code, ..] = packet.data.array::<8>(start)?;
            return Some((number, u16::from_be_bytes([kind, code])));
        }
        _ => return Some((number, 0)),
    };
    let [s1, s2, d1, d2] = header?;
    Some((number, u16::from_be_bytes(if source { [s1, s2] } else { [d1, d2] })))
}
