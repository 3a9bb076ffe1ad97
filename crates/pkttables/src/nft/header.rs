//! The conditions of a rule's header as native expressions.

use crate::model::{AddressMask, Family, Header, InterfacePattern, Negatable};
use crate::registry::{Condition, Load, NativeWriter, Test};
use pkttnetlink::nft::expr::{CmpOp, MetaKey, PayloadBase};
use std::net::IpAddr;

/// Offsets in the IPv4 header (RFC 791).
const V4_FRAGMENT: u32 = 6;
const V4_PROTOCOL: u32 = 9;
const FRAGMENT_OFFSET_BITS: [u8; 2] = [0x1f, 0xff];

/// What iptables-nft compares an interface's name with where no name may match: none has a slash.
const NO_INTERFACE: &[u8] = b"INVAL/D\0";

/// Which of the two addresses.
#[derive(Clone, Copy)]
enum Side {
    Source,
    Destination,
}

impl Side {
    /// Offset of the address in the IP header (RFC 791, RFC 8200).
    const fn offset(self, family: Family) -> u32 {
        match (self, family) {
            (Self::Source, Family::Ipv4) => 12,
            (Self::Destination, Family::Ipv4) => 16,
            (Self::Source, Family::Ipv6) => 8,
            (Self::Destination, Family::Ipv6) => 24,
        }
    }
}

const fn network(offset: u32, len: u32) -> Load {
    Load::Payload { base: PayloadBase::NETWORK_HEADER, offset, len }
}

const fn equal(not: bool) -> CmpOp {
    if not { CmpOp::NEQ } else { CmpOp::EQ }
}

/// Writes the header's conditions in iptables-nft's order.
pub(super) fn write(header: &Header, family: Family, out: &mut NativeWriter<'_>) {
    write_address(header.source, Side::Source, family, out);
    write_address(header.destination, Side::Destination, family, out);
    write_interface(header.in_interface, MetaKey::IIFNAME, out);
    write_interface(header.out_interface, MetaKey::OIFNAME, out);
    if let Some(Negatable { value, not }) = header.protocol {
        let load = match family {
            Family::Ipv4 => network(V4_PROTOCOL, 1),
            Family::Ipv6 => Load::Meta(MetaKey::L4PROTO),
        };
        out.condition(&Condition { load, mask: None, test: Test::Compare(equal(not), &[value]) });
    }
    if let Some(Negatable { not, .. }) = header.fragment {
        let test = Test::Compare(equal(!not), &[0, 0]);
        out.condition(&Condition { load: network(V4_FRAGMENT, 2), mask: Some(&FRAGMENT_OFFSET_BITS), test });
    }
}

fn write_address(
    address: Option<Negatable<AddressMask>>,
    side: Side,
    family: Family,
    out: &mut NativeWriter<'_>,
) {
    let Some(Negatable { value, not }) = address else { return };
    if value.is_any() && !not {
        return;
    }
    let (v4, v6, masks4, masks6);
    let (bytes, mask): (&[u8], &[u8]) = match (value.address(), value.mask()) {
        (IpAddr::V6(address), IpAddr::V6(mask)) => {
            (v6, masks6) = (address.octets(), mask.octets());
            (&v6, &masks6)
        }
        (IpAddr::V4(address), IpAddr::V4(mask)) => {
            (v4, masks4) = (address.octets(), mask.octets());
            (&v4, &masks4)
        }
        _ => return,
    };
    // A mask that ends between bytes shortens the load instead of costing a bitwise expression.
    let whole = value.prefix_len().filter(|bits| bits % 8 == 0).map(|bits| usize::from(bits / 8));
    let (len, mask) = whole.map_or((bytes.len(), Some(mask)), |len| (len, None));
    let load = network(side.offset(family), len as u32);
    let compared = bytes.get(..len).unwrap_or(bytes);
    out.condition(&Condition { load, mask, test: Test::Compare(equal(not), compared) });
}

fn write_interface(pattern: Option<Negatable<InterfacePattern>>, key: MetaKey, out: &mut NativeWriter<'_>) {
    let Some(Negatable { value, not }) = pattern else { return };
    let mut terminated = [0; InterfacePattern::MAX + 1];
    let name = value.name();
    let test = match (name.is_empty(), not) {
        (true, false) => return,
        (true, true) => Test::Compare(CmpOp::EQ, NO_INTERFACE),
        (false, _) if value.is_prefix() => Test::Compare(equal(not), name),
        (false, _) => {
            terminated.iter_mut().zip(name).for_each(|(to, from)| *to = *from);
            Test::Compare(equal(not), terminated.get(..=name.len()).unwrap_or(&terminated))
        }
    };
    out.condition(&Condition { load: Load::Meta(key), mask: None, test });
}

