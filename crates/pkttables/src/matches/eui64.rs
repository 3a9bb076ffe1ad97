//! `-m eui64`: compares an IPv6 source address with the Ethernet source address.
use crate::extension;
use crate::model::{Families, Hooks};
use crate::packet::Packet;
use crate::registry::{Context, Extension, Lister, Outcome, Revision};
use std::net::IpAddr;

/// The `eui64` match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Eui64;

extension! {
    /// Match IPv6 packets whose source address ends in the EUI-64 form of their Ethernet source address.
    ///
    /// Hosts that configure themselves without privacy extensions have such addresses, so the match tells
    /// whether such an address belongs to the sender. It works where packets come in from Ethernet.
    match "eui64" => Eui64 {
        families: Families::IPV6,
        hooks: Hooks::PREROUTING.union(Hooks::INPUT).union(Hooks::FORWARD),
    } params {}
}

// one unused int
impl Extension for Eui64 {
    fn matches(&self, packet: &Packet<'_>, _: &mut Context<'_>) -> Outcome {
        let (Some(link), IpAddr::V6(source)) = (packet.meta.link, packet.layout.source) else {
            return Outcome::NoMatch;
        };
        let [a, b, c, d, e, f] = link.source;
        let identifier = u64::from_be_bytes([a ^ 2, b, c, 0xff, 0xfe, d, e, f]);
        (link.ethertype == 0x86dd && source.to_bits() as u64 == identifier).into()
    }

    fn found(&self, packet: &Packet<'_>, _: &mut Context<'_>) -> Option<String> {
        let Some(link) = packet.meta.link else { return Some("there is no MAC address".into()) };
        let [a, b, c, d, e, f] = link.source;
        let mac = format!("{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{f:02x}");
        Some(format!("the source address is {}, the MAC address {mac}", packet.layout.source))
    }

    const REVISIONS: &'static [Revision<Self>] = &[Revision {
        number: 0,
        size: 4,
        families: Families::IPV6,
        encode: |_, w| {
            w.zeros(4);
            Ok(())
        },
        decode: |r, _| r.take(4, "unused").map(|_| Some(Self)),
    }];

    fn list(&self, out: &mut Lister<'_>) {
        out.plain(self, "");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::testing::text_cases;

    #[test]
    fn saved_forms() {
        text_cases! { Eui64, Ipv6: "" => same, "--eui64" => fails }
    }
}
