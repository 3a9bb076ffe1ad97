use crate::Reason;
use pkttables::model::{Hook, TableName};
use pkttables::packet::{InterfaceName, Packet};
use pkttables::registry::Instance;
use std::net::IpAddr;

/// Something that happens to a packet on its way.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A traced packet matched a rule, or came to the end of a chain.
    Trace {
        /// The table.
        table: TableName,
        /// The chain.
        chain: &'a str,
        /// `rule`, `return` or `policy`.
        kind: &'static str,
        /// The rule's number, for the end of a chain one more than there are rules.
        rule: usize,
        /// The packet.
        packet: Packet<'a>,
    },
    /// A rule does not match; only told to those who want reasons.
    Miss {
        /// The table.
        table: TableName,
        /// The chain.
        chain: &'a str,
        /// The rule's number.
        rule: usize,
        /// The first condition that fails.
        reason: &'a Reason,
        /// The packet.
        packet: Packet<'a>,
    },
    /// A target such as `LOG` reports the packet.
    Report {
        /// The table.
        table: TableName,
        /// The hook.
        hook: Hook,
        /// The chain.
        chain: &'a str,
        /// The rule's number.
        rule: usize,
        /// The target.
        target: &'a dyn Instance,
        /// The packet.
        packet: Packet<'a>,
    },
    /// A copy of the packet is sent.
    Copy {
        /// To which host.
        gateway: IpAddr,
        /// By which interface, if that was said.
        interface: Option<InterfaceName>,
        /// The packet.
        packet: Packet<'a>,
    },
}

/// Is told what happens.
pub trait Observer: std::fmt::Debug {
    /// Something happens.
    fn event(&mut self, event: Event<'_>);

    /// Whether to be told of each rule that does not match, and why. By default not.
    fn wants_reasons(&self) -> bool {
        false
    }
}

/// Does not want to know.
impl Observer for () {
    fn event(&mut self, _: Event<'_>) {}
}
