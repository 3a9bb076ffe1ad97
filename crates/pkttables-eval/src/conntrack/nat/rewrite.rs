//! Changing addresses, ports and identifiers of packets with all their checksums.

use pkttables::model::{Family, protocol};
use pkttables::packet::Data;

use super::Manipulation;
use crate::conntrack::crc32c::crc32c;
use crate::conntrack::headers::{View, address_len};
use crate::conntrack::tuple::{GRE, Tuple};

const SCTP_HEADER: usize = 12;
const TCP_HEADER: usize = 20;

/// A packet being changed.
pub(super) struct Rewrite<'a> {
    packet: &'a mut [u8],
    /// Where the network header starts.
    start: usize,
    /// Where the transport header starts.
    transport: usize,
    family: Family,
    protocol: u8,
    /// It is quoted in an ICMP error and may be cut off.
    quoted: bool,
}

impl<'a> Rewrite<'a> {
    /// Gives a packet the source or destination of a tuple.
    pub(super) fn packet(packet: &'a mut [u8], target: &Tuple, manipulation: Manipulation) -> Option<()> {
        let view = View::parse(Data::new(packet))?;
        let (transport, family, protocol) = (view.offset, view.family, view.protocol);
        Rewrite { packet, start: 0, transport, family, protocol, quoted: false }.apply(target, manipulation)
    }

    /// Changes the packet that an ICMP error quotes the other way round, and the error's own address.
    pub(super) fn error(
        packet: &'a mut [u8],
        quoted: &Tuple,
        target: &Tuple,
        manipulation: Manipulation,
    ) -> Option<()> {
        let view = View::parse(Data::new(packet))?;
        let quote = view.quote()?;
        let (icmp, family, number) = (view.offset, view.family, view.protocol);
        let mut inner = Rewrite {
            start: icmp + 8,
            transport: quote.offset,
            family: quote.family,
            protocol: quote.protocol,
            quoted: true,
            packet: &mut *packet,
        };
        inner.apply(quoted, manipulation.opposite())?;
        let mut outer =
            Rewrite { packet, start: 0, transport: icmp, family, protocol: number, quoted: false };
        outer.address(target, manipulation)?;
        outer.put16(icmp + 2, 0)?;
        let view = View::parse(Data::new(outer.packet))?;
        let sum = match number {
            protocol::ICMP => view.sum(),
            _ => view.sum_with_pseudo_header(usize::MAX),
        };
        outer.put16(icmp + 2, !(sum as u16))
    }

    fn apply(&mut self, target: &Tuple, manipulation: Manipulation) -> Option<()> {
        self.transport_header(target, manipulation)?;
        self.address(target, manipulation)
    }

    /// Changes the key of the transport header, and its checksum for key and address.
    ///
    /// Of quoted packets at least eight bytes are needed.
    fn transport_header(&mut self, target: &Tuple, manipulation: Manipulation) -> Option<()> {
        if has_keys(self.protocol) {
            self.packet.get(self.transport..self.transport + 8)?;
        }
        let port = match manipulation {
            Manipulation::Source => (0, target.source_key),
            Manipulation::Destination => (2, target.destination_key),
        };
        match self.protocol {
            protocol::TCP => {
                // Of a header that is quoted in part, the kernel leaves the checksum even if that is there.
                let whole = self.packet.len() >= self.transport + TCP_HEADER;
                self.port(port, whole.then_some(16), target, manipulation)
            }
            protocol::UDP => {
                let used = self.get16(self.transport + 6) != Some(0);
                self.port(port, used.then_some(6), target, manipulation)
            }
            protocol::UDPLITE => self.port(port, Some(6), target, manipulation),
            protocol::SCTP => {
                self.put16(self.transport + port.0, port.1)?;
                // Of a quoted packet the kernel sums what there is, right to the end of the error.
                let cut_off = self.packet.len() < self.transport + SCTP_HEADER;
                if self.quoted && cut_off { Some(()) } else { self.sctp_checksum() }
            }
            protocol::ICMP if self.family == Family::Ipv4 => {
                if !matches!(self.packet.get(self.transport)?, 0 | 8 | 13..=18) {
                    return Some(());
                }
                self.with_checksum(self.transport + 2, self.transport + 4, target.source_key)
            }
            protocol::ICMPV6 => {
                let sum = self.transport + 2;
                self.follow_address(sum, target, manipulation)?;
                if !matches!(self.packet.get(self.transport)?, 128 | 129) {
                    return Some(());
                }
                self.with_checksum(sum, self.transport + 4, target.source_key)
            }
            GRE if manipulation == Manipulation::Destination
                && self.get16(self.transport).is_some_and(|flags| flags & 7 == 1) =>
            {
                self.put16(self.transport + 6, target.destination_key)
            }
            _ => Some(()),
        }
    }

