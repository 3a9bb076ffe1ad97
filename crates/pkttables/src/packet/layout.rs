use super::Data;
use crate::model::{Family, protocol};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Where the headers of an IP packet are, and what the network header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// The IP version.
    pub family: Family,
    /// The source address.
    pub source: IpAddr,
    /// The destination address.
    pub destination: IpAddr,
    /// How long the packet is, headers included, as its IP header says.
    pub len: usize,
    /// The protocol of the transport header; `None` if the chain of IPv6 headers is broken.
    pub protocol: Option<u8>,
    /// Where the transport header starts. For later fragments of IPv6 this is 0, as in the kernel.
    pub transport: usize,
    /// What part of a fragmented packet this is.
    pub fragment: Fragment,
}

/// What part of a fragmented packet a packet is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fragment {
    /// How many bytes of the whole packet's payload come before this one's.
    pub offset: u16,
    /// Whether more follows.
    pub more: bool,
    /// What all fragments of one packet have in common.
    pub id: u32,
    /// IPv6: where the fragment header is; `None` if there is none.
    pub header: Option<usize>,
}

/// Why bytes are no IP packet that a kernel would let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// There are fewer bytes than a header has, or than the header says.
    #[error("the packet is cut off")]
    Short,
    /// The version is neither 4 nor 6, or not the one expected.
    #[error("the IP version is wrong")]
    Version,
    /// The header's length is less than that of its fixed part.
    #[error("the length of the IP header is wrong")]
    HeaderLength,
    /// The IPv4 header's checksum is wrong.
    #[error("the checksum of the IP header is wrong")]
    Checksum,
}

/// Which IPv6 headers are looked through in search of the transport header.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Authentication {
    /// An authentication header is the transport header, as for nf_tables.
    #[default]
    Stop,
    /// What follows the authentication header is the transport header, as for legacy ip6tables.
    Skip,
}

/// The result of looking for an IPv6 header, as of the kernel's `ipv6_find_hdr`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FoundHeader {
    /// Its protocol number.
    pub protocol: u8,
    /// Where it starts; 0 if it is in another fragment.
    pub offset: usize,
    /// The fragment offset in bytes, if this is a later fragment.
    pub fragment_offset: u16,
}

/// Why an IPv6 header was not found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeaderError {
    /// The packet does not have it.
    Absent,
    /// The chain of headers is cut off.
    Broken,
}

const HOP_BY_HOP: u8 = 0;
const ROUTING: u8 = 43;
const FRAGMENT: u8 = 44;
const NONE: u8 = 59;
const DESTINATION: u8 = 60;

impl Layout {
    /// Reads an IP packet's headers. Bytes behind the packet's end, such as Ethernet padding, do not count.
    ///
    /// The checksum is not looked at; see [`check_ipv4_checksum`](Self::check_ipv4_checksum).
    pub fn parse(data: &Data<'_>, authentication: Authentication) -> Result<Self, Malformed> {
        match data.u8(0).ok_or(Malformed::Short)? >> 4 {
            4 => Self::parse_v4(data),
            6 => Self::parse_v6(data, authentication),
            _ => Err(Malformed::Version),
        }
    }

    fn parse_v4(data: &Data<'_>) -> Result<Self, Malformed> {
        let fixed: [u8; 20] = data.array(0).ok_or(Malformed::Short)?;
        let [first, _, len1, len2, id1, id2, frag1, frag2, _, protocol, _, _, addresses @ ..] = fixed;
        let [s1, s2, s3, s4, d1, d2, d3, d4] = addresses;
        let header = usize::from(first & 0xf) * 4;
        let len = usize::from(u16::from_be_bytes([len1, len2]));
        if header < 20 || len < header {
            return Err(Malformed::HeaderLength);
        }
        if data.len() < len {
            return Err(Malformed::Short);
        }
        let flags = u16::from_be_bytes([frag1, frag2]);
        Ok(Self {
            family: Family::Ipv4,
            source: Ipv4Addr::new(s1, s2, s3, s4).into(),
            destination: Ipv4Addr::new(d1, d2, d3, d4).into(),
            len,
            protocol: Some(protocol),
            transport: header,
            fragment: Fragment {
                offset: (flags & 0x1fff) << 3,
                more: flags & 0x2000 != 0,
                id: u16::from_be_bytes([id1, id2]).into(),
                header: None,
            },
        })
    }

