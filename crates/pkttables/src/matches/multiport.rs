//! `-m multiport`: compares ports with up to fifteen ports or port ranges.
use crate::domain::PortList;
use crate::extension;
use crate::model::{Families, protocol};
use crate::packet::Packet;
use crate::registry::{Context, Extension, InfoWriter, Lister, Outcome, Require, Revision, sight};
use nfnetlink::wire::{DecodeError, EncodeError, Problem, Reader};

/// The `multiport` match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Multiport {
    /// Which port of the packet is looked at.
    pub side: Side,
    /// The ports that are meant.
    pub ports: PortList<15>,
    /// Whether every other port is meant instead.
    pub not: bool,
}

/// Which port of a packet is looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Side {
    /// The source port.
    Source,
    /// The destination port.
    Destination,
    /// Both; one of them in the list is enough.
    #[default]
    Either,
}

extension! {
    /// Match when a port of the packet is in a list.
    ///
    /// The list has room for fifteen ports; a range such as `1024:65535` takes the room of two.
    match "multiport" => Multiport {
        require: Require::ExactlyOne,
        protocols: &[protocol::TCP, protocol::UDP, protocol::UDPLITE, protocol::SCTP, protocol::DCCP],
        protocol_checked: true,
    } params {
        /// The port that the packet comes from is in the list.
        [!] "sports" | "source-ports": PortList<15> {
            set: |m, ports, not| *m = Multiport { side: Side::Source, ports, not },
            get: |m| m.on(Side::Source),
            excludes: &["dports", "ports"],
            sees: Some(sight::source_port),
        }
        /// The port that the packet goes to is in the list.
        [!] "dports" | "destination-ports": PortList<15> {
            set: |m, ports, not| *m = Multiport { side: Side::Destination, ports, not },
            get: |m| m.on(Side::Destination),
            excludes: &["sports", "ports"],
            sees: Some(sight::destination_port),
        }
        /// The source port, the destination port or both are in the list; with `!`, neither is.
        [!] "ports": PortList<15> {
            set: |m, ports, not| *m = Multiport { side: Side::Either, ports, not },
            get: |m| m.on(Side::Either),
            excludes: &["sports", "dports"],
            sees: Some(sight::ports),
        }
    }
}

// `struct xt_multiport_v1`, `struct xt_multiport`
impl Extension for Multiport {
    fn matches(&self, packet: &Packet<'_>, _: &mut Context<'_>) -> Outcome {
        let [s1, s2, d1, d2] = match packet.transport(0) {
            Ok(ports) => ports,
            Err(missing) => return missing.outcome(),
        };
        let (source, destination) = (u16::from_be_bytes([s1, s2]), u16::from_be_bytes([d1, d2]));
        let listed = self.ports.iter().any(|ports| match self.side {
            Side::Source => ports.contains(source),
            Side::Destination => ports.contains(destination),
            Side::Either => ports.contains(source) || ports.contains(destination),
        });
        (listed != self.not).into()
    }

    const REVISIONS: &'static [Revision<Self>] = &[
        Revision {
            number: 1,
            size: 48,
            families: Families::all(),
            encode: |m, w| {
                m.write_v0(w);
                m.ports.slots().1.iter().for_each(|&begins_range| w.u8(begins_range.into()));
                w.u8(m.not.into());
                Ok(())
            },
            decode: |r, _| {
                let (side, used, ports) = read_v0(r)?;
                let begins_range: [u8; 15] = r.array("ranges")?;
                let not = r.u8("invert")? != 0;
                let ports = PortList::from_slots(&ports, &begins_range.map(|flag| flag != 0), used);
                let ports = ports.ok_or_else(|| r.error("ports", Problem::Value(used.into())))?;
                Ok(Some(Self { side, ports, not }))
            },
        },
        Revision {
            number: 0,
            size: 32,
            families: Families::all(),
            encode: |m, w| {
                if m.not || m.ports.has_ranges() {
                    return Err(EncodeError::NotRepresentable("a negated list or a port range"));
                }
                m.write_v0(w);
                Ok(())
            },
            decode: |r, _| {
                let (side, used, ports) = read_v0(r)?;
                let ports = PortList::from_slots(&ports, &[false; 15], used);
                let ports = ports.ok_or_else(|| r.error("ports", Problem::Value(used.into())))?;
                Ok(Some(Self { side, ports, not: false }))
            },
        },
    ];

    fn list(&self, out: &mut Lister<'_>) {
        out.add(match self.side {
            Side::Source => " multiport sports ",
            Side::Destination => " multiport dports ",
            Side::Either => " multiport ports ",
        });
        out.add(if self.not { " !" } else { "" });
        for (place, range) in self.ports.iter().enumerate() {
            out.add(if place > 0 { "," } else { "" });
            out.ports(range.min(), range.max());
        }
    }
}

