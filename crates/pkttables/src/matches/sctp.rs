//! `-m sctp`: compares ports and chunks of an SCTP packet.
use crate::domain::{PortRange, PortsOf, SctpChunks};
use crate::extension;
use crate::model::{Families, Negatable, protocol};
use crate::packet::Packet;
use crate::registry::{Context, Extension, InfoWriter, Lister, Outcome, Revision, sight};
use nfnetlink::wire::Problem;

/// The `sctp` match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sctp {
    /// The source port.
    pub source: Option<Negatable<PortRange>>,
    /// The destination port.
    pub destination: Option<Negatable<PortRange>>,
    /// The chunks in the packet.
    pub chunks: Option<Negatable<SctpChunks>>,
}

const SOURCE: u32 = 1;
const DESTINATION: u32 = 2;
const CHUNKS: u32 = 4;

extension! {
    /// Match SCTP packets by port or by the chunks that they carry.
    ///
    /// Without parameters it matches any SCTP packet.
    match "sctp" => Sctp {
        protocols: &[protocol::SCTP],
    } params {
        /// The port that the packet comes from is this one, or in this range.
        ///
        /// `:1023` means all up to 1023, `1024:` all from 1024. A name is looked up among the system's services of SCTP.
        [!] "sport" | "source-port": PortsOf<{ protocol::SCTP }> {
            set: |m, ports, not| m.source = Some(Negatable { value: ports.0, not }),
            get: |m| m.source.map(|ports| (PortsOf(ports.value), ports.not)),
            sees: Some(sight::source_port),
        }
        /// The port that the packet goes to is this one, or in this range.
        ///
        /// Ranges and names are written as with `--sport`.
        [!] "dport" | "destination-port": PortsOf<{ protocol::SCTP }> {
            set: |m, ports, not| m.destination = Some(Negatable { value: ports.0, not }),
            get: |m| m.destination.map(|ports| (PortsOf(ports.value), ports.not)),
            sees: Some(sight::destination_port),
        }
        /// The packet has any or all of the chunks in a list, or only such.
        ///
        /// `DATA:Be` asks for a DATA chunk whose flag B is set and whose flag E is clear. At most four types of
        /// chunks can be given with flags.
        [!] "chunk-types": SctpChunks {
            set: |m, value, not| m.chunks = Some(Negatable { value, not }),
            get: |m| m.chunks.clone().map(|chunks| (chunks.value, chunks.not)),
            sees: Some(sight::sctp_chunks),
        }
    }
}

// `struct xt_sctp_info`
impl Extension for Sctp {
    fn matches(&self, packet: &Packet<'_>, _: &mut Context<'_>) -> Outcome {
        let [s1, s2, d1, d2, ..] = match packet.transport::<12>(0) {
            Ok(header) => header,
            Err(missing) => return missing.outcome(),
        };
        let port = |wanted: Option<Negatable<PortRange>>, port| {
            wanted.is_none_or(|wanted| wanted.value.contains(port) != wanted.not)
        };
        if !port(self.source, u16::from_be_bytes([s1, s2]))
            || !port(self.destination, u16::from_be_bytes([d1, d2]))
        {
            return Outcome::NoMatch;
        }
        match &self.chunks {
            None => Outcome::Match,
            Some(chunks) => match chunks.value.holds(packet.data, packet.layout.transport + 12) {
                Some(holds) => (holds != chunks.not).into(),
                None if chunks.not => Outcome::DropMatching,
                None => Outcome::Drop,
            },
        }
    }

    const REVISIONS: &'static [Revision<Self>] = &[Revision {
        number: 0,
        size: 292,
        families: Families::all(),
        encode: |m, w| {
            write_ports(w, m.destination);
            write_ports(w, m.source);
            match &m.chunks {
                Some(chunks) => chunks.value.encode(w),
                None => SctpChunks::encode_none(w),
            }
            let parts = [
                (SOURCE, m.source.map(|ports| ports.not)),
                (DESTINATION, m.destination.map(|ports| ports.not)),
                (CHUNKS, m.chunks.as_ref().map(|chunks| chunks.not)),
            ];
            let given = parts.iter().filter(|(_, not)| not.is_some());
            w.ne_u32(given.map(|(bit, _)| bit).sum());
            w.ne_u32(parts.iter().filter(|(_, not)| *not == Some(true)).map(|(bit, _)| bit).sum());
            Ok(())
        },
        decode: |r, _| {
            let (destination, source) = (PortRange::decode(r)?, PortRange::decode(r)?);
            let chunks = SctpChunks::decode(r)?;
            let (flags, inverted) = (r.ne_u32("flags")?, r.ne_u32("inverted")?);
            if flags > 7 || inverted & !flags != 0 || (flags & CHUNKS != 0) != chunks.is_some() {
                return Err(r.error("flags", Problem::Value(flags.into())));
            }
            let not = |flag| inverted & flag != 0;
            let ports =
                |ports, flag| (flags & flag != 0).then_some(Negatable { value: ports, not: not(flag) });
            Ok(Some(Self {
                source: ports(source, SOURCE),
                destination: ports(destination, DESTINATION),
                chunks: chunks.map(|value| Negatable { value, not: not(CHUNKS) }),
            }))
        },
    }];

    fn list(&self, out: &mut Lister<'_>) {
        out.add(" sctp");
        for (label, ports) in [("spt", self.source), ("dpt", self.destination)] {
            if let Some(Negatable { value, not }) = ports {
                out.labelled_ports(label, not, value.min(), value.max());
            }
        }
        if let Some(chunks) = &self.chunks {
            chunks.value.list(chunks.not, out);
        }
    }
}

