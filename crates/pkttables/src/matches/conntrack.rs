//! `-m conntrack`: what connection tracking knows of the connection that the packet belongs to.
use crate::domain::{HostMask, PortRange, ProtocolNumber};
use crate::model::{Families, Family, Negatable};
use crate::packet::{Meta, Packet, TrackState};
use crate::registry::{
    Context, Domain, Extension, InfoReader, InfoWriter, Lister, Outcome, Require, Revision, Scope, Value,
    ValueError, sight,
};
use crate::{choices, extension, flag_set, integer_range, packet};
use nfnetlink::wire::{DecodeError, EncodeError, Problem};

/// The `conntrack` match: all conditions that are given must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Conntrack {
    /// The state is one of these.
    pub states: Option<Negatable<CtStates>>,
    /// The transport protocol of the connection.
    pub protocol: Option<Negatable<u8>>,
    /// Addresses and ports of the packets of the one who began the connection.
    pub original: Tuple,
    /// Addresses and ports of the packets of the one who answers.
    pub reply: Tuple,
    /// The connection has one of these properties.
    pub status: Option<Negatable<CtStatus>>,
    /// Seconds until the connection is forgotten.
    pub expires: Option<Negatable<Lifetime>>,
    /// The direction of the packet.
    pub direction: Option<Direction>,
}

/// Conditions on the addresses and ports of one direction of a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tuple {
    /// The source address.
    pub source: Option<Negatable<HostMask>>,
    /// The destination address.
    pub destination: Option<Negatable<HostMask>>,
    /// The source port.
    pub source_port: Option<Negatable<PortRange>>,
    /// The destination port.
    pub destination_port: Option<Negatable<PortRange>>,
}

flag_set! {
    /// States of a connection, as a packet sees them (`XT_CONNTRACK_STATE_*`).
    #[derive(Default)]
    pub struct CtStates: u16, ',', prefix {
        /// The packet could not be assigned to a connection, for instance because it fits none or is malformed.
        INVALID = 1 => "INVALID",
        /// The packet begins a connection, or belongs to one that has only been seen in one direction.
        NEW = 1 << 3 => "NEW",
        /// The packet begins a connection that an existing one announced, or is an ICMP error about one.
        RELATED = 1 << 2 => "RELATED",
        /// The packet belongs to a connection that has been seen in both directions.
        ESTABLISHED = 1 << 1 => "ESTABLISHED",
        /// Connection tracking was told to ignore the packet.
        UNTRACKED = 1 << 8 => "UNTRACKED",
        /// The source address of the connection is translated.
        SNAT = 1 << 6 => "SNAT",
        /// The destination address of the connection is translated.
        DNAT = 1 << 7 => "DNAT",
    }
}

flag_set! {
    /// Properties of a connection (`IPS_*`).
    #[derive(Default)]
    pub struct CtStatus: u16, ',', prefix {
        /// None of the properties.
        NONE = 0 => "NONE",
        /// Another connection announced this one.
        EXPECTED = 1 => "EXPECTED",
        /// Packets have been seen in both directions.
        SEEN_REPLY = 2 => "SEEN_REPLY",
        /// The connection is not forgotten early when the table is full.
        ASSURED = 4 => "ASSURED",
        /// The first packet of the connection has left the host.
        CONFIRMED = 8 => "CONFIRMED",
    }
}

integer_range! {
    /// Seconds until a connection is forgotten.
    pub struct Lifetime(u32), "seconds";
}

choices! {
    /// The directions of a connection.
    pub enum Direction: u8 {
        /// From the one who began the connection.
        Original = 0 => "ORIGINAL",
        /// From the one who answers.
        Reply = 1 => "REPLY",
    }
}

