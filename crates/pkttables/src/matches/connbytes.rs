//! `-m connbytes`: how much a connection has transferred.
use crate::model::{Counters, Families};
use crate::packet::{Connection, Packet};
use crate::registry::{
    Context, Domain, Extension, Lister, Outcome, Revision, Scope, Value, ValueError, sight,
};
use crate::{choices, extension};
use nfnetlink::wire::Problem;
use std::fmt::Write as _;

/// The `connbytes` match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connbytes {
    /// The amounts that are meant.
    pub amount: Amount,
    /// Whether every other amount is meant instead.
    pub not: bool,
    /// What is counted.
    pub unit: Unit,
    /// Whose packets are counted.
    pub direction: Direction,
}

/// The amounts from one to another, both included. As a parameter's value `5` and `5:` mean five and more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Amount {
    min: u64,
    max: u64,
}

choices! {
    /// What connbytes counts.
    pub enum Unit: u8 {
        /// The number of packets.
        Packets = 0 => "packets",
        /// The number of bytes, with IP headers.
        Bytes = 1 => "bytes",
        /// The average size of a packet in bytes.
        AveragePacket = 2 => "avgpkt",
    }
}

choices! {
    /// Whose packets connbytes counts.
    pub enum Direction: u8 {
        /// Those of the one who began the connection.
        Original = 0 => "original",
        /// Those of the one who answers.
        Reply = 1 => "reply",
        /// All of them.
        Both = 2 => "both",
    }
}

impl Default for Connbytes {
    fn default() -> Self {
        let (unit, direction) = (Unit::Packets, Direction::Original);
        Self { amount: Amount::default(), not: false, unit, direction }
    }
}

extension! {
    /// Match by how much the packet's connection has transferred so far.
    ///
    /// Useful to find long downloads and give them less bandwidth. The kernel counts only for connections that
    /// begin after net.netfilter.nf_conntrack_acct was switched on, which adding such a rule does.
    match "connbytes" => Connbytes {} params {
        /// The amount lies in this range; with one number, it is at least this.
        [!] "connbytes": Amount {
            // The kernel keeps an inverted range in reverse order, which a single amount does not have.
            set: |m, amount, not| (m.amount, m.not) = (amount, not && amount.min != amount.max),
            get: |m| Some((m.amount, m.not)),
            required: true,
        }
        /// What is counted.
        "connbytes-mode": Unit {
            set: |m, unit, _| m.unit = unit,
            get: |m| Some((m.unit, false)),
            required: true,
        }
        /// Which packets of the connection are counted.
        "connbytes-dir": Direction {
            set: |m, direction, _| m.direction = direction,
            get: |m| Some((m.direction, false)),
            required: true,
        }
    }
}

impl Connbytes {
    fn counted(&self, connection: &Connection) -> u64 {
        let [original, reply] = connection.counters;
        let counted = match self.direction {
            Direction::Original => original,
            Direction::Reply => reply,
            Direction::Both => {
                Counters { packets: original.packets + reply.packets, bytes: original.bytes + reply.bytes }
            }
        };
        match self.unit {
            Unit::Packets => counted.packets,
            Unit::Bytes => counted.bytes,
            Unit::AveragePacket => counted.bytes.checked_div(counted.packets).unwrap_or_default(),
        }
    }
}

impl Extension for Connbytes {
    fn matches(&self, packet: &Packet<'_>, _: &mut Context<'_>) -> Outcome {
        let Some(connection) = packet.connection() else { return Outcome::NoMatch };
        let amount = self.counted(connection);
        ((self.amount.min()..=self.amount.max()).contains(&amount) != self.not).into()
    }

    fn found(&self, packet: &Packet<'_>, _: &mut Context<'_>) -> Option<String> {
        sight::connection(packet, |connection| {
            let amount = self.counted(connection);
            match self.unit {
                Unit::Packets => format!("the connection has {amount} packets"),
                Unit::Bytes => format!("the connection has {amount} bytes"),
                Unit::AveragePacket => format!("the connection's packets have {amount} bytes on average"),
            }
        })
    }