fn write_ports(w: &mut InfoWriter<'_>, ports: Option<Negatable<PortRange>>) {
    let (min, max) = ports.map(|ports| (ports.value.min(), ports.value.max())).unwrap_or_default();
    w.ne_u16(min);
    w.ne_u16(max);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Family;
    use crate::registry::testing::{decodes, layout, text_cases};
    use proptest::prelude::*;

    #[test]
    fn ports() {
        text_cases! { Sctp, Ipv4:
            "-p 132" => "", "-p 132 --sport :" => "--sport 0:65535", "-p 132 ! --dport :" => "! --dport 0:65535",
            "-p 132 --sport 0x10 --destination-port :3" => "--sport 16 --dport 0:3", "-p 132 --source-port 5:" => "--sport 5:65535",
            "-p 132 --sport 5:4" => fails, "-p 132 --sport 65536" => fails, "-p 132 --sport nosuchservice" => fails,
            "-p 132 --sport 1 --sport 2" => fails, "" => fails, "-p 6 --sport 1" => fails, "! -p 132 --sport 1" => fails,
        }
    }

    #[test]
    fn chunks() {
        text_cases! { Sctp, Ipv6:
            "-p 132 --chunk-types all INIT" => "--chunk-types all INIT", "-p 132 --chunk-types ALL none" => "--chunk-types all NONE",
            "-p 132 --chunk-types any ALL" => "--chunk-types any ALL", "-p 132 --chunk-types only DATA" => "--chunk-types only DATA",
            "-p 132 --chunk-types any pad,init,,DATA" => "--chunk-types any DATA,INIT,PAD",
            "-p 132 --chunk-types any I_FORWARD_TSN,ASCONF,FORWARD_TSN,RE_CONFIG,ASCONF_ACK,I_DATA,SHUTDOWN_COMPLETE" =>
                "--chunk-types any SHUTDOWN_COMPLETE,I_DATA,ASCONF_ACK,RE_CONFIG,FORWARD_TSN,ASCONF,I_FORWARD_TSN",
            "-p 132 --chunk-types any DATA:Be" => "--chunk-types any DATA:Be", "-p 132 --chunk-types any DATA:" => "--chunk-types any DATA",
            "-p 132 --chunk-types any DATA:EbUI" => "--chunk-types any DATA:IUbE",
            "-p 132 --chunk-types any DATA:B,DATA:b" => "--chunk-types any DATA:B",
            "-p 132 --chunk-types any DATA:-" => "--chunk-types any DATA:-",
            "-p 132 ! --chunk-types any SHUTDOWN_COMPLETE:t,ABORT:T" => "! --chunk-types any ABORT:T,SHUTDOWN_COMPLETE:t",
            "-p 132 --chunk-types all" => fails, "-p 132 --chunk-types foo DATA" => fails, "-p 132 --chunk-types any FOO" => fails,
            "-p 132 --chunk-types any 5" => fails, "-p 132 --chunk-types any ALL,DATA" => fails, "-p 132 --chunk-types any INIT:B" => fails,
            "-p 132 --chunk-types any I_DATA:I" => fails,
            "-p 132 --chunk-types any DATA:B,ABORT:T,SHUTDOWN_COMPLETE:t,INIT:-,SACK:-" => fails,
        }
    }

    #[test]
    fn layout_of_struct_xt_sctp_info() {
        let text = "-p 132 --dport 5:6 ! --chunk-types only DATA:Be,I_DATA";
        let mut expected = [5_u16, 6, 0, 0].map(u16::to_ne_bytes).concat();
        expected.extend([1_u32, 0, 1].map(u32::to_ne_bytes).concat());
        expected.resize(264, 0);
        expected.extend(4_u32.to_ne_bytes());
        expected.extend([0, 2, 3, 0xff, 0, 0, 0xff, 0, 0, 0xff, 0, 0]);
        expected.extend([1_u32, 6, 4].map(u32::to_ne_bytes).concat());
        expected.resize(296, 0);
        assert_eq!(layout::<Sctp>(Family::Ipv4, 0, text), Some(expected));
    }

    proptest! {
        #[test]
        fn what_decodes_encodes_back(
            map: [bool; 15], all: bool, mode in 0_u8..6, flags in proptest::collection::vec((0_u8..16, any::<u8>(), any::<u8>()), 0..5)
        ) {
            let mut info = vec![0; 8];
            let map = map.iter().zip(0..).filter(|(set, _)| **set).fold(0_u32, |map, (_, bit)| map | 1 << bit);
            info.extend(map.to_ne_bytes());
            info.resize(264, 0);
            if all { info[8..].fill(0xff) }
            info.extend(u32::from(mode).to_ne_bytes());
            flags.iter().for_each(|(kind, set, mask)| info.extend([kind, set, mask]));
            (flags.len()..4).for_each(|_| info.extend([0xff, 0, 0]));
            info.extend(u32::try_from(flags.len()).unwrap().to_ne_bytes());
            info.extend([4_u32, 0].map(u32::to_ne_bytes).concat());
            decodes::<Sctp>(Family::Ipv4, 0, &info);
        }
    }
}
