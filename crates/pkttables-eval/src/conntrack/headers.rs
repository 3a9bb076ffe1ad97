//! Network headers as connection tracking reads them.

use std::net::IpAddr;

use pkttables::model::Family;
use pkttables::packet::{Authentication, Data, Layout};

/// A packet with its network headers read, ending where the network header says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct View<'a> {
    pub(crate) family: Family,
    pub(crate) source: [u8; 16],
    pub(crate) destination: [u8; 16],
    pub(crate) protocol: u8,
    /// Where the transport header starts in the bytes.
    pub(crate) offset: usize,
    data: Data<'a>,
}

/// Of the ICMP header, before the packet that an error quotes.
pub(crate) const ICMP_HEADER: usize = 8;

impl<'a> View<'a> {
    /// Reads the network headers; none for a later fragment and for headers that are cut off or wrong.
    pub(crate) fn parse(data: Data<'a>) -> Option<Self> {
        let layout = Layout::parse(&data, Authentication::Skip).ok()?;
        if layout.fragment.offset != 0 {
            return None;
        }
        let (protocol, offset) = match layout.family {
            Family::Ipv6 => skip_extensions(&data, 0)?,
            Family::Ipv4 => (layout.protocol?, layout.transport),
        };
        Self::at(data.truncated(layout.len), 0, layout.family, protocol, offset)
    }

    /// The packet that an ICMP error quotes, which may be shorter than it says.
    pub(crate) fn quote(&self) -> Option<Self> {
        let (data, base) = (self.data, self.offset + ICMP_HEADER);
        match data.u8(base)? >> 4 {
            4 => {
                let length = usize::from(data.u8(base)? & 15) * 4;
                let whole = data.be16(base + 6)? & 0x1fff == 0 && length >= 20;
                whole.then(|| Self::at(data, base, Family::Ipv4, data.u8(base + 9)?, base + length))?
            }
            6 => {
                let (protocol, offset) = skip_extensions(&data, base)?;
                Self::at(data, base, Family::Ipv6, protocol, offset)
            }
            _ => None,
        }
    }

    fn at(data: Data<'a>, base: usize, family: Family, protocol: u8, offset: usize) -> Option<Self> {
        let (source, destination) = match family {
            Family::Ipv6 => (data.array(base + 8)?, data.array(base + 24)?),
            Family::Ipv4 => (widened(data.array(base + 12)?), widened(data.array(base + 16)?)),
        };
        // IPv6 headers that say they are longer than the packet are taken at their word.
        let within = offset <= data.len() || family == Family::Ipv6;
        within.then_some(Self { family, source, destination, protocol, offset, data })
    }

    /// The whole packet.
    pub(crate) const fn data(&self) -> Data<'a> {
        self.data
    }

    /// The length of the packet from the network header on.
    pub(crate) const fn len(&self) -> usize {
        self.data.len()
    }

    /// The length from the transport header on.
    pub(crate) const fn transport_len(&self) -> usize {
        self.data.len().saturating_sub(self.offset)
    }

    /// Bytes at a distance from the start of the transport header.
    pub(crate) fn array<const N: usize>(&self, at: usize) -> Option<[u8; N]> {
        self.data.array(self.offset + at)
    }

    pub(crate) fn u8(&self, at: usize) -> Option<u8> {
        self.data.u8(self.offset + at)
    }

    pub(crate) fn be16(&self, at: usize) -> Option<u16> {
        self.data.be16(self.offset + at)
    }

    pub(crate) fn be32(&self, at: usize) -> Option<u32> {
        self.data.be32(self.offset + at)
    }

    /// The sum over the transport header and what follows, up to `end` bytes, with the pseudo header before it
    /// (RFC 1071, RFC 8200); right checksums make it 0xffff.
    pub(crate) fn sum_with_pseudo_header(&self, end: usize) -> u32 {
        self.sum_as(self.protocol, self.transport_len(), end)
    }

    /// As above for another protocol number and length in the pseudo header.
    pub(crate) fn sum_as(&self, protocol: u8, len: usize, end: usize) -> u32 {
        let start = match self.family {
            Family::Ipv6 => 8,
            Family::Ipv4 => 12,
        };
        let pseudo = u32::from(protocol) + len as u32;
        let addresses = self.data.sum(start, start + 2 * address_len(self.family), pseudo);
        self.data.sum(self.offset, self.offset.saturating_add(end), addresses)
    }

    /// As above without the pseudo header.
    pub(crate) fn sum(&self) -> u32 {
        self.data.sum(self.offset, self.data.len(), 0)
    }
}

