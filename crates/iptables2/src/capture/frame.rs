use super::Captured;
use pcap_file::DataLink;
use pkttables::packet::{InterfaceName, Link, Meta, PacketKind};
use pkttables_eval::Origin;

/// What a frame is, besides its bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    /// The interface by which it came or left.
    pub(super) interface: Option<InterfaceName>,
    /// Whether it left, if the capture says so.
    pub(super) outbound: bool,
    /// When, in nanoseconds since 1970.
    pub(super) time: u64,
}

/// Link layers that are understood.
const KNOWN: [DataLink; 8] = [
    DataLink::ETHERNET,
    DataLink::RAW,
    DataLink::IPV4,
    DataLink::IPV6,
    DataLink::NULL,
    DataLink::LOOP,
    DataLink::LINUX_SLL,
    DataLink::LINUX_SLL2,
];

/// Why packets of a link layer cannot be read; `None` if they can.
pub(super) fn refuses(link: DataLink) -> Option<String> {
    let names = "Ethernet, raw IP, BSD loopback and Linux cooked capture";
    (!KNOWN.contains(&link)).then(|| format!("link type {}; only {names} are read", u32::from(link)))
}

/// Takes the link header off a frame.
pub(super) fn captured(link: DataLink, frame: &[u8], seen: Seen) -> Captured {
    let found = match link {
        DataLink::ETHERNET => ethernet(frame, seen),
        DataLink::LINUX_SLL => cooked(frame, seen, [0, 14], 16),
        DataLink::LINUX_SLL2 => cooked(frame, seen, [10, 0], 20),
        DataLink::NULL | DataLink::LOOP => frame.get(4..).map(|packet| Stripped::plain(packet, seen)),
        _ => Some(Stripped::plain(frame, seen)),
    };
    let Stripped { packet, ethertype, meta, outbound } = found.unwrap_or_else(|| Stripped::plain(&[], seen));
    Captured {
        bytes: packet.to_vec(),
        meta,
        origin: if outbound { Origin::Local } else { Origin::Received },
        is_ip: matches!(ethertype, IPV4 | IPV6),
    }
}

const IPV4: u16 = 0x0800;
const IPV6: u16 = 0x86dd;

/// What is left of a frame without its link header.
struct Stripped<'a> {
    packet: &'a [u8],
    ethertype: u16,
    meta: Meta,
    outbound: bool,
}

impl<'a> Stripped<'a> {
    /// A packet whose first bits tell what it is.
    fn plain(packet: &'a [u8], seen: Seen) -> Self {
        let ethertype = match packet.first().map(|first| first >> 4) {
            Some(4) => IPV4,
            Some(6) => IPV6,
            _ => 0,
        };
        Self { packet, ethertype, meta: meta(seen, seen.outbound), outbound: seen.outbound }
    }
}

fn meta(seen: Seen, outbound: bool) -> Meta {
    let (input, output) = if outbound { (None, seen.interface) } else { (seen.interface, None) };
    Meta { input, output, time: seen.time, ..Meta::default() }
}

fn ethernet(frame: &[u8], mut seen: Seen) -> Option<Stripped<'_>> {
    let ([d0, d1, d2, d3, d4, d5, s0, s1, s2, s3, s4, s5, high, low], mut packet) =
        frame.split_first_chunk()?;
    let mut ethertype = u16::from_be_bytes([*high, *low]);
    // Tagged frames come by the interface of their VLAN.
    while let (0x8100 | 0x88a8, Some(([tag1, tag2, high, low], rest))) =
        (ethertype, packet.split_first_chunk())
    {
        let vlan = u16::from_be_bytes([*tag1, *tag2]) & 0xfff;
        seen.interface =
            seen.interface.and_then(|name| InterfaceName::new(format!("{name}.{vlan}").as_bytes()));
        (ethertype, packet) = (u16::from_be_bytes([*high, *low]), rest);
    }
    let mut meta = meta(seen, seen.outbound);
    if !seen.outbound {
        let destination = [*d0, *d1, *d2, *d3, *d4, *d5];
        meta.kind = PacketKind::of_destination(destination);
        meta.link = Some(Link { destination, source: [*s0, *s1, *s2, *s3, *s4, *s5], ethertype });
    }
    Some(Stripped { packet, ethertype, meta, outbound: seen.outbound })
}

/// A Linux cooked header, in which the kind of the packet and the protocol are at the places given.
fn cooked(frame: &[u8], seen: Seen, [kind, protocol]: [usize; 2], length: usize) -> Option<Stripped<'_>> {
    let packet = frame.get(length..)?;
    let ethertype = u16::from_be_bytes([*frame.get(protocol)?, *frame.get(protocol + 1)?]);
    // In the older header it has two bytes, of which the first is zero.
    let kind = if length == 16 { *frame.get(kind + 1)? } else { *frame.get(kind)? };
    let outbound = kind == 4;
    let mut meta = meta(seen, outbound);
    meta.kind = match kind {
        1 => PacketKind::Broadcast,
        2 => PacketKind::Multicast,
        3 => PacketKind::Other,
        _ => PacketKind::Host,
    };
    Some(Stripped { packet, ethertype, meta, outbound })
}
