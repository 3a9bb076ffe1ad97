//! Copies of packets that the target `TEE` sends.

use crate::working::Working;
use pkttables::model::{Family, Hook};
use pkttables::packet::{Authentication, Data, InterfaceName, Meta, TrackState};
use pkttables::registry::Environment;
use std::collections::VecDeque;
use std::net::IpAddr;

/// A copy of a packet that left.
#[derive(Clone, Debug)]
pub struct Copied {
    /// The host that it was sent to.
    pub gateway: IpAddr,
    /// The interface by which it left.
    pub output: InterfaceName,
    /// The bytes from the network header on.
    pub bytes: Vec<u8>,
}

/// The copies of the packet on its way.
#[derive(Debug)]
pub(crate) struct Copies {
    waiting: VecDeque<Waiting>,
    left: Vec<Copied>,
    /// Buffers to be used again.
    spare: Vec<Vec<u8>>,
    /// The copy on its way.
    pub(crate) packet: Working,
    /// Whether a copy is on its way.
    pub(crate) sending: bool,
}

/// A copy as it was made.
#[derive(Debug)]
pub(crate) struct Waiting {
    gateway: IpAddr,
    interface: Option<InterfaceName>,
    bytes: Vec<u8>,
    mark: u32,
    priority: u32,
    time: u64,
}

impl Default for Copies {
    fn default() -> Self {
        Self {
            waiting: VecDeque::new(),
            left: Vec::new(),
            spare: Vec::new(),
            packet: Working::new(Authentication::Stop),
            sending: false,
        }
    }
}

impl Copies {
    /// Forgets those of the packet before.
    pub(crate) fn clear(&mut self) {
        let waiting = self.waiting.drain(..).map(|copy| copy.bytes);
        self.spare.extend(waiting.chain(self.left.drain(..).map(|copy| copy.bytes)));
    }

    /// Makes a copy; none is made of a copy.
    pub(crate) fn begin(
        &mut self,
        hook: Hook,
        packet: &Working,
        gateway: IpAddr,
        interface: Option<InterfaceName>,
    ) -> bool {
        if self.sending {
            return false;
        }
        let mut bytes = self.spare.pop().unwrap_or_default();
        bytes.clear();
        bytes.extend_from_slice(&packet.bytes);
        // Who copies to one another stops some time.
        let hops_taken = u8::from(matches!(hook, Hook::Prerouting | Hook::Input));
        match (packet.layout.family, bytes.as_mut_slice()) {
            (Family::Ipv4, [_, _, _, _, _, _, fragment, _, hops, ..]) => {
                *fragment |= 0x40;
                *hops = hops.wrapping_sub(hops_taken);
            }
            (Family::Ipv6, [_, _, _, _, _, _, _, hops, ..]) => *hops = hops.wrapping_sub(hops_taken),
            _ => {}
        }
        let Meta { mark, priority, time, .. } = packet.meta;
        self.waiting.push_back(Waiting { gateway, interface, bytes, mark, priority, time });
        true
    }

    /// The next copy, now in [`packet`](Self::packet), with its gateway; one that cannot be sent is left away.
    pub(crate) fn next(&mut self, environment: &mut dyn Environment) -> Option<IpAddr> {
        while let Some(copy) = self.waiting.pop_front() {
            let Waiting { gateway, interface, bytes, mark, priority, time } = copy;
            let routed = || environment.route(gateway, mark).map(|route| route.interface);
            let output = interface.or_else(routed);
            let meta = Meta { output, mark, priority, time, state: TrackState::Untracked, ..Meta::default() };
            let loaded = self.packet.load(Data::new(&bytes), &meta);
            self.spare.push(bytes);
            if output.is_some() && loaded.is_ok() {
                self.packet.correct_header();
                return Some(gateway);
            }
        }
        None
    }

    /// The copy left.
    pub(crate) fn leave(&mut self, gateway: IpAddr) {
        let Some(output) = self.packet.meta.output else { return };
        let mut bytes = self.spare.pop().unwrap_or_default();
        bytes.clear();
        bytes.extend_from_slice(&self.packet.bytes);
        self.left.push(Copied { gateway, output, bytes });
    }

    /// Those that left.
    pub(crate) fn left(&self) -> &[Copied] {
        &self.left
    }
}
