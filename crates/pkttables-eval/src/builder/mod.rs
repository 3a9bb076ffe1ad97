//! Packets made up for tests: typed, or from words such as `in=eth0 src=10.0.0.1 dst=10.0.0.2 proto=tcp dport=22`.

mod transport;
mod words;

pub use transport::{Tcp, Transport};
pub use words::{WordError, WordProblem};

use crate::Origin;
use crate::checksum::fold;
use pkttables::packet::{Data, InterfaceName, Link, Meta, PacketKind};
use std::net::IpAddr;
use std::time::Duration;

/// A packet to be made.
///
/// What is not said is as usual: hop limit 64, no options, right lengths and checksums.
///
/// ```
/// use pkttables_eval::builder::{PacketBuilder, Tcp, Transport};
///
/// let syn = PacketBuilder::new([10, 0, 0, 1].into(), [10, 0, 0, 2].into())
///     .transport(Transport::Tcp(Tcp { source: 1025, destination: 22, ..Tcp::SYN }))
///     .input("eth0")?
///     .build()?;
/// assert_eq!(syn.bytes.len(), 40);
/// assert_eq!(PacketBuilder::parse("in=eth0 src=10.0.0.1 dst=10.0.0.2 proto=tcp sport=1025 dport=22")?.build()?, syn);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct PacketBuilder {
    source: IpAddr,
    destination: IpAddr,
    transport: Transport,
    payload: Vec<u8>,
    hops: u8,
    tos: u8,
    id: u32,
    dont_fragment: bool,
    fragment: Option<Fragment>,
    options: Vec<u8>,
    length: Option<u16>,
    wrong_checksum: bool,
    meta: Meta,
    local: bool,
}

/// Which part of a packet a fragment is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fragment {
    /// Where its data begins, in bytes; a multiple of 8.
    pub offset: u16,
    /// Whether another one follows.
    pub more: bool,
}

/// A packet that was made, and what is known of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Made {
    /// The bytes from the IP header on.
    pub bytes: Vec<u8>,
    /// What is known besides.
    pub meta: Meta,
    /// Where it comes from.
    pub origin: Origin,
}

/// Why a packet cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// One address is of IPv4, the other of IPv6.
    #[error("source and destination are of different families")]
    Families,
    /// No interface can have this name.
    #[error("no interface can have this name: 1 to 15 bytes")]
    Interface,
    /// IP options are not a multiple of four bytes, are more than 40, or stand in an IPv6 packet.
    #[error("options are up to 40 bytes, a multiple of 4, and of IPv4")]
    Options,
    /// A fragment's data does not begin at a multiple of eight.
    #[error("a fragment begins at a multiple of 8 bytes below 65528")]
    FragmentOffset,
    /// The packet is longer than 65,535 bytes, or shorter than its headers.
    #[error("the packet has {headers} bytes of headers and at most 65535 in all, not {length}")]
    Length {
        /// How long it would be.
        length: usize,
        /// How long its headers are.
        headers: usize,
    },
}

impl PacketBuilder {
    /// A packet without transport header, of protocol 253, which is for experiments.
    #[must_use]
    pub fn new(source: IpAddr, destination: IpAddr) -> Self {
        Self {
            source,
            destination,
            transport: Transport::Raw(253),
            payload: Vec::new(),
            hops: 64,
            tos: 0,
            id: 0,
            dont_fragment: false,
            fragment: None,
            options: Vec::new(),
            length: None,
            wrong_checksum: false,
            meta: Meta { kind: PacketKind::Host, ..Meta::default() },
            local: false,
        }
    }

    /// The transport header.
    #[must_use]
    pub fn transport(self, transport: Transport) -> Self {
        Self { transport, ..self }
    }

    /// What follows the transport header.
    #[must_use]
    pub fn payload(self, payload: impl Into<Vec<u8>>) -> Self {
        Self { payload: payload.into(), ..self }
    }

    /// IPv4's time to live, IPv6's hop limit.
    #[must_use]
    pub fn hops(self, hops: u8) -> Self {
        Self { hops, ..self }
    }

    /// IPv4's type of service, IPv6's traffic class.
    #[must_use]
    pub fn tos(self, tos: u8) -> Self {
        Self { tos, ..self }
    }

    /// The identification; of IPv6 that of the fragment header.
    #[must_use]
    pub fn id(self, id: u32) -> Self {
        Self { id, ..self }
    }

    /// Sets IPv4's bit that forbids fragments.
    #[must_use]
    pub fn dont_fragment(self) -> Self {
        Self { dont_fragment: true, ..self }
    }

    /// Makes it a fragment. That of offset 0 has the transport header; others are payload alone.
    #[must_use]
    pub fn fragment(self, fragment: Fragment) -> Self {
        Self { fragment: Some(fragment), ..self }
    }

    /// The options of the IPv4 header.
    #[must_use]
    pub fn options(self, options: impl Into<Vec<u8>>) -> Self {
        Self { options: options.into(), ..self }
    }

    /// How long the packet is from the IP header on; the payload is cut or filled with zeros.
    #[must_use]
    pub fn length(self, length: u16) -> Self {
        Self { length: Some(length), ..self }
    }

    /// Makes the transport checksum wrong.
    #[must_use]
    pub fn wrong_checksum(self) -> Self {
        Self { wrong_checksum: true, ..self }
    }

    /// The packet's mark.
    #[must_use]
    pub fn mark(mut self, mark: u32) -> Self {
        self.meta.mark = mark;
        self
    }

