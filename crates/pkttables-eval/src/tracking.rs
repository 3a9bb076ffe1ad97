use crate::conntrack::{
    Conntrack, Entry, Helper, Manipulation, NatRange, Pass, Random, Settings, Tracking, Unread, Zone,
};
use crate::evaluator::LOOPBACK;
use crate::working::Working;
use pkttables::model::{Family, Hook};
use pkttables::packet::TrackState;
use pkttables::registry::{Environment, Template, Translation};
use std::time::Duration;

/// How much of the transport header is read or changed at once.
pub(crate) const TCP_HEADER: usize = 20;

/// The connections, and what is known of the packet on its way.
#[derive(Debug)]
pub(crate) struct Connections {
    table: Conntrack,
    of_packet: Tracking,
    checksum: Checksum,
}

/// What the kernel has found out of the checksum of an ICMP error.
#[derive(Clone, Copy, Debug, Default)]
enum Checksum {
    #[default]
    Unknown,
    /// It was right, when the header's part before the addresses had this sum.
    Right(u32),
    /// It is not looked at any more.
    Trusted,
}

/// The length of what stands before the addresses of IPv6.
const BEFORE_ADDRESSES: usize = 8;

impl Connections {
    pub(crate) fn new(settings: Settings) -> Self {
        Self {
            table: Conntrack::new(settings),
            of_packet: Tracking::default(),
            checksum: Checksum::default(),
        }
    }

    /// All connections.
    pub(crate) const fn table(&self) -> &Conntrack {
        &self.table
    }

    /// A packet comes.
    pub(crate) fn begin(&mut self, nanoseconds: u64) {
        self.table.advance(Duration::from_nanos(nanoseconds));
        self.of_packet = Tracking::default();
        self.checksum = Checksum::default();
    }

    /// The packet is gone.
    pub(crate) fn end(&mut self) {
        self.table.release(&self.of_packet);
    }

    /// The packet's sender was told that the connection is reset.
    pub(crate) fn close(&mut self) {
        self.table.close(&self.of_packet);
    }

    /// Finds the packet's connection, or begins one.
    pub(crate) fn track(
        &mut self,
        packet: &mut Working,
        received: bool,
        environment: &mut dyn Environment,
    ) -> Pass {
        if packet.meta.state == TrackState::Untracked {
            self.of_packet = Tracking::UNTRACKED;
            return Pass::Accept;
        }
        if self.of_packet.connection.is_some() {
            // It went out and came back by the loopback interface.
            return Pass::Accept;
        }
        let Template { original_zone, reply_zone, helper } = packet.template.unwrap_or_default();
        let zone = Zone {
            id: if original_zone != 0 { original_zone } else { reply_zone },
            original: original_zone != 0 || reply_zone == 0,
            reply: reply_zone != 0 || original_zone == 0,
        };
        let helper = helper.and_then(Helper::from_name);
        let entry = Entry { received, zone, helper };
        packet.join_to(self.table.read_header(packet.data(), &entry));
        let (tracking, pass) = self.table.incoming(packet.data(), &entry, &mut Drawn(environment));
        self.of_packet = tracking;
        if received && self.table.settings.checksum != 0 {
            self.checksum = Checksum::Right(packet.data().sum(0, BEFORE_ADDRESSES, 0));
        }
        self.describe(packet);
        pass
    }

    /// Lets the connection's helper read the packet, and enters a new connection into the table.
    pub(crate) fn confirm(
        &mut self,
        packet: &mut Working,
        environment: &mut dyn Environment,
    ) -> Result<Pass, Unread> {
        // What came back by the loopback interface was shifted when it went out.
        let looped = packet.meta.input.is_some_and(|input| input.as_bytes() == LOOPBACK);
        let shifted = !looped && self.table.is_shifted(&self.of_packet);
        let len = packet.bytes.len();
        if self.table.reads_whole(packet.data(), &self.of_packet) {
            packet.join_to(len);
        }
        if self.table.help(&mut packet.bytes, &self.of_packet, &mut Drawn(environment))? == Pass::Drop {
            return Ok(Pass::Drop);
        }
        if packet.bytes.len() != len && packet.reparse().is_err() {
            return Ok(Pass::Drop);
        }
        if shifted && self.table.shift(&mut packet.bytes, &self.of_packet) == Pass::Drop {
            return Ok(Pass::Drop);
        }
        let pass = self.table.confirm(&self.of_packet);
        self.describe(packet);
        Ok(pass)
    }

