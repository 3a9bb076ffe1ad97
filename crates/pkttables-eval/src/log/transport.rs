use super::Text;
use pkttables::model::protocol;
use pkttables::targets::log::LogFlags;
use std::fmt;

/// Whether more can be said of the packet.
pub(super) type Complete = Result<bool, fmt::Error>;

impl Text<'_, '_> {
    /// The header of TCP at `at`; of a later fragment only the name.
    pub(super) fn tcp(&mut self, at: usize, later: bool) -> Complete {
        self.out.write_str("PROTO=TCP ")?;
        if later {
            return Ok(true);
        }
        let Some(header) = self.data.array::<20>(at) else {
            self.incomplete(at)?;
            return Ok(false);
        };
        let [s, t, d, e, seq @ .., offset, flags, w, x, _, _, u, v] = header;
        let [source, destination] = [[s, t], [d, e]].map(u16::from_be_bytes);
        write!(self.out, "SPT={source} DPT={destination} ")?;
        if self.flags.contains(LogFlags::TCP_SEQUENCE) {
            let [a, b, c, d, e, f, g, h] = seq;
            let [sequence, acknowledged] = [[a, b, c, d], [e, f, g, h]].map(u32::from_be_bytes);
            write!(self.out, "SEQ={sequence} ACK={acknowledged} ")?;
        }
        let window = u16::from_be_bytes([w, x]);
        write!(self.out, "WINDOW={window} RES=0x{:02x} ", (offset & RESERVED) << 2)?;
        for (bit, name) in FLAGS {
            self.flag(flags & bit != 0, name)?;
        }
        write!(self.out, "URGP={} ", u16::from_be_bytes([u, v]))?;
        let end = usize::from(offset >> 4) * 4;
        if self.flags.contains(LogFlags::TCP_OPTIONS) && end > 20 && !self.options(at + 20, at + end)? {
            self.out.write_str("OPT (TRUNCATED)")?;
            return Ok(false);
        }
        Ok(true)
    }

    /// The header of UDP or UDP-Lite.
    pub(super) fn udp(&mut self, number: u8, at: usize, later: bool) -> Complete {
        let name = if number == protocol::UDP { "UDP" } else { "UDPLITE" };
        write!(self.out, "PROTO={name} ")?;
        if later {
            return Ok(true);
        }
        let Some([s, t, d, e, l, m, ..]) = self.data.array::<8>(at) else {
            self.incomplete(at)?;
            return Ok(false);
        };
        let [source, destination, length] = [[s, t], [d, e], [l, m]].map(u16::from_be_bytes);
        write!(self.out, "SPT={source} DPT={destination} LEN={length} ")?;
        Ok(true)
    }
}

/// The bits of the byte of the data offset that have no meaning.
const RESERVED: u8 = 0x0f;

const FLAGS: [(u8, &str); 8] = [
    (0x80, "CWR"),
    (0x40, "ECE"),
    (0x20, "URG"),
    (0x10, "ACK"),
    (0x08, "PSH"),
    (0x04, "RST"),
    (0x02, "SYN"),
    (0x01, "FIN"),
];
