//! `-m ipvs`: asks what the IP virtual server does with a packet's connection.

use crate::domain::{HostMask, Port, ProtocolNumber};
use crate::model::{Families, Negatable};
use crate::packet::Packet;
use crate::registry::{
    Context, Domain, Extension, Flag, Outcome, Require, Revision, RuleScope, Scope, Value, ValueError,
};
use crate::{choices, extension};
use nfnetlink::wire::Problem;

/// The `ipvs` match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ipvs {
    /// Whether only packets match that belong to no such connection; then nothing else can be asked.
    pub not: bool,
    /// The protocol of the virtual service.
    pub protocol: Option<Negatable<ProtocolNumber>>,
    /// The address of the virtual service.
    pub address: Option<Negatable<HostMask>>,
    /// The port of the virtual service.
    pub port: Option<Negatable<Port>>,
    /// In which direction of the connection the packet goes.
    pub direction: Option<Direction>,
    /// How packets are handed to the real server.
    pub method: Option<Negatable<Method>>,
    /// The port of the connection that this one belongs to.
    pub control_port: Option<Negatable<Port>>,
}

choices! {
    /// A direction of a connection.
    pub enum Direction: u8 {
        /// As the first packet: from the client to the server.
        Original = 0 => "ORIGINAL",
        /// Back from the server to the client.
        Reply = 1 => "REPLY",
    }
}

choices! {
    /// How packets are handed to the real server (`IP_VS_CONN_F_*`).
    pub enum Method: u8 {
        /// As they are, by way of the server's link address.
        Gate = 3 => "GATE",
        /// Inside other IP packets.
        Ipip = 2 => "IPIP",
        /// With their addresses changed.
        Masq = 0 => "MASQ",
    }
}

extension! {
    /// Match packets by what the IP virtual server (IPVS, a load balancer in the kernel) knows of their connection.
    ///
    /// A virtual service, which `ipvsadm` sets up, is an address and port whose connections IPVS hands to one of several
    /// real servers. The match tells packets of such connections from others.
    match "ipvs" => Ipvs {
        require: Require::AtLeastOne,
    } params {
        /// The packet belongs to a connection of a virtual service. All other options imply it.
        ///
        /// `! --ipvs` cannot stand with other options.
        [!] "ipvs": Flag {
            set: |m, _, not| m.not = not,
            get: |m| (!m.asks()).then_some((Flag, m.not)),
        }
        /// The virtual service has this transport protocol.
        [!] "vproto": ProtocolNumber {
            set: |m, value, not| m.protocol = Some(Negatable { value, not }),
            get: |m| m.protocol.map(Into::into),
        }
        /// The virtual service has this address, or one of this network.
        [!] "vaddr": HostMask {
            set: |m, value, not| m.address = Some(Negatable { value, not }),
            get: |m| m.address.map(Into::into),
        }
        /// The virtual service has this port.
        [!] "vport": Port {
            set: |m, value, not| m.port = Some(Negatable { value, not }),
            get: |m| m.port.map(Into::into),
        }
        /// The packet goes in this direction of the connection.
        "vdir": DirectionName {
            set: |m, direction, _| m.direction = Some(direction.0),
            get: |m| m.direction.map(|direction| (DirectionName(direction), false)),
        }
        /// The packets are handed to the real server in this way.
        [!] "vmethod": MethodName {
            set: |m, MethodName(value), not| m.method = Some(Negatable { value, not }),
            get: |m| m.method.map(|method| (MethodName(method.value), method.not)),
        }
        /// The connection belongs to one with this port, as a data connection of FTP belongs to one with port 21.
        [!] "vportctl": Port {
            set: |m, value, not| m.control_port = Some(Negatable { value, not }),
            get: |m| m.control_port.map(Into::into),
        }
    }
}

/// Bits of `bitmask` and `invert` (`XT_IPVS_*`).
mod bit {
    pub(super) const PROPERTY: u8 = 1;
    pub(super) const PROTOCOL: u8 = 2;
    pub(super) const ADDRESS: u8 = 4;
    pub(super) const PORT: u8 = 8;
    pub(super) const DIRECTION: u8 = 16;
    pub(super) const METHOD: u8 = 32;
    pub(super) const CONTROL_PORT: u8 = 64;
}

impl Extension for Ipvs {
    /// Without virtual services, as which the evaluator takes it, no connection belongs to one.
    fn matches(&self, _: &Packet<'_>, _: &mut Context<'_>) -> Outcome {
        self.not.into()
    }

    fn found(&self, _: &Packet<'_>, _: &mut Context<'_>) -> Option<String> {
        Some("it belongs to no virtual service".into())
    }

