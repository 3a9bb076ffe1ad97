use std::ops::Range;

use pkttables::model::Family;
use pkttables::packet::Data;

use crate::checksum::fold;
use crate::conntrack::headers::View;

/// Puts other bytes in a place of TCP's payload, and corrects lengths and checksums; none if the packet would be too long.
pub(super) fn replace(packet: &mut Vec<u8>, place: Range<usize>, new: &[u8]) -> Option<()> {
    let view = View::parse(Data::new(packet))?;
    let (family, transport) = (view.family, view.offset);
    let old = place.len();
    packet.get(place.clone())?;
    let len = u16::try_from(packet.len() - old + new.len()).ok()?;
    packet.splice(place, new.iter().copied());
    match family {
        Family::Ipv4 => {
            put(packet, 2, len)?;
            put(packet, 10, 0)?;
            let header = usize::from(packet.first()? & 15) * 4;
            let sum = fold(Data::new(packet).sum(0, header, 0));
            put(packet, 10, sum)?;
        }
        Family::Ipv6 => put(packet, 4, len.checked_sub(40)?)?,
    }
    put(packet, transport + 16, 0)?;
    let sum = fold(View::parse(Data::new(packet))?.sum_with_pseudo_header(usize::MAX));
    // As where the sum is worked out last of all.
    put(packet, transport + 16, if sum == 0 { 0xffff } else { sum })
}

fn put(packet: &mut [u8], at: usize, value: u16) -> Option<()> {
    *packet.get_mut(at..)?.first_chunk_mut()? = value.to_be_bytes();
    Some(())
}
