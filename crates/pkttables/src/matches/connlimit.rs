//! `-m connlimit`: how many connections a host or network has open at once.
use crate::domain::PrefixLen;
use crate::extension;
use crate::model::{AddressMask, Families, Family};
use crate::packet::{Packet, Tuple, jiffies};
use crate::registry::{
    Connections, Context, Extension, Flag, Lister, Outcome, Require, Revision, RuleScope, ValueError,
};
use nfnetlink::wire::{EncodeError, Problem};
use std::collections::HashMap;
use std::net::IpAddr;

/// The `connlimit` match.
#[derive(Clone, Debug, Default)]
pub struct Connlimit {
    /// The number of connections that is still within the limit.
    pub limit: u32,
    /// Whether the rule matches within the limit instead of above it.
    pub upto: bool,
    /// How many bits of the address are the same in those that are counted together; `None` before the rule is
    /// complete.
    pub prefix: Option<PrefixLen>,
    /// Whether the addresses are those of the receivers of connections instead of the ones who began them.
    pub destination: bool,
    /// Whether the unused part of the mask is filled with ones, as it is if no mask was written.
    mask_filled: bool,
}

impl PartialEq for Connlimit {
    fn eq(&self, other: &Self) -> bool {
        let of = |m: &Self| (m.limit, m.upto, m.prefix, m.destination);
        of(self) == of(other)
    }
}

impl Eq for Connlimit {}

extension! {
    /// Match by how many connections a host, or a network, has open at the same time.
    ///
    /// The packet's own connection is counted. Connections are counted together whose addresses have the same first
    /// bits. Usually the rule also names the first packet of a connection, such as `-p tcp --syn`, since what
    /// already exists is not meant to be cut off.
    match "connlimit" => Connlimit {
        require: Require::ExactlyOneOf(&["connlimit-upto", "connlimit-above"]),
    } params {
        /// At most this many connections exist.
        [!] "connlimit-upto": u32 {
            set: |m, limit, not| (m.limit, m.upto) = (limit, !not),
            get: |m| m.upto.then_some((m.limit, false)),
            excludes: &["connlimit-above"],
        }
        /// More connections than this exist.
        [!] "connlimit-above": u32 {
            set: |m, limit, not| (m.limit, m.upto) = (limit, not),
            get: |m| (!m.upto).then_some((m.limit, false)),
            excludes: &["connlimit-upto"],
        }
        /// Count all connections together whose addresses begin with the same bits; without it, each address for
        /// itself.
        "connlimit-mask": PrefixLen {
            set: |m, prefix, _| m.prefix = Some(prefix),
            get: |m| m.prefix.map(|prefix| (prefix, false)),
            default: Some("32, for IPv6 128"),
        }
        /// Count by the source addresses of connections; this is the default.
        "connlimit-saddr": Flag {
            set: |m, _, _| m.destination = false,
            get: |m| (!m.destination).then_some((Flag, false)),
            excludes: &["connlimit-daddr"],
        }
        /// Count by the destination addresses of connections.
        "connlimit-daddr": Flag {
            set: |m, _, _| m.destination = true,
            get: |m| m.destination.then_some((Flag, false)),
            excludes: &["connlimit-saddr"],
        }
    }
}

impl Connlimit {
    /// What connections have in common that are counted together.
    fn counted(&self, packet: &Packet<'_>) -> IpAddr {
        let layout = &packet.layout;
        let address = if self.destination { layout.destination } else { layout.source };
        let network = self.prefix.and_then(|prefix| AddressMask::prefix(address, prefix.0));
        network.map_or(address, |network| network.address())
    }
}

