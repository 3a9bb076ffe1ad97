//! What a host does to the options of IPv4 packets that come in (`ip_options_compile` and `ip_forward_options` of
//! net/ipv4/ip_options.c; RFC 791).

use pkttables::matches::addrtype::AddressType;
use pkttables::packet::{Data, Packet};
use pkttables::registry::Environment;
use std::net::{IpAddr, Ipv4Addr};

/// What a packet's options ask for when it is sent on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Options {
    /// Where in the record of the route the address goes by which the packet leaves.
    route: Option<usize>,
    /// Whether something was written, so that the checksum is wrong until the packet is sent on.
    changed: bool,
    /// Where the record of the route is.
    recorded: Option<usize>,
    /// Where the timestamps are.
    stamped: Option<usize>,
    /// Whether an address, and whether a time, was due there.
    due: (bool, bool),
}

/// The options of an answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Echo {
    bytes: [u8; 40],
    len: usize,
}

impl Default for Echo {
    fn default() -> Self {
        Self { bytes: [0; 40], len: 0 }
    }
}

impl Echo {
    /// The options, up to a whole number of words.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.len.next_multiple_of(4)).unwrap_or_default()
    }

    /// Takes over an option; `None` if it is cut off.
    fn take(&mut self, packet: &Data<'_>, at: usize) -> Option<&mut [u8]> {
        let len = usize::from(packet.u8(at + 1)?);
        let place = self.bytes.get_mut(self.len..self.len + len)?;
        packet.read(at, place)?;
        self.len += len;
        Some(place)
    }
}

/// The options are malformed, or ask for what is not done, so that the packet is thrown away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refused;

/// What the options of a packet that came in are filled with.
#[derive(Debug)]
pub(crate) struct Here<'a> {
    /// The address of this host that the sender sees.
    pub(crate) address: Ipv4Addr,
    /// Whose addresses are whose.
    pub(crate) environment: &'a mut dyn Environment,
    /// Whether the packet may name the routers on its way, and has not come to the first of them.
    pub(crate) source_route: bool,
    /// When the packet came, in nanoseconds since 1970.
    pub(crate) time: u64,
}

const END: u8 = 0;
const NOOP: u8 = 1;
const RECORD_ROUTE: u8 = 7;
const TIMESTAMP: u8 = 68;
const LOOSE_ROUTE: u8 = 131;
const CIPSO: u8 = 134;
const STRICT_ROUTE: u8 = 137;
const ROUTER_ALERT: u8 = 148;

/// Kinds of timestamps.
const WITH_ADDRESS: u8 = 1;
const PRESCRIBED: u8 = 3;

/// Reads the options, which end at `end`, and fills in what this host has to.
pub(crate) fn receive(packet: &mut [u8], end: usize, here: &mut Here<'_>) -> Result<Options, Refused> {
    let header = packet.get_mut(..end).ok_or(Refused)?;
    let mut options = Options::default();
    let (mut recorded, mut timestamped, mut routed) = (false, false, false);
    let mut at = 20;
    while at < end {
        match header.get(at) {
            Some(&END) => {
                let rest = header.get_mut(at..).unwrap_or_default();
                options.changed |= rest.iter().any(|byte| *byte != END);
                rest.fill(END);
                break;
            }
            Some(&NOOP) => {
                at += 1;
                continue;
            }
            _ => {}
        }
        let len = usize::from(*header.get(at + 1).ok_or(Refused)?);
        let option = header.get_mut(at..at + len).filter(|_| len >= 2).ok_or(Refused)?;
        match option.first() {
            Some(&RECORD_ROUTE) if !recorded => {
                recorded = true;
                options.recorded = Some(at);
                if let Some(place) = record_route(option, here.address)? {
                    options.changed = true;
                    options.route = Some(at + place);
                }
            }
            Some(&TIMESTAMP) if !timestamped => {
                timestamped = true;
                options.stamped = Some(at);
                let pointer = option.get(2).copied();
                options.changed |= timestamp(option, here)?;
                let due = option.get(2).copied() != pointer;
                let with_address = option.get(3).is_some_and(|flags| flags & 0xf == WITH_ADDRESS);
                options.due = (due && with_address, due);
            }
            Some(&ROUTER_ALERT) if len < 4 => return Err(Refused),
            Some(&LOOSE_ROUTE) if here.source_route && !routed => {
                routed = true;
                option.get(2).filter(|pointer| **pointer >= 4).ok_or(Refused)?;
            }
            // Hosts do not follow routes that others prescribe, and know no CIPSO labels, unless told otherwise.
            Some(&(RECORD_ROUTE | TIMESTAMP | LOOSE_ROUTE | STRICT_ROUTE | CIPSO)) => return Err(Refused),
            _ => {}
        }
        at += len;
    }
    Ok(options)
}

