//! `-m rpfilter`: asks whether an answer would take the way back that the packet came.

use crate::extension;
use crate::matches::addrtype::AddressType;
use crate::model::{Families, Family, Hooks, Tables};
use crate::packet::Packet;
use crate::registry::{Context, Extension, Flag, Outcome, Revision};
use nfnetlink::wire::Problem;
use std::net::IpAddr;

/// The `rpfilter` match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rpfilter {
    /// Whether any device will do for the answer.
    pub loose: bool,
    /// Whether the packet's mark counts in routing the answer.
    pub valid_mark: bool,
    /// Whether addresses of this machine are accepted as source.
    pub accept_local: bool,
    /// Whether the packets that fail the test match instead.
    pub not: bool,
}

extension! {
    /// Match packets whose answer would leave by the device they came in by: a reverse path test.
    ///
    /// Packets that fail it probably have a forged source address. Packets over the loopback device always pass.
    match "rpfilter" => Rpfilter {
        tables: Tables::RAW.union(Tables::MANGLE),
        hooks: Hooks::PREROUTING,
    } params {
        /// It is enough that the source address can be reached, by whatever device.
        "loose": Flag {
            set: |m, _, _| m.loose = true,
            get: |m| m.loose.then_some((Flag, false)),
        }
        /// Look up the route for the answer with the mark that the packet has.
        "validmark": Flag {
            set: |m, _, _| m.valid_mark = true,
            get: |m| m.valid_mark.then_some((Flag, false)),
        }
        /// Accept packets from outside whose source is an address of this machine.
        "accept-local": Flag {
            set: |m, _, _| m.accept_local = true,
            get: |m| m.accept_local.then_some((Flag, false)),
        }
        /// Match the packets that fail the test, instead of those that pass.
        "invert": Flag {
            set: |m, _, _| m.not = true,
            get: |m| m.not.then_some((Flag, false)),
        }
    }
}

const LOOSE: u8 = 1;
const VALID_MARK: u8 = 2;
const ACCEPT_LOCAL: u8 = 4;
const INVERT: u8 = 8;

impl Rpfilter {
    fn comes_back(&self, packet: &Packet<'_>, context: &mut Context<'_>) -> bool {
        let (source, input) = (packet.layout.source, packet.meta.input);
        if input.is_some_and(|input| input.as_bytes() == b"lo") {
            return true;
        }
        match (source, packet.layout.destination) {
            // A host that has no address yet; and what nothing leads back to is not sent on anyway.
            (IpAddr::V4(source), IpAddr::V4(to)) if source.is_unspecified() => {
                return to.is_broadcast() || to.octets().starts_with(&[224, 0, 0]);
            }
            (IpAddr::V6(source), _) if source.is_unspecified() => return true,
            (IpAddr::V6(source), _) if source.is_unicast_link_local() => return true,
            _ => {}
        }
        let mark = if self.valid_mark { packet.meta.mark } else { 0 };
        match context.environment.address_type(source, None) {
            AddressType::Local if !self.accept_local => false,
            AddressType::Local if packet.family() == Family::Ipv6 || self.loose => true,
            AddressType::Local if source.is_loopback() => false,
            AddressType::Local => context.environment.address_type(source, input) == AddressType::Local,
            AddressType::Unicast | AddressType::Multicast => {
                let route = context.environment.route(source, mark);
                route.is_some_and(|route| self.loose || Some(route.interface) == input)
            }
            _ => false,
        }
    }
}

impl Extension for Rpfilter {
    fn matches(&self, packet: &Packet<'_>, context: &mut Context<'_>) -> Outcome {
        (self.comes_back(packet, context) != self.not).into()
    }

    fn found(&self, packet: &Packet<'_>, context: &mut Context<'_>) -> Option<String> {
        let (source, input) = (packet.layout.source, packet.meta.input);
        let input = input.map_or_else(|| "no interface".into(), |input| input.to_string());
        let mark = if self.valid_mark { packet.meta.mark } else { 0 };
        let kind = context.environment.address_type(source, None);
        Some(match context.environment.route(source, mark) {
            _ if kind == AddressType::Local => format!("{source} is an address of this host"),
            Some(route) => format!("it came by {input}, and {source} is reached by {}", route.interface),
            None => format!("there is no route to {source}"),
        })
    }

    const REVISIONS: &'static [Revision<Self>] = &[Revision {
        number: 0,
        size: 1,
        families: Families::all(),
        encode: |m, w| {
            let flag = |is, flag| if is { flag } else { 0 };
            w.u8(flag(m.loose, LOOSE)
                | flag(m.valid_mark, VALID_MARK)
                | flag(m.accept_local, ACCEPT_LOCAL)
                | flag(m.not, INVERT));
            Ok(())
        },
        decode: |r, _| {
            let at = **r;
            let flags = r.u8("flags")?;
            if flags & !(LOOSE | VALID_MARK | ACCEPT_LOCAL | INVERT) != 0 {
                return Err(at.error("flags", Problem::Value(flags.into())));
            }
            let is = |flag| flags & flag != 0;
            let (loose, valid_mark) = (is(LOOSE), is(VALID_MARK));
            Ok(Some(Self { loose, valid_mark, accept_local: is(ACCEPT_LOCAL), not: is(INVERT) }))
        },
    }];
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::testing::{layout_cases, text_cases};

    #[test]
    fn saved_forms() {
        text_cases! { Rpfilter, Ipv4:
            "" => same, "--loose --validmark --accept-local --invert" => same, "--invert --loose" => "--loose --invert",
            "! --loose" => fails, "--loose --loose" => fails,
        }
        text_cases! { Rpfilter, Ipv6: "--validmark" => same }
    }

    #[test]
    fn kernel_structures() {
        layout_cases! { Rpfilter, Ipv4: "--loose --invert", 0 => "09", "--validmark --accept-local", 0 => "06" }
    }
}
