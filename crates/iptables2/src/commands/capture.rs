//! Captured packets, and what their frames say besides.

use pcap_file::DataLink;
use pcap_file::pcapng::PcapNgReader;
use pcap_file::pcapng::blocks::Block;
use pcap_file::pcapng::blocks::enhanced_packet::EnhancedPacketOption;
use pcap_file::pcapng::blocks::interface_description::{
    InterfaceDescriptionBlock, InterfaceDescriptionOption,
};
use pkttables::packet::{InterfaceName, Link, Meta, PacketKind};
use pkttables_eval::Origin;
use std::io::Read;
use std::time::Duration;

/// A captured packet.
#[derive(Debug)]
pub(super) struct Captured {
    /// The bytes from the IP header on.
    pub(super) bytes: Vec<u8>,
    pub(super) meta: Meta,
    pub(super) origin: Origin,
    /// Whether it is an IP packet; all others have nothing to do with the rules.
    pub(super) is_ip: bool,
}

/// Hands every packet of a pcapng file to `each`, in order.
pub(super) fn read(
    input: impl Read,
    mut each: impl FnMut(Captured) -> Result<(), String>,
) -> Result<(), String> {
    let mut reader = PcapNgReader::new(input).map_err(|error| error.to_string())?;
    let mut interfaces: Vec<Interface> = Vec::new();
    while let Some(block) = reader.next_block() {
        match block.map_err(|error| error.to_string())? {
            Block::SectionHeader(_) => interfaces.clear(),
            Block::InterfaceDescription(block) => interfaces.push(Interface::new(&block)?),
            Block::EnhancedPacket(packet) => {
                let index = usize::try_from(packet.interface_id).unwrap_or(usize::MAX);
                let interface = interfaces.get(index).ok_or("a packet of an unknown interface")?;
                let outbound = packet
                    .options
                    .iter()
                    .any(|option| matches!(option, EnhancedPacketOption::Flags(flags) if flags & 3 == 2));
                each(captured(&packet.data, packet.timestamp, interface, outbound))?;
            }
            _ => {}
        }
    }
    Ok(())
}

#[derive(Debug)]
struct Interface {
    name: Option<InterfaceName>,
    /// How many ticks of its clock a second has.
    ticks: u64,
}

impl Interface {
    fn new(block: &InterfaceDescriptionBlock<'_>) -> Result<Self, String> {
        if block.linktype != DataLink::ETHERNET {
            return Err(format!("link type {:?}; only Ethernet is read", block.linktype));
        }
        let (mut name, mut ticks) = (None, 1_000_000);
        for option in &block.options {
            match option {
                InterfaceDescriptionOption::IfName(text) => name = InterfaceName::new(text.as_bytes()),
                InterfaceDescriptionOption::IfTsResol(code) => {
                    let base: u64 = if code & 0x80 == 0 { 10 } else { 2 };
                    ticks = base.checked_pow(u32::from(code & 0x7f)).ok_or("a clock that is too fine")?;
                }
                _ => {}
            }
        }
        Ok(Self { name, ticks })
    }
}

/// The reader takes all clocks for clocks of nanoseconds, so `time` counts ticks.
fn captured(frame: &[u8], time: Duration, interface: &Interface, outbound: bool) -> Captured {
    let nanoseconds = time.as_nanos() * 1_000_000_000 / u128::from(interface.ticks.max(1));
    let mut meta = Meta { time: u64::try_from(nanoseconds).unwrap_or(u64::MAX), ..Meta::default() };
    let (header, bytes) = frame.split_at_checked(14).unwrap_or((&[], &[]));
    let mut ethertype = 0;
    if let Ok([d0, d1, d2, d3, d4, d5, s0, s1, s2, s3, s4, s5, high, low]) = <[u8; 14]>::try_from(header) {
        ethertype = u16::from_be_bytes([high, low]);
        let destination = [d0, d1, d2, d3, d4, d5];
        if !outbound {
            meta.kind = match destination {
                [0xff, 0xff, 0xff, 0xff, 0xff, 0xff] => PacketKind::Broadcast,
                [first, ..] if first & 1 != 0 => PacketKind::Multicast,
                _ => PacketKind::Host,
            };
            meta.link = Some(Link { destination, source: [s0, s1, s2, s3, s4, s5], ethertype });
        }
    }
    if outbound {
        meta.output = interface.name;
    } else {
        meta.input = interface.name;
    }
    Captured {
        bytes: bytes.to_vec(),
        meta,
        origin: if outbound { Origin::Local } else { Origin::Received },
        is_ip: matches!(ethertype, 0x0800 | 0x86dd),
    }
}
