use crate::checksum::{fold, replace8, replace16, replace32};
use crate::ip_options::{self, Options, Refused};
use crate::stack::Routing;
use pkttables::model::{Counters, Family};
use pkttables::packet::{
    Authentication, Connection, Data, Direction, Layout, Malformed, Meta, Packet, Status, TrackState, Tuple,
};
use pkttables::registry::{Edit, Environment, Template};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A packet on its way, in a buffer of its own that changes can be made in.
#[derive(Debug)]
pub struct Working {
    pub(crate) bytes: Vec<u8>,
    pub(crate) layout: Layout,
    pub(crate) meta: Meta,
    /// How it is to be tracked, if a rule said so.
    pub(crate) template: Option<Template>,
    /// Whether its way is reported.
    pub(crate) traced: bool,
    /// Whether a rule changed the connection's mark or labels, which `meta` has a copy of.
    pub(crate) connection_changed: bool,
    /// How many bytes from its start came in one piece.
    pub(crate) first_piece: usize,
    /// How many bytes from its start the kernel would have had to put in one piece.
    pub(crate) contiguous: usize,
    /// What the IPv4 options of a packet that came in ask for.
    pub(crate) options: Options,
    authentication: Authentication,
}

const IPV6_HEADER: usize = 40;
/// Where the header ends that an ICMPv6 error without extension headers quotes.
const QUOTED_IPV6_HEADER: usize = IPV6_HEADER + 8 + IPV6_HEADER;

impl Working {
    /// A place for packets.
    pub(crate) fn new(authentication: Authentication) -> Self {
        let unspecified = Ipv4Addr::UNSPECIFIED.into();
        Self {
            bytes: Vec::new(),
            layout: Layout {
                family: Family::Ipv4,
                source: unspecified,
                destination: unspecified,
                len: 0,
                protocol: None,
                transport: 0,
                fragment: pkttables::packet::Fragment::default(),
            },
            meta: Meta::default(),
            template: None,
            traced: false,
            connection_changed: false,
            first_piece: usize::MAX,
            contiguous: 0,
            options: Options::default(),
            authentication,
        }
    }

    /// Takes over a packet; what lies behind its end is left away.
    pub(crate) fn load(&mut self, data: Data<'_>, meta: &Meta) -> Result<(), Malformed> {
        self.layout = Layout::parse(&data, self.authentication)?;
        self.bytes.clear();
        data.truncated(self.layout.len).append_to(&mut self.bytes);
        self.meta.clone_from(meta);
        self.template = None;
        self.traced = false;
        self.connection_changed = false;
        self.first_piece = usize::MAX;
        self.contiguous = 0;
        self.options = Options::default();
        Ok(())
    }

    /// Reads the headers again after the bytes were changed from outside.
    pub(crate) fn reparse(&mut self) -> Result<(), Malformed> {
        self.layout = Layout::parse(&Data::new(&self.bytes), self.authentication)?;
        self.bytes.truncate(self.layout.len);
        Ok(())
    }

    /// Works the checksum of an IPv4 header out anew.
    pub(crate) fn correct_header(&mut self) {
        if self.layout.family == Family::Ipv4 {
            self.put16(10, 0);
            let sum = fold(self.data().sum(0, self.layout.transport, 0));
            self.put16(10, sum);
        }
    }