    fn parse_v6(data: &Data<'_>, authentication: Authentication) -> Result<Self, Malformed> {
        let payload = data.be16(4).ok_or(Malformed::Short)?;
        let source: [u8; 16] = data.array(8).ok_or(Malformed::Short)?;
        let destination: [u8; 16] = data.array(24).ok_or(Malformed::Short)?;
        let len = 40 + usize::from(payload);
        if data.len() < len {
            return Err(Malformed::Short);
        }
        let data = data.truncated(len);
        let mut fragment = Fragment::default();
        let found = walk(&data, 0, None, authentication, false, &mut fragment);
        Ok(Self {
            family: Family::Ipv6,
            source: Ipv6Addr::from(source).into(),
            destination: Ipv6Addr::from(destination).into(),
            len,
            protocol: found.ok().map(|found| found.protocol),
            transport: found.map_or(0, |found| found.offset),
            fragment: Fragment { offset: found.map_or(0, |found| found.fragment_offset), ..fragment },
        })
    }

    /// Looks for the transport header of an IPv6 packet that an ICMPv6 error quotes at `base`: its protocol and place,
    /// and whether it is that of a fragment. `None` if the headers are cut off.
    pub(crate) fn quoted_transport(data: &Data<'_>, base: usize) -> Option<(u8, usize, bool)> {
        let mut fragment = Fragment::default();
        let found = walk(data, base, None, Authentication::Stop, false, &mut fragment).ok()?;
        Some((found.protocol, found.offset, fragment.header.is_some()))
    }

    /// Whether the IPv4 header's checksum is right; an IPv6 header has none.
    #[must_use]
    pub fn check_ipv4_checksum(&self, data: &Data<'_>) -> bool {
        self.family == Family::Ipv6 || data.sum(0, self.transport, 0) == 0xffff
    }

    /// Looks for the IPv6 header `target`, as `ipv6_find_hdr` does.
    ///
    /// With `skip_used_routing` a routing header with no segments left is passed over.
    pub fn find_header(
        &self,
        data: &Data<'_>,
        target: u8,
        skip_used_routing: bool,
    ) -> Result<FoundHeader, HeaderError> {
        if self.family == Family::Ipv4 {
            return Err(HeaderError::Absent);
        }
        let data = data.truncated(self.len);
        walk(&data, 0, Some(target), Authentication::Skip, skip_used_routing, &mut Fragment::default())
    }
}

/// Passes over IPv6 extension headers from `start` on, as the kernel's `ipv6_skip_exthdr`: the protocol and place of
/// what follows them, which is the fragment header of later fragments. `None` if the chain is cut off.
#[must_use]
pub fn skip_extension_headers(data: &Data<'_>, mut protocol: u8, mut start: usize) -> Option<(u8, usize)> {
    while is_extension_header(protocol) {
        if protocol == NONE {
            return None;
        }
        let [next, length] = data.array(start)?;
        start += match protocol {
            FRAGMENT if data.be16(start + 2)? & !7 != 0 => break,
            FRAGMENT => 8,
            protocol::AH => (usize::from(length) + 2) * 4,
            _ => (usize::from(length) + 1) * 8,
        };
        protocol = next;
    }
    Some((protocol, start))
}

/// Whether the number is that of a header which another one follows.
#[must_use]
pub const fn is_extension_header(number: u8) -> bool {
    matches!(number, HOP_BY_HOP | ROUTING | FRAGMENT | protocol::AH | NONE | DESTINATION)
}