impl Extension for Connlimit {
    fn matches(&self, packet: &Packet<'_>, context: &mut Context<'_>) -> Outcome {
        let Some((tuple, zone)) = tuple(packet, context.connections) else { return Outcome::Drop };
        let key = (self.counted(packet), zone);
        let now = jiffies(packet.meta.time);
        let Context { own, connections, .. } = context;
        let assured = connections.is_assured(&tuple, zone);
        let lists = own.get_or(Lists::default);
        let count = match lists.0.get_mut(&key) {
            None => lists.0.entry(key).or_default().add(tuple),
            // A connection that is assured was counted when it began, or is not.
            Some(list) if assured => list.clean(zone, now, *connections),
            Some(list) => list.add_new(tuple, zone, now, *connections),
        };
        // As if there had been no memory.
        if count == 0 {
            return Outcome::Drop;
        }
        ((count > self.limit as usize) != self.upto).into()
    }

    fn found(&self, packet: &Packet<'_>, context: &mut Context<'_>) -> Option<String> {
        let (_, zone) = tuple(packet, context.connections)?;
        let key = (self.counted(packet), zone);
        let count = context.own.get_or(Lists::default).0.get(&key).map_or(0, List::len);
        Some(format!("there are {count} connections"))
    }

    const REVISIONS: &'static [Revision<Self>] = &[Revision {
        number: 1,
        size: 32,
        families: Families::all(),
        encode: |m, w| {
            let prefix = m.prefix.unwrap_or_else(|| PrefixLen(w.family().address_bits()));
            let mask = prefix.mask(zero(w.family()));
            match mask.ok_or(EncodeError::NotRepresentable("more bits than an address has"))? {
                IpAddr::V4(mask) if m.mask_filled => {
                    w.bytes(&mask.octets());
                    w.bytes(&[0xff; 12]);
                }
                mask => w.inet_addr(mask),
            }
            w.ne_u32(m.limit);
            w.ne_u32(u32::from(m.upto) * UPTO + u32::from(m.destination) * DESTINATION);
            w.align(32);
            Ok(())
        },
        decode: |r, family| {
            let at = **r;
            let mask = r.inet_addr(family, "mask")?;
            let mask_filled = { at }.take(16, "mask")?.ends_with(&[0xff; 12]);
            let prefix = PrefixLen::of_mask(mask).ok_or_else(|| at.error("mask", Problem::Value(0)))?;
            let limit = r.ne_u32("limit")?;
            let at = **r;
            let flags = r.ne_u32("flags")?;
            r.rest();
            if flags & !(UPTO | DESTINATION) != 0 {
                return Err(at.error("flags", Problem::Value(flags.into())));
            }
            let (upto, destination) = (flags & UPTO != 0, flags & DESTINATION != 0);
            Ok(Some(Self { limit, upto, prefix: Some(prefix), destination, mask_filled }))
        },
    }];

    fn check(&mut self, rule: &RuleScope<'_>) -> Result<(), ValueError> {
        self.mask_filled = self.prefix.is_none();
        self.prefix.get_or_insert_with(|| PrefixLen(rule.family.address_bits()));
        Ok(())
    }

    fn list(&self, out: &mut Lister<'_>) {
        let side = if self.destination { "dst" } else { "src" };
        out.each(self, |out, name, _, text| {
            if name == "connlimit-mask" {
                out.add(format_args!(" #conn {side}/{text}"));
            }
        });
        out.add(format_args!(" {} {}", if self.upto { "<=" } else { ">" }, self.limit));
    }
}

/// `XT_CONNLIMIT_INVERT`
const UPTO: u32 = 1;
/// `XT_CONNLIMIT_DADDR`
const DESTINATION: u32 = 2;

const fn zero(family: Family) -> IpAddr {
    match family {
        Family::Ipv4 => IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED),
        Family::Ipv6 => IpAddr::V6(std::net::Ipv6Addr::UNSPECIFIED),
    }
}

