//! Port conditions of tcp and udp as native expressions.

use crate::domain::PortRange;
use crate::model::Negatable;
use crate::packet::Packet;
use crate::registry::{Condition, Load, NativeWriter, Outcome, Test};
use pkttnetlink::nft::expr::{CmpOp, PayloadBase};

/// Source and destination port conditions of a match.
pub(crate) struct Ports<'a> {
    pub(crate) source: &'a mut Negatable<PortRange>,
    pub(crate) destination: &'a mut Negatable<PortRange>,
}

const fn transport(offset: u32, len: u32) -> Load {
    Load::Payload { base: PayloadBase::TRANSPORT_HEADER, offset, len }
}

/// Brings a condition into the form in which it can be read back: natively `! :N` is "above N".
pub(crate) fn normalise(ports: &mut Negatable<PortRange>) {
    let (min, max) = (ports.value.min(), ports.value.max());
    if let (true, 0, 1..) = (ports.not, min, max)
        && let Some(above) = max.checked_add(1).and_then(|above| PortRange::new(above, u16::MAX))
    {
        *ports = Negatable { value: above, not: false };
    }
}

/// Writes both conditions; two single ports become one comparison.
pub(crate) fn write(
    source: Negatable<PortRange>,
    destination: Negatable<PortRange>,
    out: &mut NativeWriter<'_>,
) {
    let single = |ports: Negatable<PortRange>| is_single(ports).then(|| ports.value.min().to_be_bytes());
    if let (Some([a, b]), Some([c, d])) = (single(source), single(destination)) {
        let test = Test::Compare(CmpOp::EQ, &[a, b, c, d]);
        return out.condition(&Condition { load: transport(0, 4), mask: None, test });
    }
    for (ports, offset) in [(source, 0), (destination, 2)] {
        write_one(ports, offset, out);
    }
}

fn write_one(ports: Negatable<PortRange>, offset: u32, out: &mut NativeWriter<'_>) {
    let Some((range, not)) = ports.given() else { return };
    let (from, to) = (range.min().to_be_bytes(), range.max().to_be_bytes());
    let test = match (range.min(), range.max()) {
        (min, max) if min == max => Test::Compare(if not { CmpOp::NEQ } else { CmpOp::EQ }, &from),
        (0, max) if max < u16::MAX => Test::Compare(if not { CmpOp::GT } else { CmpOp::LTE }, &to),
        _ => Test::Range { not, from: &from, to: &to },
    };
    out.condition(&Condition { load: transport(offset, 2), mask: None, test });
}

/// Tests both conditions as nf_tables does: later fragments are read as if they had a header, and what is cut off
/// does not match.
pub(crate) fn test(
    source: Negatable<PortRange>,
    destination: Negatable<PortRange>,
    packet: &Packet<'_>,
) -> Outcome {
    let holds = |ports: Negatable<PortRange>, offset| {
        // Negating all ports asks for nothing in iptables-nft.
        ports.value == PortRange::ALL
            || packet
                .data
                .be16(packet.layout.transport + offset)
                .is_some_and(|port| ports.value.contains(port) != ports.not)
    };
    (holds(source, 0) && holds(destination, 2)).into()
}

/// Takes over the conditions of a second match as far as they would be read into the first one; whether none is left.
pub(crate) fn absorb(own: Ports<'_>, next: Ports<'_>) -> bool {
    let are_free = own.source.given().is_none() && own.destination.given().is_none();
    if is_single(*next.source) && is_single(*next.destination) && !are_free {
        return false;
    }
    for (own, next) in [(own.source, next.source), (own.destination, next.destination)] {
        match (own.given().is_some(), next.given().is_some()) {
            (true, true) => return false,
            (false, true) => *own = std::mem::take(next),
            (_, false) => {}
        }
    }
    true
}

/// Whether it is one port, which is compared together with another one.
fn is_single(ports: Negatable<PortRange>) -> bool {
    let (min, max) = (ports.value.min(), ports.value.max());
    min == max && min != 0 && !ports.not
}

/// Takes a port condition in; `false` if it is none, or one is there already.
pub(crate) fn read(condition: &Condition<'_>, ports: Ports<'_>) -> bool {
    if condition.mask.is_some() {
        return false;
    }
    let both = transport(0, 4);
    let (source, destination) = match (condition.load, condition.test) {
        // iptables-nft 1.8.9 writes two negated ports as "not both"; 1.8.9 and 1.8.11 read it as "neither".
        (load, Test::Compare(op @ (CmpOp::EQ | CmpOp::NEQ), &[a, b, c, d])) if load == both => {
            let compared = |bytes| range_of(Test::Compare(op, bytes));
            (compared(&[a, b]), compared(&[c, d]))
        }
        (Load::Payload { base: PayloadBase::TRANSPORT_HEADER, offset: 0, len: 2 }, test) => {
            (range_of(test), None)
        }
        (Load::Payload { base: PayloadBase::TRANSPORT_HEADER, offset: 2, len: 2 }, test) => {
            (None, range_of(test))
        }
        _ => (None, None),
    };
    let free = |field: &Negatable<PortRange>, read: &Option<_>| read.is_none() || field.given().is_none();
    if (source.is_none() && destination.is_none())
        || !free(ports.source, &source)
        || !free(ports.destination, &destination)
    {
        return false;
    }
    *ports.source = source.unwrap_or(*ports.source);
    *ports.destination = destination.unwrap_or(*ports.destination);
    true
}

fn range_of(test: Test<'_>) -> Option<Negatable<PortRange>> {
    let port = |bytes: &[u8]| bytes.try_into().ok().map(u16::from_be_bytes);
    let (min, max, not) = match test {
        Test::Range { not, from, to } => (port(from)?, port(to)?, not),
        Test::Compare(op, value) => {
            let port = port(value)?;
            match op {
                CmpOp::EQ => (port, port, false),
                CmpOp::NEQ => (port, port, true),
                CmpOp::LT => (0, port.checked_sub(1)?, false),
                CmpOp::LTE => (0, port, false),
                CmpOp::GT => (port.checked_add(1)?, u16::MAX, false),
                CmpOp::GTE => (port, u16::MAX, false),
                _ => return None,
            }
        }
    };
    // All ports and not negated would look like no condition at all.
    let value = PortRange::new(min, max).filter(|&range| not || range != PortRange::ALL)?;
    Some(Negatable { value, not })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_ports_in_one_comparison() {
        for (op, not) in [(CmpOp::EQ, false), (CmpOp::NEQ, true)] {
            let (mut source, mut destination) = (Negatable::default(), Negatable::default());
            let test = Test::Compare(op, &[0, 5, 0, 7]);
            let condition = Condition { load: transport(0, 4), mask: None, test };
            let ports = Ports { source: &mut source, destination: &mut destination };
            assert!(read(&condition, ports));
            let port = |port| PortRange::new(port, port).map(|value| Negatable { value, not });
            assert_eq!((Some(source), Some(destination)), (port(5), port(7)));
        }
    }
}