/// Takes a condition into the header; `false` if it is none of the header's, or one that is there already.
pub(super) fn read(header: &mut Header, family: Family, condition: &Condition<'_>) -> bool {
    match condition.load {
        Load::Meta(key) => read_meta(header, key, condition),
        Load::Payload { base: PayloadBase::NETWORK_HEADER, offset, len } => {
            read_network(header, family, (offset, len), condition)
        }
        Load::Payload { .. } => false,
    }
}

fn fill<T>(field: &mut Option<Negatable<T>>, value: Option<Negatable<T>>) -> bool {
    let fits = field.is_none() && value.is_some();
    if fits {
        *field = value;
    }
    fits
}

/// The value compared with, and whether all others are meant; `None` for other comparisons.
const fn equality<'a>(condition: &Condition<'a>) -> Option<(&'a [u8], bool)> {
    match condition.test {
        Test::Compare(CmpOp::EQ, value) => Some((value, false)),
        Test::Compare(CmpOp::NEQ, value) => Some((value, true)),
        _ => None,
    }
}

fn read_meta(header: &mut Header, key: MetaKey, condition: &Condition<'_>) -> bool {
    let Some((value, not)) = equality(condition) else { return false };
    if condition.mask.is_some() {
        return false;
    }
    match key {
        MetaKey::IIFNAME => fill(&mut header.in_interface, read_interface(value, not)),
        MetaKey::OIFNAME => fill(&mut header.out_interface, read_interface(value, not)),
        MetaKey::L4PROTO => fill(&mut header.protocol, read_protocol(value, not)),
        _ => false,
    }
}

fn read_protocol(value: &[u8], not: bool) -> Option<Negatable<u8>> {
    match *value {
        [value] if value != 0 => Some(Negatable { value, not }),
        _ => None,
    }
}

fn read_interface(value: &[u8], not: bool) -> Option<Negatable<InterfacePattern>> {
    if value == NO_INTERFACE && !not {
        return InterfacePattern::new(b"", true).map(|value| Negatable { value, not: true });
    }
    // The kernel dumps a comparison as long as it was sent; the name ends at its NUL, without one it is a prefix.
    let name = value.split(|&byte| byte == 0).next().unwrap_or_default();
    let value = InterfacePattern::new(name, name.len() == value.len())?;
    Some(Negatable { value, not })
}

fn read_network(
    header: &mut Header,
    family: Family,
    (offset, len): (u32, u32),
    condition: &Condition<'_>,
) -> bool {
    let Some((value, not)) = equality(condition) else { return false };
    if value.len() != len as usize {
        return false;
    }
    if offset == Side::Source.offset(family) {
        return fill(&mut header.source, read_address(family, condition.mask, value, not));
    }
    if offset == Side::Destination.offset(family) {
        return fill(&mut header.destination, read_address(family, condition.mask, value, not));
    }
    match (family, offset, condition.mask) {
        (Family::Ipv4, V4_PROTOCOL, None) => fill(&mut header.protocol, read_protocol(value, not)),
        (Family::Ipv4, V4_FRAGMENT, Some(mask)) if mask == FRAGMENT_OFFSET_BITS && value == [0, 0] => {
            fill(&mut header.fragment, Some(Negatable { value: (), not: !not }))
        }
        _ => false,
    }
}

fn read_address(
    family: Family,
    mask: Option<&[u8]>,
    value: &[u8],
    not: bool,
) -> Option<Negatable<AddressMask>> {
    let address = padded(family, value)?;
    let masked = match mask {
        Some(mask) if mask.len() == value.len() => AddressMask::new(address, padded(family, mask)?)?,
        Some(_) => return None,
        None => AddressMask::prefix(address, u8::try_from(value.len() * 8).ok()?)?,
    };
    // Bits outside the mask can never match; such a condition is not what an iptables writes.
    (masked.address() == address).then_some(Negatable { value: masked, not })
}

/// An address of which `bytes` are the first, the others 0.
fn padded(family: Family, bytes: &[u8]) -> Option<IpAddr> {
    fn array<const N: usize>(bytes: &[u8]) -> Option<[u8; N]> {
        let mut octets = [0; N];
        octets.get_mut(..bytes.len())?.copy_from_slice(bytes);
        Some(octets)
    }
    match family {
        Family::Ipv4 => array::<4>(bytes).map(IpAddr::from),
        Family::Ipv6 => array::<16>(bytes).map(IpAddr::from),
    }
}
