use bitflags::bitflags;

/// One of the five tables that iptables knows, the same for IPv4 and IPv6.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TableName {
    /// Decides which packets pass; the default table.
    Filter,
    /// Rewrites addresses and ports; sees the first packet of a connection.
    Nat,
    /// Changes packets.
    Mangle,
    /// Comes before connection tracking.
    Raw,
    /// Marks for mandatory access control.
    Security,
}

/// A place on a packet's way at which chains are called; named like its built-in chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Hook {
    /// As the packet comes in, before routing.
    Prerouting,
    /// For packets to this host.
    Input,
    /// For packets routed through.
    Forward,
    /// For packets made on this host.
    Output,
    /// As the packet goes out, after routing.
    Postrouting,
}

bitflags! {
    /// A set of tables.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub struct Tables: u8 {
        /// `filter`
        const FILTER = 1;
        /// `nat`
        const NAT = 2;
        /// `mangle`
        const MANGLE = 4;
        /// `raw`
        const RAW = 8;
        /// `security`
        const SECURITY = 16;
    }

    /// A set of hooks.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub struct Hooks: u8 {
        /// `PREROUTING`
        const PREROUTING = 1;
        /// `INPUT`
        const INPUT = 2;
        /// `FORWARD`
        const FORWARD = 4;
        /// `OUTPUT`
        const OUTPUT = 8;
        /// `POSTROUTING`
        const POSTROUTING = 16;
    }
}

impl TableName {
    /// All tables.
    pub const ALL: [Self; 5] = [Self::Filter, Self::Nat, Self::Mangle, Self::Raw, Self::Security];

    /// The table called `name`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|table| table.name() == name)
    }

    /// The name, as after `-t`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Filter => "filter",
            Self::Nat => "nat",
            Self::Mangle => "mangle",
            Self::Raw => "raw",
            Self::Security => "security",
        }
    }

    /// This table alone as a set.
    #[must_use]
    pub const fn as_set(self) -> Tables {
        match self {
            Self::Filter => Tables::FILTER,
            Self::Nat => Tables::NAT,
            Self::Mangle => Tables::MANGLE,
            Self::Raw => Tables::RAW,
            Self::Security => Tables::SECURITY,
        }
    }

    /// The hooks at which the table has a built-in chain, in the order in which they are listed.
    #[must_use]
    pub const fn hooks(self) -> &'static [Hook] {
        use Hook::{Forward, Input, Output, Postrouting, Prerouting};
        match self {
            Self::Filter | Self::Security => &[Input, Forward, Output],
            Self::Nat => &[Prerouting, Input, Output, Postrouting],
            Self::Mangle => &[Prerouting, Input, Forward, Output, Postrouting],
            Self::Raw => &[Prerouting, Output],
        }
    }

    /// The hook of the table's built-in chain called `chain`.
    #[must_use]
    pub fn hook(self, chain: &str) -> Option<Hook> {
        self.hooks().iter().copied().find(|hook| hook.chain() == chain)
    }

    /// The priority of the table's chain at `hook` as iptables-nft sets it: `NF_IP_PRI_*` of
    /// `linux/netfilter_ipv4.h`, but for security, which is 150 there instead of 50.
    #[must_use]
    pub const fn priority(self, hook: Hook) -> i32 {
        match self {
            Self::Raw => -300,
            Self::Mangle => -150,
            Self::Nat => match hook {
                Hook::Input | Hook::Postrouting => 100,
                _ => -100,
            },
            Self::Filter => 0,
            Self::Security => 150,
        }
    }

    /// The nf_tables chain type of the table's chain at `hook`.
    #[must_use]
    pub const fn chain_type(self, hook: Hook) -> &'static str {
        match (self, hook) {
            (Self::Nat, _) => "nat",
            (Self::Mangle, Hook::Output) => "route",
            _ => "filter",
        }
    }
}

impl Hook {
    /// All hooks, in the kernel's numbering.
    pub const ALL: [Self; 5] =
        [Self::Prerouting, Self::Input, Self::Forward, Self::Output, Self::Postrouting];

    /// The kernel's number (`NF_INET_*`).
    #[must_use]
    pub const fn number(self) -> u32 {
        self as u32
    }

    /// This hook alone as a set.
    #[must_use]
    pub const fn as_set(self) -> Hooks {
        match self {
            Self::Prerouting => Hooks::PREROUTING,
            Self::Input => Hooks::INPUT,
            Self::Forward => Hooks::FORWARD,
            Self::Output => Hooks::OUTPUT,
            Self::Postrouting => Hooks::POSTROUTING,
        }
    }

    /// The name of the built-in chain.
    #[must_use]
    pub const fn chain(self) -> &'static str {
        match self {
            Self::Prerouting => "PREROUTING",
            Self::Input => "INPUT",
            Self::Forward => "FORWARD",
            Self::Output => "OUTPUT",
            Self::Postrouting => "POSTROUTING",
        }
    }
}
