use super::HostMask;
use crate::registry::{Domain, InfoWriter, Lister, Scope, Value, ValueError};
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
            out.add(format_args!(" {label} {address}/{len}"));
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

impl Ipv6Prefix {
    /// What an option prints: the empty prefix is not printed.
    #[must_use]
    pub fn printed(self) -> Option<(Self, bool)> {
        (self != Self::default()).then_some((self, false))
    }
}

impl Value for Ipv6Prefix {
    const DOMAIN: Domain = Domain::Network { max_bits: 64 };

    fn parse(text: &str, scope: &Scope) -> Result<Self, ValueError> {
        let prefix = HostMask::parse(text, scope)?;
        let len = prefix.prefix_len().filter(|&len| len <= 64);
        let len = len.ok_or(ValueError::Because(
            "a prefix of up to 64 bits is translated, and its mask has no gaps",
        ))?;
        match (prefix.address, prefix.mask) {
            (IpAddr::V6(address), IpAddr::V6(mask)) if address & mask == address => Ok(Self { address, len }),
            _ => Err(ValueError::Because("the address has bits that do not belong to the prefix")),
        }
    }

    fn write(&self, out: &mut String, _: &Scope) {
        let _ = write!(out, "{}/{}", self.address, self.len);
    }
}
