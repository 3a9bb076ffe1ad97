//! Numbers that stand for families, tables, hooks and the like, and their names.

use crate::failure::Failure;
use crate::ffi::Text;
use crate::guard::get;
use pkttables::model::{Families, Family, Hook, Hooks, Policy, TableName, Tables, Verdict};
use pkttables::registry::Kind;
use std::ffi::{CStr, c_char};
use std::ptr;

/// An address family. The numbers are bits, so that they can be put together where several are meant.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum pktt_family {
    /// IPv4, what iptables works on.
    PKTT_FAMILY_IPV4 = 1,
    /// IPv6, what ip6tables works on.
    PKTT_FAMILY_IPV6 = 2,
}

/// A table. The numbers are bits, so that they can be put together where several are meant.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum pktt_table {
    /// `filter` decides which packets pass.
    PKTT_TABLE_FILTER = 1,
    /// `nat` rewrites addresses and ports; sees the first packet of a connection.
    PKTT_TABLE_NAT = 2,
    /// `mangle` changes packets.
    PKTT_TABLE_MANGLE = 4,
    /// `raw` comes before connection tracking.
    PKTT_TABLE_RAW = 8,
    /// `security` marks for mandatory access control.
    PKTT_TABLE_SECURITY = 16,
}

/// A place on a packet's way at which built-in chains are called. The numbers are bits, so that they can be put
/// together where several are meant.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum pktt_hook {
    /// `PREROUTING`: as the packet comes in, before routing.
    PKTT_HOOK_PREROUTING = 1,
    /// `INPUT`: for packets to this host.
    PKTT_HOOK_INPUT = 2,
    /// `FORWARD`: for packets routed through.
    PKTT_HOOK_FORWARD = 4,
    /// `OUTPUT`: for packets made on this host.
    PKTT_HOOK_OUTPUT = 8,
    /// `POSTROUTING`: as the packet goes out, after routing.
    PKTT_HOOK_POSTROUTING = 16,
}

/// Whether an extension tests packets or does something to them.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum pktt_kind {
    /// A match, named by `-m`.
    PKTT_KIND_MATCH = 1,
    /// A target, named by `-j`.
    PKTT_KIND_TARGET = 2,
}

/// What happens to packets that reach the end of a built-in chain.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum pktt_policy {
    /// They pass.
    PKTT_POLICY_ACCEPT = 1,
    /// They are thrown away.
    PKTT_POLICY_DROP = 2,
}

/// The built-in ends of a rule.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum pktt_verdict {
    /// Let the packet through.
    PKTT_VERDICT_ACCEPT = 1,
    /// Throw it away.
    PKTT_VERDICT_DROP = 2,
    /// Go back to the calling chain, or to the policy.
    PKTT_VERDICT_RETURN = 3,
    /// Hand it to a program, by queue 0.
    PKTT_VERDICT_QUEUE = 4,
}

/// A number that is to be one of `pktt_family`; the header has that name for it.
pub type FamilyNumber = u32;
/// A number that is to be one of `pktt_table`; the header has that name for it.
pub type TableNumber = u32;
/// A number that is to be one of `pktt_hook`, or 0; the header has that name for it.
pub type HookNumber = u32;
/// A number that is to be one of `pktt_kind`; the header has that name for it.
pub type KindNumber = u32;
/// A number that is to be one of `pktt_policy`, or 0; the header has that name for it.
pub type PolicyNumber = u32;
/// A number that is to be one of `pktt_verdict`, or 0; the header has that name for it.
pub type VerdictNumber = u32;

/// Relates the numbers of an enumeration to the values of a type of the library, and to names.
macro_rules! numbered {
    ($($type:ident, $rust:ident, $what:literal { $($name:ident = $value:ident $text:literal,)+ })+) => { $(
        impl $type {
            /// The value that a number of the caller's stands for.
            pub(crate) fn read(number: u32) -> Result<$rust, Failure> {
                match number {
                    $(n if n == Self::$name as u32 => Ok($rust::$value),)+
                    _ => Err(Failure::argument(format!("{number} is no {}", $what))),
                }
            }

            const NAMES: &[(Self, &CStr)] = &[$((Self::$name, $text)),+];
        }

        impl From<$rust> for $type {
            fn from(value: $rust) -> Self {
                match value {
                    $($rust::$value => Self::$name,)+
                }
            }
        }
    )+ };
}

