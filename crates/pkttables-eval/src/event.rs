use crate::{LogLine, Reason};
use pkttables::model::{Hook, TableName};
use pkttables::packet::{Data, InterfaceName, Packet};
use pkttables::registry::{Environment, Instance};
use pkttables::targets::log::{Log, LogFlags};
use pkttables::targets::nflog::Nflog;
use std::any::Any;
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
        /// What it reports.
        report: Report<'a>,
        /// The packet.
        packet: Packet<'a>,
    },
    /// The target `TEE` sends a copy of the packet.
    Copy {
        /// The table.
        table: TableName,
        /// The hook.
        hook: Hook,
        /// The chain.
        chain: &'a str,
        /// The rule's number.
        rule: usize,
        /// To which host.
        gateway: IpAddr,
        /// By which interface, if that was said.
        interface: Option<InterfaceName>,
        /// The packet.
        packet: Packet<'a>,
    },
}

/// What a target reports about a packet.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Report<'a> {
    /// `LOG` writes a line to the kernel's log.
    Log(LogLine<'a>),
    /// `NFLOG` hands a record to programs.
    Nflog(Record<'a>),
    /// Another target.
    Other(&'a dyn Instance),
}

/// What `NFLOG` hands to the programs that listen to a group.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    target: &'a Nflog,
    data: Data<'a>,
}

impl<'a> Report<'a> {
    pub(crate) fn new(
        target: &'a dyn Instance,
        packet: Packet<'a>,
        environment: &mut dyn Environment,
    ) -> Self {
        let any: &dyn Any = target;
        if let Some(target) = any.downcast_ref::<Log>() {
            let asks = target.flags.contains(LogFlags::UID);
            let socket = asks.then(|| environment.socket(&packet)).flatten();
            return Self::Log(LogLine { target, packet, socket });
        }
        match any.downcast_ref() {
            Some(target) => Self::Nflog(Record { target, data: packet.data }),
            None => Self::Other(target),
        }
    }

    /// The target's name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Log(_) => "LOG",
            Self::Nflog(_) => "NFLOG",
            Self::Other(target) => target.descriptor().name,
        }
    }
}

impl Record<'_> {
    /// The group.
    #[must_use]
    pub const fn group(&self) -> u16 {
        self.target.group
    }

    /// What is handed over with the packet.
    #[must_use]
    pub fn prefix(&self) -> &str {
        self.target.prefix.as_ref().map_or("", |prefix| prefix.as_str())
    }

    /// As much of the packet as the rule lets through; programs may ask for less.
    #[must_use]
    pub fn data(&self) -> Data<'_> {
        match self.target.size {
            Some(size) => self.data.truncated(size as usize),
            None => self.data,
        }
    }
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