    /// Takes over what rules changed of the connection.
    pub(crate) fn take_changes(&mut self, packet: &mut Working) {
        if !std::mem::take(&mut packet.connection_changed) {
            return;
        }
        let connection = self.of_packet.connection.and_then(|id| self.table.connection_mut(id));
        if let (Some(connection), Some(changed)) = (connection, &packet.meta.connection) {
            connection.mark = changed.mark;
            connection.set_labels(changed.labels);
        }
    }

    /// Whether the table nat is to be asked about the packet.
    pub(crate) fn wants_rules(&self, hook: Hook) -> bool {
        self.table.wants_nat_rules(&self.of_packet, manipulation(hook))
    }

    /// Settles what the packet's connection is translated to.
    pub(crate) fn settle(
        &mut self,
        hook: Hook,
        translation: Option<&Translation>,
        environment: &mut dyn Environment,
    ) {
        let Some(id) = self.of_packet.connection else { return };
        let manipulation = manipulation(hook);
        let random = &mut Drawn(environment);
        match translation {
            Some(translation) => self.table.set_up_nat(id, &range(translation), manipulation, random),
            None => self.table.set_up_nat_to_nothing(id, manipulation, random),
        }
    }

    /// Translates the packet as its connection says.
    pub(crate) fn translate(&mut self, hook: Hook, packet: &mut Working) -> Pass {
        if self.table.is_error(packet.data(), &self.of_packet) && !self.verify(hook, packet) {
            return Pass::Drop;
        }
        let header = self.table.translated_header(packet.data(), &self.of_packet, manipulation(hook));
        if header > 0 {
            packet.join_to(header);
        }
        let pass = self.table.translate(&mut packet.bytes, &self.of_packet, manipulation(hook));
        if pass == Pass::Accept && packet.reparse().is_err() {
            return Pass::Drop;
        }
        self.describe(packet);
        pass
    }

    /// Whether the checksum of an ICMP error is taken for right.
    ///
    /// What it was computed from is not looked at again where the kernel still has the sum; where a packet leaves that was
    /// forwarded it has not.
    fn verify(&mut self, hook: Hook, packet: &Working) -> bool {
        let sum = packet.data().sum(0, BEFORE_ADDRESSES, 0);
        let comes_in = matches!(hook, Hook::Prerouting | Hook::Input);
        let forwarded = !comes_in && packet.meta.input.is_some();
        self.checksum = match self.checksum {
            Checksum::Trusted => return true,
            Checksum::Right(before)
                if comes_in && (before == sum || packet.layout.family == Family::Ipv4) =>
            {
                Checksum::Trusted
            }
            Checksum::Right(_) if !comes_in && !forwarded => return true,
            _ if self.table.sums_up(packet.data()) => Checksum::Right(sum),
            _ => return false,
        };
        true
    }

    fn describe(&self, packet: &mut Working) {
        packet.meta.state = self.of_packet.state;
        packet.meta.connection = self.table.describe(&self.of_packet);
    }
}

const fn manipulation(hook: Hook) -> Manipulation {
    match hook {
        Hook::Prerouting | Hook::Output | Hook::Forward => Manipulation::Destination,
        Hook::Input | Hook::Postrouting => Manipulation::Source,
    }
}

fn range(translation: &Translation) -> NatRange {
    use pkttables::domain::NatFlags;
    let range = &translation.range;
    NatRange {
        addresses: range.to.addresses,
        ports: range.to.ports.map(|ports| (ports.min, ports.max)),
        random: range.flags.contains(NatFlags::RANDOM),
        random_fully: range.flags.contains(NatFlags::RANDOM_FULLY),
        persistent: range.flags.contains(NatFlags::PERSISTENT),
        base_port: range.to.ports.and_then(|ports| ports.base),
    }
}

/// Random numbers from the environment.
struct Drawn<'a>(&'a mut dyn Environment);

impl Random for Drawn<'_> {
    fn u16(&mut self) -> u16 {
        (self.0.random() >> 16) as u16
    }
}