    /// When it comes, since 1970.
    #[must_use]
    pub fn time(mut self, time: Duration) -> Self {
        self.meta.time = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self
    }

    /// The Ethernet addresses of source and destination.
    #[must_use]
    pub fn link(mut self, source: [u8; 6], destination: [u8; 6]) -> Self {
        let ethertype = if self.source.is_ipv4() { 0x0800 } else { 0x86dd };
        self.meta.kind = PacketKind::of_destination(destination);
        self.meta.link = Some(Link { destination, source, ethertype });
        self
    }

    /// It comes from the network by this interface.
    pub fn input(mut self, interface: &str) -> Result<Self, BuildError> {
        self.meta.input = Some(InterfaceName::new(interface.as_bytes()).ok_or(BuildError::Interface)?);
        self.local = false;
        Ok(self)
    }

    /// This host makes it, and it leaves by this interface.
    pub fn output(mut self, interface: &str) -> Result<Self, BuildError> {
        self.meta.output = Some(InterfaceName::new(interface.as_bytes()).ok_or(BuildError::Interface)?);
        self.meta.link = None;
        self.local = true;
        Ok(self)
    }

    /// Makes the packet.
    pub fn build(&self) -> Result<Made, BuildError> {
        let mut bytes = Vec::new();
        let number = self.transport.number(self.source.is_ipv6());
        let first = self.fragment.is_none_or(|fragment| fragment.offset == 0);
        self.network_header(&mut bytes, number)?;
        let start = bytes.len();
        if first {
            self.transport.header(&mut bytes);
        }
        let headers = bytes.len();
        bytes.extend_from_slice(&self.payload);
        let length = self.length.map_or(bytes.len(), usize::from);
        let most = if self.source.is_ipv4() { 65_535 } else { 65_575 };
        if length < headers || length > most {
            return Err(BuildError::Length { length, headers });
        }
        bytes.resize(length, 0);
        if first {
            self.transport.finish(
                &mut bytes,
                start,
                self.pseudo_sum(length - start, number),
                self.wrong_checksum,
            );
        }
        self.finish_network(&mut bytes);
        let origin = if self.local { Origin::Local } else { Origin::Received };
        Ok(Made { bytes, meta: self.meta.clone(), origin })
    }

    fn network_header(&self, out: &mut Vec<u8>, number: u8) -> Result<(), BuildError> {
        let offset = match self.fragment {
            Some(Fragment { offset, .. }) if offset % 8 != 0 || offset > 65_528 => {
                return Err(BuildError::FragmentOffset);
            }
            fragment => fragment.map_or(0, |fragment| fragment.offset),
        };
        let more = self.fragment.is_some_and(|fragment| fragment.more);
        if !self.options.len().is_multiple_of(4) || self.options.len() > 40 {
            return Err(BuildError::Options);
        }
        match (self.source, self.destination) {
            (IpAddr::V4(source), IpAddr::V4(destination)) => {
                let words = u8::try_from(5 + self.options.len() / 4).map_err(|_| BuildError::Options)?;
                let flags = u16::from(self.dont_fragment) << 14 | u16::from(more) << 13 | offset >> 3;
                let [_, _, id1, id2] = self.id.to_be_bytes();
                let [flags1, flags2] = flags.to_be_bytes();
                out.extend([0x40 | words, self.tos, 0, 0, id1, id2, flags1, flags2, self.hops, number, 0, 0]);
                out.extend(source.octets());
                out.extend(destination.octets());
                out.extend_from_slice(&self.options);
            }
            (IpAddr::V6(source), IpAddr::V6(destination)) => {
                if !self.options.is_empty() {
                    return Err(BuildError::Options);
                }
                let next = if self.fragment.is_some() { 44 } else { number };
                out.extend([0x60 | self.tos >> 4, self.tos << 4, 0, 0, 0, 0, next, self.hops]);
                out.extend(source.octets());
                out.extend(destination.octets());
                if self.fragment.is_some() {
                    out.extend([number, 0]);
                    out.extend((offset | u16::from(more)).to_be_bytes());
                    out.extend(self.id.to_be_bytes());
                }
            }
            _ => return Err(BuildError::Families),
        }
        Ok(())
    }

    /// Writes the lengths, and IPv4's checksum.
    fn finish_network(&self, bytes: &mut [u8]) {
        let length = bytes.len();
        let (at, length) = if self.source.is_ipv4() { (2, length) } else { (4, length - 40) };
        put(bytes, at, (length & 0xffff) as u16);
        if self.source.is_ipv4() {
            let sum = fold(Data::new(bytes).sum(0, 20 + self.options.len(), 0));
            put(bytes, 10, sum);
        }
    }

    /// The sum of addresses, length and protocol that transport checksums cover.
    fn pseudo_sum(&self, length: usize, number: u8) -> u32 {
        let mut covered = Vec::with_capacity(32);
        for address in [self.source, self.destination] {
            match address {
                IpAddr::V4(address) => covered.extend(address.octets()),
                IpAddr::V6(address) => covered.extend(address.octets()),
            }
        }
        let length = u32::try_from(length).unwrap_or_default();
        Data::new(&covered).sum(0, covered.len(), 0) + u32::from(number) + (length & 0xffff) + (length >> 16)
    }
}

fn put(bytes: &mut [u8], at: usize, value: u16) {
    if let Some(place) = bytes.get_mut(at..at + 2) {
        place.copy_from_slice(&value.to_be_bytes());
    }
}