    const REVISIONS: &'static [Revision<Self>] = &[Revision {
        number: 0,
        size: 24,
        families: Families::all(),
        encode: |m, w| {
            let (from, to) = if m.not { (m.amount.max, m.amount.min) } else { (m.amount.min, m.amount.max) };
            w.ne_u64(from);
            w.ne_u64(to);
            w.u8(m.unit.number());
            w.u8(m.direction.number());
            w.align(8);
            Ok(())
        },
        decode: |r, _| {
            let (from, to) = (r.ne_u64("from")?, r.ne_u64("to")?);
            let at = **r;
            let (unit, direction) = (r.u8("what")?, r.u8("direction")?);
            r.rest();
            let unit =
                Unit::from_number(unit).ok_or_else(|| at.error("what", Problem::Value(unit.into())))?;
            let direction = Direction::from_number(direction)
                .ok_or_else(|| at.error("direction", Problem::Value(direction.into())))?;
            let amount = Amount { min: from.min(to), max: from.max(to) };
            Ok(Some(Self { amount, not: from > to, unit, direction }))
        },
    }];

    fn list(&self, out: &mut Lister<'_>) {
        out.each(self, |out, name, not, text| match name {
            "connbytes-mode" => out.add(format_args!(" connbytes mode {text}")),
            "connbytes-dir" => out.add(format_args!(" connbytes direction {text}")),
            _ => out.add(format_args!("{} connbytes {text}", if not { " !" } else { "" })),
        });
    }
}

impl Amount {
    /// The amounts from `min` to `max`; `None` if `max` is smaller.
    #[must_use]
    pub const fn new(min: u64, max: u64) -> Option<Self> {
        if min <= max { Some(Self { min, max }) } else { None }
    }

    /// The smallest.
    #[must_use]
    pub const fn min(self) -> u64 {
        self.min
    }

    /// The largest.
    #[must_use]
    pub const fn max(self) -> u64 {
        self.max
    }
}

impl Default for Amount {
    fn default() -> Self {
        Self { min: 0, max: u64::MAX }
    }
}

impl Value for Amount {
    const DOMAIN: Domain = Domain::Range {
        of: &Domain::Integer { min: 0, max: u64::MAX, unit: "packets or bytes" },
        separator: ':',
    };

    fn parse(text: &str, scope: &Scope) -> Result<Self, ValueError> {
        let (min, max) = text.split_once(':').unwrap_or((text, ""));
        let end = |text: &str, open| if text.is_empty() { Ok(open) } else { u64::parse(text, scope) };
        if text.is_empty() {
            return Err(ValueError::Form);
        }
        Self::new(end(min, 0)?, end(max, u64::MAX)?).ok_or(ValueError::Reversed)
    }

    fn write(&self, out: &mut String, _: &Scope) {
        let _ = write!(out, "{}", self.min);
        if self.max != 0 && self.max != u64::MAX {
            let _ = write!(out, ":{}", self.max);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::testing::{layout_cases, text_cases};

    #[test]
    fn saved_forms() {
        text_cases! { Connbytes, Ipv4:
            "--connbytes 0:1000 --connbytes-mode packets --connbytes-dir original" => same,
            "! --connbytes 0:1000 --connbytes-mode bytes --connbytes-dir reply" => same,
            "--connbytes 1000:1000 --connbytes-mode avgpkt --connbytes-dir both" => same,
            "--connbytes-dir both --connbytes-mode avgpkt --connbytes :7"
                => "--connbytes 0:7 --connbytes-mode avgpkt --connbytes-dir both",
            "--connbytes 5 --connbytes-mode packets --connbytes-dir both" => same,
            "--connbytes 5: --connbytes-mode packets --connbytes-dir both"
                => "--connbytes 5 --connbytes-mode packets --connbytes-dir both",
            "! --connbytes 5 --connbytes-mode packets --connbytes-dir both" => same,
            "! --connbytes 5:5 --connbytes-mode packets --connbytes-dir both"
                => "--connbytes 5:5 --connbytes-mode packets --connbytes-dir both",
            "--connbytes 0:18446744073709551615 --connbytes-mode packets --connbytes-dir both"
                => "--connbytes 0 --connbytes-mode packets --connbytes-dir both",
            "--connbytes 0:18446744073709551616 --connbytes-mode packets --connbytes-dir both" => fails,
            "--connbytes 7:5 --connbytes-mode packets --connbytes-dir both" => fails,
            "--connbytes -1:0 --connbytes-mode packets --connbytes-dir both" => fails,
            "--connbytes 0:-1 --connbytes-mode packets --connbytes-dir both" => fails,
            "--connbytes 1:2:3 --connbytes-mode packets --connbytes-dir both" => fails,
            "--connbytes 1 --connbytes-mode packets --connbytes-dir none" => fails,
            "--connbytes 1 --connbytes-mode Packets --connbytes-dir both" => fails,
            "--connbytes 1 --connbytes-mode packets" => fails,
            "--connbytes 1 --connbytes-dir both" => fails,
            "--connbytes 1" => fails, "" => fails,
        }
    }

    #[test]
    fn kernel_structures() {
        layout_cases! { Connbytes, Ipv4:
            "! --connbytes 1:2 --connbytes-mode bytes --connbytes-dir both", 0
                => "0200000000000000 0100000000000000 01 02",
        }
    }
}