    pub(crate) fn data(&self) -> Data<'_> {
        Data::new(&self.bytes)
    }

    /// The packet as it is now.
    #[must_use]
    pub fn packet(&self) -> Packet<'_> {
        Packet::new(self.data(), self.layout, &self.meta)
    }

    /// Whether its way is reported.
    #[must_use]
    pub const fn is_traced(&self) -> bool {
        self.traced
    }

    /// Makes one change.
    pub fn apply(&mut self, edit: Edit) {
        match edit {
            Edit::Mark(mark) => self.meta.mark = mark,
            Edit::Kind(kind) => self.meta.kind = kind,
            Edit::Priority(priority) => self.meta.priority = priority,
            Edit::SecMark(mark) => self.meta.secmark = mark,
            Edit::ConnectionMark(mark) => self.change_connection(|connection| connection.mark = mark),
            Edit::ConnectionSecMark(mark) => self.change_connection(|connection| connection.secmark = mark),
            Edit::ConnectionLabel(bit) => {
                let label = 1_u128.checked_shl(bit.into()).unwrap_or_default();
                self.change_connection(|connection| connection.labels |= label);
            }
            Edit::Tos(tos) => self.set_tos(tos),
            Edit::Hops(hops) => self.set_hops(hops),
            Edit::TcpFlags(mask, set) => {
                self.join(20);
                self.set_tcp_flags(mask, set);
            }
            Edit::SegmentSize(size) => {
                self.contiguous = self.bytes.len();
                self.set_segment_size(size);
            }
            Edit::StripTcpOptions(kinds) => {
                self.join(self.tcp_header().unwrap_or_default());
                self.strip_tcp_options(kinds);
            }
            Edit::Address { at, address } => {
                // Of a quoted header that came in several pieces the kernel changes a copy only.
                let end = if at < IPV6_HEADER { IPV6_HEADER } else { QUOTED_IPV6_HEADER };
                if end <= self.first_piece.max(self.contiguous) {
                    self.set_address(at, address);
                }
            }
            Edit::Untrack => {
                self.meta.state = TrackState::Untracked;
                self.meta.connection = None;
            }
            Edit::Track(template) => {
                self.template = Some(template);
                self.meta.state = TrackState::New;
                self.meta.connection = Some(placeholder(&template));
            }
            Edit::Trace => self.traced = true,
        }
    }

    /// Notes that the kernel needs so much of the transport header in one piece.
    pub(crate) fn join(&mut self, transport: usize) {
        self.join_to(self.layout.transport + transport);
    }

    /// Notes that the kernel needs so much of the packet in one piece.
    pub(crate) fn join_to(&mut self, end: usize) {
        self.contiguous = self.contiguous.max(end);
    }

    fn change_connection(&mut self, change: impl FnOnce(&mut Connection)) {
        if let Some(connection) = &mut self.meta.connection {
            change(connection);
            self.connection_changed = true;
        }
    }

    /// Takes one hop away, as a router does; `false` if none would be left.
    pub(crate) fn decrease_hops(&mut self) -> bool {
        let hops = self.packet().hops();
        if hops <= 1 {
            return false;
        }
        match self.layout.family {
            Family::Ipv4 => {
                self.put8(8, hops - 1);
                let sum = u32::from(self.be16(10)) + 0x100;
                let sum = if sum >= 0xffff { sum + 1 } else { sum };
                self.put16(10, (sum & 0xffff) as u16);
            }
            Family::Ipv6 => self.put8(7, hops - 1),
        }
        true
    }

    /// Fills the IPv4 options of a packet that came in.
    pub(crate) fn read_options(
        &mut self,
        routing: &Routing,
        source_route: bool,
        environment: &mut dyn Environment,
    ) -> Result<(), Refused> {
        if self.layout.family != Family::Ipv4 || self.layout.transport == 20 {
            return Ok(());
        }
        let (source, destination) = (self.layout.source, self.layout.destination);
        let address = match (routing, destination) {
            (Routing::Local, IpAddr::V4(destination)) => destination,
            _ => source_address(environment, source),
        };
        let mut here = ip_options::Here {
            address,
            environment,
            time: self.meta.time,
            source_route: source_route && matches!(routing, Routing::Forward(_)),
        };
        self.options = ip_options::receive(&mut self.bytes, self.layout.transport, &mut here)?;
        Ok(())
    }

    /// Completes the IPv4 options of a packet that is sent on.
    pub(crate) fn forward_options(&mut self, environment: &mut dyn Environment) {
        let destination = self.layout.destination;
        let options = self.options;
        if options.forward(&mut self.bytes, || source_address(environment, destination)) {
            self.correct_header();
        }
    }

    fn set_address(&mut self, at: usize, address: Ipv6Addr) {
        if let Some(bytes) = self.bytes.get_mut(at..at + 16) {
            bytes.copy_from_slice(&address.octets());
        }
        match at {
            8 => self.layout.source = address.into(),
            24 => self.layout.destination = address.into(),
            _ => {}
        }
    }

    fn set_hops(&mut self, hops: u8) {
        let old = self.packet().hops();
        match self.layout.family {
            Family::Ipv4 if old != hops => {
                let sum = replace8(self.be16(10), old, hops, false);
                self.put16(10, sum);
                self.put8(8, hops);
            }
            Family::Ipv4 => {}
            Family::Ipv6 => self.put8(7, hops),
        }
    }

    fn set_tos(&mut self, tos: u8) {
        match self.layout.family {
            Family::Ipv4 => {
                let old = self.u8(1);
                if old != tos {
                    let sum = replace8(self.be16(10), old, tos, true);
                    self.put16(10, sum);
                    self.put8(1, tos);
                }
            }
            Family::Ipv6 => {
                let (first, second) = (self.u8(0), self.u8(1));
                self.put8(0, first & 0xf0 | tos >> 4);
                self.put8(1, second & 0x0f | tos << 4);
            }
        }
    }

    fn set_tcp_flags(&mut self, mask: u8, set: u8) {
        let at = self.layout.transport;
        let old = self.u8(at + 13);
        let new = old & !mask | set & mask;
        if old != new {
            self.put8(at + 13, new);
            let sum = replace8(self.be16(at + 16), old, new, true);
            self.put16(at + 16, sum);
        }
    }

    /// How long the TCP header is; `None` if it is cut off.
    fn tcp_header(&self) -> Option<usize> {
        let payload = self.bytes.len().checked_sub(self.layout.transport)?;
        let header = usize::from(self.packet().transport::<1>(12).ok()?[0] >> 4) * 4;
        (header >= 20 && header <= payload).then_some(header)
    }

    fn set_segment_size(&mut self, size: u16) {
        let Some(header) = self.tcp_header() else { return };
        let tcp = self.layout.transport;
        let mut at = 20;
        while at + 4 <= header {
            if self.u8(tcp + at) == 2 && self.u8(tcp + at + 1) == 4 {
                let old = self.be16(tcp + at + 2);
                // The size is never increased.
                if old > size {
                    self.put16(tcp + at + 2, size);
                    let sum = replace16(self.be16(tcp + 16), old, size);
                    self.put16(tcp + 16, sum);
                }
                return;
            }
            at += self.option_length(tcp + at);
        }
        let len = self.bytes.len() - tcp;
        if len > header || header >= 60 {
            return;
        }
        let (most, length_at) = match self.layout.family {
            Family::Ipv4 => (536, 2),
            Family::Ipv6 => (1220, 4),
        };
        let [high, low] = size.min(most).to_be_bytes();
        let option = [2, 4, high, low];
        self.bytes.splice(tcp + 20..tcp + 20, option);
        let sum = replace16(self.be16(tcp + 16), (len & 0xffff) as u16, ((len + 4) & 0xffff) as u16);
        let sum = replace32(sum, 0, u32::from_be_bytes(option));
        let words = self.be16(tcp + 12);
        self.put16(tcp + 12, words.wrapping_add(1 << 12));
        self.put16(tcp + 16, replace16(sum, words, words.wrapping_add(1 << 12)));
        let old = self.be16(length_at);
        self.put16(length_at, old.wrapping_add(4));
        if self.layout.family == Family::Ipv4 {
            self.put16(10, replace16(self.be16(10), old, old.wrapping_add(4)));
        }
        self.layout.len += 4;
    }

    fn strip_tcp_options(&mut self, kinds: [u64; 4]) {
        const NOP: u8 = 1;
        let Some(header) = self.tcp_header() else { return };
        let tcp = self.layout.transport;
        let mut at = 20;
        while at + 1 < header {
            let len = self.option_length(tcp + at);
            if at + len > header {
                break;
            }
            let kind = self.u8(tcp + at);
            let word = kinds.get(usize::from(kind / 64)).copied().unwrap_or_default();
            if word >> (kind % 64) & 1 != 0 {
                for place in at..at + len {
                    let old = self.u8(tcp + place);
                    self.put16(tcp + 16, replace8(self.be16(tcp + 16), old, NOP, place % 2 == 1));
                    self.put8(tcp + place, NOP);
                }
            }
            at += len;
        }
    }

    fn option_length(&self, at: usize) -> usize {
        match (self.u8(at), self.u8(at + 1)) {
            (0 | 1, _) | (_, 0) => 1,
            (_, len) => len.into(),
        }
    }

    pub(crate) fn u8(&self, at: usize) -> u8 {
        self.bytes.get(at).copied().unwrap_or_default()
    }

    pub(crate) fn be16(&self, at: usize) -> u16 {
        self.data().be16(at).unwrap_or_default()
    }

    fn put8(&mut self, at: usize, value: u8) {
        if let Some(byte) = self.bytes.get_mut(at) {
            *byte = value;
        }
    }

    fn put16(&mut self, at: usize, value: u16) {
        if let Some(bytes) = self.bytes.get_mut(at..at + 2) {
            bytes.copy_from_slice(&value.to_be_bytes());
        }
    }
}

/// The connection that rules see between the target `CT` and connection tracking: a template of no addresses.
const fn placeholder(template: &Template) -> Connection {
    let nothing = Tuple {
        source: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        destination: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        protocol: 0,
        source_port: 0,
        destination_port: 0,
    };
    let zone = if template.original_zone != 0 { template.original_zone } else { template.reply_zone };
    Connection {
        direction: Direction::Original,
        original: nothing,
        reply: nothing,
        status: Status::CONFIRMED,
        mark: 0,
        secmark: 0,
        labels: 0,
        expires: 0,
        zone,
        helper: template.helper,
        master_helper: None,
        master_source: None,
        counters: [Counters { packets: 0, bytes: 0 }; 2],
    }
}

/// The address that a packet from this host to `destination` would have.
fn source_address(environment: &mut dyn Environment, destination: IpAddr) -> Ipv4Addr {
    let route = environment.route(destination, 0);
    match route.and_then(|route| environment.interface_address(route.interface, destination)) {
        Some(IpAddr::V4(address)) => address,
        _ => Ipv4Addr::UNSPECIFIED,
    }
}