/// The upper protocol of an IPv6 packet that starts at `base`, and where that starts; none for a later fragment, a chain that is cut off or
/// "no next header".
pub(crate) fn skip_extensions(packet: &Data<'_>, base: usize) -> Option<(u8, usize)> {
    upper_header(packet, packet.u8(base + 6)?, base + 40)
}

/// As above from a header of number `next` at `offset` on.
pub(crate) fn upper_header(packet: &Data<'_>, mut next: u8, mut offset: usize) -> Option<(u8, usize)> {
    loop {
        let step = match next {
            0 | 43 | 60 => (usize::from(packet.u8(offset + 1)?) + 1) * 8,
            51 => (usize::from(packet.u8(offset + 1)?) + 2) * 4,
            44 if packet.be16(offset + 2)? & 0xfff8 == 0 => 8,
            44 | 59 => return None,
            upper => return Some((upper, offset)),
        };
        next = packet.u8(offset)?;
        offset += step;
    }
}

pub(crate) const fn address_len(family: Family) -> usize {
    match family {
        Family::Ipv6 => 16,
        Family::Ipv4 => 4,
    }
}

pub(crate) fn octets(address: IpAddr) -> (Family, [u8; 16]) {
    match address {
        IpAddr::V4(v4) => (Family::Ipv4, widened(v4.octets())),
        IpAddr::V6(v6) => (Family::Ipv6, v6.octets()),
    }
}

pub(crate) fn address(family: Family, octets: [u8; 16]) -> IpAddr {
    let [a, b, c, d, ..] = octets;
    match family {
        Family::Ipv6 => IpAddr::from(octets),
        Family::Ipv4 => IpAddr::from([a, b, c, d]),
    }
}

const fn widened([a, b, c, d]: [u8; 4]) -> [u8; 16] {
    [a, b, c, d, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_after_the_total_length_is_no_part_of_the_packet() {
        let mut packet = vec![0x45, 0, 0, 24, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];
        packet.extend([1; 30]);
        let view = View::parse(Data::new(&packet)).unwrap();
        assert_eq!((view.transport_len(), view.len(), view.protocol), (4, 24, 17));
    }

    #[test]
    fn ipv6_extensions_are_stepped_over_and_later_fragments_refused() {
        let mut packet = vec![0x60, 0, 0, 0, 0, 20, 0, 64];
        packet.extend([0; 32]);
        packet.extend([44, 0, 0, 0, 0, 0, 0, 0]);
        packet.extend([17, 0, 0, 1, 0, 0, 0, 9]);
        packet.extend([0; 4]);
        let view = View::parse(Data::new(&packet)).unwrap();
        assert_eq!((view.protocol, view.offset), (17, 56));
        packet[51] = 8;
        assert!(View::parse(Data::new(&packet)).is_none());
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes: Vec<u8>) {
            let _ = View::parse(Data::new(&bytes)).map(|view| view.sum_with_pseudo_header(usize::MAX));
            let mut packet = vec![0x45, 0, 0, 0, 0, 0, 0, 0, 64, 1, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];
            packet.extend(bytes);
            let len = packet.len() as u16;
            packet[2..4].copy_from_slice(&len.to_be_bytes());
            let _ = View::parse(Data::new(&packet)).and_then(|view| view.quote());
        }
    }
}