extension! {
    /// Match by what connection tracking knows of the packet's connection.
    ///
    /// If several options are given all must hold. Where a rule uses this match the kernel tracks all connections.
    /// Addresses and ports are those of the connection and not of the packet: with address translation the reply
    /// direction shows the translated ones.
    match "conntrack" => Conntrack {
        require: Require::AtLeastOne,
    } params {
        /// The connection is in one of these states.
        ///
        /// Names can be shortened and written in any case.
        [!] "ctstate": CtStates {
            set: |m, value, not| m.states = Some(Negatable { value, not }),
            get: |m| given(m.states),
            sees: Some(sight::state),
        }
        /// The transport protocol of the connection.
        [!] "ctproto": ProtocolNumber {
            set: |m, ProtocolNumber(value), not| m.protocol = Some(Negatable { value, not }),
            get: |m| m.protocol.map(|protocol| (ProtocolNumber(protocol.value), protocol.not)),
            sees: Some(sight::connection_protocol),
        }
        /// The source address in the direction of the connection's first packet.
        [!] "ctorigsrc": HostMask {
            set: |m, value, not| m.original.source = Some(Negatable { value, not }),
            get: |m| given(m.original.source),
            sees: Some(sight::original_tuple),
        }
        /// The destination address in the direction of the connection's first packet.
        [!] "ctorigdst": HostMask {
            set: |m, value, not| m.original.destination = Some(Negatable { value, not }),
            get: |m| given(m.original.destination),
            sees: Some(sight::original_tuple),
        }
        /// The source address in the direction of the replies.
        [!] "ctreplsrc": HostMask {
            set: |m, value, not| m.reply.source = Some(Negatable { value, not }),
            get: |m| given(m.reply.source),
            sees: Some(sight::reply_tuple),
        }
        /// The destination address in the direction of the replies.
        [!] "ctrepldst": HostMask {
            set: |m, value, not| m.reply.destination = Some(Negatable { value, not }),
            get: |m| given(m.reply.destination),
            sees: Some(sight::reply_tuple),
        }
        /// The source port in the direction of the connection's first packet.
        ///
        /// For ICMP the identifier, for GRE the key.
        [!] "ctorigsrcport": PortRange {
            set: |m, value, not| m.original.source_port = Some(Negatable { value, not }),
            get: |m| given(m.original.source_port),
            sees: Some(sight::original_tuple),
        }
        /// The destination port in the direction of the connection's first packet.
        [!] "ctorigdstport": PortRange {
            set: |m, value, not| m.original.destination_port = Some(Negatable { value, not }),
            get: |m| given(m.original.destination_port),
            sees: Some(sight::original_tuple),
        }
        /// The source port in the direction of the replies.
        [!] "ctreplsrcport": PortRange {
            set: |m, value, not| m.reply.source_port = Some(Negatable { value, not }),
            get: |m| given(m.reply.source_port),
            sees: Some(sight::reply_tuple),
        }
        /// The destination port in the direction of the replies.
        [!] "ctrepldstport": PortRange {
            set: |m, value, not| m.reply.destination_port = Some(Negatable { value, not }),
            get: |m| given(m.reply.destination_port),
            sees: Some(sight::reply_tuple),
        }
        /// The connection has one of these properties.
        ///
        /// Names can be shortened and written in any case.
        [!] "ctstatus": CtStatus {
            set: |m, value, not| m.status = Some(Negatable { value, not }),
            get: |m| given(m.status),
            sees: Some(sight::connection_status),
        }
        /// So many seconds remain until the connection is forgotten if no further packet comes.
        [!] "ctexpire": Lifetime {
            set: |m, value, not| m.expires = Some(Negatable { value, not }),
            get: |m| given(m.expires),
            sees: Some(sight::connection_expiry),
        }
        /// The packet goes in this direction of the connection.
        "ctdir": DirectionName {
            set: |m, DirectionName(direction), _| m.direction = Some(direction),
            get: |m| m.direction.map(|direction| (DirectionName(direction), false)),
            sees: Some(sight::direction),
        }
    }
}

impl Extension for Conntrack {
    fn matches(&self, packet: &Packet<'_>, _: &mut Context<'_>) -> Outcome {
        if let Some(states) = self.states
            && states.value.intersects(CtStates::of(packet.meta)) == states.not
        {
            return Outcome::NoMatch;
        }
        let Some(connection) = &packet.meta.connection else { return self.states.is_some().into() };
        let direction = self.direction.is_none_or(|direction| {
            (direction == Direction::Original) == (connection.direction == packet::Direction::Original)
        });
        let protocol =
            self.protocol.is_none_or(|wanted| (connection.original.protocol == wanted.value) != wanted.not);
        let status = self
            .status
            .is_none_or(|wanted| (wanted.value.bits() & connection.status.bits() as u16 != 0) != wanted.not);
        let expires = self.expires.is_none_or(|wanted| {
            (wanted.value.min..=wanted.value.max).contains(&connection.expires) != wanted.not
        });
        let tuples = self.original.holds(&connection.original) && self.reply.holds(&connection.reply);
        (direction && protocol && status && expires && tuples).into()
    }

