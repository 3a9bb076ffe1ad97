use super::{AddressText, HostMask};
use crate::model::protocol;
use crate::packet::Packet;
use crate::registry::{Context, Domain, Edit, InfoWriter, Lister, Scope, Value, ValueError};
use nfnetlink::wire::{DecodeError, Reader};
use std::fmt::Write as _;
use std::net::{IpAddr, Ipv6Addr};

/// Two IPv6 prefixes, of which one becomes the other (`struct ip6t_npt_tginfo` in linux/netfilter_ipv6/ip6t_NPT.h).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PrefixTranslation {
    /// The prefix that is replaced.
    pub source: Ipv6Prefix,
    /// The prefix that takes its place.
    pub destination: Ipv6Prefix,
}

/// An IPv6 address and how many leading bits of it count, written `ADDRESS/LENGTH`.
///
/// A translation takes up to 64 bits, and the address must have no others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ipv6Prefix {
    address: Ipv6Addr,
    len: u8,
}

impl Default for Ipv6Prefix {
    fn default() -> Self {
        Self { address: Ipv6Addr::UNSPECIFIED, len: 0 }
    }
}

impl PrefixTranslation {
    /// Bytes of the kernel's structure.
    pub const SIZE: usize = 36;

    /// Appends the form that a listing shows, with a space before it.
    pub fn list(&self, out: &mut Lister<'_>) {
        for (label, Ipv6Prefix { address, len }) in [("src-pfx", self.source), ("dst-pfx", self.destination)]
        {
            out.add(format_args!(" {label} {}/{len}", AddressText::from(address)));
        }
    }

    /// Writes the kernel's structure.
    pub fn encode(&self, w: &mut InfoWriter<'_>) {
        w.bytes(&self.source.address.octets());
        w.bytes(&self.destination.address.octets());
        w.bytes(&[self.source.len, self.destination.len]);
        w.zeros(2);
    }

    /// Reads the kernel's structure, but for the checksum that the kernel keeps in it.
    pub fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (source, destination): ([u8; 16], [u8; 16]) = (r.array("src_pfx")?, r.array("dst_pfx")?);
        let source = Ipv6Prefix { address: source.into(), len: r.u8("src_pfx_len")? };
        let destination = Ipv6Prefix { address: destination.into(), len: r.u8("dst_pfx_len")? };
        r.take(2, "adjustment")?;
        Ok(Self { source, destination })
    }
}

/// Which address of a packet is translated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Source,
    Destination,
}

impl Side {
    /// Where in the IPv6 header the address is.
    const fn offset(self) -> usize {
        match self {
            Self::Source => 8,
            Self::Destination => 24,
        }
    }

    const fn other(self) -> Self {
        match self {
            Self::Source => Self::Destination,
            Self::Destination => Self::Source,
        }
    }
}

impl PrefixTranslation {
    /// Asks for the translation of an address, whatever prefix it has, and of that of the packet which an error
    /// quotes; `None` if the address cannot be translated so that the checksum stays right.
    pub(crate) fn translate(&self, packet: &Packet<'_>, side: Side, context: &mut Context<'_>) -> Option<()> {
        let at = side.offset();
        let address = Ipv6Addr::from(packet.data.array::<16>(at)?);
        context.edit(Edit::Address { at, address: self.mapped(address)? });
        // A type that is an error comes first in the header that follows the IP header at once.
        let quotes = packet.data.u8(6) == Some(protocol::ICMPV6)
            && packet.data.u8(40).is_some_and(|kind| matches!(kind, 1..=4))
            && packet.data.len() >= 48 + 40;
        let at = 48 + side.other().offset();
        let quoted = packet.data.array::<16>(at).map(Ipv6Addr::from).filter(|_| quotes);
        if let Some(address) = quoted.filter(|address| self.source.contains(*address))
            && let Some(address) = self.mapped(address)
        {
            context.edit(Edit::Address { at, address });
        }
        Some(())
    }

    /// The address with the other prefix, and 16 bits adjusted (RFC 6296, 3.1).
    fn mapped(&self, address: Ipv6Addr) -> Option<Ipv6Addr> {
        let len = self.source.len.max(self.destination.len);
        let rest = u128::MAX.checked_shr(len.into()).unwrap_or(0);
        let mapped = address.to_bits() & rest | self.destination.address.to_bits() & !rest;
        let mut words = Ipv6Addr::from_bits(mapped).segments();
        let place = if len <= 48 { 3 } else { (4..8).find(|place| words.get(*place) != Some(&u16::MAX))? };
        let word = words.get_mut(place)?;
        let sum = folded(u32::from(*word) + u32::from(self.adjustment()));
        *word = if sum == u16::MAX { 0 } else { sum };
        Some(Ipv6Addr::from(words))
    }

    /// What has to be added to the sum of the words with the new prefix.
    fn adjustment(&self) -> u16 {
        let sum = |prefix: Ipv6Prefix| folded(prefix.address.segments().into_iter().map(u32::from).sum());
        folded(u32::from(sum(self.source)) + u32::from(!sum(self.destination)))
    }
}

/// A sum in one's complement.
const fn folded(sum: u32) -> u16 {
    let sum = (sum & 0xffff) + (sum >> 16);
    ((sum & 0xffff) + (sum >> 16)) as u16
}

impl Ipv6Prefix {
    fn contains(self, address: Ipv6Addr) -> bool {
        let rest = u128::MAX.checked_shr(self.len.into()).unwrap_or(0);
        address.to_bits() & !rest == self.address.to_bits()
    }
}

impl Value for Ipv6Prefix {
    const DOMAIN: Domain = Domain::Network { max_bits: 64 };

    fn parse(text: &str, scope: &Scope) -> Result<Self, ValueError> {
        let prefix = HostMask::parse(text, scope)?;
        let len = prefix.prefix_len().filter(|&len| len <= 64);
        let len = len.ok_or_else(|| {
            ValueError::Because("a prefix of up to 64 bits is translated, and its mask has no gaps")
                .by_kernel()
        })?;
        match (prefix.address, prefix.mask) {
            (IpAddr::V6(address), IpAddr::V6(mask)) if address & mask == address => Ok(Self { address, len }),
            _ => {
                Err(ValueError::Because("the address has bits that do not belong to the prefix").by_kernel())
            }
        }
    }

    fn write(&self, out: &mut String, _: &Scope) {
        let _ = write!(out, "{}/{}", AddressText::from(self.address), self.len);
    }
}