/// Where the next entry of `size` bytes goes in an option with a pointer of at least `first`; `None` if it is full.
fn room(option: &[u8], first: u8, size: usize) -> Result<Option<usize>, Refused> {
    let pointer = *option.get(2).filter(|pointer| **pointer >= first).ok_or(Refused)?;
    let at = usize::from(pointer) - 1;
    match at {
        _ if at >= option.len() => Ok(None),
        _ if at + size > option.len() => Err(Refused),
        _ => Ok(Some(at)),
    }
}

fn put(option: &mut [u8], at: usize, bytes: [u8; 4]) {
    if let Some(place) = option.get_mut(at..at + 4) {
        place.copy_from_slice(&bytes);
    }
}

/// Where the address was written, if there was room.
fn record_route(option: &mut [u8], address: Ipv4Addr) -> Result<Option<usize>, Refused> {
    let Some(at) = room(option, 4, 4)? else { return Ok(None) };
    put(option, at, address.octets());
    advance(option, 4);
    Ok(Some(at))
}

/// Moves the pointer on.
fn advance(option: &mut [u8], by: u8) {
    if let Some(pointer) = option.get_mut(2) {
        *pointer += by;
    }
}

/// Whether the option was changed. The address next to the time stays the one that the sender sees.
fn timestamp(option: &mut [u8], here: &mut Here<'_>) -> Result<bool, Refused> {
    const ONLY: u8 = 0;
    let flags = *option.get(3).ok_or(Refused)?;
    let kind = flags & 0xf;
    let size = if matches!(kind, WITH_ADDRESS | PRESCRIBED) { 8 } else { 4 };
    let Some(at) = room(option, 5, size)? else {
        let missed = flags >> 4;
        if kind == PRESCRIBED {
            return Ok(false);
        }
        if missed == 15 {
            return Err(Refused);
        }
        if let Some(flags) = option.get_mut(3) {
            *flags = kind | (missed + 1) << 4;
        }
        return Ok(true);
    };
    let time = milliseconds_of_day(here.time).to_be_bytes();
    match kind {
        ONLY => {
            put(option, at, time);
            advance(option, 4);
            Ok(true)
        }
        WITH_ADDRESS => {
            put(option, at, here.address.octets());
            put(option, at + 4, time);
            advance(option, 8);
            Ok(true)
        }
        PRESCRIBED => {
            let address: Option<[u8; 4]> = option.get(at..at + 4).and_then(|bytes| bytes.try_into().ok());
            let Some(address) = address.map(IpAddr::from) else { return Ok(false) };
            if here.environment.address_type(address, None) == AddressType::Unicast {
                return Ok(false);
            }
            put(option, at + 4, time);
            advance(option, 8);
            Ok(true)
        }
        _ => Ok(false),
    }
}

/// Milliseconds since midnight, as timestamps of RFC 791 are.
fn milliseconds_of_day(nanoseconds: u64) -> u32 {
    u32::try_from(nanoseconds / 1_000_000 % 86_400_000).unwrap_or_default()
}

impl Options {
    /// Writes the address by which the packet leaves; `true` if the checksum has to be computed anew.
    pub(crate) fn forward(&self, packet: &mut [u8], address: impl FnOnce() -> Ipv4Addr) -> bool {
        if let Some(at) = self.route {
            put(packet, at, address().octets());
        }
        self.changed
    }

    /// The options of an answer from `source` to the packet, filled on as if it had come this far (`ip_options_echo`); `None` if
    /// they have no room for that, so that there is no answer.
    pub(crate) fn echo(
        &self,
        packet: &Packet<'_>,
        source: Ipv4Addr,
        environment: &mut dyn Environment,
    ) -> Option<Echo> {
        let mut echo = Echo::default();
        if let Some(at) = self.recorded {
            let option = echo.take(&packet.data, at)?;
            let pointer = *option.get(2)?;
            if self.route.is_some() && usize::from(pointer) <= option.len() {
                let place = usize::from(pointer).checked_sub(1).filter(|place| place + 4 <= option.len())?;
                put(option, place, source.octets());
                advance(option, 4);
            }
        }
        if let Some(at) = self.stamped {
            let option = echo.take(&packet.data, at)?;
            stamp(option, self.due, source, packet.meta.time, environment)?;
        }
        Some(echo)
    }
}