    const REVISIONS: &'static [Revision<Self>] = &[
        Revision {
            number: 3,
            size: Layout::V3.size(),
            families: Families::all(),
            encode: |m, w| m.write(w, Layout::V3, false),
            decode: |r, family| Self::read_own(r, family, Layout::V3),
        },
        Revision {
            number: 2,
            size: Layout::V2.size(),
            families: Families::all(),
            encode: |m, w| m.write(w, Layout::V2, false),
            decode: |r, family| Self::read_own(r, family, Layout::V2),
        },
        Revision {
            number: 1,
            size: Layout::V1.size(),
            families: Families::all(),
            encode: |m, w| m.write(w, Layout::V1, false),
            decode: |r, family| Self::read_own(r, family, Layout::V1),
        },
    ];

    fn list(&self, out: &mut Lister<'_>) {
        out.plain(self, "");
    }
}

impl CtStates {
    /// The states that hold for a packet.
    pub(super) fn of(meta: &Meta) -> Self {
        let state = match meta.state {
            TrackState::Invalid => Self::INVALID,
            TrackState::Untracked => Self::UNTRACKED,
            TrackState::New => Self::NEW,
            TrackState::Established => Self::ESTABLISHED,
            TrackState::Related => Self::RELATED,
        };
        let translated = meta.connection.as_ref().map_or(Self::empty(), |connection| {
            let source = connection.status.contains(packet::Status::SRC_NAT);
            let destination = connection.status.contains(packet::Status::DST_NAT);
            let of = |is, state| if is { state } else { Self::empty() };
            of(source, Self::SNAT) | of(destination, Self::DNAT)
        });
        state | translated
    }
}

impl Tuple {
    /// Whether the conditions hold for one direction of a connection.
    fn holds(&self, tuple: &packet::Tuple) -> bool {
        let address = |wanted: Option<Negatable<HostMask>>, address| {
            wanted.is_none_or(|wanted| wanted.value.contains(address) != wanted.not)
        };
        let port = |wanted: Option<Negatable<PortRange>>, port| {
            wanted.is_none_or(|wanted| wanted.value.contains(port) != wanted.not)
        };
        address(self.source, tuple.source)
            && address(self.destination, tuple.destination)
            && port(self.source_port, tuple.source_port)
            && port(self.destination_port, tuple.destination_port)
    }
}

/// The kernel's structures: `xt_conntrack_mtinfo1` to `3`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    /// One port each in network byte order, state and status in a byte.
    V1,
    /// State and status in 16 bits.
    V2,
    /// Port ranges, in host byte order.
    V3,
}

impl Layout {
    pub(super) const fn size(self) -> usize {
        match self {
            Self::V1 => 152,
            Self::V2 => 156,
            Self::V3 => 164,
        }
    }
}

/// `match_flags` and `invert_flags`, apart from the hosts and ports.
mod flag {
    pub(super) const STATE: u16 = 1 << 0;
    pub(super) const PROTO: u16 = 1 << 1;
    /// The first of four for the addresses.
    pub(super) const HOSTS: u16 = 1 << 2;
    pub(super) const STATUS: u16 = 1 << 6;
    pub(super) const EXPIRES: u16 = 1 << 7;
    /// The first of four for the ports.
    pub(super) const PORTS: u16 = 1 << 8;
    /// In `invert_flags` it means the reply direction.
    pub(super) const DIRECTION: u16 = 1 << 12;
    /// The rule was written with the state match.
    pub(super) const STATE_ALIAS: u16 = 1 << 13;
    pub(super) const ALL: u16 = (1 << 14) - 1;
}

/// Which conditions are given, and which of them hold for everything else.
#[derive(Clone, Copy, Debug, Default)]
struct Flags {
    given: u16,
    inverted: u16,
}

impl Flags {
    fn put<T: Copy>(&mut self, bit: u16, condition: Option<Negatable<T>>) -> Option<T> {
        let Negatable { value, not } = condition?;
        self.given |= bit;
        self.inverted |= if not { bit } else { 0 };
        Some(value)
    }

    fn get<T>(self, bit: u16, value: T) -> Option<Negatable<T>> {
        (self.given & bit != 0).then(|| Negatable { value, not: self.inverted & bit != 0 })
    }
}