numbered! {
    pktt_family, Family, "family" {
        PKTT_FAMILY_IPV4 = Ipv4 c"ipv4",
        PKTT_FAMILY_IPV6 = Ipv6 c"ipv6",
    }
    pktt_table, TableName, "table" {
        PKTT_TABLE_FILTER = Filter c"filter",
        PKTT_TABLE_NAT = Nat c"nat",
        PKTT_TABLE_MANGLE = Mangle c"mangle",
        PKTT_TABLE_RAW = Raw c"raw",
        PKTT_TABLE_SECURITY = Security c"security",
    }
    pktt_hook, Hook, "hook" {
        PKTT_HOOK_PREROUTING = Prerouting c"PREROUTING",
        PKTT_HOOK_INPUT = Input c"INPUT",
        PKTT_HOOK_FORWARD = Forward c"FORWARD",
        PKTT_HOOK_OUTPUT = Output c"OUTPUT",
        PKTT_HOOK_POSTROUTING = Postrouting c"POSTROUTING",
    }
    pktt_kind, Kind, "kind of extension" {
        PKTT_KIND_MATCH = Match c"match",
        PKTT_KIND_TARGET = Target c"target",
    }
    pktt_policy, Policy, "policy" {
        PKTT_POLICY_ACCEPT = Accept c"ACCEPT",
        PKTT_POLICY_DROP = Drop c"DROP",
    }
    pktt_verdict, Verdict, "verdict" {
        PKTT_VERDICT_ACCEPT = Accept c"ACCEPT",
        PKTT_VERDICT_DROP = Drop c"DROP",
        PKTT_VERDICT_RETURN = Return c"RETURN",
        PKTT_VERDICT_QUEUE = Queue c"QUEUE",
    }
}

/// Reads a number of which 0 means that nothing was said.
pub(crate) fn optional<T>(
    number: u32,
    read: impl FnOnce(u32) -> Result<T, Failure>,
) -> Result<Option<T>, Failure> {
    if number == 0 { Ok(None) } else { read(number).map(Some) }
}

/// The bits of a set of families.
pub(crate) fn family_bits(families: Families) -> u32 {
    let all = Family::ALL.into_iter().filter(|family| families.has(*family));
    all.fold(0, |bits, family| bits | pktt_family::from(family) as u32)
}

/// The bits of a set of tables.
pub(crate) fn table_bits(tables: Tables) -> u32 {
    let all = TableName::ALL.into_iter().filter(|table| tables.contains(table.as_set()));
    all.fold(0, |bits, table| bits | pktt_table::from(table) as u32)
}

/// The bits of a set of hooks.
pub(crate) fn hook_bits(hooks: Hooks) -> u32 {
    let all = Hook::ALL.into_iter().filter(|hook| hooks.contains(hook.as_set()));
    all.fold(0, |bits, hook| bits | pktt_hook::from(hook) as u32)
}

fn name_of<T: Copy>(names: &[(T, &'static CStr)], is: impl Fn(T) -> bool) -> *const c_char {
    names.iter().find(|(value, _)| is(*value)).map_or(ptr::null(), |(_, name)| name.as_ptr())
}

/// `ipv4` or `ipv6`; NULL for any other number than one of a family. Lives for ever.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_family_name(family: u32) -> *const c_char {
    name_of(pktt_family::NAMES, |value| value as u32 == family)
}

/// The name of a table, such as `filter`; NULL for any other number than one of a table. Lives for ever.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_table_name(table: u32) -> *const c_char {
    name_of(pktt_table::NAMES, |value| value as u32 == table)
}

/// The number of the table called `name`; 0 if no table is, or for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_table_from_name(name: Text<'_>) -> TableNumber {
    get(0, || {
        let table = name.get("name").ok().and_then(TableName::from_name);
        table.map_or(0, |table| pktt_table::from(table) as u32)
    })
}

/// The hooks at which a table has a built-in chain, as bits of pktt_hook; 0 for any other number than one of a table.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_table_hooks(table: u32) -> u32 {
    get(0, || {
        let hooks = pktt_table::read(table).map(TableName::hooks).unwrap_or_default();
        hooks.iter().fold(0, |bits, hook| bits | pktt_hook::from(*hook) as u32)
    })
}

/// The name of a hook, which is that of its built-in chains, such as `INPUT`; NULL for any other number than one of
/// a hook. Lives for ever.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_hook_name(hook: u32) -> *const c_char {
    name_of(pktt_hook::NAMES, |value| value as u32 == hook)
}

/// `match` or `target`; NULL for any other number than one of a kind. Lives for ever.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_kind_name(kind: u32) -> *const c_char {
    name_of(pktt_kind::NAMES, |value| value as u32 == kind)
}

/// `ACCEPT` or `DROP`; NULL for any other number than one of a policy. Lives for ever.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_policy_name(policy: u32) -> *const c_char {
    name_of(pktt_policy::NAMES, |value| value as u32 == policy)
}

/// The name of a verdict, such as `ACCEPT`; NULL for any other number than one of a verdict. Lives for ever.
#[unsafe(no_mangle)]
pub extern "C" fn pktt_verdict_name(verdict: u32) -> *const c_char {
    name_of(pktt_verdict::NAMES, |value| value as u32 == verdict)
}
