//! Lines of the kernel's log as the target `LOG` writes them.

mod ipv4;
mod ipv6;
mod transport;

use pkttables::model::Family;
use pkttables::packet::{InterfaceName, Link, Packet};
use pkttables::registry::Socket;
use pkttables::targets::log::{Log, LogFlags};
use std::fmt::{self, Write as _};

/// What the target `LOG` writes about a packet; shown, it is the line without the time before it.
#[derive(Clone, Copy, Debug)]
pub struct LogLine<'a> {
    pub(crate) target: &'a Log,
    pub(crate) packet: Packet<'a>,
    /// The packet's socket, if the target asks for it and there is one.
    pub(crate) socket: Option<Socket>,
}

impl LogLine<'_> {
    /// How urgent it is, from 0 to 7.
    #[must_use]
    pub const fn level(&self) -> u8 {
        self.target.level.number()
    }

    /// What it begins with.
    #[must_use]
    pub fn prefix(&self) -> &str {
        self.target.prefix.as_ref().map_or("", |prefix| prefix.as_str())
    }
}

impl fmt::Display for LogLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Packet { data, layout, meta } = &self.packet;
        f.write_str(self.prefix())?;
        let (input, output) = (Interface(meta.input), Interface(meta.output));
        write!(f, "IN={input} OUT={output} ")?;
        if let Some(port) = meta.bridge_input {
            write!(f, "PHYSIN={port} ")?;
        }
        if let Some(port) = meta.bridge_output {
            write!(f, "PHYSOUT={port} ")?;
        }
        if meta.input.is_some() {
            self.link(f)?;
        }
        let mut text = Text { out: f, data, flags: self.target.flags };
        let complete = match layout.family {
            Family::Ipv4 => text.ipv4(0)?,
            Family::Ipv6 => text.ipv6(0)?,
        };
        if let Some(Socket { user, group, .. }) = self.socket.filter(|_| complete) {
            write!(f, "UID={user} GID={group} ")?;
        }
        if complete && meta.mark != 0 {
            write!(f, "MARK=0x{:x} ", meta.mark)?;
        }
        Ok(())
    }
}

impl LogLine<'_> {
    fn link(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(Link { destination, source, ethertype }) = self.packet.meta.link else {
            return f.write_str("MAC= ");
        };
        if self.target.flags.contains(LogFlags::MAC_DECODE) {
            let (source, destination) = (Colons(&source), Colons(&destination));
            return write!(f, "MACSRC={source} MACDST={destination} MACPROTO={ethertype:04x} ");
        }
        let (destination, source) = (Colons(&destination), Colons(&source));
        write!(f, "MAC={destination}:{source}:{} ", Colons(&ethertype.to_be_bytes()))
    }
}

struct Interface(Option<InterfaceName>);

impl fmt::Display for Interface {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |name| write!(f, "{name}"))
    }
}

/// Bytes in hexadecimal with colons between them.
struct Colons<'a>(&'a [u8]);

impl fmt::Display for Colons<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, byte) in self.0.iter().enumerate() {
            let colon = if place == 0 { "" } else { ":" };
            write!(f, "{colon}{byte:02x}")?;
        }
        Ok(())
    }
}

/// The part of a line that tells a packet's headers.
struct Text<'a, 'f> {
    out: &'a mut fmt::Formatter<'f>,
    data: &'a pkttables::packet::Data<'a>,
    flags: LogFlags,
}

impl Text<'_, '_> {
    /// Says that a header is cut off, with how much there is of it.
    fn incomplete(&mut self, at: usize) -> fmt::Result {
        write!(self.out, "INCOMPLETE [{} bytes] ", self.data.len().saturating_sub(at))
    }

    /// Options in hexadecimal; `false` if they are cut off.
    fn options(&mut self, start: usize, end: usize) -> Result<bool, fmt::Error> {
        if end > self.data.len() {
            return Ok(false);
        }
        self.out.write_str("OPT (")?;
        for byte in self.data.chunks(start, end).flatten() {
            write!(self.out, "{byte:02X}")?;
        }
        self.out.write_str(") ")?;
        Ok(true)
    }

    fn flag(&mut self, set: bool, name: &str) -> fmt::Result {
        if set {
            self.out.write_str(name)?;
            self.out.write_char(' ')?;
        }
        Ok(())
    }
}