/// Fills the timestamps of an answer on.
fn stamp(
    option: &mut [u8],
    (address, time): (bool, bool),
    source: Ipv4Addr,
    now: u64,
    environment: &mut dyn Environment,
) -> Option<()> {
    let mut place = usize::from(*option.get(2)?).checked_sub(1)?;
    if place >= option.len() {
        return Some(());
    }
    let has_room = |place: usize| place + 4 <= option.len();
    if address && !has_room(place) {
        return None;
    }
    let first = place;
    place += if address { 4 } else { 0 };
    let mut written = false;
    if time {
        if !has_room(place) {
            return None;
        }
        if option.get(3)? & 0xf != PRESCRIBED {
            place += 4;
            written = true;
        } else if place + 8 <= option.len() {
            let next: [u8; 4] = option.get(place..place + 4)?.try_into().ok()?;
            if environment.address_type(next.into(), None) != AddressType::Unicast {
                place += 8;
                written = true;
            }
        }
    }
    if address {
        put(option, first, source.octets());
    }
    if written {
        put(option, place - 4, milliseconds_of_day(now).to_be_bytes());
    }
    *option.get_mut(2)? = (place + 1) as u8;
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TIME: u64 = 1_700_000_000_123_456_789;

    /// What becomes of options when the packet comes in by 10.0.0.1 and leaves by 10.9.9.9.
    fn routed(options: &[u8]) -> Result<Vec<u8>, Refused> {
        let mut packet = [&[0; 20][..], options].concat();
        let address = Ipv4Addr::new(10, 0, 0, 1);
        let mut host = crate::Host::new();
        host.add_local(address.into());
        let mut here = Here { address, environment: &mut host, source_route: false, time: TIME };
        let end = packet.len();
        let read = receive(&mut packet, end, &mut here)?;
        let before = packet[20..].to_vec();
        let recompute = read.forward(&mut packet, || Ipv4Addr::new(10, 9, 9, 9));
        assert!(recompute || (before == options && packet[20..] == *options));
        Ok(packet[20..].to_vec())
    }

    #[test]
    fn the_route_is_recorded_while_there_is_room() {
        assert_eq!(routed(&[7, 7, 4, 0, 0, 0, 0, 0]), Ok(vec![7, 7, 8, 10, 9, 9, 9, 0]));
        assert_eq!(routed(&[1, 7, 7, 8, 1, 1, 1, 1]), Ok(vec![1, 7, 7, 8, 1, 1, 1, 1]));
        assert_eq!(routed(&[7, 7, 5, 0, 0, 0, 0, 0]), Err(Refused));
        assert_eq!(routed(&[7, 7, 3, 0, 0, 0, 0, 0]), Err(Refused));
        assert_eq!(routed(&[7, 3, 4, 7, 3, 4, 0, 0]), Err(Refused));
    }

    #[test]
    fn timestamps_have_their_kinds() {
        let time = 80_000_123_u32.to_be_bytes();
        assert_eq!(routed(&[68, 8, 5, 0, 0, 0, 0, 0]), Ok([&[68, 8, 9, 0][..], &time].concat()));
        let with_address = [&[68, 12, 13, 1, 10, 0, 0, 1][..], &time].concat();
        assert_eq!(routed(&[68, 12, 5, 1, 0, 0, 0, 0, 0, 0, 0, 0]), Ok(with_address));
        let prescribed = [&[68, 12, 13, 3, 10, 0, 0, 1][..], &time].concat();
        assert_eq!(routed(&[68, 12, 5, 3, 10, 0, 0, 1, 0, 0, 0, 0]), Ok(prescribed));
        let foreign = [68, 12, 5, 3, 10, 0, 0, 2, 0, 0, 0, 0];
        assert_eq!(routed(&foreign), Ok(foreign.to_vec()));
        assert_eq!(routed(&[68, 8, 9, 0x20, 1, 2, 3, 4]), Ok(vec![68, 8, 9, 0x30, 1, 2, 3, 4]));
        assert_eq!(routed(&[68, 8, 9, 0xf0, 1, 2, 3, 4]), Err(Refused));
        assert_eq!(routed(&[68, 8, 5, 1, 0, 0, 0, 0]), Err(Refused));
    }

    #[test]
    fn what_follows_the_end_is_cleared() {
        assert_eq!(routed(&[1, 0, 5, 6]), Ok(vec![1, 0, 0, 0]));
    }

    #[test]
    fn prescribed_routes_are_refused() {
        for kind in [131, 137] {
            assert_eq!(routed(&[kind, 7, 4, 1, 2, 3, 4, 0]), Err(Refused));
        }
        assert_eq!(routed(&[148, 4, 0, 0]), Ok(vec![148, 4, 0, 0]));
        assert_eq!(routed(&[148, 3, 0, 0]), Err(Refused));
    }

    proptest! {
        #[test]
        fn any_options_are_read_or_refused(options in proptest::collection::vec(any::<u8>(), 0..41)) {
            let _ = routed(&options);
        }
    }
}
