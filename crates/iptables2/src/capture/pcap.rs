use super::frame::{self, Seen};
use super::{Captured, Problem, nanoseconds};
use pcap_file::pcap::PcapReader;
use pkttables::packet::InterfaceName;
use std::io::Read;

/// Reads a pcap file.
pub(super) fn read(
    input: &mut dyn Read,
    interface: Option<InterfaceName>,
    mut each: impl FnMut(Captured) -> Result<(), String>,
) -> Result<(), Problem> {
    let mut reader = PcapReader::new(input).map_err(Problem::File)?;
    let link = reader.header().datalink;
    if let Some(refusal) = frame::refuses(link) {
        return Err(Problem::Content(refusal));
    }
    while let Some(packet) = reader.next_packet() {
        let packet = packet.map_err(Problem::File)?;
        let time = nanoseconds(packet.timestamp.as_nanos(), 1_000_000_000);
        let seen = Seen { interface, outbound: false, time };
        each(frame::captured(link, &packet.data, seen)).map_err(Problem::Ours)?;
    }
    Ok(())
}