    /// Ports stand at the same places in all protocols, checksums do not; in quotes they are often cut off.
    fn port(
        &mut self,
        (at, port): (usize, u16),
        checksum: Option<usize>,
        target: &Tuple,
        manipulation: Manipulation,
    ) -> Option<()> {
        let place = self.transport + at;
        let sum = checksum.map(|at| self.transport + at).filter(|sum| self.get16(*sum).is_some());
        let Some(sum) = sum else { return self.put16(place, port) };
        self.follow_address(sum, target, manipulation)?;
        self.with_checksum(sum, place, port)?;
        if self.protocol != protocol::TCP && self.get16(sum) == Some(0) {
            // Zero would say that there is no checksum.
            self.put16(sum, 0xffff)?;
        }
        Some(())
    }

    /// Corrects a checksum for the address that is going to change.
    fn follow_address(&mut self, sum: usize, target: &Tuple, manipulation: Manipulation) -> Option<()> {
        let (at, len) = self.address_place(manipulation);
        let new = wanted(target, manipulation);
        for offset in (0..len).step_by(2) {
            let old = self.get16(at + offset)?;
            self.adjust(sum, old, u16::from_be_bytes(*new.get(offset..)?.first_chunk()?))?;
        }
        Some(())
    }

    fn address(&mut self, target: &Tuple, manipulation: Manipulation) -> Option<()> {
        let (at, len) = self.address_place(manipulation);
        let new = wanted(target, manipulation);
        if self.family == Family::Ipv4 {
            self.follow_address(self.start + 10, target, manipulation)?;
        }
        self.packet.get_mut(at..at + len)?.copy_from_slice(new.get(..len)?);
        Some(())
    }

    const fn address_place(&self, manipulation: Manipulation) -> (usize, usize) {
        let len = address_len(self.family);
        let source = match self.family {
            Family::Ipv4 => 12,
            Family::Ipv6 => 8,
        };
        match manipulation {
            Manipulation::Source => (self.start + source, len),
            Manipulation::Destination => (self.start + source + len, len),
        }
    }

    fn with_checksum(&mut self, sum: usize, place: usize, new: u16) -> Option<()> {
        let old = self.get16(place)?;
        self.adjust(sum, old, new)?;
        self.put16(place, new)
    }

    /// Updates a checksum for a changed word (RFC 1624).
    fn adjust(&mut self, sum: usize, old: u16, new: u16) -> Option<()> {
        let mut value = u32::from(!self.get16(sum)?) + u32::from(!old) + u32::from(new);
        value = (value & 0xffff) + (value >> 16);
        value = (value & 0xffff) + (value >> 16);
        self.put16(sum, !(value as u16))
    }

    fn sctp_checksum(&mut self) -> Option<()> {
        let place = self.transport + 8..self.transport + 12;
        self.packet.get_mut(place.clone())?.fill(0);
        let end = View::parse(Data::new(self.packet))?.len();
        let value = crc32c(self.packet.get(self.transport..end)?.iter());
        self.packet.get_mut(place)?.copy_from_slice(&value.to_le_bytes());
        Some(())
    }

    fn get16(&self, at: usize) -> Option<u16> {
        Some(u16::from_be_bytes(*self.packet.get(at..)?.first_chunk()?))
    }

    fn put16(&mut self, at: usize, value: u16) -> Option<()> {
        *self.packet.get_mut(at..)?.first_chunk_mut()? = value.to_be_bytes();
        Some(())
    }
}

/// Whether the protocol has ports, or what stands for them, to translate.
pub(super) const fn has_keys(number: u8) -> bool {
    matches!(
        number,
        protocol::TCP
            | protocol::UDP
            | protocol::UDPLITE
            | protocol::SCTP
            | protocol::ICMP
            | protocol::ICMPV6
            | GRE
    )
}

const fn wanted(target: &Tuple, manipulation: Manipulation) -> [u8; 16] {
    match manipulation {
        Manipulation::Source => target.source,
        Manipulation::Destination => target.destination,
    }
}
