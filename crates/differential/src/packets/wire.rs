//! Headers as bytes.

use pkttables::packet::Data;
use std::net::IpAddr;

/// The numbers of the protocols.
pub(super) mod number {
    pub(crate) const ICMP: u8 = 1;
    pub(crate) const TCP: u8 = 6;
    pub(crate) const UDP: u8 = 17;
    pub(crate) const DCCP: u8 = 33;
    pub(crate) const GRE: u8 = 47;
    pub(crate) const ESP: u8 = 50;
    pub(crate) const AH: u8 = 51;
    pub(crate) const ICMPV6: u8 = 58;
    pub(crate) const SCTP: u8 = 132;
    pub(crate) const UDPLITE: u8 = 136;
}

/// What an IP header is made of.
#[derive(Clone, Debug)]
pub(super) struct Ip {
    pub(super) source: IpAddr,
    pub(super) destination: IpAddr,
    pub(super) protocol: u8,
    pub(super) hops: u8,
    pub(super) tos: u8,
    pub(super) id: u16,
    pub(super) do_not_fragment: bool,
    /// IPv4 options, or IPv6 extension headers each with its number.
    pub(super) options: Vec<u8>,
    pub(super) extensions: Vec<(u8, Vec<u8>)>,
}

impl Ip {
    /// The packet with this payload.
    pub(super) fn packet(&self, payload: &[u8]) -> Vec<u8> {
        match (self.source, self.destination) {
            (IpAddr::V4(source), IpAddr::V4(destination)) => {
                let header = 20 + self.options.len();
                let mut packet = vec![0x40 | (header / 4) as u8, self.tos];
                packet.extend(((header + payload.len()) as u16).to_be_bytes());
                packet.extend(self.id.to_be_bytes());
                packet.extend([
                    if self.do_not_fragment { 0x40 } else { 0 },
                    0,
                    self.hops,
                    self.protocol,
                    0,
                    0,
                ]);
                packet.extend(source.octets());
                packet.extend(destination.octets());
                packet.extend(&self.options);
                fix_header(&mut packet);
                packet.extend(payload);
                packet
            }
            (IpAddr::V6(source), IpAddr::V6(destination)) => {
                let mut chain = Vec::new();
                let numbers: Vec<u8> =
                    self.extensions.iter().map(|(number, _)| *number).chain([self.protocol]).collect();
                for ((_, body), next) in self.extensions.iter().zip(numbers.iter().skip(1)) {
                    chain.push(*next);
                    chain.extend(body);
                }
                let length = (chain.len() + payload.len()) as u16;
                let mut packet = vec![0x60 | self.tos >> 4, self.tos << 4, 0, 0];
                packet.extend(length.to_be_bytes());
                packet.extend([numbers[0], self.hops]);
                packet.extend(source.octets());
                packet.extend(destination.octets());
                packet.extend(chain);
                packet.extend(payload);
                packet
            }
            _ => Vec::new(),
        }
    }
}

/// Gives an IPv4 header the right checksum.
pub(super) fn fix_header(packet: &mut [u8]) {
    let end = usize::from(packet[0] & 15) * 4;
    packet[10..12].fill(0);
    let sum = !(Data::new(packet).sum(0, end, 0) as u16);
    packet[10..12].copy_from_slice(&sum.to_be_bytes());
}

/// Writes the Internet checksum of a payload with its pseudo header, over `covered` bytes, at `at`.
pub(super) fn fix(payload: &mut [u8], at: usize, pseudo: Option<(IpAddr, IpAddr, u8)>, covered: usize) {
    payload[at..at + 2].fill(0);
    let mut start = 0;
    if let Some((source, destination, protocol)) = pseudo {
        let mut header = Vec::new();
        for address in [source, destination] {
            match address {
                IpAddr::V4(address) => header.extend(address.octets()),
                IpAddr::V6(address) => header.extend(address.octets()),
            }
        }
        start = Data::new(&header).sum(0, header.len(), u32::from(protocol) + payload.len() as u32);
    }
    let sum = !(Data::new(payload).sum(0, covered, start) as u16);
    payload[at..at + 2].copy_from_slice(&sum.to_be_bytes());
}

/// CRC-32C as SCTP has it (RFC 9260).
pub(super) fn crc32c(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(
            crc ^ u32::from(*byte),
            |crc, _| if crc & 1 == 0 { crc >> 1 } else { crc >> 1 ^ 0x82f6_3b78 },
        )
    })
}