impl Conntrack {
    pub(super) fn write(
        &self,
        w: &mut InfoWriter<'_>,
        layout: Layout,
        is_state: bool,
    ) -> Result<(), EncodeError> {
        let mut flags = Flags { given: if is_state { flag::STATE_ALIAS } else { 0 }, inverted: 0 };
        if let Some(direction) = self.direction {
            flags.put(flag::DIRECTION, Some(Negatable { value: (), not: direction == Direction::Reply }));
        }
        let states = flags.put(flag::STATE, self.states).unwrap_or_default().bits();
        let status = flags.put(flag::STATUS, self.status).unwrap_or_default().bits();
        let protocol = flags.put(flag::PROTO, self.protocol).unwrap_or_default();
        let expires = flags.put(flag::EXPIRES, self.expires).unwrap_or_default();

        for (bit, host) in (0..4).map(|place| flag::HOSTS << place).zip(self.hosts()) {
            match flags.put(bit, host) {
                Some(host) => host.encode(w),
                None => w.zeros(32),
            }
        }
        w.ne_u32(expires.min);
        w.ne_u32(expires.max);
        w.ne_u16(protocol.into());
        let mut highest = [0; 4];
        for ((place, ports), highest) in self.ports().into_iter().enumerate().zip(&mut highest) {
            let (min, max) =
                flags.put(flag::PORTS << place, ports).map_or((0, 0), |ports| (ports.min(), ports.max()));
            *highest = max;
            match layout {
                Layout::V3 => w.ne_u16(min),
                _ if min == max => w.be_u16(min),
                _ => return Err(EncodeError::NotRepresentable("a port range")),
            }
        }
        w.ne_u16(flags.given);
        w.ne_u16(flags.inverted);
        for mask in [states, status] {
            match layout {
                Layout::V1 => w
                    .u8(u8::try_from(mask)
                        .map_err(|_| EncodeError::NotRepresentable("the state UNTRACKED"))?),
                _ => w.ne_u16(mask),
            }
        }
        if layout == Layout::V3 {
            highest.into_iter().for_each(|port| w.ne_u16(port));
        }
        w.align(4);
        Ok(())
    }

    /// The conditions, and whether the rule was written with the state match.
    pub(super) fn read(
        r: &mut InfoReader<'_>,
        family: Family,
        layout: Layout,
    ) -> Result<(Self, bool), DecodeError> {
        let mut hosts = [None; 4];
        for host in &mut hosts {
            *host = Some(HostMask::decode(r, family)?);
        }
        let expires = Lifetime { min: r.ne_u32("expires_min")?, max: r.ne_u32("expires_max")? };
        let protocol = r.ne_u16("l4proto")?;
        let mut ports = [(0, 0); 4];
        for (min, max) in &mut ports {
            *min = if layout == Layout::V3 { r.ne_u16("port")? } else { r.be_u16("port")? };
            *max = *min;
        }
        let at = **r;
        let flags = Flags { given: r.ne_u16("match_flags")?, inverted: r.ne_u16("invert_flags")? };
        let mut mask = |what| match layout {
            Layout::V1 => r.u8(what).map(u16::from),
            _ => r.ne_u16(what),
        };
        let (states, status) = (mask("state_mask")?, mask("status_mask")?);
        if layout == Layout::V3 {
            for (_, max) in &mut ports {
                *max = r.ne_u16("port_high")?;
            }
        }
        r.rest();

        let impossible = |what, value: u16| at.error(what, Problem::Value(value.into()));
        if flags.given & !flag::ALL != 0 {
            return Err(impossible("match_flags", flags.given));
        }
        let host = |place: usize| {
            let host = hosts.get(place).copied().flatten();
            host.and_then(|host| flags.get(flag::HOSTS << place, host))
        };
        let port = |place: usize| {
            let given = ports.get(place).and_then(|ports| flags.get(flag::PORTS << place, *ports));
            given.map_or(Ok(None), |Negatable { value: (min, max), not }| match PortRange::new(min, max) {
                Some(value) => Ok(Some(Negatable { value, not })),
                None => Err(impossible("port_high", max)),
            })
        };
        let protocol = match flags.get(flag::PROTO, protocol) {
            None => None,
            Some(Negatable { value, not }) => {
                let value = u8::try_from(value).map_err(|_| impossible("l4proto", value))?;
                Some(Negatable { value, not })
            }
        };
        let direction = flags.get(flag::DIRECTION, ()).map(|direction| match direction.not {
            true => Direction::Reply,
            false => Direction::Original,
        });
        let conntrack = Self {
            states: flags.get(flag::STATE, CtStates::from_bits_retain(states)),
            protocol,
            original: Tuple {
                source: host(0),
                destination: host(1),
                source_port: port(0)?,
                destination_port: port(1)?,
            },
            reply: Tuple {
                source: host(2),
                destination: host(3),
                source_port: port(2)?,
                destination_port: port(3)?,
            },
            status: flags.get(flag::STATUS, CtStatus::from_bits_retain(status)),
            expires: flags.get(flag::EXPIRES, expires),
            direction,
        };
        Ok((conntrack, flags.given & flag::STATE_ALIAS != 0))
    }