impl Multiport {
    fn on(&self, side: Side) -> Option<(PortList<15>, bool)> {
        (self.side == side).then_some((self.ports, self.not))
    }

    fn write_v0(&self, w: &mut InfoWriter<'_>) {
        let (ports, _, used) = self.ports.slots();
        w.bytes(&[self.side as u8, used]);
        ports.iter().for_each(|&port| w.ne_u16(port));
    }
}

fn read_v0(r: &mut Reader<'_>) -> Result<(Side, u8, [u16; 15]), DecodeError> {
    let side = match r.u8("side")? {
        0 => Side::Source,
        1 => Side::Destination,
        2 => Side::Either,
        other => return Err(r.error("side", Problem::Value(other.into()))),
    };
    let used = r.u8("count")?;
    let mut ports = [0; 15];
    for port in &mut ports {
        *port = r.ne_u16("ports")?;
    }
    Ok((side, used, ports))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Family;
    use crate::registry::testing::{decodes, layout, text_cases};
    use proptest::prelude::*;

    #[test]
    fn saved_forms() {
        text_cases! { Multiport, Ipv4:
            "-p 6 --sports 53,1024:65535" => "--sports 53,1024:65535",
            "-p 17 ! --source-ports 9" => "! --sports 9", "-p 136 --destination-ports 0x10,010" => "--dports 16,8",
            "-p 132 --ports 65535,0" => "--ports 65535,0", "-p 33 ! --ports 1,1" => "! --ports 1,1",
            "-p 6 --ports 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15" => "--ports 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15",
            "-p 6 --ports 1,2,3,4,5,6,7,8,9,10,11,12,13,14:16" => "--ports 1,2,3,4,5,6,7,8,9,10,11,12,13,14:16",
            "-p 6 --ports 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15:16" => fails,
            "-p 6 --ports 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16" => fails,
            "-p 6 --ports 5:5" => fails, "-p 6 --ports 5:4" => fails, "-p 6 --ports 5:" => fails,
            "-p 6 --ports :5" => fails, "-p 6 --ports 1," => fails, "-p 6 --ports 1024:65536" => fails,
            "-p 6 --sports 1 --dports 1" => fails, "-p 6 --ports 1 --ports 1" => fails, "-p 6" => fails,
            "-p 1 --ports 1" => fails, "! -p 6 --ports 1" => fails, "--ports 1" => fails,
        }
        text_cases! { Multiport, Ipv6: "-p 17 --dports 53" => "--dports 53" }
    }

    #[test]
    fn the_old_layout_has_neither_ranges_nor_negation() {
        for (text, held) in
            [("-p 6 --ports 1,2", true), ("-p 6 ! --ports 1", false), ("-p 6 --ports 1:2", false)]
        {
            assert_eq!(layout::<Multiport>(Family::Ipv4, 0, text).is_some(), held, "{text}");
        }
    }

    #[test]
    fn layout_of_revision_1() {
        let mut expected = vec![1, 3];
        for port in [80_u16, 443, 444] {
            expected.extend(port.to_ne_bytes());
        }
        expected.resize(32, 0);
        expected.extend([0, 1]);
        expected.resize(47, 0);
        expected.push(1);
        assert_eq!(layout::<Multiport>(Family::Ipv4, 1, "-p 6 ! --dports 80,443:444"), Some(expected));
    }

    proptest! {
        #[test]
        fn what_decodes_encodes_back(
            side in 0_u8..4, slots in proptest::collection::vec((any::<u16>(), 0_u8..2), 0..16), not in 0_u8..2
        ) {
            let mut info = vec![side, u8::try_from(slots.len()).unwrap()];
            slots.iter().for_each(|(port, _)| info.extend(port.to_ne_bytes()));
            info.resize(32, 0);
            decodes::<Multiport>(Family::Ipv4, 0, &info);
            info.extend(slots.iter().map(|(_, flag)| flag));
            info.resize(47, 0);
            info.push(not);
            decodes::<Multiport>(Family::Ipv6, 1, &info);
        }
    }
}