/// The tuple of the packet's connection or, where that is not known yet, of the packet, and the zone.
fn tuple(packet: &Packet<'_>, connections: &dyn Connections) -> Option<(Tuple, u16)> {
    if let Some(connection) = packet.connection() {
        return Some((connection.original, connection.zone));
    }
    let zone = packet.meta.connection.as_ref().map_or(0, |template| template.zone);
    Some((connections.tuple(packet)?, zone))
}

/// By the part of addresses that counts and the zone (`nf_conncount`).
#[derive(Debug, Default)]
struct Lists(HashMap<(IpAddr, u16), List>);

/// Connections that have passed, and the jiffy at which those that are over were last looked for.
#[derive(Debug, Default)]
struct List {
    tuples: Vec<Tuple>,
    cleaned: Option<u64>,
}

impl List {
    const fn len(&self) -> usize {
        self.tuples.len()
    }

    fn add(&mut self, tuple: Tuple) -> usize {
        self.tuples.push(tuple);
        self.len()
    }

    /// Adds a connection that may be there, and forgets those that are over; how many there are.
    fn add_new(&mut self, tuple: Tuple, zone: u16, now: u64, connections: &dyn Connections) -> usize {
        if self.cleaned != Some(now) {
            let mut known = false;
            self.tuples.retain(|other| {
                let closed = if known { Some(false) } else { connections.is_closed(other, zone) };
                known |= *other == tuple && closed.is_some();
                known || closed == Some(false)
            });
            if known {
                return self.len();
            }
            self.cleaned = Some(now);
        }
        self.add(tuple)
    }

    /// Forgets connections that are over; how many are left.
    fn clean(&mut self, zone: u16, now: u64, connections: &dyn Connections) -> usize {
        if self.cleaned != Some(now) {
            self.tuples.retain(|other| connections.is_closed(other, zone) == Some(false));
            self.cleaned = Some(now);
        }
        self.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::testing::{layout_cases, text_cases};

    #[test]
    fn saved_forms() {
        text_cases! { Connlimit, Ipv4:
            "--connlimit-upto 0" => "--connlimit-upto 0 --connlimit-mask 32 --connlimit-saddr",
            "! --connlimit-upto 1" => "--connlimit-above 1 --connlimit-mask 32 --connlimit-saddr",
            "! --connlimit-above 1" => "--connlimit-upto 1 --connlimit-mask 32 --connlimit-saddr",
            "--connlimit-daddr --connlimit-mask 0 --connlimit-above 0x10"
                => "--connlimit-above 16 --connlimit-mask 0 --connlimit-daddr",
            "--connlimit-above 1 --connlimit-mask 255.255.0.0"
                => "--connlimit-above 1 --connlimit-mask 16 --connlimit-saddr",
            "--connlimit-above 4294967295 --connlimit-mask 24 --connlimit-daddr" => same,
            "--connlimit-above 1 --connlimit-mask 33" => fails,
            "--connlimit-above 1 --connlimit-mask 255.0.255.0" => fails,
            "--connlimit-above 4294967296" => fails, "--connlimit-above -1" => fails,
            "--connlimit-above 1 --connlimit-upto 1" => fails,
            "--connlimit-above 1 --connlimit-saddr --connlimit-daddr" => fails,
            "--connlimit-saddr" => fails, "" => fails,
        }
        text_cases! { Connlimit, Ipv6:
            "--connlimit-above 10" => "--connlimit-above 10 --connlimit-mask 128 --connlimit-saddr",
            "--connlimit-upto 10 --connlimit-mask 64 --connlimit-daddr" => same,
            "--connlimit-upto 10 --connlimit-mask 129" => fails,
        }
    }

    #[test]
    fn kernel_structures() {
        layout_cases! { Connlimit, Ipv4:
            "--connlimit-upto 5", 1 => "ffffffff ffffffff ffffffff ffffffff 05000000 01000000",
            "--connlimit-above 5 --connlimit-mask 12 --connlimit-daddr", 1
                => "fff00000 00000000 00000000 00000000 05000000 02000000",
        }
    }
}