fn walk(
    data: &Data<'_>,
    base: usize,
    target: Option<u8>,
    authentication: Authentication,
    skip_used_routing: bool,
    fragment: &mut Fragment,
) -> Result<FoundHeader, HeaderError> {
    let broken = HeaderError::Broken;
    let mut next = data.u8(base + 6).ok_or(broken)?;
    let mut start = base + 40;
    loop {
        let mut found = target == Some(next);
        let here = FoundHeader { protocol: next, offset: start, fragment_offset: 0 };
        if !is_extension_header(next) || next == NONE {
            return if target.is_none() || found { Ok(here) } else { Err(HeaderError::Absent) };
        }
        let [following, length] = data.array(start).ok_or(broken)?;
        let mut size = (usize::from(length) + 1) * 8;
        match next {
            ROUTING => {
                let left = data.u8(start + 3).ok_or(broken)?;
                if skip_used_routing && left == 0 {
                    found = false;
                }
            }
            FRAGMENT => {
                let word = data.be16(start + 2).ok_or(broken)?;
                fragment.header = Some(start);
                fragment.more = word & 1 != 0;
                fragment.id = data.be32(start + 4).unwrap_or_default();
                let offset = word & !7;
                if offset != 0 {
                    if target.is_none() && (!is_extension_header(following) || following == NONE) {
                        return Ok(FoundHeader { protocol: following, offset: 0, fragment_offset: offset });
                    }
                    return if found {
                        Ok(FoundHeader { fragment_offset: offset, ..here })
                    } else {
                        Err(HeaderError::Absent)
                    };
                }
                size = 8;
            }
            protocol::AH => {
                if authentication == Authentication::Stop && target.is_none() {
                    return Ok(here);
                }
                size = (usize::from(length) + 2) * 4;
            }
            _ => {}
        }
        if found {
            return Ok(here);
        }
        next = following;
        start += size;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn v6(next: u8, payload: &[u8]) -> Vec<u8> {
        let mut packet = vec![0x60, 0, 0, 0, 0, payload.len() as u8, next, 64];
        packet.extend([1; 16]);
        packet.extend([2; 16]);
        packet.extend(payload);
        packet
    }

    #[test]
    fn ipv4_fields() {
        let mut packet = [0; 30];
        packet[..4].copy_from_slice(&[0x46, 0, 0, 28]);
        packet[6..10].copy_from_slice(&[0x20, 2, 64, 17]);
        let data = Data::new(&packet);
        let layout = Layout::parse(&data, Authentication::Stop).unwrap();
        assert_eq!((layout.len, layout.transport, layout.protocol), (28, 24, Some(17)));
        assert_eq!((layout.fragment.offset, layout.fragment.more), (16, true));
        assert_eq!(Layout::parse(&data.truncated(27), Authentication::Stop), Err(Malformed::Short));
        packet[0] = 0x44;
        assert_eq!(Layout::parse(&Data::new(&packet), Authentication::Stop), Err(Malformed::HeaderLength));
    }

    #[test]
    fn ipv6_headers_are_looked_through() {
        let chained = v6(
            0,
            &[
                &[60, 0, 0, 0, 0, 0, 0, 0],
                &[51, 0, 0, 0, 0, 0, 0, 0],
                &[6, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0][..],
            ]
            .concat(),
        );
        let data = Data::new(&chained);
        let stop = Layout::parse(&data, Authentication::Stop).unwrap();
        assert_eq!((stop.protocol, stop.transport), (Some(51), 56));
        let skip = Layout::parse(&data, Authentication::Skip).unwrap();
        assert_eq!((skip.protocol, skip.transport), (Some(6), 68));
        assert_eq!(stop.find_header(&data, 60, false).map(|found| found.offset), Ok(48));
        assert_eq!(stop.find_header(&data, 44, false), Err(HeaderError::Absent));
        let broken = v6(0, &[60]);
        assert_eq!(Layout::parse(&Data::new(&broken), Authentication::Stop).unwrap().protocol, None);
    }

    #[test]
    fn later_fragments_have_a_protocol_but_no_transport_header() {
        let first = v6(44, &[17, 0, 0, 1, 0, 0, 0, 9, 1, 2]);
        let layout = Layout::parse(&Data::new(&first), Authentication::Stop).unwrap();
        assert_eq!((layout.protocol, layout.transport), (Some(17), 48));
        assert_eq!(layout.fragment, Fragment { offset: 0, more: true, id: 9, header: Some(40) });
        let later = v6(44, &[17, 0, 0, 8, 0, 0, 0, 9, 1, 2]);
        let layout = Layout::parse(&Data::new(&later), Authentication::Stop).unwrap();
        assert_eq!((layout.protocol, layout.transport, layout.fragment.offset), (Some(17), 0, 8));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200), version in prop_oneof![Just(4_u8), Just(6)]) {
            let mut bytes = bytes;
            if let Some(first) = bytes.first_mut() {
                *first = version << 4 | *first & 0xf;
            }
            let data = Data::new(&bytes);
            if let Ok(layout) = Layout::parse(&data, Authentication::Skip) {
                prop_assert!(layout.len <= bytes.len());
            }
        }
    }
}
