//! Which base chains an expression may be reached from.

use pkttnetlink::nft::expr::{Expression, Nat, NatType};

use crate::state::{ChainType, Fits};

const PREROUTING: u32 = 1 << 0;
const INPUT: u32 = 1 << 1;
const FORWARD: u32 = 1 << 2;
const OUTPUT: u32 = 1 << 3;
const POSTROUTING: u32 = 1 << 4;

const NAT: &[ChainType] = &[ChainType::Nat];

/// Hooks and types of an xt target, and the table that it demands.
pub(super) struct XtTarget {
    hooks: u32,
    pub(super) table: Option<&'static str>,
}

/// What the kernel's xt targets demand (`struct xt_target`).
pub(super) fn xt_target(name: &[u8]) -> XtTarget {
    let (hooks, table) = match name {
        b"DNAT" | b"REDIRECT" => (PREROUTING | OUTPUT, Some("nat")),
        b"SNAT" => (POSTROUTING | INPUT, Some("nat")),
        b"MASQUERADE" => (POSTROUTING, Some("nat")),
        b"NETMAP" => (PREROUTING | INPUT | OUTPUT | POSTROUTING, Some("nat")),
        b"REJECT" => (INPUT | FORWARD | OUTPUT, Some("filter")),
        b"TPROXY" => (PREROUTING, Some("mangle")),
        b"SYNPROXY" => (INPUT | FORWARD, None),
        b"CT" | b"TRACE" => (u32::MAX, Some("raw")),
        b"TTL" | b"HL" | b"DSCP" | b"TOS" | b"ECN" | b"CHECKSUM" => (u32::MAX, Some("mangle")),
        b"CLASSIFY" => (FORWARD | OUTPUT | POSTROUTING, None),
        _ => (u32::MAX, None),
    };
    XtTarget { hooks, table }
}

/// What an expression fits.
pub(super) fn of(expression: &Expression<'_>) -> Fits {
    let native = |types: &[ChainType], hooks| Fits { native: Fits::mask(types, hooks), ..Fits::default() };
    match expression {
        Expression::Nat(Nat { nat_type: Some(NatType::SNAT), .. }) => native(NAT, POSTROUTING | INPUT),
        Expression::Nat(_) => native(NAT, PREROUTING | OUTPUT),
        Expression::Masquerade(_) => native(NAT, POSTROUTING),
        Expression::Redirect(_) => native(NAT, PREROUTING | OUTPUT),
        Expression::Reject(_) => native(&ChainType::ALL, PREROUTING | INPUT | FORWARD | OUTPUT),
        Expression::Tproxy(_) => native(&ChainType::ALL, PREROUTING),
        Expression::Synproxy(_) => native(&ChainType::ALL, INPUT | FORWARD),
        Expression::Socket(_) => native(&ChainType::ALL, PREROUTING | INPUT | OUTPUT),
        Expression::Osf(_) => native(&ChainType::ALL, PREROUTING | INPUT | FORWARD),
        Expression::Target(target) => {
            let name = target.name.as_ref().map_or(&b""[..], |name| name.as_bytes());
            let XtTarget { hooks, table } = xt_target(name);
            let types = if table == Some("nat") { NAT } else { &ChainType::ALL };
            if hooks == u32::MAX && types.len() == ChainType::ALL.len() {
                return Fits::default();
            }
            Fits { xt: Fits::mask(types, hooks), ..Fits::default() }
        }
        _ => Fits::default(),
    }
}