    const REVISIONS: &'static [Revision<Self>] = &[Revision {
        number: 0,
        size: 40,
        families: Families::all(),
        encode: |m, w| {
            let direction = m.direction.map(|direction| direction == Direction::Reply);
            let conditions = [
                (bit::PROPERTY, Some(m.not)),
                (bit::PROTOCOL, m.protocol.map(|protocol| protocol.not)),
                (bit::ADDRESS, m.address.map(|address| address.not)),
                (bit::PORT, m.port.map(|port| port.not)),
                (bit::DIRECTION, direction),
                (bit::METHOD, m.method.map(|method| method.not)),
                (bit::CONTROL_PORT, m.control_port.map(|port| port.not)),
            ];
            let bits = |which: fn(bool) -> bool| {
                conditions.iter().filter(|(_, not)| not.is_some_and(which)).map(|(bit, _)| bit).sum()
            };
            match m.address {
                Some(address) => address.value.encode(w),
                None => w.zeros(32),
            }
            w.be_u16(m.port.map_or(0, |port| port.value.0));
            w.u8(m.protocol.map_or(0, |protocol| protocol.value.0));
            w.u8(m.method.map_or(0, |method| method.value.number()));
            w.be_u16(m.control_port.map_or(0, |port| port.value.0));
            w.u8(bits(|not| not));
            w.u8(bits(|_| true));
            Ok(())
        },
        decode: |r, family| {
            let at = **r;
            let address = HostMask::decode(r, family)?;
            let port = Port(r.be_u16("vport")?);
            let (protocol, method) = (ProtocolNumber(r.u8("l4proto")?), r.u8("fwd_method")?);
            let control_port = Port(r.be_u16("vportctl")?);
            let (not, given) = (r.u8("invert")?, r.u8("bitmask")?);
            fn condition<T>(given: u8, not: u8, bit: u8, value: T) -> Option<Negatable<T>> {
                (given & bit != 0).then_some(Negatable { value, not: not & bit != 0 })
            }
            let method = match given & bit::METHOD {
                0 => None,
                _ => {
                    let known = Method::from_number(method);
                    let value = known.ok_or_else(|| at.error("fwd_method", Problem::Value(method.into())))?;
                    condition(given, not, bit::METHOD, value)
                }
            };
            let direction = condition(given, not, bit::DIRECTION, ()).map(|direction| match direction.not {
                true => Direction::Reply,
                false => Direction::Original,
            });
            Ok(Some(Self {
                not: not & bit::PROPERTY != 0,
                protocol: condition(given, not, bit::PROTOCOL, protocol),
                address: condition(given, not, bit::ADDRESS, address),
                port: condition(given, not, bit::PORT, port),
                direction,
                method,
                control_port: condition(given, not, bit::CONTROL_PORT, control_port),
            }))
        },
    }];

    fn check(&mut self, _: &RuleScope<'_>) -> Result<(), ValueError> {
        match self.not && self.asks() {
            true => Err(ValueError::Because("! --ipvs cannot stand with other options")),
            false => Ok(()),
        }
    }
}

impl Ipvs {
    /// Whether anything besides the property itself is asked.
    fn asks(&self) -> bool {
        *self != Self { not: self.not, ..Self::default() }
    }
}

/// Words that may be written in any case.
macro_rules! any_case {
    ($($(#[$meta:meta])* $name:ident($type:ident);)+) => {$(
        $(#[$meta])*
        #[derive(Clone, Copy, Debug)]
        struct $name($type);

        impl Value for $name {
            const DOMAIN: Domain = Domain::Choice($type::CHOICES);

            fn parse(text: &str, _: &Scope) -> Result<Self, ValueError> {
                $type::from_name(&text.to_ascii_uppercase()).map(Self).ok_or(ValueError::UnknownName)
            }

            fn write(&self, out: &mut String, scope: &Scope) {
                self.0.write(out, scope);
            }
        }
    )+};
}

any_case! {
    DirectionName(Direction);
    MethodName(Method);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::testing::{layout_cases, text_cases};

    #[test]
    fn saved_forms() {
        text_cases! { Ipvs, Ipv4:
            "--ipvs" => same, "! --ipvs" => same, "--ipvs --vport 22" => "--vport 22", "! --vport 22" => same,
            "--vproto tcp" => "--vproto 6", "! --vproto 17" => same, "--vaddr 1.2.3.4" => same,
            "--vproto 6 --vaddr 1.2.3.4/16 --vport 22 --vdir ORIGINAL --vmethod GATE" => same,
            "--vmethod masq --vdir reply" => "--vdir REPLY --vmethod MASQ", "! --vmethod IPIP" => same,
            "! --vportctl 21" => same, "--vaddr 1.2.3.4/255.255.0.255" => same,
            "! --ipvs --vport 22" => fails, "! --vdir REPLY" => fails, "--vdir BOTH" => fails, "--vmethod NAT" => fails,
            "--vport 65536" => fails, "--vport no-such-service" => fails, "" => fails,
        }
        text_cases! { Ipvs, Ipv6: "--vaddr 2001:db8::1" => same, "--vaddr 2001:db8::/64" => same, "--vaddr 1.2.3.4" => fails }
    }

    #[test]
    fn kernel_structures() {
        layout_cases! { Ipvs, Ipv4:
            "--vproto 6 --vaddr 1.2.3.4/16 --vport 22 --vdir REPLY ! --vmethod GATE", 0 =>
                "01020304 000000000000000000000000 ffff0000 000000000000000000000000 0016 06 03 0000 30 3f",
            "! --vaddr 1.2.3.4 --vportctl 21", 0 =>
                "01020304 000000000000000000000000 ffffffff ffffffffffffffffffffffff 0000 00 00 0015 04 45",
        }
    }
}
