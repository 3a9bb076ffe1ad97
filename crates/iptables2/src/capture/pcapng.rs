use super::frame::{self, Seen};
use super::{Captured, Problem, nanoseconds};
use pcap_file::DataLink;
use pcap_file::pcapng::PcapNgReader;
use pcap_file::pcapng::blocks::Block;
use pcap_file::pcapng::blocks::enhanced_packet::EnhancedPacketOption;
use pcap_file::pcapng::blocks::interface_description::{
    InterfaceDescriptionBlock, InterfaceDescriptionOption,
};
use pkttables::packet::InterfaceName;
use std::io::Read;

/// Reads a pcapng file.
pub(super) fn read(
    input: &mut dyn Read,
    unnamed: Option<InterfaceName>,
    mut each: impl FnMut(Captured) -> Result<(), String>,
) -> Result<(), Problem> {
    let mut reader = PcapNgReader::new(input).map_err(Problem::File)?;
    let mut interfaces: Vec<Interface> = Vec::new();
    while let Some(block) = reader.next_block() {
        match block.map_err(Problem::File)? {
            Block::SectionHeader(_) => interfaces.clear(),
            Block::InterfaceDescription(block) => {
                interfaces.push(Interface::new(&block, unnamed).map_err(Problem::Content)?);
            }
            Block::EnhancedPacket(packet) => {
                let index = usize::try_from(packet.interface_id).unwrap_or(usize::MAX);
                let unknown =
                    || Problem::Content(format!("a packet of interface {index}, which is not described"));
                let interface = interfaces.get(index).ok_or_else(unknown)?;
                let outbound = packet
                    .options
                    .iter()
                    .any(|option| matches!(option, EnhancedPacketOption::Flags(flags) if flags & 3 == 2));
                // The reader takes all clocks for clocks of nanoseconds.
                let time = nanoseconds(packet.timestamp.as_nanos(), interface.ticks);
                let seen = Seen { interface: interface.name, outbound, time };
                each(frame::captured(interface.link, &packet.data, seen)).map_err(Problem::Ours)?;
            }
            _ => {}
        }
    }
    Ok(())
}

#[derive(Debug)]
struct Interface {
    link: DataLink,
    name: Option<InterfaceName>,
    /// How many ticks of its clock a second has.
    ticks: u64,
}

impl Interface {
    fn new(block: &InterfaceDescriptionBlock<'_>, unnamed: Option<InterfaceName>) -> Result<Self, String> {
        if let Some(refusal) = frame::refuses(block.linktype) {
            return Err(refusal);
        }
        let (mut name, mut ticks) = (unnamed, 1_000_000);
        for option in &block.options {
            match option {
                InterfaceDescriptionOption::IfName(text) => {
                    let named = InterfaceName::new(text.as_bytes());
                    name = Some(named.ok_or_else(|| format!("`{text}' is no name of an interface"))?);
                }
                InterfaceDescriptionOption::IfTsResol(code) => {
                    let base: u64 = if code & 0x80 == 0 { 10 } else { 2 };
                    ticks = base.checked_pow(u32::from(code & 0x7f)).ok_or("a clock that is too fine")?;
                }
                _ => {}
            }
        }
        Ok(Self { link: block.linktype, name, ticks })
    }
}