    fn read_own(r: &mut InfoReader<'_>, family: Family, layout: Layout) -> Result<Option<Self>, DecodeError> {
        let (conntrack, is_state) = Self::read(r, family, layout)?;
        Ok((!is_state).then_some(conntrack))
    }

    const fn hosts(&self) -> [Option<Negatable<HostMask>>; 4] {
        [self.original.source, self.original.destination, self.reply.source, self.reply.destination]
    }

    const fn ports(&self) -> [Option<Negatable<PortRange>>; 4] {
        [
            self.original.source_port,
            self.original.destination_port,
            self.reply.source_port,
            self.reply.destination_port,
        ]
    }
}

fn given<T>(condition: Option<Negatable<T>>) -> Option<(T, bool)> {
    condition.map(|condition| (condition.value, condition.not))
}

/// A direction, of which the name may be written in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct DirectionName(Direction);

impl Value for DirectionName {
    const DOMAIN: Domain = Direction::DOMAIN;

    fn parse(text: &str, scope: &Scope) -> Result<Self, ValueError> {
        Direction::parse(&text.to_ascii_uppercase(), scope).map(Self)
    }

    fn write(&self, out: &mut String, scope: &Scope) {
        self.0.write(out, scope);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::testing::{TestSets, check_text, parse, text_cases};
    use crate::registry::{Describe, NoSets};
    use proptest::prelude::*;

    #[test]
    fn states_and_status() {
        text_cases! { Conntrack, Ipv4:
            "--ctstate NEW,RELATED" => same,
            "! --ctstate dnat" => "! --ctstate DNAT",
            "--ctstate UNTRACKED" => same,
            "--ctstate DNAT,SNAT,UNTRACKED,ESTABLISHED,RELATED,NEW,INVALID"
                => "--ctstate INVALID,NEW,RELATED,ESTABLISHED,UNTRACKED,SNAT,DNAT",
            "--ctstate est,rel" => "--ctstate RELATED,ESTABLISHED",
            "--ctstate NEW," => fails, "--ctstate ,NEW" => fails, "--ctstate wrong" => fails,
            "--ctstatus NONE" => same, "! --ctstatus none" => "! --ctstatus NONE",
            "--ctstatus NONE,ASSURED" => "--ctstatus ASSURED",
            "--ctstatus confirmed,expected,seen,a" => "--ctstatus EXPECTED,SEEN_REPLY,ASSURED,CONFIRMED",
            "--ctstatus wrong" => fails,
            "" => fails, "--ctstate NEW --ctstate NEW" => fails,
        }
    }

    #[test]
    fn addresses() {
        text_cases! { Conntrack, Ipv4:
            "--ctorigsrc 1.2.3.4" => same,
            "--ctorigsrc 1.2.3.4/24" => same,
            "--ctorigdst 10.0.0.1/32" => "--ctorigdst 10.0.0.1",
            "! --ctrepldst 1.2.3.4/255.0.255.0" => same,
            "--ctreplsrc 0.0.0.0/0" => same,
            "--ctorigsrc 1.2.3.4/33" => fails, "--ctorigsrc ::1" => fails,
        }
        text_cases! { Conntrack, Ipv6:
            "--ctorigsrc 2001:db8::1" => same,
            "! --ctorigdst 2001:db8::1/64" => same,
            "--ctreplsrc ::/0" => same,
            "--ctrepldst 2001:db8::1/ffff::ffff" => same,
            "--ctrepldst 1.2.3.4" => fails,
        }
    }

    #[test]
    fn ports_protocol_lifetime_and_direction() {
        text_cases! { Conntrack, Ipv4:
            "--ctorigsrcport :" => "--ctorigsrcport 0:65535",
            "--ctorigdstport 4:" => "--ctorigdstport 4:65535",
            "--ctreplsrcport :4" => "--ctreplsrcport 0:4",
            "! --ctrepldstport 4:4" => "! --ctrepldstport 4",
            "--ctorigsrcport 0" => same, "--ctorigsrcport 3:4" => same,
            "--ctorigsrcport 4:3" => fails, "--ctorigsrcport 1:2:3" => fails, "--ctorigsrcport 0x50" => fails,
            "--ctproto tcp" => "--ctproto 6", "! --ctproto 17" => same, "--ctproto 255" => same,
            "--ctproto 0" => fails, "--ctproto all" => fails, "--ctproto 256" => fails,
            "--ctproto nonesuch" => fails,
            "--ctexpire 0" => same, "--ctexpire 4294967295" => same, "--ctexpire 3:3" => "--ctexpire 3",
            "--ctexpire 3:" => "--ctexpire 3:4294967295", "! --ctexpire :7" => "! --ctexpire 0:7",
            "--ctexpire :" => "--ctexpire 0:4294967295", "--ctexpire 0x10" => "--ctexpire 16",
            "--ctexpire 7:5" => fails, "--ctexpire -1" => fails, "--ctexpire 4294967296" => fails,
            "--ctdir REPLY" => same, "--ctdir original" => "--ctdir ORIGINAL",
            "--ctdir REPL" => fails, "! --ctdir REPLY" => fails,
            "--ctdir REPLY --ctexpire 1 --ctstatus NONE --ctproto 6 --ctstate NEW --ctrepldstport 5 --ctorigsrc 1.1.1.1"
                => "--ctstate NEW --ctproto 6 --ctorigsrc 1.1.1.1 --ctrepldstport 5 --ctstatus NONE --ctexpire 1 --ctdir REPLY",
        }
    }

    /// What the kernel shows of a rule that iptables-nft 1.8.11 made from this text.
    #[test]
    fn kernel_bytes() {
        let text = "! --ctorigsrc 1.2.3.4 --ctorigsrcport 80 --ctreplsrcport 1:2 --ctstate NEW,UNTRACKED --ctdir REPLY";
        let mut expected = vec![0; 168];
        let mut put = |at: usize, bytes: &[u8]| expected[at..at + bytes.len()].copy_from_slice(bytes);
        put(0, &[1, 2, 3, 4]);
        put(16, &[0xff; 16]);
        for (at, number) in
            [(138, 80_u16), (142, 1), (146, 0x1505), (148, 0x1004), (150, 0x108), (154, 80), (158, 2)]
        {
            put(at, &number.to_ne_bytes());
        }
        let mut bytes = Vec::new();
        let parsed = parse::<Conntrack>(Family::Ipv4, text).expect("a conntrack match");
        parsed.encode(3, Family::Ipv4, &NoSets, &mut bytes).expect("a structure");
        assert_eq!(bytes, expected);
    }

    #[test]
    fn older_revisions_hold_less() {
        let encodes = |text, revision| {
            let parsed = parse::<Conntrack>(Family::Ipv4, text).expect("a conntrack match");
            parsed.encode(revision, Family::Ipv4, &TestSets, &mut Vec::new()).is_ok()
        };
        assert!(encodes("--ctorigsrcport 1:2", 3) && !encodes("--ctorigsrcport 1:2", 2));
        assert!(encodes("--ctstate UNTRACKED", 2) && !encodes("--ctstate UNTRACKED", 1));
        assert!(encodes("--ctorigsrcport 1 --ctstate DNAT", 1));
    }

    proptest! {
        #[test]
        fn what_decodes_encodes_to_the_same_meaning(
            bytes in proptest::collection::vec(any::<u8>(), 164),
            six: bool,
            revision in 1..=3_u8,
        ) {
            let family = if six { Family::Ipv6 } else { Family::Ipv4 };
            let decode = |bytes: &[u8]| Conntrack::DESCRIPTOR.decode(revision, family, bytes, &NoSets);
            if let Some(Ok(first)) = decode(&bytes) {
                let mut again = Vec::new();
                first.encode(revision, family, &NoSets, &mut again).expect("what was just decoded");
                let second = decode(&again).expect("conntrack").expect("what was just encoded");
                prop_assert!(first.equals(&*second));
            }
        }

        #[test]
        fn any_ports_and_lifetime_survive(a: u16, b: u16, c: u32, d: u32, not: bool) {
            let not = if not { "! " } else { "" };
            let text = format!(
                "{not}--ctorigdstport {}:{} {not}--ctexpire {}:{}", a.min(b), a.max(b), c.min(d), c.max(d));
            let saved = check_text::<Conntrack>(Family::Ipv4, &text).expect("a conntrack match");
            let again = check_text::<Conntrack>(Family::Ipv4, &saved);
            prop_assert_eq!(again, Ok(saved));
        }
    }
}
